//! Blocks: a stretch of seeds of one scenario, run in order. What a block comes to depends on nothing but
//! its scenario and its seeds, so blocks can be run anywhere, in any order, and be added up.
//!
//! Guidance stays within a block for that reason: a run may change the choices of an earlier run of its block
//! that came to something new, and of no other.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use serde::{Deserialize, Serialize};

use super::{
    draw, mutate,
    portfolio::{self, Portfolio, Scheduler},
    promise,
    tally::{Failed, Tally},
};
use crate::{
    campaign::{
        failure::{self, Failure},
        guard::{Ended, Guard, How, Subject},
    },
    engine::{dice::Lots, runner::Rest},
    judge::{coverage::Coverage, report::Outcome, verdict},
    scenario::{Adversary, Expected, Protocol, Scenario},
};

/// Runs that guidance remembers in a block.
const CORPUS_MAX: usize = 64;
/// A list longer than this is not kept to be changed.
const LIST_MAX: usize = 50_000;
/// Recent runs whose lengths say within how many operations priorities change.
const RECENT: usize = 16;

/// How seeds become runs.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whose turn it is.
    pub portfolio: Portfolio,
    /// Each run lots a configuration of its own.
    pub swarm: bool,
    /// Of a million runs, so many are run twice and compared.
    pub compare_ppm: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            portfolio: Portfolio::default(),
            swarm: true,
            compare_ppm: 0,
        }
    }
}

/// A stretch of seeds of one scenario.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Block {
    /// The number of the scenario in the campaign.
    pub scenario: usize,
    /// The seeds.
    pub seeds: Range<u64>,
}

/// How many seeds a block of a scenario has. A pure function of the scenario: seeds must fall into the
/// same blocks everywhere.
pub fn block_size(scenario: &Scenario) -> u64 {
    let agents = scenario.cluster.agents.len() as u64;
    if scenario.cluster.protocol == Protocol::ReplicatedLog {
        let work =
            agents * u64::from(scenario.workload.requests) * u64::from(scenario.workload.clients);
        return if work > 2_000 { 8 } else { 64 };
    }
    let looks = matches!(
        scenario.schedule.adversary,
        Adversary::StateAware
            | Adversary::KeepBivalent
            | Adversary::ContentAware
            | Adversary::Duel(..)
            | Adversary::Script(_)
    );
    // A stall that is wanted takes all the time there is.
    let stalls = matches!(scenario.expect.outcome, Expected::Stall { .. });
    if agents > 16 || looks || stalls {
        16
    } else {
        1024
    }
}

/// Where a block is, for whoever watches it: the seed at hand, plus 1; 0: none.
#[derive(Clone, Debug, Default)]
pub struct Pulse(pub(super) Arc<AtomicU64>);

impl Pulse {
    /// The same as a worker's.
    pub(super) fn of(pulse: &Arc<AtomicU64>) -> Self {
        Self(Arc::clone(pulse))
    }
}

/// Why a block came to no end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stopped;

/// One run of a block, drawn and ready.
struct Drawn {
    scheduler: Scheduler,
    scenario: Arc<Scenario>,
    how: How,
}

/// A run that came to something new.
struct Kept {
    scenario: Arc<Scenario>,
    choices: Vec<u32>,
}

/// What a block remembers while it runs.
struct Memory<'a> {
    subject: &'a dyn Subject,
    base: &'a Arc<Scenario>,
    settings: Settings,
    corpus: Vec<Kept>,
    seen: Coverage,
    probes: u64,
    /// Lengths of recent runs in which operations were picked.
    recent: Vec<u64>,
    runs: usize,
}

/// Runs a block. `endless` are seeds that are known never to come to an end: they are counted, not run.
///
/// # Errors
///
/// `stop` was set: what the block came to so far is worth nothing.
pub fn run(
    subject: &dyn Subject,
    base: &Arc<Scenario>,
    seeds: Range<u64>,
    settings: Settings,
    endless: &[u64],
    pulse: &Pulse,
    stop: &AtomicBool,
) -> Result<Tally, Stopped> {
    let mut memory = Memory::new(subject, base, settings);
    let mut tally = Tally::default();
    for seed in seeds {
        if stop.load(Ordering::Relaxed) {
            return Err(Stopped);
        }
        pulse.0.store(seed.wrapping_add(1), Ordering::Relaxed);
        let drawn = memory.draw(seed);
        if endless.contains(&seed) {
            tally.runs += 1;
            tally.broken += 1;
            let scheduler = tally.schedulers.entry(drawn.scheduler).or_default();
            scheduler.runs += 1;
            scheduler.failed += 1;
            tally.add_failure(Failed {
                failure: Failure::Endless,
                struck: 0,
                count: 1,
                seed,
                scheduler: drawn.scheduler,
            });
            continue;
        }
        memory.run(seed, drawn, &mut tally);
    }
    pulse.0.store(0, Ordering::Relaxed);
    tally.features.0.take(&memory.seen);
    Ok(tally)
}

