//! A log's run that goes on a stretch at a time, to be looked at in between.

use super::{LogEngine, LogJournal, LogNote, machines::Load};
use crate::{
    dice::Dice,
    engine::{End, Status},
    playback::What,
};

impl<L: Load> LogEngine<L> {
    /// The dice of a seed whose choices are kept.
    pub(crate) fn dice_kept(&self, seed: u64) -> Dice {
        self.plan.dice_kept(seed)
    }

    /// Begins a run that goes on with [`Self::walk_to`], and keeps digests and notes.
    pub(crate) fn set_out(&mut self, dice: Dice) {
        let journal = LogJournal::new(self.plan.agents);
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
        self.judge_the_whole();
    }

    /// From here on digests and notes are kept, or are not.
    pub(crate) fn listen(&mut self, listens: bool) {
        let agents = self.plan.agents;
        self.journal = listens.then(|| Box::new(LogJournal::new(agents)));
    }

    /// What was kept since this was asked for last.
    pub(crate) fn take_told(&mut self) -> (Vec<u16>, Vec<LogNote>) {
        self.journal.as_mut().map_or_else(Default::default, |it| {
            (
                std::mem::take(&mut it.digests),
                std::mem::take(&mut it.notes),
            )
        })
    }

    /// The dice.
    pub(crate) const fn dice_mut(&mut self) -> &mut Dice {
        &mut self.net.dice
    }

    /// Whether a change means something to replicas.
    pub(crate) const fn can_change(what: What) -> bool {
        match what {
            What::OneLeader | What::NoFaults => true,
            What::DuelOff | What::Backoff => false,
        }
    }

    /// Changes something from here on, if it can be.
    pub(crate) fn change(&mut self, what: What) {
        match what {
            What::OneLeader => {
                let up = self.seats.iter().filter(|seat| seat.status == Status::Up);
                let leader = up.max_by_key(|seat| seat.replica.ballot());
                let leader = leader.map(|seat| seat.id);
                for seat in &mut self.seats {
                    if Some(seat.id) != leader && seat.status == Status::Up {
                        seat.status = Status::Paused;
                        seat.pauses = seat.pauses.wrapping_add(1);
                    }
                }
            }
            What::NoFaults => {
                self.net.lottery = false;
                self.net.armed.clear();
                self.net.rules.iter_mut().for_each(|rule| rule.left = 0);
            }
            What::DuelOff | What::Backoff => {}
        }
    }
}
