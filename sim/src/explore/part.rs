//! The parts of a state: what one agent contributes, and what one store does.

use bivalent_core::{
    AgentId, Ballot, Block, DiskPaxos, Explored, Renaming, SingleDecree, StoreId, Value, Version,
};

use super::names;
use crate::protocol::member::Member;

/// Whether an agent takes steps.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are up, and each distinct one is kept once"
)]
pub(super) enum Seat {
    /// It does.
    Up(Member),
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
        owner: u16,
        epoch: u32,
    },
    /// A write of the own block, or of the record that all share.
    Write {
        store: StoreId,
        epoch: u32,
        attempt: u8,
        /// A conditional one: only if the record still has this version.
        expect: Option<Version>,
        block: Block,
    },
}

impl Op {
    /// Operations of one agent are told apart, and sorted, by this.
    pub(super) fn key(&self) -> (u8, u8, u16, u32, Option<Ballot>, bool) {
        match *self {
            Self::Write {
                store,
                epoch,
                block,
                ..
            } => (store.0, 0, 0, epoch, block.mbal, block.vote.is_some()),
            Self::Read {
                store,
                owner,
                epoch,
            } => (store.0, 1, owner, epoch, None, false),
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
    pub(super) const fn agent(&self) -> Option<&Member> {
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
        let current = self.agent().map(Member::epoch);
        let tell = |old: u32| {
            if Some(old) == current {
                DiskPaxos::CURRENT
            } else {
                DiskPaxos::EARLIER
            }
        };
        let seat = match &self.seat {
            Seat::Up(agent) => Seat::Up(agent.renamed(names)),
            Seat::Down { next } => Seat::Down { next: *next },
            Seat::Stopped => Seat::Stopped,
        };
        let ops = self.ops.iter().filter_map(|op| match *op {
            Op::Read {
                store,
                owner,
                epoch,
            } => Some(Op::Read {
                store,
                owner: names.agent(AgentId(owner)).0,
                epoch: tell(epoch),
            }),
            Op::Write {
                store,
                epoch,
                attempt: _,
                expect,
                block,
            } => {
                let expect = expect.map(|expect| names.version(store, expect));
                let epoch = tell(epoch);
                // It will be refused, and nobody waits to hear so.
                let futile = expect == Some(names::PASSED) && epoch == DiskPaxos::EARLIER;
                (!futile).then(|| Op::Write {
                    store,
                    epoch,
                    attempt: 0,
                    expect,
                    block: block.renamed(names),
                })
            }
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

/// What one store holds: a block for each owner, or one record for all; none where it can't be read.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Image {
    pub(super) blocks: Vec<Option<Block>>,
    /// The version of the record, where there is one.
    pub(super) version: Version,
}

impl Renamed for Image {
    fn each_ballot(&self, each: &mut impl FnMut(Ballot)) {
        for block in self.blocks.iter().flatten() {
            block.ballots(each);
        }
    }

    fn renamed(&self, names: &impl Renaming) -> Self {
        let mut blocks = vec![None; self.blocks.len()];
        for (owner, block) in self.blocks.iter().enumerate() {
            let place = names.agent(AgentId(owner as u16)).index();
            blocks[place] = block.map(|block| block.renamed(names));
        }
        Self {
            blocks,
            version: names::standing(self.version),
        }
    }
}
