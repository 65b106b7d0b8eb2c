//! The way between agents and buckets: operations and alarms are asked for, take effect, and are answered.

use bivalent_core::{
    Agent, AgentId, Event as Told, LaidTag, LaidTimer, ObjectName, ObjectOp, ObjectReply,
    ObjectsSaid, OnObjects, Pause, RECORD, StoreId,
};

use super::{Due, DueFor, Engine, InFlight, Objects, OpOf, Part, ReplyOf, TimerOf};
use crate::{
    engine::{Status, dice::Purpose, event::Event, objects::words},
    judge::probe::Probe,
    scenario::{
        fault::{Fault, FaultKind, Happening},
        plan::{LIST, READ, WRITE},
    },
    store::{Service, bucket::Moment},
};

/// Which kind of operation it is to delays and to rules of faults.
const fn class<C>(op: &ObjectOp<ObjectName, C>) -> usize {
    match op {
        ObjectOp::Get(_) => READ,
        ObjectOp::List { .. } => LIST,
        ObjectOp::Put { .. } | ObjectOp::Delete(_) => WRITE,
    }
}

/// Whose object it is; none: nobody's own, or a whole folder.
pub(super) const fn owner(name: ObjectName) -> Option<AgentId> {
    match name {
        ObjectName::Start(agent, _)
        | ObjectName::Version(agent, _)
        | ObjectName::Text(agent, _) => Some(agent),
        ObjectName::Snapshot(name) => Some(name.agent),
        ObjectName::Vote(_, ballot) => Some(ballot.agent()),
        ObjectName::Record => Some(RECORD),
        ObjectName::Identity | ObjectName::Trial => None,
    }
}

fn owner_of<C>(op: &ObjectOp<ObjectName, C>) -> Option<AgentId> {
    match op {
        ObjectOp::Get(name) | ObjectOp::Put { name, .. } => owner(*name),
        ObjectOp::Delete(names) => names.first().copied().and_then(owner),
        ObjectOp::List { .. } => None,
    }
}

impl<P: Part> Engine<Objects<P>> {
    pub(super) fn ask(
        &mut self,
        id: AgentId,
        (store, tag, tries): (StoreId, LaidTag, u8),
        op: OpOf<P>,
    ) {
        let incarnation = self.participants[id.index()].incarnation;
        let all = u128::MAX >> (128 - self.plan.agents);
        let owners = owner_of(&op).map_or(all, AgentId::bit);
        let (rule, ticks) = self.net.ask(class(&op), id, store, owners);
        let lands = self.lands(rule, ticks);
        let now = self.now();
        let flight = self.system.flights.put(InFlight {
            agent: id,
            incarnation,
            store,
            tag,
            tries,
            op,
            rule,
            copy: false,
            answer: now + ticks,
            reply: None,
        });
        self.put(now + lands, Event::Op { flight });
        let patience = self.patience(id, tries);
        if ticks > patience {
            self.wait_for(id, now + patience, DueFor::Silence(store, tag));
        }
    }

    /// How long after its asking an operation takes effect, if it is answered after so many ticks. One that is delayed
    /// may have its delay before, behind or on both sides of it: otherwise nobody would ever learn too late what was
    /// true when a store said it.
    fn lands(&mut self, rule: Option<u8>, ticks: u64) -> u64 {
        let fault = rule.map(|rule| &self.plan.rules[rule as usize].fault);
        match fault {
            Some(Fault::Delay { .. }) => self.net.dice.within(Purpose::Fault, 0, ticks),
            Some(_) | None => ticks,
        }
    }

    /// How long an agent waits for an answer, ticks: longer each time, by its own clock.
    fn patience(&self, id: AgentId, tries: u8) -> u64 {
        let own = self.plan.timeout << tries.min(6);
        self.participants[id.index()].true_ticks(own)
    }

    pub(super) fn wait_for(&mut self, agent: AgentId, tick: u64, what: DueFor<P>) {
        let incarnation = self.participants[agent.index()].incarnation;
        let due = self.system.dues.put(Due {
            agent,
            incarnation,
            what,
        });
        self.put(tick, Event::Due { due });
    }

