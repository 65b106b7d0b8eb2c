//! Liveness: stalls, their kinds, and the heal.
//!
//! Checked: while somebody waits, nothing is decided (no client is answered) for longer than the scenario allows. What a
//! stall is: nobody who could act is up (no-agent); fewer stores than a quorum answer (no-quorum); agents end each
//! other's attempts (contention); else starved. A stall that a fault-free solo run from the very same state does not
//! end is wedged. Not checked: that every agent gets a fair share of steps.

use bivalent_core::{AgentId, Ballot, StoreId};

use super::{
    Engine, System,
    participant::{Participant, Status, TRUE_RATE, is_down},
};
use crate::{
    engine::{
        event::{Event, INCARNATIONS_MAX},
        journal::{Contest, What},
    },
    judge::{probe::Probe, report::Stall},
    scenario::StallKind,
    store::Service,
};

/// The liveness account of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Liveness {
    pub(crate) stalls: Vec<Stall>,
    /// The last of `stalls` goes on.
    pub(crate) open: bool,
    /// The tick and step of the last decision, or of the start.
    pub(crate) since: u64,
    since_step: u64,
    /// How often since then agents have ended each other's attempts, or led in turn.
    pub(crate) contention: u64,
    /// The rounds of the first and the greatest ballot.
    pub(crate) rounds: Option<(u64, u64)>,
    /// Everyone who will ever take a step has what he wanted.
    pub(crate) over: bool,
    /// The first decision ends the run.
    pub(crate) first_is_enough: bool,
}

impl Liveness {
    pub(super) fn reset(&mut self) {
        self.stalls.clear();
        self.open = false;
        self.since = 0;
        self.since_step = 0;
        self.contention = 0;
        self.rounds = None;
        self.over = false;
        self.first_is_enough = false;
    }

    /// A stall is going on and everybody knows.
    pub(crate) const fn ignore_stalls(&mut self) {
        self.open = true;
    }

    /// A ballot begins.
    pub(crate) fn started(&mut self, ballot: Option<Ballot>) {
        let round = ballot.map_or(0, Ballot::round);
        let (first, greatest) = self.rounds.unwrap_or((round, round));
        self.rounds = Some((first, greatest.max(round)));
    }
}

impl<S: System> Engine<S> {
    /// A decision, or an answer to a client: the clock of the next stall starts anew.
    pub(crate) fn progressed(&mut self) {
        if self.liveness.open {
            self.net.hit(Probe::StallEnded);
        }
        self.close_stall();
        self.liveness.since = self.net.now();
        self.liveness.since_step = self.steps;
        self.liveness.contention = 0;
        if let Some(journal) = &mut self.journal {
            journal.contest = Contest::default();
        }
        S::progressed(self);
        self.liveness.over |= self.liveness.first_is_enough;
    }

    pub(super) fn check_stall(&mut self) {
        if self.solo.is_some() || S::is_done(self) {
            return;
        }
        let due = self.liveness.since + self.plan.stall;
        let now = self.now();
        if S::LOOKS_AGAIN {
            let next = if now < due {
                due
            } else {
                now + self.plan.stall
            };
            self.put(next, Event::StallCheck);
        }
        if now < due || self.liveness.open || !S::waits(self) {
            return;
        }
        // The copy has no use for what was written down.
        let journal = self.journal.take();
        let heals = S::heals(self);
        self.journal = journal;
        let kind = if heals {
            self.stall_kind()
        } else {
            StallKind::Wedged
        };
        let stalled = |it: &&Participant<S>| !it.decided && !is_down(it.status);
        let stalled = self.participants.iter().filter(stalled);
        let agents = stalled.map(|it| crate::judge::oracle::name(it.id));
        let rounds = self.liveness.rounds.unwrap_or((0, 0));
        let stall = Stall {
            kind: kind.name(),
            from_step: self.liveness.since_step,
            to_step: self.steps,
            from_ns: self.plan.ns(self.liveness.since),
            to_ns: self.plan.ns(now),
            agents: agents.collect(),
            ballots: [rounds.0, rounds.1],
            heals,
        };
        self.liveness.stalls.push(stall);
        self.liveness.open = true;
        if let Some(journal) = &mut self.journal {
            journal.stalled(self.steps);
        }
        let kind = kind.name();
        self.note(What::Stall { kind, heals });
    }

    fn stall_kind(&self) -> StallKind {
        let answering = self.service.iter().filter(|&&it| it == Service::Up);
        let acts = |it: &Participant<S>| !it.decided && it.status == Status::Up;
        if !self.participants.iter().any(acts) {
            StallKind::NoAgent
        } else if answering.count() < usize::from(self.plan.envelope.quorum()) {
            StallKind::NoQuorum
        } else if S::is_contended(self) {
            StallKind::Contention
        } else {
            StallKind::Starved
        }
    }

    pub(crate) fn close_stall(&mut self) {
        if !self.liveness.open {
            return;
        }
        self.liveness.open = false;
        if let Some(journal) = &mut self.journal {
            journal.stall_over();
        }
        let (step, ns) = (self.steps, self.virtual_ns());
        let greatest = self.greatest_round();
        if let Some(stall) = self.liveness.stalls.last_mut() {
            stall.to_step = step;
            stall.to_ns = ns;
            stall.ballots[1] = stall.ballots[1].max(greatest);
        }
    }

    /// The round of the greatest ballot that is counted.
    pub(crate) fn greatest_round(&self) -> u64 {
        self.liveness.rounds.map_or(0, |rounds| rounds.1)
    }

    /// From here on: no faults, fair scheduling, everyone is up again. Lost stores stay lost.
    pub(crate) fn heal(&mut self) {
        self.healed = true;
        self.net.lottery = false;
        self.net.armed.clear();
        self.net.percent = [100; 16];
        for index in 0..self.service.len() as u8 {
            self.store_up(StoreId(index));
        }
        S::healing(self);
        for index in 0..self.participants.len() {
            let id = AgentId(index as u16);
            self.participants[index].rate = TRUE_RATE;
            match self.participants[index].status {
                Status::Up | Status::Down { returns: true } => {}
                Status::Paused => self.wake(id),
                Status::Down { returns: false } => {
                    let participant = &self.participants[index];
                    if !participant.decided && participant.incarnation + 1 < INCARNATIONS_MAX {
                        self.restart_later(id);
                    }
                }
            }
        }
        self.note(What::Healed);
    }
}
