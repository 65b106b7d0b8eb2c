//! What is to be seen of a world of buckets: agents, stores, what stands on them, what is to come.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a system takes its own events; all others are the engine's"
)]

use bivalent_core::{AgentId, Content, Folder, ObjectName, ObjectOp, StoreId};

use super::{DueFor, Engine, Objects, Part, words};
use crate::{
    engine::{
        Participant, Status,
        blocks::view::{broken, stall_view, store_rows, time},
        event::Event,
        view::{Act, AgentRow, AgentState, NextStep, View},
    },
    judge::verdict,
    scenario::Scenario,
    store::Service,
};

/// Steps told at most.
const NEXT_MAX: usize = 200;

/// Where something that is to come waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum How {
    /// For its time.
    Due,
    /// For a store to come back.
    Waits,
    /// For its agent to go on.
    Held,
}

/// Something that is to come.
#[derive(Clone, Copy, Debug)]
struct Pending {
    event: Event,
    how: How,
    tick: Option<u64>,
    agent: Option<AgentId>,
    store: Option<StoreId>,
}

impl<P: Part> Engine<Objects<P>> {
    /// The world as it is, without what was noted.
    pub(crate) fn look(&self, scenario: &Scenario) -> View {
        let pending = self.pending();
        let agents = self.participants.iter();
        let agents = agents.map(|it| self.agent_row(scenario, it, &pending));
        let stall = self.liveness.stalls.last().filter(|_| self.liveness.open);
        let greatest = self.liveness.rounds.map_or(0, |rounds| rounds.1);
        View {
            step: self.steps,
            time_ns: self.virtual_ns(),
            agents: agents.collect(),
            stores: store_rows(&self.service, &self.net.percent, &self.waiting),
            blocks: P::matrix(self, scenario),
            log: P::log_view(self),
            next: self.next_steps(scenario, &pending),
            events: Vec::new(),
            standing: broken(scenario, self).unwrap_or_else(|| P::standing(self)),
            stall: stall.map(|stall| stall_view(scenario, self, stall, greatest)),
        }
    }

    fn agent_row(
        &self,
        scenario: &Scenario,
        participant: &Participant<Objects<P>>,
        pending: &[Pending],
    ) -> AgentRow {
        let own = &participant.own;
        let state = match participant.status {
            Status::Down { returns: true } => AgentState::Down,
            Status::Down { returns: false } => AgentState::Lost,
            Status::Paused => AgentState::Paused,
            Status::Up if participant.decided => AgentState::Decided,
            Status::Up if participant.agent.is_none() => AgentState::Idle,
            Status::Up => AgentState::Running,
        };
        let mut row = AgentRow {
            state,
            phase: "-".to_owned(),
            doing: self.doing(scenario, participant, pending),
            incarnation: participant.incarnation.into(),
            aborts: own.aborts,
            ..AgentRow::default()
        };
        let agent = participant.agent.as_ref();
        match agent.and_then(|agent| agent.inner()) {
            Some(inner) => P::row(self, inner, &mut row),
            None if agent.is_some() => "starts".clone_into(&mut row.phase),
            None => {}
        }
        row
    }

    /// What an agent waits for, in words.
    fn doing(
        &self,
        scenario: &Scenario,
        participant: &Participant<Objects<P>>,
        pending: &[Pending],
    ) -> String {
        let own = || {
            let of = pending.iter();
            of.filter(|it| it.agent == Some(participant.id))
        };
        let due = |fits: &dyn Fn(Event) -> bool| {
            let found = own().find(|it| fits(it.event))?;
            Some(time(self.plan.ns(found.tick?)))
        };
        match participant.status {
            Status::Down { returns: false } => "gone for good".to_owned(),
            Status::Down { returns: true } => {
                let at = due(&|event| matches!(event, Event::Restart { .. }));
                at.map_or_else(
                    || "comes back".to_owned(),
                    |at| format!("comes back at {at}"),
                )
            }
            Status::Paused => {
                let at = due(&|event| matches!(event, Event::Wake { .. }));
                at.map_or_else(
                    || "stands still".to_owned(),
                    |at| format!("stands still until {at}"),
                )
            }
            Status::Up if participant.decided => String::new(),
            Status::Up => {
                let first = own().find_map(|it| match it.event {
                    Event::Op { flight } => Some(self.asked(scenario, flight)),
                    _ => None,
                });
                first.unwrap_or_else(|| "waits".to_owned())
            }
        }
    }

    fn asked(&self, scenario: &Scenario, flight: u32) -> String {
        let flight = self.system.flights.get(flight);
        let store = &scenario.cluster.stores[flight.store.index()];
        verdict::spelled(scenario, self, &words::op::<P>(&flight.op, store))
    }

