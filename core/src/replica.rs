//! A replicated state machine: a log of decisions over Disk Paxos, with a leader that keeps phase 1.
//!
//! Gafni and Lamport 2003 decide one value; here every slot of a log is decided so, and phase 1 is
//! run once for all slots to come. An agent's block is split: its promise is the head, its votes
//! have keys of their own. A promise is written before votes are read and a vote before promises are
//! read, so that of two rivals one meets the other, as in the paper (section 3, the flag principle).

mod config;
mod desk;
mod head;
mod lead;
mod message;
mod state;
mod survey;

use alloc::{boxed::Box, collections::BTreeMap, sync::Arc, vec, vec::Vec};

#[cfg(feature = "planted-bugs")]
use crate::bug::{Bug, has};
#[cfg(not(feature = "planted-bugs"))]
use crate::no_bug::{Bug, has};
use crate::{
    AgentId, Ballot, Batch, Head, HeadRead, Incarnation, Request, SessionId, Slot, SnapshotName,
    StateMachine, StoreId, Ticket, heartbeat::Watch,
};

use desk::{Desk, Doing, Errand};
use head::{OwnHead, Trim};
use lead::Leading;
use state::State;
use survey::Survey;

pub use config::{ReplicaConfig, Spread};
pub use message::{Ask, LogOp, LogReply, LogSaid, ReplicaEffect, ReplicaSink, Timer, Told};

/// One replica of a state machine.
///
/// It owns no clock, no dice and no wire: it asks for operations on stores and for alarms, and is
/// told what came of them. Its driver calls [`Replica::told`] for an answer, [`Replica::timed_out`]
/// when there was none for long, [`Replica::woke`] for an alarm, and [`Replica::submit`] for a client.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Replica<M: StateMachine> {
    config: ReplicaConfig,
    role: Role<M>,
    state: State<M>,
    /// Decided and not applied, because a slot before it is open.
    chosen: BTreeMap<Slot, Batch<M>>,
    /// The greatest ballot it started.
    mbal: Option<Ballot>,
    /// The greatest ballot it met.
    met: Option<Ballot>,
    beat: u64,
    /// The newest snapshot that it vouches for.
    floor: Option<SnapshotName>,
    head: OwnHead,
    /// What its newest head says.
    newest: Option<Arc<Head<M>>>,
    /// How many requests its newest head lists.
    listed: usize,
    trim: Option<Trim>,
    /// It may have votes on the stores.
    voted: bool,
    /// The newest head of every other agent.
    known: Vec<Option<HeadRead<M>>>,
    /// Every slot below is decided, somebody says.
    known_decided: Slot,
    /// What was asked for here and is not answered.
    requests: BTreeMap<Ticket, Request<M>>,
    tickets: u64,
    desk: Desk,
    surveys: u64,
    watch: Watch,
    /// It waits for its turn to stand.
    rising: bool,
    looks: u64,
}

/// What a replica is at.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Role<M: StateMachine> {
    /// It was restarted and reads what it may have promised.
    Recovering(Survey<M>),
    /// Somebody else leads, or nobody.
    Following {
        /// What it reads to catch up.
        learning: Option<Survey<M>>,
    },
    /// Phase 1.
    Standing {
        ballot: Ballot,
        /// The own head that says so.
        count: u64,
        survey: Survey<M>,
    },
    /// Phase 2, slot by slot.
    Leading(Box<Leading<M>>),
}

/// What a replica is at, as others may see it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Standing {
    /// Restarted; reads what it may have promised.
    Recovering,
    /// Somebody else leads, or nobody.
    Following,
    /// In phase 1.
    Standing,
    /// In phase 2, slot by slot.
    Leading,
}

impl<M: StateMachine> Replica<M> {
    /// A replica that has never run before, with the machine's first state: the same for all.
    pub fn start(config: ReplicaConfig, machine: M, out: &mut impl ReplicaSink<M>) -> Self {
        let mut replica = Self::fresh(config, machine);
        replica.wake_up(out);
        if config.is_alone() {
            replica.stand(out);
        }
        replica
    }

    /// A replica that ran before, or may have: it has forgotten everything and reads it off the
    /// stores. `config` carries its new incarnation, `machine` is the machine's first state.
    pub fn recover(config: ReplicaConfig, machine: M, out: &mut impl ReplicaSink<M>) -> Self {
        let mut replica = Self::fresh(config, machine);
        replica.voted = true;
        replica.wake_up(out);
        let survey = replica.new_survey(Slot(0));
        replica.role = Role::Recovering(survey);
        replica.scan_all(out);
        replica
    }

    fn fresh(config: ReplicaConfig, machine: M) -> Self {
        Self {
            config,
            role: Role::Following { learning: None },
            state: State::new(machine),
            chosen: BTreeMap::new(),
            mbal: None,
            met: None,
            beat: 0,
            floor: None,
            head: OwnHead::default(),
            newest: None,
            listed: 0,
            trim: None,
            voted: false,
            known: vec![None; usize::from(config.base.agents)],
            known_decided: Slot(0),
            requests: BTreeMap::new(),
            tickets: 0,
            desk: Desk::default(),
            surveys: 0,
            watch: Watch::default(),
            rising: false,
            looks: 0,
        }
    }

