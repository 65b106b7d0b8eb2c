//! What is in flight or due in a log's world.

use bivalent_core::{AgentId, LogOp, StateMachine, StoreId};

use super::super::{Event, Flight, LogEngine, machines::Load};
use crate::{
    blocks::view::{requests_wait, time},
    engine::{Status, net::COPY},
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
        let held = self.seats.iter().flat_map(|seat| &seat.held);
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
            let seat = &self.seats[agent.index()];
            let up = matches!(seat.status, Status::Up | Status::Paused);
            up && seat.incarnation == incarnation
        };
        let client = |client: u32, count: u16| {
            let client = &self.clients.all[client as usize];
            (client.count == count && !client.done).then_some((Some(client.at), None))
        };
        match event {
            Event::Op { flight } | Event::Heads { flight } => {
                let flight = self.flights.get(flight);
                Some((Some(flight.agent), Some(flight.store)))
            }
            Event::Timeout {
                agent, incarnation, ..
            }
            | Event::Tick { agent, incarnation }
            | Event::Stand { agent, incarnation } => {
                lives(agent, incarnation).then_some((Some(agent), None))
            }
            Event::Next { client: it, count } => client(it, count),
            Event::Again { client: it, count } | Event::Request { client: it, count } => {
                let waits = self.clients.all[it as usize].doing.is_some();
                client(it, count).filter(|_| waits)
            }
            Event::Restart { agent, incarnation } => {
                let seat = &self.seats[agent.index()];
                let down = matches!(seat.status, Status::Down { .. });
                (down && seat.incarnation == incarnation).then_some((Some(agent), None))
            }
            Event::Wake { agent, count } => {
                let seat = &self.seats[agent.index()];
                let sleeps = seat.status == Status::Paused && seat.pauses == count;
                sleeps.then_some((Some(agent), None))
            }
            Event::StoreUp { store, count } => {
                let out = self.service[store.index()] == Service::Out;
                let this = self.outages[store.index()] == count;
                (out && this).then_some((None, Some(store)))
            }
            Event::StoreFast { store, count } => {
                let slow = self.net.percent[store.index()] != 100;
                let this = self.slow_spells[store.index()] == count;
                (slow && this).then_some((None, Some(store)))
            }
            Event::Trigger { rule } | Event::TriggerEnd { rule } => {
                let left = self.net.rules[rule as usize].left > 0;
                (left && !self.healed).then_some((None, None))
            }
            Event::Heal => Some((None, None)),
            Event::StallCheck => {
                let late = tick? >= self.since + self.plan.stall;
                let waits = late && !self.stall_open && self.done_at.is_none();
                waits.then_some((None, None))
            }
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
        let rule = |rule: u8| {
            let rule = &self.plan.rules[rule as usize];
            format!("{} (line {})", rule.fault.kind().name(), rule.line)
        };
        let client = |client: u32| self.clients.all[client as usize].name;
        let mut note = String::new();
        let (act, text) = match pending.event {
            Event::Op { flight } => {
                let flight = self.flights.get(flight);
                note = self.note_of(flight);
                let act = if flight.op.is_write() {
                    Act::Write
                } else {
                    Act::Read
                };
                (act, asked(&flight.op, store(flight.store)))
            }
            Event::Heads { flight } => {
                let at = self.flights.get(flight).store;
                (
                    Act::Read,
                    format!("read heads on {}, after votes", store(at)),
                )
            }
            Event::Timeout { .. } => (
                Act::Timeout,
                "asks again, if it has had no answer".to_owned(),
            ),
            Event::Tick { .. } => (Act::Timeout, "its clock goes round".to_owned()),
            Event::Stand { .. } => (Act::Start, "stands for leader".to_owned()),
            Event::Next { client: it, .. } => (
                Act::Client,
                format!("client {} asks for something", client(it)),
            ),
            Event::Again { client: it, .. } => {
                let text = format!("client {} has waited long enough", client(it));
                (Act::Client, text)
            }
            Event::Request { client: it, .. } => {
                let text = format!("client {}'s request is read", client(it));
                (Act::Client, text)
            }
            Event::Restart { .. } => (Act::Restart, "starts again".to_owned()),
            Event::Wake { .. } => (Act::Wake, "goes on".to_owned()),
            Event::StoreUp { store: at, .. } => {
                note = format!("{} for it", requests_wait(self.waiting[at.index()].len()));
                (Act::Store, format!("{} answers again", store(at)))
            }
            Event::StoreFast { store: at, .. } => {
                (Act::Store, format!("{} is as fast as before", store(at)))
            }
            Event::Trigger { rule: it } => (Act::Rule, rule(it)),
            Event::TriggerEnd { rule: it } => (Act::Rule, format!("{} ends", rule(it))),
            Event::Heal => (Act::Heal, "faults end".to_owned()),
            Event::StallCheck => {
                let waited = time(self.plan.ns(self.plan.stall));
                let text = format!("a stall, if no client is answered: {waited} without an answer");
                (Act::Check, text)
            }
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
        let seat = &self.seats[flight.agent.index()];
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
