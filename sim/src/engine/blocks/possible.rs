//! Which values can still be decided from here: exactly, from a graph of all states, or by trying.

use std::{
    ops::{ControlFlow, Range},
    sync::Arc,
};

use bivalent_core::{AgentId, Place};

use super::{Blocks, Engine, order, store_id};
use crate::{
    engine::{Change, dice::Dice, view::Valence},
    explore::{Exploration, Options, Progress, explore},
    scenario::{Protocol, Scenario, planted::Planted},
};

/// States of an exact valence at most: beyond that it takes too long to wait for.
const STATES_MAX: usize = 100_000;
/// Bytes that they may occupy.
const MEMORY_MAX: usize = 512 << 20;
/// Steps of a sample: many attempts of a few agents.
const STEPS_MAX: u64 = 4_000;

/// All states of a scenario's system, if it is small and knows nothing but what is explored.
pub(crate) fn explored(scenario: &Scenario, planted: Planted) -> Option<Arc<Exploration>> {
    let cluster = &scenario.cluster;
    let shape = (cluster.agents.len(), cluster.stores.len());
    let small = matches!(shape, (1, _) | (2, 1 | 2));
    if cluster.protocol == Protocol::DiskPaxos && !small {
        // It has more states than that, and looking for them takes long: `explore` counts them.
        return None;
    }
    let options = Options {
        memory: MEMORY_MAX,
        planted,
        ..Options::default()
    };
    let bound = &mut |progress: Progress| {
        if progress.states > STATES_MAX {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let known = explore(scenario, &options, bound).ok()?;
    known.valence()?;
    Some(Arc::new(known))
}

impl Engine<Blocks> {
    /// Nothing is broken that a graph without faults does not know of.
    fn is_whole(&self) -> bool {
        let stores = self.service.len();
        let whole = |index: usize| {
            let store = store_id(index % stores);
            let owner = AgentId((index / stores) as u16);
            !self.system.stores.cell(Place { store, owner }).unreadable
        };
        self.envelope.exceeded().is_empty() && (0..self.participants.len() * stores).all(whole)
    }

    /// Which values can still be decided from here: one that was decided alone; else what the graph says, if
    /// this is one of its states; else what came of samples of these numbers.
    pub(crate) fn possible(
        &self,
        known: Option<&Exploration>,
        samples: Range<u32>,
        seed: u64,
    ) -> Valence {
        let names = self.plan.values.iter().cloned();
        if let Some(value) = self.system.value {
            let counts = (1..).map(|number| u32::from(number == value.0));
            return Valence {
                values: names.zip(counts).collect(),
                none: 0,
                samples: None,
                states: 1,
            };
        }
        let known = known.filter(|_| self.is_whole());
        if let Some((known, values)) = known.and_then(|known| Some((known, self.valence(known)?))) {
            let counts = (0..).map(|bit| u32::from(values >> bit & 1));
            return Valence {
                values: names.zip(counts).collect(),
                none: u32::from(values == 0),
                samples: None,
                states: known.states() as u64,
            };
        }
        let mut counts = vec![0; names.len()];
        let mut none = 0;
        let taken = samples.len() as u32;
        for sample in samples {
            let dice = Dice::new(seed ^ u64::from(sample));
            let first = self.sample(dice, sample % 2 == 1);
            let count = first.and_then(|value| counts.get_mut(value.checked_sub(1)? as usize));
            *count.unwrap_or(&mut none) += 1;
        }
        Valence {
            values: names.zip(counts).collect(),
            none,
            samples: Some(taken),
            states: 0,
        }
    }

    /// The number of the value that is decided first if a copy goes on with other dice; none if nobody has
    /// decided in good time. Whoever chose until now, chance chooses from here on, since what is asked is
    /// whether any schedule decides: either times, or the order in which operations take effect.
    fn sample(&self, dice: Dice, orders: bool) -> Option<u64> {
        let mut world = self.clone();
        world.journal = None;
        world.net.dice = dice;
        if orders {
            world.take_over();
            order::pick_at_random(&mut world.system.order);
        } else {
            world.make(Change::FairSchedule);
        }
        // Nobody asks for stalls: probing for them would take longer than all the rest.
        world.liveness.ignore_stalls();
        world.first_decision(world.steps + STEPS_MAX, self.plan.end)?;
        world.system.value.map(|value| value.0)
    }
}
