//! Replicated state machines and their clients on buckets: what a run of the engine means to them.
//!
//! Heads, votes and snapshots are objects, which the core's layout lists, gets, puts and deletes: see `objects.rs`. Here
//! are the clients, and whoever looks on and judges.

mod account;
mod clients;
mod clocks;
mod cover;
mod judge;
mod kept;
mod ledger;
mod liveness;
mod machines;
mod oracle;
mod part;
mod tally;
mod turns;
mod view;
mod vows;
mod witness;

use std::collections::BTreeMap;

use bivalent_core::{
    AgentId, Ballot, Folder, LogOp, OnObjects, Replica, ReplicaConfig, ReplicaSetup, StateMachine,
    StoreId,
};

use crate::{
    engine::{Engine, Participant, objects::Objects},
    scenario::{
        Scenario,
        plan::Plan,
        workload::{Tuning, Workload},
    },
};

pub use crate::judge::report::{History, LogCounts, LogOps, LogReport};
pub use clients::Seen;
pub use machines::{Asked, BankLoad, Call, Draw, KvLoad, Load, LockLoad};
pub(crate) use tally::LogShapes;
pub use tally::LogSum;

use clients::Clients;
use ledger::Charges;
pub(crate) use ledger::{Accused, Cast, Deed, Entry, Errand, Spoken};
use oracle::Book;
use tally::Tally;
use vows::Vows;

/// A machine's answer.
type Answer<M> = <M as StateMachine>::Answer;

/// An agent whose replica may not have begun.
type Housed<M> = Option<OnObjects<Replica<M>>>;

/// One agent's place in a run.
type Seat<L> = Participant<Objects<Log<L>>>;

/// A simulator of one scenario with replicas, to be run with many seeds.
pub type LogEngine<L> = Engine<Objects<Log<L>>>;

/// What a run keeps for a replica.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Own {
    /// Requests that this life of it was given.
    asked: u64,
    /// The last ballot it began.
    ballot: Option<Ballot>,
}

/// Replicas' clients, judges and counters.
#[derive(Clone, Debug)]
pub struct Log<L: Load> {
    load: L,
    tuning: Tuning,
    workload: Workload,
    clients: Clients<L::Machine>,
    book: Book<L::Machine>,
    vows: Vows,
    tally: Tally,
    own: Vec<Own>,
    /// When the last client was done, ticks.
    done_at: Option<u64>,
    history: History,
    /// What is wrong with the whole of a run that is over.
    charges: Charges,
    /// What replicas have asked for and were not told the answer to.
    open: BTreeMap<(AgentId, StoreId, u64), LogOp<L::Machine>>,
    /// When folders were listed last, for which undertaking of whom, by step.
    looked: BTreeMap<(AgentId, u64, Folder), u64>,
}

impl<L: Load> Log<L> {
    /// Those of a scenario, before its first run. What the scenario says of the machine is the load's business.
    fn new(scenario: &Scenario, plan: &Plan, load: L) -> Self {
        let machine = load.machine();
        Self {
            load,
            tuning: scenario.tuning,
            workload: scenario.workload,
            clients: Clients::new(std::iter::empty(), 0),
            book: Book::new(machine),
            vows: Vows::new(plan.agents, plan.stores, plan.envelope.quorum()),
            tally: Tally::new(),
            own: vec![Own::default(); plan.agents],
            done_at: None,
            history: History::Unknown,
            charges: Charges::default(),
            open: BTreeMap::new(),
            looked: BTreeMap::new(),
        }
    }

    /// As it is before a run.
    fn reset(&mut self) {
        self.book = Book::new(self.load.machine());
        self.vows.reset();
        self.tally.reset();
        self.own.fill(Own::default());
        self.done_at = None;
        self.history = History::Unknown;
        self.charges = Charges::default();
        self.open.clear();
        self.looked.clear();
        let (at, each) = (self.workload.at, self.workload.clients);
        let homes = (0..self.own.len() as u16)
            .map(AgentId)
            .filter(|id| at & id.bit() != 0)
            .flat_map(|id| std::iter::repeat_n(id, each as usize));
        self.clients = Clients::new(homes, self.workload.requests);
    }

    /// What a replica knows before it starts.
    fn setup(&self, plan: &Plan, id: AgentId) -> ReplicaSetup<L::Machine> {
        let tuning = self.tuning;
        let agents = plan.agents as u16;
        let config = ReplicaConfig::new(id, agents, plan.envelope, tuning.heartbeat)
            .batch(tuning.batch)
            .window(tuning.window)
            .snapshot_every(tuning.snapshot_every)
            .spread(tuning.spread);
        ReplicaSetup {
            config,
            machine: self.load.machine(),
        }
    }
}

impl<L: Load> LogEngine<L> {
    /// Works a scenario out and allocates what its runs need. What the scenario says of the machine is
    /// the load's business; all else is taken from it.
    pub fn new(scenario: &Scenario, load: L) -> Self {
        Self::on_buckets(scenario, |plan| Log::new(scenario, plan, load))
    }

    /// An agent's replica, if it has begun.
    fn replica(&self, id: AgentId) -> Option<&Replica<L::Machine>> {
        replica(&self.participants[id.index()].agent)
    }

    /// What a replica knows before it starts.
    fn replica_setup(&self, id: AgentId) -> ReplicaSetup<L::Machine> {
        let setup = self.system.part.setup(&self.plan, id);
        #[cfg(feature = "planted-bugs")]
        let setup = ReplicaSetup {
            config: setup.config.with_bug(self.bug),
            ..setup
        };
        setup
    }
}

/// An agent's replica, if it has begun.
#[expect(clippy::ref_option, reason = "this is how a place in a run has it")]
fn replica<M: StateMachine>(agent: &Housed<M>) -> Option<&Replica<M>> {
    agent.as_ref().and_then(OnObjects::inner)
}

/// A replica's ballot, if there is one.
fn ballot<L: Load>(seat: &Seat<L>) -> Option<Ballot> {
    replica(&seat.agent).and_then(Replica::ballot)
}
