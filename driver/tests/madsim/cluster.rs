//! Agents on nodes of their own, over stores that misbehave.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bivalent_core::{AgentId, Heartbeat, Kv};
use bivalent_driver::{Bucket, Client, DriverBug, Error, Node, Options};
use madsim::{
    rand::{Rng, thread_rng},
    runtime::{Handle, NodeHandle},
    time::sleep,
};
use object_store::path::Path;

use crate::{
    clock::VirtualClock,
    faulty::{Faulty, Tally, Weather},
    ledger::Ledger,
};

pub(crate) type Machine = Kv<u32, u32>;

/// The clients of agents that are up; an agent that starts puts its own there.
pub(crate) type Clients = Arc<Mutex<Vec<Option<Client<Machine>>>>>;

pub(crate) struct Cluster {
    pub(crate) stores: Vec<Faulty>,
    pub(crate) agents: Vec<NodeHandle>,
    pub(crate) clients: Clients,
    pub(crate) tally: Arc<Mutex<Tally>>,
    /// Why an agent stopped that should not have.
    pub(crate) stopped: Arc<Mutex<Vec<String>>>,
    pub(crate) ledger: Ledger,
}

/// The way to every store, as one agent has it.
pub(crate) fn buckets(agent: u8, stores: &[Faulty]) -> Vec<Bucket> {
    let named = stores.iter().enumerate();
    named
        .map(|(at, store)| {
            let name = format!("store {at}");
            Bucket::new(Arc::new(store.way_of(agent)), Path::default(), name, false)
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
pub(crate) fn options(agent: u8, agents: u8, stores: usize, bug: Option<DriverBug>) -> Options {
    let seed = thread_rng().gen_range(0..=u64::MAX);
    let mut options = Options::new(AgentId(agent), agents, stores, seed).unwrap();
    options.snapshot_every = 32;
    options.patience = Duration::from_millis(100);
    options.patience_max = Duration::from_secs(2);
    options.bug = bug;
    options
}

impl Cluster {
    pub(crate) fn start(
        agents: u8,
        stores: usize,
        weather: Weather,
        heartbeat: Heartbeat,
        bug: Option<DriverBug>,
    ) -> Self {
        let tally: Arc<Mutex<Tally>> = Arc::default();
        let ledger = Ledger::default();
        let stores = self::stores(stores, weather, &tally, &ledger);
        let clients: Clients = Arc::new(Mutex::new(vec![None; usize::from(agents)]));
        let stopped: Arc<Mutex<Vec<String>>> = Arc::default();
        let agents = (0..agents)
            .map(|agent| {
                let (stores, clients, stopped) =
                    (stores.clone(), Arc::clone(&clients), Arc::clone(&stopped));
                let life = move || {
                    let (stores, clients, stopped) =
                        (stores.clone(), Arc::clone(&clients), Arc::clone(&stopped));
                    async move {
                        loop {
                            let mut options = options(agent, agents, stores.len(), bug);
                            options.heartbeat = heartbeat;
                            let over = live(options, &stores, &clients).await;
                            clients.lock().unwrap()[usize::from(agent)] = None;
                            match over {
                                // Too few stores answered in time: a supervisor tries again.
                                Err(Error::TooFewStores { .. } | Error::Store(_)) => {}
                                over => {
                                    stopped.lock().unwrap().push(format!("{agent}: {over:?}"));
                                    return;
                                }
                            }
                            sleep(Duration::from_millis(200)).await;
                        }
                    }
                };
                let handle = Handle::current();
                let node = handle
                    .create_node()
                    .name(format!("agent-{agent}"))
                    .init(life)
                    .build();
                node
            })
            .collect();
        Self {
            stores,
            agents,
            clients,
            tally,
            stopped,
            ledger,
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

async fn live(options: Options, stores: &[Faulty], clients: &Clients) -> Result<(), Error> {
    let clock = VirtualClock::start();
    let agent = options.agent.index();
    let (node, client) = Node::open(
        options,
        buckets(options.agent.0, stores),
        Machine::new(),
        clock,
    )
    .await?;
    clients.lock().unwrap()[agent] = Some(client);
    node.run().await
}
