//! Whatever a scenario needs to be run: the engine of single decisions, or that of logs.

use std::sync::atomic::AtomicU64;

use crate::{
    blocks::BlockEngine,
    dice::Dice,
    engine::End,
    journal::Journal,
    log::{AnyLog, BankLoad, KvLoad, Load, LockLoad, LogEngine, LogJournal},
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
    Single(Box<BlockEngine>),
    /// A replicated state machine, one that comes with Bivalent or a user's own.
    Log(AnyLog),
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
            Runner::Log(any) => {
                let $engine = any.get_mut();
                $body
            }
        }
    };
}

impl Runner {
    /// The engine for a scenario.
    pub fn new(scenario: &Scenario) -> Self {
        if scenario.cluster.protocol != Protocol::ReplicatedLog {
            return Self::Single(Box::new(BlockEngine::new(scenario)));
        }
        match scenario.workload.machine {
            MachineKind::Kv => Self::of_machine(scenario, KvLoad),
            MachineKind::Bank => {
                let accounts = scenario.workload.keys;
                Self::of_machine(scenario, BankLoad { accounts })
            }
            MachineKind::Lock => Self::of_machine(scenario, LockLoad),
        }
    }

    /// The engine for a scenario with replicas of any machine, whichever one the scenario names.
    pub fn of_machine<L: Load + 'static>(scenario: &Scenario, load: L) -> Self
    where
        LogEngine<L>: Send,
    {
        Self::Log(LogEngine::new(scenario, load).into())
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
            Self::Log(any) => {
                let (end, choices, journal) = any.get_mut().run_recorded(seed);
                (end, choices, Record::Log(journal))
            }
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
        match self {
            Self::Single(engine) => {
                let (end, journal, misfit) = engine.run_choices(choices, until);
                (end, Record::Single(journal), misfit)
            }
            Self::Log(any) => {
                let (end, journal, misfit) = any.get_mut().run_choices(choices, until);
                (end, Record::Log(journal), misfit)
            }
        }
    }

    /// A tick as nanoseconds.
    pub(crate) fn ns(&self, tick: u64) -> u64 {
        match self {
            Self::Single(engine) => engine.ns(tick),
            Self::Log(any) => any.get().ns(tick),
        }
    }

    /// The run that is over.
    pub fn finished(&self) -> &dyn Finished {
        match self {
            Self::Single(engine) => &**engine,
            Self::Log(any) => any.get().finished(),
        }
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

impl Record {
    /// A digest of every step.
    pub(crate) fn digests(&self) -> &[u16] {
        match self {
            Self::Single(journal) => &journal.digests,
            Self::Log(journal) => &journal.digests,
        }
    }
}
