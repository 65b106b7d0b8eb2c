//! What a replica asks of stores, what they answer, and what else it says.

use alloc::{sync::Arc, vec::Vec};

use crate::{
    Ballot, Batch, Head, HeadRead, Outcome, Slot, SlotVote, Snapshot, SnapshotName, StateMachine,
    Ticket, Version,
};

/// One operation on one store of a log.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum LogOp<M: StateMachine> {
    /// Put the own head under this version; answered with [`LogReply::Written`].
    WriteHead {
        /// Above those of all earlier heads of the same agent.
        version: Version,
        /// What it says.
        head: Arc<Head<M>>,
    },
    /// Put an own vote under its slot and ballot; answered with [`LogReply::Written`].
    WriteVote(SlotVote<M>),
    /// Put a snapshot under its name; answered with [`LogReply::Written`].
    WriteSnapshot {
        /// The name.
        name: SnapshotName,
        /// The state.
        snapshot: Arc<Snapshot<M>>,
    },
    /// Remove the own votes and snapshots below a slot, and own heads that have newer versions;
    /// answered with [`LogReply::Written`].
    Drop {
        /// The slot.
        below: Slot,
    },
    /// Read everybody's head of the greatest version that can be read; answered with
    /// [`LogReply::Heads`].
    ReadHeads,
    /// Read everybody's votes from one slot up to another, excluded, **then** everybody's head;
    /// answered with [`LogReply::Scanned`]. The order is what lets a reader who misses a vote because
    /// it was dropped find the floor under which it fell.
    Scan {
        /// The first slot.
        from: Slot,
        /// The first slot that is not wanted.
        to: Slot,
    },
    /// Read a snapshot; answered with [`LogReply::Snapshot`].
    ReadSnapshot {
        /// Its name.
        name: SnapshotName,
    },
}

impl<M: StateMachine> LogOp<M> {
    /// Whether it changes something on the store.
    pub const fn is_write(&self) -> bool {
        match self {
            Self::WriteHead { .. }
            | Self::WriteVote(_)
            | Self::WriteSnapshot { .. }
            | Self::Drop { .. } => true,
            Self::ReadHeads | Self::Scan { .. } | Self::ReadSnapshot { .. } => false,
        }
    }
}

/// What a store of a log answers.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum LogReply<M: StateMachine> {
    /// It is done, and stays.
    Written,
    /// The newest readable head of each agent that has one.
    Heads(Vec<HeadRead<M>>),
    /// Votes and, read after them, heads.
    Scanned {
        /// All readable votes in the range, in any order.
        votes: Vec<SlotVote<M>>,
        /// As [`LogReply::Heads`].
        heads: Vec<HeadRead<M>>,
    },
    /// The snapshot, if it stands there and can be read.
    Snapshot(Option<Arc<Snapshot<M>>>),
}

/// When a replica wants to be woken.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Timer {
    /// Once a heartbeat, for ever.
    Tick,
    /// At the end of the pause before standing for leader.
    Stand,
}

/// What a replica says: to clients, and to whoever looks on.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum LogSaid<M: StateMachine> {
    /// A request that was taken here has its outcome.
    Answer {
        /// Which request.
        ticket: Ticket,
        /// What became of it.
        outcome: Outcome<M>,
    },
    /// The batch of a slot is decided, as this replica knows now.
    Chosen {
        /// The slot.
        slot: Slot,
        /// What stands there for ever.
        batch: Batch<M>,
    },
    /// The batch of a slot was applied.
    Applied {
        /// The slot.
        slot: Slot,
    },
    /// A snapshot took the place of everything before its slot. Requests taken here that were decided there get
    /// no [`Answer`](Self::Answer): withdraw what waits, and ask for it again.
    Installed {
        /// The first slot that is not in it.
        slot: Slot,
    },
    /// It leads: phase 1 is done for every slot there will be.
    Leads {
        /// Its ballot.
        ballot: Ballot,
        /// The first slot for which it proposes something of its own.
        from: Slot,
    },
    /// It leads no more, or stood in vain.
    Follows {
        /// The ballot that was met.
        above: Option<Ballot>,
    },
}
