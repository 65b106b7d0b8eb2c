//! What a run of replicas came to: operations by kind, what was decided and answered, how its history was judged.

use serde::Serialize;

use super::Latency;

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

/// What is counted in a run of replicas.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct LogCounts {
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
    /// On buckets: operations on objects, several for each of those, those of starts among them. 0 elsewhere.
    #[serde(skip_serializing_if = "is_zero")]
    pub object_ops: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What a clients' history was judged.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum History {
    /// Some order explains every answer.
    Linearizable,
    /// No order does.
    NotLinearizable,
    /// The search was given up.
    Unknown,
}

/// What a run of replicas came to, beside its verdict.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct LogReport {
    /// What was counted.
    #[serde(flatten)]
    pub counts: LogCounts,
    /// Operations on stores for a thousand commands and queries.
    pub ops_per_1000: u64,
    /// Requests in a slot, over the slots that are no gaps.
    pub batch: Latency,
    /// From a command's or query's first asking to its answer, ns.
    pub commit_ns: Latency,
    /// What the clients' history was judged.
    pub history: History,
    /// How many commands and queries it has.
    pub history_ops: u64,
}
