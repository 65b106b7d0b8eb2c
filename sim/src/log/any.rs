//! A log's engine whose machine is not known to whoever runs it.

use std::{fmt::Debug, sync::atomic::AtomicU64};

use super::{Accused, Entry, Load, LogEngine, LogJournal, LogNote};
use crate::{
    dice::Dice, engine::End, planted::Planted, playback::What, scenario::Scenario,
    verdict::Finished, view::View,
};

/// An engine of logs, of whichever machine.
#[derive(Debug)]
pub struct AnyLog(Box<dyn Logs>);

impl Clone for AnyLog {
    fn clone(&self) -> Self {
        Self(self.0.boxed())
    }
}

impl<L: Load + 'static> From<LogEngine<L>> for AnyLog
where
    LogEngine<L>: Send,
{
    fn from(engine: LogEngine<L>) -> Self {
        Self(Box::new(engine))
    }
}

impl AnyLog {
    pub(crate) fn get(&self) -> &dyn Logs {
        &*self.0
    }

    pub(crate) fn get_mut(&mut self) -> &mut dyn Logs {
        &mut *self.0
    }
}

/// What a runner asks of it: each as [`LogEngine`] has it.
pub(crate) trait Logs: Debug + Send {
    fn boxed(&self) -> Box<dyn Logs>;
    fn finished(&self) -> &dyn Finished;
    fn ns(&self, tick: u64) -> u64;
    fn plant_any(&mut self, planted: Planted);
    fn run(&mut self, seed: u64) -> End;
    fn run_kept(&mut self, seed: u64) -> End;
    fn run_recorded(&mut self, seed: u64) -> (End, Vec<u32>, LogJournal);
    fn run_dice(&mut self, dice: Dice) -> End;
    fn run_dice_until(&mut self, dice: Dice, until: u64);
    fn run_step_by_step(&mut self, dice: Dice, taken: &AtomicU64);
    fn run_choices(&mut self, choices: Vec<u32>, until: u64) -> (End, LogJournal, Option<usize>);
    fn take_choices(&mut self) -> Vec<u32>;
    fn dice_kept(&self, seed: u64) -> Dice;
    fn set_out(&mut self, dice: Dice);
    fn walk_to(&mut self, until: u64) -> Option<End>;
    fn wind_up(&mut self);
    fn listen(&mut self, listens: bool);
    fn take_told(&mut self) -> (Vec<u16>, Vec<LogNote>);
    fn keep_ledger(&mut self);
    fn take_ledger(&mut self) -> Vec<Entry>;
    fn accused(&self) -> Accused;
    fn dice_mut(&mut self) -> &mut Dice;
    fn can_change(&self, what: What) -> bool;
    fn change(&mut self, what: What);
    fn view(&self, scenario: &Scenario) -> View;
}

impl<L: Load + 'static> Logs for LogEngine<L>
where
    Self: Send,
{
    fn boxed(&self) -> Box<dyn Logs> {
        Box::new(self.clone())
    }

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

    fn run_recorded(&mut self, seed: u64) -> (End, Vec<u32>, LogJournal) {
        self.run_recorded(seed)
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

    fn run_choices(&mut self, choices: Vec<u32>, until: u64) -> (End, LogJournal, Option<usize>) {
        self.run_choices(choices, until)
    }

    fn take_choices(&mut self) -> Vec<u32> {
        self.take_choices()
    }

    fn dice_kept(&self, seed: u64) -> Dice {
        self.dice_kept(seed)
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

    fn take_told(&mut self) -> (Vec<u16>, Vec<LogNote>) {
        self.take_told()
    }

    fn keep_ledger(&mut self) {
        self.keep_ledger();
    }

    fn take_ledger(&mut self) -> Vec<Entry> {
        self.take_ledger()
    }

    fn accused(&self) -> Accused {
        self.accused()
    }

    fn dice_mut(&mut self) -> &mut Dice {
        self.dice_mut()
    }

    fn can_change(&self, what: What) -> bool {
        Self::can_change(what)
    }

    fn change(&mut self, what: What) {
        self.change(what);
    }

    fn view(&self, scenario: &Scenario) -> View {
        self.view(scenario)
    }
}
