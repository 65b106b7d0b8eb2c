//! The way between replicas and stores: operations and alarms are asked for, answers are given.

use bivalent_core::{Agent, AgentId, Incarnation, LogOp, LogReply, Pause, Replica, StoreId, Timer};

use super::{Deed, Errand, Flight, LogEngine, machines::Load, outbox::Outbox, shelf};
use crate::{
    dice::Purpose,
    engine::{Status, TRUE_RATE, is_down},
    event::{Event, LogEvent},
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
        let seat = &self.participants[id.index()];
        let incarnation = seat.incarnation;
        debug_assert!(!is_down(seat.status), "the dead ask for nothing");
        let kind = if op.is_write() { WRITE } else { READ };
        let scan = matches!(op, LogOp::Scan { .. });
        let (rule, ticks) = self.net.ask(kind, id, store, id.bit());
        let lands = self.lands(rule, ticks);
        if let LogOp::WriteHead { head, .. } = &op {
            self.enter(|_| Deed::Vowed {
                agent: id,
                promise: head.mbal,
                floor: head.floor,
            });
            for (property, detail) in self.system.vows.said(id, head).into_iter().flatten() {
                self.found(property, detail);
            }
            if let Some(ballot) = head.mbal {
                self.started(id, ballot);
            }
        }
        self.clock_write(id, &op);
        let flight = self.system.flights.put(Flight {
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
        self.put(now + lands, Event::Log(LogEvent::Op { flight }));
        let patience = self.patience(id, tries);
        if ticks > patience || scan {
            let tag = tag as u32;
            self.put(
                now + patience,
                Event::Log(LogEvent::Timeout {
                    agent: id,
                    incarnation,
                    store,
                    tag,
                }),
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

    /// How long an agent waits for an answer, by its own clock, in true ticks: longer each time.
    fn patience(&self, id: AgentId, tries: u8) -> u64 {
        self.participants[id.index()].true_ticks(self.plan.timeout << tries.min(6))
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
        } = *self.system.flights.get(flight);
        let at = self.now() + self.patience(agent, tries);
        let tag = tag as u32;
        self.put(
            at,
            Event::Log(LogEvent::Timeout {
                agent,
                incarnation,
                store,
                tag,
            }),
        );
    }

    pub(super) fn set_alarm(&mut self, id: AgentId, timer: Timer, pause: Pause) {
        let (min, max) = match pause {
            Pause::Between { min, max } => (self.plan.ticks(min), self.plan.ticks(max)),
            // No replica asks for a pause that is not its heartbeat's.
            Pause::Patience | Pause::Backoff => (self.plan.timeout, self.plan.timeout),
        };
        let pause = self.net.dice.within(Purpose::Pause, min, max);
        let seat = &self.participants[id.index()];
        if seat.rate != TRUE_RATE {
            self.net.observed(FaultKind::ClockSkew);
        }
        let (pause, incarnation) = (seat.true_ticks(pause), seat.incarnation);
        let alarm = LogEvent::Alarm {
            agent: id,
            incarnation,
            timer,
        };
        self.put(self.now() + pause, Event::Log(alarm));
    }

    /// Whether an agent is there to take something in; what comes while it stands still is kept.
    pub(super) fn takes(&mut self, agent: AgentId, incarnation: u16, bits: u64) -> bool {
        if self.solo.is_some_and(|solo| solo != agent) {
            return false;
        }
        let seat = &mut self.participants[agent.index()];
        if seat.incarnation != incarnation {
            return false;
        }
        match seat.status {
            Status::Up => {
                seat.steps += 1;
                true
            }
            Status::Paused => {
                seat.inbox.push(bits);
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
        let seat = &mut self.participants[id.index()];
        let mut port = Outbox {
            wanted: &mut self.system.wanted,
            dice: &mut self.net.dice,
            agent: id,
            start: Incarnation(seat.incarnation),
        };
        seat.agent.on(event, &mut port);
        self.carry_out(id);
    }

    /// Gives an answer to an agent, if it is still the one that asked.
    pub(super) fn tell(&mut self, index: u32, reply: &LogReply<L::Machine>) {
        let flight = self.system.flights.get(index);
        let (agent, incarnation, store, tag) =
            (flight.agent, flight.incarnation, flight.store, flight.tag);
        let mut name = None;
        if let LogOp::ReadSnapshot { name: asked } = flight.op {
            name = Some(asked);
        }
        if let (LogOp::WriteHead { version, head }, LogReply::Written) = (&flight.op, reply) {
            // Whether it is true or not: its agent will count it.
            self.system
                .vows
                .taken(agent, version.incarnation(), store, head);
        }
        let answer = flight.answer;
        let seat = &self.participants[agent.index()];
        let paused = seat.incarnation == incarnation && seat.status == Status::Paused;
        if answer > self.now() || paused {
            self.system.flights.get_mut(index).kept = Some(reply.clone());
            if answer > self.now() {
                self.put(answer, Event::Log(LogEvent::Op { flight: index }));
            } else if self.takes(
                agent,
                incarnation,
                Event::Log(LogEvent::Op { flight: index }).pack(),
            ) {
                unreachable!("it stands still");
            }
            return;
        }
        self.system.flights.free(index);
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