    /// An operation will have no answer: its agent finds out when it has waited long enough.
    pub(super) fn time_out(&mut self, flight: &InFlight<P>) {
        let participant = &self.participants[flight.agent.index()];
        if participant.incarnation == flight.incarnation {
            let at = self.now() + self.patience(flight.agent, flight.tries);
            let silence = DueFor::Silence(flight.store, flight.tag);
            self.wait_for(flight.agent, at, silence);
        }
    }

    pub(super) fn set_alarm(&mut self, id: AgentId, timer: TimerOf<P>, pause: Pause) {
        let (min, max) = match pause {
            Pause::Between { min, max } => (self.plan.ticks(min), self.plan.ticks(max)),
            Pause::Patience => {
                let tries = match &timer {
                    LaidTimer::Failed { tries, .. } => *tries,
                    LaidTimer::Inner(_)
                    | LaidTimer::Grace(_)
                    | LaidTimer::Again
                    | LaidTimer::Text => 0,
                };
                let own = self.plan.timeout << tries.min(6);
                (own, own)
            }
            Pause::Backoff => {
                let own = &mut self.participants[id.index()].own;
                own.aborts += 1;
                let (min, max) = self.plan.retry.pause(own.aborts);
                (self.plan.ticks(min), self.plan.ticks(max))
            }
        };
        let pause = self.net.dice.within(Purpose::Pause, min, max);
        let participant = &self.participants[id.index()];
        if participant.rate != crate::engine::TRUE_RATE {
            self.net.observed(FaultKind::ClockSkew);
        }
        let at = self.now() + participant.true_ticks(pause);
        self.wait_for(id, at, DueFor::Alarm(timer));
    }

    /// Whether an agent is there to take something in; what comes while it stands still is kept.
    fn takes(&mut self, agent: AgentId, incarnation: u16, event: Event) -> bool {
        if self.solo.is_some_and(|solo| solo != agent) {
            return false;
        }
        let participant = &mut self.participants[agent.index()];
        if participant.incarnation != incarnation {
            return false;
        }
        match participant.status {
            Status::Up => {
                participant.steps += 1;
                true
            }
            Status::Paused => {
                participant.inbox.push(event.pack());
                self.net.observed(FaultKind::Pause);
                false
            }
            Status::Down { .. } => false,
        }
    }

    /// Something that an agent waited for.
    pub(super) fn on_due(&mut self, index: u32) {
        let due = self.system.dues.get(index);
        let (agent, incarnation) = (due.agent, due.incarnation);
        let held = self.participants[agent.index()].status == Status::Paused
            && self.participants[agent.index()].incarnation == incarnation;
        if !self.takes(agent, incarnation, Event::Due { due: index }) {
            if !held || self.solo.is_some_and(|solo| solo != agent) {
                self.system.dues.take(index);
            }
            return;
        }
        match self.system.dues.take(index).what {
            DueFor::Begin => self.begin_life(agent),
            DueFor::Silence(store, tag) => self.step_of(agent, Told::TimedOut(store, tag)),
            DueFor::Alarm(timer) => self.step_of(agent, Told::Woke(timer)),
        }
    }

    /// An agent takes a step, and what it wants is carried out.
    pub(crate) fn step_of(&mut self, id: AgentId, event: Told<'_, OnObjects<P::Agent>>) {
        let Some(mut agent) = self.participants[id.index()].agent.take() else {
            return;
        };
        if let Some(journal) = &mut self.journal {
            journal.begins(id);
        }
        agent.on(event, &mut self.port(id));
        self.participants[id.index()].agent = Some(agent);
        self.carry_out(id);
        P::stepped(self, id);
    }

