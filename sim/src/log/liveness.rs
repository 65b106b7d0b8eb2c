//! Liveness of replicas: stalls, the heal, the solo probe, and what is judged when a run is over.
//!
//! Checked: while some client waits, no client is answered for longer than the scenario allows. A
//! stall that one agent alone, with all faults gone, does not end is wedged.

use bivalent_core::{AgentId, Slot};

use super::{
    Event, History, LogEngine, Who,
    judge::{MachineModel, ops},
    machines::Load,
};
use crate::{
    dice::{Dice, Rest},
    engine::Status,
    linear,
    probe::Probe,
    report::Stall,
    scenario::StallKind,
    store::Service,
};

/// Agents that are probed one by one: all run the same code.
const PROBED_MAX: usize = 8;
/// Steps that a solo probe may take, for up to eight agents.
const PROBE_STEPS: u64 = 60_000;
/// Leaders since the last answer that make a stall one of contention.
const LEADERS_OF_CONTENTION: u64 = 3;
/// Steps of the search for an order of a history.
const SEARCH_STEPS: u64 = 2_000_000;

impl<L: Load> LogEngine<L> {
    /// A client was answered.
    pub(super) fn progressed(&mut self) {
        if self.stall_open {
            self.net.hit(Probe::StallEnded);
        }
        self.close_stall();
        self.since = self.now();
        self.since_step = self.steps;
        self.leaders_since = 0;
        if self.solo.is_some() {
            self.over = true;
        }
    }

    /// A run is over when every client is done and every agent that is up has caught up.
    pub(super) fn see_whether_over(&mut self) {
        if self.done_at.is_none() || self.solo.is_some() {
            return;
        }
        let decided = Slot(self.book.decided());
        let up_to_date = |seat: &super::Seat<L::Machine>| match seat.status {
            Status::Up | Status::Paused => seat.replica.applied() >= decided,
            Status::Down { returns } => !returns,
        };
        self.over = self.seats.iter().all(up_to_date);
    }

    pub(super) fn check_stall(&mut self) {
        if self.solo.is_some() || self.done_at.is_some() {
            return;
        }
        let due = self.since + self.plan.stall;
        if self.now() < due {
            self.put(due, Event::StallCheck);
            return;
        }
        self.put(self.now() + self.plan.stall, Event::StallCheck);
        if self.stall_open || !self.clients.wait() {
            return;
        }
        let heals = self.heals();
        let kind = if heals {
            self.stall_kind()
        } else {
            StallKind::Wedged
        };
        let up = self.seats.iter().filter(|seat| !is_down(seat.status));
        let agents = up.map(|seat| crate::oracle::name(seat.id)).collect();
        self.stalls.push(Stall {
            kind: kind.name(),
            from_step: self.since_step,
            to_step: self.steps,
            from_ns: self.plan.ns(self.since),
            to_ns: self.plan.ns(self.now()),
            agents,
            ballots: [self.rounds.0, self.rounds.1],
            heals,
        });
        self.stall_open = true;
        self.note(
            Who::World,
            "stall",
            format_args!("a stall: {}", kind.name()),
        );
    }

    fn stall_kind(&self) -> StallKind {
        let answering = self.service.iter().filter(|&&it| it == Service::Up).count();
        if self.seats.iter().all(|seat| seat.status != Status::Up) {
            StallKind::NoAgent
        } else if answering < usize::from(self.plan.envelope.quorum()) {
            StallKind::NoQuorum
        } else if self.leaders_since >= LEADERS_OF_CONTENTION {
            StallKind::Contention
        } else {
            StallKind::Starved
        }
    }

    pub(super) fn close_stall(&mut self) {
        if !self.stall_open {
            return;
        }
        self.stall_open = false;
        let (step, ns) = (self.steps, self.plan.ns(self.now()));
        let round = self.rounds.1;
        if let Some(stall) = self.stalls.last_mut() {
            stall.to_step = step;
            stall.to_ns = ns;
            stall.ballots[1] = round;
        }
    }

    /// Is some client answered from here, with all faults gone and all agents but one standing still?
    fn heals(&self) -> bool {
        let ids = self.seats.iter().map(|seat| seat.id);
        let up: Vec<AgentId> = ids
            .clone()
            .filter(|id| !is_down(self.seats[id.index()].status))
            .collect();
        let candidates = if up.is_empty() { ids.collect() } else { up };
        candidates.into_iter().take(PROBED_MAX).any(|id| {
            let mut world = self.clone();
            world.journal = None;
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
            let until = world.steps + PROBE_STEPS * (1 + self.seats.len() as u64 / 8);
            world.go(until);
            world.over
        })
    }

    /// From here on: no faults, everyone is up again. Lost stores stay lost.
    pub(super) fn heal(&mut self) {
        self.healed = true;
        self.net.lottery = false;
        self.net.armed.clear();
        self.net.percent = [100; 16];
        for index in 0..self.service.len() as u8 {
            self.store_up(bivalent_core::StoreId(index));
        }
        for index in 0..self.seats.len() as u8 {
            let id = AgentId(index);
            self.seats[id.index()].rate = 1_000_000;
            match self.seats[id.index()].status {
                Status::Up | Status::Down { returns: true } => {}
                Status::Paused => self.wake(id),
                Status::Down { returns: false } => self.restart_later(id),
            }
        }
        self.note(Who::World, "healed", format_args!("everything heals"));
    }

    /// What can be judged only when a run is over.
    pub(super) fn judge_the_whole(&mut self) {
        self.check_holders();
        let model = MachineModel(&self.load);
        let ops = ops(&self.clients.history);
        let mut budget = linear::Budget::of(SEARCH_STEPS);
        self.history = match linear::check(&model, &ops, &mut budget) {
            linear::Judgement::Linearizable => History::Linearizable,
            linear::Judgement::Unknown => History::Unknown,
            linear::Judgement::NotLinearizable(failure) => {
                self.charges.answer = Some(failure.stuck);
                let seen = &self.clients.history[failure.stuck];
                let detail = format!(
                    "no order explains that client {} asked {:?} and was told {:?}",
                    seen.client, seen.call, seen.answer
                );
                self.book.found(self.steps, "linearizability", detail);
                History::NotLinearizable
            }
        };
    }

    /// Everything decided stands where every quorum meets it, as a vote or in a snapshot.
    fn check_holders(&mut self) {
        let needed = self.plan.stores - usize::from(self.plan.envelope.quorum()) + 1;
        for (at, batch) in self.book.log.iter().enumerate() {
            let (slot, Some(batch)) = (Slot(at as u64), batch) else {
                continue;
            };
            let holds = |there: &&super::Shelf<L::Machine>| {
                there.covers(slot) || there.vote(slot).is_some_and(|vote| vote.batch == *batch)
            };
            let holders = self.kept.iter().filter(holds).count();
            if holders < needed {
                let detail = format!(
                    "slot {at} was decided, and {holders} stores hold it where every quorum should meet one: {needed} are needed"
                );
                self.charges.slot = Some(slot);
                self.book.found(self.steps, "durability", detail);
                return;
            }
        }
    }
}

pub(super) const fn is_down(status: Status) -> bool {
    matches!(status, Status::Down { .. })
}
