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
    Agent, AgentId, Ballot, Batch, Event, Head, HeadRead, Incarnation, Pause, Port, Request,
    SessionId, Slot, SnapshotName, StateMachine, StoreId, Ticket, heartbeat::Watch,
};

use desk::{Desk, Doing, Errand};
use head::{OwnHead, Trim};
use lead::Leading;
use state::State;
use survey::Survey;

pub use config::{ReplicaConfig, ReplicaSetup, Spread};
pub use message::{LogOp, LogReply, LogSaid, Timer};

/// One replica of a state machine.
///
/// Like every [`Agent`] it owns no clock, no dice and no wire. A request ([`Event::Asked`]) that gets no
/// [`LogSaid::Answer`] here may still be carried out: ask again, anywhere, under the same session and number.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Replica<M: StateMachine> {
    config: ReplicaConfig,
    incarnation: Incarnation,
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

impl<M: StateMachine> Agent for Replica<M> {
    type Setup = ReplicaSetup<M>;
    type Op = LogOp<M>;
    type Reply = LogReply<M>;
    /// None is used twice in one life.
    type Tag = u64;
    type Timer = Timer;
    type Request = Request<M>;
    type Said = LogSaid<M>;

    fn start(setup: &ReplicaSetup<M>, start: Incarnation, port: &mut impl Port<Self>) -> Self {
        let mut replica = Self::fresh(setup, start);
        replica.wake_up(port);
        if start != Incarnation(0) {
            replica.voted = true;
            let survey = replica.new_survey(Slot(0));
            replica.role = Role::Recovering(survey);
            replica.scan_all(port);
        } else if replica.config.is_alone() {
            replica.stand(port);
        }
        replica
    }

    fn on(&mut self, event: Event<'_, Self>, port: &mut impl Port<Self>) {
        match event {
            Event::Replied(store, tag, reply) => self.replied(store, tag, reply, port),
            Event::TimedOut(store, tag) => self.timed_out(store, tag, port),
            Event::Woke(timer) => self.woke(timer, port),
            Event::Asked(number, request) => self.asked(self.ticket(number), request, port),
            Event::Withdrawn(number) => {
                self.requests.remove(&self.ticket(number));
            }
        }
    }
}

impl<M: StateMachine> Replica<M> {
    fn fresh(setup: &ReplicaSetup<M>, incarnation: Incarnation) -> Self {
        let config = setup.config;
        Self {
            config,
            incarnation,
            role: Role::Following { learning: None },
            state: State::new(setup.machine.clone()),
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
            desk: Desk::default(),
            surveys: 0,
            watch: Watch::default(),
            rising: false,
            looks: 0,
        }
    }

    fn wake_up(&self, port: &mut impl Port<Self>) {
        let every = self.config.heartbeat.every;
        let pause = Pause::Between {
            min: every,
            max: every,
        };
        port.wake(Timer::Tick, pause);
    }

    /// The request of that number, as it is known everywhere and always.
    const fn ticket(&self, number: u64) -> Ticket {
        Ticket {
            agent: self.config.base.me,
            incarnation: self.incarnation,
            number,
        }
    }

    fn asked(&mut self, ticket: Ticket, request: Request<M>, port: &mut impl Port<Self>) {
        self.requests.insert(ticket, request.clone());
        if matches!(self.role, Role::Leading(_)) {
            self.take_up(ticket, request);
            self.pump(port);
            self.look_everywhere(port);
        } else if !self.config.is_alone() {
            self.publish(port);
        }
    }

    /// Answers a query from what is applied here, at once and at no cost: possibly an old answer.
    pub fn query_stale(&self, query: &M::Query) -> M::Answer {
        self.state.machine.query(query)
    }

