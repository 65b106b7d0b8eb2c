//! Leading: phase 1 is kept for all later slots; votes, the reads that decide them, and queries.

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    vec::Vec,
};

use super::{
    Bug, Replica, Role,
    desk::{Doing, Errand},
    survey::Survey,
};
use crate::{
    Ballot, Batch, Entry, HeadRead, LogOp, LogSaid, MAX_STORES, Outcome, Port, Request, Slot,
    SlotVote, Snapshot, SnapshotName, Spread, StateMachine, StoreId, Ticket,
};

/// What a leader has in hand.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Leading<M: StateMachine> {
    ballot: Ballot,
    /// Slots voted for and not decided.
    flights: BTreeMap<Slot, Flight<M>>,
    /// The next slot of its own.
    next: Slot,
    /// Slots below may have been decided by others; from here on only it can.
    established: Slot,
    queue: VecDeque<Entry<M>>,
    /// Requests of others that were taken up, while their heads list them.
    seen: BTreeSet<Ticket>,
    queries: Vec<Waiting<M>>,
    /// The one read of heads that is out on each store.
    reading: [Option<u64>; MAX_STORES],
    /// Stores it sends to.
    active: u16,
    /// The snapshot on its way to the stores.
    cut: Option<Cut<M>>,
}

/// Where a slot's vote has got to, as sets of stores.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Flight<M: StateMachine> {
    batch: Batch<M>,
    written: u16,
    /// A read of heads is out that was asked for after the vote was written.
    reading: u16,
    /// Such a read found no higher ballot.
    complete: u16,
}

/// A query that waits until it is certain that nobody else leads.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Waiting<M: StateMachine> {
    ticket: Ticket,
    query: M::Query,
    /// What was decided when it was asked; at least that must be applied.
    index: Slot,
    reading: u16,
    complete: u16,
}

/// A snapshot on its way.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Cut<M: StateMachine> {
    name: SnapshotName,
    snapshot: Arc<Snapshot<M>>,
    written: u16,
}

impl<M: StateMachine> Replica<M> {
    /// Phase 1 is over on a quorum: proposes again what others may have decided, and fills gaps.
    pub(super) fn lead(
        &mut self,
        ballot: Ballot,
        mut survey: Survey<M>,
        port: &mut impl Port<Self>,
    ) {
        let applied = self.state.applied;
        let skips = u64::from(self.has(Bug::SkipsHighestVote));
        let top = survey.votes.keys().next_back().map(|slot| slot.next());
        let top = applied.max(Slot(top.map_or(0, |slot| slot.0 - skips)));
        if applied < survey.decided || (self.known_decided > top && skips == 0) {
            // Something that was decided is nowhere to be found: more stores have forgotten than
            // the envelope bears. Better no leader than one who decides it anew.
            self.step_down(None, port);
            return;
        }
        let active = match self.config.spread {
            Spread::All => self.config.all_stores(),
            Spread::Quorum => self.config.all_stores() >> self.config.base.envelope.silent(),
        };
        self.role = Role::Leading(alloc::boxed::Box::new(Leading {
            ballot,
            flights: BTreeMap::new(),
            next: top,
            established: top,
            queue: VecDeque::new(),
            seen: BTreeSet::new(),
            queries: Vec::new(),
            reading: [None; MAX_STORES],
            active,
            cut: None,
        }));
        self.voted = true;
        port.say(LogSaid::Leads { ballot, from: top });
        let mut slot = applied;
        while slot < top {
            let found = survey.votes.remove(&slot);
            let old = found.as_ref().filter(|_| self.has(Bug::KeepsOldBallot));
            let under = old.map_or(ballot, |vote| vote.bal);
            let batch = found.map_or_else(|| Arc::from([]), |vote| vote.batch);
            self.vote(slot, under, batch, port);
            slot = slot.next();
        }
        let own: Vec<_> = self
            .requests
            .iter()
            .map(|(&ticket, request)| (ticket, request.clone()))
            .collect();
        for (ticket, request) in own {
            self.take_up(ticket, request);
        }
        self.collect();
        self.pump(port);
        self.look_everywhere(port);
    }

    /// The stores to send to.
    pub(super) const fn targets(&self) -> u16 {
        match &self.role {
            Role::Leading(lead) => lead.active,
            Role::Recovering(_) | Role::Following { .. } | Role::Standing { .. } => {
                self.config.all_stores()
            }
        }
    }

