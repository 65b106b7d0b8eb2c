//! Stands in for the planted bugs where they are not compiled in: the names that the protocol asks
//! about, all of them absent.

use crate::Config;

#[derive(Clone, Copy)]
pub(crate) enum Bug {
    OwnInput,
    DecidesAfterPhase1,
    NoReread,
    SharesBallots,
    IgnoresHigherBallot,
    QuorumOneShort,
    UnreadableIsEmpty,
    OvertakesWrite,
    CountsOldAnswers,
    KeepsReads,
    RecoversFromOne,
    RecoversWithoutVote,
    RecoversBelow,
    ChecksHeadOnly,
    ChecksNoPlace,
    PicksLowerSlot,
    InventsValue,
    IgnoresPromise,
    RefusedIsWritten,
    VotesAgain,
    DropsVote,
    CountsRefusals,
    NoAbortInPhase1,
    StrictlyGreater,
    ForgetsVote,
    ForgetsPromise,
    ForgetsSessions,
    ReadsUnchecked,
    DropsEarly,
    SkipsHighestVote,
    KeepsOldBallot,
    CountsEarlyRead,
}

#[inline]
pub(crate) const fn has(_: &Config, _: Bug) -> bool {
    false
}
