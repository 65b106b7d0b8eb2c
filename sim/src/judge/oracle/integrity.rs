//! Integrity: an incarnation that has decided never says anything else.
//!
//! Checked: every decision against the same incarnation's first. Not checked: other incarnations
//! and agents (`agreement.rs`).

use bivalent_core::Value;

use super::{Decider, name, spell};

/// Every incarnation's decision.
#[derive(Clone, Debug, Default)]
pub(crate) struct Integrity {
    decisions: Vec<(Decider, Value)>,
}

impl Integrity {
    pub(crate) fn reset(&mut self) {
        self.decisions.clear();
    }

    /// Takes a decision; says what is wrong with it.
    pub(crate) fn decided(&mut self, who: Decider, value: Value) -> Option<String> {
        let known = self.decisions.iter().find(|(decider, _)| *decider == who);
        let Some(&(_, had)) = known else {
            self.decisions.push((who, value));
            return None;
        };
        let what = || {
            format!(
                "{} changed its decision from {} to {}",
                name(who.0),
                spell(had),
                spell(value)
            )
        };
        (had != value).then(what)
    }
}

#[cfg(test)]
mod tests {
    use bivalent_core::AgentId;

    use super::*;

    #[test]
    fn saying_it_again_is_silent_and_saying_something_else_is_not() {
        let mut oracle = Integrity::default();
        let who = (AgentId(0), 0);

        assert_eq!(oracle.decided(who, Value(1)), None);
        assert_eq!(oracle.decided(who, Value(1)), None);
        assert!(oracle.decided(who, Value(2)).is_some());
        assert_eq!(
            oracle.decided((AgentId(0), 1), Value(2)),
            None,
            "another incarnation"
        );
    }
}
