//! The replicated log: slots, what stands in them, and what replicas keep on stores.
//!
//! Every block has a key of its own and is written once (`docs/decisions/0009-log-layout.md`): a
//! head under its version, a vote under its slot and ballot, a snapshot under its name. A write that
//! comes late, twice or after its owner's death can thus take nothing back.

use alloc::{sync::Arc, vec::Vec};
use core::fmt;

use crate::{AgentId, Ballot, Incarnation, StateMachine, Version};

/// A position in the log, from 0.
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct Slot(pub u64);

impl Slot {
    /// Above every slot there will be.
    pub const END: Self = Self(u64::MAX);

    /// The slot after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "slot {}", self.0)
    }
}

/// A request as the replica knows it that took it: unique for all time.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct Ticket {
    /// The agent that took it.
    pub agent: AgentId,
    /// Which start of it.
    pub incarnation: Incarnation,
    /// Its number there, from 0.
    pub number: u64,
}

/// A client's session, named after the place in the log where it was opened: no two share a name.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct SessionId {
    /// The slot.
    pub slot: Slot,
    /// The place in that slot's batch.
    pub place: u16,
}

/// What a client asks of a replica.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(
        serialize = "M::Command: serde::Serialize, M::Query: serde::Serialize",
        deserialize = "M::Command: serde::de::DeserializeOwned, M::Query: serde::de::DeserializeOwned"
    ))
)]
pub enum Request<M: StateMachine> {
    /// A session; answered with [`Outcome::Opened`].
    Open,
    /// A command, carried out exactly once however often it is asked for under the same number.
    Run {
        /// The client's session.
        session: SessionId,
        /// Counts the session's commands from 1. The next one is asked for when this one is
        /// answered.
        seq: u64,
        /// The command.
        command: M::Command,
    },
    /// A linearizable query. It needs no session: asked twice, it changes nothing twice.
    Query(M::Query),
    /// The session is not needed any more. What was asked for under it and comes later has no effect.
    End {
        /// Which.
        session: SessionId,
    },
}

/// What became of a request.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Outcome<M: StateMachine> {
    /// The session is open.
    Opened(SessionId),
    /// The machine's answer to a command or a query.
    Answer(M::Answer),
    /// The session is closed, or was.
    Ended,
    /// There is no such session (any more): nothing was done.
    NoSession,
    /// A later command of the session has been carried out; what became of this one is forgotten.
    Outdated,
}

/// A request in the log.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(
        serialize = "M::Command: serde::Serialize, M::Query: serde::Serialize",
        deserialize = "M::Command: serde::de::DeserializeOwned, M::Query: serde::de::DeserializeOwned"
    ))
)]
pub struct Entry<M: StateMachine> {
    /// Who waits for the answer.
    pub ticket: Ticket,
    /// What is asked for.
    pub request: Request<M>,
}

/// What stands in a slot: requests in order. None at all is a no-op, which fills a gap.
pub type Batch<M> = Arc<[Entry<M>]>;

/// What an agent keeps under its newest version on each store: its promise and what goes with it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(
        serialize = "M::Command: serde::Serialize, M::Query: serde::Serialize",
        deserialize = "M::Command: serde::de::DeserializeOwned, M::Query: serde::de::DeserializeOwned"
    ))
)]
pub struct Head<M: StateMachine> {
    /// The greatest ballot started; never falls.
    pub mbal: Option<Ballot>,
    /// Counts up while its owner leads.
    pub beat: u64,
    /// Every slot below is decided, as far as its owner knows.
    pub decided: Slot,
    /// Slots below the snapshot's may be gone; the snapshot itself stands on a quorum.
    pub floor: Option<SnapshotName>,
    /// What its owner wants to have in the log, since only a leader can put it there.
    pub requests: Arc<[Entry<M>]>,
}

/// A head as it was read.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct HeadRead<M: StateMachine> {
    /// Whose it is.
    pub agent: AgentId,
    /// Which write of it.
    pub version: Version,
    /// What it says.
    pub head: Arc<Head<M>>,
}

/// A vote: in ballot `bal` its owner proposed a batch for a slot.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(
        serialize = "M::Command: serde::Serialize, M::Query: serde::Serialize",
        deserialize = "M::Command: serde::de::DeserializeOwned, M::Query: serde::de::DeserializeOwned"
    ))
)]
pub struct SlotVote<M: StateMachine> {
    /// For which slot.
    pub slot: Slot,
    /// In which ballot; it names the owner.
    pub bal: Ballot,
    /// For what.
    pub batch: Batch<M>,
}

/// The name of a snapshot. Greater: of a later state.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct SnapshotName {
    /// It is the state before this slot.
    pub slot: Slot,
    /// Who took it.
    pub agent: AgentId,
    /// In which incarnation.
    pub incarnation: Incarnation,
}

/// A state of the replicated machine, with all that is needed to go on from there.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(
        serialize = "M::Snapshot: serde::Serialize, M::Answer: serde::Serialize",
        deserialize = "M::Snapshot: serde::de::DeserializeOwned, M::Answer: serde::de::DeserializeOwned"
    ))
)]
pub struct Snapshot<M: StateMachine> {
    /// The first slot that is not in it.
    pub slot: Slot,
    /// The greatest ballot that its owner had met: who installs it knows of that ballot too.
    pub ballot: Option<Ballot>,
    /// The machine.
    pub machine: M::Snapshot,
    /// The sessions, in order: without them a retried command would take effect twice.
    pub sessions: Vec<(SessionId, Session<M>)>,
}

/// A client's session: its last command, so that asking again gives the same answer again.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(
        serialize = "M::Answer: serde::Serialize",
        deserialize = "M::Answer: serde::de::DeserializeOwned"
    ))
)]
pub struct Session<M: StateMachine> {
    /// The number of the last command carried out, 0 before the first.
    pub seq: u64,
    /// Its answer.
    pub answer: Option<M::Answer>,
}
