//! Probes: named moments that some run of a campaign should have come to, or it has tested little.

use crate::scenario::Protocol;

/// A moment worth having been at.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Probe {
    /// Somebody decided; in a log, a slot was decided.
    Decided,
    /// Everybody did who was up.
    AllDecided,
    /// An attempt ended on a higher ballot in phase 1.
    PreemptedInPhase1,
    /// The same in phase 2, with a vote written or on its way.
    PreemptedInPhase2,
    /// Phase 2 began with somebody else's value.
    Adopted,
    /// A restarted agent read its own vote back.
    RecoveredWithVote,
    /// A restarted agent found no vote of its own.
    RecoveredWithoutVote,
    /// An agent crashed with writes in flight.
    CrashedBetweenWrites,
    /// Somebody decided while a store did not answer.
    DecidedWithoutAStore,
    /// A block could not be read.
    UnreadableRead,
    /// An older write replaced, or came after, a newer one.
    LateWriteLanded,
    /// A read was answered with an older version.
    OldVersionRead,
    /// An answer came for an incarnation that was no more.
    AnswerToTheDead,
    /// A conditional write was refused.
    Refused,
    /// Agents ended each other's attempts four times without a decision.
    Contended,
    /// A stall came, and a decision after it.
    StallEnded,
    /// Somebody began to lead after somebody else had.
    LeaderReplaced,
    /// A leader found a higher ballot and stepped down.
    LeaderDeposed,
    /// A slot held several requests.
    Batched,
    /// A replica went on from a snapshot.
    Installed,
    /// A command came into the log again and took effect once.
    Repeated,
    /// A query was answered.
    Queried,
    /// An agent crashed in phase 2, its vote written or on its way.
    CrashedInPhase2,
    /// A restarted agent had read what it must while another one was in phase 2.
    RecoveredAmidPhase2,
    /// An agent decided that had crashed before.
    DecidedAfterRecovery,
    /// Phase 2 began with the value of somebody who was down.
    AdoptedFromTheDead,
    /// A block was read that a torn write had left.
    TornRead,
    /// The same by an agent that was recovering.
    TornReadInRecovery,
    /// A recovering agent was told of an older version, or of a store as it had once been.
    OldReadInRecovery,
    /// A block was read that an older write had taken back.
    LateWriteRead,
    /// Somebody began to lead while somebody else still did.
    TwoLeaders,
    /// A replica that had crashed before went on from a snapshot.
    InstalledAfterRestart,
}

