//! What can still be decided from a step.

use std::{ops::Range, sync::Arc};

use super::Playback;
use crate::{
    engine::{blocks::possible::explored, view::Valence},
    explore::Exploration,
    scenario::{Adversary, Scenario},
};

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
    /// scenario can be looked at: small, without faults, nobody restarted. Else copies of the world run on,
    /// as many as are asked for and some thousand steps each, without an adversary: one with other luck, the
    /// next in a random order of operations. Of a log there are no values. The first call of an exact one looks
    /// at all schedules, which takes a while.
    pub fn valence_at(&mut self, step: u64, samples: u32) -> Valence {
        self.valence_by(step, 0..samples)
    }

    /// The same by samples of these numbers only, for whoever must not wait for all of them at once.
    pub fn valence_by(&mut self, step: u64, samples: Range<u32>) -> Valence {
        let step = step.min(self.track.steps);
        let mut world = self.snapshots.at(step).silent();
        world.walk_to(step);
        let known = if world.is_open() { self.known() } else { None };
        let seed = self.seed.rotate_left(32) ^ step << 20;
        world.possible(known.as_deref(), samples, seed)
    }

    fn known(&mut self) -> Option<Arc<Exploration>> {
        if matches!(self.known, Known::Unasked) {
            let known = Some(&*self.scenario).filter(|scenario| is_explored(scenario));
            let known = known.and_then(|scenario| explored(scenario, self.planted));
            self.known = known.map_or(Known::None, Known::All);
        }
        match &self.known {
            Known::All(known) => Some(Arc::clone(known)),
            Known::Unasked | Known::None => None,
        }
    }
}

/// Whether a scenario's runs know nothing but whole operations in any order.
fn is_explored(scenario: &Scenario) -> bool {
    let scripted = matches!(scenario.schedule.adversary, Adversary::Script(_));
    scenario.faults.is_empty() && scenario.schedule.crashes == 0 && !scripted
}
