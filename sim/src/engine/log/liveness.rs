//! When a run of replicas is over, and what is judged then.

use bivalent_core::{Slot, StoreId};

use super::{
    History, LogEngine, Seat,
    judge::{MachineModel, ops},
    machines::Load,
    replica,
};
use crate::{engine::Status, judge::linear};

/// Steps of the search for an order of a history.
const SEARCH_STEPS: u64 = 2_000_000;

impl<L: Load> LogEngine<L> {
    /// A run is over when every client is done and every agent that is up has caught up.
    pub(super) fn judge_whether_over(&mut self) {
        if self.system.part.done_at.is_none() || self.solo.is_some() {
            return;
        }
        let decided = Slot(self.system.part.book.decided());
        let up_to_date = |seat: &Seat<L>| match seat.status {
            Status::Up | Status::Paused => {
                replica(&seat.agent).is_some_and(|it| it.applied() >= decided)
            }
            Status::Down { returns } => !returns,
        };
        self.liveness.over = self.participants.iter().all(up_to_date);
    }

    /// What can be judged only when a run is over.
    pub(super) fn judge_the_whole(&mut self) {
        self.check_holders();
        let model = MachineModel(&self.system.part.load);
        let ops = ops(&self.system.part.clients.history);
        let mut budget = linear::Budget::of(SEARCH_STEPS);
        self.system.part.history = match linear::check(&model, &ops, &mut budget) {
            linear::Judgement::Linearizable => History::Linearizable,
            linear::Judgement::Unknown => History::Unknown,
            linear::Judgement::NotLinearizable(failure) => {
                self.system.part.charges.answer = Some(failure.stuck);
                let seen = &self.system.part.clients.history[failure.stuck];
                let detail = format!(
                    "no order explains that client {} asked {:?} and was told {:?}",
                    seen.client, seen.call, seen.answer
                );
                self.found("linearizability", detail);
                History::NotLinearizable
            }
        };
    }

    fn stores(&self) -> impl Iterator<Item = StoreId> + use<L> {
        (0..self.plan.stores as u8).map(StoreId)
    }

    /// What is below a slot is being dropped: does every quorum still meet a snapshot of it?
    pub(super) fn check_durable(&mut self, below: Slot) {
        let Some(last) = below.0.checked_sub(1) else {
            return;
        };
        let slot = Slot(last);
        let system = &self.system;
        let holders = self.stores().filter(|&store| system.covers(store, slot));
        let holders = holders.count();
        let needed = self.plan.stores - usize::from(self.plan.envelope.quorum()) + 1;
        if holders < needed && self.system.part.book.decided() > last {
            let detail = format!(
                "what slot {last} decided is dropped, and a snapshot of it stands on {holders} of the {needed} stores that every quorum must meet"
            );
            self.found("durability", detail);
        }
    }

    /// Everything decided stands where every quorum meets it, as a vote or in a snapshot.
    fn check_holders(&mut self) {
        let needed = self.plan.stores - usize::from(self.plan.envelope.quorum()) + 1;
        for (at, batch) in self.system.part.book.log.iter().enumerate() {
            let (slot, Some(batch)) = (Slot(at as u64), batch) else {
                continue;
            };
            let system = &self.system;
            let holds = |&store: &StoreId| {
                let vote = system.vote(store, slot);
                system.covers(store, slot) || vote.is_some_and(|vote| vote.batch == *batch)
            };
            let holders = self.stores().filter(holds).count();
            if holders < needed {
                let detail = format!(
                    "slot {at} was decided, and {holders} stores hold it where every quorum should meet one: {needed} are needed"
                );
                self.system.part.charges.slot = Some(slot);
                self.found("durability", detail);
                return;
            }
        }
    }
}
