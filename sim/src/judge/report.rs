//! What a run came to, as other programs read it: the JSON object of the contract.

mod replicas;

use std::collections::BTreeMap;

use serde::Serialize;

pub use replicas::{History, LogCounts, LogOps, LogReport};

/// One run. Field names and order are fixed: other programs read them.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct RunReport {
    /// The scenario's name: a path, or the name of a built-in one.
    pub scenario: String,
    /// The seed, 0x-hex.
    pub seed: String,
    /// `SCENARIO@SEED`, with `#STEP` where a step is of interest.
    pub coordinate: String,
    /// The protocol's name.
    pub protocol: &'static str,
    /// How many agents.
    pub agents: u32,
    /// How many stores.
    pub stores: u32,
    /// What happened.
    pub outcome: Outcome,
    /// What the scenario promises, in words.
    pub expected: String,
    /// The verdict against the scenario's `[expect]`.
    pub as_expected: bool,
    /// Events taken.
    pub steps: u64,
    /// Reads and writes that arrived at a store.
    pub store_ops: u64,
    /// Virtual time at the end, ns.
    pub virtual_ns: u64,
    /// How many agents have decided.
    pub decided: u32,
    /// The run's fingerprint, 16 hex digits.
    pub fingerprint: String,
    /// Broken properties, in the order of their steps.
    pub violations: Vec<Violation>,
    /// Stalls, in order.
    pub stalls: Vec<Stall>,
    /// How fair the schedule was.
    pub fairness: Fairness,
    /// The entry at which a script could not go on, in words: nobody had that operation in flight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script_stuck: Option<String>,
    /// Every kind of fault that the run could inject.
    pub faults: BTreeMap<&'static str, FaultCount>,
    /// Whether the faults stayed inside what the protocol promises to survive.
    pub envelope: EnvelopeReport,
    /// Time to decision over the agents that decided, ns from the start of the run.
    pub latency_ns: Latency,
    /// Of replicated state machines: what their log cost and came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<LogReport>,
}

/// What happened.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Every agent that is up has decided.
    Decided,
    /// A stall was open at the end, or came and healed only because the scenario healed everything.
    Stalled,
    /// A property was broken.
    Unsafe,
    /// The budget ended first.
    Inconclusive,
}

/// A broken property.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Violation {
    /// Its name: `agreement`, `validity`, `integrity`, `store-model`, `invariant-4c`, `invariant-5`.
    pub property: &'static str,
    /// The step at which it broke.
    pub step: u64,
    /// Both witnesses, in words.
    pub detail: String,
}

/// A stall.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Stall {
    /// Its kind, by the name of a `StallKind`.
    pub kind: &'static str,
    /// The step of the last decision before it, or of the start.
    pub from_step: u64,
    /// The step at which it ended, or the run did.
    pub to_step: u64,
    /// The same in virtual time, ns.
    pub from_ns: u64,
    /// The same in virtual time, ns.
    pub to_ns: u64,
    /// The undecided agents that are up, by name.
    pub agents: Vec<String>,
    /// The rounds of the lowest and the highest ballot in use at its start and when it was judged.
    pub ballots: [u64; 2],
    /// Whether a fault-free solo run from this very state decides.
    pub heals: bool,
}

/// How fair a schedule was to operations and agents.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Fairness {
    /// The most operations that took effect while an adversary held one back; 0 without one.
    pub longest_wait_ops: u64,
    /// The longest that it was held back beyond the delay drawn for it, ns.
    pub longest_wait_ns: u64,
    /// The fewest steps that an agent took that is up at the end.
    pub least_steps: u64,
}

/// How often a kind of fault struck.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct FaultCount {
    /// It was chosen.
    pub drawn: u64,
    /// It changed something: a store, an answer, an order.
    pub landed: u64,
    /// An agent then read or met the change.
    pub observed: u64,
}

/// Whether the faults stayed inside what the protocol promises to survive.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct EnvelopeReport {
    /// Nothing in `exceeded`.
    pub within: bool,
    /// What went beyond, in words.
    pub exceeded: Vec<String>,
}

/// Percentiles of a latency.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Latency {
    /// How many values.
    pub count: u64,
    /// Median, ns.
    pub p50: u64,
    /// 90th percentile, ns.
    pub p90: u64,
    /// 99th percentile, ns.
    pub p99: u64,
    /// Greatest, ns.
    pub max: u64,
}
