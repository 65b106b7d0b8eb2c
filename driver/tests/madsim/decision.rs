//! One decision under faults: whoever decides, however often it was killed, decides the same.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bivalent_core::StoreId;
use bivalent_driver::{BucketDecision, DecisionStore, Error, Protocol, StoreError, propose};
use madsim::{
    rand::{Rng, thread_rng},
    runtime::Handle,
    time::{Instant, sleep},
};

use crate::{
    clock::VirtualClock,
    cluster::{Looks, buckets, options, stores},
    faulty::{STORM, Tally},
    ledger::Ledger,
    sweep,
};

const AGENTS: u8 = 3;
const STORES: usize = 3;

/// What every agent decided, each time that it did.
type Decisions = Arc<Mutex<Vec<(u8, String)>>>;

async fn decide(protocol: Protocol) -> Result<Tally, String> {
    let tally: Arc<Mutex<Tally>> = Arc::default();
    let stores = stores(STORES, STORM, &tally, &Ledger::default());
    let decisions: Decisions = Arc::default();
    let proposed: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let failures: Arc<Mutex<Vec<String>>> = Arc::default();
    let calm = Arc::new(AtomicBool::new(false));
    let agents: Vec<_> = (0..AGENTS)
        .map(|agent| {
            let (stores, proposed, decisions, failures, calm) = (
                stores.clone(),
                Arc::clone(&proposed),
                Arc::clone(&decisions),
                Arc::clone(&failures),
                Arc::clone(&calm),
            );
            let life = move || {
                let (stores, proposed, decisions, failures, calm) = (
                    stores.clone(),
                    Arc::clone(&proposed),
                    Arc::clone(&decisions),
                    Arc::clone(&failures),
                    Arc::clone(&calm),
                );
                async move {
                    loop {
                        let ways = buckets(agent, &stores, Looks::AtMarks).into_iter().zip(0..);
                        let ways = ways.map(|(way, at)| {
                            let way = BucketDecision::new(way, StoreId(at));
                            Box::new(way) as Box<dyn DecisionStore>
                        });
                        let options = options(agent, AGENTS, STORES, None);
                        let text = format!("agent {agent}, {}", thread_rng().gen_range(0..10_000));
                        proposed.lock().unwrap().insert(text.clone());
                        let clock = VirtualClock::start();
                        let decided =
                            propose(options, ways.collect(), protocol, &text, clock).await;
                        match decided {
                            Ok(decided) => {
                                decisions.lock().unwrap().push((agent, decided.text));
                                if calm.load(Ordering::SeqCst) {
                                    return;
                                }
                            }
                            Err(
                                Error::TooFewStores { .. }
                                | Error::Store(StoreError::Failed { .. } | StoreError::Lost { .. }),
                            ) => {}
                            Err(error) => {
                                failures.lock().unwrap().push(format!("{agent}: {error}"));
                                return;
                            }
                        }
                        sleep(Duration::from_millis(100)).await;
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
    // In every other run one of the stores, a bucket, is emptied, and stays so.
    let mut emptied = Handle::current().seed() % 2 == 0;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(10) {
        if emptied && began.elapsed() > Duration::from_secs(2) && thread_rng().gen_range(0..4) == 0
        {
            stores[0].vanish();
            emptied = false;
        }
        let (pause, agent, store) = {
            let mut dice = thread_rng();
            let agent = dice.gen_range(0..agents.len());
            (dice.gen_range(10..800), agent, dice.gen_range(0..STORES))
        };
        let lags = thread_rng().gen_range(0..2) == 0;
        stores[store].set_lag(agent as u8, lags);
        sleep(Duration::from_millis(pause)).await;
        Handle::current().kill(agents[agent].id());
        tally.lock().unwrap().kills += 1;
        Handle::current().restart(agents[agent].id());
    }
    for store in &stores {
        store.heal();
    }
    // Whoever decides from now on is at rest: rivals that never rest can keep each other from it for ever.
    calm.store(true, Ordering::SeqCst);
    let before = decisions.lock().unwrap().len();
    let healed = Instant::now();
    loop {
        sleep(Duration::from_millis(100)).await;
        let decisions = decisions.lock().unwrap();
        let who: BTreeSet<u8> = decisions[before..]
            .iter()
            .map(|(agent, _)| *agent)
            .collect();
        if who.len() == usize::from(AGENTS) {
            break;
        }
        if healed.elapsed() > Duration::from_secs(60) {
            return Err(format!("decided since all is well: {who:?}"));
        }
    }
    let failures = failures.lock().unwrap();
    if !failures.is_empty() {
        return Err(format!("{failures:?}"));
    }
    let texts: BTreeSet<String> = {
        let decisions = decisions.lock().unwrap();
        decisions.iter().map(|(_, text)| text.clone()).collect()
    };
    if texts.len() != 1 {
        return Err(format!("decided: {texts:?}"));
    }
    if !texts.is_subset(&proposed.lock().unwrap()) {
        return Err(format!("decided, and never proposed: {texts:?}"));
    }
    let tally = *tally.lock().unwrap();
    Ok(tally)
}

#[test]
fn disk_paxos_decides_once() {
    let mut tally = Tally::default();
    sweep::all(
        "decision::disk_paxos_decides_once",
        || decide(Protocol::DiskPaxos),
        |run| tally.add(run),
    );
    println!("{tally:?}");
}

#[test]
fn records_decide_once() {
    let mut tally = Tally::default();
    sweep::all(
        "decision::records_decide_once",
        || decide(Protocol::Records),
        |run| tally.add(run),
    );
    println!("{tally:?}");
}
