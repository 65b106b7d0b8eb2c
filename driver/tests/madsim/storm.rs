//! Replicas in a storm: clients that call, agents that die and come back, stores that fail. What the clients
//! saw is linearizable, replicas agree, and once all is well again everybody is served.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use bivalent_core::{Heartbeat, Replica};
use bivalent_driver::{Client, DriverBug};
use bivalent_sim::judge::linear::models::{Act, Call};
use futures_util::future::{join3, join4};
use madsim::{
    rand::{Rng, thread_rng},
    runtime::Handle,
    time::{Instant, sleep, timeout},
};

use crate::{
    calm::calm,
    cluster::{Clients, Cluster, Looks, Machine},
    cross::recorded::{Figures, Recorded},
    faulty::{LAGGING, STORM, TWINS, Tally, Weather},
    history::{Asked, History, answer, asked},
    sweep,
};

const AGENTS: u16 = 3;
const STORES: usize = 3;
const CLIENTS: u32 = 6;
const KEYS: u32 = 2;
/// How long the storm lasts, in virtual time.
const STORM_LASTS: Duration = Duration::from_secs(20);
/// How long a healed system may take to serve everybody.
const CALM_LASTS: Duration = Duration::from_secs(60);

/// What a run came to.
pub(crate) struct Weathered {
    pub(crate) tally: Tally,
    pub(crate) answered: usize,
    pub(crate) recorded: Recorded<Replica<Machine>>,
    /// A checksum of what clients called and saw, and of all that ever stood on the stores.
    digest: u64,
}

#[test]
fn clients_see_one_machine_through_every_storm() {
    let mut tally = Tally::default();
    let mut same = Figures::default();
    let (mut runs, mut answered) = (0_u64, 0);
    sweep::all(
        "storm::clients_see_one_machine_through_every_storm",
        || async {
            let run = storm(None).await?;
            Ok((run.recorded.compare()?, run))
        },
        |(figures, run)| {
            same.add(figures);
            tally.add(run.tally);
            runs += 1;
            answered += run.answered;
        },
    );
    println!("{runs} seeds, {answered} calls answered, {tally:?}");
    println!("replicas, {same}");
    assert!(answered > 0);
    if runs >= 100 {
        // A fault that never happens tests nothing.
        let Tally {
            operations,
            slow,
            refused,
            failed_after,
            lost,
            outages,
            late,
            lagged,
            stale_pages,
            emptied,
            fenced,
            kills,
            pauses,
        } = tally;
        let faults = [
            slow,
            refused,
            failed_after,
            lost,
            outages,
            late,
            lagged,
            stale_pages,
            emptied,
            kills,
            pauses,
        ];
        assert!(faults.iter().all(|&count| count > runs / 4), "{tally:?}");
        assert!(fenced > 20, "{tally:?}");
        assert!(operations > 100 * runs);
    }
}

#[test]
fn a_seed_is_the_same_run_twice() {
    for seed in 0..3 {
        let digest = || {
            let run = sweep::run(seed, || storm(None)).unwrap();
            (format!("{:?}", run.tally), run.answered, run.digest)
        };
        assert_eq!(digest(), digest(), "seed {seed}");
    }
}

/// Stores that are emptied under agents that don't look whether they are still the ones they were.
#[test]
fn a_store_that_is_emptied_without_anybody_looking_does_harm() {
    for seed in 0..100 {
        let run = || weather(Grounds::Emptied, Looks::Never, None);
        if let Err(why) = sweep::run(seed, run) {
            let short: String = why.chars().take(300).collect();
            println!("found with seed {seed}: {short}");
            return;
        }
    }
    panic!("nobody needs to look");
}

pub(crate) async fn storm(bug: Option<DriverBug>) -> Result<Weathered, String> {
    let grounds = Grounds::of_this_run();
    weather(grounds, grounds.looks(), bug).await
}

