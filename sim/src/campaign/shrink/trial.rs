//! Trials: candidates are run, none twice and none beyond the budget, and the smallest failing run is kept.

use std::{
    cmp::Ordering,
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use super::{Limits, Size, settings::weight};
use crate::{
    campaign::{
        failure::Failure,
        guard::{Guard, How, Subject},
    },
    engine::{
        fingerprint::{self, Fingerprint},
        runner::{Rest, Sorted},
    },
    judge::report::FaultCount,
    scenario::Scenario,
};

/// The seeds of one scenario may take one part in so many of all steps.
const SHARE: u64 = 400;
/// But a scenario gets so many seeds at least, and not more than so many.
const SEEDS_MIN: u64 = 10;
const SEEDS_MAX: u64 = 400;

/// A run that fails as the first one does.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Its limit is the step at which it fails.
    pub(super) scenario: Scenario,
    /// What it chose up to that step: a list that fits.
    pub(super) choices: Vec<u32>,
    pub(super) failure: Failure,
    pub(super) step: u64,
    pub(super) faults: u64,
    pub(super) virtual_ns: u64,
    /// Names the scenario.
    id: u64,
}

impl Found {
    pub(super) fn size(&self) -> Size {
        Size {
            faults: self.faults,
            ..super::size(&self.scenario, self.choices.len() as u64, self.step)
        }
    }

    /// The order of sizes: in it nothing gets smaller for ever.
    pub(super) fn cmp(&self, other: &Self) -> Ordering {
        let measure = |found: &Self| {
            let Size {
                agents,
                stores,
                rules,
                faults,
                requests,
                choices,
                steps,
            } = found.size();
            let settings = weight(&found.scenario);
            [
                agents, stores, rules, requests, steps, faults, settings, choices,
            ]
        };
        let numbers = measure(self).cmp(&measure(other));
        numbers.then_with(|| self.choices.cmp(&other.choices))
    }
}

/// What whoever watches over shrinking sees of it, and has seen of it before.
#[derive(Clone, Copy)]
pub(super) struct Watch<'a> {
    /// The number of the candidate at hand, from 1.
    pub(super) pulse: &'a AtomicU64,
    /// The numbers of candidates that never come back.
    pub(super) endless: &'a [u64],
}

/// Runs candidates.
pub(super) struct Trials<'a> {
    subject: &'a dyn Subject,
    wanted: &'a Failure,
    limits: Limits,
    watch: Watch<'a>,
    pub(super) tried: u64,
    steps: u64,
    /// Hashes of lists that were followed.
    seen: BTreeSet<u64>,
    /// Hashes of scenarios that were run with seeds.
    seeded: BTreeSet<u64>,
}

impl<'a> Trials<'a> {
    pub(super) fn new(
        subject: &'a dyn Subject,
        wanted: &'a Failure,
        limits: Limits,
        watch: Watch<'a>,
    ) -> Self {
        Self {
            subject,
            wanted,
            limits,
            watch,
            tried: 0,
            steps: 0,
            seen: BTreeSet::new(),
            seeded: BTreeSet::new(),
        }
    }

    /// Whether the budget is spent.
    pub(super) const fn over(&self) -> bool {
        self.tried >= self.limits.runs || self.steps >= self.limits.steps
    }

    /// Whether no candidate was left out because it never comes back.
    pub(super) const fn all_came_back(&self) -> bool {
        self.watch.endless.is_empty()
    }

    /// The run that all starts from, if it fails as it should.
    pub(super) fn first(&mut self, scenario: &Scenario, choices: Vec<u32>) -> Option<Found> {
        let mut scenario = scenario.clone();
        // Seeds are to make a difference, and the list is kept beside the scenario.
        scenario.schedule.choices = None;
        let mut guard = Guard::new(self.subject, &scenario);
        self.run(&mut guard, How::Following(choices, Rest::First))
    }

    /// Takes the run that the scenario of `best` makes of a list, if it is smaller and fails alike.
    pub(super) fn improve(&mut self, best: &mut Found, how: How) -> bool {
        if self.over() || !self.is_new(best.id, &how) {
            return false;
        }
        let scenario = best.scenario.clone();
        let mut guard = Guard::new(self.subject, &scenario);
        self.take(best, &mut guard, how)
    }