/// The scenario and the choices of one run of a block; what came before it in the block is run again. Of a run
/// that never ends only the scenario, and how it was begun.
pub fn reproduce(
    subject: &dyn Subject,
    base: &Arc<Scenario>,
    seeds: Range<u64>,
    settings: Settings,
    endless: &[u64],
    wanted: u64,
) -> Reproduced {
    let mut memory = Memory::new(subject, base, settings);
    let mut tally = Tally::default();
    for seed in seeds.start..wanted {
        let drawn = memory.draw(seed);
        if !endless.contains(&seed) {
            memory.run(seed, drawn, &mut tally);
        }
    }
    let drawn = memory.draw(wanted);
    let scenario = Scenario::clone(&drawn.scenario);
    let how = match drawn.how {
        How::Seed(seed) => How::Kept(seed),
        other @ (How::Kept(_) | How::Following(..) | How::Sorted(..)) => other,
    };
    Reproduced {
        scheduler: drawn.scheduler,
        scenario,
        how,
    }
}

/// The runs of a block as they are drawn: gives each before it is run, with its choices drawn or followed as there.
pub fn draws(
    subject: &dyn Subject,
    base: &Arc<Scenario>,
    seeds: Range<u64>,
    settings: Settings,
    each: &mut dyn FnMut(Reproduced),
) {
    let mut memory = Memory::new(subject, base, settings);
    let mut tally = Tally::default();
    for seed in seeds {
        let drawn = memory.draw(seed);
        each(Reproduced {
            scheduler: drawn.scheduler,
            scenario: Scenario::clone(&drawn.scenario),
            how: drawn.how.clone(),
        });
        memory.run(seed, drawn, &mut tally);
    }
}

/// One run of a block, to be run again.
#[derive(Clone, Debug)]
pub struct Reproduced {
    /// Who ordered its steps.
    pub scheduler: Scheduler,
    /// Its own configuration.
    pub scenario: Scenario,
    /// Where its choices come from.
    pub how: How,
}

impl<'a> Memory<'a> {
    fn new(subject: &'a dyn Subject, base: &'a Arc<Scenario>, settings: Settings) -> Self {
        Self {
            subject,
            base,
            settings,
            corpus: Vec::new(),
            seen: Coverage::default(),
            probes: 0,
            recent: Vec::new(),
            runs: 0,
        }
    }

    /// A seed's configuration and schedule.
    fn draw(&self, seed: u64) -> Drawn {
        let mut lots = Lots::new(seed);
        let can_pick = self.base.cluster.is_decision_on_blocks();
        let scheduler = self.settings.portfolio.draw(&mut lots, can_pick);
        if scheduler == Scheduler::Guided && !self.corpus.is_empty() {
            let at = lots.below(self.corpus.len() as u64) as usize;
            let other = lots.below(self.corpus.len() as u64) as usize;
            let kept = &self.corpus[at];
            let list = mutate::changed(&kept.choices, &self.corpus[other].choices, &mut lots);
            return Drawn {
                scheduler,
                scenario: with_bad_luck(&kept.scenario),
                how: How::Following(list, Rest::Seed(seed)),
            };
        }
        // There is nothing to be guided by yet.
        let scheduler = match scheduler {
            Scheduler::Guided => Scheduler::Uniform,
            Scheduler::Uniform | Scheduler::Pct | Scheduler::Pos => scheduler,
        };
        let length = self.length();
        let adversary = portfolio::adversary(scheduler, &mut lots, length);
        let scenario = if self.settings.swarm {
            let mut drawn = draw::configuration(self.base, &mut lots);
            if adversary.is_some() {
                set_adversary(&mut drawn, adversary);
                promise::keep(&mut drawn, self.base, true);
                drawn.settle();
            }
            Arc::new(drawn)
        } else if adversary.is_some() {
            let mut drawn = Scenario::clone(self.base);
            set_adversary(&mut drawn, adversary);
            promise::keep(&mut drawn, self.base, true);
            drawn.settle();
            Arc::new(drawn)
        } else {
            Arc::clone(self.base)
        };
        Drawn {
            scheduler,
            scenario,
            how: How::Seed(seed),
        }
    }

