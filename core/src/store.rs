//! The operations of passive stores: fixed places, as a disk has them, and named objects, as a bucket has them.

use alloc::vec::Vec;
use core::fmt::Debug;

use crate::{AgentId, Block, Version};

/// An operation on a store of blocks: one block for each agent, or one record for all.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum BlockOp {
    /// Read an agent's block, or the record under [`RECORD`](crate::RECORD).
    Read {
        /// Whose block.
        owner: AgentId,
    },
    /// Replace the own block.
    Write {
        /// The number of this write among the agent's on that store.
        version: Version,
        /// What to write.
        block: Block,
    },
    /// Replace the record, which is nobody's own, if nobody has written it since: the condition and the write are one
    /// step of the store's.
    Swap {
        /// The version that must still stand there; default: never written.
        expect: Version,
        /// The version that it then has: one more write than `expect`, so that none comes twice.
        version: Version,
        /// What to write.
        block: Block,
    },
}

/// What a store of blocks answers.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum BlockReply {
    /// A block was read. Never written is the default block, which is an answer like any other.
    Block {
        /// What it holds.
        block: Block,
        /// The number of the write that left it there, default if never written.
        version: Version,
    },
    /// What stands there is no block. That is not an empty block: the store counts as not read.
    Unreadable,
    /// The write is on the store, or was before somebody wrote over it.
    Written,
    /// The condition of a write did not hold: something else stands there, and nothing of the write landed.
    Refused,
}

/// An agent's name for an operation on a store of blocks.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum BlockTag {
    /// A read of `owner`'s block.
    Read {
        /// Whose block.
        owner: AgentId,
        /// The phase that wants it.
        epoch: u32,
    },
    /// A write of the own block, or a conditional one of the record.
    Write {
        /// The phase whose block it is.
        epoch: u32,
        /// Retry count of the same bytes, from 0; all from the eighth on are 7. Of conditional writes: which of the
        /// phase's writes to that store, from 0.
        attempt: u8,
    },
}

/// The name of an object. Names are ordered as their texts are, so that a listing is in the order of either.
pub trait Name: Clone + Debug + Ord {
    /// What names are listed by: a prefix that ends with a slash.
    type Folder: Copy + Debug + Ord;

    /// The folder that it is in.
    fn folder(&self) -> Self::Folder;
}

/// One state of an object, named by the store: two states have the same tag only if nothing was written in between.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ObjectTag(pub u64);

impl ObjectTag {
    /// Names no state that anything was ever in.
    pub const NEVER: Self = Self(u64::MAX);
}

/// When a put takes effect.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum If {
    /// Whatever stands there.
    Always,
    /// If nothing stands there.
    Absent,
    /// If the object is still in that state.
    Unchanged(ObjectTag),
}

/// An operation on a store of named objects.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum ObjectOp<N: Name, C> {
    /// Read an object.
    Get(N),
    /// Write an object, whole.
    Put {
        /// Its name.
        name: N,
        /// What it is to hold.
        content: C,
        /// On which condition.
        only: If,
    },
    /// Remove objects; those that are not there count as removed. Not one step: some may be gone before others.
    Delete(Vec<N>),
    /// The names in a folder, in order, a page at a time.
    List {
        /// The folder.
        folder: N::Folder,
        /// Only names after this one: the last of the page before.
        after: Option<N>,
    },
}

/// What a store of named objects answers.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum ObjectReply<N, C> {
    /// A put or a delete has taken effect. Of a put: the state that it left, where the store names it.
    Done(Option<ObjectTag>),
    /// The object was read.
    Found {
        /// What it holds.
        content: C,
        /// The state that it was in.
        tag: ObjectTag,
    },
    /// There is no such object.
    Missing,
    /// A page of a listing.
    Listed {
        /// The names, in order.
        names: Vec<N>,
        /// There may be more after the last of them.
        more: bool,
    },
    /// The condition of a put did not hold; nothing was written.
    ConditionFailed,
    /// The store was busy with another write of the same object; nothing was written. Try again.
    Conflict,
    /// The store refused, and nothing was done.
    Failed,
    /// Something went wrong on the way: it may have taken effect, or may do so later, or never.
    Unknown,
    /// Something stands there, and it is not what a writer of this name leaves: it is damaged, or not whole.
    Unreadable,
    /// The store has no such operation: a condition that it does not know.
    Unsupported,
}
