//! Agreement: no two incarnations decide differently, dead ones included.
//!
//! Checked: the first decision of every incarnation against the first of all. Not checked: that the
//! value was proposed (`validity.rs`), that an incarnation stays with its decision
//! (`integrity.rs`), that anyone decides (`engine/liveness.rs`).

use bivalent_core::Value;

use super::{Decider, name, spell};

/// The first decision of a run, and who has decided since.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agreement {
    first: Option<(Decider, Value)>,
    heard: Vec<Decider>,
}

impl Agreement {
    pub(crate) fn reset(&mut self) {
        self.first = None;
        self.heard.clear();
    }

    /// Takes a decision; says what is wrong with it.
    pub(crate) fn decided(&mut self, who: Decider, value: Value) -> Option<String> {
        if self.heard.contains(&who) {
            return None;
        }
        self.heard.push(who);
        let (first, had) = *self.first.get_or_insert((who, value));
        (had != value).then(|| {
            let (a, b) = (name(who.0), name(first.0));
            format!(
                "{a} decided {}, {b} had decided {}",
                spell(value),
                spell(had)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use bivalent_core::AgentId;

    use super::*;

    #[test]
    fn equal_decisions_are_silent_and_a_different_one_names_both_witnesses() {
        let mut oracle = Agreement::default();

        assert_eq!(oracle.decided((AgentId(0), 0), Value(1)), None);
        assert_eq!(oracle.decided((AgentId(1), 0), Value(1)), None);
        let found = oracle.decided((AgentId(1), 1), Value(2));

        assert_eq!(
            found.as_deref(),
            Some("{a1} decided {v2}, {a0} had decided {v1}")
        );
    }

    #[test]
    fn a_changed_mind_is_left_to_integrity() {
        let mut oracle = Agreement::default();
        oracle.decided((AgentId(0), 0), Value(1));

        assert_eq!(oracle.decided((AgentId(0), 0), Value(2)), None);
    }
}
