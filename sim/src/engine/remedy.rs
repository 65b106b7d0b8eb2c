//! Remedies: a copy of a stalled world, changed in one way, run on with other dice.
//!
//! Nothing is healed that the change does not name: faults, the adversary and everybody else go on.

use std::sync::Arc;

use bivalent_core::{AgentId, Contention, StoreId};

use super::{Before, Engine, Participant, Status, System, is_down};
use crate::{
    engine::{dice::Dice, stall},
    scenario::{
        Scenario,
        fault::Span,
        plan::{Draw, Plan},
    },
    store::Service,
};

/// What a fork of a run can change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Intervention {
    /// The adversary is gone: every operation takes effect at its own time.
    DuelOff,
    /// All others stand still.
    OneLeader,
    /// Agents pause at random after an abort, long enough for an attempt of each.
    Backoff,
    /// No new faults; what is broken stays broken.
    NoFaults,
}

/// The pause of an agent that is stopped only to be started again, nanoseconds.
const RESTART_NS: u64 = 1_000_000;

/// How much is tried to find out what would have ended a stall.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trials {
    /// Stalls of a run that are looked into; later ones are counted.
    pub(crate) stalls: usize,
    /// Seeds on which each remedy is tried.
    pub(crate) seeds: u32,
    /// Steps of a trial at most.
    pub(crate) steps: u64,
}

/// What is changed before a world runs on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Change {
    /// Nothing: what other luck would have done.
    Nothing,
    /// The adversary is gone; every operation takes effect at its own time.
    FairSchedule,
    /// From its next abort on, an agent pauses like this.
    Backoff(Contention),
    /// All others stand still.
    OneLeader(AgentId),
    /// No new faults; what is broken stays broken.
    NoFaults,
    /// Every store answers again, with what it held, at its usual speed.
    StoresRepaired,
    /// An agent starts again; if it is not down, it crashes first.
    Restart(AgentId),
    /// No new faults, every store answers, and every undecided agent starts again.
    Everything,
}

impl<S: System> Engine<S> {
    /// The world of a run as it is after so many steps.
    pub(crate) fn world_after(&mut self, dice: Dice, steps: u64) -> Self {
        self.start(dice, None);
        self.go(steps);
        let mut world = self.clone();
        world.liveness.ignore_stalls();
        world
    }

    /// Undecided agents that take steps.
    pub(crate) fn contenders(&self) -> Vec<AgentId> {
        let contends = |seat: &&Participant<S>| !seat.decided && seat.status == Status::Up;
        self.participants
            .iter()
            .filter(contends)
            .map(|seat| seat.id)
            .collect()
    }

    /// Undecided agents that are down for good.
    pub(crate) fn fallen(&self) -> Vec<AgentId> {
        let fallen = |seat: &&Participant<S>| {
            !seat.decided && seat.status == Status::Down { returns: false }
        };
        self.participants
            .iter()
            .filter(fallen)
            .map(|seat| seat.id)
            .collect()
    }

    /// Whether some store does not answer, or slowly.
    pub(crate) fn has_broken_stores(&self) -> bool {
        let slow = self.net.percent.iter().any(|&percent| percent > 100);
        slow || self.service.iter().any(|&service| service != Service::Up)
    }

    /// The tick up to which nothing but the run itself helps: its own heal, or its end.
    pub(crate) fn horizon(&self, stalls: u64) -> u64 {
        let wanted = self.net.now() + stalls * self.plan.stall;
        let heal = self.plan.heal.filter(|_| !self.healed);
        heal.map_or(wanted, |heal| wanted.min(heal.saturating_sub(1)))
    }

    /// Runs a copy on with a change and fresh dice, for so many steps and up to a tick; the ticks to the
    /// first decision, if there is one.
    pub(crate) fn with(&self, change: Change, dice: Dice, bound: (u64, u64)) -> Option<u64> {
        let mut world = self.clone();
        world.net.dice = dice;
        world.make(change);
        let (steps, until) = bound;
        let from = self.now();
        let tick = world.first_decision(self.steps + steps, until)?;
        Some(tick - from)
    }

