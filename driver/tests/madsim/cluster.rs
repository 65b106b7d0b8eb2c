//! Agents on nodes of their own, over stores that misbehave.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bivalent_core::{AgentId, Heartbeat, Kv, Replica};
use bivalent_driver::{
    Bucket, Client, DriverBug, Error, Node, Options, StoreError, recording::Recording,
};
use madsim::{
    rand::{Rng, thread_rng},
    runtime::{Handle, NodeHandle},
    time::sleep,
};
use object_store::path::Path;

use crate::{
    clock::VirtualClock,
    cross::recorded::Lives,
    faulty::{Faulty, Tally, Weather},
    ledger::Ledger,
};

pub(crate) type Machine = Kv<u32, u32>;

/// The clients of agents that are up, and of their twins after those; whoever starts puts its own there.
pub(crate) type Clients = Arc<Mutex<Vec<Option<Client<Machine>>>>>;

pub(crate) struct Cluster {
    pub(crate) stores: Vec<Faulty>,
    pub(crate) agents: Vec<NodeHandle>,
    /// Second nodes of the same agents: somebody has started them twice. They are down unless a ground says else.
    pub(crate) twins: Vec<NodeHandle>,
    pub(crate) clients: Clients,
    pub(crate) tally: Arc<Mutex<Tally>>,
    /// Why an agent stopped that should not have.
    pub(crate) stopped: Arc<Mutex<Vec<String>>>,
    pub(crate) ledger: Ledger,
    /// The lives of all agents and twins, as they are recorded.
    pub(crate) lives: Lives<Replica<Machine>>,
}

/// When agents look whether a store is still the one it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Looks {
    /// With every operation, as at directories.
    Always,
    /// Where the mark of a start is missing, as at buckets.
    AtMarks,
    /// A planted bug.
    Never,
}

/// The way to every store, as one agent has it.
pub(crate) fn buckets(agent: u16, stores: &[Faulty], looks: Looks) -> Vec<Bucket> {
    let named = stores.iter().enumerate();
    named
        .map(|(at, store)| {
            let name = format!("store {at}");
            let objects = Arc::new(store.way_of(agent));
            let bucket = Bucket::new(objects, Path::default(), name, looks == Looks::Always);
            if looks == Looks::Never {
                bucket.trusted()
            } else {
                bucket
            }
        })
        .collect()
}

pub(crate) fn stores(
    count: usize,
    weather: Weather,
    tally: &Arc<Mutex<Tally>>,
    ledger: &Ledger,
) -> Vec<Faulty> {
    (0..count)
        .map(|at| {
            let handle = Handle::current();
            let node = handle.create_node().name(format!("store-{at}")).build();
            Faulty::new(node, weather, Arc::clone(tally), ledger.clone(), at)
        })
        .collect()
}

/// An agent's settings: the driver's own, with snapshots often enough that a run sees some.
pub(crate) fn options(agent: u16, agents: u16, stores: usize, bug: Option<DriverBug>) -> Options {
    let seed = thread_rng().gen_range(0..=u64::MAX);
    let mut options = Options::new(AgentId(agent), agents, stores, seed).unwrap();
    options.snapshot_every = 32;
    options.window = thread_rng().gen_range(1..=16);
    options.patience = Duration::from_millis(100);
    options.patience_max = Duration::from_millis(thread_rng().gen_range(300..2000));
    options.bug = bug;
    options
}

impl Cluster {
    pub(crate) fn start(
        agents: u16,
        stores: usize,
        weather: Weather,
        heartbeat: Heartbeat,
        looks: Looks,
        bug: Option<DriverBug>,
    ) -> Self {
        let tally: Arc<Mutex<Tally>> = Arc::default();
        let ledger = Ledger::default();
        let lives = Lives::default();
        let stores = self::stores(stores, weather, &tally, &ledger);
        let clients: Clients = Arc::new(Mutex::new(vec![None; 2 * usize::from(agents)]));
        let stopped: Arc<Mutex<Vec<String>>> = Arc::default();
        let born = |twin: bool| -> Vec<NodeHandle> {
            (0..agents)
                .map(|agent| {
                    let (stores, clients, stopped, tally, lives) = (
                        stores.clone(),
                        Arc::clone(&clients),
                        Arc::clone(&stopped),
                        Arc::clone(&tally),
                        lives.clone(),
                    );
                    let life = move || {
                        let life = Life {
                            slot: usize::from(agent) + if twin { usize::from(agents) } else { 0 },
                            agent,
                            agents,
                            heartbeat,
                            looks,
                            bug,
                            stores: stores.clone(),
                            clients: Arc::clone(&clients),
                            stopped: Arc::clone(&stopped),
                            tally: Arc::clone(&tally),
                            lives: lives.clone(),
                        };
                        life.live()
                    };
                    let handle = Handle::current();
                    let name = if twin { "twin" } else { "agent" };
                    let node = handle
                        .create_node()
                        .name(format!("{name}-{agent}"))
                        .init(life)
                        .build();
                    if twin {
                        handle.kill(node.id());
                    }
                    node
                })
                .collect()
        };
        let (agents, twins) = (born(false), born(true));
        Self {
            stores,
            agents,
            twins,
            clients,
            tally,
            stopped,
            ledger,
            lives,
        }
    }

    /// Ends an agent without a word.
    pub(crate) fn kill(&self, agent: usize) {
        self.clients.lock().unwrap()[agent] = None;
        Handle::current().kill(self.agents[agent].id());
        self.tally.lock().unwrap().kills += 1;
    }

    pub(crate) fn restart(&self, agent: usize) {
        Handle::current().restart(self.agents[agent].id());
    }
}

/// What an agent's node does as long as it is up: it serves, and begins again when it can't go on.
struct Life {
    /// Where its client is put.
    slot: usize,
    agent: u16,
    agents: u16,
    heartbeat: Heartbeat,
    looks: Looks,
    bug: Option<DriverBug>,
    stores: Vec<Faulty>,
    clients: Clients,
    stopped: Arc<Mutex<Vec<String>>>,
    tally: Arc<Mutex<Tally>>,
    lives: Lives<Replica<Machine>>,
}

impl Life {
    async fn live(self) {
        loop {
            let mut options = options(self.agent, self.agents, self.stores.len(), self.bug);
            options.heartbeat = self.heartbeat;
            let ways = buckets(self.agent, &self.stores, self.looks);
            let recording = self.lives.next(self.agent);
            let over = live(options, self.slot, ways, &self.clients, &recording).await;
            self.clients.lock().unwrap()[self.slot] = None;
            match over {
                // Too few stores answered in time: a supervisor tries again.
                Err(
                    Error::TooFewStores { .. }
                    | Error::Store(StoreError::Lost { .. } | StoreError::Failed { .. }),
                ) => {}
                Err(Error::Fenced { .. }) => {
                    self.tally.lock().unwrap().fenced += 1;
                    let pause = thread_rng().gen_range(500..3000);
                    sleep(Duration::from_millis(pause)).await;
                }
                over => {
                    let words = format!("{}: {over:?}", self.agent);
                    self.stopped.lock().unwrap().push(words);
                    return;
                }
            }
            sleep(Duration::from_millis(200)).await;
        }
    }
}

async fn live(
    options: Options,
    slot: usize,
    ways: Vec<Bucket>,
    clients: &Clients,
    recording: &Recording<Replica<Machine>>,
) -> Result<(), Error> {
    let clock = VirtualClock::start();
    let opened = Node::open_recorded(options, ways, Machine::new(), clock, recording);
    let (node, client) = opened.await?;
    clients.lock().unwrap()[slot] = Some(client);
    node.run().await
}
