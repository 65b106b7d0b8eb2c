//! An engine of buckets whose protocol is not known to whoever runs it.

use std::{fmt::Debug, sync::atomic::AtomicU64};

use super::{Engine, Objects, Part};
use crate::{
    dice::Dice,
    engine::End,
    journal::{Journal, Note},
    planted::Planted,
    playback::What,
    scenario::Scenario,
    verdict::Finished,
    view::View,
};

/// An engine of buckets, of whichever protocol.
#[derive(Debug)]
pub struct AnyBucket(Box<dyn Buckets>);

impl Clone for AnyBucket {
    fn clone(&self) -> Self {
        Self(self.0.boxed())
    }
}

impl<P: Part> From<Engine<Objects<P>>> for AnyBucket
where
    Engine<Objects<P>>: Send,
{
    fn from(engine: Engine<Objects<P>>) -> Self {
        Self(Box::new(engine))
    }
}

impl AnyBucket {
    pub(crate) fn get(&self) -> &dyn Buckets {
        &*self.0
    }

    pub(crate) fn get_mut(&mut self) -> &mut dyn Buckets {
        &mut *self.0
    }
}

/// What a runner asks of it: each as [`Engine`] has it.
pub(crate) trait Buckets: Debug + Send {
    fn boxed(&self) -> Box<dyn Buckets>;
    fn finished(&self) -> &dyn Finished;
    fn plant_any(&mut self, planted: Planted);
    fn run(&mut self, seed: u64) -> End;
    fn run_kept(&mut self, seed: u64) -> End;
    fn run_recorded(&mut self, seed: u64) -> (End, Vec<u32>, Journal);
    fn run_dice(&mut self, dice: Dice) -> End;
    fn run_dice_until(&mut self, dice: Dice, until: u64);
    fn run_step_by_step(&mut self, dice: Dice, taken: &AtomicU64);
    fn run_choices(&mut self, choices: Vec<u32>, until: u64) -> (End, Journal, Option<usize>);
    fn take_choices(&mut self) -> Vec<u32>;
    fn dice_kept(&self, seed: u64) -> Dice;
    fn set_out(&mut self, dice: Dice);
    fn walk_to(&mut self, until: u64) -> Option<End>;
    fn wind_up(&mut self);
    fn listen(&mut self, listens: bool);
    fn take_told(&mut self) -> (Vec<u16>, Vec<Note>);
    fn dice_mut(&mut self) -> &mut Dice;
    fn can_change(&self, what: What) -> bool;
    fn change(&mut self, what: What);
    fn view(&self, scenario: &Scenario) -> View;
}

impl<P: Part> Buckets for Engine<Objects<P>>
where
    Self: Send,
{
    fn boxed(&self) -> Box<dyn Buckets> {
        Box::new(self.clone())
    }

    fn finished(&self) -> &dyn Finished {
        self
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

    fn take_told(&mut self) -> (Vec<u16>, Vec<Note>) {
        self.journal.as_mut().map_or_else(Default::default, |it| {
            (
                std::mem::take(&mut it.digests),
                std::mem::take(&mut it.notes),
            )
        })
    }

    fn dice_mut(&mut self) -> &mut Dice {
        self.dice_mut()
    }

    fn can_change(&self, what: What) -> bool {
        match what {
            What::NoFaults => !self.plan.rules.is_empty(),
            What::OneLeader | What::DuelOff | What::Backoff => false,
        }
    }

    fn change(&mut self, what: What) {
        match what {
            What::NoFaults => {
                self.net.lottery = false;
                self.net.armed.clear();
                self.net.rules.iter_mut().for_each(|rule| rule.left = 0);
            }
            What::OneLeader | What::DuelOff | What::Backoff => {}
        }
    }

    fn view(&self, scenario: &Scenario) -> View {
        self.view(scenario)
    }
}
