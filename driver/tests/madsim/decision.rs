//! One decision under faults: whoever decides, however often it was killed, decides the same.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bivalent_core::{AcceptorRecords, DiskPaxos, PutIfAbsent, StoreId};
use bivalent_driver::{
    BucketDecision, DecisionStore, Error, StoreError,
    recording::{Decides, propose},
};
use madsim::{
    rand::{Rng, thread_rng},
    runtime::Handle,
    time::{Instant, sleep},
};

use crate::{
    clock::VirtualClock,
    cluster::{Looks, buckets, options, stores},
    cross::recorded::{Figures, Lives, Recorded},
    faulty::{STORM, Tally},
    ledger::Ledger,
    sweep,
};

const AGENTS: u16 = 3;
const STORES: usize = 3;
/// How long agents that need not decide are given once all is well.
const QUIET: Duration = Duration::from_secs(10);

/// What every agent decided, each time that it did.
type Decisions = Arc<Mutex<Vec<(u16, String)>>>;

/// What is decided on, and what is asked of the agents.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    stores: usize,
    /// In every other run one of the stores, a bucket, is emptied, and stays so. Only once an agent has begun: one that
    /// is emptied while it is set up may end with two systems on the stores, which all refuse.
    empties: bool,
    /// Everybody decides once all is well. That two decide alike is always asked.
    all_decide: bool,
}

/// Three stores, of which one is enough to lose.
pub(crate) const THREE: Terms = Terms {
    stores: STORES,
    empties: true,
    all_decide: true,
};

/// On one store whoever comes first decides; on several, rivals may have split them for ever.
pub(crate) const fn put_if_absent(seed: u64) -> Terms {
    if seed.is_multiple_of(2) {
        Terms {
            all_decide: false,
            ..THREE
        }
    } else {
        Terms {
            stores: 1,
            empties: false,
            all_decide: true,
        }
    }
}

/// One run.
pub(crate) async fn decide<A: Decides>(terms: Terms) -> Result<(Tally, Recorded<A>), String> {
    let tally: Arc<Mutex<Tally>> = Arc::default();
    let lives: Lives<A> = Lives::default();
    let stores = stores(terms.stores, STORM, &tally, &Ledger::default());
    let decisions: Decisions = Arc::default();
    let proposed: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let failures: Arc<Mutex<Vec<String>>> = Arc::default();
    let calm = Arc::new(AtomicBool::new(false));
    let agents: Vec<_> = (0..AGENTS)
        .map(|agent| {
            let (stores, lives, proposed, decisions, failures, calm) = (
                stores.clone(),
                lives.clone(),
                Arc::clone(&proposed),
                Arc::clone(&decisions),
                Arc::clone(&failures),
                Arc::clone(&calm),
            );
            let life = move || {
                let (stores, lives, proposed, decisions, failures, calm) = (
                    stores.clone(),
                    lives.clone(),
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
                        let options = options(agent, AGENTS, stores.len(), None);
                        let text = format!("agent {agent}, {}", thread_rng().gen_range(0..10_000));
                        proposed.lock().unwrap().insert(text.clone());
                        let clock = VirtualClock::start();
                        let recording = lives.next(agent);
                        let decided =
                            propose(options, ways.collect(), &text, clock, &recording).await;
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
                            // The stores are split: there is nothing that it waits for.
                            Err(Error::Stopped) if !terms.all_decide => return,
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
            handle
                .create_node()
                .name(format!("agent-{agent}"))
                .init(life)
                .build()
        })
        .collect();
    let mut emptied = terms.empties && Handle::current().seed().is_multiple_of(2);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(10) {
        if emptied
            && began.elapsed() > Duration::from_secs(2)
            && lives.has_begun()
            && thread_rng().gen_range(0..4) == 0
        {
            stores[0].vanish();
            emptied = false;
        }
        let (pause, agent, store) = {
            let mut dice = thread_rng();
            let agent = dice.gen_range(0..agents.len());
            (
                dice.gen_range(10..800),
                agent,
                dice.gen_range(0..stores.len()),
            )
        };
        let lags = thread_rng().gen_range(0..2) == 0;
        stores[store].set_lag(agent as u16, lags);
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
        let who: BTreeSet<u16> = decisions[before..]
            .iter()
            .map(|(agent, _)| *agent)
            .collect();
        if who.len() == usize::from(AGENTS) {
            break;
        }
        if !terms.all_decide && healed.elapsed() > QUIET {
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
    if texts.len() > 1 || texts.is_empty() && terms.all_decide {
        return Err(format!("decided: {texts:?}"));
    }
    if !texts.is_subset(&proposed.lock().unwrap()) {
        return Err(format!("decided, and never proposed: {texts:?}"));
    }
    let tally = *tally.lock().unwrap();
    Ok((tally, lives.with(&stores)))
}

/// Every seed, with the cross-check of it.
fn sweep<A: Decides>(test: &str, terms: impl Fn(u64) -> Terms) {
    let (mut tally, mut same) = (Tally::default(), Figures::default());
    sweep::all(
        &format!("decision::{test}"),
        || async {
            let (tally, recorded) = decide::<A>(terms(Handle::current().seed())).await?;
            Ok((tally, recorded.compare()?))
        },
        |(run, figures)| {
            tally.add(run);
            same.add(figures);
        },
    );
    println!("{tally:?}");
    println!("{}, {same}", A::KIND);
}

#[test]
fn disk_paxos_decides_once() {
    sweep::<DiskPaxos>("disk_paxos_decides_once", |_| THREE);
}

#[test]
fn records_decide_once() {
    sweep::<AcceptorRecords>("records_decide_once", |_| THREE);
}

#[test]
fn put_if_absent_decides_at_most_once() {
    sweep::<PutIfAbsent>("put_if_absent_decides_at_most_once", put_if_absent);
}