    /// Puts an own request in its queue.
    pub(super) fn take_up(&mut self, ticket: Ticket, request: Request<M>) {
        let index = self.state.applied.max(self.known_decided);
        let Role::Leading(lead) = &mut self.role else {
            return;
        };
        if let Request::Query(query) = request {
            lead.queries.push(Waiting {
                ticket,
                query,
                index: index.max(lead.established),
                reading: 0,
                complete: 0,
            });
        } else {
            lead.queue.push_back(Entry { ticket, request });
        }
    }

    /// Takes up what other agents' heads ask for.
    fn collect(&mut self) {
        let Role::Leading(lead) = &mut self.role else {
            return;
        };
        for read in self.known.iter().flatten() {
            for entry in read.head.requests.iter() {
                if lead.seen.insert(entry.ticket) {
                    lead.queue.push_back(entry.clone());
                }
            }
        }
        // What its owner no longer asks for is not asked for again.
        let known = &self.known;
        lead.seen.retain(|ticket| {
            let head = known[ticket.agent.index()].as_ref();
            head.is_some_and(|read| {
                read.head
                    .requests
                    .iter()
                    .any(|entry| entry.ticket == *ticket)
            })
        });
    }

    /// Votes for as many slots as may be open at a time.
    pub(super) fn pump(&mut self, port: &mut impl Port<Self>) {
        loop {
            let (most, window) = (self.config.batch, self.config.window);
            let Role::Leading(lead) = &mut self.role else {
                return;
            };
            if lead.queue.is_empty() || lead.flights.len() >= usize::from(window) {
                return;
            }
            let count = lead.queue.len().min(usize::from(most));
            let batch: Batch<M> = lead.queue.drain(..count).collect();
            let slot = lead.next;
            lead.next = slot.next();
            let ballot = lead.ballot;
            self.vote(slot, ballot, batch, port);
        }
    }

    fn vote(&mut self, slot: Slot, under: Ballot, batch: Batch<M>, port: &mut impl Port<Self>) {
        let Role::Leading(lead) = &mut self.role else {
            return;
        };
        let bal = lead.ballot;
        for store in self.config.base.stores() {
            if lead.active & store.bit() != 0 {
                let vote = SlotVote {
                    slot,
                    bal: under,
                    batch: Arc::clone(&batch),
                };
                let errand = Errand::new(store, Doing::Vote { slot, bal });
                self.desk.ask(errand, LogOp::WriteVote(vote), port);
            }
        }
        let flight = Flight {
            batch,
            written: 0,
            reading: 0,
            complete: 0,
        };
        lead.flights.insert(slot, flight);
    }

    pub(super) fn on_voted(
        &mut self,
        store: StoreId,
        slot: Slot,
        bal: Ballot,
        port: &mut impl Port<Self>,
    ) {
        let alone = self.config.is_alone();
        let Role::Leading(lead) = &mut self.role else {
            return;
        };
        let Some(flight) = lead.flights.get_mut(&slot).filter(|_| lead.ballot == bal) else {
            return;
        };
        flight.written |= store.bit();
        if alone {
            // Nobody else has a promise to be read.
            flight.complete |= store.bit();
            self.settle(port);
        } else {
            self.look(store, port);
        }
    }

    /// Reads the heads of a store for all that waits for it there, one read at a time. What is
    /// written or asked after this read was asked for has to wait for the next.
    fn look(&mut self, store: StoreId, port: &mut impl Port<Self>) {
        let Role::Leading(lead) = &mut self.role else {
            return;
        };
        let bit = store.bit();
        if lead.reading[store.index()].is_some() || lead.active & bit == 0 {
            return;
        }
        let mut wanted = false;
        for flight in lead.flights.values_mut() {
            let fresh = flight.written & !flight.complete & bit;
            flight.reading |= fresh;
            wanted |= fresh != 0;
        }
        for query in &mut lead.queries {
            let fresh = !query.complete & bit;
            query.reading |= fresh;
            wanted |= fresh != 0;
        }
        if wanted {
            self.read_heads(store, 0, port);
        }
    }

    fn read_heads(&mut self, store: StoreId, tries: u8, port: &mut impl Port<Self>) {
        let errand = Errand {
            store,
            doing: Doing::Heads,
            tries,
        };
        let tag = self.desk.ask(errand, LogOp::ReadHeads, port);
        if let Role::Leading(lead) = &mut self.role {
            lead.reading[store.index()] = Some(tag);
        }
    }

