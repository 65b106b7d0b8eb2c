//! The way between replicas and stores: operations and alarms are asked for, answers are given.

use bivalent_core::{Agent, AgentId, Incarnation, LogOp, LogReply, Pause, Replica, StoreId, Timer};

use super::{
    Deed, Errand, Event, Flight, LogEngine, liveness::is_down, machines::Load, outbox::Outbox,
    shelf,
};
use crate::{
    dice::Purpose,
    engine::Status,
    fault::{Fault, FaultKind},
    plan::{READ, WRITE},
};

impl<L: Load> LogEngine<L> {
    pub(super) fn ask(
        &mut self,
        id: AgentId,
        store: StoreId,
        tag: u64,
        tries: u8,
        op: LogOp<L::Machine>,
    ) {
        let seat = &self.seats[id.index()];
        let incarnation = seat.incarnation;
        debug_assert!(!is_down(seat.status), "the dead ask for nothing");
        let kind = if op.is_write() { WRITE } else { READ };
        let scan = matches!(op, LogOp::Scan { .. });
        let (rule, ticks) = self.net.ask(kind, id, store);
        let lands = self.lands(rule, ticks);
        if let LogOp::WriteHead { head, .. } = &op {
            self.enter(|_| Deed::Vowed {
                agent: id,
                promise: head.mbal,
                floor: head.floor,
            });
            for (property, detail) in self.vows.said(id, head).into_iter().flatten() {
                self.book.found(self.steps, property, detail);
            }
            if let Some(ballot) = head.mbal {
                self.started(id, ballot);
            }
        }
        self.clock_write(id, &op);
        let flight = self.flights.put(Flight {
            agent: id,
            incarnation,
            store,
            tag,
            op,
            tries,
            rule,
            copy: false,
            at: shelf::NOW,
            votes: Vec::new(),
            answer: self.now() + ticks,
            kept: None,
        });
        let now = self.now();
        self.put(now + lands, Event::Op { flight });
        let patience = self.patience(tries);
        if ticks > patience || scan {
            let tag = tag as u32;
            self.put(
                now + patience,
                Event::Timeout {
                    agent: id,
                    incarnation,
                    store,
                    tag,
                },
            );
        }
    }

    /// How long after its asking an operation takes effect, if it is answered after so many ticks.
    /// One that is delayed may have its delay before, behind or on both sides of it: otherwise nobody
    /// would ever learn too late what was true when a store said it.
    fn lands(&mut self, rule: Option<u8>, ticks: u64) -> u64 {
        let fault = rule.map(|rule| &self.plan.rules[rule as usize].fault);
        match fault {
            Some(Fault::Delay { .. }) => self.net.dice.within(Purpose::Fault, 0, ticks),
            Some(_) | None => ticks,
        }
    }

    /// How long an agent waits for an answer, ticks: longer each time.
    pub(super) fn patience(&self, tries: u8) -> u64 {
        self.plan.timeout << tries.min(6)
    }

    /// An operation will have no answer: its agent finds out when it has waited long enough.
    pub(super) fn time_out(&mut self, flight: u32) {
        let Flight {
            agent,
            incarnation,
            store,
            tag,
            tries,
            ..
        } = *self.flights.get(flight);
        let at = self.now() + self.patience(tries);
        let tag = tag as u32;
        self.put(
            at,
            Event::Timeout {
                agent,
                incarnation,
                store,
                tag,
            },
        );
    }

    pub(super) fn set_alarm(&mut self, id: AgentId, timer: Timer, pause: Pause) {
        let seat = &self.seats[id.index()];
        let (agent, incarnation, rate) = (id, seat.incarnation, u64::from(seat.rate));
        let (min, max) = match pause {
            Pause::Between { min, max } => (self.plan.ticks(min), self.plan.ticks(max)),
            // No replica asks for a pause that is not its heartbeat's.
            Pause::Patience | Pause::Backoff => (self.patience(0), self.patience(0)),
        };
        let pause = self.net.dice.within(Purpose::Pause, min, max) * 1_000_000 / rate;
        if rate != 1_000_000 {
            self.net.observed(FaultKind::ClockSkew);
        }
        let event = match timer {
            Timer::Tick => Event::Tick { agent, incarnation },
            Timer::Stand => Event::Stand { agent, incarnation },
        };
        self.put(self.now() + pause.max(1), event);
    }

