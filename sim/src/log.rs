//! Replicated state machines and their clients on simulated stores: what a run of the engine means to them.

mod account;
mod any;
mod clients;
mod cover;
mod diary;
mod judge;
mod ledger;
mod liveness;
mod machines;
mod oracle;
mod outbox;
mod remedy;
mod serve;
mod shelf;
pub(crate) mod story;
mod system;
mod tally;
mod turns;
mod view;
mod vows;
mod wire;
mod witness;

use std::sync::Arc;

use bivalent_core::{
    Agent, AgentId, Ballot, Collected, HeadRead, Incarnation, LogOp, LogReply, LogSaid, Replica,
    ReplicaConfig, ReplicaSetup, SlotVote, StateMachine, StoreId, Want, Wanted,
};

use crate::{
    engine::{Engine, Participant},
    event::{LogEvent, Turn},
    plan::Plan,
    scenario::Scenario,
    slab::Slab,
    workload::{Tuning, Workload},
};

pub use any::AnyLog;
pub use clients::Seen;
pub use machines::{Asked, BankLoad, Call, Draw, KvLoad, Load, LockLoad};
pub(crate) use tally::LogShapes;
pub use tally::{History, LogCounts, LogOps, LogReport, LogSum};

use clients::Clients;
use diary::Who;
pub(crate) use diary::{LogJournal, LogNote};
use ledger::Charges;
pub(crate) use ledger::{Accused, Cast, Deed, Entry, Errand, Spoken};
use oracle::Book;
use outbox::Outbox;
use shelf::Shelf;
use tally::Tally;
use vows::Vows;

/// A machine's answer.
type Answer<M> = <M as StateMachine>::Answer;

/// An operation in flight.
#[derive(Clone, Debug)]
struct Flight<M: StateMachine> {
    agent: AgentId,
    incarnation: u16,
    store: StoreId,
    tag: u64,
    op: LogOp<M>,
    tries: u8,
    rule: Option<u8>,
    /// It is the second of two.
    copy: bool,
    /// Of a read: as of when it is answered.
    at: u64,
    /// What a scan has found so far.
    votes: Vec<SlotVote<M>>,
    /// Not before this tick is it answered, though it may take effect before.
    answer: u64,
    /// It has been answered, and the answer is on its way or the agent stood still.
    kept: Option<LogReply<M>>,
}

/// What a run keeps for a replica.
#[derive(Clone, Debug, Default)]
pub(crate) struct Own {
    /// Requests that this life of it was given.
    asked: u64,
    /// The last ballot it began.
    ballot: Option<Ballot>,
}

/// One agent's place in a run.
type Seat<L> = Participant<Log<L>>;

/// A simulator of one scenario with replicas, to be run with many seeds.
pub type LogEngine<L> = Engine<Log<L>>;

/// Stores of objects, the clients of replicas, and the judges of logs.
#[derive(Clone, Debug)]
pub struct Log<L: Load> {
    load: L,
    tuning: Tuning,
    workload: Workload,
    kept: Vec<Shelf<L::Machine>>,
    flights: Slab<Flight<L::Machine>>,
    clients: Clients<L::Machine>,
    book: Book<L::Machine>,
    vows: Vows,
    tally: Tally,
    /// When the last client was done, ticks.
    done_at: Option<u64>,
    history: History,
    /// What is wrong with the whole of a run that is over.
    charges: Charges,
    wanted: Vec<Wanted<Replica<L::Machine>>>,
    heads: Vec<HeadRead<L::Machine>>,
}