    pub(super) fn look_everywhere(&mut self, port: &mut impl Port<Self>) {
        if self.config.is_alone() {
            self.settle(port);
            return;
        }
        for store in self.config.base.stores() {
            self.look(store, port);
        }
        self.answer_queries(port);
    }

    /// Says that it lives, and looks for requests where nothing else makes it look.
    pub(super) fn beat(&mut self, port: &mut impl Port<Self>) {
        if self.config.is_alone() {
            return;
        }
        self.beat += 1;
        self.write_head(port);
        for store in self.config.base.stores() {
            let Role::Leading(lead) = &self.role else {
                return;
            };
            if lead.reading[store.index()].is_none() && lead.active & store.bit() != 0 {
                self.read_heads(store, 0, port);
            }
        }
    }

    /// Heads were read while leading.
    pub(super) fn check_promises(
        &mut self,
        store: StoreId,
        tag: u64,
        heads: &[HeadRead<M>],
        port: &mut impl Port<Self>,
    ) {
        let rival = self.rival(heads);
        let early = self.has(Bug::CountsEarlyRead);
        let Role::Leading(lead) = &mut self.role else {
            return;
        };
        if rival > Some(lead.ballot) {
            #[cfg(feature = "planted-bugs")]
            if lead.flights.values().any(|flight| flight.complete != 0) {
                crate::bug::stumble(&self.config.base);
            }
            self.step_down(rival, port);
            return;
        }
        if lead.reading[store.index()] == Some(tag) {
            lead.reading[store.index()] = None;
            let bit = store.bit();
            for flight in lead.flights.values_mut() {
                let read = if early {
                    flight.written
                } else {
                    flight.reading
                };
                flight.complete |= read & bit;
                flight.reading &= !bit;
            }
            for query in &mut lead.queries {
                query.complete |= query.reading & bit;
                query.reading &= !bit;
            }
        }
        self.settle(port);
        self.collect();
        self.pump(port);
        self.look(store, port);
    }

    /// A read of heads has had no answer for long.
    pub(super) fn on_heads_late(&mut self, tag: u64, errand: Errand, port: &mut impl Port<Self>) {
        let Role::Leading(lead) = &mut self.role else {
            return;
        };
        let store = errand.store;
        if lead.reading[store.index()] != Some(tag) {
            return;
        }
        self.widen(port);
        self.read_heads(store, errand.again().tries, port);
        // The new read was asked for later than everything that the old one was to count for.
    }

    /// A vote has had no answer for long.
    pub(super) fn on_vote_late(
        &mut self,
        errand: Errand,
        slot: Slot,
        bal: Ballot,
        port: &mut impl Port<Self>,
    ) {
        let Role::Leading(lead) = &self.role else {
            return;
        };
        let flight = lead.flights.get(&slot).filter(|_| lead.ballot == bal);
        let Some(flight) = flight.filter(|flight| flight.written & errand.store.bit() == 0) else {
            return;
        };
        let batch = Arc::clone(&flight.batch);
        self.desk.ask(
            errand.again(),
            LogOp::WriteVote(SlotVote { slot, bal, batch }),
            port,
        );
        self.widen(port);
    }

    /// Some store is silent: sends to all of them from now on.
    fn widen(&mut self, port: &mut impl Port<Self>) {
        let all = self.config.all_stores();
        let Role::Leading(lead) = &mut self.role else {
            return;
        };
        let new = all & !lead.active;
        if new == 0 {
            return;
        }
        lead.active = all;
        let bal = lead.ballot;
        for store in self.config.base.stores() {
            if new & store.bit() == 0 {
                continue;
            }
            for (&slot, flight) in &lead.flights {
                let batch = Arc::clone(&flight.batch);
                let errand = Errand::new(store, Doing::Vote { slot, bal });
                let op = LogOp::WriteVote(SlotVote { slot, bal, batch });
                self.desk.ask(errand, op, port);
            }
        }
        self.look_everywhere(port);
    }

    /// Decides what is complete on a quorum, and answers queries that are certain.
    fn settle(&mut self, port: &mut impl Port<Self>) {
        let quorum = u32::from(self.config.base.envelope.quorum());
        loop {
            let Role::Leading(lead) = &mut self.role else {
                return;
            };
            let decided = lead
                .flights
                .iter()
                .find(|(_, flight)| flight.complete.count_ones() >= quorum)
                .map(|(&slot, _)| slot);
            let Some(slot) = decided else { break };
            if let Some(flight) = lead.flights.remove(&slot) {
                self.choose(slot, flight.batch, port);
            }
        }
        let before = self.state.applied;
        let foreign = self.apply_chosen(port);
        if foreign && !self.config.is_alone() {
            // Others wait for it.
            self.publish(port);
        }
        self.answer_queries(port);
        if self.state.applied > before {
            self.cut(port);
            self.pump(port);
        }
    }

