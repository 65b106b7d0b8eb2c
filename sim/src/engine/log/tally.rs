//! What a log cost: operations by kind, batches, ballots, and the time from asking to knowing.

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::judge::report::{History, Latency, LogCounts, LogOps};
use crate::judge::verdict;

/// What many runs of replicas came to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct LogSum {
    /// What was counted, summed.
    #[serde(flatten)]
    pub counts: LogCounts,
    /// Histories that some order explains.
    pub linearizable: u64,
    /// Histories that no order explains.
    pub not_linearizable: u64,
    /// Histories whose search was given up.
    pub unknown: u64,
    /// Requests in a slot, over the slots that are no gaps.
    pub batch: Latency,
    /// Operations on stores for a thousand commands and queries, over the runs.
    pub ops_per_1000: Latency,
    /// Ballots begun for a thousand decisions, over the runs.
    pub ballots_per_1000: Latency,
}

impl LogCounts {
    /// Operations on stores for a thousand commands and queries.
    pub fn ops_per_1000(&self) -> u64 {
        let done = self.commands + self.queries;
        (self.store_ops() * 1000).checked_div(done).unwrap_or(0)
    }

    /// Operations that arrived at stores, as stores know them.
    pub fn store_ops(&self) -> u64 {
        self.ops.total().max(self.object_ops)
    }

    /// Ballots begun for a thousand decisions.
    pub fn ballots_per_1000(&self) -> u64 {
        (self.ballots * 1000).checked_div(self.slots).unwrap_or(0)
    }

    fn add(&mut self, more: &Self) {
        self.commands += more.commands;
        self.queries += more.queries;
        self.repeats += more.repeats;
        self.slots += more.slots;
        self.leaders += more.leaders;
        self.ballots += more.ballots;
        self.installs += more.installs;
        self.ops.votes += more.ops.votes;
        self.ops.heads += more.ops.heads;
        self.ops.head_reads += more.ops.head_reads;
        self.ops.scans += more.ops.scans;
        self.ops.snapshots += more.ops.snapshots;
        self.ops.snapshot_reads += more.ops.snapshot_reads;
        self.ops.drops += more.ops.drops;
        self.object_ops += more.object_ops;
    }
}

impl LogSum {
    /// Adds one run.
    pub(crate) fn add_run(&mut self, counts: &LogCounts, history: History) {
        self.counts.add(counts);
        match history {
            History::Linearizable => self.linearizable += 1,
            History::NotLinearizable => self.not_linearizable += 1,
            History::Unknown => self.unknown += 1,
        }
    }

    /// Adds the sum of other runs.
    pub(crate) fn add(&mut self, more: &Self) {
        self.counts.add(&more.counts);
        self.linearizable += more.linearizable;
        self.not_linearizable += more.not_linearizable;
        self.unknown += more.unknown;
    }
}

/// How batches, costs and ballots are spread over many runs.
#[derive(Clone, Debug)]
pub(crate) struct LogShapes {
    batches: Histogram<u64>,
    ops: Histogram<u64>,
    ballots: Histogram<u64>,
}

impl LogShapes {
    pub(crate) fn new() -> Self {
        let wide = || Histogram::new_with_bounds(1, 1 << 32, 3).expect("these bounds are valid");
        Self {
            batches: batch_histogram(),
            ops: wide(),
            ballots: wide(),
        }
    }

    /// Adds one run.
    pub(crate) fn add_run(&mut self, counts: &LogCounts, sizes: &Histogram<u64>) {
        self.batches.add(sizes).expect("both have the same bounds");
        self.ops.saturating_record(counts.ops_per_1000());
        self.ballots.saturating_record(counts.ballots_per_1000());
    }

    /// Adds other runs.
    pub(crate) fn add(&mut self, more: &Self) {
        let pairs = [
            (&mut self.batches, &more.batches),
            (&mut self.ops, &more.ops),
            (&mut self.ballots, &more.ballots),
        ];
        for (sum, more) in pairs {
            sum.add(more).expect("both have the same bounds");
        }
    }

    /// Puts its percentiles into a sum.
    pub(crate) fn tell(&self, sum: &mut LogSum) {
        sum.batch = verdict::latency(&self.batches);
        sum.ops_per_1000 = verdict::latency(&self.ops);
        sum.ballots_per_1000 = verdict::latency(&self.ballots);
    }
}

/// A histogram of batch sizes.
fn batch_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 1 << 16, 3).expect("these bounds are valid")
}

/// The counters of a run in the making.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) ops: LogOps,
    pub(super) queries: u64,
    pub(super) leaders: u64,
    pub(super) ballots: u64,
    pub(super) installs: u64,
    pub(super) batches: Histogram<u64>,
    /// Times from first asking to knowing, ticks.
    pub(super) commits: Vec<u64>,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            ops: LogOps::default(),
            queries: 0,
            leaders: 0,
            ballots: 0,
            installs: 0,
            batches: batch_histogram(),
            commits: Vec::new(),
        }
    }

    pub(super) fn reset(&mut self) {
        self.ops = LogOps::default();
        self.queries = 0;
        self.leaders = 0;
        self.ballots = 0;
        self.installs = 0;
        self.batches.reset();
        self.commits.clear();
    }

    /// Sizes of batches.
    pub(super) fn batch(&self) -> Latency {
        verdict::latency(&self.batches)
    }
}

impl LogOps {
    /// All of them; a scan counts as two.
    pub const fn total(self) -> u64 {
        self.votes
            + self.heads
            + self.head_reads
            + 2 * self.scans
            + self.snapshots
            + self.snapshot_reads
            + self.drops
    }
}
