//! The world of a run, of whichever engine, as a playback needs it.

use std::ops::Range;

use bivalent_core::Contention;

use super::What;
use crate::{
    blocks::{BlockEngine, remedy::Change},
    dice::Dice,
    engine::End,
    explore::Exploration,
    journal::Note,
    log::{self, Accused, Entry, LogNote},
    report::RunReport,
    runner::Runner,
    scenario::{Adversary, Scenario},
    stall, story,
    timeline::{self, Subject},
    verdict::Finished,
    view::{EventLine, Valence, View},
};

/// Something that was noted, of whichever engine.
#[derive(Clone, Debug)]
pub(crate) enum Noted {
    Single(Note),
    Log(LogNote),
}

impl From<Note> for Noted {
    fn from(note: Note) -> Self {
        Self::Single(note)
    }
}

impl From<LogNote> for Noted {
    fn from(note: LogNote) -> Self {
        Self::Log(note)
    }
}

impl Noted {
    pub(super) const fn step(&self) -> u64 {
        match self {
            Self::Single(note) => note.step,
            Self::Log(note) => note.step,
        }
    }
}

/// A run that goes on a stretch at a time.
#[derive(Clone, Debug)]
pub(super) struct World(Runner);

impl World {
    /// The dice of a seed whose choices are kept.
    pub(super) fn dice_kept(runner: &Runner, seed: u64) -> Dice {
        runner.running().dice_kept(seed)
    }

    /// A run at its start, which keeps digests and notes.
    pub(super) fn begin(runner: Runner, dice: Dice) -> Self {
        let mut world = Self(runner);
        world.0.running_mut().set_out(dice);
        world
    }

    /// Goes on up to a step; how the run ended, if it did.
    pub(super) fn walk_to(&mut self, until: u64) -> Option<End> {
        self.0.running_mut().walk_to(until)
    }

    /// What is done when a run is over.
    pub(super) fn wind_up(&mut self) {
        self.0.running_mut().wind_up();
    }

    /// From here on digests and notes are kept, or are not.
    pub(super) fn listen(&mut self, listens: bool) {
        self.0.running_mut().listen(listens);
    }

    /// The digests and notes since this was asked for last.
    pub(super) fn take_told(&mut self) -> (Vec<u16>, Vec<Noted>) {
        self.0.running_mut().take_told()
    }

    /// From here on it is entered who does what, in a log's world.
    pub(super) fn keep_ledger(&mut self) {
        if let Runner::Log(any) = &mut self.0 {
            any.get_mut().keep_ledger();
        }
    }

    /// What has been entered since; nothing of a single decision.
    pub(super) fn take_ledger(&mut self) -> Vec<Entry> {
        match &mut self.0 {
            Runner::Single(_) | Runner::Bucket(_) => Vec::new(),
            Runner::Log(any) => any.get_mut().take_ledger(),
        }
    }

    /// What is wrong with the whole of a log's run that is over.
    pub(super) fn accused(&self) -> Accused {
        match &self.0 {
            Runner::Single(_) | Runner::Bucket(_) => Accused::default(),
            Runner::Log(any) => any.get().accused(),
        }
    }

    /// A copy that keeps nothing. What was told must have been taken.
    pub(super) fn silent_copy(&mut self) -> Self {
        self.listen(false);
        let copy = self.clone();
        self.listen(true);
        copy
    }

    /// Whether a change makes a difference here.
    pub(super) fn can_change(&self, scenario: &Scenario, what: What) -> bool {
        match &self.0 {
            Runner::Single(engine) => change(scenario, engine, what).is_some(),
            Runner::Bucket(any) => any.get().can_change(what),
            Runner::Log(any) => any.get().can_change(what),
        }
    }

    /// Changes something from here on.
    pub(super) fn change(&mut self, scenario: &Scenario, what: What) {
        match &mut self.0 {
            Runner::Single(engine) => {
                if let Some(change) = change(scenario, engine, what) {
                    engine.change(change);
                }
            }
            Runner::Bucket(any) => any.get_mut().change(what),
            Runner::Log(any) => any.get_mut().change(what),
        }
    }

    pub(super) fn dice_mut(&mut self) -> &mut Dice {
        self.0.running_mut().dice_mut()
    }

    pub(super) fn finished(&self) -> &dyn Finished {
        self.0.finished()
    }

    pub(super) fn steps(&self) -> u64 {
        self.finished().steps()
    }

    pub(super) fn time_ns(&self) -> u64 {
        self.finished().virtual_ns()
    }

    /// A tick as nanoseconds.
    pub(super) fn ns(&self, tick: u64) -> u64 {
        self.0.ns(tick)
    }

    pub(super) fn report(&self, scenario: &Scenario, seed: u64, end: End) -> RunReport {
        self.0.report(scenario, seed, end)
    }

    /// What is to be seen of it, without what was noted.
    pub(super) fn view(&self, scenario: &Scenario) -> View {
        self.0.running().view(scenario)
    }

    /// Whether this is a single decision, and nobody has decided.
    pub(super) fn is_open(&self) -> bool {
        match &self.0 {
            Runner::Single(engine) => engine.value().is_none(),
            Runner::Bucket(_) | Runner::Log(_) => false,
        }
    }

    /// Which values can still be decided from here; none of a log.
    pub(super) fn possible(
        &self,
        known: Option<&Exploration>,
        samples: Range<u32>,
        seed: u64,
    ) -> Valence {
        match &self.0 {
            Runner::Single(engine) => engine.possible(known, samples, seed),
            Runner::Bucket(_) | Runner::Log(_) => Valence::default(),
        }
    }

    /// A note in words.
    pub(super) fn line(&self, scenario: &Scenario, noted: &Noted) -> EventLine {
        match (&self.0, noted) {
            (runner, Noted::Single(note)) => {
                let engine = runner.finished();
                let Subject {
                    kind,
                    agent,
                    store,
                    fault,
                } = timeline::subject(&note.what);
                EventLine {
                    line: story::line(scenario, engine, note),
                    kind,
                    agent: agent.map(|agent| agent.0),
                    store: store.map(|store| store.0),
                    fault,
                }
            }
            (runner, Noted::Log(note)) => EventLine {
                line: log::story::line(scenario, runner, note),
                kind: note.kind,
                agent: note.agent.map(|agent| agent.0),
                store: note.store.map(|store| store.0),
                fault: note.broken,
            },
        }
    }
}

/// What to change in a single decision's world, if it makes a difference there.
fn change(scenario: &Scenario, engine: &BlockEngine, what: What) -> Option<Change> {
    let scripted = matches!(scenario.schedule.adversary, Adversary::Script(_));
    match what {
        // A script knows one course of things only.
        What::OneLeader | What::Backoff if scripted => None,
        What::DuelOff => engine.is_ordered().then_some(Change::FairSchedule),
        What::OneLeader => engine.foremost().map(Change::OneLeader),
        What::Backoff => {
            let (min, max) = stall::backoff(scenario, engine)?;
            Some(Change::Backoff(Contention::Random { min, max }))
        }
        What::NoFaults => (!scenario.faults.is_empty()).then_some(Change::NoFaults),
    }
}
