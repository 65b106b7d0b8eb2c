//! An engine whose system is not known to whoever runs it.

use std::{fmt::Debug, ops::Range, sync::atomic::AtomicU64};

use super::{Change, End, Engine, Intervention, System};
use crate::{
    engine::{
        dice::Dice,
        journal::{Journal, Keeps, Note},
        log::{Accused, Entry},
        stall::{self, StallReport, Stalls},
        view::{Valence, View},
    },
    explore::Exploration,
    judge::verdict::Finished,
    scenario::{Scenario, planted::Planted},
};

/// What is asked of every engine: each as [`Engine`] has it.
pub(crate) trait Running: Debug + Send {
    fn boxed(&self) -> Box<dyn Running>;
    fn finished(&self) -> &dyn Finished;
    fn ns(&self, tick: u64) -> u64;
    fn plant_any(&mut self, planted: Planted);
    fn run(&mut self, seed: u64) -> End;
    fn run_kept(&mut self, seed: u64) -> End;
    fn run_recorded(&mut self, seed: u64) -> (End, Vec<u32>, Journal);
    fn run_told(&mut self, seed: u64, keeps: Keeps) -> (End, Journal);
    fn run_dice(&mut self, dice: Dice) -> End;
    fn run_dice_until(&mut self, dice: Dice, until: u64);
    fn run_step_by_step(&mut self, dice: Dice, taken: &AtomicU64);
    fn run_choices(&mut self, choices: Vec<u32>, until: u64) -> (End, Journal, Option<usize>);
    fn take_choices(&mut self) -> Vec<u32>;
    fn dice_kept(&self, seed: u64) -> Dice;
    fn dice_mut(&mut self) -> &mut Dice;
    fn set_out(&mut self, dice: Dice);
    fn walk_to(&mut self, until: u64) -> Option<End>;
    fn wind_up(&mut self);
    fn listen(&mut self, journal: Option<Journal>);
    fn take_told(&mut self) -> (Vec<u16>, Vec<Note>);
    fn keep_ledger(&mut self);
    fn take_ledger(&mut self) -> Vec<Entry>;
    fn view(&self, scenario: &Scenario) -> View;
    fn accused(&self) -> Accused;
    fn change_of(&self, scenario: &Scenario, what: Intervention) -> Option<Change>;
    fn make(&mut self, change: Change);
    fn is_open(&self) -> bool;
    fn possible(&self, known: Option<&Exploration>, samples: Range<u32>, seed: u64) -> Valence;
    fn stall_reports(&mut self, scenario: &Scenario, seed: u64, of: Stalls<'_>)
    -> Vec<StallReport>;
}

impl<S: System> Running for Engine<S>
where
    Self: Send,
{
    fn boxed(&self) -> Box<dyn Running> {
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

    fn run_recorded(&mut self, seed: u64) -> (End, Vec<u32>, Journal) {
        self.run_recorded(seed)
    }

    fn run_told(&mut self, seed: u64, keeps: Keeps) -> (End, Journal) {
        self.run_told(seed, keeps)
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

    fn run_choices(&mut self, choices: Vec<u32>, until: u64) -> (End, Journal, Option<usize>) {
        self.run_choices(choices, until)
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

    fn listen(&mut self, journal: Option<Journal>) {
        self.listen(journal);
    }

    fn take_told(&mut self) -> (Vec<u16>, Vec<Note>) {
        let journal = self.journal.as_mut();
        journal.map_or_else(Default::default, |journal| journal.take_told())
    }

    fn keep_ledger(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.ledger = Some(Vec::new());
        }
    }

    fn take_ledger(&mut self) -> Vec<Entry> {
        let journal = self.journal.as_mut();
        let ledger = journal.and_then(|journal| journal.ledger.as_mut());
        ledger.map_or_else(Vec::new, std::mem::take)
    }

    fn view(&self, scenario: &Scenario) -> View {
        S::view(self, scenario)
    }

    fn accused(&self) -> Accused {
        S::accused(self)
    }

    fn change_of(&self, scenario: &Scenario, what: Intervention) -> Option<Change> {
        self.change_of(scenario, what)
    }

    fn make(&mut self, change: Change) {
        self.make(change);
    }

    fn is_open(&self) -> bool {
        S::is_open(self)
    }

    fn possible(&self, known: Option<&Exploration>, samples: Range<u32>, seed: u64) -> Valence {
        S::possible(self, known, samples, seed)
    }

    fn stall_reports(
        &mut self,
        scenario: &Scenario,
        seed: u64,
        of: Stalls<'_>,
    ) -> Vec<StallReport> {
        stall::reports(self, scenario, seed, of)
    }
}
