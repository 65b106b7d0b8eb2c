//! Runs: one seed, or one list of choices, from a fresh world to its end, at once or a stretch at a time.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{End, Engine, System};
use crate::{
    engine::{
        dice::Dice,
        event::Event,
        fingerprint::Fingerprint,
        journal::{Journal, Keeps},
    },
    store::Service,
};

impl<S: System> Engine<S> {
    /// Runs one seed to its end.
    pub fn run(&mut self, seed: u64) -> End {
        self.run_dice(self.plan.dice(seed))
    }

    /// Runs one seed and keeps its choices, and nothing else.
    pub(crate) fn run_kept(&mut self, seed: u64) -> End {
        self.run_dice(self.plan.dice_kept(seed))
    }

    /// Runs one seed and keeps its choices, a digest of every step, and notes.
    pub(crate) fn run_recorded(&mut self, seed: u64) -> (End, Vec<u32>, Journal) {
        self.set_out(self.plan.dice_kept(seed));
        let end = self.go(u64::MAX);
        let choices = self.net.dice.take_choices();
        (end, choices, self.take_journal())
    }

    /// Runs one seed and keeps notes with clocks.
    pub(crate) fn run_told(&mut self, seed: u64, keeps: Keeps) -> (End, Journal) {
        let journal = Journal::with_clocks(self.plan.agents, keeps);
        self.start(self.plan.dice(seed), Some(Box::new(journal)));
        let end = self.go(u64::MAX);
        (end, self.take_journal())
    }

    /// Runs one seed until somebody decides, or to its end.
    pub(crate) fn run_to_first_decision(&mut self, seed: u64) -> End {
        self.start(self.plan.dice(seed), None);
        self.liveness.first_is_enough = true;
        self.go(u64::MAX)
    }

    /// Runs with these dice and nothing written down.
    pub(crate) fn run_dice(&mut self, dice: Dice) -> End {
        self.start(dice, None);
        self.go(u64::MAX)
    }

    /// Runs with these dice up to a step.
    pub(crate) fn run_dice_until(&mut self, dice: Dice, until: u64) {
        self.start(dice, None);
        self.go(until);
    }

    /// Runs with these dice, step by step; `taken` is told of each step that is over.
    pub(crate) fn run_step_by_step(&mut self, dice: Dice, taken: &AtomicU64) {
        self.start(dice, None);
        let mut step = 1;
        while self.go(step) == End::Steps && self.steps >= step {
            taken.store(step, Ordering::Relaxed);
            step += 1;
        }
    }

    /// Runs a list of choices, at most to a step; says which of the choices did not fit.
    pub(crate) fn run_choices(
        &mut self,
        choices: Vec<u32>,
        until: u64,
    ) -> (End, Journal, Option<usize>) {
        self.set_out(Dice::playing(choices));
        let end = self.go(until);
        let misfit = self.net.dice.misfit();
        (end, self.take_journal(), misfit)
    }

    /// The choices that the dice have kept.
    pub(crate) fn take_choices(&mut self) -> Vec<u32> {
        self.net.dice.take_choices()
    }

    /// The dice of a seed whose choices are kept.
    pub(crate) fn dice_kept(&self, seed: u64) -> Dice {
        self.plan.dice_kept(seed)
    }

    /// The dice.
    pub(crate) const fn dice_mut(&mut self) -> &mut Dice {
        &mut self.net.dice
    }

    /// Begins a run that goes on with [`Self::walk_to`], and keeps digests and notes.
    pub(crate) fn set_out(&mut self, dice: Dice) {
        let journal = Journal::telling();
        self.start(dice, Some(Box::new(journal)));
    }

    /// Goes on up to a step; how the run ended, if it did. An open stall stays open.
    pub(crate) fn walk_to(&mut self, until: u64) -> Option<End> {
        let end = self.run_on(until);
        let over = end != End::Steps || self.steps >= self.plan.steps_max;
        over.then_some(end)
    }

    /// What is done when a run is over.
    pub(crate) fn wind_up(&mut self) {
        self.close_stall();
        S::wind_up(self);
    }

    /// From here on this is kept, or nothing.
    pub(crate) fn listen(&mut self, journal: Option<Journal>) {
        self.journal = journal.map(Box::new);
    }

    pub(crate) fn take_journal(&mut self) -> Journal {
        self.journal
            .take()
            .map_or_else(Journal::telling, |journal| *journal)
    }

    /// Runs up to a step, or to the end.
    pub(crate) fn go(&mut self, until: u64) -> End {
        let end = self.run_on(until);
        if self.solo.is_none() {
            self.wind_up();
        }
        end
    }

    /// A fresh world, with everything in the queue that comes of itself.
    pub(crate) fn start(&mut self, dice: Dice, journal: Option<Box<Journal>>) {
        self.net.reset(dice);
        self.service.fill(Service::Up);
        self.waiting.iter_mut().for_each(Vec::clear);
        self.outages.fill(0);
        self.slow_spells.fill(0);
        self.envelope.reset();
        self.violations.clear();
        self.fingerprint = Fingerprint::new();
        self.journal = journal;
        self.steps = 0;
        self.store_ops = 0;
        self.solo = None;
        self.healed = false;
        self.liveness.reset();
        self.participants
            .iter_mut()
            .for_each(super::Participant::reset);
        S::reset(self);
        // Before the agents' first steps: a rule at 0 meets their first operations.
        self.set_triggers();
        S::begin(self);
        if let Some(heal) = self.plan.heal {
            self.put(heal, Event::Heal);
        }
        self.put(self.plan.stall, Event::StallCheck);
        S::begun(self);
    }

    /// Virtual time, nanoseconds.
    pub fn virtual_ns(&self) -> u64 {
        self.plan.ns(self.net.now().min(self.plan.end))
    }

    /// A tick as nanoseconds.
    pub(crate) fn ns(&self, tick: u64) -> u64 {
        self.plan.ns(tick)
    }

    /// Events taken.
    pub const fn steps(&self) -> u64 {
        self.steps
    }
}
