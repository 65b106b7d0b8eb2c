//! What is in flight or due in a single decision's world, and what would come of it.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a system takes its own events; all others are the engine's"
)]

use bivalent_core::{
    AgentId, Ballot, Block, BlockTag, Explored, Phase, Place, RECORD, SingleDecree, StoreId,
};

use super::{Blocks, Engine};
use crate::{
    engine::{
        event::{Event, ReadOp},
        is_down,
        net::{COPY, Pending as Write},
        view::{Act, NextStep},
    },
    protocol::member::Member,
    scenario::{Scenario, fault::FaultKind},
    store::Service,
};

/// Steps told at most.
const NEXT_MAX: usize = 200;

/// Where something that is to come waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum How {
    /// For its time.
    Due,
    /// For the adversary to pick it.
    Pooled,
    /// For a store to come back.
    Waits,
    /// For the adversary to let it go.
    Held,
}

/// Something that is to come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) bits: u64,
    pub(super) how: How,
    pub(super) tick: Option<u64>,
    /// Operations picked since it was asked for.
    age: Option<u64>,
    pub(super) agent: Option<AgentId>,
    pub(super) store: Option<StoreId>,
    /// The place that it writes.
    pub(super) writes: Option<Place>,
    /// It is a read.
    pub(super) reads: bool,
    /// The place of which it reads an older version, if there is one.
    pub(super) reads_old: Option<Place>,
    /// Its agent still waits for it.
    pub(super) counts: bool,
}

impl Engine<Blocks> {
    /// Everything that is to come, the next one first, without what means nothing any more.
    pub(super) fn pending(&self) -> Vec<Pending> {
        let due = self.net.wheel.in_order().into_iter();
        let due = due.map(|(tick, bits)| (bits, How::Due, Some(tick), None));
        let pooled = self.net.pool.iter().map(|pooled| {
            let age = Some(self.net.picks - pooled.since);
            (pooled.bits, How::Pooled, None, age)
        });
        let waiting = self.waiting.iter().flatten();
        let waiting = waiting.map(|&bits| (bits, How::Waits, None, None));
        let held = self.participants.iter().flat_map(|seat| &seat.own.held);
        let held = held.map(|held| (held.bits, How::Held, None, None));
        // Once something is picked it waits for its time; until then a pick comes first.
        let mut all: Vec<(u64, How, Option<u64>, Option<u64>)> = if self.has_picked() {
            due.chain(pooled).collect()
        } else {
            pooled.chain(due).collect()
        };
        all.extend(waiting.chain(held));
        let told = all.into_iter().filter_map(|(bits, how, tick, age)| {
            let pending = Pending {
                bits,
                how,
                tick,
                age,
                agent: None,
                store: None,
                writes: None,
                reads: false,
                reads_old: None,
                counts: false,
            };
            self.subject(pending)
        });
        told.collect()
    }

    /// Whom and what it is about; none if it means nothing any more.
    fn subject(&self, mut pending: Pending) -> Option<Pending> {
        let event = Event::unpack(pending.bits);
        match event {
            Event::Read(op) => {
                (pending.agent, pending.store) = (Some(op.agent), Some(op.store));
                let old = self.kind_of(op.rule) == Some(FaultKind::StaleRead);
                let (store, owner) = (op.store, op.owner);
                pending.reads = true;
                pending.reads_old = old.then_some(Place { store, owner });
                pending.counts = self.waits_for_read(op);
            }
            Event::Write { pending: index } => {
                let write = self.net.pending[index as usize];
                (pending.agent, pending.store) = (Some(write.agent), Some(write.store));
                pending.writes = Some(Self::place_of(write));
                pending.counts =
                    self.participants[write.agent.index()].incarnation == write.incarnation;
            }
            Event::ReadTimeout(op) => {
                (pending.agent, pending.store) = (Some(op.agent), Some(op.store));
                if !self.waits_for_read(op) {
                    return None;
                }
            }
            Event::WriteTimeout {
                agent,
                incarnation,
                store,
                epoch,
                attempt,
            } => {
                (pending.agent, pending.store) = (Some(agent), Some(store));
                let tag = BlockTag::Write { epoch, attempt };
                let seat = &self.participants[agent.index()];
                if seat.incarnation != incarnation || !seat.agent.awaits(store, tag) {
                    return None;
                }
            }
            Event::Start {
                agent,
                incarnation,
                epoch,
            } => {
                pending.agent = Some(agent);
                let seat = &self.participants[agent.index()];
                let stale =
                    seat.incarnation != incarnation || seat.agent.epoch() & 0xff_ffff != epoch;
                if stale || seat.agent.phase() != Phase::Waiting || is_down(seat.status) {
                    return None;
                }
            }
            Event::StallCheck if self.participants.iter().all(|seat| seat.decided) => {
                return None;
            }
            common => (pending.agent, pending.store) = self.about(common, pending.tick)?,
        }
        Some(pending)
    }

    fn waits_for_read(&self, op: ReadOp) -> bool {
        let seat = &self.participants[op.agent.index()];
        seat.incarnation == op.incarnation
            && !is_down(seat.status)
            && seat.agent.awaits(op.store, op.tag())
    }

    /// The kind of fault that an operation has met.
    fn kind_of(&self, rule: Option<u8>) -> Option<FaultKind> {
        let rule = rule?;
        let rule = if rule >= COPY { rule - COPY } else { rule };
        Some(self.plan.rules[rule as usize].fault.kind())
    }

    /// What is to come, in words; only so much of it.
    pub(super) fn next_steps(&self, scenario: &Scenario, pending: &[Pending]) -> Vec<NextStep> {
        let told = pending.iter().take(NEXT_MAX);
        told.map(|pending| self.next_step(scenario, pending))
            .collect()
    }