impl Probe {
    /// All of them, by number.
    pub const ALL: [Self; 32] = [
        Self::Decided,
        Self::AllDecided,
        Self::PreemptedInPhase1,
        Self::PreemptedInPhase2,
        Self::Adopted,
        Self::RecoveredWithVote,
        Self::RecoveredWithoutVote,
        Self::CrashedBetweenWrites,
        Self::DecidedWithoutAStore,
        Self::UnreadableRead,
        Self::LateWriteLanded,
        Self::OldVersionRead,
        Self::AnswerToTheDead,
        Self::Refused,
        Self::Contended,
        Self::StallEnded,
        Self::LeaderReplaced,
        Self::LeaderDeposed,
        Self::Batched,
        Self::Installed,
        Self::Repeated,
        Self::Queried,
        Self::CrashedInPhase2,
        Self::RecoveredAmidPhase2,
        Self::DecidedAfterRecovery,
        Self::AdoptedFromTheDead,
        Self::TornRead,
        Self::TornReadInRecovery,
        Self::OldReadInRecovery,
        Self::LateWriteRead,
        Self::TwoLeaders,
        Self::InstalledAfterRestart,
    ];

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decided => "decided",
            Self::AllDecided => "all-decided",
            Self::PreemptedInPhase1 => "pre-empted-in-phase-1",
            Self::PreemptedInPhase2 => "pre-empted-in-phase-2",
            Self::Adopted => "adopted-a-value",
            Self::RecoveredWithVote => "recovered-with-vote",
            Self::RecoveredWithoutVote => "recovered-without-vote",
            Self::CrashedBetweenWrites => "crashed-between-writes",
            Self::DecidedWithoutAStore => "decided-without-a-store",
            Self::UnreadableRead => "unreadable-read",
            Self::LateWriteLanded => "late-write-landed",
            Self::OldVersionRead => "old-version-read",
            Self::AnswerToTheDead => "answer-to-the-dead",
            Self::Refused => "write-refused",
            Self::Contended => "contended",
            Self::StallEnded => "stall-ended",
            Self::LeaderReplaced => "leader-replaced",
            Self::LeaderDeposed => "leader-deposed",
            Self::Batched => "batched",
            Self::Installed => "snapshot-installed",
            Self::Repeated => "repeat-took-effect-once",
            Self::Queried => "query-answered",
            Self::CrashedInPhase2 => "crashed-in-phase-2",
            Self::RecoveredAmidPhase2 => "recovered-amid-phase-2",
            Self::DecidedAfterRecovery => "decided-after-recovery",
            Self::AdoptedFromTheDead => "adopted-from-the-dead",
            Self::TornRead => "torn-block-read",
            Self::TornReadInRecovery => "torn-block-read-in-recovery",
            Self::OldReadInRecovery => "old-version-read-in-recovery",
            Self::LateWriteRead => "late-write-read",
            Self::TwoLeaders => "two-leaders",
            Self::InstalledAfterRestart => "snapshot-installed-after-restart",
        }
    }

    /// Its bit in a set.
    pub const fn bit(self) -> u64 {
        1 << self as u32
    }

    /// Whether runs on buckets can come to it: there nobody's older block comes to stand in a newer one's place.
    pub const fn is_told_on_buckets(self) -> bool {
        !matches!(self, Self::LateWriteRead)
    }

    /// Whether runs of this protocol can come to it at all.
    pub const fn concerns(self, protocol: Protocol) -> bool {
        let is_log = matches!(protocol, Protocol::ReplicatedLog);
        match self {
            Self::Decided
            | Self::AllDecided
            | Self::StallEnded
            | Self::CrashedBetweenWrites
            | Self::AnswerToTheDead
            | Self::OldVersionRead => true,
            Self::PreemptedInPhase1
            | Self::PreemptedInPhase2
            | Self::Adopted
            | Self::AdoptedFromTheDead
            | Self::CrashedInPhase2
            | Self::Contended => {
                matches!(protocol, Protocol::DiskPaxos | Protocol::AcceptorRecords)
            }
            Self::UnreadableRead | Self::TornRead => {
                matches!(protocol, Protocol::DiskPaxos | Protocol::ReplicatedLog)
            }
            Self::RecoveredWithVote
            | Self::TornReadInRecovery
            | Self::OldReadInRecovery
            | Self::LateWriteRead => {
                matches!(protocol, Protocol::DiskPaxos)
            }
            Self::DecidedWithoutAStore
            | Self::RecoveredWithoutVote
            | Self::RecoveredAmidPhase2
            | Self::DecidedAfterRecovery => !is_log,
            Self::LateWriteLanded => !protocol.is_conditional(),
            Self::Refused => protocol.is_conditional(),
            Self::LeaderReplaced
            | Self::LeaderDeposed
            | Self::TwoLeaders
            | Self::Batched
            | Self::Installed
            | Self::InstalledAfterRestart
            | Self::Repeated
            | Self::Queried => is_log,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_bit_and_a_name_of_its_own() {
        for (number, probe) in Probe::ALL.into_iter().enumerate() {
            assert_eq!(probe.bit(), 1 << number);
            let same = Probe::ALL
                .iter()
                .filter(|other| other.name() == probe.name());
            assert_eq!(same.count(), 1, "{}", probe.name());
        }
    }
}