    pub(crate) fn make(&mut self, change: Change) {
        match change {
            Change::Nothing => {}
            Change::FairSchedule => {
                S::healing(self);
            }
            Change::Backoff(retry) => {
                let mut plan = Plan::clone(&self.plan);
                plan.retry = retry;
                self.plan = Arc::new(plan);
            }
            Change::OneLeader(leader) => {
                for seat in &mut self.participants {
                    if seat.id != leader && seat.status == Status::Up {
                        seat.status = Status::Paused;
                        seat.pauses = seat.pauses.wrapping_add(1);
                    }
                }
                S::leads_alone(self, leader);
            }
            Change::NoFaults => {
                self.net.lottery = false;
                self.net.armed.clear();
                self.net.rules.iter_mut().for_each(|rule| rule.left = 0);
            }
            Change::StoresRepaired => {
                self.net.percent = [100; 16];
                for index in 0..self.service.len() {
                    if self.service[index] == Service::Lost {
                        self.service[index] = Service::Up;
                    }
                    self.store_up(StoreId(index as u8));
                }
            }
            Change::Restart(id) => self.start_again(id),
            Change::Everything => {
                self.make(Change::NoFaults);
                self.make(Change::StoresRepaired);
                for index in 0..self.participants.len() {
                    let seat = &self.participants[index];
                    if !seat.decided && seat.status != (Status::Down { returns: true }) {
                        self.start_again(seat.id);
                    }
                }
            }
        }
    }

    fn start_again(&mut self, id: AgentId) {
        let seat = &self.participants[id.index()];
        if is_down(seat.status) {
            self.restart_later(id);
            return;
        }
        let span = Span {
            min: RESTART_NS,
            max: RESTART_NS,
        };
        self.crash(id, Some(span), false);
    }

    /// A usual read and a usual write together, nanoseconds.
    pub(crate) fn typical_ns(&self) -> u64 {
        let plan = &self.plan;
        let typical = |draw: &Draw| match draw {
            Draw::Range { min, width } => min + width / 2,
            Draw::Table(delays) => delays.get(delays.len() / 2).copied().unwrap_or(0),
        };
        self.ns(typical(&plan.read) + typical(&plan.write))
    }

    /// Who would lead if all others stood still: of those who contend, the one with the greatest ballot.
    pub(crate) fn foremost(&self) -> Option<AgentId> {
        let contenders = self.contenders().into_iter();
        contenders.max_by_key(|id| S::ballots(&self.participants[id.index()]))
    }

    /// What a change from outside comes to here, if it makes a difference.
    pub(crate) fn change_of(&self, scenario: &Scenario, what: Intervention) -> Option<Change> {
        let scripted = stall::is_scripted(scenario);
        match what {
            // A script knows one course of things only.
            Intervention::OneLeader | Intervention::Backoff if scripted => None,
            Intervention::DuelOff => S::is_ordered(self).then_some(Change::FairSchedule),
            Intervention::OneLeader => self.foremost().map(Change::OneLeader),
            Intervention::Backoff => {
                let (min, max) = stall::backoff(scenario, self).ok()?;
                Some(Change::Backoff(Contention::Random { min, max }))
            }
            Intervention::NoFaults => (!scenario.faults.is_empty()).then_some(Change::NoFaults),
        }
    }

    /// The tick of the next decision, or answer to a client, if it comes before a step and a tick.
    pub(crate) fn first_decision(&mut self, steps: u64, until: u64) -> Option<u64> {
        let before = S::progress(self);
        while self.steps < steps {
            match S::before(self) {
                None => {}
                Some(Before::Acted) => continue,
                Some(Before::Ended(_)) => return None,
            }
            let bits = self.net.wheel.pop()?;
            if self.net.now() > until {
                return None;
            }
            let _ = self.step(bits);
            if S::progress(self) > before {
                return Some(self.now());
            }
        }
        None
    }
}
