//! What a run of one decision keeps for an agent.

#[cfg(feature = "planted-bugs")]
use bivalent_core::Ballot;

use super::Blocks;
use crate::engine::Participant;

/// An operation that a duel holds back, and since when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) bits: u64,
    pub(crate) tick: u64,
    /// Operations on stores until then.
    pub(crate) ops: u64,
}

/// What is kept for an agent beside its place in the run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Own {
    /// Aborts in a row, for the contention manager.
    pub(crate) aborts: u32,
    /// The ballot that ended its last attempt.
    #[cfg(feature = "planted-bugs")]
    pub(crate) above: Option<Ballot>,
    /// Operations that the adversary holds back.
    pub(crate) held: Vec<Held>,
}

/// One agent of a run.
pub(crate) type Seat = Participant<Blocks>;

impl Own {
    pub(super) fn reset(&mut self) {
        self.aborts = 0;
        #[cfg(feature = "planted-bugs")]
        {
            self.above = None;
        }
        self.held.clear();
    }
}
