//! Liveness: stalls, their kinds, the heal, and the solo probe that tells a stall from a wedge.
//!
//! Checked: no decision for longer than the scenario allows. What a stall is: no undecided agent is
//! up (no-agent); fewer stores than a quorum answer (no-quorum); agents abort each other
//! (contention); else starved. A stall that a fault-free solo run from the very same state does not
//! end is wedged. Not checked: that every agent gets a fair share of steps.

use bivalent_core::{AgentId, Ballot};

use super::{Engine, seat::Status, strike::is_down};
use crate::{
    dice::{Dice, Rest},
    event::Event,
    journal::What,
    probe::Probe,
    report::Stall,
    scenario::StallKind,
    store::Service,
};

/// Attempts' worth of operations that a solo probe may take: one undisturbed agent needs a recovery,
/// an attempt that meets a higher ballot, and two phases; the rest is for timeouts and retries.
const PROBE_ATTEMPTS: u64 = 32;
/// Steps of a probe beyond that.
const PROBE_STEPS: u64 = 1000;
/// Aborts since the last decision that make a stall one of contention.
const ABORTS_OF_CONTENTION: u32 = 4;

/// The liveness account of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Liveness {
    pub(super) stalls: Vec<Stall>,
    /// The last of `stalls` goes on.
    pub(super) open: bool,
    /// The tick and step of the last decision, or of the start.
    pub(super) since: u64,
    since_step: u64,
    aborts: u32,
    /// The rounds of the first and the greatest ballot since the last decision.
    pub(super) rounds: Option<(u64, u64)>,
    /// Every agent that is up has decided.
    pub(super) over: bool,
}

impl Liveness {
    pub(super) fn reset(&mut self) {
        self.stalls.clear();
        self.open = false;
        self.since = 0;
        self.since_step = 0;
        self.aborts = 0;
        self.rounds = None;
        self.over = false;
    }

    /// A stall is going on and everybody knows.
    pub(super) const fn ignore_stalls(&mut self) {
        self.open = true;
    }

    pub(super) fn aborted(&mut self, _: AgentId) {
        self.aborts += 1;
    }

    /// Agents have ended each other's attempts without a decision.
    pub(super) const fn is_contended(&self) -> bool {
        self.aborts >= ABORTS_OF_CONTENTION
    }

    pub(super) fn started(&mut self, ballot: Option<Ballot>) {
        let round = ballot.map_or(0, Ballot::round);
        let (first, greatest) = self.rounds.unwrap_or((round, round));
        self.rounds = Some((first, greatest.max(round)));
    }
}

impl Engine {
    /// A decision: the clock of the next stall starts anew.
    pub(super) fn progressed(&mut self) {
        if self.liveness.open {
            self.net.hit(Probe::StallEnded);
        }
        self.close_stall();
        self.liveness.since = self.net.now();
        self.liveness.since_step = self.steps;
        self.liveness.aborts = 0;
        self.liveness.rounds = None;
        if let Some(journal) = &mut self.journal {
            journal.contest = crate::journal::Contest::default();
        }
        let waits = self.seats.iter().any(|seat| !seat.decided);
        if waits && self.solo.is_none() {
            self.net
                .wheel
                .put(self.net.now() + self.plan.stall, Event::StallCheck.pack());
        }
    }

    /// Ends the run when everyone who will ever take a step has decided.
    pub(super) fn see_whether_over(&mut self) {
        let done = |seat: &super::Seat| {
            seat.decided
                || (!self.healed
                    && seat.status == Status::Down { returns: false }
                    && self.plan.heal.is_none())
        };
        let over = self.decided > 0 && self.seats.iter().all(done) && !self.has_way_to_go();
        if over {
            self.net.hit(Probe::AllDecided);
        }
        self.liveness.over = over || (self.solo.is_some() && self.decided > 0);
    }