/// One run.
async fn weather(
    grounds: Grounds,
    looks: Looks,
    bug: Option<DriverBug>,
) -> Result<Weathered, String> {
    let (weather, heartbeat) = (grounds.weather(), grounds.heartbeat());
    let cluster = Cluster::start(AGENTS, STORES, weather, heartbeat, looks, bug);
    let history = History::default();
    let over = Arc::new(AtomicBool::new(false));
    let values = Arc::new(AtomicU32::new(1));
    let users = Handle::current().create_node().name("users").build();
    let calls: Vec<_> = (0..CLIENTS)
        .map(|client| {
            users.spawn(user(
                client,
                Arc::clone(&cluster.clients),
                history.clone(),
                Arc::clone(&over),
                Arc::clone(&values),
            ))
        })
        .collect();
    grounds.torment(&cluster, looks).await;
    for store in &cluster.stores {
        store.heal();
    }
    over.store(true, Ordering::SeqCst);
    cluster.ledger.judge()?;
    for call in calls {
        call.await.map_err(|error| error.to_string())?;
    }
    calm(&cluster, &history, &values, CALM_LASTS).await?;
    let stopped = cluster.stopped.lock().unwrap().clone();
    if !stopped.is_empty() {
        return Err(format!("agents stopped: {stopped:?}"));
    }
    cluster.ledger.judge()?;
    history.judge()?;
    let tally = *cluster.tally.lock().unwrap();
    Ok(Weathered {
        tally,
        answered: history.answered(),
        recorded: cluster.lives.with(&cluster.stores),
        digest: history.digest() ^ cluster.ledger.digest().rotate_left(1),
    })
}

/// How a run is tormented; every seed has its own.
#[derive(Clone, Copy, Debug)]
enum Grounds {
    /// Agents die, agents are held up, stores are away, stores lag for some: everybody has to recover.
    Storm,
    /// Nobody dies and nothing is lost, but everybody takes the leader for dead all the time, and writes land
    /// long after they were sent: several leaders are at it at once.
    Duel,
    /// As a duel, and agents are started a second time while they are alive: of two with one name the earlier one
    /// must stop before it does harm. Creating fails often, so that marks stand on a bare quorum.
    Twins,
    /// As a storm, and one of the stores is an empty one for a while, or for good.
    Emptied,
}

impl Grounds {
    fn of_this_run() -> Self {
        match Handle::current().seed() % 4 {
            0 => Self::Storm,
            1 => Self::Duel,
            2 => Self::Twins,
            _ => Self::Emptied,
        }
    }

    /// When agents look whether a store is still the one it was.
    fn looks(self) -> Looks {
        match self {
            // A directory one time, a bucket the other.
            Self::Emptied if (Handle::current().seed() / 4).is_multiple_of(2) => Looks::Always,
            Self::Emptied | Self::Storm | Self::Duel | Self::Twins => Looks::AtMarks,
        }
    }

    const fn weather(self) -> Weather {
        match self {
            Self::Storm | Self::Emptied => STORM,
            Self::Duel => LAGGING,
            Self::Twins => TWINS,
        }
    }

    const fn heartbeat(self) -> Heartbeat {
        match self {
            Self::Storm | Self::Emptied => Heartbeat {
                every: 100_000_000,
                patience: 4,
                spread: 300_000_000,
            },
            Self::Duel | Self::Twins => Heartbeat {
                every: 50_000_000,
                patience: 1,
                spread: 10_000_000,
            },
        }
    }

    async fn torment(self, cluster: &Cluster, looks: Looks) {
        // An agent is held up or dies, not both.
        let busy = Mutex::new(vec![false; cluster.agents.len()]);
        match self {
            Self::Storm => {
                join4(
                    deaths(cluster, &busy),
                    delays(cluster, &busy),
                    outages(cluster),
                    lags(cluster, 1),
                )
                .await;
            }
            Self::Emptied => {
                join3(
                    deaths(cluster, &busy),
                    delays(cluster, &busy),
                    emptyings(cluster, looks),
                )
                .await;
            }
            Self::Duel => {
                join3(delays(cluster, &busy), lags(cluster, 2), lags(cluster, 2)).await;
            }
            Self::Twins => {
                join3(delays(cluster, &busy), lags(cluster, 1), twins(cluster)).await;
            }
        }
    }
}

fn between(low: u64, high: u64) -> Duration {
    Duration::from_millis(thread_rng().gen_range(low..=high))
}

fn one_of<T>(list: &[T]) -> usize {
    thread_rng().gen_range(0..list.len())
}

fn is_over(began: Instant) -> bool {
    began.elapsed() >= STORM_LASTS
}

async fn deaths(cluster: &Cluster, busy: &Mutex<Vec<bool>>) {
    let began = Instant::now();
    while !is_over(began) {
        sleep(between(200, 4000)).await;
        let agent = one_of(&cluster.agents);
        if std::mem::replace(&mut busy.lock().unwrap()[agent], true) {
            continue;
        }
        cluster.kill(agent);
        sleep(between(1, 500)).await;
        cluster.restart(agent);
        busy.lock().unwrap()[agent] = false;
    }
}

