//! Campaigns: one scenario, many seeds, in the order of the seeds whatever the number of threads.

pub mod failure;
pub mod fuzz;
pub mod guard;
pub mod price;
pub mod shrink;
pub mod trace;

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

use hdrhistogram::Histogram;

use crate::{
    engine::{
        fingerprint::Fingerprint,
        log::{LogShapes, LogSum},
        runner::Runner,
    },
    judge::{
        report::{FaultCount, Latency, Outcome, RunReport},
        verdict,
    },
    pool,
    scenario::{Property, Scenario},
};

/// Seeds that a thread takes at a time.
const CHUNK: u64 = 256;

/// Which seed ends a campaign.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Policy {
    /// None: all are run.
    All,
    /// The first that breaks this property as the scenario expects.
    UntilViolation(Property),
    /// The first that breaks this property, or wedges, as the scenario expects.
    UntilViolationOrWedge(Property),
    /// The first that is not as expected.
    UntilUnexpected,
}

/// Which reports a campaign gives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keep {
    /// One for every run.
    Every,
    /// Unexpected runs, and the last one.
    Notable,
}

/// What a campaign came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Summary {
    /// How many seeds were run.
    pub runs: u64,
    /// How many were as the scenario expects.
    pub as_expected: u64,
    /// How many decided.
    pub decided: u64,
    /// How many stalled.
    pub stalled: u64,
    /// How many broke a property.
    pub unsafe_: u64,
    /// How many ended first.
    pub inconclusive: u64,
    /// Events taken in all.
    pub steps: u64,
    /// Reads and writes in all.
    pub store_ops: u64,
    /// A hash over all runs' fingerprints, in the order of the seeds.
    pub fingerprint: u64,
    /// Faults of each kind that the scenario can inject, summed.
    pub faults: BTreeMap<&'static str, FaultCount>,
    /// Time to decision over all agents of all runs.
    pub latency: Latency,
    /// It was stopped before its end.
    pub interrupted: bool,
    /// The first seed that was not as expected.
    pub first_unexpected: Option<u64>,
    /// The seed that ended it by its policy.
    pub found: Option<u64>,
    /// What the logs came to, if these were runs of replicas.
    pub log: Option<LogSum>,
    /// Kinds of fault that the scenario asks for and that landed in no run.
    pub never_landed: Vec<&'static str>,
}

/// One run, small enough to keep by the million for a moment.
struct Row {
    seed: u64,
    outcome: Outcome,
    as_expected: bool,
    steps: u64,
    store_ops: u64,
    fingerprint: u64,
    report: Option<Box<RunReport>>,
}

/// A chunk of runs.
struct Chunk {
    rows: Vec<Row>,
    faults: BTreeMap<&'static str, FaultCount>,
    times: Histogram<u64>,
    log: Option<LogSum>,
    shapes: Option<LogShapes>,
}

/// Runs seeds in order; `each` gets the reports in that order, `progress` the number of runs done.
///
/// Nothing it returns depends on `jobs`. Setting `stop` ends it after the seeds at hand.
#[expect(
    clippy::too_many_arguments,
    reason = "each is one plain setting of a campaign"
)]
pub fn run_seeds(
    scenario: &Scenario,
    seeds: Range<u64>,
    jobs: usize,
    policy: Policy,
    keep: Keep,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64) + Sync),
    each: &mut dyn FnMut(RunReport),
) -> Summary {
    let mut total = Total::new(seeds.start);
    let work = |runner: &mut Runner, number: u64| {
        let from = seeds.start + number * CHUNK;
        let to = seeds.end.min(from.saturating_add(CHUNK));
        run_chunk(scenario, runner, from..to, policy, keep, stop)
    };
    let chunks = (seeds.end.saturating_sub(seeds.start)).div_ceil(CHUNK);
    let take = |chunk: Chunk| {
        let go_on = total.take(chunk, policy, keep, each);
        progress(total.summary.runs);
        go_on && !stop.load(Ordering::Relaxed)
    };
    pool::in_order(chunks, jobs, || Runner::new(scenario), work, take);
    let done = total.summary.runs == seeds.end.saturating_sub(seeds.start);
    let mut summary = total.finish(scenario, keep, each);
    summary.interrupted = !done && summary.found.is_none();
    summary
}

fn ends(policy: Policy, as_expected: bool) -> bool {
    match policy {
        Policy::All => false,
        Policy::UntilViolation(_) | Policy::UntilViolationOrWedge(_) => as_expected,
        Policy::UntilUnexpected => !as_expected,
    }
}

