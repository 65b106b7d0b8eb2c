//! The adversary that knows which values can still be decided, from a graph of all states.

use std::{ops::ControlFlow, sync::Arc};

use bivalent_core::{AgentId, Block, Place};

use super::super::Engine;
use crate::{
    event::ReadOp,
    explore::{Exploration, Flying, Options, World, explore},
    scenario::Scenario,
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
    pub(super) fn pick(&self, engine: &Engine) -> usize {
        let flying: Vec<Flying> = engine
            .net
            .pool
            .iter()
            .map(|pooled| {
                if let Some(write) = engine.pooled_write(pooled.bits) {
                    return Flying {
                        agent: write.agent,
                        store: write.store,
                        owner: None,
                        epoch: write.epoch,
                        block: write.block,
                    };
                }
                let op = ReadOp::unpack(pooled.bits);
                Flying {
                    agent: op.agent,
                    store: op.store,
                    owner: Some(op.owner),
                    epoch: engine.seats[op.agent.index()].agent.epoch(),
                    block: Block::default(),
                }
            })
            .collect();
        let agents: Vec<_> = engine.seats.iter().map(|seat| &seat.agent).collect();
        let blocks = |store: usize, owner: AgentId| {
            let store = super::super::store_id(store);
            engine.stores.cell(Place { store, owner }).block
        };
        let world = World {
            agents: &agents,
            block: &blocks,
            flying: &flying,
        };
        let after = self.known.as_ref().and_then(|known| known.after(&world));
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
