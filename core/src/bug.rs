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
    /// Phase 2 writes over a promise to a higher ballot.
    IgnoresPromise,
    /// A refused write counts as written.
    RefusedIsWritten,
    /// A vote whose answer is lost counts as never cast: the own input is voted for in that ballot.
    VotesAgain,
    /// A promise is written without the vote that stood in the record.
    DropsVote,
    /// A store that refused the own value counts for it.
    CountsRefusals,
    /// A quorum of writes and a quorum of reads are counted apart, and nobody waits for the writes.
    CountsApart,
    /// Phase 1 does not abort on a higher ballot. Harmless: phase 2 meets it.
    NoAbortInPhase1,
    /// Only a strictly greater ballot ends an attempt. Harmless: no two agents own the same.
    StrictlyGreater,
    /// The own vote is forgotten when an attempt ends. Harmless while nobody restarts: only its owner
    /// votes in a ballot, and knows that it was in vain.
    ForgetsVote,
    /// As [`CountsApart`](Self::CountsApart), but reads begin when a quorum is written. Harmless: two
    /// such sets of stores still meet.
    Barrier,
    /// A replica that installs a snapshot forgets what it promised.
    ForgetsPromise,
    /// A snapshot is restored without its sessions.
    ForgetsSessions,
    /// A leader answers queries without looking whether it still is one.
    ReadsUnchecked,
    /// Votes are dropped when one store holds the snapshot.
    DropsEarly,
    /// A replica that catches up applies half of a batch.
    AppliesHalf,
    /// A new leader leaves the highest slot voted for to whatever comes.
    SkipsHighestVote,
    /// A read of promises counts for votes that were written after it was asked for.
    CountsEarlyRead,
}

impl Bug {
    /// Every one.
    pub const ALL: [Self; 32] = [
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
        Self::IgnoresPromise,
        Self::RefusedIsWritten,
        Self::VotesAgain,
        Self::DropsVote,
        Self::CountsRefusals,
        Self::CountsApart,
        Self::NoAbortInPhase1,
        Self::StrictlyGreater,
        Self::ForgetsVote,
        Self::Barrier,
        Self::ForgetsPromise,
        Self::ForgetsSessions,
        Self::ReadsUnchecked,
        Self::DropsEarly,
        Self::AppliesHalf,
        Self::SkipsHighestVote,
        Self::CountsEarlyRead,
    ];
    /// Those that a [`Replica`](crate::Replica) can have.
    pub const REPLICATED_LOG: [Self; 8] = [
        Self::ForgetsPromise,
        Self::ForgetsSessions,
        Self::ReadsUnchecked,
        Self::DropsEarly,
        Self::AppliesHalf,
        Self::RecoversFromOne,
        Self::SkipsHighestVote,
        Self::CountsEarlyRead,
    ];
    /// Those that an [`Agent`](crate::Agent) can have.
    pub const DISK_PAXOS: [Self; 16] = [
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
        Self::CountsApart,
    ];
    /// Changes of an [`Agent`](crate::Agent) that break nothing: no oracle may report one of them
    /// (`ForgetsVote`: unless agents restart).
    pub const EQUIVALENT: [Self; 4] = [
        Self::NoAbortInPhase1,
        Self::StrictlyGreater,
        Self::ForgetsVote,
        Self::Barrier,
    ];
    /// Those that a [`RecordAgent`](crate::RecordAgent) can have.
    pub const ACCEPTOR_RECORDS: [Self; 8] = [
        Self::OwnInput,
        Self::DecidesAfterPhase1,
        Self::QuorumOneShort,
        Self::InventsValue,
        Self::IgnoresPromise,
        Self::RefusedIsWritten,
        Self::VotesAgain,
        Self::DropsVote,
    ];
    /// Those that a [`ClaimAgent`](crate::ClaimAgent) can have.
    pub const PUT_IF_ABSENT: [Self; 3] = [
        Self::QuorumOneShort,
        Self::InventsValue,
        Self::CountsRefusals,
    ];
}

#[inline]
pub(crate) fn has(config: &Config, bug: Bug) -> bool {
    config.bug == Some(bug)
}
