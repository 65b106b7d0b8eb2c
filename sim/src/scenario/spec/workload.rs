//! Replicas and their clients as they are written in a file.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Names;
use crate::scenario::shape::{Field, tables};
use crate::scenario::units::{Chance, Duration, Times};

/// How replicas are tuned; protocol "replicated-log" only.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::scenario) struct ReplicaSpec {
    /// The pause between two beats of a leader, and between two looks of everybody else: "20ms".
    pub(in crate::scenario) heartbeat: Option<Field<Duration>>,
    /// Looks in a row without a beat after which the leader is taken for dead: 3.
    pub(in crate::scenario) patience: Option<Field<i128>>,
    /// The longest pause before standing for leader: "20ms".
    pub(in crate::scenario) spread: Option<Field<Duration>>,
    /// Requests in a slot at most: 16.
    pub(in crate::scenario) batch: Option<Field<i128>>,
    /// Slots that are voted for and not decided at most: 8.
    pub(in crate::scenario) window: Option<Field<i128>>,
    /// Slots from one snapshot to the next: 32.
    pub(in crate::scenario) snapshot_every: Option<Field<i128>>,
    /// To how many stores a leader sends while all answer: "all" or "quorum".
    pub(in crate::scenario) send_to: Option<Field<String>>,
}

/// Who asks for what; protocol "replicated-log" only.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::scenario) struct WorkloadSpec {
    /// The state machine: "kv", "bank" or "lock".
    pub(in crate::scenario) machine: Option<Field<String>>,
    /// Clients of each agent: 1.
    pub(in crate::scenario) clients: Option<Field<i128>>,
    /// The agents that have clients; all, if none is named.
    pub(in crate::scenario) at: Option<Field<Names>>,
    /// What each client asks for in all, commands and queries: 20.
    pub(in crate::scenario) requests: Option<Field<i128>>,
    /// Closed loop: how long a client pauses after an answer: "0ms..5ms".
    pub(in crate::scenario) think: Option<Field<Times>>,
    /// Open loop instead: the time from one request to the next, whatever the answers do. What can't be
    /// asked for yet waits at the client, and its wait counts.
    pub(in crate::scenario) every: Option<Field<Times>>,
    /// The share of queries: 0.5.
    pub(in crate::scenario) reads: Option<Field<Chance>>,
    /// The share of queries that may have old answers: 0.
    pub(in crate::scenario) stale_reads: Option<Field<Chance>>,
    /// Keys, accounts or locks: 8.
    pub(in crate::scenario) keys: Option<Field<i128>>,
    /// The share of requests that go to the first key, whatever the others do: 0.
    pub(in crate::scenario) skew: Option<Field<Chance>>,
    /// How long a client waits for an answer before it asks again, possibly elsewhere: "250ms".
    pub(in crate::scenario) retry: Option<Field<Duration>>,
    /// The share of requests that a client gives up instead of asking again: 0.
    pub(in crate::scenario) give_up: Option<Field<Chance>>,
    /// Commands of a session, which then ends and is followed by another: 1000.
    pub(in crate::scenario) session: Option<Field<i128>>,
}

tables!(ReplicaSpec, WorkloadSpec);