    /// How many operations were picked in recent runs, on average.
    fn length(&self) -> Option<u64> {
        let sum: u64 = self.recent.iter().sum();
        sum.checked_div(self.recent.len() as u64)
    }

    fn run(&mut self, seed: u64, drawn: Drawn, tally: &mut Tally) {
        let Drawn {
            scheduler,
            scenario,
            how,
        } = drawn;
        let mut guard = Guard::new(self.subject, &scenario);
        let guides = self.settings.portfolio.0[Scheduler::Guided as usize] > 0;
        let ended = guard.run(match &how {
            // Almost half of all runs come to something new: keeping the choices of all costs less than running those twice.
            How::Seed(seed) if guides => How::Kept(*seed),
            other @ (How::Seed(_) | How::Kept(_) | How::Following(..) | How::Sorted(..)) => {
                other.clone()
            }
        });
        let mut failure = guard.failure(&ended);
        let run = guard.runner().finished();
        let fingerprint = run.fingerprint();
        let outcome = match &ended {
            Ended::Run(end) => verdict::judge(&scenario, run, *end).0,
            Ended::Panicked { .. } => Outcome::Unsafe,
        };
        tally.add_run(seed, run, outcome);
        tally.beyond += u64::from(failure::is_beyond(&scenario, run));
        let struck = run.faults().iter().fold(0, |set, (kind, count)| {
            set | u32::from(count.landed > 0) << kind.index()
        });
        let coverage = run.coverage().clone();
        // A probe that nobody came to before is as interesting as a feature.
        let probes = run.probes() & !self.probes;
        self.probes |= probes;
        let new = self.seen.take(&coverage) + probes.count_ones();
        if scenario.schedule.adversary.picks() {
            if self.recent.len() < RECENT {
                self.recent.push(run.store_ops());
            } else {
                self.recent[self.runs % RECENT] = run.store_ops();
            }
            self.runs += 1;
        }
        if failure.is_none() && self.is_compared(seed) {
            tally.compared += 1;
            let mut again = Guard::new(self.subject, &scenario);
            again.run(match &how {
                How::Seed(seed) => How::Kept(*seed),
                other @ (How::Kept(_) | How::Following(..) | How::Sorted(..)) => other.clone(),
            });
            if again.runner().finished().fingerprint() != fingerprint {
                failure = Some(Failure::Differs);
            }
        }
        let sum = tally.schedulers.entry(scheduler).or_default();
        sum.runs += 1;
        sum.failed += u64::from(failure.is_some());
        sum.new += u64::from(new > 0);
        if let Some(failure) = failure {
            tally.add_failure(Failed {
                failure,
                struck,
                count: 1,
                seed,
                scheduler,
            });
        }
        if new > 0 && guides {
            self.keep(&scenario, seed, guard.take_choices());
        }
    }

    /// Keeps a run to be changed later.
    fn keep(&mut self, scenario: &Arc<Scenario>, seed: u64, choices: Vec<u32>) {
        if choices.is_empty() || choices.len() > LIST_MAX {
            return;
        }
        let kept = Kept {
            scenario: Arc::clone(scenario),
            choices,
        };
        if self.corpus.len() < CORPUS_MAX {
            self.corpus.push(kept);
        } else {
            let mut lots = Lots::new(seed ^ 0x6b65_6570);
            let at = lots.below(CORPUS_MAX as u64) as usize;
            self.corpus[at] = kept;
        }
    }

    fn is_compared(&self, seed: u64) -> bool {
        let ppm = self.settings.compare_ppm;
        ppm > 0 && Lots::new(seed ^ 0x7477_6963_6500).below(1_000_000) < u64::from(ppm)
    }
}

/// A scenario whose choices are not left to chance: a stall is then nobody's fault, and a wedge still is.
fn with_bad_luck(scenario: &Arc<Scenario>) -> Arc<Scenario> {
    if scenario.expect.outcome != Expected::Decide {
        return Arc::clone(scenario);
    }
    let mut bad = Scenario::clone(scenario);
    promise::keep(&mut bad, scenario, true);
    bad.expect.value = None;
    Arc::new(bad)
}

/// Lets another adversary order the steps.
fn set_adversary(scenario: &mut Scenario, adversary: Option<Adversary>) {
    let Some(adversary) = adversary else { return };
    scenario.schedule.adversary = adversary;
    scenario.schedule.crashes = 0;
    scenario.schedule.patience = draw::patience(scenario);
}
