//! The world of a run, of whichever engine, as a playback needs it.

use std::ops::Range;

use super::Intervention;
use crate::{
    engine::{
        End,
        dice::Dice,
        journal::{Journal, Note},
        log::{Accused, Entry},
        runner::Runner,
        view::{EventLine, Valence, View},
    },
    explore::Exploration,
    judge::{report::RunReport, verdict::Finished},
    scenario::Scenario,
    story::{
        self,
        timeline::{self, Subject},
    },
};

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

    /// From here on this is kept, or nothing.
    pub(super) fn listen(&mut self, journal: Option<Journal>) {
        self.0.running_mut().listen(journal);
    }

    /// The digests and notes since this was asked for last.
    pub(super) fn take_told(&mut self) -> (Vec<u16>, Vec<Note>) {
        self.0.running_mut().take_told()
    }

    /// From here on it is entered who does what, in a log's world.
    pub(super) fn keep_ledger(&mut self) {
        self.0.running_mut().keep_ledger();
    }

    /// What has been entered since; nothing of a single decision.
    pub(super) fn take_ledger(&mut self) -> Vec<Entry> {
        self.0.running_mut().take_ledger()
    }

    /// What is wrong with the whole of a log's run that is over.
    pub(super) fn accused(&self) -> Accused {
        self.0.running().accused()
    }

    /// A copy that keeps nothing. What was told must have been taken.
    pub(super) fn silent_copy(&mut self) -> Self {
        self.listen(None);
        let copy = self.clone();
        self.listen(Some(Journal::telling()));
        copy
    }

    /// Whether a change makes a difference here.
    pub(super) fn can_change(&self, scenario: &Scenario, what: Intervention) -> bool {
        self.0.running().change_of(scenario, what).is_some()
    }

    /// Changes something from here on.
    pub(super) fn change(&mut self, scenario: &Scenario, what: Intervention) {
        if let Some(change) = self.0.running().change_of(scenario, what) {
            self.0.running_mut().make(change);
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
        self.0.running().is_open()
    }

    /// Which values can still be decided from here; none of a log.
    pub(super) fn possible(
        &self,
        known: Option<&Exploration>,
        samples: Range<u32>,
        seed: u64,
    ) -> Valence {
        self.0.running().possible(known, samples, seed)
    }

    /// A note in words.
    pub(super) fn line(&self, scenario: &Scenario, note: &Note) -> EventLine {
        let Subject {
            kind,
            agent,
            store,
            fault,
        } = timeline::subject(&note.what);
        EventLine {
            line: story::line(scenario, self.finished(), note),
            kind,
            agent: agent.map(|agent| agent.0),
            store: store.map(|store| store.0),
            fault,
        }
    }
}