    /// Whether an agent is there to take something in; what comes while it stands still is kept.
    pub(super) fn takes(&mut self, agent: AgentId, incarnation: u16, bits: u64) -> bool {
        if self.solo.is_some_and(|solo| solo != agent) {
            return false;
        }
        let seat = &mut self.seats[agent.index()];
        if seat.incarnation != incarnation {
            return false;
        }
        match seat.status {
            Status::Up => {
                seat.steps += 1;
                true
            }
            Status::Paused => {
                seat.held.push(bits);
                self.net.observed(FaultKind::Pause);
                false
            }
            Status::Down { .. } => false,
        }
    }

    pub(super) fn on_timeout(
        &mut self,
        agent: AgentId,
        incarnation: u16,
        store: StoreId,
        tag: u32,
        bits: u64,
    ) {
        if self.takes(agent, incarnation, bits) {
            self.step_of(agent, bivalent_core::Event::TimedOut(store, u64::from(tag)));
        }
    }

    pub(super) fn on_alarm(&mut self, agent: AgentId, incarnation: u16, timer: Timer, bits: u64) {
        if self.takes(agent, incarnation, bits) {
            self.step_of(agent, bivalent_core::Event::Woke(timer));
        }
    }

    /// An agent takes a step, and what it wants is carried out.
    pub(super) fn step_of(
        &mut self,
        id: AgentId,
        event: bivalent_core::Event<'_, Replica<L::Machine>>,
    ) {
        let seat = &mut self.seats[id.index()];
        let mut port = Outbox {
            wanted: &mut self.wanted,
            dice: &mut self.net.dice,
            agent: id,
            start: Incarnation(seat.incarnation),
        };
        seat.replica.on(event, &mut port);
        self.carry_out(id);
    }

    /// Gives an answer to an agent, if it is still the one that asked.
    pub(super) fn tell(&mut self, index: u32, reply: &LogReply<L::Machine>) {
        let flight = self.flights.get(index);
        let (agent, incarnation, store, tag) =
            (flight.agent, flight.incarnation, flight.store, flight.tag);
        let mut name = None;
        if let LogOp::ReadSnapshot { name: asked } = flight.op {
            name = Some(asked);
        }
        if let (LogOp::WriteHead { version, head }, LogReply::Written) = (&flight.op, reply) {
            // Whether it is true or not: its agent will count it.
            self.vows.taken(agent, version.incarnation(), store, head);
        }
        let answer = flight.answer;
        let seat = &self.seats[agent.index()];
        let paused = seat.incarnation == incarnation && seat.status == Status::Paused;
        if answer > self.now() || paused {
            self.flights.get_mut(index).kept = Some(reply.clone());
            if answer > self.now() {
                self.put(answer, Event::Op { flight: index });
            } else if self.takes(agent, incarnation, Event::Op { flight: index }.pack()) {
                unreachable!("it stands still");
            }
            return;
        }
        self.flights.free(index);
        if seat.incarnation != incarnation {
            self.net.observed(FaultKind::Crash);
        }
        if !self.takes(agent, incarnation, 0) {
            return;
        }
        if self.journal.is_some() {
            self.clock_read(agent, reply, name);
        }
        if !matches!(reply, LogReply::Written) {
            let errand = Errand { agent, store, tag };
            self.enter(|_| Deed::Told { errand });
        }
        self.step_of(agent, bivalent_core::Event::Replied(store, tag, reply));
    }
}
