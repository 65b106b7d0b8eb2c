//! The same workload and the same faults under the engine and under madsim: no violation in either, and about as
//! many operations on stores until all have decided.
//!
//! The engine drives the core by itself; here the driver does, with its own time-outs, retries and pauses. If one of
//! the two did something else with the core than the other, it would show in what a decision costs.

mod carried;
mod planted;
pub(crate) mod recorded;
mod replay;
mod store;

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bivalent_core::{AgentId, StoreId};
use bivalent_driver::{Bucket, BucketDecision, DecisionStore, Options, Protocol, propose};
use bivalent_sim::{engine::runner::Runner, scenario::Scenario};
use futures_util::{
    StreamExt, TryStreamExt,
    future::{join_all, pending},
    stream::{self, BoxStream},
};
use madsim::{
    rand::{Rng, thread_rng},
    time::sleep,
};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, memory::InMemory,
    path::Path,
};

use crate::{clock::VirtualClock, sweep};

const AGENTS: u16 = 3;
const STORES: usize = 3;
const RUNS: u64 = 300;
/// Of a thousand operations: so many never arrive, and so many arrive and are never answered.
const LOST: u32 = 30;
/// Of a thousand operations so many take longer, by up to so much.
const DELAYED: u32 = 50;
const LONGER: Duration = Duration::from_millis(300);
/// Times in both, milliseconds. Below, the same as text.
const READ: (u64, u64) = (4, 20);
const WRITE: (u64, u64) = (2, 15);
const SCENARIO: &str = r#"
title   = "Three agents that lose requests and answers"
summary = "What the driver's own code is measured against."
tags    = ["cross-check"]
[cluster]
protocol = "disk-paxos"
agents   = 3
stores   = 3
block    = { size = "128B", sector = "64B", format = "versioned" }
bucket   = false
[schedule]
read    = "4ms..20ms"
write   = "2ms..15ms"
retry   = { exponential = "20ms..2s" }
timeout = "100ms"
[[fault]]
chance       = 0.03
lost-request = {}
[[fault]]
chance   = 0.03
lost-ack = {}
[[fault]]
chance = 0.05
delay  = { by = "1ms..300ms" }
[expect]
outcome = "any"
"#;

/// A bucket that counts the operations on blocks that arrive, and delays and loses them as the scenario says.
///
/// A block is written by one put and read by one listing, of which what follows depends: so these are what is counted, delayed
/// and lost. What an agent asks before its first write belongs to its start, which the engine's agents don't have.
#[derive(Clone, Debug)]
struct Counting {
    inner: Arc<InMemory>,
    arrived: Arc<AtomicU64>,
    /// This agent has written a block somewhere.
    begun: Arc<AtomicBool>,
}

impl Counting {
    /// An operation on a block: `work` is what it does when it arrives.
    async fn serve<T>(
        &self,
        (low, high): (u64, u64),
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let (pause, lost_before, lost_after) = {
            let mut dice = thread_rng();
            let mut hits = |of: u32| dice.gen_range(0..1000) < of;
            let (before, after, longer) = (hits(LOST), hits(LOST), hits(DELAYED));
            let longest = LONGER.as_millis() as u64;
            let more = if longer {
                dice.gen_range(1..=longest)
            } else {
                0
            };
            (dice.gen_range(low..=high) + more, before, after)
        };
        if lost_before {
            return pending().await;
        }
        sleep(Duration::from_millis(pause)).await;
        self.arrived.fetch_add(1, Ordering::SeqCst);
        let done = work.await;
        if lost_after {
            return pending().await;
        }
        done
    }

    fn is_block(path: &Path) -> bool {
        let path = path.as_ref();
        path.starts_with("agents/") && path.matches('-').count() == 2
    }
}

