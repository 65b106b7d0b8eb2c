//! The adversary that sees operations: what they are, and what the writes among them say.
//!
//! It knows an agent only by what it has written. It lets promises through, so that ballots climb, and
//! holds back votes and the reads that might confirm one.

use bivalent_core::{Ballot, StoreId};

use super::super::{Blocks, Engine};
use crate::engine::net::Pending;
use crate::{
    engine::event::{Event, ReadOp},
    scenario::plan::Plan,
};

/// What it has seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    agents: usize,
    /// By store and owner: the ballot of the newest write that landed.
    landed: Vec<Option<Ballot>>,
    /// By agent: the ballot it writes now, and whether it votes in it.
    says: Vec<(Option<Ballot>, bool)>,
}

impl Content {
    pub(super) fn begin(&mut self, plan: &Plan) {
        self.agents = plan.agents;
        self.landed.clear();
        self.landed.resize(plan.agents * plan.stores, None);
        self.says.clear();
        self.says.resize(plan.agents, (None, false));
    }

    fn at(&mut self, store: StoreId, owner: usize) -> &mut Option<Ballot> {
        &mut self.landed[store.index() * self.agents + owner]
    }

    pub(super) fn landed(&mut self, write: &Pending) {
        let mbal = write.block.mbal;
        *self.at(write.store, write.agent.index()) = mbal;
    }

    fn greatest_on(&self, store: StoreId) -> Option<Ballot> {
        let from = store.index() * self.agents;
        let blocks = &self.landed[from..from + self.agents];
        blocks.iter().copied().max().flatten()
    }

    /// The operation that is least of a step towards a decision; of equal ones the oldest.
    pub(super) fn pick(&mut self, engine: &Engine<Blocks>) -> usize {
        for pooled in &engine.net.pool {
            if let Event::Write { pending } = Event::unpack(pooled.bits) {
                let write = &engine.net.pending[pending as usize];
                let block = write.block;
                let votes = block.vote.is_some_and(|vote| Some(vote.bal) == block.mbal);
                let says = &mut self.says[write.agent.index()];
                *says = (*says).max((block.mbal, votes));
            }
        }
        let pool = engine.net.pool.iter().enumerate();
        let best = pool.min_by_key(|&(place, pooled)| (self.danger(engine, pooled.bits), place));
        let (place, danger) = best.map_or((0, 0), |(place, pooled)| {
            (place, self.danger(engine, pooled.bits))
        });
        if danger == DECIDES && engine.system.order.crashes > 0 {
            return engine.crash_choice();
        }
        place
    }

    /// How much of a step towards a decision it looks like.
    fn danger(&self, engine: &Engine<Blocks>, bits: u64) -> u8 {
        if let Event::Write { pending } = Event::unpack(bits) {
            let write = &engine.net.pending[pending as usize];
            let block = write.block;
            let votes = block.vote.is_some_and(|vote| Some(vote.bal) == block.mbal);
            let beaten = self.greatest_on(write.store) > block.mbal;
            return match (votes, beaten) {
                (false, false) => 0,
                (false, true) => 2,
                (true, true) => 4,
                (true, false) => 5,
            };
        }
        let op = ReadOp::unpack(bits);
        let (mbal, votes) = self.says[op.agent.index()];
        let there = self.landed[op.store.index() * self.agents + op.owner.index()];
        match (there > mbal, votes) {
            // It will see that it is beaten.
            (true, _) => 1,
            (false, false) => 3,
            (false, true) => DECIDES,
        }
    }
}

/// A read by an agent that has voted, of a block that does not beat it.
const DECIDES: u8 = 6;
