//! The adversary that knows which values can still be decided, from a graph of all states.

use std::{ops::ControlFlow, sync::Arc};

use bivalent_core::{AgentId, Block, Place, SingleDecree};

use super::super::{Blocks, Engine};
use crate::engine::Status;
use crate::{
    engine::event::{Event, ReadOp},
    explore::{Begins, Exploration, Flying, Options, World, explore},
    scenario::{Protocol, Scenario},
};

/// Exact valences of a small system.
#[derive(Clone, Debug)]
pub(super) struct Valuer {
    known: Option<Arc<Exploration>>,
}

impl Valuer {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let options = Options::default();
        let known = explore(scenario, &options, &mut |_| ControlFlow::Continue(()));
        Self {
            // Scenarios of systems that can't be explored are refused when they are read.
            known: known.ok().map(Arc::new),
        }
    }

    /// The oldest operation after which more than one value can be decided; else somebody's pause is waited
    /// for; else the oldest after which nobody has decided.
    pub(super) fn pick(&self, engine: &Engine<Blocks>) -> usize {
        let known = self.known.as_ref();
        let pool = engine.net.pool.iter();
        let flying: Vec<Flying> = pool.map(|pooled| engine.flying(pooled.bits)).collect();
        let after = engine.as_explored(&flying, Begins::AboveAll, |world| {
            known.and_then(|known| known.after(world))
        });
        let Some(after) = after else {
            return 0;
        };
        let best = after.iter().position(|after| after.values.count_ones() > 1);
        let open = || after.iter().position(|after| !after.decided);
        best.or_else(|| engine.wait_choice())
            .or_else(open)
            .unwrap_or(0)
    }
}

impl Engine<Blocks> {
    /// The values that can be decided from here, as bits: by some schedule, with some next ballots. None if
    /// this state is none of those explored.
    pub(crate) fn valence(&self, known: &Exploration) -> Option<u8> {
        let plain = |seat: &super::super::Seat| {
            seat.status == Status::Up && seat.inbox.is_empty() && seat.incarnation == 0
        };
        if self.plan.protocol != Protocol::DiskPaxos || !self.participants.iter().all(plain) {
            return None;
        }
        let due = self.net.wheel.in_order().into_iter().map(|(_, bits)| bits);
        let pooled = self.net.pool.iter().map(|pooled| pooled.bits);
        let held = self.participants.iter().flat_map(|seat| &seat.own.held);
        let held = held.map(|held| held.bits);
        let flying = due.chain(pooled).chain(held).filter_map(|bits| {
            let counts = match Event::unpack(bits) {
                Event::Write { .. } => true,
                // One that nobody waits for changes nothing.
                Event::Read(op) => {
                    self.participants[op.agent.index()].agent.epoch() & 0xff_ffff == op.epoch
                }
                Event::ReadTimeout(_)
                | Event::WriteTimeout { .. }
                | Event::Start { .. }
                | Event::Restart { .. }
                | Event::Wake { .. }
                | Event::StoreUp { .. }
                | Event::StoreFast { .. }
                | Event::Trigger { .. }
                | Event::TriggerEnd { .. }
                | Event::Heal
                | Event::StallCheck
                | Event::Op { .. }
                | Event::Due { .. }
                | Event::Client { .. } => false,
            };
            counts.then(|| self.flying(bits))
        });
        let flying: Vec<Flying> = flying.collect();
        self.as_explored(&flying, Begins::Next, |world| known.values_of(world))
    }

    /// An operation in flight as an exploration knows such.
    fn flying(&self, bits: u64) -> Flying {
        if let Some(write) = self.pooled_write(bits) {
            return Flying {
                agent: write.agent,
                store: write.store,
                owner: None,
                epoch: write.epoch,
                block: write.block,
            };
        }
        let op = ReadOp::unpack(bits);
        Flying {
            agent: op.agent,
            store: op.store,
            owner: Some(op.owner),
            epoch: self.participants[op.agent.index()].agent.epoch(),
            block: Block::default(),
        }
    }

    /// Shows the world as an exploration knows such.
    fn as_explored<T>(
        &self,
        flying: &[Flying],
        begins: Begins,
        look: impl FnOnce(&World<'_>) -> T,
    ) -> T {
        let agents: Vec<_> = self.participants.iter().map(|seat| &seat.agent).collect();
        let blocks = |store: usize, owner: AgentId| {
            let store = super::super::store_id(store);
            self.system.stores.cell(Place { store, owner }).block
        };
        look(&World {
            agents: &agents,
            block: &blocks,
            flying,
            begins,
        })
    }
}
