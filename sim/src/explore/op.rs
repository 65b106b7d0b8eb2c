//! Operations in flight: what an agent calls them, what asks for them.

use bivalent_core::{AgentId, Effect, Operation};

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

    /// What an effect that asks for a write puts in flight.
    pub(super) const fn written(effect: Effect) -> Option<Self> {
        match effect {
            Effect::Write {
                store,
                epoch,
                attempt,
                block,
                ..
            } => Some(Self::Write {
                store,
                epoch,
                attempt,
                expect: None,
                block,
            }),
            Effect::WriteIf {
                store,
                epoch,
                attempt,
                expect,
                block,
                ..
            } => Some(Self::Write {
                store,
                epoch,
                attempt,
                expect: Some(expect),
                block,
            }),
            Effect::Read { .. }
            | Effect::Retry { .. }
            | Effect::Abort { .. }
            | Effect::Decide(_) => None,
        }
    }

    /// What an agent calls it.
    pub(super) const fn operation(&self) -> Operation {
        match *self {
            Self::Read {
                store,
                owner,
                epoch,
            } => Operation::Read {
                store,
                owner: AgentId(owner),
                epoch,
            },
            Self::Write {
                store,
                epoch,
                attempt,
                ..
            } => Operation::Write {
                store,
                epoch,
                attempt,
            },
        }
    }

    pub(super) fn again(operation: Operation, id: AgentId) -> Self {
        match operation {
            Operation::Read {
                store,
                owner,
                epoch,
            } => Self::Read {
                store,
                owner: owner.0,
                epoch,
            },
            Operation::Write { .. } => unreachable!("{id:?}: only a read can be unreadable"),
        }
    }
}