async fn delays(cluster: &Cluster, busy: &Mutex<Vec<bool>>) {
    let began = Instant::now();
    while !is_over(began) {
        sleep(between(100, 2000)).await;
        let agent = one_of(&cluster.agents);
        if std::mem::replace(&mut busy.lock().unwrap()[agent], true) {
            continue;
        }
        let node = cluster.agents[agent].id();
        Handle::current().pause(node);
        cluster.tally.lock().unwrap().pauses += 1;
        sleep(between(300, 1500)).await;
        Handle::current().resume(node);
        busy.lock().unwrap()[agent] = false;
    }
}

async fn outages(cluster: &Cluster) {
    let began = Instant::now();
    while !is_over(began) {
        sleep(between(500, 4000)).await;
        let store = &cluster.stores[one_of(&cluster.stores)];
        store.set_down(true);
        sleep(between(100, 1500)).await;
        store.set_down(false);
    }
}

/// One store is empty now and then, as a directory is that is not mounted, for longer than an operation takes: none of
/// them finds the right store before it and after it and another one between. A bucket stays empty.
async fn emptyings(cluster: &Cluster, looks: Looks) {
    let store = &cluster.stores[one_of(&cluster.stores)];
    let began = Instant::now();
    // One that is emptied while it is set up may end with two systems on the stores, which all refuse.
    while cluster.clients.lock().unwrap().iter().all(Option::is_none) {
        sleep(between(10, 100)).await;
    }
    while !is_over(began) {
        sleep(between(1000, 6000)).await;
        store.vanish();
        if looks == Looks::AtMarks {
            return;
        }
        sleep(between(4000, 8000)).await;
        // The last time it may stay so.
        if !is_over(began) || thread_rng().gen_range(0..2) == 0 {
            store.come_back();
        }
    }
}

/// Somebody starts an agent that is alive, and ends the second one after a while.
async fn twins(cluster: &Cluster) {
    let began = Instant::now();
    while !is_over(began) {
        sleep(between(100, 2500)).await;
        let agent = one_of(&cluster.twins);
        let twin = cluster.twins[agent].id();
        Handle::current().restart(twin);
        sleep(between(300, 3000)).await;
        cluster.clients.lock().unwrap()[cluster.agents.len() + agent] = None;
        Handle::current().kill(twin);
    }
}

/// Some stores lag for one agent, for a while.
async fn lags(cluster: &Cluster, stores: usize) {
    let began = Instant::now();
    while !is_over(began) {
        sleep(between(10, 600)).await;
        let agent = one_of(&cluster.agents) as u16;
        let first = one_of(&cluster.stores);
        let some =
            || (0..stores).map(|next| &cluster.stores[(first + next) % cluster.stores.len()]);
        some().for_each(|store| store.set_lag(agent, true));
        sleep(between(200, 1500)).await;
        some().for_each(|store| store.set_lag(agent, false));
    }
}

/// A client: it calls one agent after the other, and gives a call up after a while.
async fn user(
    client: u32,
    clients: Clients,
    history: History,
    over: Arc<AtomicBool>,
    values: Arc<AtomicU32>,
) {
    let mut last = 1;
    while !over.load(Ordering::SeqCst) {
        let (pause, agent, act, key, patience) = {
            let mut dice = thread_rng();
            let value = values.fetch_add(1, Ordering::SeqCst);
            let act = match dice.gen_range(0..4) {
                0 => Act::Put(value),
                1 => Act::Cas(last, value),
                _ => Act::Get,
            };
            (
                dice.gen_range(1..200),
                dice.gen_range(0..2 * usize::from(AGENTS)),
                act,
                dice.gen_range(0..KEYS),
                dice.gen_range(500..4000),
            )
        };
        sleep(Duration::from_millis(pause)).await;
        let Some(way) = clients.lock().unwrap()[agent].clone() else {
            continue;
        };
        let call = Call { key, act };
        let made = history.call(client, call);
        let patience = Duration::from_millis(patience);
        if let Ok(Some(said)) = timeout(patience, ask(&way, call)).await {
            if let bivalent_sim::judge::linear::models::Answer::Held(value) = said {
                last = value.max(1);
            }
            history.answer(made, said);
        }
    }
}

pub(crate) async fn ask(
    client: &Client<Machine>,
    call: Call,
) -> Option<bivalent_sim::judge::linear::models::Answer> {
    let said = match asked(call) {
        Asked::Command(command) => client.run(command).await,
        Asked::Query(query) => client.query(query).await,
    };
    said.ok().as_ref().map(answer)
}
