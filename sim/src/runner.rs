//! Whatever a scenario needs to be run: an engine of blocks, of buckets, or of logs.

use std::sync::atomic::AtomicU64;

use crate::{
    blocks::BlockEngine,
    decree,
    dice::Dice,
    engine::{End, Running},
    journal::Journal,
    log::{AnyLog, BankLoad, KvLoad, Load, LockLoad, LogEngine, LogJournal},
    objects::AnyBucket,
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
    /// One decision a run, of agents on buckets.
    Bucket(AnyBucket),
    /// A replicated state machine, one that comes with Bivalent or a user's own.
    Log(AnyLog),
}

/// What a recorded run left behind.
#[derive(Debug)]
pub(crate) enum Record {
    Single(Journal),
    Log(LogJournal),
}

impl From<Journal> for Record {
    fn from(journal: Journal) -> Self {
        Self::Single(journal)
    }
}

impl From<LogJournal> for Record {
    fn from(journal: LogJournal) -> Self {
        Self::Log(journal)
    }
}

impl Runner {
    /// The engine for a scenario.
    pub fn new(scenario: &Scenario) -> Self {
        let protocol = scenario.cluster.protocol;
        if protocol != Protocol::ReplicatedLog {
            if scenario.cluster.bucket.is_some() {
                return Self::Bucket(decree::on_buckets(scenario));
            }
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
    pub fn of_machine<L: Load>(scenario: &Scenario, load: L) -> Self {
        Self::Log(LogEngine::new(scenario, load).into())
    }

    /// Whichever engine it is.
    pub(crate) fn running(&self) -> &dyn Running {
        match self {
            Self::Single(engine) => &**engine,
            Self::Bucket(any) => any.get(),
            Self::Log(any) => any.get(),
        }
    }

    /// The same, and it may change.
    pub(crate) fn running_mut(&mut self) -> &mut dyn Running {
        match self {
            Self::Single(engine) => &mut **engine,
            Self::Bucket(any) => any.get_mut(),
            Self::Log(any) => any.get_mut(),
        }
    }

    /// Gives every agent the bug, if there is one, instead of the scenario's, from the next run on.
    pub(crate) fn plant_any(&mut self, planted: Planted) {
        self.running_mut().plant_any(planted);
    }

    /// Runs one seed to its end.
    pub fn run(&mut self, seed: u64) -> End {
        self.running_mut().run(seed)
    }

    /// Runs one seed and keeps its choices and its record.
    pub(crate) fn run_recorded(&mut self, seed: u64) -> (End, Vec<u32>, Record) {
        self.running_mut().run_recorded(seed)
    }

    /// Runs one seed and keeps its choices, and nothing else: see [`Self::take_choices`].
    pub fn run_kept(&mut self, seed: u64) -> End {
        self.running_mut().run_kept(seed)
    }

    /// Follows a list of choices that need not fit, and goes on after its end as `rest` says. The
    /// choices made are kept: see [`Self::take_choices`].
    pub fn run_following(&mut self, choices: Vec<u32>, rest: Rest) -> End {
        self.running_mut().run_dice(Dice::following(choices, rest))
    }

    /// The same with a list for each purpose.
    pub fn run_sorted(&mut self, sorted: Sorted, rest: Rest) -> End {
        self.running_mut()
            .run_dice(Dice::following_sorted(sorted, rest))
    }

    /// Follows a list and keeps the choices made and their kinds: the kind of each stands before it.
    pub(crate) fn run_telling_kinds(&mut self, choices: Vec<u32>) -> End {
        self.running_mut().run_dice(Dice::telling_kinds(choices))
    }

    /// Runs with these dice up to a step.
    pub(crate) fn run_dice_until(&mut self, dice: Dice, until: u64) {
        self.running_mut().run_dice_until(dice, until);
    }

    /// Runs with these dice, step by step; `taken` is told of each step that is over.
    pub(crate) fn run_step_by_step(&mut self, dice: Dice, taken: &AtomicU64) {
        self.running_mut().run_step_by_step(dice, taken);
    }

    /// The choices of the last run, if they were kept: a list that fits.
    pub fn take_choices(&mut self) -> Vec<u32> {
        self.running_mut().take_choices()
    }

    /// Runs a list of choices, at most to a step; says which of the choices did not fit.
    pub(crate) fn run_choices(
        &mut self,
        choices: Vec<u32>,
        until: u64,
    ) -> (End, Record, Option<usize>) {
        self.running_mut().run_choices(choices, until)
    }

    /// A tick as nanoseconds.
    pub(crate) fn ns(&self, tick: u64) -> u64 {
        self.running().ns(tick)
    }

    /// The run that is over.
    pub fn finished(&self) -> &dyn Finished {
        self.running().finished()
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