    fn wake_up(&self, out: &mut impl ReplicaSink<M>) {
        let every = self.config.heartbeat.every;
        out.push(ReplicaEffect::Wake {
            timer: Timer::Tick,
            min: every,
            max: every,
        });
    }

    /// Takes a client's request; [`ReplicaEffect::Answer`] will name the same ticket. A request that
    /// gets no answer here may still be carried out: ask again, anywhere, under the same session and
    /// number.
    pub fn submit(&mut self, request: Request<M>, out: &mut impl ReplicaSink<M>) -> Ticket {
        let ticket = Ticket {
            agent: self.config.base.me,
            incarnation: self.config.base.incarnation,
            number: self.tickets,
        };
        self.tickets += 1;
        self.requests.insert(ticket, request.clone());
        if matches!(self.role, Role::Leading(_)) {
            self.take_up(ticket, request);
            self.pump(out);
            self.look_everywhere(out);
        } else if !self.config.is_alone() {
            self.publish(out);
        }
        ticket
    }

    /// The client has given up waiting: nobody needs an answer here any more.
    pub fn withdraw(&mut self, ticket: Ticket) {
        self.requests.remove(&ticket);
    }

    /// Answers a query from what is applied here, at once and at no cost: possibly an old answer.
    pub fn query_stale(&self, query: &M::Query) -> M::Answer {
        self.state.machine.query(query)
    }

    /// An operation was answered. One that is not waited for changes nothing.
    pub fn told(
        &mut self,
        op: u64,
        store: StoreId,
        told: Told<'_, M>,
        out: &mut impl ReplicaSink<M>,
    ) {
        let Some(errand) = self.desk.end(op, store) else {
            if let Told::Heads(heads) = told {
                // Too late to count for anything, but what it says is true.
                self.note_heads(heads, out);
            }
            return;
        };
        match (errand.doing, told) {
            (Doing::Head { count }, Told::Wrote) => self.on_head_written(store, count, out),
            (Doing::Vote { slot, bal }, Told::Wrote) => self.on_voted(store, slot, bal, out),
            (Doing::Snapshot { name }, Told::Wrote) => self.on_snapshot_written(store, name, out),
            (Doing::Heads, Told::Heads(heads)) => {
                self.note_heads(heads, out);
                self.check_promises(store, op, heads, out);
            }
            (Doing::Scan { survey }, Told::Scanned { votes, heads }) => {
                self.on_scanned(store, survey, votes, heads, out);
            }
            (Doing::Fetch { name }, Told::Snapshot(found)) => {
                self.on_fetched(store, name, found, out);
            }
            // The answer is not one to what was asked: as if there were none.
            (
                Doing::Head { .. }
                | Doing::Vote { .. }
                | Doing::Snapshot { .. }
                | Doing::Drop
                | Doing::Heads
                | Doing::Scan { .. }
                | Doing::Fetch { .. },
                _,
            ) => {}
        }
    }

    /// An operation has had no answer for as long as the driver waits. Its fate is unknown.
    pub fn timed_out(&mut self, op: u64, out: &mut impl ReplicaSink<M>) {
        let Some(errand) = self.desk.late(op) else {
            return;
        };
        match errand.doing {
            Doing::Head { count } => self.on_head_late(errand, count, out),
            Doing::Vote { slot, bal } => self.on_vote_late(errand, slot, bal, out),
            Doing::Snapshot { name } => self.on_snapshot_late(errand, name, out),
            Doing::Drop => {}
            Doing::Heads => self.on_heads_late(op, errand, out),
            Doing::Scan { survey } => {
                if self.wants_scan(survey) {
                    self.scan(errand.store, errand.again().attempt, out);
                }
            }
            Doing::Fetch { name } => self.on_fetched(errand.store, name, None, out),
        }
    }

    /// An alarm went off.
    pub fn woke(&mut self, timer: Timer, out: &mut impl ReplicaSink<M>) {
        match timer {
            Timer::Tick => self.tick(out),
            Timer::Stand => {
                self.rising = false;
                let silent = self.watch.is_silent(self.config.patience());
                if silent && matches!(self.role, Role::Following { learning: None }) {
                    self.stand(out);
                }
            }
        }
    }

    fn tick(&mut self, out: &mut impl ReplicaSink<M>) {
        self.wake_up(out);
        self.tidy();
        match &self.role {
            Role::Leading(_) => self.beat(out),
            Role::Following { learning } => {
                let idle = learning.is_none();
                if self.config.is_alone() {
                    self.stand(out);
                    return;
                }
                if idle && self.known_decided > self.state.applied {
                    self.learn(out);
                }
                let silent = self.watch.look(self.config.patience());
                self.look_at_one(out);
                if silent && !self.rising && self.known_decided <= self.state.applied {
                    self.rising = true;
                    out.push(ReplicaEffect::Wake {
                        timer: Timer::Stand,
                        min: 0,
                        max: self.config.heartbeat.spread,
                    });
                }
                if self.head.stale || self.listed != self.requests.len() {
                    self.publish(out);
                }
            }
            Role::Recovering(_) | Role::Standing { .. } => {}
        }
    }

