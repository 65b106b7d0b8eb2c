//! Workloads: what the clients of replicas ask for, and how replicas are tuned.

use bivalent_core::{Heartbeat, Spread};

use crate::scenario::fault::Span;

const MS: u64 = 1_000_000;

/// How replicas are tuned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tuning {
    /// When leaders are taken for dead.
    pub heartbeat: Heartbeat,
    /// Requests in a slot at most.
    pub batch: u16,
    /// Slots that are voted for and not decided at most.
    pub window: u16,
    /// Slots from one snapshot to the next.
    pub snapshot_every: u64,
    /// To how many stores a leader sends.
    pub spread: Spread,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            heartbeat: Heartbeat {
                every: 20 * MS,
                patience: 3,
                spread: 20 * MS,
            },
            batch: 16,
            window: 8,
            snapshot_every: 32,
            spread: Spread::All,
        }
    }
}

/// Which state machine is replicated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MachineKind {
    /// A map with compare-and-swap.
    Kv,
    /// A bank whose total never changes.
    Bank,
    /// Locks with fencing tokens.
    Lock,
}

impl MachineKind {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Kv, Self::Bank, Self::Lock];

    /// The name in scenario files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kv => "kv",
            Self::Bank => "bank",
            Self::Lock => "lock",
        }
    }
}

/// When a client asks for the next thing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pace {
    /// So long after the answer to the last one.
    Closed(Span),
    /// So long after it asked, or wanted to ask, for the last one.
    Open(Span),
}

/// What clients ask for. Shares are parts of a billion, times nanoseconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Workload {
    /// Of which machine.
    pub machine: MachineKind,
    /// Clients of each agent.
    pub clients: u32,
    /// The agents that have clients, as a set.
    pub at: u128,
    /// What each client asks for in all.
    pub requests: u32,
    /// When it does.
    pub pace: Pace,
    /// The share of queries.
    pub reads: u32,
    /// The share of queries that may have old answers.
    pub stale_reads: u32,
    /// Keys, accounts or locks.
    pub keys: u32,
    /// The share of requests that go to the first key, whatever the others do.
    pub skew: u32,
    /// How long a client waits before it asks again.
    pub retry_ns: u64,
    /// The share of requests given up instead.
    pub give_up: u32,
    /// Commands of a session.
    pub session: u32,
}

impl Default for Workload {
    fn default() -> Self {
        Self {
            machine: MachineKind::Kv,
            clients: 1,
            at: u128::MAX,
            requests: 20,
            pace: Pace::Closed(Span {
                min: 0,
                max: 5 * MS,
            }),
            reads: 500_000_000,
            stale_reads: 0,
            keys: 8,
            skew: 0,
            retry_ns: 250 * MS,
            give_up: 0,
            session: 1000,
        }
    }
}