    fn replied(
        &mut self,
        store: StoreId,
        tag: u64,
        reply: &LogReply<M>,
        port: &mut impl Port<Self>,
    ) {
        let Some(errand) = self.desk.end(store, tag) else {
            if let LogReply::Heads(heads) = reply {
                // Too late to count for anything, but what it says is true.
                self.note_heads(heads, port);
            }
            return;
        };
        match (errand.doing, reply) {
            (Doing::Head { count }, LogReply::Written) => self.on_head_written(store, count, port),
            (Doing::Vote { slot, bal }, LogReply::Written) => self.on_voted(store, slot, bal, port),
            (Doing::Snapshot { name }, LogReply::Written) => {
                self.on_snapshot_written(store, name, port);
            }
            (Doing::Heads, LogReply::Heads(heads)) => {
                self.note_heads(heads, port);
                self.check_promises(store, tag, heads, port);
            }
            (Doing::Scan { survey }, LogReply::Scanned { votes, heads }) => {
                self.on_scanned(store, survey, votes, heads, port);
            }
            (Doing::Fetch { name }, LogReply::Snapshot(found)) => {
                self.on_fetched(store, name, found.as_ref(), port);
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

    fn timed_out(&mut self, store: StoreId, tag: u64, port: &mut impl Port<Self>) {
        let Some(errand) = self.desk.late(store, tag) else {
            return;
        };
        match errand.doing {
            Doing::Head { count } => self.on_head_late(errand, count, port),
            Doing::Vote { slot, bal } => self.on_vote_late(errand, slot, bal, port),
            Doing::Snapshot { name } => self.on_snapshot_late(errand, name, port),
            Doing::Drop => {}
            Doing::Heads => self.on_heads_late(tag, errand, port),
            Doing::Scan { survey } => {
                if self.wants_scan(survey) {
                    self.scan(errand.store, errand.again().tries, port);
                }
            }
            Doing::Fetch { name } => self.on_fetched(errand.store, name, None, port),
        }
    }

    fn woke(&mut self, timer: Timer, port: &mut impl Port<Self>) {
        match timer {
            Timer::Tick => self.tick(port),
            Timer::Stand => {
                self.rising = false;
                let silent = self.watch.is_silent(self.config.patience());
                if silent && matches!(self.role, Role::Following { learning: None }) {
                    self.stand(port);
                }
            }
        }
    }

    fn tick(&mut self, port: &mut impl Port<Self>) {
        self.wake_up(port);
        self.tidy();
        match &self.role {
            Role::Leading(_) => self.beat(port),
            Role::Following { learning } => {
                let idle = learning.is_none();
                if self.config.is_alone() {
                    self.stand(port);
                    return;
                }
                if idle && self.known_decided > self.state.applied {
                    self.learn(port);
                }
                let silent = self.watch.look(self.config.patience());
                self.look_at_one(port);
                if silent && !self.rising && self.known_decided <= self.state.applied {
                    self.rising = true;
                    let max = self.config.heartbeat.spread;
                    port.wake(Timer::Stand, Pause::Between { min: 0, max });
                }
                if self.head.stale || self.listed != self.requests.len() {
                    self.publish(port);
                }
            }
            Role::Recovering(_) | Role::Standing { .. } => {}
        }
    }

    /// Reads the heads of one store, another one each time.
    fn look_at_one(&mut self, port: &mut impl Port<Self>) {
        let stores = u64::from(self.config.base.envelope.stores());
        let store = StoreId(((self.looks + u64::from(self.config.base.me.0)) % stores) as u8);
        self.looks += 1;
        let errand = Errand::new(store, Doing::Heads);
        self.desk.ask(errand, LogOp::ReadHeads, port);
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
    fn stand(&mut self, port: &mut impl Port<Self>) {
        let Some(ballot) = port.ballot(self.met.max(self.mbal)) else {
            return;
        };
        self.mbal = Some(ballot);
        self.met = Some(ballot);
        let survey = self.new_survey(Slot::END);
        self.role = Role::Standing {
            ballot,
            count: self.head.count + 1,
            survey,
        };
        self.write_head(port);
    }

    /// What an earlier incarnation promised is known again.
    fn recovered(&mut self, own: Option<Ballot>, port: &mut impl Port<Self>) {
        self.mbal = own;
        if self.config.is_alone() {
            self.stand(port);
        } else if !self.requests.is_empty() {
            self.publish(port);
        }
    }

    /// A slot's batch is known to be decided.
    fn choose(&mut self, slot: Slot, batch: Batch<M>, port: &mut impl Port<Self>) {
        if slot >= self.state.applied && !self.chosen.contains_key(&slot) {
            port.say(LogSaid::Chosen {
                slot,
                batch: Arc::clone(&batch),
            });
            self.chosen.insert(slot, batch);
        }
    }

    /// Applies what is decided, in order; true if somebody else's request was among it.
    fn apply_chosen(&mut self, port: &mut impl Port<Self>) -> bool {
        let me = self.config.base.me;
        let mut foreign = false;
        while let Some(batch) = self.chosen.remove(&self.state.applied) {
            for (place, entry) in batch.iter().enumerate() {
                let outcome = self.state.apply(place as u16, entry);
                let ticket = entry.ticket;
                let own = ticket.agent == me && ticket.incarnation == self.incarnation;
                foreign |= ticket.agent != me;
                if own && self.requests.remove(&ticket).is_some() {
                    port.say(LogSaid::Answer { ticket, outcome });
                }
            }
            let slot = self.state.applied;
            self.state.applied = slot.next();
            port.say(LogSaid::Applied { slot });
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
        self.incarnation
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
