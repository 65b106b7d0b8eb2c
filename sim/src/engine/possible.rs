//! Which values can still be decided from here: exactly, from a graph of all states, or by trying.

use bivalent_core::{AgentId, Place};

use super::{End, Engine, order, store_id};
use crate::{dice::Dice, explore::Exploration, view::Valence};

/// Steps that a sample may take without a decision.
const SAMPLE_STEPS: u64 = 20_000;

impl Engine {
    /// Nothing is broken that a graph without faults does not know of.
    fn is_whole(&self) -> bool {
        let stores = self.service.len();
        let whole = |index: usize| {
            let store = store_id(index % stores);
            let owner = AgentId((index / stores) as u8);
            !self.stores.cell(Place { store, owner }).unreadable
        };
        self.oracles.envelope.exceeded().is_empty() && (0..self.seats.len() * stores).all(whole)
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
        let exact = known.filter(|_| self.is_whole()).and_then(|known| {
            let values = self.valence(known)?;
            let counts = (0..).map(|bit| u32::from(values >> bit & 1));
            Some(Valence {
                values: names.iter().cloned().zip(counts).collect(),
                none: 0,
                samples: None,
                states: known.states() as u64,
            })
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
        let end = self.run_on(until);
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