fn run_chunk(
    scenario: &Scenario,
    runner: &mut Runner,
    seeds: Range<u64>,
    policy: Policy,
    keep: Keep,
    stop: &AtomicBool,
) -> Chunk {
    let mut chunk = Chunk {
        rows: Vec::with_capacity(CHUNK as usize),
        faults: BTreeMap::new(),
        times: verdict::latency_histogram(),
        log: None,
        shapes: None,
    };
    for seed in seeds {
        let end = runner.run(seed);
        let (outcome, as_expected) = runner.judge(scenario, end);
        let ended = ends(policy, as_expected);
        let searching = matches!(
            policy,
            Policy::UntilViolation(_) | Policy::UntilViolationOrWedge(_)
        );
        let notable =
            (!as_expected && !searching) || ended || outcome == Outcome::Unsafe && !as_expected;
        let reports = keep == Keep::Every || notable;
        let report = reports.then(|| Box::new(runner.report(scenario, seed, end)));
        let run = runner.finished();
        run.latencies(&mut |ns| chunk.times.saturating_record(ns));
        if let Some((counts, history, sizes)) = run.log_counts() {
            chunk.log.get_or_insert_default().add_run(&counts, history);
            let shapes = chunk.shapes.get_or_insert_with(LogShapes::new);
            shapes.add_run(&counts, sizes);
        }
        for (kind, count) in run.faults() {
            add(chunk.faults.entry(kind.name()).or_default(), count);
        }
        chunk.rows.push(Row {
            seed,
            outcome,
            as_expected,
            steps: run.steps(),
            store_ops: run.store_ops(),
            fingerprint: run.fingerprint(),
            report,
        });
        if ended || stop.load(Ordering::Relaxed) {
            break;
        }
    }
    chunk
}

fn add(sum: &mut FaultCount, count: FaultCount) {
    sum.drawn += count.drawn;
    sum.landed += count.landed;
    sum.observed += count.observed;
}

/// The sum so far.
struct Total {
    summary: Summary,
    hash: Fingerprint,
    times: Histogram<u64>,
    shapes: Option<LogShapes>,
    last_seed: u64,
    last_given: bool,
}

impl Total {
    fn new(first: u64) -> Self {
        let summary = Summary {
            runs: 0,
            as_expected: 0,
            decided: 0,
            stalled: 0,
            unsafe_: 0,
            inconclusive: 0,
            steps: 0,
            store_ops: 0,
            fingerprint: 0,
            faults: BTreeMap::new(),
            latency: Latency::default(),
            interrupted: false,
            first_unexpected: None,
            found: None,
            log: None,
            never_landed: Vec::new(),
        };
        Self {
            summary,
            hash: Fingerprint::new(),
            times: verdict::latency_histogram(),
            shapes: None,
            last_seed: first,
            last_given: false,
        }
    }

    /// Adds a chunk; false if its last seed ends the campaign.
    fn take(
        &mut self,
        chunk: Chunk,
        policy: Policy,
        keep: Keep,
        each: &mut dyn FnMut(RunReport),
    ) -> bool {
        let summary = &mut self.summary;
        for row in chunk.rows {
            summary.runs += 1;
            summary.as_expected += u64::from(row.as_expected);
            let counter = match row.outcome {
                Outcome::Decided => &mut summary.decided,
                Outcome::Stalled => &mut summary.stalled,
                Outcome::Unsafe => &mut summary.unsafe_,
                Outcome::Inconclusive => &mut summary.inconclusive,
            };
            *counter += 1;
            summary.steps += row.steps;
            summary.store_ops += row.store_ops;
            self.hash.mix(row.seed, row.fingerprint);
            if !row.as_expected {
                summary.first_unexpected.get_or_insert(row.seed);
            }
            if ends(policy, row.as_expected) {
                summary.found = Some(row.seed);
            }
            self.last_seed = row.seed;
            self.last_given = row.report.is_some();
            if let Some(report) = row.report {
                each(*report);
            }
        }
        for (kind, count) in chunk.faults {
            add(summary.faults.entry(kind).or_default(), count);
        }
        self.times
            .add(&chunk.times)
            .expect("both have the same bounds");
        if let Some(sum) = &chunk.log {
            summary.log.get_or_insert_default().add(sum);
        }
        if let Some(more) = &chunk.shapes {
            self.shapes.get_or_insert_with(LogShapes::new).add(more);
        }
        let _ = keep;
        summary.found.is_none()
    }

    fn finish(
        mut self,
        scenario: &Scenario,
        keep: Keep,
        each: &mut dyn FnMut(RunReport),
    ) -> Summary {
        if keep == Keep::Notable && !self.last_given && self.summary.runs > 0 {
            each(run_one(scenario, self.last_seed));
        }
        // A script that takes a run over cuts the scenario's own faults off: that they have not come is no news.
        let cut = scenario.schedule.adversary.takes_over().is_some();
        let silent = self
            .summary
            .faults
            .iter()
            .filter(|(_, count)| !cut && count.landed == 0);
        self.summary.never_landed = silent.map(|(kind, _)| *kind).collect();
        self.summary.fingerprint = self.hash.value();
        self.summary.latency = verdict::latency(&self.times);
        if let (Some(log), Some(shapes)) = (&mut self.summary.log, &self.shapes) {
            shapes.tell(log);
        }
        self.summary
    }
}

/// Runs one seed.
pub fn run_one(scenario: &Scenario, seed: u64) -> RunReport {
    let mut runner = Runner::new(scenario);
    let end = runner.run(seed);
    runner.report(scenario, seed, end)
}