    /// Reads the heads of one store, another one each time.
    fn look_at_one(&mut self, out: &mut impl ReplicaSink<M>) {
        let stores = u64::from(self.config.base.envelope.stores());
        let store = StoreId(((self.looks + u64::from(self.config.base.me.0)) % stores) as u8);
        self.looks += 1;
        let errand = Errand::new(store, Doing::Heads);
        self.desk.ask(errand, Ask::ReadHeads, out);
    }

    fn tidy(&mut self) {
        let mut desk = core::mem::take(&mut self.desk);
        desk.keep(|doing| match doing {
            Doing::Head { count } => count == self.head.count,
            Doing::Vote { slot, bal } => self.wants_vote(slot, bal),
            Doing::Snapshot { .. }
            | Doing::Drop
            | Doing::Heads
            | Doing::Scan { .. }
            | Doing::Fetch { .. } => true,
        });
        self.desk = desk;
    }

    /// Phase 1 begins: a ballot above all that was met.
    fn stand(&mut self, out: &mut impl ReplicaSink<M>) {
        let base = self.config.base;
        let floor = self.met.max(self.mbal);
        if floor.is_some_and(|floor| floor.round() >= Ballot::ROUND_MAX) {
            return;
        }
        let ballot = Ballot::above(floor, base.me, base.incarnation);
        self.mbal = Some(ballot);
        self.met = Some(ballot);
        let survey = self.new_survey(Slot::END);
        self.role = Role::Standing {
            ballot,
            count: self.head.count + 1,
            survey,
        };
        self.write_head(out);
    }

    /// What an earlier incarnation promised is known again.
    fn recovered(&mut self, own: Option<Ballot>, out: &mut impl ReplicaSink<M>) {
        self.mbal = own;
        if self.config.is_alone() {
            self.stand(out);
        } else if !self.requests.is_empty() {
            self.publish(out);
        }
    }

    /// A slot's batch is known to be decided.
    fn choose(&mut self, slot: Slot, batch: Batch<M>, out: &mut impl ReplicaSink<M>) {
        if slot >= self.state.applied && !self.chosen.contains_key(&slot) {
            out.push(ReplicaEffect::Chosen {
                slot,
                batch: Arc::clone(&batch),
            });
            self.chosen.insert(slot, batch);
        }
    }

    /// Applies what is decided, in order; true if somebody else's request was among it.
    fn apply_chosen(&mut self, out: &mut impl ReplicaSink<M>) -> bool {
        let base = self.config.base;
        let mut foreign = false;
        while let Some(batch) = self.chosen.remove(&self.state.applied) {
            for (place, entry) in batch.iter().enumerate() {
                let outcome = self.state.apply(place as u16, entry);
                let ticket = entry.ticket;
                let own = ticket.agent == base.me && ticket.incarnation == base.incarnation;
                foreign |= ticket.agent != base.me;
                if own && self.requests.remove(&ticket).is_some() {
                    out.push(ReplicaEffect::Answer { ticket, outcome });
                }
            }
            let slot = self.state.applied;
            self.state.applied = slot.next();
            out.push(ReplicaEffect::Applied { slot });
        }
        self.known_decided = self.known_decided.max(self.state.applied);
        foreign
    }

    /// Who this is.
    pub const fn id(&self) -> AgentId {
        self.config.base.me
    }

    /// Which start of it this is.
    pub const fn incarnation(&self) -> Incarnation {
        self.config.base.incarnation
    }

    /// What it is at.
    pub const fn standing(&self) -> Standing {
        match &self.role {
            Role::Recovering(_) => Standing::Recovering,
            Role::Following { .. } => Standing::Following,
            Role::Standing { .. } => Standing::Standing,
            Role::Leading(_) => Standing::Leading,
        }
    }

    /// The greatest ballot it started.
    pub const fn ballot(&self) -> Option<Ballot> {
        self.mbal
    }

    /// The next slot to be applied: all below are.
    pub const fn applied(&self) -> Slot {
        self.state.applied
    }

    /// The machine, with every slot below [`Replica::applied`] applied.
    pub const fn machine(&self) -> &M {
        &self.state.machine
    }

    /// The open sessions, in order, each with the number of its last command.
    pub fn sessions(&self) -> impl Iterator<Item = (SessionId, u64)> {
        let sessions = self.state.sessions.iter();
        sessions.map(|(&id, session)| (id, session.seq))
    }

    /// How many requests wait here for their answers.
    pub fn waiting(&self) -> usize {
        self.requests.len()
    }

    fn has(&self, bug: Bug) -> bool {
        has(&self.config.base, bug)
    }
}
