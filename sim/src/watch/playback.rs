//! Playback: a run that one can walk about in, forwards and backwards, and from which one can branch off.
//!
//! The head runs on and leaves a track: turns of ballots, moments to jump to, a digest of every step, the
//! choices. Every so often it leaves a copy of the whole world; to look at a step, the nearest copy before
//! it runs on to there. The same choices give the same steps, so nothing else needs to be kept.

mod cursor;
mod drain;
mod fork;
mod outlook;
mod why;
mod world;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::{
    engine::{
        End,
        dice::Dice,
        journal::Note,
        runner::Runner,
        view::{Names, Rung, Track, View},
    },
    judge::report::RunReport,
    scenario::{Protocol, Scenario, planted::Planted},
    story,
};

pub use crate::engine::Intervention;
use cursor::{Cursor, Snapshot, Snapshots};
use outlook::Known;
use world::World;

/// The head runs so many steps before it is asked what happened.
const CHUNK: u64 = 256;
/// Notes that go with a view, and with each copy of the world.
const EVENTS_MAX: usize = 200;

/// A run that can be looked at at each of its steps.
#[derive(Debug)]
pub struct Playback {
    scenario: Arc<Scenario>,
    names: Names,
    seed: u64,
    planted: Planted,
    /// The file that it is out of, if it is out of a trace.
    file: Option<String>,
    /// The list that is played, if one is: a run of a seed keeps its own.
    list: Option<Arc<[u32]>>,
    /// The list that was played was that of the whole run.
    fits: bool,
    /// Something else than choices has been changed.
    changed: bool,
    forked_at: Option<u64>,
    is_log: bool,
    head: World,
    end: Option<End>,
    report: Option<RunReport>,
    track: Track,
    digests: Vec<u16>,
    choices: Vec<u32>,
    /// The last ballot of each agent.
    ballots: Vec<Option<Rung>>,
    /// Violations that have been marked.
    violations: usize,
    /// The latest notes.
    latest: VecDeque<Note>,
    snapshots: Snapshots,
    cursor: Option<Cursor>,
    known: Known,
}

impl Playback {
    /// The run of a seed, of agents with a planted bug if there is one, at its start.
    pub fn of_seed(scenario: &Scenario, seed: u64, planted: Planted) -> Self {
        let runner = runner(scenario, planted);
        let dice = World::dice_kept(&runner, seed);
        Self::begin(scenario, seed, planted, runner, dice, None)
    }

    /// The run of a list of choices, at its start; `seed` is where the list came from, for its coordinate.
    /// A choice that does not fit ends the run, and the track says so.
    pub fn of_choices(scenario: &Scenario, seed: u64, choices: Vec<u32>, planted: Planted) -> Self {
        let runner = runner(scenario, planted);
        let list: Arc<[u32]> = choices.into();
        let dice = Dice::playing(Arc::clone(&list));
        Self::begin(scenario, seed, planted, runner, dice, Some(list))
    }

    fn begin(
        scenario: &Scenario,
        seed: u64,
        planted: Planted,
        runner: Runner,
        dice: Dice,
        list: Option<Arc<[u32]>>,
    ) -> Self {
        let cluster = &scenario.cluster;
        let names = Names {
            agents: cluster.agents.iter().map(|it| it.name.clone()).collect(),
            stores: cluster.stores.clone(),
        };
        let is_log = cluster.protocol == Protocol::ReplicatedLog;
        let mut playback = Self {
            ballots: vec![None; names.agents.len()],
            snapshots: Snapshots::new(names.agents.len() * names.stores.len(), is_log),
            scenario: Arc::new(scenario.clone()),
            names,
            seed,
            planted,
            file: None,
            list,
            fits: false,
            changed: false,
            forked_at: None,
            is_log,
            head: World::begin(runner, dice),
            end: None,
            report: None,
            track: Track::default(),
            digests: Vec::new(),
            choices: Vec::new(),
            violations: 0,
            latest: VecDeque::new(),
            cursor: None,
            known: Known::Unasked,
        };
        playback.drain();
        playback.keep_snapshot();
        playback
    }

    /// What it runs.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The names in the scenario.
    pub const fn names(&self) -> &Names {
        &self.names
    }

    /// Its seed; of a list, the seed that it came from.
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The same run, out of a trace in this file: its list of choices need not be that of its seed, nor its
    /// scenario the one of that name, so that only the file brings it back.
    #[must_use]
    pub fn out_of(mut self, file: String) -> Self {
        self.file = Some(file);
        self
    }

    /// The file that it is out of, if it is out of a trace.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The coordinate of a step: `SCENARIO@SEED#STEP`, or `TRACE#STEP`; past a fork that of the step where it began, and how
    /// many steps further it is.
    pub fn coordinate(&self, step: u64) -> String {
        let run = match &self.file {
            Some(file) => file.clone(),
            None => format!("{}@{:#x}", self.scenario.name, self.seed),
        };
        match self.forked_at {
            Some(at) if step > at => {
                let (steps, s) = (step - at, if step - at == 1 { "" } else { "s" });
                format!("{run}#{at}, {steps} step{s} into a fork")
            }
            Some(_) | None => format!("{run}#{step}"),
        }
    }

