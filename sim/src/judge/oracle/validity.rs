//! Validity: what is decided was proposed by some agent.
//!
//! Checked: every decision against the scenario's proposals. Not checked: that decisions are equal
//! (`agreement.rs`), or that the proposer ever ran.

use bivalent_core::Value;

use super::{Decider, name};

/// Proposals are the values 1 to `proposals`.
#[derive(Clone, Debug)]
pub(crate) struct Validity {
    proposals: u64,
}

impl Validity {
    pub(crate) const fn new(proposals: u64) -> Self {
        Self { proposals }
    }

    /// Takes a decision; says what is wrong with it.
    pub(crate) fn decided(&self, who: Decider, value: Value) -> Option<String> {
        let proposed = (1..=self.proposals).contains(&value.0);
        (!proposed).then(|| {
            format!(
                "{} decided #{:x}, which nobody proposed",
                name(who.0),
                value.0
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use bivalent_core::AgentId;

    use super::*;

    #[test]
    fn a_proposal_is_silent_and_anything_else_is_not() {
        let oracle = Validity::new(2);
        let who = (AgentId(0), 0);

        assert_eq!(oracle.decided(who, Value(2)), None);
        assert!(oracle.decided(who, Value(3)).is_some());
        assert!(oracle.decided(who, Value(0)).is_some());
    }
}
