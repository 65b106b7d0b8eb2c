//! Which values can still be decided from here: exactly, from a graph of all states, or by trying.

use bivalent_core::{AgentId, Block, Place};

use super::{End, Engine, order, seat::Status, store_id};
use crate::{
    dice::Dice,
    event::{Event, ReadOp},
    explore::{Exploration, Flying, World},
    view::Valence,
};

/// Steps that a sample may take without a decision.
const SAMPLE_STEPS: u64 = 20_000;

impl Engine {
    /// The world as an explorer knows it, if all that is in flight waits to be picked.
    pub(super) fn with_world<R>(&self, look: impl FnOnce(&World<'_>) -> R) -> R {
        let flying: Vec<Flying> = self
            .net
            .pool
            .iter()
            .map(|pooled| {
                if let Event::Write { pending } = Event::unpack(pooled.bits) {
                    let write = self.net.pending[pending as usize];
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
                    epoch: self.seats[op.agent.index()].agent.epoch(),
                    block: Block::default(),
                }
            })
            .collect();
        let agents: Vec<_> = self.seats.iter().map(|seat| &seat.agent).collect();
        let block = |store: usize, owner: AgentId| {
            let store = store_id(store);
            self.stores.cell(Place { store, owner }).block
        };
        look(&World {
            agents: &agents,
            block: &block,
            flying: &flying,
        })
    }

    /// What each operation in the pool would leave possible, as bits of the proposals' numbers - 1; none if
    /// that is not known exactly.
    pub(crate) fn possible_after_each(&self, known: &Exploration) -> Option<Vec<u8>> {
        if !self.is_plain() {
            return None;
        }
        let after = self.with_world(|world| known.after(world))?;
        Some(after.into_iter().map(|after| after.values).collect())
    }

    /// Nothing is broken that a graph without faults does not know of.
    fn is_plain(&self) -> bool {
        let up = |seat: &super::Seat| seat.status == Status::Up && seat.incarnation == 0;
        let whole = |index: usize| {
            let (store, stores) = (store_id(index % self.service.len()), &self.stores);
            let owner = AgentId((index / self.service.len()) as u8);
            !stores.cell(Place { store, owner }).unreadable
        };
        self.net.picked
            && self.seats.iter().all(up)
            && self.oracles.envelope.exceeded().is_empty()
            && (0..self.seats.len() * self.service.len()).all(whole)
    }

    /// Which values can still be decided from here.
    pub(crate) fn possible(&self, known: Option<&Exploration>, samples: u32, seed: u64) -> Valence {
        let names = &self.plan.values;
        if let Some(value) = self.value {
            let counts = (1..).map(|number| u32::from(number == value.0));
            return Valence {
                values: names.iter().cloned().zip(counts).collect(),
                samples: None,
                states: 1,
                none: 0,
            };
        }
        let exact = known.filter(|_| self.is_plain()).and_then(|known| {
            let values = self.with_world(|world| known.possible(world))?;
            Some(exactly(names, values, known.states() as u64))
        });
        exact.unwrap_or_else(|| self.possible_by_trying(samples, seed))
    }

    /// The same by trying: copies run on under other luck, and where an adversary picks, in other orders.
    pub(crate) fn possible_by_trying(&self, samples: u32, seed: u64) -> Valence {
        let mut counts = vec![0; self.plan.values.len()];
        let mut none = 0;
        let mut fresh = self.clone();
        fresh.journal = None;
        for sample in 0..u64::from(samples) {
            let mut world = fresh.clone();
            // A stream of its own for each: neighbours differ in more than their last bits.
            let stream = (seed ^ self.steps).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ sample;
            world.net.dice = Dice::new(stream);
            world.pick_at_random();
            match world.first_value() {
                Some(value) => counts[value] += 1,
                None => none += 1,
            }
        }
        Valence {
            values: self.plan.values.iter().cloned().zip(counts).collect(),
            none,
            samples: Some(samples),
            states: 0,
        }
    }

    /// Runs on to the first decision: which proposal it is, by number from 0.
    fn first_value(mut self) -> Option<usize> {
        self.first_is_enough = true;
        self.liveness.ignore_stalls();
        let until = (self.steps + SAMPLE_STEPS).min(self.plan.steps_max);
        let end = self.go_on(until);
        let decided = self.value.filter(|_| end == End::Decided)?;
        let index = (decided.0 as usize).checked_sub(1)?;
        (index < self.plan.values.len()).then_some(index)
    }

    fn pick_at_random(&mut self) {
        if self.net.picked {
            order::pick_at_random(&mut self.order);
        }
    }
}

/// A valence that is known.
pub(crate) fn exactly(names: &[String], values: u8, states: u64) -> Valence {
    let counts = (0..).map(|bit| u32::from(values >> bit & 1));
    Valence {
        values: names.iter().cloned().zip(counts).collect(),
        none: 0,
        samples: None,
        states,
    }
}