#[async_trait]
impl ObjectStore for Counting {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let put = self.inner.put_opts(location, payload, options);
        if !Self::is_block(location) {
            return put.await;
        }
        self.begun.store(true, Ordering::SeqCst);
        self.serve(WRITE, put).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (this, prefix) = (self.clone(), prefix.cloned());
        let begun = self.begun.load(Ordering::SeqCst);
        stream::once(async move {
            let list = async {
                let metas = this.inner.list(prefix.as_ref());
                metas.try_collect::<Vec<_>>().await
            };
            let metas = if begun {
                this.serve(READ, list).await?
            } else {
                list.await?
            };
            Ok::<_, Error>(stream::iter(metas.into_iter().map(Ok)))
        })
        .try_flatten()
        .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

impl fmt::Display for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("counting memory")
    }
}

/// Operations until all have decided, and what they decided, under the driver.
async fn driven() -> (u64, BTreeSet<String>) {
    let arrived: Arc<AtomicU64> = Arc::default();
    let memories: Vec<_> = (0..STORES).map(|_| Arc::new(InMemory::new())).collect();
    let agents = (0..AGENTS).map(|agent| {
        let begun: Arc<AtomicBool> = Arc::default();
        let ways = memories.iter().zip(0..).map(|(memory, place)| {
            let counting = Counting {
                inner: Arc::clone(memory),
                arrived: Arc::clone(&arrived),
                begun: Arc::clone(&begun),
            };
            let bucket = Bucket::new(Arc::new(counting), Path::default(), "memory", false);
            Box::new(BucketDecision::new(bucket, StoreId(place))) as Box<dyn DecisionStore>
        });
        let ways: Vec<_> = ways.collect();
        let seed = thread_rng().gen_range(0..=u64::MAX);
        let mut options = Options::new(AgentId(agent), AGENTS, STORES, seed).unwrap();
        options.patience = Duration::from_millis(100);
        // The engine's agents wait as long for every try.
        options.patience_max = Duration::from_millis(100);
        options.backoff = Duration::from_millis(20);
        async move {
            let text = agent.to_string();
            let clock = VirtualClock::start();
            propose(options, ways, Protocol::DiskPaxos, &text, clock)
                .await
                .unwrap()
                .text
        }
    });
    let decided = join_all(agents).await.into_iter().collect();
    (arrived.load(Ordering::SeqCst), decided)
}

/// Operations until all have decided under the engine, of every run in which all did.
fn simulated() -> Vec<u64> {
    let scenario = Scenario::parse("cross-check", SCENARIO, &|_| Err("no file".into())).unwrap();
    let mut runner = Runner::new(&scenario);
    let runs = (0..RUNS).map(|seed| {
        let end = runner.run(seed);
        runner.report(&scenario, seed, end)
    });
    let reports: Vec<_> = runs.collect();
    for report in &reports {
        assert!(report.violations.is_empty(), "{report:?}");
    }
    let all = |decided: u32| decided == u32::from(AGENTS);
    let done = reports.iter().filter(|report| all(report.decided));
    done.map(|report| report.store_ops).collect()
}

/// The lower quartile, the median and the upper quartile.
fn quartiles(mut counts: Vec<u64>) -> [u64; 3] {
    counts.sort_unstable();
    [1, 2, 3].map(|quarter| counts[counts.len() * quarter / 4])
}

#[test]
fn a_decision_costs_what_the_engine_says() {
    let driven = (0..RUNS).map(|seed| {
        let (operations, decided) = sweep::run(seed, driven);
        assert_eq!(decided.len(), 1, "seed {seed}: {decided:?}");
        operations
    });
    let driven = quartiles(driven.collect());
    let simulated = simulated();
    assert!(
        simulated.len() as u64 >= RUNS * 9 / 10,
        "{} runs",
        simulated.len()
    );
    let simulated = quartiles(simulated);
    println!(
        "operations until all have decided: driver {driven:?}, engine {simulated:?} (quartiles)"
    );
    // The tolerance: the middle halves overlap, and the medians are within a quarter of each other.
    assert!(driven[0] <= simulated[2] && simulated[0] <= driven[2]);
    assert!(driven[1] * 4 <= simulated[1] * 5 && simulated[1] * 4 <= driven[1] * 5);
}
