//! The parts of a state: what one agent contributes, and what one store does.

use bivalent_core::{Agent, Ballot, Block, Renaming, StoreId, Value, Version};

/// Whether an agent takes steps.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are up, and each distinct one is kept once"
)]
pub(super) enum Seat {
    /// It does.
    Up(Agent),
    /// It has crashed; its next start will be this incarnation.
    Down {
        /// The next incarnation.
        next: u16,
    },
    /// It has no ballot left and never takes a step again.
    Stopped,
}

/// An operation in flight.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Op {
    /// A read of a block.
    Read {
        store: StoreId,
        /// Whose block.
        owner: u8,
        epoch: u32,
    },
    /// A write of the own block.
    Write {
        store: StoreId,
        epoch: u32,
        version: Version,
        block: Block,
    },
}

impl Op {
    /// Operations of one agent are told apart, and sorted, by this.
    pub(super) const fn key(&self) -> (u8, u8, u8, u32) {
        match *self {
            Self::Write { store, epoch, .. } => (store.0, 0, 0, epoch),
            Self::Read {
                store,
                owner,
                epoch,
            } => (store.0, 1, owner, epoch),
        }
    }

    pub(super) const fn store(&self) -> StoreId {
        match *self {
            Self::Write { store, .. } | Self::Read { store, .. } => store,
        }
    }

    const fn is_write(&self) -> bool {
        matches!(self, Self::Write { .. })
    }
}

/// What one agent contributes to a state.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Part {
    pub(super) seat: Seat,
    /// What it has in flight, sorted.
    pub(super) ops: Vec<Op>,
    /// What some incarnation of it has decided.
    pub(super) said: Option<Value>,
}

impl Part {
    /// The agent, if it is up.
    pub(super) const fn agent(&self) -> Option<&Agent> {
        match &self.seat {
            Seat::Up(agent) => Some(agent),
            Seat::Down { .. } | Seat::Stopped => None,
        }
    }

    pub(super) fn has_writes(&self) -> bool {
        self.ops.iter().any(Op::is_write)
    }
}

/// Something that holds ballots and can be told with other ones.
pub(super) trait Renamed {
    /// Says each ballot in it, some perhaps twice.
    fn each_ballot(&self, each: &mut impl FnMut(Ballot));
    /// The same, renamed, in its one spelling.
    fn renamed(&self, names: &impl Renaming) -> Self;
}

impl Renamed for Part {
    fn each_ballot(&self, each: &mut impl FnMut(Ballot)) {
        if let Seat::Up(agent) = &self.seat {
            agent.ballots(each);
        }
        for op in &self.ops {
            if let Op::Write { block, .. } = op {
                block.ballots(each);
            }
        }
    }

    fn renamed(&self, names: &impl Renaming) -> Self {
        let current = self.agent().map(Agent::epoch);
        let tell = |old: u32| {
            if Some(old) == current {
                Agent::CURRENT
            } else {
                Agent::EARLIER
            }
        };
        let seat = match &self.seat {
            Seat::Up(agent) => Seat::Up(agent.renamed(names)),
            Seat::Down { next } => Seat::Down { next: *next },
            Seat::Stopped => Seat::Stopped,
        };
        let ops = self.ops.iter().map(|op| match *op {
            Op::Read {
                store,
                owner,
                epoch,
            } => Op::Read {
                store,
                owner,
                epoch: tell(epoch),
            },
            Op::Write {
                store,
                epoch,
                version,
                block,
            } => Op::Write {
                store,
                epoch: tell(epoch),
                version: names.version(store, version),
                block: block.renamed(names),
            },
        });
        let mut ops: Vec<Op> = ops.collect();
        ops.sort_unstable_by_key(Op::key);
        Self {
            seat,
            ops,
            said: self.said,
        }
    }
}

/// What one store holds: a block for each owner, none where it can't be read.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Image {
    pub(super) blocks: Vec<Option<Block>>,
}

impl Renamed for Image {
    fn each_ballot(&self, each: &mut impl FnMut(Ballot)) {
        for block in self.blocks.iter().flatten() {
            block.ballots(each);
        }
    }

    fn renamed(&self, names: &impl Renaming) -> Self {
        let blocks = self
            .blocks
            .iter()
            .map(|block| block.map(|block| block.renamed(names)));
        Self {
            blocks: blocks.collect(),
        }
    }
}
