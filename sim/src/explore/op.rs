//! Operations in flight: what an agent calls them, what asks for them.

use bivalent_core::{AgentId, BlockOp, BlockTag, StoreId};

use super::{moves::Act, part::Op};

impl Op {
    pub(super) const fn act(&self) -> Act {
        match *self {
            Self::Write { .. } => Act::Write,
            Self::Read { owner, .. } => Act::Read {
                owner: AgentId(owner),
            },
        }
    }

    pub(super) const fn epoch(&self) -> u32 {
        match *self {
            Self::Write { epoch, .. } | Self::Read { epoch, .. } => epoch,
        }
    }

    /// What an agent asks for.
    pub(super) const fn asked(store: StoreId, tag: BlockTag, op: BlockOp) -> Self {
        let (epoch, attempt) = match tag {
            BlockTag::Read { epoch, .. } => (epoch, 0),
            BlockTag::Write { epoch, attempt } => (epoch, attempt),
        };
        let (expect, block) = match op {
            BlockOp::Read { owner } => {
                return Self::Read {
                    store,
                    owner: owner.0,
                    epoch,
                };
            }
            BlockOp::Write { block, .. } => (None, block),
            BlockOp::Swap { expect, block, .. } => (Some(expect), block),
        };
        Self::Write {
            store,
            epoch,
            attempt,
            expect,
            block,
        }
    }

    /// The same, if it is a write.
    pub(super) fn written(store: StoreId, tag: BlockTag, op: BlockOp) -> Option<Self> {
        let asked = Self::asked(store, tag, op);
        matches!(asked, Self::Write { .. }).then_some(asked)
    }

    /// What its agent calls it.
    pub(super) const fn tag(&self) -> BlockTag {
        match *self {
            Self::Read { owner, epoch, .. } => BlockTag::Read {
                owner: AgentId(owner),
                epoch,
            },
            Self::Write { epoch, attempt, .. } => BlockTag::Write { epoch, attempt },
        }
    }

    /// An operation that its agent will ask for again: it stays in flight, since its answer was none.
    pub(super) fn again(store: StoreId, tag: BlockTag, id: AgentId) -> Self {
        match tag {
            BlockTag::Read { owner, epoch } => Self::Read {
                store,
                owner: owner.0,
                epoch,
            },
            BlockTag::Write { .. } => unreachable!("{id:?}: only a read can be unreadable"),
        }
    }
}
