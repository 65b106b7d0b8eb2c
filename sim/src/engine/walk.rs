//! Runs that go on a stretch at a time, to be looked at in between.

use bivalent_core::AgentId;

use super::{End, Engine, order, remedy::Change};
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

    /// The number of the value that is decided first if a copy goes on with other dice, in so many steps at
    /// most; none if nobody has decided then. Whoever chose until now, chance chooses from here on, since what
    /// is asked is whether any schedule decides: either times, or the order in which operations take effect.
    pub(crate) fn sample(&self, dice: Dice, steps: u64, orders: bool) -> Option<u64> {
        let mut world = self.clone();
        world.net.dice = dice;
        if orders {
            world.take_over();
            order::pick_at_random(&mut world.order);
        } else {
            world.change(Change::FairSchedule);
        }
        // Nobody asks for stalls: probing for them would take longer than all the rest.
        world.liveness.ignore_stalls();
        world.first_decision(world.steps + steps, self.plan.end)?;
        world.value.map(|value| value.0)
    }
}

fn journal() -> Box<Journal> {
    Box::new(Journal {
        tells: true,
        ..Journal::default()
    })
}
