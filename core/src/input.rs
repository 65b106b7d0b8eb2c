//! Everything an agent can learn of the world. Past tense: it has happened.

use crate::{AgentId, Ballot, Block, Operation, StoreId, Version};

/// What an agent is told. Answers echo the `epoch` of the request they answer, so that an answer
/// to an aborted phase is known for what it is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Input {
    /// An own ballot was chosen for the next attempt; answers [`Effect::Abort`](crate::Effect::Abort),
    /// the end of a recovery, and a fresh agent. It must be above the own last ballot; for progress
    /// it should be above the one that the effect named.
    Start {
        /// The ballot.
        ballot: Ballot,
    },
    /// A write of ours is on the store, or was before somebody wrote over it.
    Wrote {
        /// Where.
        store: StoreId,
        /// The request's epoch.
        epoch: u32,
        /// The request's attempt.
        attempt: u8,
    },
    /// The condition of a write did not hold: something else stands there, and nothing of the write
    /// landed. What stands there must be read.
    Refused {
        /// Where.
        store: StoreId,
        /// The request's epoch.
        epoch: u32,
        /// The request's attempt.
        attempt: u8,
    },
    /// A block was read. Never-written is the default block, which is an answer like any other.
    Read {
        /// From where.
        store: StoreId,
        /// Whose block it is.
        owner: AgentId,
        /// The request's epoch.
        epoch: u32,
        /// What it holds.
        block: Block,
        /// The number of the write that left it there, default if never written.
        version: Version,
    },
    /// The store answered with something that is no block. That is not an empty block: the store
    /// counts as not read.
    Unreadable {
        /// From where.
        store: StoreId,
        /// Whose block was asked for.
        owner: AgentId,
        /// The request's epoch.
        epoch: u32,
    },
    /// A request has gone without an answer for as long as the driver waits. Its fate is unknown.
    TimedOut {
        /// The request.
        operation: Operation,
    },
}
