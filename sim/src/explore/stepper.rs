//! One step from a state: an operation takes effect, the real agent takes its answer.

use bivalent_core::{
    Agent, AgentId, Ballot, BlockOp, BlockReply, BlockTag, DecreeEvent, DecreeSaid, DecreeTimer,
    Event, Explored, Incarnation, Pause, Phase, Port, SingleDecree, StoreId, Value, Version,
};

use super::{
    InFlight,
    moves::{Act, Move},
    names::Names,
    part::{Image, Op, Part, Renamed, Seat},
    rules::Rules,
    table::{Entry, Fresh, Scratch, Table, hash_of},
};
use crate::protocol::member::Member;

mod mishap;

/// The tables behind a graph's states.
#[derive(Clone, Debug)]
pub(super) struct Tables {
    pub(super) parts: Table<Part>,
    pub(super) images: Table<Image>,
    /// How many agents and stores a state has.
    pub(super) shape: (usize, usize),
}

/// What a decision has broken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Broken {
    /// Two values were decided.
    Agreement {
        /// Who decided first, of those that differ.
        earlier: AgentId,
        /// Its value.
        first: Value,
        /// The new one.
        second: Value,
    },
    /// A value was decided that nobody proposed.
    Validity {
        /// The value.
        value: Value,
    },
}

/// A step's outcome: the next state and what the move was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    pub(super) taken: Move,
    /// The next state; its numbers may be scratch ones.
    pub(super) next: &'a [u32],
    pub(super) broken: Option<Broken>,
}

/// New parts and images of a batch of steps.
#[derive(Debug)]
pub(super) struct NewParts {
    pub(super) parts: Fresh<Part>,
    pub(super) images: Fresh<Image>,
}

/// Takes steps. Reads the tables, keeps what is new beside them.
#[derive(Debug)]
pub(super) struct Stepper<'a> {
    rules: &'a Rules,
    tables: &'a Tables,
    parts: Scratch<'a, Part>,
    images: Scratch<'a, Image>,
    /// The ballots present in the state that is being made.
    present: Vec<Ballot>,
    /// The versions of its stores' records.
    versions: Vec<Version>,
    next: Vec<u32>,
}

/// An agent's part in the middle of a step, and what it said.
struct Acting {
    part: Part,
    /// It waits for its alarm: the pause before its next attempt is no time at all.
    waits: bool,
    decided: Option<Value>,
}

/// The port of an agent in the middle of a step.
struct Door<'a> {
    id: AgentId,
    ops: &'a mut Vec<Op>,
    waits: &'a mut bool,
    decided: &'a mut Option<Value>,
    said: &'a mut Option<Value>,
    /// The ballot that it is given if it asks for one.
    ballot: Option<Ballot>,
    /// Above which ballot it wanted one.
    floor: &'a mut Option<Ballot>,
}

impl Port<Member> for Door<'_> {
    fn ask(&mut self, store: StoreId, tag: BlockTag, _: u8, op: BlockOp) {
        self.ops.push(Op::asked(store, tag, op));
    }

    fn wake(&mut self, timer: DecreeTimer, _: Pause) {
        match timer {
            DecreeTimer::Attempt => *self.waits = true,
            DecreeTimer::Retry(store, tag) => self.ops.push(Op::again(store, tag, self.id)),
        }
    }

    fn draw(&mut self, _: u64) -> u64 {
        unreachable!("agents of one decision draw nothing")
    }

    fn ballot(&mut self, above: Option<Ballot>) -> Option<Ballot> {
        *self.floor = above;
        self.ballot
    }

    fn say(&mut self, said: DecreeSaid) {
        match said {
            DecreeSaid::Decided(value) => {
                *self.decided = Some(value);
                self.said.get_or_insert(value);
            }
            DecreeSaid::Preempted { .. } | DecreeSaid::Recovered { .. } => {}
        }
    }
}

impl Acting {
    const fn new(part: Part) -> Self {
        Self {
            part,
            waits: false,
            decided: None,
        }
    }

    /// Starts an agent that was down.
    fn start(&mut self, rules: &Rules, id: AgentId, incarnation: u16) {
        let Part { seat, ops, said } = &mut self.part;
        let mut door = Door {
            id,
            ops,
            waits: &mut self.waits,
            decided: &mut self.decided,
            said,
            ballot: None,
            floor: &mut None,
        };
        let role = rules.role(id);
        *seat = Seat::Up(Member::start(
            &role,
            Incarnation(incarnation.into()),
            &mut door,
        ));
    }

