//! The paper's invariants that catch storage faults early: 4c and 5 of Gafni and Lamport 2003.
//!
//! Checked at the moments at which they can newly fail: 4c when an agent enters phase 2, decides, or
//! a fault changed its blocks; 5 when anybody enters phase 2, and without its excuse at a decision
//! (that is invariant 6). Stores known to be stale are not counted, silent and unreadable blocks
//! count for nothing and against nothing. Not checked: the blocks that readers hold in memory, and
//! invariants that hold by construction of the types.

use bivalent_core::{AgentId, DiskPaxos, Phase, Place, SingleDecree, StoreId, Vote};

use crate::{
    blocks::seat::Seat,
    plan::Plan,
    store::{Service, Stores},
};

use super::{envelope::Accounting, name, spell};

/// What the invariants are about.
pub(crate) struct World<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) seats: &'a [Seat],
    pub(crate) stores: &'a Stores,
    pub(crate) service: &'a [Service],
    pub(crate) account: &'a Accounting,
}

impl World<'_> {
    fn quorum(&self) -> u32 {
        u32::from(self.plan.envelope.quorum())
    }

    fn store_ids(&self) -> impl Iterator<Item = StoreId> {
        (0..self.plan.stores as u8).map(StoreId)
    }

    fn agent_ids(&self) -> impl Iterator<Item = AgentId> {
        (0..self.plan.agents as u8).map(AgentId)
    }

    /// The agent, if it has blocks of its own.
    fn agent(&self, id: AgentId) -> Option<&DiskPaxos> {
        self.seats[id.index()].agent.disk()
    }

    /// 4c: while an agent is in phase 2 or has decided, its blocks carry that ballot on a quorum.
    pub(crate) fn holds_4c(&self, p: AgentId) -> Option<String> {
        let agent = self.agent(p)?;
        let voting = matches!(agent.phase(), Phase::Two | Phase::Decided);
        let vote = agent.block().vote.filter(|_| voting)?;
        let stale = self.account.stale_for(p);
        let holds = |store: &StoreId| {
            let cell = self.stores.cell(Place {
                store: *store,
                owner: p,
            });
            self.service[store.index()] == Service::Lost
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
            let differs = |vote: &Vote| vote.bal >= mine.bal && vote.inp != mine.inp;
            let memory = self.agent(q)?.block().vote.filter(differs);
            let stored = self.store_ids().find_map(|store| {
                let cell = self.stores.cell(Place { store, owner: q });
                let lost = self.service[store.index()] == Service::Lost || cell.unreadable;
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
        let stale = self.account.stale_for(p);
        self.agent_ids().filter(|&q| q != p).any(|q| {
            let blocks = |store: &StoreId| {
                let cell = self.stores.cell(Place {
                    store: *store,
                    owner: q,
                });
                let answers = self.service[store.index()] != Service::Lost && !cell.unreadable;
                let counts = cell.block.mbal > Some(mine.bal) || !answers;
                counts && stale & store.bit() == 0 && agent.seen(*store) & q.bit() == 0
            };
            let blocking = self.store_ids().filter(blocks).count() as u32;
            blocking > self.plan.stores as u32 - self.quorum()
        })
    }
}
