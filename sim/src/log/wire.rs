//! The way between replicas and stores: operations and alarms are asked for, answers are given.

use bivalent_core::{AgentId, Ask, StoreId, Timer, Told};

use super::{
    Deed, Errand, Event, Flight, Kept, LogEngine, liveness::is_down, machines::Load, shelf,
};
use crate::{
    dice::Purpose,
    engine::{net::by_clock, seat::Status},
    fault::{Fault, FaultKind},
    plan::{READ, WRITE},
};

impl<L: Load> LogEngine<L> {
    pub(super) fn ask(
        &mut self,
        id: AgentId,
        op: u64,
        store: StoreId,
        ask: Ask<L::Machine>,
        attempt: u8,
    ) {
        let seat = &self.seats[id.index()];
        let incarnation = seat.incarnation;
        debug_assert!(!is_down(seat.status), "the dead ask for nothing");
        let kind = if ask.is_write() { WRITE } else { READ };
        let scan = matches!(ask, Ask::Scan { .. });
        let (rule, ticks) = self.net.ask(kind, id, store);
        let lands = self.lands(rule, ticks);
        if let Ask::WriteHead { head, .. } = &ask {
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
        self.clock_write(id, &ask);
        let flight = self.flights.put(Flight {
            agent: id,
            incarnation,
            store,
            op,
            ask,
            attempt,
            rule,
            copy: false,
            at: shelf::NOW,
            votes: Vec::new(),
            answer: self.now() + ticks,
            kept: None,
        });
        let now = self.now();
        self.put(now + lands, Event::Op { flight });
        let patience = self.patience(id, attempt);
        if ticks > patience || scan {
            let op = op as u32;
            self.put(
                now + patience,
                Event::Timeout {
                    agent: id,
                    incarnation,
                    op,
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

    /// How long an agent waits for an answer, by its own clock, in true ticks: longer each time.
    pub(super) fn patience(&self, id: AgentId, attempt: u8) -> u64 {
        by_clock(
            self.plan.timeout << attempt.min(6),
            self.seats[id.index()].rate,
        )
    }

    /// An operation will have no answer: its agent finds out when it has waited long enough.
    pub(super) fn time_out(&mut self, flight: u32) {
        let Flight {
            agent,
            incarnation,
            op,
            attempt,
            ..
        } = *self.flights.get(flight);
        let at = self.now() + self.patience(agent, attempt);
        let op = op as u32;
        self.put(
            at,
            Event::Timeout {
                agent,
                incarnation,
                op,
            },
        );
    }

    pub(super) fn set_alarm(&mut self, id: AgentId, timer: Timer, min: u64, max: u64) {
        let seat = &self.seats[id.index()];
        let (agent, incarnation, rate) = (id, seat.incarnation, u64::from(seat.rate));
        let (min, max) = (self.plan.ticks(min), self.plan.ticks(max));
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

    pub(super) fn on_timeout(&mut self, agent: AgentId, incarnation: u16, op: u64, bits: u64) {
        if self.takes(agent, incarnation, bits) {
            let mut effects = std::mem::take(&mut self.effects);
            let replica = &mut self.seats[agent.index()].replica;
            replica.timed_out(op, &mut |effect| effects.push(effect));
            self.effects = effects;
            self.carry_out(agent);
        }
    }

    pub(super) fn on_alarm(&mut self, agent: AgentId, incarnation: u16, timer: Timer, bits: u64) {
        if self.takes(agent, incarnation, bits) {
            let mut effects = std::mem::take(&mut self.effects);
            let replica = &mut self.seats[agent.index()].replica;
            replica.woke(timer, &mut |effect| effects.push(effect));
            self.effects = effects;
            self.carry_out(agent);
        }
    }

    /// Gives an answer to an agent, if it is still the one that asked.
    pub(super) fn tell(&mut self, index: u32, told: Told<'_, L::Machine>) {
        let flight = self.flights.get(index);
        let (agent, incarnation, store, op) =
            (flight.agent, flight.incarnation, flight.store, flight.op);
        let mut name = None;
        if let Ask::ReadSnapshot { name: asked } = flight.ask {
            name = Some(asked);
        }
        if let (Ask::WriteHead { version, head }, Told::Wrote) = (&flight.ask, &told) {
            // Whether it is true or not: its agent will count it.
            self.vows.taken(agent, version.incarnation(), store, head);
        }
        let answer = flight.answer;
        let seat = &self.seats[agent.index()];
        let paused = seat.incarnation == incarnation && seat.status == Status::Paused;
        if answer > self.now() || paused {
            let kept = match told {
                Told::Wrote => Kept::Wrote,
                Told::Heads(heads) => Kept::Heads(heads.to_vec()),
                Told::Scanned { votes, heads } => Kept::Scanned(votes.to_vec(), heads.to_vec()),
                Told::Snapshot(found) => Kept::Snapshot(found.cloned()),
            };
            self.flights.get_mut(index).kept = Some(kept);
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
            self.clock_read(agent, &told, name);
        }
        if !matches!(told, Told::Wrote) {
            let errand = Errand { agent, store, op };
            self.enter(|_| Deed::Told { errand });
        }
        let mut effects = std::mem::take(&mut self.effects);
        let replica = &mut self.seats[agent.index()].replica;
        replica.told(op, store, told, &mut |effect| effects.push(effect));
        self.effects = effects;
        self.carry_out(agent);
    }

    /// Gives an answer that waited while the agent stood still.
    pub(super) fn tell_kept(&mut self, index: u32, kept: &Kept<L::Machine>) {
        match kept {
            Kept::Wrote => self.tell(index, Told::Wrote),
            Kept::Heads(heads) => self.tell(index, Told::Heads(heads)),
            Kept::Scanned(votes, heads) => self.tell(index, Told::Scanned { votes, heads }),
            Kept::Snapshot(found) => self.tell(index, Told::Snapshot(found.as_ref())),
        }
    }
}
