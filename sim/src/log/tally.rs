//! What a log cost: operations by kind, batches, ballots, and the time from asking to knowing.

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::report::Latency;
use crate::verdict;

/// Operations that arrived at stores, by kind.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct LogOps {
    /// Votes written.
    pub votes: u64,
    /// Heads written: promises, beats, requests.
    pub heads: u64,
    /// Reads of everybody's heads.
    pub head_reads: u64,
    /// Surveys: a read of votes and one of heads each.
    pub scans: u64,
    /// Snapshots written.
    pub snapshots: u64,
    /// Snapshots read.
    pub snapshot_reads: u64,
    /// Orders to drop what is no longer needed.
    pub drops: u64,
}

/// What a run of replicas came to, beside its verdict.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct LogReport {
    /// Commands that took effect.
    pub commands: u64,
    /// Queries that were answered, those with possibly old answers not included.
    pub queries: u64,
    /// Commands that came into the log more than once and took effect once.
    pub repeats: u64,
    /// Slots decided.
    pub slots: u64,
    /// How often somebody began to lead.
    pub leaders: u64,
    /// Ballots begun.
    pub ballots: u64,
    /// Replicas that went on from a snapshot.
    pub installs: u64,
    /// Operations that arrived at stores.
    pub ops: LogOps,
    /// Operations on stores, scans as two, for a thousand commands and queries.
    pub ops_per_1000: u64,
    /// Requests in a slot, over the slots that are no gaps.
    pub batch: Latency,
    /// From a command's or query's first asking to its answer, ns.
    pub commit_ns: Latency,
    /// What the clients' history was judged: `linearizable`, `not-linearizable` or `unknown`.
    pub history: &'static str,
    /// How many commands and queries it has.
    pub history_ops: u64,
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
            batches: Histogram::new_with_bounds(1, 1 << 16, 3).expect("these bounds are valid"),
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
