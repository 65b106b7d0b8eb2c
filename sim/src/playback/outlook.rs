//! What can still be decided from a step: exactly where all schedules can be looked at, else by samples.

use std::{
    ops::{ControlFlow, Range},
    sync::Arc,
};

use super::{Playback, world::World};
use crate::{
    dice::Dice,
    explore::{Exploration, Options, explore},
    scenario::{Adversary, Scenario},
    view::Valence,
};

/// States of an exact valence at most: beyond that it takes too long to wait for.
const STATES_MAX: usize = 100_000;
/// Bytes that they may occupy.
const MEMORY_MAX: usize = 512 << 20;
/// Steps of a sample: many attempts of a few agents.
const STEPS_MAX: u64 = 4_000;

/// A graph of all states, if there is a small one.
#[derive(Clone, Debug, Default)]
pub(super) enum Known {
    /// Nobody has asked yet.
    #[default]
    Unasked,
    /// There is none.
    None,
    /// This is it.
    All(Arc<Exploration>),
}

impl Playback {
    /// Which values can still be decided from the world after a step. Exact where all schedules of the
    /// scenario can be looked at: small, without faults, nobody restarted. Else copies of the world run on with
    /// other luck and without an adversary, every other one in a random order of operations, as many as are asked for and some thousand steps each. Of a log
    /// there are no values. The first call of an exact one looks at all schedules, which takes a while.
    pub fn valence_at(&mut self, step: u64, samples: u32) -> Valence {
        self.valence_by(step, 0..samples)
    }

    /// The same by samples of these numbers only, for whoever must not wait for all of them at once.
    pub fn valence_by(&mut self, step: u64, samples: Range<u32>) -> Valence {
        let step = step.min(self.track.steps);
        let mut world = self.snapshots.at(step).silent();
        world.walk_to(step);
        let Some(names) = world.values() else {
            return Valence::default();
        };
        let counted = |counts: &[u32]| {
            let pairs = names.iter().cloned().zip(counts.iter().copied());
            pairs.collect()
        };
        if let Some(value) = world.decided() {
            let of = |number: usize| u32::from(number as u64 + 1 == value);
            let counts: Vec<u32> = (0..names.len()).map(of).collect();
            return Valence {
                values: counted(&counts),
                none: 0,
                samples: None,
                states: 1,
            };
        }
        if let Some((set, states)) = self.exact(&world) {
            let counts: Vec<u32> = (0..names.len())
                .map(|number| u32::from(set >> number & 1))
                .collect();
            return Valence {
                values: counted(&counts),
                none: u32::from(set == 0),
                samples: None,
                states: states as u64,
            };
        }
        let mut counts = vec![0; names.len()];
        let mut none = 0;
        let taken = samples.len() as u32;
        for sample in samples {
            let seed = self.seed.rotate_left(32) ^ step << 20 ^ u64::from(sample);
            let first = world.sample(Dice::new(seed), STEPS_MAX, sample % 2 == 1);
            let count = first.and_then(|value| counts.get_mut(value.checked_sub(1)? as usize));
            *count.unwrap_or(&mut none) += 1;
        }
        Valence {
            values: counted(&counts),
            none,
            samples: Some(taken),
            states: 0,
        }
    }

    /// The values that can be decided from a world, as bits, and how many states were looked at; none if its
    /// state is none of a small graph.
    fn exact(&mut self, world: &World) -> Option<(u8, usize)> {
        if matches!(self.known, Known::Unasked) {
            self.known = explored(&self.scenario, self.planted).map_or(Known::None, Known::All);
        }
        let Known::All(known) = &self.known else {
            return None;
        };
        Some((world.valence(known)?, known.states()))
    }
}

/// All states of a scenario's system, if that is small and knows nothing but whole operations.
fn explored(scenario: &Scenario, planted: crate::planted::Planted) -> Option<Arc<Exploration>> {
    let scripted = matches!(scenario.schedule.adversary, Adversary::Script(_));
    if !scenario.faults.is_empty() || scenario.schedule.crashes > 0 || scripted {
        return None;
    }
    let options = Options {
        memory: MEMORY_MAX,
        planted,
        ..Options::default()
    };
    let bound = &mut |progress: crate::explore::Progress| {
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
