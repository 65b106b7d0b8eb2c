//! The paper's invariants that catch storage faults early: 4c and 5 of Gafni and Lamport 2003.
//!
//! Checked at the moments at which they can newly fail: 4c when an agent enters phase 2, decides, or
//! a fault changed its blocks; 5 when anybody enters phase 2, and without its excuse at a decision
//! (that is invariant 6). Stores known to be stale are not counted, silent and unreadable blocks
//! count for nothing and against nothing. Not checked: the blocks that readers hold in memory, and
//! invariants that hold by construction of the types.

use bivalent_core::{AgentId, Block, DiskPaxos, Phase, Place, SingleDecree, StoreId, Vote};

use crate::{
    judge::oracle::{name, spell},
    store::Service,
};

use super::{Engine, System};

/// A block as it stands on a store.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stands {
    pub(crate) block: Block,
    /// It can't be read.
    pub(crate) unreadable: bool,
}

/// Where agents of Disk Paxos have blocks of their own: what the invariants are about.
pub(crate) trait OwnBlocks: System {
    /// An agent, if it has begun and has blocks of its own.
    fn disk(engine: &Engine<Self>, id: AgentId) -> Option<&DiskPaxos>;

    /// What stands at a place.
    fn stands(engine: &Engine<Self>, place: Place) -> Stands;
}

/// A run as the invariants look at it.
struct World<'a, S: System>(&'a Engine<S>);

/// Invariants 4c and 6, when somebody has decided.
pub(crate) fn decided<S: OwnBlocks>(engine: &mut Engine<S>, id: AgentId) {
    let world = World(engine);
    let found = [
        ("invariant-4c", world.holds_4c(id)),
        ("invariant-5", world.holds_5(id, true)),
    ];
    found_all(engine, found);
}

/// Invariants 4c and 5, when somebody has voted.
pub(crate) fn voted<S: OwnBlocks>(engine: &mut Engine<S>, voter: AgentId) {
    let world = World(engine);
    let rival = world.agent_ids().find_map(|id| world.holds_5(id, false));
    let found = [
        ("invariant-4c", world.holds_4c(voter)),
        ("invariant-5", rival),
    ];
    found_all(engine, found);
}

/// Invariant 4c, when a fault has changed an agent's block.
pub(crate) fn damaged<S: OwnBlocks>(engine: &mut Engine<S>, owner: AgentId) {
    let found = World(engine).holds_4c(owner);
    found_all(engine, [("invariant-4c", found)]);
}

fn found_all<S: System, const N: usize>(
    engine: &mut Engine<S>,
    found: [(&'static str, Option<String>); N],
) {
    for (property, detail) in found {
        if let Some(detail) = detail {
            engine.found(property, detail);
        }
    }
}

impl<S: OwnBlocks> World<'_, S> {
    fn quorum(&self) -> u32 {
        u32::from(self.0.plan.envelope.quorum())
    }

    fn store_ids(&self) -> impl Iterator<Item = StoreId> {
        (0..self.0.plan.stores as u8).map(StoreId)
    }

    fn agent_ids(&self) -> impl Iterator<Item = AgentId> + use<S> {
        (0..self.0.plan.agents as u16).map(AgentId)
    }

    fn agent(&self, id: AgentId) -> Option<&DiskPaxos> {
        S::disk(self.0, id)
    }

    fn stands(&self, store: StoreId, owner: AgentId) -> Stands {
        S::stands(self.0, Place { store, owner })
    }

    fn is_lost(&self, store: StoreId) -> bool {
        self.0.service[store.index()] == Service::Lost
    }

    /// 4c: while an agent is in phase 2 or has decided, its blocks carry that ballot on a quorum.
    pub(crate) fn holds_4c(&self, p: AgentId) -> Option<String> {
        let agent = self.agent(p)?;
        let voting = matches!(agent.phase(), Phase::Two | Phase::Decided);
        let vote = agent.block().vote.filter(|_| voting)?;
        let stale = self.0.envelope.stale_for(p);
        let holds = |store: &StoreId| {
            let cell = self.stands(*store, p);
            self.is_lost(*store)
                || cell.unreadable
                || stale & store.bit() != 0
                || cell.block.mbal == Some(vote.bal)
        };
        let held = self.store_ids().filter(holds).count() as u32;
        (held < self.quorum()).then(|| {
            format!(
                "{} is in phase 2 with {:?}, but only {held} stores hold its block with that ballot",
                name(p),
                vote.bal
            )
        })
    }

    /// 5: while `p` is in phase 2, every vote at least as high has its value, or `p` can't finish.
    /// With `decided`, there is no such excuse.
    pub(crate) fn holds_5(&self, p: AgentId, decided: bool) -> Option<String> {
        let agent = self.agent(p)?;
        let voting = matches!(agent.phase(), Phase::Two | Phase::Decided);
        let mine = agent.block().vote.filter(|_| voting)?;
        let rival = self.agent_ids().filter(|&q| q != p).find_map(|q| {
            let differs = |vote: &Vote| vote.inp != mine.inp && vote.bal >= mine.bal;
            let memory = self.agent(q)?.block().vote.filter(differs);
            let stored = self.store_ids().find_map(|store| {
                let cell = self.stands(store, q);
                let lost = self.is_lost(store) || cell.unreadable;
                cell.block.vote.filter(differs).filter(|_| !lost)
            });
            memory.or(stored).map(|vote| (q, vote))
        });
        let (q, vote) = rival?;
        if !decided && agent.phase() == Phase::Two && self.is_doomed(p, mine) {
            return None;
        }
        Some(format!(
            "{} is in phase 2 with {} in {:?}, while {} voted {} in {:?} and nothing must stop the former",
            name(p),
            spell(mine.inp),
            mine.bal,
            name(q),
            spell(vote.inp),
            vote.bal
        ))
    }

    /// Some rival's higher ballot, unread by `p`, stands on stores that every quorum must touch.
    fn is_doomed(&self, p: AgentId, mine: Vote) -> bool {
        let Some(agent) = self.agent(p) else {
            return false;
        };
        let stale = self.0.envelope.stale_for(p);
        self.agent_ids().filter(|&q| q != p).any(|q| {
            let blocks = |store: &StoreId| {
                let cell = self.stands(*store, q);
                let answers = !self.is_lost(*store) && !cell.unreadable;
                let counts = cell.block.mbal > Some(mine.bal) || !answers;
                counts && stale & store.bit() == 0 && agent.seen(*store) & q.bit() == 0
            };
            let blocking = self.store_ids().filter(blocks).count() as u32;
            blocking > self.0.plan.stores as u32 - self.quorum()
        })
    }
}