    fn answer_queries(&mut self, port: &mut impl Port<Self>) {
        let quorum = u32::from(self.config.base.envelope.quorum());
        let certain = self.config.is_alone() || self.has(Bug::ReadsUnchecked);
        let Role::Leading(lead) = &mut self.role else {
            return;
        };
        let (state, requests) = (&self.state, &mut self.requests);
        lead.queries.retain(|waiting| {
            let sure = certain || waiting.complete.count_ones() >= quorum;
            if !sure || state.applied < waiting.index {
                return true;
            }
            if requests.remove(&waiting.ticket).is_some() {
                port.say(LogSaid::Answer {
                    ticket: waiting.ticket,
                    outcome: Outcome::Answer(state.machine.query(&waiting.query)),
                });
            }
            false
        });
    }

    /// Takes a snapshot when it is time.
    fn cut(&mut self, port: &mut impl Port<Self>) {
        let floor = self.floor.map_or(0, |name| name.slot.0);
        let due = self.state.applied.0 >= floor.saturating_add(self.config.snapshot_every);
        let base = self.config.base;
        let Role::Leading(lead) = &mut self.role else {
            return;
        };
        if !due || lead.cut.is_some() {
            return;
        }
        let name = SnapshotName {
            slot: self.state.applied,
            agent: base.me,
            incarnation: self.incarnation,
        };
        let snapshot = Arc::new(self.state.snapshot(self.met.max(self.mbal)));
        for store in base.stores() {
            if lead.active & store.bit() != 0 {
                let snapshot = Arc::clone(&snapshot);
                let errand = Errand::new(store, Doing::Snapshot { name });
                self.desk
                    .ask(errand, LogOp::WriteSnapshot { name, snapshot }, port);
            }
        }
        lead.cut = Some(Cut {
            name,
            snapshot,
            written: 0,
        });
    }

    pub(super) fn on_snapshot_written(
        &mut self,
        store: StoreId,
        name: SnapshotName,
        port: &mut impl Port<Self>,
    ) {
        let quorum = if self.has(Bug::DropsEarly) {
            1
        } else {
            u32::from(self.config.base.envelope.quorum())
        };
        let Role::Leading(lead) = &mut self.role else {
            return;
        };
        let Some(cut) = lead.cut.as_mut().filter(|cut| cut.name == name) else {
            return;
        };
        cut.written |= store.bit();
        if cut.written.count_ones() >= quorum {
            lead.cut = None;
            if Some(name) > self.floor {
                self.floor = Some(name);
                self.raise_floor(port);
            }
        }
    }

    /// A snapshot's write has had no answer for long.
    pub(super) fn on_snapshot_late(
        &mut self,
        errand: Errand,
        name: SnapshotName,
        port: &mut impl Port<Self>,
    ) {
        let Role::Leading(lead) = &self.role else {
            return;
        };
        if let Some(cut) = lead.cut.as_ref().filter(|cut| cut.name == name) {
            let snapshot = Arc::clone(&cut.snapshot);
            let written = cut.written & errand.store.bit() != 0;
            if !written {
                self.desk.ask(
                    errand.again(),
                    LogOp::WriteSnapshot { name, snapshot },
                    port,
                );
                self.widen(port);
            }
        }
    }

    /// Somebody else has a higher ballot, or the stores are beyond help.
    pub(super) fn step_down(&mut self, above: Option<Ballot>, port: &mut impl Port<Self>) {
        self.met = self.met.max(above);
        self.role = Role::Following { learning: None };
        self.watch.wait();
        self.desk.keep(|doing| matches!(doing, Doing::Head { .. }));
        port.say(LogSaid::Follows { above });
        if !self.requests.is_empty() {
            self.publish(port);
        }
    }

    /// Whether a vote is still waited for.
    pub(super) fn wants_vote(&self, slot: Slot, bal: Ballot) -> bool {
        match &self.role {
            Role::Leading(lead) => lead.ballot == bal && lead.flights.contains_key(&slot),
            Role::Recovering(_) | Role::Following { .. } | Role::Standing { .. } => false,
        }
    }
}