    /// Above which ballot the agent wants one that waits. Asked by its alarm; none is given, so that it waits on.
    fn floor(&mut self, id: AgentId) -> Option<Ballot> {
        let Part { seat, ops, said } = &mut self.part;
        let mut floor = None;
        if let Seat::Up(agent) = seat {
            let mut door = Door {
                id,
                ops,
                waits: &mut self.waits,
                decided: &mut self.decided,
                said,
                ballot: None,
                floor: &mut floor,
            };
            agent.on(Event::Woke(DecreeTimer::Attempt), &mut door);
        }
        floor
    }

    /// Lets the agent begin its next attempt.
    fn begin(&mut self, rules: &Rules, id: AgentId, ballot: Ballot) {
        self.waits = false;
        self.take(
            rules,
            id,
            DecreeEvent::Woke(DecreeTimer::Attempt),
            Some(ballot),
        );
    }

    /// Tells an agent an event and keeps what it asks for.
    fn feed(&mut self, rules: &Rules, id: AgentId, event: DecreeEvent) {
        self.take(rules, id, event, None);
    }

    fn take(&mut self, rules: &Rules, id: AgentId, event: DecreeEvent, ballot: Option<Ballot>) {
        let Part { seat, ops, said } = &mut self.part;
        let Seat::Up(agent) = seat else {
            return;
        };
        let mut door = Door {
            id,
            ops,
            waits: &mut self.waits,
            decided: &mut self.decided,
            said,
            ballot,
            floor: &mut None,
        };
        agent.on(event.told(), &mut door);
        let drops = rules.in_flight == InFlight::Drop;
        ops.retain(|op| {
            let is_write = matches!(op, Op::Write { .. });
            // Of what is asked for again and again, only the newest is waited for.
            let current = op.epoch() == agent.epoch() && agent.phase() != Phase::Decided;
            (is_write && !drops) || (agent.awaits(op.store(), op.tag()) && (!drops || current))
        });
    }
}

impl<'a> Stepper<'a> {
    pub(super) fn new(rules: &'a Rules, tables: &'a Tables) -> Self {
        Self {
            rules,
            tables,
            parts: Scratch::new(&tables.parts),
            images: Scratch::new(&tables.images),
            present: Vec::new(),
            versions: Vec::new(),
            next: Vec::new(),
        }
    }

    pub(super) fn into_new(self) -> NewParts {
        NewParts {
            parts: self.parts.into_fresh(),
            images: self.images.into_fresh(),
        }
    }

    /// Takes every step there is from a state, in a fixed order.
    pub(super) fn all(&mut self, state: &[u32], take: &mut impl FnMut(Step<'_>)) {
        let tables = self.tables;
        for index in 0..self.rules.agents {
            let id = AgentId(index as u16);
            let part = &tables.parts.get(state[index]).part;
            for (number, op) in part.ops.iter().enumerate() {
                self.operation(state, id, part, number, *op, take);
                if self.rules.tears && matches!(op, Op::Write { .. }) {
                    self.tear(state, id, op.store(), take);
                }
            }
            self.crash_or_restart(state, id, part, take);
        }
    }

    fn image(&self, state: &[u32], store: StoreId) -> &'a Entry<Image> {
        let at = self.rules.agents + store.index();
        self.tables.images.get(state[at])
    }

