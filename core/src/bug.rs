//! Planted bugs: permanent mutants, each a line of the protocol gone wrong, that oracles must catch.
//!
//! Only in builds with the feature `planted-bugs`; elsewhere `no_bug.rs` stands in, a constant `false`.

use crate::Config;

/// A known bug, named after what the agent then does.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Bug {
    /// Phase 2 proposes the own input instead of the value of the greatest vote seen.
    OwnInput,
    /// Decides at the end of phase 1.
    DecidesAfterPhase1,
    /// Phase 2 counts a store as soon as it is written, without reading it again.
    NoReread,
    /// Phase 2 does not abort on a higher ballot.
    IgnoresHigherBallot,
    /// A quorum is one store short.
    QuorumOneShort,
    /// The value of the block with the greatest `mbal` instead of the greatest `bal`.
    GreatestMbal,
    /// A restarted agent begins from nothing.
    RestartsFromNothing,
    /// An unreadable block is taken for an empty one.
    UnreadableIsEmpty,
    /// A new write does not wait for an unanswered one to the same place.
    OvertakesWrite,
    /// An answer to an aborted phase counts in the new one.
    CountsOldAnswers,
    /// Phase 2 begins with what phase 1 read.
    KeepsReads,
    /// Recovery reads one store instead of a quorum.
    RecoversFromOne,
    /// Recovery keeps `mbal` and drops the vote.
    RecoversWithoutVote,
    /// Decides a value that nobody proposed.
    InventsValue,
    /// Says its decision again, changed.
    ChangesDecision,
}

impl Bug {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 15] = [
        Self::OwnInput,
        Self::DecidesAfterPhase1,
        Self::NoReread,
        Self::IgnoresHigherBallot,
        Self::QuorumOneShort,
        Self::GreatestMbal,
        Self::RestartsFromNothing,
        Self::UnreadableIsEmpty,
        Self::OvertakesWrite,
        Self::CountsOldAnswers,
        Self::KeepsReads,
        Self::RecoversFromOne,
        Self::RecoversWithoutVote,
        Self::InventsValue,
        Self::ChangesDecision,
    ];
}

#[inline]
pub(crate) fn has(config: &Config, bug: Bug) -> bool {
    config.bug == Some(bug)
}
