//! The solo probe of replicas, and what is judged when a run is over.

use bivalent_core::{AgentId, Slot};

use super::{
    History, LogEngine,
    judge::{MachineModel, ops},
    machines::Load,
};
use crate::{
    dice::{Dice, Rest},
    engine::{Status, is_down},
    linear,
};

/// Agents that are probed one by one: all run the same code.
const PROBED_MAX: usize = 8;
/// Steps that a solo probe may take, for up to eight agents.
const PROBE_STEPS: u64 = 60_000;
/// Steps of the search for an order of a history.
const SEARCH_STEPS: u64 = 2_000_000;

impl<L: Load> LogEngine<L> {
    /// A run is over when every client is done and every agent that is up has caught up.
    pub(super) fn judge_whether_over(&mut self) {
        if self.system.done_at.is_none() || self.solo.is_some() {
            return;
        }
        let decided = Slot(self.system.book.decided());
        let up_to_date = |seat: &super::Seat<L>| match seat.status {
            Status::Up | Status::Paused => seat.agent.applied() >= decided,
            Status::Down { returns } => !returns,
        };
        self.liveness.over = self.participants.iter().all(up_to_date);
    }

    /// Is some client answered from here, with all faults gone and all agents but one standing still?
    pub(super) fn is_answered_from_here(&self) -> bool {
        let ids = self.participants.iter().map(|seat| seat.id);
        let up: Vec<AgentId> = ids
            .clone()
            .filter(|id| !is_down(self.participants[id.index()].status))
            .collect();
        let candidates = if up.is_empty() { ids.collect() } else { up };
        candidates.into_iter().take(PROBED_MAX).any(|id| {
            let mut world = self.clone();
            world.plan = std::sync::Arc::new(crate::plan::Plan {
                end: u64::MAX,
                steps_max: u64::MAX,
                ..(*self.plan).clone()
            });
            // No luck, good or bad, and the same however the run's own choices came about.
            world.net.dice = Dice::following(Vec::new(), Rest::First);
            world.heal();
            world.solo = Some(id);
            // What the others have in flight and their alarms are steps too, and come to nothing.
            let until = world.steps + PROBE_STEPS * (1 + self.participants.len() as u64 / 8);
            world.go(until);
            world.liveness.over
        })
    }

    /// What can be judged only when a run is over.
    pub(super) fn judge_the_whole(&mut self) {
        self.check_holders();
        let model = MachineModel(&self.system.load);
        let ops = ops(&self.system.clients.history);
        let mut budget = linear::Budget::of(SEARCH_STEPS);
        self.system.history = match linear::check(&model, &ops, &mut budget) {
            linear::Judgement::Linearizable => History::Linearizable,
            linear::Judgement::Unknown => History::Unknown,
            linear::Judgement::NotLinearizable(failure) => {
                self.system.charges.answer = Some(failure.stuck);
                let seen = &self.system.clients.history[failure.stuck];
                let detail = format!(
                    "no order explains that client {} asked {:?} and was told {:?}",
                    seen.client, seen.call, seen.answer
                );
                self.found("linearizability", detail);
                History::NotLinearizable
            }
        };
    }

    /// Everything decided stands where every quorum meets it, as a vote or in a snapshot.
    fn check_holders(&mut self) {
        let needed = self.plan.stores - usize::from(self.plan.envelope.quorum()) + 1;
        for (at, batch) in self.system.book.log.iter().enumerate() {
            let (slot, Some(batch)) = (Slot(at as u64), batch) else {
                continue;
            };
            let holds = |there: &&super::Shelf<L::Machine>| {
                there.covers(slot) || there.vote(slot).is_some_and(|vote| vote.batch == *batch)
            };
            let holders = self.system.kept.iter().filter(holds).count();
            if holders < needed {
                let detail = format!(
                    "slot {at} was decided, and {holders} stores hold it where every quorum should meet one: {needed} are needed"
                );
                self.system.charges.slot = Some(slot);
                self.found("durability", detail);
                return;
            }
        }
    }
}