    fn operation(
        &mut self,
        state: &[u32],
        id: AgentId,
        part: &Part,
        number: usize,
        op: Op,
        take: &mut impl FnMut(Step<'_>),
    ) {
        let store = op.store();
        let image = self.image(state, store);
        let mut acting = Acting::new(part.clone());
        acting.part.ops.remove(number);
        let (mut written, act) = (None, op.act());
        let reply = match op {
            Op::Write { expect, block, .. } => {
                let mut after = image.part.clone();
                if let Some(expect) = expect {
                    if expect == after.version {
                        after.blocks[0] = Some(block);
                        after.version = expect.next(Incarnation(0));
                        written = Some((store, after));
                    }
                } else {
                    after.blocks[id.index()] = Some(block);
                    written = Some((store, after));
                }
                if written.is_some() {
                    BlockReply::Written
                } else {
                    BlockReply::Refused
                }
            }
            Op::Read { owner, .. } => match image.part.blocks[usize::from(owner)] {
                Some(block) => BlockReply::Block {
                    block,
                    version: image.part.version,
                },
                None => BlockReply::Unreadable,
            },
        };
        let answer = DecreeEvent::Replied(store, op.tag(), reply);
        let current = part.agent().map(Member::epoch);
        let taken = Move {
            agent: id,
            store,
            act,
            gap: None,
            top: false,
            earlier: current != Some(op.epoch()),
        };
        if reply == BlockReply::Unreadable {
            // Asked again, and answered the same until the block is whole: not a step, unless a
            // broken agent makes it one.
            let before = acting.part.seat.clone();
            acting.feed(self.rules, id, answer);
            if acting.part.seat == before {
                return;
            }
        } else {
            acting.feed(self.rules, id, answer);
        }
        self.finish(state, taken, acting, written.as_ref(), take);
    }

    /// Lets the agent begin its next attempt if it waits for one, with every ballot there can be, and ends the step.
    fn finish(
        &mut self,
        state: &[u32],
        taken: Move,
        mut acting: Acting,
        written: Option<&(StoreId, Image)>,
        take: &mut impl FnMut(Step<'_>),
    ) {
        if !acting.waits {
            self.settle(state, taken, acting, written, take);
            return;
        }
        let floor = acting.floor(taken.agent);
        let Acting { part, decided, .. } = acting;
        let Seat::Up(agent) = &part.seat else {
            unreachable!("only an agent that is up waits");
        };
        let (id, incarnation) = (taken.agent, agent.incarnation());
        let rules = self.rules;
        let start = |ballot: Option<Ballot>| {
            let mut acting = Acting::new(part.clone());
            acting.decided = decided;
            match ballot {
                Some(ballot) => acting.begin(rules, id, ballot),
                None => acting.part.seat = Seat::Stopped,
            }
            acting
        };
        if let Some(own) = self.rules.ballots {
            let ballot = self.rules.next_own(own, id, incarnation, floor);
            let acting = start(ballot);
            self.settle(state, taken, acting, written, take);
            return;
        }
        let gaps = self.gaps(state, id, &part, written, floor, incarnation);
        let starts: Vec<Acting> = gaps.into_iter().map(|ballot| start(Some(ballot))).collect();
        let count = starts.len();
        for (number, acting) in starts.into_iter().enumerate() {
            let (gap, top) = (Some(number as u8), number + 1 == count);
            let taken = Move { gap, top, ..taken };
            self.settle(state, taken, acting, written, take);
        }
    }

    /// A ballot for every gap above `floor` between the ballots present, the last one above them all.
    fn gaps(
        &mut self,
        state: &[u32],
        id: AgentId,
        part: &Part,
        written: Option<&(StoreId, Image)>,
        floor: Option<Ballot>,
        incarnation: Incarnation,
    ) -> Vec<Ballot> {
        self.collect_present(state, id, part, written);
        let mut lower = vec![floor];
        let higher = self.present.iter().filter(|&&b| Some(b) > floor);
        lower.extend(higher.map(|&ballot| Some(ballot)));
        // Ranks are two rounds apart: there is one round between two of them.
        lower
            .into_iter()
            .map(|below| Ballot::new(below.map_or(0, Ballot::round) + 1, id, incarnation))
            .collect()
    }

    /// The ballots of the state after the step, sorted.
    fn collect_present(
        &mut self,
        state: &[u32],
        id: AgentId,
        part: &Part,
        written: Option<&(StoreId, Image)>,
    ) {
        let present = &mut self.present;
        present.clear();
        let tables = self.tables;
        let (agents, stores) = state.split_at(self.rules.agents);
        for (index, &number) in agents.iter().enumerate() {
            if index != id.index() {
                present.extend_from_slice(&tables.parts.get(number).ballots);
            }
        }
        part.each_ballot(&mut |ballot| present.push(ballot));
        for (index, &number) in stores.iter().take(self.rules.stores).enumerate() {
            match written {
                Some((store, image)) if store.index() == index => {
                    image.each_ballot(&mut |ballot| present.push(ballot));
                }
                _ => present.extend_from_slice(&tables.images.get(number).ballots),
            }
        }
        present.sort_unstable();
        present.dedup();
    }

    /// Puts the next state together, in canonical names.
    fn settle(
        &mut self,
        state: &[u32],
        taken: Move,
        acting: Acting,
        written: Option<&(StoreId, Image)>,
        take: &mut impl FnMut(Step<'_>),
    ) {
        let Acting { part, decided, .. } = acting;
        let id = taken.agent;
        let broken = decided.and_then(|value| self.judge(state, id, &part, value));
        let ranked = self.rules.ballots.is_none();
        if ranked {
            self.collect_present(state, id, &part, written);
        }
        let records = self.rules.has_records();
        if records {
            self.versions.clear();
            for index in 0..self.rules.stores {
                let before = &self
                    .tables
                    .images
                    .get(state[self.rules.agents + index])
                    .part;
                let now = written.filter(|(store, _)| store.index() == index);
                self.versions
                    .push(now.map_or(before.version, |(_, image)| image.version));
            }
        }
        let names = Names {
            ranks: ranked.then_some(&self.present[..]),
            records: records.then_some(&self.versions[..]),
        };
        // What others know of a record that was written has passed.
        let passed = records && written.is_some();
        self.next.clear();
        self.next.extend_from_slice(state);
        for (index, &before) in state[..self.rules.agents].iter().enumerate() {
            if index == id.index() {
                self.next[index] = self.parts.number(part.renamed(&names));
            } else {
                let entry = self.tables.parts.get(before);
                if passed || !names.keep(&entry.ballots) {
                    self.next[index] = self.parts.number(entry.part.renamed(&names));
                }
            }
        }
        for index in 0..self.rules.stores {
            let at = self.rules.agents + index;
            match written {
                Some((store, image)) if store.index() == index => {
                    self.next[at] = self.images.number(image.renamed(&names));
                }
                _ => {
                    let entry = self.tables.images.get(state[at]);
                    if !names.keep(&entry.ballots) {
                        self.next[at] = self.images.number(entry.part.renamed(&names));
                    }
                }
            }
        }
        if taken.act == Act::Crash {
            self.next[self.rules.agents + self.rules.stores] += 1;
        }
        if !self.rules.places.is_empty() {
            self.change_places();
        }
        take(Step {
            taken,
            next: &self.next,
            broken,
        });
    }

    /// Of all states that differ from the next one in who is who only, keeps the one with the least hashes.
    fn change_places(&mut self) {
        let rules = self.rules;
        let (agents, stores) = (rules.agents, rules.stores);
        let part = |at: usize| self.parts.part(self.next[at]);
        let image = |at: usize| self.images.part(self.next[agents + at]);
        let as_it_is = (0..agents).map(|at| hash_of(part(at)));
        let mut least: Vec<u64> = as_it_is
            .chain((0..stores).map(|at| hash_of(image(at))))
            .collect();
        let mut best: Option<(Vec<Part>, Vec<Image>)> = None;
        for places in &rules.places {
            let parts: Vec<Part> = (0..agents)
                .map(|at| part(places.from(at)).renamed(places))
                .collect();
            let images: Vec<Image> = (0..stores).map(|at| image(at).renamed(places)).collect();
            let hashes = parts.iter().map(hash_of);
            let hashes: Vec<u64> = hashes.chain(images.iter().map(hash_of)).collect();
            if hashes < least {
                least = hashes;
                best = Some((parts, images));
            }
        }
        let Some((parts, images)) = best else {
            return;
        };
        for (at, part) in parts.into_iter().enumerate() {
            self.next[at] = self.parts.number(part);
        }
        for (at, image) in images.into_iter().enumerate() {
            self.next[agents + at] = self.images.number(image);
        }
    }

    fn judge(&self, state: &[u32], id: AgentId, part: &Part, value: Value) -> Option<Broken> {
        if !self.rules.inputs.contains(&value) {
            return Some(Broken::Validity { value });
        }
        let others = (0..self.rules.agents).filter(|&index| index != id.index());
        let mut earlier = others.filter_map(|index| {
            let said = self.tables.parts.get(state[index]).part.said?;
            Some((AgentId(index as u16), said))
        });
        // `said` keeps the first word of all incarnations: a changed mind is a disagreement too.
        let own = part.said.map(|said| (id, said));
        let (earlier, first) = earlier
            .find(|&(_, said)| said != value)
            .or(own.filter(|&(_, said)| said != value))?;
        Some(Broken::Agreement {
            earlier,
            first,
            second: value,
        })
    }
}