    /// Everything that is to come, the next one first, without what means nothing any more.
    fn pending(&self) -> Vec<Pending> {
        let due = self.net.wheel.in_order().into_iter();
        let due = due.map(|(tick, bits)| (bits, How::Due, Some(tick)));
        let waiting = self.waiting.iter().flatten();
        let waiting = waiting.map(|&bits| (bits, How::Waits, None));
        let held = self.participants.iter().flat_map(|it| &it.inbox);
        let held = held.map(|&bits| (bits, How::Held, None));
        let told = due
            .chain(waiting)
            .chain(held)
            .filter_map(|(bits, how, tick)| {
                let event = Event::unpack(bits);
                let (agent, store) = self.subject(event, tick)?;
                Some(Pending {
                    event,
                    how,
                    tick,
                    agent,
                    store,
                })
            });
        told.collect()
    }

    /// Whom and which store it is about; none if it means nothing any more.
    fn subject(
        &self,
        event: Event,
        tick: Option<u64>,
    ) -> Option<(Option<AgentId>, Option<StoreId>)> {
        match event {
            Event::Op { flight } => {
                let flight = self.system.flights.get(flight);
                Some((Some(flight.agent), Some(flight.store)))
            }
            Event::Due { due } => {
                let due = self.system.dues.get(due);
                let participant = &self.participants[due.agent.index()];
                let up = matches!(participant.status, Status::Up | Status::Paused);
                let lives = up && participant.incarnation == due.incarnation;
                lives.then_some((Some(due.agent), None))
            }
            Event::StallCheck if P::is_done(self) => None,
            other => P::about(self, other, tick),
        }
    }

    /// What is to come, in words; only so much of it.
    fn next_steps(&self, scenario: &Scenario, pending: &[Pending]) -> Vec<NextStep> {
        let told = pending.iter().take(NEXT_MAX);
        told.map(|pending| self.next_step(scenario, pending))
            .collect()
    }

    fn next_step(&self, scenario: &Scenario, pending: &Pending) -> NextStep {
        let (act, text, note) = match pending.event {
            Event::Op { flight } => {
                let text = self.asked(scenario, flight);
                let flight = self.system.flights.get(flight);
                let note = self.note_of(flight);
                let act = match flight.op {
                    ObjectOp::Put { .. } | ObjectOp::Delete(_) => Act::Write,
                    ObjectOp::Get(_) | ObjectOp::List { .. } => Act::Read,
                };
                (act, text, note)
            }
            Event::Due { due } => match self.system.dues.get(due).what {
                DueFor::Begin => (Act::Start, "begins".to_owned(), String::new()),
                DueFor::Silence(..) => (
                    Act::Timeout,
                    "asks again, if it has had no answer".to_owned(),
                    String::new(),
                ),
                DueFor::Alarm(_) => (Act::Timeout, "its alarm goes off".to_owned(), String::new()),
            },
            other => P::to_come(self, scenario, other),
        };
        NextStep {
            due_ns: pending.tick.map(|tick| self.plan.ns(tick)),
            agent: pending.agent.map(|agent| agent.0),
            store: pending.store.map(|store| store.0),
            act,
            text,
            note: match pending.how {
                How::Due => note,
                How::Waits => "waits for the store to answer again".to_owned(),
                How::Held => "waits for its agent to go on".to_owned(),
            },
            age: None,
        }
    }

    fn note_of(&self, flight: &super::InFlight<P>) -> String {
        if flight.reply.is_some() {
            return "has taken effect; its answer is on the way".to_owned();
        }
        let participant = &self.participants[flight.agent.index()];
        if participant.incarnation != flight.incarnation {
            return "of a start before the last crash".to_owned();
        }
        if let Some(rule) = flight.rule {
            let kind = self.plan.rules[rule as usize].fault.kind();
            return format!("meets {}", kind.name());
        }
        match self.service[flight.store.index()] {
            Service::Up => String::new(),
            Service::Out => "the store does not answer".to_owned(),
            Service::Lost => "the store is gone".to_owned(),
        }
    }

    /// The newest version of an agent's that stands on a store and can be read.
    pub(crate) fn newest(
        &self,
        store: StoreId,
        owner: AgentId,
    ) -> Option<&<P::Agent as bivalent_core::Laid>::Body> {
        let folder = self.system.buckets[store.index()].folder(Folder::Agents);
        let own = folder
            .filter(|(name, _)| matches!(name, ObjectName::Version(agent, _) if *agent == owner));
        match own.last()?.1 {
            Content::Body(body) => Some(body),
            Content::Identity(_) | Content::Start { .. } | Content::Text(_) | Content::Trial(_) => {
                None
            }
        }
    }

    /// The record that stands on a store and can be read.
    pub(crate) fn record(
        &self,
        store: StoreId,
    ) -> Option<&<P::Agent as bivalent_core::Laid>::Body> {
        let mut folder = self.system.buckets[store.index()].folder(Folder::Records);
        folder.find_map(|(name, content)| match (name, content) {
            (ObjectName::Record, Content::Body(body)) => Some(body),
            _ => None,
        })
    }
}