    fn next_step(&self, scenario: &Scenario, pending: &Pending) -> NextStep {
        let store = |store: StoreId| scenario.cluster.stores[store.index()].as_str();
        let place = |place: Place| self.place(scenario, place);
        let plain = String::new;
        let (act, text, note) = match Event::unpack(pending.bits) {
            Event::Read(op) => {
                let (store, owner) = (op.store, op.owner);
                let at = Place { store, owner };
                let text = format!("read {}", place(at));
                (Act::Read, text, self.note_of_read(scenario, op, at))
            }
            Event::Write { pending: index } => {
                let write = self.net.pending[index as usize];
                let at = place(Self::place_of(write));
                let text = format!("write {at} {}", self.content(scenario, write.block));
                (Act::Write, text, self.note_of_write(write))
            }
            Event::ReadTimeout(op) => {
                let (store, owner) = (op.store, op.owner);
                let text = format!("asks again to read {}", place(Place { store, owner }));
                (Act::Timeout, text, plain())
            }
            Event::WriteTimeout { store: at, .. } => {
                let text = format!("has had no answer to its write to {}", store(at));
                (Act::Timeout, text, plain())
            }
            Event::Start { .. } => (Act::Start, "begins an attempt".to_owned(), plain()),
            common => self.to_come(scenario, common),
        };
        NextStep {
            due_ns: pending.tick.map(|tick| self.plan.ns(tick)),
            agent: pending.agent.map(|agent| agent.0),
            store: pending.store.map(|store| store.0),
            act,
            text,
            note: match pending.how {
                How::Due | How::Pooled => note,
                How::Waits => "waits for the store to answer again".to_owned(),
                How::Held => "held back by the adversary".to_owned(),
            },
            age: pending.age,
        }
    }

    fn place(&self, scenario: &Scenario, place: Place) -> String {
        let store = &scenario.cluster.stores[place.store.index()];
        if self.plan.protocol.is_conditional() {
            return store.clone();
        }
        format!(
            "{store}[{}]",
            scenario.cluster.agents[place.owner.index()].name
        )
    }

    /// What a block says: `ballot 8 of a1, vote 1 of 5`.
    fn content(&self, scenario: &Scenario, block: Block) -> String {
        let Some(mbal) = block.mbal else {
            return "nothing".to_owned();
        };
        let mut text = format!("ballot {}", spelled(scenario, mbal));
        if let Some(vote) = block.vote {
            let value = self.word(vote.inp);
            if Some(vote.bal) == block.mbal {
                text = format!("{text}, vote {value}");
            } else {
                text = format!("{text}, vote {value} of {}", vote.bal.round());
            }
        }
        text
    }

    /// What a fault or a store's or agent's state makes of an operation, if it does.
    fn hindrance(&self, rule: Option<u8>, store: StoreId, agent: AgentId) -> Option<String> {
        if let Some(kind) = self.kind_of(rule) {
            return Some(format!("meets {}", kind.name()));
        }
        match self.service[store.index()] {
            Service::Up => {}
            Service::Out => return Some("the store does not answer".to_owned()),
            Service::Lost => return Some("the store is gone".to_owned()),
        }
        (self.holds(agent)).then(|| "will be held back by the adversary".to_owned())
    }

    fn note_of_read(&self, scenario: &Scenario, op: ReadOp, place: Place) -> String {
        let seat = &self.participants[op.agent.index()];
        if !self.waits_for_read(op) {
            return "its answer means nothing any more".to_owned();
        }
        if let Some(hindrance) = self.hindrance(op.rule, op.store, op.agent) {
            return hindrance;
        }
        let cell = self.system.stores.cell(place);
        if cell.unreadable {
            return "finds something unreadable".to_owned();
        }
        let mut note = format!("sees {}", self.content(scenario, cell.block));
        let reach = cell.block.mbal.max(cell.block.vote.map(|vote| vote.bal));
        let in_phase = matches!(seat.agent.phase(), Phase::One | Phase::Two);
        if in_phase && place.owner != op.agent && reach > seat.agent.block().mbal {
            note.push_str(", which ends its attempt");
        }
        note
    }

    fn note_of_write(&self, write: Write) -> String {
        let seat = &self.participants[write.agent.index()];
        let dead = seat.incarnation != write.incarnation;
        if dead && is_down(seat.status) {
            return "lands, though its agent has crashed".to_owned();
        }
        if dead {
            return "of a start before the last crash".to_owned();
        }
        if let Some(hindrance) = self.hindrance(write.rule, write.store, write.agent) {
            return hindrance;
        }
        let place = Self::place_of(write);
        if let Some(expect) = write.expect
            && self.system.stores.cell(place).applied != expect
        {
            return "is refused: another has written since".to_owned();
        }
        if write.epoch != seat.agent.epoch() {
            return "of an attempt that is over".to_owned();
        }
        let had = match &seat.agent {
            Member::Disk(agent) => agent.written(),
            Member::Record(agent) => agent.complete(),
            Member::Claim(_) | Member::Own(_) => return String::new(),
        };
        let count = (had | write.store.bit()).count_ones();
        let quorum = self.plan.envelope.quorum();
        let verb = if place.owner == RECORD && write.expect.is_some() {
            "taken by"
        } else {
            "written to"
        };
        let plural = if count == 1 { "" } else { "s" };
        format!("{verb} {count} store{plural} then, {quorum} needed")
    }
}

/// A ballot in words: `8 of a1`.
fn spelled(scenario: &Scenario, ballot: Ballot) -> String {
    let owner = scenario.cluster.agents.get(ballot.agent().index());
    let owner = owner.map_or("nobody", |owner| &owner.name);
    format!("{} of {owner}", ballot.round())
}
