//! Whatever a scenario needs to be run: an engine of blocks, of buckets, or of logs.

use std::sync::atomic::AtomicU64;

use crate::{
    engine::{
        End, Engine, Running, System,
        blocks::BlockEngine,
        decree,
        dice::Dice,
        journal::{Journal, Keeps},
        log::{BankLoad, KvLoad, Load, LockLoad, LogEngine},
        stall::{StallReport, Stalls},
    },
    judge::{
        report::{Outcome, RunReport, Stall},
        verdict::{self, Finished},
    },
    scenario::{Protocol, Scenario, planted::Planted, workload::MachineKind},
};

pub use crate::engine::dice::{Rest, Sorted};

/// A simulator of one scenario, to be run with many seeds: one decision a run, of agents on blocks or on buckets, or a
/// replicated state machine, one that comes with Bivalent or a user's own.
#[derive(Debug)]
pub struct Runner(Box<dyn Running>);

impl Clone for Runner {
    fn clone(&self) -> Self {
        Self(self.0.boxed())
    }
}

impl<S: System> From<Engine<S>> for Runner
where
    Engine<S>: Send,
{
    fn from(engine: Engine<S>) -> Self {
        Self(Box::new(engine))
    }
}

impl Runner {
    /// The engine for a scenario.
    pub fn new(scenario: &Scenario) -> Self {
        let protocol = scenario.cluster.protocol;
        if protocol != Protocol::ReplicatedLog {
            if scenario.cluster.bucket.is_some() {
                return decree::on_buckets(scenario);
            }
            return BlockEngine::new(scenario).into();
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
        LogEngine::new(scenario, load).into()
    }

    /// Whichever engine it is.
    pub(crate) fn running(&self) -> &dyn Running {
        &*self.0
    }

    /// The same, and it may change.
    pub(crate) fn running_mut(&mut self) -> &mut dyn Running {
        &mut *self.0
    }

    /// Gives every agent the bug, if there is one, instead of the scenario's, from the next run on.
    pub(crate) fn plant_any(&mut self, planted: Planted) {
        self.running_mut().plant_any(planted);
    }

    /// Runs one seed to its end.
    pub fn run(&mut self, seed: u64) -> End {
        self.running_mut().run(seed)
    }

    /// Runs one seed and keeps its choices, a digest of every step, and notes.
    pub(crate) fn run_recorded(&mut self, seed: u64) -> (End, Vec<u32>, Journal) {
        self.running_mut().run_recorded(seed)
    }

    /// Runs one seed and keeps notes with clocks.
    pub(crate) fn run_told(&mut self, seed: u64, keeps: Keeps) -> (End, Journal) {
        self.running_mut().run_told(seed, keeps)
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
    ) -> (End, Journal, Option<usize>) {
        self.running_mut().run_choices(choices, until)
    }

    /// What would have ended the first stalls of a run of a seed; leaves another run behind.
    pub(crate) fn stall_reports(
        &mut self,
        scenario: &Scenario,
        seed: u64,
        stalls: &[Stall],
        journal: &Journal,
    ) -> Vec<StallReport> {
        let of = Stalls { stalls, journal };
        self.running_mut().stall_reports(scenario, seed, of)
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
