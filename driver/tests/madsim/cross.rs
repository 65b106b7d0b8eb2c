//! The same workload and the same faults under the engine and under madsim: no violation in either, and about as
//! many operations on stores until all have decided.
//!
//! The engine drives the core by itself; here the driver does, with its own time-outs, retries and pauses. If one of
//! the two did something else with the core than the other, it would show in what a decision costs.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bivalent_core::{AgentId, Block, Incarnation, Overwrite, StoreId, Version};
use bivalent_driver::{
    Bucket, BucketDecision, DecisionStore, Options, Protocol, Seen, Site, StoreError, propose,
};
use bivalent_sim::{runner::Runner, scenario::Scenario};
use futures_util::future::{BoxFuture, join_all, pending};
use madsim::{
    rand::{Rng, thread_rng},
    time::sleep,
};
use object_store::{memory::InMemory, path::Path};

use crate::{clock::VirtualClock, sweep};

const AGENTS: u8 = 3;
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

/// A store that counts what arrives, and delays and loses it as the scenario says.
#[derive(Debug)]
struct Counting {
    inner: BucketDecision,
    arrived: Arc<AtomicU64>,
}

impl Counting {
    /// An operation of the core's: `work` is what it does when it arrives.
    async fn serve<T>(
        &self,
        (low, high): (u64, u64),
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
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
}

impl DecisionStore for Counting {
    fn site(&self) -> &dyn Site {
        self.inner.site()
    }

    fn overwrite(&self) -> Overwrite {
        self.inner.overwrite()
    }

    fn has_conditional_writes(&self) -> bool {
        self.inner.has_conditional_writes()
    }

    fn read(&self, owner: AgentId, reader: AgentId) -> BoxFuture<'_, Result<Seen, StoreError>> {
        Box::pin(self.serve(READ, self.inner.read(owner, reader)))
    }

    fn write(
        &self,
        owner: AgentId,
        version: Version,
        block: Block,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.serve(WRITE, self.inner.write(owner, version, block)))
    }

    fn forget(&self, owner: AgentId, newest: Version) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.forget(owner, newest)
    }

    fn read_record(&self) -> BoxFuture<'_, Result<(Block, Version), StoreError>> {
        self.inner.read_record()
    }

    fn write_record(
        &self,
        expect: Version,
        version: Version,
        block: Block,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.inner.write_record(expect, version, block)
    }

    fn keep_text<'a>(
        &'a self,
        agent: AgentId,
        start: Incarnation,
        text: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.keep_text(agent, start, text)
    }

    fn text(
        &self,
        agent: AgentId,
        start: Incarnation,
    ) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        self.inner.text(agent, start)
    }
}

/// Operations until all have decided, and what they decided, under the driver.
async fn driven() -> (u64, BTreeSet<String>) {
    let arrived: Arc<AtomicU64> = Arc::default();
    let memories: Vec<_> = (0..STORES).map(|_| Arc::new(InMemory::new())).collect();
    let agents = (0..AGENTS).map(|agent| {
        let ways = memories.iter().zip(0..).map(|(memory, place)| {
            let bucket = Bucket::new(memory.clone(), Path::default(), "memory", false);
            let counting = Counting {
                inner: BucketDecision::new(bucket, StoreId(place)),
                arrived: Arc::clone(&arrived),
            };
            Box::new(counting) as Box<dyn DecisionStore>
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
