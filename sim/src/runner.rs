//! Whatever a scenario needs to be run: the engine of single decisions, or that of logs.

use std::sync::atomic::AtomicU64;

use crate::{
    dice::Dice,
    engine::{End, Engine},
    journal::Journal,
    log::{BankLoad, KvLoad, LockLoad, LogEngine, LogJournal},
    planted::Planted,
    report::{Outcome, RunReport},
    scenario::{Protocol, Scenario},
    verdict::{self, Finished},
    workload::MachineKind,
};

pub use crate::dice::{Rest, Sorted};

/// A simulator of one scenario, to be run with many seeds.
#[derive(Clone, Debug)]
pub enum Runner {
    /// One decision a run.
    Single(Box<Engine>),
    /// A replicated map.
    Kv(Box<LogEngine<KvLoad>>),
    /// A replicated bank.
    Bank(Box<LogEngine<BankLoad>>),
    /// A replicated lock service.
    Lock(Box<LogEngine<LockLoad>>),
}

/// What a recorded run left behind.
#[derive(Debug)]
pub(crate) enum Record {
    Single(Journal),
    Log(LogJournal),
}

/// Does the same with whichever engine it is.
macro_rules! each {
    ($runner:expr, $engine:ident => $body:expr) => {
        match $runner {
            Runner::Single($engine) => $body,
            Runner::Kv($engine) => $body,
            Runner::Bank($engine) => $body,
            Runner::Lock($engine) => $body,
        }
    };
}

impl Runner {
    /// The engine for a scenario.
    pub fn new(scenario: &Scenario) -> Self {
        if scenario.cluster.protocol != Protocol::ReplicatedLog {
            return Self::Single(Box::new(Engine::new(scenario)));
        }
        match scenario.workload.machine {
            MachineKind::Kv => Self::Kv(Box::new(LogEngine::new(scenario, KvLoad))),
            MachineKind::Bank => {
                let accounts = scenario.workload.keys;
                Self::Bank(Box::new(LogEngine::new(scenario, BankLoad { accounts })))
            }
            MachineKind::Lock => Self::Lock(Box::new(LogEngine::new(scenario, LockLoad))),
        }
    }

    /// Gives every agent the bug, if there is one, instead of the scenario's, from the next run on.
    pub(crate) fn plant_any(&mut self, planted: Planted) {
        each!(self, engine => engine.plant_any(planted));
    }

    /// Runs one seed to its end.
    pub fn run(&mut self, seed: u64) -> End {
        each!(self, engine => engine.run(seed))
    }

    /// Runs one seed and keeps its choices and its record.
    pub(crate) fn run_recorded(&mut self, seed: u64) -> (End, Vec<u32>, Record) {
        match self {
            Self::Single(engine) => {
                let (end, choices, journal) = engine.run_recorded(seed);
                (end, choices, Record::Single(journal))
            }
            Self::Kv(engine) => of_log(engine.run_recorded(seed)),
            Self::Bank(engine) => of_log(engine.run_recorded(seed)),
            Self::Lock(engine) => of_log(engine.run_recorded(seed)),
        }
    }

    /// Runs one seed and keeps its choices, and nothing else: see [`Self::take_choices`].
    pub fn run_kept(&mut self, seed: u64) -> End {
        each!(self, engine => engine.run_kept(seed))
    }

    /// Follows a list of choices that need not fit, and goes on after its end as `rest` says. The
    /// choices made are kept: see [`Self::take_choices`].
    pub fn run_following(&mut self, choices: Vec<u32>, rest: Rest) -> End {
        each!(self, engine => engine.run_dice(Dice::following(choices, rest)))
    }

    /// The same with a list for each purpose.
    pub fn run_sorted(&mut self, sorted: Sorted, rest: Rest) -> End {
        each!(self, engine => engine.run_dice(Dice::following_sorted(sorted, rest)))
    }

    /// Follows a list and keeps the choices made and their kinds: the kind of each stands before it.
    pub(crate) fn run_telling_kinds(&mut self, choices: Vec<u32>) -> End {
        each!(self, engine => engine.run_dice(Dice::telling_kinds(choices)))
    }

    /// Runs with these dice up to a step.
    pub(crate) fn run_dice_until(&mut self, dice: Dice, until: u64) {
        each!(self, engine => engine.run_dice_until(dice, until));
    }

    /// Runs with these dice, step by step; `taken` is told of each step that is over.
    pub(crate) fn run_step_by_step(&mut self, dice: Dice, taken: &AtomicU64) {
        each!(self, engine => engine.run_step_by_step(dice, taken));
    }

    /// The choices of the last run, if they were kept: a list that fits.
    pub fn take_choices(&mut self) -> Vec<u32> {
        each!(self, engine => engine.take_choices())
    }

    /// Runs a list of choices, at most to a step; says which of the choices did not fit.
    pub(crate) fn run_choices(
        &mut self,
        choices: Vec<u32>,
        until: u64,
    ) -> (End, Record, Option<usize>) {
        let of_log = |(end, journal, misfit)| (end, Record::Log(journal), misfit);
        match self {
            Self::Single(engine) => {
                let (end, journal, misfit) = engine.run_choices(choices, until);
                (end, Record::Single(journal), misfit)
            }
            Self::Kv(engine) => of_log(engine.run_choices(choices, until)),
            Self::Bank(engine) => of_log(engine.run_choices(choices, until)),
            Self::Lock(engine) => of_log(engine.run_choices(choices, until)),
        }
    }

    /// A tick as nanoseconds.
    pub(crate) fn ns(&self, tick: u64) -> u64 {
        each!(self, engine => engine.ns(tick))
    }

    /// The run that is over.
    pub fn finished(&self) -> &dyn Finished {
        each!(self, engine => &**engine)
    }

    /// What it came to.
    pub fn report(&self, scenario: &Scenario, seed: u64, end: End) -> RunReport {
        verdict::report(scenario, self.finished(), seed, end)
    }

    /// Its outcome, and whether that is what the scenario expects.
    pub(crate) fn judge(&self, scenario: &Scenario, end: End) -> (Outcome, bool) {
        verdict::judge(scenario, self.finished(), end)
    }
}

fn of_log((end, choices, journal): (End, Vec<u32>, LogJournal)) -> (End, Vec<u32>, Record) {
    (end, choices, Record::Log(journal))
}

impl Record {
    /// A digest of every step.
    pub(crate) fn digests(&self) -> &[u16] {
        match self {
            Self::Single(journal) => &journal.digests,
            Self::Log(journal) => &journal.digests,
        }
    }
}