    /// An operation takes effect, or its answer arrives.
    pub(super) fn on_op(&mut self, index: u32) {
        let flight = self.system.flights.get_mut(index);
        if let Some(reply) = flight.reply.take() {
            self.tell(index, reply);
            return;
        }
        let (agent, store, rule, copy) = (flight.agent, flight.store, flight.rule, flight.copy);
        if self.solo.is_some_and(|solo| solo != agent) {
            self.system.flights.take(index);
            return;
        }
        let fault = rule.and_then(|rule| self.fault_met(rule, copy));
        if let Some(fault) = fault.as_ref().filter(|_| !copy) {
            self.strike_store(fault, store);
        }
        if !self.is_served(index) {
            return;
        }
        match fault {
            None => self.perform(index, Moment::NOW),
            Some(fault) => self.perform_struck(index, &fault),
        }
    }

    /// Whether the store answers; if not, the operation waits, or is lost.
    fn is_served(&mut self, index: u32) -> bool {
        let flight = self.system.flights.get_mut(index);
        let store = flight.store;
        match self.service[store.index()] {
            Service::Up => true,
            Service::Out => {
                let outage = flight.rule.filter(|&rule| {
                    self.plan.rules[rule as usize].fault.kind() == FaultKind::Outage
                });
                if outage.is_some() {
                    // What brings an outage about does so once, not again when it is over.
                    flight.rule = None;
                }
                self.net.observed(FaultKind::Outage);
                self.waiting[store.index()].push(Event::Op { flight: index }.pack());
                if !self.system.flights.get(index).copy {
                    let flight = self.system.flights.get(index).clone();
                    self.time_out(&flight);
                }
                false
            }
            Service::Lost => {
                self.net.observed(FaultKind::StoreLoss);
                let flight = self.system.flights.take(index);
                self.time_out(&flight);
                false
            }
        }
    }

    /// An operation takes effect; what is read is as of a moment.
    pub(super) fn perform(&mut self, index: u32, seen: Moment) {
        let reply = self.apply(index, seen);
        self.tell(index, reply);
    }

    /// The same without the answer.
    pub(super) fn apply(&mut self, index: u32, seen: Moment) -> ReplyOf<P> {
        self.store_ops += 1;
        let now = self.net.now();
        let objects = &mut self.system;
        let flight = objects.flights.get(index);
        let (agent, store) = (flight.agent, flight.store);
        let bucket = &mut objects.buckets[store.index()];
        let reply = bucket.apply(&flight.op, seen, now);
        let (word, is_write) = words::print::<P>(&flight.op, &reply);
        let body = match (&flight.op, &reply) {
            (
                ObjectOp::Put {
                    name,
                    content: bivalent_core::Content::Body(body),
                    ..
                },
                ObjectReply::Done(_),
            ) => Some((*name, body.clone())),
            _ => None,
        };
        let met = match (&flight.op, &reply) {
            (
                ObjectOp::Get(ObjectName::Record),
                ObjectReply::Found {
                    content: bivalent_core::Content::Body(body),
                    ..
                },
            ) => Some(body.clone()),
            (
                ObjectOp::Put {
                    name: ObjectName::Record,
                    ..
                },
                ObjectReply::ConditionFailed,
            ) => self.record(store).cloned(),
            _ => None,
        };
        let objects = &self.system;
        let flight = objects.flights.get(index);
        let listed = match &flight.op {
            ObjectOp::List {
                folder,
                after: None,
            } => Some((flight.tag.job, *folder)),
            ObjectOp::List { .. }
            | ObjectOp::Get(_)
            | ObjectOp::Put { .. }
            | ObjectOp::Delete(_) => None,
        };
        let deleted = match &flight.op {
            ObjectOp::Delete(names) => names.clone(),
            ObjectOp::Get(_) | ObjectOp::Put { .. } | ObjectOp::List { .. } => Vec::new(),
        };
        self.fingerprint
            .mix(word, u64::from(store.0) << 8 | u64::from(agent.0));
        self.note_marks(index);
        if matches!(reply, ObjectReply::Unreadable) {
            self.net.hit(Probe::UnreadableRead);
        }
        if let Some((job, folder)) = listed {
            P::listed(self, agent, job, folder);
        }
        if !deleted.is_empty() {
            P::deleted(self, agent, store, &deleted);
        }
        if let Some(body) = met {
            P::met_record(self, agent, store, &body);
        }
        if let Some((name, body)) = body {
            P::landed(self, agent, (store, name), &body);
            if P::is_vote(&body) {
                self.happened(Happening::Vote, agent, Some(store));
            }
        }
        let what = if is_write {
            Happening::Write
        } else {
            Happening::Read
        };
        self.happened(what, agent, Some(store));
        reply
    }

