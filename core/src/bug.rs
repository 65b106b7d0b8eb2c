//! Planted bugs: permanent mutants, each a line of the protocol gone wrong, that oracles must catch.
//!
//! Only in builds with the feature `planted-bugs`; elsewhere `no_bug.rs` stands in, a constant `false`.

use core::hint;

use crate::Config;

/// Makes the bugs of a table: what each does, its name, its row in the list of bugs worth planting.
macro_rules! bugs {
    (
        wrong { $($(#[doc = $wrong_doc:literal])+ $wrong:ident: $row:expr,)+ }
        fallen { $($(#[doc = $fallen_doc:literal])+ $fallen:ident,)+ }
    ) => {
        /// A known bug, named after what the agent then does.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Bug {
            $($(#[doc = $wrong_doc])+ $wrong,)+
            $($(#[doc = $fallen_doc])+ $fallen,)+
        }

        impl Bug {
            /// Every one that makes a run go wrong; [`Bug::STUMBLES`] are not among them.
            pub const ALL: [Self; [$(stringify!($wrong)),+].len()] = [$(Self::$wrong),+];
            /// Those that break the agent itself in a rarely reached place, not the protocol: whoever
            /// runs many seeds must survive them.
            pub const STUMBLES: [Self; [$(stringify!($fallen)),+].len()] = [$(Self::$fallen),+];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$wrong => stringify!($wrong),)+
                    $(Self::$fallen => stringify!($fallen),)+
                }
            }

            /// What the agent then does, in a sentence or two.
            pub const fn says(self) -> &'static str {
                match self {
                    $(Self::$wrong => concat!($($wrong_doc),+).trim_ascii(),)+
                    $(Self::$fallen => concat!($($fallen_doc),+).trim_ascii(),)+
                }
            }

            /// Its row, from 1, in the list of 38 bugs worth planting; none for those beside the list.
            pub const fn row(self) -> Option<u8> {
                match self {
                    $(Self::$wrong => $row,)+
                    $(Self::$fallen => None,)+
                }
            }
        }
    };
}

bugs! {
wrong {
    /// Phase 2 proposes the own input instead of the value of the greatest vote seen.
    OwnInput: Some(1),
    /// Decides at the end of phase 1.
    DecidesAfterPhase1: Some(2),
    /// Phase 2 counts a store as soon as it is written, without reading it again.
    NoReread: Some(3),
    /// Phase 2 does not abort on a higher ballot.
    IgnoresHigherBallot: Some(4),
    /// Writes a store once it has read there, instead of reading once it has written.
    ReadsFirst: Some(5),
    /// A quorum of writes and a quorum of reads are counted apart, and nobody waits for the writes.
    CountsApart: Some(6),
    /// A quorum is one store short.
    QuorumOneShort: Some(7),
    /// Decides at the end of phase 1 if all votes seen are for one value.
    DecidesOnAccord: Some(8),
    /// The value of the block with the greatest `mbal` instead of the greatest `bal`.
    GreatestMbal: Some(9),
    /// The own vote is forgotten when an attempt ends. Harmless while nobody restarts: only its owner
    /// votes in a ballot, and knows that it was in vain.
    ForgetsVote: Some(10),
    /// A restarted agent begins from nothing.
    RestartsFromNothing: Some(11),
    /// An unreadable block is taken for an empty one.
    UnreadableIsEmpty: Some(12),
    /// A new write does not wait for an unanswered one to the same place.
    OvertakesWrite: Some(13),
    /// A restarted agent does not wait for what its dead incarnation has in flight.
    RestartsUnfenced: Some(14),
    /// Ballots of one round count as one, whoever owns them.
    SharesBallots: Some(17),
    /// A store counts once more with each further answer to the same read.
    CountsTwice: Some(18),
    /// An answer to a write is booked on the first store that waits for one.
    CrossesAnswers: Some(20),
    /// An answer to an aborted phase counts in the new one.
    CountsOldAnswers: Some(19),
    /// Phase 2 begins with what phase 1 read.
    KeepsReads: Some(21),
    /// Recovery reads one store instead of a quorum.
    RecoversFromOne: Some(22),
    /// Recovery keeps `mbal` and drops the vote.
    RecoversWithoutVote: Some(23),
    /// Recovery starts above the `mbal` read last instead of above all.
    RecoversBelow: Some(24),
    /// A block's checksum leaves out `bal` and `inp`.
    ChecksHeadOnly: Some(25),
    /// A block's check leaves out whose it is, and where.
    ChecksNoPlace: Some(25),
    /// Of two good slots of a dual block the older one counts.
    PicksLowerSlot: Some(26),
    /// A vote whose answer is lost counts as never cast: the own input is voted for in that ballot.
    VotesAgain: Some(27),
    /// A new leader leaves the highest slot voted for to whatever comes.
    SkipsHighestVote: Some(30),
    /// A new leader proposes again what it found under the ballot that it found it with.
    KeepsOldBallot: Some(31),
    /// Votes are dropped when one store holds the snapshot.
    DropsEarly: Some(32),
    /// A replica that installs a snapshot forgets what it promised.
    ForgetsPromise: Some(33),
    /// A snapshot is restored without its sessions.
    ForgetsSessions: Some(33),
    /// A leader answers queries without looking whether it still is one.
    ReadsUnchecked: Some(34),
    /// A read of promises counts for votes that were written after it was asked for.
    CountsEarlyRead: Some(35),
    /// A replica that catches up applies half of a batch.
    AppliesHalf: Some(37),
    /// After an abort an agent waits for the one that was in its way, dead or not, before it tries again.
    WaitsForTheDead: Some(38),
    /// Decides a value that nobody proposed.
    InventsValue: None,
    /// Says its decision again, changed.
    ChangesDecision: None,
    /// Phase 2 writes over a promise to a higher ballot.
    IgnoresPromise: None,
    /// A refused write counts as written.
    RefusedIsWritten: None,
    /// A promise is written without the vote that stood in the record.
    DropsVote: None,
    /// A store that refused the own value counts for it.
    CountsRefusals: None,
    /// Phase 1 does not abort on a higher ballot. Harmless: phase 2 meets it.
    NoAbortInPhase1: None,
    /// Only a strictly greater ballot ends an attempt. Harmless: no two agents own the same.
    StrictlyGreater: None,
    /// As `CountsApart`, but reads begin when a quorum is written. Harmless: two such sets of stores
    /// still meet.
    Barrier: None,
}
fallen {
    /// Panics on a higher ballot in phase 2 when some store is complete already.
    Panics,
    /// Never returns from meeting a higher ballot in phase 2 when some store is complete already.
    Loops,
}
}

impl Bug {
    /// Those that an [`Agent`](crate::Agent) can have.
    pub const DISK_PAXOS: [Self; 22] = [
        Self::OwnInput,
        Self::DecidesAfterPhase1,
        Self::NoReread,
        Self::IgnoresHigherBallot,
        Self::ReadsFirst,
        Self::CountsApart,
        Self::QuorumOneShort,
        Self::DecidesOnAccord,
        Self::GreatestMbal,
        Self::RestartsFromNothing,
        Self::UnreadableIsEmpty,
        Self::OvertakesWrite,
        Self::SharesBallots,
        Self::CountsTwice,
        Self::CrossesAnswers,
        Self::CountsOldAnswers,
        Self::KeepsReads,
        Self::RecoversFromOne,
        Self::RecoversWithoutVote,
        Self::RecoversBelow,
        Self::InventsValue,
        Self::ChangesDecision,
    ];
    /// Changes of an [`Agent`](crate::Agent) that break nothing: no oracle may report one of them
    /// (`ForgetsVote`: unless agents restart).
    pub const EQUIVALENT: [Self; 4] = [
        Self::NoAbortInPhase1,
        Self::StrictlyGreater,
        Self::ForgetsVote,
        Self::Barrier,
    ];
    /// Those that a [`AcceptorRecords`](crate::AcceptorRecords) can have.
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
    /// Those that a [`PutIfAbsent`](crate::PutIfAbsent) can have.
    pub const PUT_IF_ABSENT: [Self; 3] = [
        Self::QuorumOneShort,
        Self::InventsValue,
        Self::CountsRefusals,
    ];
    /// Those that a [`Replica`](crate::Replica) can have.
    pub const REPLICATED_LOG: [Self; 9] = [
        Self::RecoversFromOne,
        Self::SkipsHighestVote,
        Self::KeepsOldBallot,
        Self::DropsEarly,
        Self::ForgetsPromise,
        Self::ForgetsSessions,
        Self::ReadsUnchecked,
        Self::CountsEarlyRead,
        Self::AppliesHalf,
    ];
    /// Those that a [`Layout`](crate::Layout) can have: of blocks that an [`Agent`](crate::Agent)
    /// owns, in formats that are checked, checked, and dual.
    pub const BLOCKS: [Self; 3] = [
        Self::ChecksHeadOnly,
        Self::ChecksNoPlace,
        Self::PicksLowerSlot,
    ];
    /// Those of whoever drives agents: the first of an [`Agent`](crate::Agent) whose blocks are
    /// overwritten in place, the second of any that can abort.
    pub const DRIVERS: [Self; 2] = [Self::RestartsUnfenced, Self::WaitsForTheDead];

    /// The bug of this name, those that stumble included.
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter().chain(Self::STUMBLES);
        all.find(|bug| bug.name() == name)
    }
}

#[inline]
pub(crate) fn has(config: &Config, bug: Bug) -> bool {
    config.bug == Some(bug)
}

/// The rarely reached place of [`Bug::STUMBLES`].
pub(crate) fn stumble(config: &Config) {
    assert!(!has(config, Bug::Panics), "a planted panic");
    if has(config, Bug::Loops) {
        loop {
            hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bug_is_one_of_some_protocol_or_of_what_is_around_it() {
        let lists: [&[Bug]; 7] = [
            &Bug::DISK_PAXOS,
            &Bug::EQUIVALENT,
            &Bug::ACCEPTOR_RECORDS,
            &Bug::PUT_IF_ABSENT,
            &Bug::REPLICATED_LOG,
            &Bug::BLOCKS,
            &Bug::DRIVERS,
        ];
        for bug in Bug::ALL {
            let has = |list: &&[Bug]| list.contains(&bug);
            assert!(lists.iter().any(has), "{bug:?}");
        }
        for bug in lists.into_iter().flatten() {
            assert!(Bug::ALL.contains(bug), "{bug:?}");
        }
    }

    #[test]
    fn a_bug_is_found_by_its_name_and_says_what_it_does() {
        for bug in Bug::ALL.into_iter().chain(Bug::STUMBLES) {
            assert_eq!(Bug::named(bug.name()), Some(bug));
            assert!(
                bug.says().ends_with('.') && !bug.says().contains("  "),
                "{bug:?}"
            );
        }
        assert_eq!(Bug::named("NoSuchBug"), None);
    }

    #[test]
    fn more_than_twenty_five_rows_of_the_list_are_planted() {
        let planted = (1..=38).filter(|&row| Bug::ALL.iter().any(|bug| bug.row() == Some(row)));

        assert_eq!(planted.count(), 33);
    }
}
