//! An engine whose system is not known to whoever runs it.

use std::{fmt::Debug, sync::atomic::AtomicU64};

use super::{End, Engine, Journal, System};
use crate::{
    dice::Dice, planted::Planted, playback::Noted, runner::Record, scenario::Scenario,
    verdict::Finished, view::View,
};

/// What is asked of every engine: each as [`Engine`] has it.
pub(crate) trait Running: Debug {
    fn finished(&self) -> &dyn Finished;
    fn ns(&self, tick: u64) -> u64;
    fn plant_any(&mut self, planted: Planted);
    fn run(&mut self, seed: u64) -> End;
    fn run_kept(&mut self, seed: u64) -> End;
    fn run_recorded(&mut self, seed: u64) -> (End, Vec<u32>, Record);
    fn run_dice(&mut self, dice: Dice) -> End;
    fn run_dice_until(&mut self, dice: Dice, until: u64);
    fn run_step_by_step(&mut self, dice: Dice, taken: &AtomicU64);
    fn run_choices(&mut self, choices: Vec<u32>, until: u64) -> (End, Record, Option<usize>);
    fn take_choices(&mut self) -> Vec<u32>;
    fn dice_kept(&self, seed: u64) -> Dice;
    fn dice_mut(&mut self) -> &mut Dice;
    fn set_out(&mut self, dice: Dice);
    fn walk_to(&mut self, until: u64) -> Option<End>;
    fn wind_up(&mut self);
    fn listen(&mut self, listens: bool);
    fn take_told(&mut self) -> (Vec<u16>, Vec<Noted>);
    fn view(&self, scenario: &Scenario) -> View;
}

impl<S: System> Running for Engine<S>
where
    Self: Finished,
{
    fn finished(&self) -> &dyn Finished {
        self
    }

    fn ns(&self, tick: u64) -> u64 {
        self.ns(tick)
    }

    fn plant_any(&mut self, planted: Planted) {
        self.plant_any(planted);
    }

    fn run(&mut self, seed: u64) -> End {
        self.run(seed)
    }

    fn run_kept(&mut self, seed: u64) -> End {
        self.run_kept(seed)
    }

    fn run_recorded(&mut self, seed: u64) -> (End, Vec<u32>, Record) {
        let (end, choices, journal) = self.run_recorded(seed);
        (end, choices, journal.into())
    }

    fn run_dice(&mut self, dice: Dice) -> End {
        self.run_dice(dice)
    }

    fn run_dice_until(&mut self, dice: Dice, until: u64) {
        self.run_dice_until(dice, until);
    }

    fn run_step_by_step(&mut self, dice: Dice, taken: &AtomicU64) {
        self.run_step_by_step(dice, taken);
    }

    fn run_choices(&mut self, choices: Vec<u32>, until: u64) -> (End, Record, Option<usize>) {
        let (end, journal, misfit) = self.run_choices(choices, until);
        (end, journal.into(), misfit)
    }

    fn take_choices(&mut self) -> Vec<u32> {
        self.take_choices()
    }

    fn dice_kept(&self, seed: u64) -> Dice {
        self.dice_kept(seed)
    }

    fn dice_mut(&mut self) -> &mut Dice {
        self.dice_mut()
    }

    fn set_out(&mut self, dice: Dice) {
        self.set_out(dice);
    }

    fn walk_to(&mut self, until: u64) -> Option<End> {
        self.walk_to(until)
    }

    fn wind_up(&mut self) {
        self.wind_up();
    }

    fn listen(&mut self, listens: bool) {
        self.listen(listens);
    }

    fn take_told(&mut self) -> (Vec<u16>, Vec<Noted>) {
        let journal = self.journal.as_mut();
        let (digests, notes) = journal.map_or_else(Default::default, |journal| journal.take_told());
        (digests, notes.into_iter().map(Into::into).collect())
    }

    fn view(&self, scenario: &Scenario) -> View {
        S::view(self, scenario)
    }
}
