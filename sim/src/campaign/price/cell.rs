//! One cell of the matrix: many seeds of one combination, and what they came to.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::{Share, Variant, share};
use crate::{
    engine::{End, blocks::BlockEngine},
    judge::{
        report::Latency,
        verdict::{self, Finished},
    },
    pool,
    scenario::hlog,
};

/// Runs that a thread takes at a time.
const CHUNK: u64 = 32;
/// Points of a survival curve: each a tenth of a decade after the one before.
const POINTS_PER_DECADE: usize = 10;

/// What the runs of one combination came to.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// How many agents.
    pub agents: u8,
    /// How many stores.
    pub stores: usize,
    /// The adversary, as it stands in a scenario file.
    pub adversary: String,
    /// The pause after an abort, likewise.
    pub retry: String,
    /// How many runs: those of the seeds from 0.
    pub runs: u64,
    /// Why there are no runs: such a system can't be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impossible: Option<String>,
    /// Runs that broke a property though no fault was outside the envelope: none, or there is a bug.
    pub violations: u64,
    /// Runs whose steps were used up before the last time; they count as undecided.
    pub cut: u64,
    /// At each time asked for, the share of runs in which nobody had decided.
    pub undecided: Vec<Undecided>,
    /// The same at evenly spread times, as a curve.
    pub survival: Vec<Undecided>,
    /// Time to the first decision, over the runs that had one.
    pub first_decision_ns: Latency,
    /// The same, whole.
    #[serde(skip)]
    pub times: Histogram<u64>,
}

/// How many runs were undecided at a time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Undecided {
    /// Virtual time, ns.
    pub at_ns: u64,
    /// Runs in which nobody had decided.
    pub runs: u64,
    /// Their share, with an interval.
    #[serde(flatten)]
    pub share: Share,
}

impl Cell {
    /// The times to the first decision as an `HdrHistogram` log (`.hlog`) of nanoseconds, which a scenario
    /// can name too.
    pub fn log(&self) -> String {
        let last = self.undecided.last().map_or(0, |last| last.at_ns);
        let said = "Time to the first decision of a run, nanoseconds";
        hlog::log(&self.times, said, Duration::from_nanos(last))
    }
}

/// Runs of a chunk: times of first decisions, and runs without.
#[derive(Default)]
struct Runs {
    times: Vec<Option<u64>>,
    violations: u64,
    cut: u64,
}

/// Runs the seeds of a combination. `done` hears how many runs each piece of the work had. Nothing that is
/// returned depends on `jobs`; nothing is returned if `stop` was set before the end.
pub fn fill(
    variant: &Variant,
    jobs: usize,
    stop: &AtomicBool,
    done: &mut dyn FnMut(u64),
) -> Option<Cell> {
    let runs = variant.runs;
    let Ok(scenario) = &variant.scenario else {
        return Some(cell(variant, &Runs::default()));
    };
    let work = |engine: &mut BlockEngine, number: u64| {
        let from = number * CHUNK;
        let mut chunk = Runs::default();
        for seed in from..runs.min(from + CHUNK) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let end = engine.run_to_first_decision(seed);
            let time = engine.decision_times_ns().next();
            chunk.times.push(time);
            chunk.cut += u64::from(end == End::Steps && time.is_none());
            let broken = !engine.violations().is_empty() && engine.exceeded().is_empty();
            chunk.violations += u64::from(broken);
        }
        chunk
    };
    let mut all = Runs::default();
    let take = |chunk: Runs| {
        done(chunk.times.len() as u64);
        all.times.extend(chunk.times);
        all.violations += chunk.violations;
        all.cut += chunk.cut;
        !stop.load(Ordering::Relaxed)
    };
    let chunks = runs.div_ceil(CHUNK);
    pool::in_order(chunks, jobs, || BlockEngine::new(scenario), work, take);
    (all.times.len() as u64 == runs).then(|| cell(variant, &all))
}

fn cell(variant: &Variant, all: &Runs) -> Cell {
    let mut histogram = verdict::latency_histogram();
    let mut decided: Vec<u64> = all.times.iter().flatten().copied().collect();
    decided.sort_unstable();
    for &time in &decided {
        histogram.saturating_record(time);
    }
    let runs = all.times.len() as u64;
    let undecided = |&at_ns: &u64| {
        let by_then = decided.partition_point(|&time| time <= at_ns) as u64;
        Undecided {
            at_ns,
            runs: runs - by_then,
            share: share(runs - by_then, runs),
        }
    };
    let last = variant.at_ns.last().copied().unwrap_or(1);
    Cell {
        agents: variant.agents,
        stores: variant.stores,
        adversary: variant.adversary.clone(),
        retry: variant.retry.clone(),
        runs,
        impossible: variant.scenario.as_ref().err().cloned(),
        violations: all.violations,
        cut: all.cut,
        undecided: variant.at_ns.iter().map(undecided).collect(),
        survival: spread(last).iter().map(undecided).collect(),
        first_decision_ns: verdict::latency(&histogram),
        times: histogram,
    }
}

/// Times up to `last`, evenly spread on a log scale over four decades, in whole nanoseconds.
fn spread(last: u64) -> Vec<u64> {
    // Tenths of a decade, in parts of a thousand: no float has a say in which times are asked for.
    const TENTHS: [u64; POINTS_PER_DECADE] =
        [1000, 1259, 1585, 1995, 2512, 3162, 3981, 5012, 6310, 7943];
    let decades = [10_000, 1000, 100, 10].map(|divisor| last / divisor);
    let mut times: Vec<u64> = decades
        .iter()
        .flat_map(|decade| TENTHS.map(|tenth| decade * tenth / 1000))
        .chain([last])
        .filter(|&time| time > 0)
        .collect();
    times.dedup();
    times
}
