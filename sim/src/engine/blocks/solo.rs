//! The solo probe: does one agent alone decide from here, with all faults gone?

use bivalent_core::AgentId;

use super::{Blocks, Engine};
use crate::{
    engine::{
        Status,
        dice::{Dice, Rest},
        is_down,
    },
    judge::probe::Probe,
};

/// Attempts' worth of operations that a solo probe may take: one undisturbed agent needs a recovery,
/// an attempt that meets a higher ballot, and two phases; the rest is for timeouts and retries.
const PROBE_ATTEMPTS: u64 = 32;
/// Steps of a probe beyond that.
const PROBE_STEPS: u64 = 1000;

impl Engine<Blocks> {
    /// Ends the run when everyone who will ever take a step has decided.
    pub(super) fn judge_whether_over(&mut self) {
        let done = |seat: &super::Seat| {
            seat.decided
                || (!self.healed
                    && seat.status == Status::Down { returns: false }
                    && self.plan.heal.is_none())
        };
        let over =
            self.system.decided > 0 && self.participants.iter().all(done) && !self.has_way_to_go();
        if over {
            self.net.hit(Probe::AllDecided);
        }
        self.liveness.over = over || (self.solo.is_some() && self.system.decided > 0);
    }

    /// Whether every agent has decided that will ever take a step again.
    pub fn all_up_decided(&self) -> bool {
        let done =
            |seat: &super::Seat| seat.decided || seat.status == Status::Down { returns: false };
        self.system.decided > 0 && self.participants.iter().all(done)
    }

    /// Does some agent decide from here, with all faults gone and all others standing still?
    /// Consumes a copy of the world.
    pub(super) fn decides_from_here(self) -> bool {
        let mut world = self;
        world.journal = None;
        // No luck, good or bad, and the same however the run's own choices came about.
        world.net.dice = Dice::following(Vec::new(), Rest::First);
        let candidates: Vec<AgentId> = {
            let up = world
                .participants
                .iter()
                .filter(|seat| !seat.decided && !is_down(seat.status));
            let up: Vec<AgentId> = up.map(|seat| seat.id).collect();
            let all = world
                .participants
                .iter()
                .filter(|seat| !seat.decided)
                .map(|seat| seat.id);
            if up.is_empty() { all.collect() } else { up }
        };
        candidates
            .iter()
            .any(|&agent| world.clone().decides_alone(agent))
    }

    fn decides_alone(mut self, agent: AgentId) -> bool {
        // What others have in flight stays there: the probe drops their events as they come.
        self.solo = Some(agent);
        self.system.decided = 0;
        self.liveness.over = false;
        for seat in &mut self.participants {
            let stands_still = seat.id != agent && seat.status == Status::Up;
            if stands_still {
                seat.status = Status::Paused;
            }
        }
        self.heal_for(agent);
        let attempt = 2 * self.plan.agents as u64 * self.plan.stores as u64;
        let bound = self.steps + PROBE_STEPS + PROBE_ATTEMPTS * attempt;
        while self.steps < bound {
            let Some(bits) = self.net.wheel.pop() else {
                return false;
            };
            if self.step(bits).is_some() {
                return true;
            }
        }
        false
    }

    /// The heal of a solo probe: everything but the other agents.
    fn heal_for(&mut self, agent: AgentId) {
        let statuses: Vec<Status> = self.participants.iter().map(|seat| seat.status).collect();
        for (seat, status) in self.participants.iter_mut().zip(statuses) {
            if seat.id != agent {
                seat.decided = true;
                seat.inbox.clear();
                seat.own.held.clear();
                seat.status = if is_down(status) {
                    Status::Down { returns: true }
                } else {
                    Status::Up
                };
            }
        }
        self.heal();
        for seat in &mut self.participants {
            if seat.id != agent {
                seat.decided = false;
                seat.status = Status::Paused;
            }
        }
    }
}