impl<L: Load> LogEngine<L> {
    /// Works a scenario out and allocates what its runs need. What the scenario says of the machine is
    /// the load's business; all else is taken from it.
    pub fn new(scenario: &Scenario, load: L) -> Self {
        let plan = Arc::new(Plan::new(scenario));
        let (tuning, workload) = (scenario.tuning, scenario.workload);
        let machine = load.machine();
        let remembers = plan.history > 0;
        let shelf = |_| Shelf::new(plan.agents, remembers);
        let log = Log {
            load,
            tuning,
            workload,
            kept: (0..plan.stores).map(shelf).collect(),
            flights: Slab::default(),
            clients: Clients::new(std::iter::empty(), 0),
            book: Book::new(machine.clone()),
            vows: Vows::new(plan.agents, plan.stores, plan.envelope.quorum()),
            tally: Tally::new(),
            done_at: None,
            history: History::Unknown,
            charges: Charges::default(),
            wanted: Vec::new(),
            heads: Vec::new(),
        };
        let agent = |id| {
            let setup = ReplicaSetup {
                config: config(&plan, tuning, id),
                machine: machine.clone(),
            };
            let mut port = Collected::new(id, Incarnation(0));
            Replica::start(&setup, Incarnation(0), &mut port)
        };
        Self::of(scenario.planted, Arc::clone(&plan), log, agent)
    }

    fn setup(&self, id: AgentId) -> ReplicaSetup<L::Machine> {
        let config = config(&self.plan, self.system.tuning, id);
        #[cfg(feature = "planted-bugs")]
        let config = config.with_bug(self.bug);
        ReplicaSetup {
            config,
            machine: self.system.load.machine(),
        }
    }

    /// An agent starts, for the first time or again; what it wants is still to be carried out.
    fn begin_life(&mut self, id: AgentId) {
        let setup = self.setup(id);
        let seat = &mut self.participants[id.index()];
        let start = Incarnation(seat.incarnation);
        let mut port = Outbox {
            wanted: &mut self.system.wanted,
            dice: &mut self.net.dice,
            agent: id,
            start,
        };
        seat.agent = Replica::start(&setup, start, &mut port);
        seat.own.asked = 0;
    }

    fn take_own(&mut self, event: LogEvent, bits: u64) {
        match event {
            LogEvent::Op { flight } => self.on_op(flight, bits),
            LogEvent::Heads { flight } => self.on_heads(flight, bits),
            LogEvent::Timeout {
                agent,
                incarnation,
                store,
                tag,
            } => self.on_timeout(agent, incarnation, store, tag, bits),
            LogEvent::Alarm {
                agent,
                incarnation,
                timer,
            } => self.on_alarm(agent, incarnation, timer, bits),
            LogEvent::Client {
                client,
                count,
                turn,
            } => match turn {
                Turn::Next => self.on_next(client, count),
                Turn::Again => self.on_again(client, count),
                Turn::Request => self.on_request(client, count),
            },
        }
    }

    /// Carries out what a replica left in `self.system.wanted`: up to its crash, if one of them brings that about.
    fn carry_out(&mut self, id: AgentId) {
        let mut all = std::mem::take(&mut self.system.wanted);
        let incarnation = self.participants[id.index()].incarnation;
        for wanted in all.drain(..) {
            if self.participants[id.index()].incarnation != incarnation {
                break;
            }
            match wanted {
                Want::Ask {
                    store,
                    tag,
                    tries,
                    op,
                } => self.ask(id, store, tag, tries, op),
                Want::Wake(timer, pause) => self.set_alarm(id, timer, pause),
                Want::Say(said) => self.hear(id, said),
            }
        }
        self.system.wanted = all;
    }

    fn hear(&mut self, id: AgentId, said: LogSaid<L::Machine>) {
        match said {
            LogSaid::Answer { ticket, outcome } => self.on_answer(ticket, outcome),
            LogSaid::Chosen { slot, batch } => self.on_chosen(id, slot, &batch),
            LogSaid::Applied { slot } => self.on_applied(id, slot),
            LogSaid::Installed { slot } => self.on_installed(id, slot),
            LogSaid::Leads { ballot, from } => self.on_leads(id, ballot, from),
            LogSaid::Follows { above } => self.on_follows(id, above),
        }
    }
}

fn config(plan: &Plan, tuning: Tuning, id: AgentId) -> ReplicaConfig {
    ReplicaConfig::new(id, plan.agents as u8, plan.envelope, tuning.heartbeat)
        .batch(tuning.batch)
        .window(tuning.window)
        .snapshot_every(tuning.snapshot_every)
        .spread(tuning.spread)
}
