//! What is in flight or due in a log's world.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a system takes its own events; all others are the engine's"
)]

use bivalent_core::{AgentId, LogOp, StateMachine, StoreId, Timer};

use super::super::{Flight, LogEngine, machines::Load};
use crate::{
    engine::{Status, net::COPY},
    event::{Event, LogEvent, Turn},
    scenario::Scenario,
    store::Service,
    view::{Act, NextStep},
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
pub(super) struct Pending {
    pub(super) event: Event,
    how: How,
    pub(super) tick: Option<u64>,
    pub(super) agent: Option<AgentId>,
    store: Option<StoreId>,
}

impl<L: Load> LogEngine<L> {
    /// Everything that is to come, the next one first, without what means nothing any more.
    pub(super) fn pending(&self) -> Vec<Pending> {
        let due = self.net.wheel.in_order().into_iter();
        let due = due.map(|(tick, bits)| (bits, How::Due, Some(tick)));
        let waiting = self.waiting.iter().flatten();
        let waiting = waiting.map(|&bits| (bits, How::Waits, None));
        let held = self.participants.iter().flat_map(|seat| &seat.inbox);
        let held = held.map(|&bits| (bits, How::Held, None));
        let all = due.chain(waiting).chain(held);
        let told = all.filter_map(|(bits, how, tick)| {
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
        let lives = |agent: AgentId, incarnation: u16| {
            let seat = &self.participants[agent.index()];
            let up = matches!(seat.status, Status::Up | Status::Paused);
            up && seat.incarnation == incarnation
        };
        let client = |client: u32, count: u16| {
            let client = &self.system.clients.all[client as usize];
            (client.count == count && !client.done).then_some((Some(client.at), None))
        };
        match event {
            Event::Log(LogEvent::Op { flight } | LogEvent::Heads { flight }) => {
                let flight = self.system.flights.get(flight);
                Some((Some(flight.agent), Some(flight.store)))
            }
            Event::Log(
                LogEvent::Timeout {
                    agent, incarnation, ..
                }
                | LogEvent::Alarm {
                    agent, incarnation, ..
                },
            ) => lives(agent, incarnation).then_some((Some(agent), None)),
            Event::Log(LogEvent::Client {
                client: it,
                count,
                turn,
            }) => {
                let waits = match turn {
                    Turn::Next => true,
                    Turn::Again | Turn::Request => {
                        self.system.clients.all[it as usize].doing.is_some()
                    }
                };
                client(it, count).filter(|_| waits)
            }
            Event::StallCheck if self.system.done_at.is_some() => None,
            common => self.about(common, tick),
        }
    }

    /// What is to come, in words; only so much of it.
    pub(super) fn next_steps(&self, scenario: &Scenario, pending: &[Pending]) -> Vec<NextStep> {
        let told = pending.iter().take(NEXT_MAX);
        told.map(|pending| self.next_step(scenario, pending))
            .collect()
    }

    fn next_step(&self, scenario: &Scenario, pending: &Pending) -> NextStep {
        let store = |store: StoreId| scenario.cluster.stores[store.index()].as_str();
        let client = |client: u32| self.system.clients.all[client as usize].name;
        let plain = String::new;
        let (act, text, note) = match pending.event {
            Event::Log(LogEvent::Op { flight }) => {
                let flight = self.system.flights.get(flight);
                let act = if flight.op.is_write() {
                    Act::Write
                } else {
                    Act::Read
                };
                let text = asked(&flight.op, store(flight.store));
                (act, text, self.note_of(flight))
            }
            Event::Log(LogEvent::Heads { flight }) => {
                let at = store(self.system.flights.get(flight).store);
                let text = format!("read heads on {at}, after votes");
                (Act::Read, text, plain())
            }
            Event::Log(LogEvent::Timeout { .. }) => {
                let text = "asks again, if it has had no answer".to_owned();
                (Act::Timeout, text, plain())
            }
            Event::Log(LogEvent::Alarm { timer, .. }) => match timer {
                Timer::Tick => (Act::Timeout, "its clock goes round".to_owned(), plain()),
                Timer::Stand => (Act::Start, "stands for leader".to_owned(), plain()),
            },
            Event::Log(LogEvent::Client {
                client: it, turn, ..
            }) => {
                let name = client(it);
                let text = match turn {
                    Turn::Next => format!("client {name} asks for something"),
                    Turn::Again => format!("client {name} has waited long enough"),
                    Turn::Request => format!("client {name}'s request is read"),
                };
                (Act::Client, text, plain())
            }
            common => self.to_come(scenario, common),
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

    fn note_of(&self, flight: &Flight<L::Machine>) -> String {
        if flight.kept.is_some() {
            return "has taken effect; its answer is on the way".to_owned();
        }
        let seat = &self.participants[flight.agent.index()];
        if seat.incarnation != flight.incarnation {
            return "of a start before the last crash".to_owned();
        }
        if let Some(rule) = flight.rule {
            let rule = if rule >= COPY { rule - COPY } else { rule };
            let kind = self.plan.rules[rule as usize].fault.kind();
            return format!("meets {}", kind.name());
        }
        match self.service[flight.store.index()] {
            Service::Up => String::new(),
            Service::Out => "the store does not answer".to_owned(),
            Service::Lost => "the store is gone".to_owned(),
        }
    }
}

/// An operation in words.
fn asked<M: StateMachine>(op: &LogOp<M>, store: &str) -> String {
    match op {
        LogOp::WriteHead { head, .. } => {
            let round = head.mbal.map_or(0, bivalent_core::Ballot::round);
            format!("write head on {store}: ballot {round}, beat {}", head.beat)
        }
        LogOp::WriteVote(vote) => format!(
            "write vote on {store}: slot {}, ballot {}, {} request{}",
            vote.slot.0,
            vote.bal.round(),
            vote.batch.len(),
            if vote.batch.len() == 1 { "" } else { "s" }
        ),
        LogOp::WriteSnapshot { name, .. } => {
            format!("write snapshot on {store}: before slot {}", name.slot.0)
        }
        LogOp::Drop { below } => format!("drop votes on {store} below slot {}", below.0),
        LogOp::ReadHeads => format!("read heads on {store}"),
        LogOp::Scan { from, to } if to.0 == u64::MAX => {
            format!("read votes on {store} from slot {} on", from.0)
        }
        LogOp::Scan { from, to } => {
            format!("read votes on {store}, slots {}..{}", from.0, to.0)
        }
        LogOp::ReadSnapshot { name } => {
            format!("read snapshot on {store}: before slot {}", name.slot.0)
        }
    }
}