    /// Whoever reads what a fault had a hand in has met the fault.
    fn note_marks(&mut self, index: u32) {
        let flight = self.system.flights.get(index);
        let ObjectOp::Get(name) = &flight.op else {
            return;
        };
        let agent = flight.agent;
        let marks = self.system.buckets[flight.store.index()].marks(name);
        if marks == 0 {
            return;
        }
        for kind in FaultKind::ALL {
            if marks & 1 << kind.index() != 0 {
                self.net.observed(kind);
            }
        }
        if marks & 1 << FaultKind::TornWrite.index() != 0 {
            self.net.hit(Probe::TornRead);
            if self.recovers(agent) {
                self.net.hit(Probe::TornReadInRecovery);
            }
        }
    }

    /// Gives an answer to an agent, if it is still the one that asked.
    pub(super) fn tell(&mut self, index: u32, reply: ReplyOf<P>) {
        let flight = self.system.flights.get_mut(index);
        let (agent, incarnation, store, tag) =
            (flight.agent, flight.incarnation, flight.store, flight.tag);
        let answer = flight.answer;
        let participant = &self.participants[agent.index()];
        let lives = participant.incarnation == incarnation;
        let event = Event::Op { flight: index };
        if answer > self.net.now() {
            flight.reply = Some(reply);
            self.put(answer, event);
            return;
        }
        let deaf = self.solo.is_some_and(|solo| solo != agent);
        if lives && participant.status == Status::Paused && !deaf {
            flight.reply = Some(reply);
            let taken = self.takes(agent, incarnation, event);
            debug_assert!(!taken, "it stands still");
            return;
        }
        self.system.flights.take(index);
        if !lives {
            self.net.observed(FaultKind::Crash);
            self.net.hit(Probe::AnswerToTheDead);
        }
        if self.takes(agent, incarnation, event) {
            self.step_of(agent, Told::Replied(store, tag, &reply));
        }
    }

    /// An agent says something.
    pub(super) fn hear(&mut self, id: AgentId, said: ObjectsSaid<P::Agent>) {
        match said {
            ObjectsSaid::Inner(said) => P::said(self, id, said),
            ObjectsSaid::Began { start } => {
                self.participants[id.index()].own.start = Some(start);
                P::took(self, id, start);
                self.note_told(
                    id,
                    "begins",
                    format_args!("takes start {} and begins", start.0),
                );
            }
            ObjectsSaid::Answered {
                store,
                tag,
                job,
                reply,
            } => {
                P::answered(self, id, (store, tag, job), &reply);
            }
            ObjectsSaid::Uncounted(store) => {
                let text = format_args!("finds {{s{}}} empty and does not count it", store.0);
                self.note_told(id, "uncounted", text);
            }
            ObjectsSaid::Stopped(stop) => self.on_stopped(id, &stop),
            ObjectsSaid::Asked { store, tag, op } => P::asked(self, id, (store, tag), op),
            ObjectsSaid::Settled { .. } | ObjectsSaid::Failed { .. } | ObjectsSaid::Text { .. } => {
            }
        }
    }

    /// The operation that was asked for once more, to come later.
    pub(super) fn again(&mut self, index: u32, later: u64) {
        let again = InFlight {
            copy: true,
            ..self.system.flights.get(index).clone()
        };
        let flight = self.system.flights.put(again);
        self.put(self.now() + later, Event::Op { flight });
    }
}