    /// Takes the first of some runs of a scenario that is smaller than `best` and fails alike.
    pub(super) fn replace(
        &mut self,
        best: &mut Found,
        scenario: &Scenario,
        hows: impl Iterator<Item = How>,
    ) -> bool {
        let id = name(scenario);
        let mut guard = Guard::new(self.subject, scenario);
        for how in hows {
            if self.over() {
                return false;
            }
            if self.is_new(id, &how) && self.take(best, &mut guard, how) {
                return true;
            }
        }
        false
    }

    /// How many seeds a scenario is worth whose runs take so many steps; none if it has had its seeds.
    pub(super) fn seeds_for(&mut self, scenario: &Scenario, steps: u64) -> u64 {
        if !self.seeded.insert(name_without_limits(scenario)) {
            return 0;
        }
        let seeds = self.limits.steps / SHARE / steps.max(1);
        seeds.clamp(SEEDS_MIN, SEEDS_MAX)
    }

    /// What each choice was for.
    pub(super) fn kinds(&mut self, found: &Found) -> Vec<u8> {
        self.steps += found.step;
        let mut kinds = Guard::new(self.subject, &found.scenario).kinds(&found.choices);
        // Runs of what rolls dice of its own may differ in length.
        kinds.resize(found.choices.len(), 0);
        kinds
    }

    fn take(&mut self, best: &mut Found, guard: &mut Guard<'_>, how: How) -> bool {
        let found = self.run(guard, how);
        let smaller = found.filter(|found| found.cmp(best).is_lt());
        let took = smaller.is_some();
        if let Some(found) = smaller {
            *best = found;
        }
        took
    }

    fn run(&mut self, guard: &mut Guard<'_>, how: How) -> Option<Found> {
        self.tried += 1;
        self.watch.pulse.store(self.tried, Relaxed);
        if self.watch.endless.contains(&self.tried) {
            return None;
        }
        let failure = guard.judge(how);
        self.steps += guard.runner().finished().steps();
        let failure = failure.filter(|failure| failure.is_like(self.wanted))?;
        let step = guard.failed_at(&failure);
        if step == 0 {
            return None;
        }
        let choices = guard.take_choices();
        if step < guard.scenario().limits.steps {
            // Up to the failing step, and not one further.
            let mut scenario = guard.scenario().clone();
            scenario.limits.steps = step;
            let mut guard = Guard::new(self.subject, &scenario);
            return self.run(&mut guard, How::Following(choices, Rest::First));
        }
        let run = guard.runner().finished();
        let drawn = |(_, count): (_, FaultCount)| count.drawn;
        Some(Found {
            choices,
            failure,
            step,
            faults: run.faults().into_iter().map(drawn).sum(),
            virtual_ns: run.virtual_ns(),
            id: name(guard.scenario()),
            scenario: guard.scenario().clone(),
        })
    }

    fn is_new(&mut self, scenario: u64, how: &How) -> bool {
        let mut hash = Fingerprint::new();
        let mut mix = |x: u64, y: u64| hash.mix(x, y);
        let rest = |rest: &Rest| match *rest {
            Rest::First => (0, 0),
            Rest::Seed(seed) => (1, seed),
        };
        match how {
            How::Seed(seed) | How::Kept(seed) => mix(2, *seed),
            How::Following(choices, then) => {
                let (then, seed) = rest(then);
                mix(3 + then, seed);
                for &choice in choices {
                    mix(u64::from(choice), 1);
                }
            }
            How::Sorted(sorted, then) => {
                let (then, seed) = rest(then);
                mix(5 + then, seed);
                sorted
                    .numbers()
                    .for_each(|number| mix(u64::from(number), 2));
            }
        }
        mix(scenario, 9);
        self.seen.insert(hash.value())
    }
}

/// The choices of `found`, sorted by what they were for.
pub(super) fn sorted(choices: &[u32], kinds: &[u8]) -> Sorted {
    Sorted::new(choices, kinds)
}

/// A hash of all that bears on a scenario's runs.
fn name(scenario: &Scenario) -> u64 {
    let mut hash = Fingerprint::new();
    hash.mix(name_without_limits(scenario), scenario.limits.steps);
    hash.mix(scenario.limits.time_ns, scenario.limits.stall_ns);
    hash.value()
}

fn name_without_limits(scenario: &Scenario) -> u64 {
    let Scenario {
        cluster,
        schedule,
        faults,
        heal_ns,
        tuning,
        workload,
        ..
    } = scenario;
    let words = format!("{cluster:?}{schedule:?}{faults:?}{heal_ns:?}{tuning:?}{workload:?}");
    fingerprint::of_text(&words)
}