    /// A coordinate that can be opened: that of a step, or of the one after which this fork leaves the run that
    /// can be.
    pub fn openable(&self, step: u64) -> String {
        self.coordinate(self.forked_at.map_or(step, |at| step.min(at)))
    }

    /// The run so far.
    pub const fn track(&self) -> &Track {
        &self.track
    }

    /// What it came to, when it is over.
    pub const fn report(&self) -> Option<&RunReport> {
        self.report.as_ref()
    }

    /// The choices so far; of a list that is played, all of it.
    pub fn choices(&self) -> &[u32] {
        self.list.as_deref().unwrap_or(&self.choices)
    }

    /// The fingerprint of the run so far.
    pub fn fingerprint(&self) -> u64 {
        self.head.finished().fingerprint()
    }

    /// Runs on, at most so many steps; false when the run is over.
    pub fn advance(&mut self, steps: u64) -> bool {
        let target = self.track.steps.saturating_add(steps);
        while self.end.is_none() && self.track.steps < target {
            let chunk = (self.track.steps / CHUNK + 1) * CHUNK;
            self.run_to(target.min(chunk));
        }
        self.end.is_none()
    }

    fn run_to(&mut self, step: u64) {
        let mut end = None;
        if self.list.is_some() {
            // To stop at the very step of a choice that does not fit.
            while end.is_none() && self.head.steps() < step {
                end = self.head.walk_to(self.head.steps() + 1);
                if self.head.dice_mut().misfit_so_far().is_some() {
                    end = Some(End::Misfit);
                }
            }
        } else {
            end = self.head.walk_to(step);
        }
        if end.is_some() {
            self.head.wind_up();
        }
        self.drain();
        match end {
            Some(end) => self.finish(end),
            None => self.keep_snapshot(),
        }
    }

    fn finish(&mut self, end: End) {
        let report = self.head.report(&self.scenario, self.seed, end);
        let mut over = story::headline(&report);
        if report.as_expected {
            over.push_str("; as expected");
        } else {
            over = format!("{over}; expected: {}", report.expected);
        }
        let misfit = self.head.dice_mut().misfit();
        self.fits = misfit.is_none();
        if let Some(list) = &self.list
            && let Some(at) = misfit
        {
            let all = list.len();
            over = if at >= all {
                format!("the list of {all} choices ends before the run does")
            } else if self.head.dice_mut().misfit_so_far().is_some() {
                format!("the list does not fit: choice {} of {all}", at + 1)
            } else {
                format!("{over}; {} choices are left over", all - at)
            };
        }
        self.track.over = Some(over);
        self.report = Some(report);
        self.end = Some(end);
    }

    /// Leaves a copy of the world, where it is time for one.
    fn keep_snapshot(&mut self) {
        if !self.snapshots.is_due(self.track.steps) {
            return;
        }
        let choices = self.choices_made();
        let world = self.head.silent_copy();
        let latest = self.latest.clone();
        self.snapshots.keep(Snapshot {
            step: self.track.steps,
            choices,
            time_ns: self.track.time_ns,
            latest,
            world,
            pinned: false,
        });
    }

    fn choices_made(&mut self) -> usize {
        let played = self.head.dice_mut().played_so_far();
        played.unwrap_or(self.choices.len())
    }

    /// The world as it was after a step; after the last one if there are fewer.
    pub fn view_at(&mut self, step: u64) -> View {
        let step = step.min(self.track.steps);
        let mut cursor = self.snapshots.seek(self.cursor.take(), step);
        cursor.advance(step);
        let view = cursor.view(&self.scenario);
        self.cursor = Some(cursor);
        view
    }

    /// The last step at or before a virtual time, nanoseconds.
    pub fn step_at(&self, time_ns: u64) -> u64 {
        if time_ns >= self.track.time_ns {
            return self.track.steps;
        }
        let mut world = self.snapshots.before(time_ns);
        let mut step = world.steps();
        while step < self.track.steps {
            world.walk_to(step + 1);
            if world.time_ns() > time_ns {
                break;
            }
            step += 1;
        }
        step
    }

    /// The first step that is not the same in another run; none as far as both have been run.
    pub fn first_difference(&self, other: &Self) -> Option<u64> {
        let both = self.digests.iter().zip(&other.digests);
        let same = both.take_while(|(a, b)| a == b).count();
        let (mine, theirs) = (self.digests.len(), other.digests.len());
        let ended = |it: &Self, steps: usize| it.end.is_some() && steps == same;
        let differ = same < mine.min(theirs);
        let shorter = mine != theirs && (ended(self, mine) || ended(other, theirs));
        (differ || shorter).then_some(same as u64 + 1)
    }
}

fn runner(scenario: &Scenario, planted: Planted) -> Runner {
    let mut runner = Runner::new(scenario);
    runner.plant_any(planted);
    runner
}