    pub(super) fn check_stall(&mut self) {
        let waited = self.net.now() - self.liveness.since;
        let waits = self.seats.iter().any(|seat| !seat.decided);
        if waited < self.plan.stall || self.liveness.open || !waits || self.solo.is_some() {
            return;
        }
        // The copy has no use for what was written down.
        let journal = self.journal.take();
        let heals = self.clone().heals();
        self.journal = journal;
        let kind = if heals {
            self.stall_kind()
        } else {
            StallKind::Wedged
        };
        let undecided = |seat: &&super::Seat| !seat.decided && !is_down(seat.status);
        let agents = self
            .seats
            .iter()
            .filter(undecided)
            .map(|seat| crate::oracle::name(seat.id));
        let rounds = self.liveness.rounds.unwrap_or((0, 0));
        let stall = Stall {
            kind: kind.name(),
            from_step: self.liveness.since_step,
            to_step: self.steps,
            from_ns: self.plan.ns(self.liveness.since),
            to_ns: self.plan.ns(self.net.now()),
            agents: agents.collect(),
            ballots: [rounds.0, rounds.1],
            heals,
        };
        self.liveness.stalls.push(stall);
        self.liveness.open = true;
        if let Some(journal) = &mut self.journal {
            journal.stalled(self.steps);
        }
        self.note(What::Stall {
            kind: kind.name(),
            heals,
        });
    }

    fn stall_kind(&self) -> StallKind {
        let acts = |seat: &super::Seat| !seat.decided && seat.status == Status::Up;
        let answering = self
            .service
            .iter()
            .filter(|&&service| service == Service::Up)
            .count();
        if !self.seats.iter().any(acts) {
            StallKind::NoAgent
        } else if answering < usize::from(self.plan.envelope.quorum()) {
            StallKind::NoQuorum
        } else if self.liveness.is_contended() {
            StallKind::Contention
        } else {
            StallKind::Starved
        }
    }

    pub(super) fn close_stall(&mut self) {
        if !self.liveness.open {
            return;
        }
        self.liveness.open = false;
        if let Some(journal) = &mut self.journal {
            journal.stall_over();
        }
        let (step, ns) = (self.steps, self.virtual_ns());
        let rounds = self.liveness.rounds.unwrap_or((0, 0));
        if let Some(stall) = self.liveness.stalls.last_mut() {
            stall.to_step = step;
            stall.to_ns = ns;
            stall.ballots[1] = stall.ballots[1].max(rounds.1);
        }
    }

    /// Whether every agent has decided that will ever take a step again.
    pub fn all_up_decided(&self) -> bool {
        let done =
            |seat: &super::Seat| seat.decided || seat.status == Status::Down { returns: false };
        self.decided > 0 && self.seats.iter().all(done)
    }

    /// From here on: no faults, fair scheduling, everyone is up again. Lost stores stay lost.
    pub(super) fn heal(&mut self) {
        self.healed = true;
        self.net.lottery = false;
        self.net.armed.clear();
        self.net.percent = [100; 16];
        for index in 0..self.service.len() {
            self.store_up(super::store_id(index));
        }
        self.stop_picking();
        self.end_duel();
        for index in 0..self.seats.len() {
            let id = AgentId(index as u8);
            self.seats[index].rate = 1_000_000;
            match self.seats[index].status {
                Status::Up | Status::Down { returns: true } => {}
                Status::Paused => self.wake(id),
                Status::Down { returns: false } => {
                    let incarnation = self.seats[index].incarnation;
                    if !self.seats[index].decided
                        && incarnation + 1 < crate::event::INCARNATIONS_MAX
                    {
                        self.restart_later(id, incarnation);
                    }
                }
            }
        }
        self.note(What::Healed);
    }

    /// Does some agent decide from here, with all faults gone and all others standing still?
    /// Consumes a copy of the world.
    fn heals(self) -> bool {
        let mut world = self;
        world.journal = None;
        // No luck, good or bad, and the same however the run's own choices came about.
        world.net.dice = Dice::following(Vec::new(), Rest::First);
        let candidates: Vec<AgentId> = {
            let up = world
                .seats
                .iter()
                .filter(|seat| !seat.decided && !is_down(seat.status));
            let up: Vec<AgentId> = up.map(|seat| seat.id).collect();
            let all = world
                .seats
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
        self.decided = 0;
        self.liveness.over = false;
        for seat in &mut self.seats {
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
        let statuses: Vec<Status> = self.seats.iter().map(|seat| seat.status).collect();
        for (seat, status) in self.seats.iter_mut().zip(statuses) {
            if seat.id != agent {
                seat.decided = true;
                seat.inbox.clear();
                seat.held.clear();
                seat.status = if is_down(status) {
                    Status::Down { returns: true }
                } else {
                    Status::Up
                };
            }
        }
        self.heal();
        for seat in &mut self.seats {
            if seat.id != agent {
                seat.decided = false;
                seat.status = Status::Paused;
            }
        }
    }
}
