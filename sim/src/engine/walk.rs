//! Runs that go on a stretch at a time, to be looked at in between.

use bivalent_core::{AgentId, SingleDecree};

use super::{End, Engine, remedy::Change};
use crate::{
    dice::Dice,
    journal::{Journal, Note},
};

impl Engine {
    /// Begins a run that goes on with [`Self::walk_to`], and keeps digests and notes.
    pub(crate) fn set_out(&mut self, dice: Dice) {
        self.start(dice, Some(journal()));
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
    }

    /// From here on digests and notes are kept, or are not.
    pub(crate) fn listen(&mut self, listens: bool) {
        self.journal = listens.then(journal);
    }

    /// What was kept since this was asked for last.
    pub(crate) fn take_told(&mut self) -> (Vec<u16>, Vec<Note>) {
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

    /// Changes something from here on.
    pub(crate) fn change(&mut self, change: Change) {
        self.make(change);
    }

    /// Who would lead if all others stood still: of those who contend, the one with the greatest ballot.
    pub(crate) fn foremost(&self) -> Option<AgentId> {
        let contenders = self.contenders().into_iter();
        contenders.max_by_key(|id| {
            let block = self.seats[id.index()].agent.block();
            (block.vote.map(|vote| vote.bal), block.mbal)
        })
    }

    /// Whether an adversary picks operations or holds them back.
    pub(crate) const fn is_ordered(&self) -> bool {
        self.net.picked || self.duel.is_some()
    }
}

fn journal() -> Box<Journal> {
    Box::new(Journal {
        tells: true,
        ..Journal::default()
    })
}
