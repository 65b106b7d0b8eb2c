//! What a scenario means: the settings of a run, checked, with nothing left to look up.
//!
//! `scenario/spec.rs` mirrors the file, `scenario/resolve.rs` turns it into these types.

pub(crate) mod bears;
mod bears_buckets;
pub mod catalogue;
pub(crate) mod choices;
mod error;
pub mod fault;
mod histogram;
pub mod hlog;
mod keys;
pub(crate) mod matrix;
pub(crate) mod plan;
pub mod planted;
mod resolve;
mod schema;
pub mod script;
mod shape;
mod spec;
mod units;
pub mod words;
pub mod workload;
mod write;

use bivalent_core::{Contention, Envelope, Format, Layout};

use std::sync::Arc;

use crate::scenario::fault::{Delay, FaultKind, FaultRule};
use crate::scenario::planted::Planted;
use crate::scenario::script::Script;
use crate::scenario::workload::{Tuning, Workload};

pub use self::error::{ScenarioError, ScenarioErrors, printable, render};
pub use self::histogram::{HistogramError, delay_table};
pub use self::matrix::Matrix;
pub use self::schema::json_schema;

/// A scenario, ready to run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scenario {
    /// How it was named: a path, or the name of a built-in one. The first half of a coordinate.
    pub name: String,
    /// The file's text, kept so that a trace can carry it.
    pub text: String,
    /// The files it names and their texts, kept for the same reason.
    pub files: Vec<(String, String)>,
    /// One line for tables.
    pub title: String,
    /// One or two sentences that teach.
    pub summary: String,
    /// Words to select by.
    pub tags: Vec<String>,
    /// Who takes part.
    pub cluster: Cluster,
    /// How long things take, and who chooses.
    pub schedule: Schedule,
    /// What breaks.
    pub faults: Vec<FaultRule>,
    /// From here on (ns): no faults, fair scheduling.
    pub heal_ns: Option<u64>,
    /// Where a run ends at the latest.
    pub limits: Limits,
    /// What the scenario promises.
    pub expect: Expect,
    /// What a campaign may vary.
    pub fuzz: Fuzz,
    /// How replicas are tuned, if there are any.
    pub tuning: Tuning,
    /// What their clients ask for.
    pub workload: Workload,
    /// What is varied to find the price of blocking.
    pub price: Matrix,
    /// A bug for every agent, in builds that have bugs; no file says so, whoever runs it does.
    pub planted: Planted,
}

/// What a campaign may vary from run to run; nothing named, nothing varied.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Fuzz {
    /// From how many agents to how many, both included.
    pub agents: Option<(u8, u8)>,
    /// From how many stores to how many, both included.
    pub stores: Option<(u8, u8)>,
    /// Pauses after an abort to choose from.
    pub retry: Vec<Contention>,
    /// Kinds of fault that may be added.
    pub add: Vec<FaultKind>,
    /// How many faults may be added at most.
    pub at_most: u32,
}

/// Who takes part.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cluster {
    /// The protocol the agents run.
    pub protocol: Protocol,
    /// The agents' names and proposals, by agent id.
    pub agents: Vec<AgentSpec>,
    /// The stores' names, by store id.
    pub stores: Vec<String>,
    /// Blocks as bytes.
    pub layout: Layout,
    /// What the stores are like, if they are buckets of named objects; those of a log always are.
    pub bucket: Option<BucketPlan>,
    /// Quorum and staleness promised.
    pub envelope: Envelope,
}

impl Scenario {
    /// The same with every read and write of a record or a block one operation: what explorers run.
    pub(crate) fn as_explored(&self) -> Self {
        let mut scenario = self.clone();
        let cluster = &mut scenario.cluster;
        if cluster.bucket.take().is_some()
            && cluster.protocol.is_conditional()
            && let Some(usual) = cluster.protocol.usual_layout()
        {
            cluster.layout = usual;
        }
        scenario
    }
}

impl Cluster {
    /// Whether it is about one decision on stores of blocks: what can be explored, played, priced, and picked from
    /// operation by operation.
    pub fn is_decision_on_blocks(&self) -> bool {
        self.bucket.is_none() && self.protocol != Protocol::ReplicatedLog
    }

    /// Whether it is about one decision of agents on buckets.
    pub fn is_decision_on_buckets(&self) -> bool {
        self.bucket.is_some() && self.protocol != Protocol::ReplicatedLog
    }
}

/// What a scenario's buckets are like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BucketPlan {
    /// Names in a page of a listing, at least 1.
    pub page: usize,
    /// It may vanish and come back empty, as a directory does whose mount is away, and agents know that: they look at
    /// each operation whether it is still the store that it was.
    pub vanishes: bool,
}

impl Default for BucketPlan {
    /// As S3 has it: pages of 1,000 names, and nothing vanishes.
    fn default() -> Self {
        Self {
            page: 1000,
            vanishes: false,
        }
    }
}

/// An agent of a scenario.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AgentSpec {
    /// Its name.
    pub name: String,
    /// What it proposes; nothing, if it is a replica. Value `i + 1` stands for the `i`-th distinct proposal in agent
    /// order.
    pub proposal: String,
}

/// A protocol of the core.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
    /// Disk Paxos, one decision: a block for each agent on each store, reads and writes.
    DiskPaxos,
    /// Paxos over acceptor records, one decision: a record a store, conditional writes.
    AcceptorRecords,
    /// Put-if-absent, one decision: who writes a store's record first has it for ever.
    PutIfAbsent,
    /// A log of decisions over Disk Paxos, with a leader: replicated state machines.
    ReplicatedLog,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::DiskPaxos,
        Self::AcceptorRecords,
        Self::PutIfAbsent,
        Self::ReplicatedLog,
    ];

    /// Whether all agents share one record a store and change it by conditional writes only.
    pub const fn is_conditional(self) -> bool {
        match self {
            Self::DiskPaxos | Self::ReplicatedLog => false,
            Self::AcceptorRecords | Self::PutIfAbsent => true,
        }
    }

    /// The word for it in files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DiskPaxos => "disk-paxos",
            Self::AcceptorRecords => "acceptor-records",
            Self::PutIfAbsent => "put-if-absent",
            Self::ReplicatedLog => "replicated-log",
        }
    }
}

/// How long things take, and who chooses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Schedule {
    /// The seed of a run that names none.
    pub seed: u64,
    /// Who chooses what happens next.
    pub adversary: Adversary,
    /// How long a read takes.
    pub read: Delay,
    /// How long a write takes.
    pub write: Delay,
    /// How long an agent pauses after an abort (ns).
    pub retry: Contention,
    /// How long an agent waits for an answer before it asks again (ns).
    pub timeout_ns: u64,
    /// Operations that may take effect while one is held back; the one that has waited longer goes next.
    pub patience: u64,
    /// Agents that an adversary may crash.
    pub crashes: u32,
    /// Agents start evenly spread over this time (ns), at random points.
    pub start_ns: u64,
    /// The choices of a recorded run, which every run follows as far as they fit, whatever its seed; where
    /// they end, the first possible choice is made.
    pub choices: Option<Arc<[u32]>>,
}

/// Who chooses what happens next: which pending operation takes effect, never what it does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Adversary {
    /// Delays are drawn at random.
    Random,
    /// Every operation takes the mean delay: first asked, first served.
    Fair,
    /// Two agents (by index) are let run in turn, each up to the point where it has a ballot that
    /// undoes the other's attempt.
    Duel(u16, u16),
    /// Agents have priorities, drawn at the start; at some moments, drawn too, the first becomes the
    /// last (Burckhardt et al. 2010, probabilistic concurrency testing).
    Pct {
        /// At so many moments less one.
        depth: u32,
        /// They lie within the first so many picks; none: about those of one attempt of every agent.
        within: Option<u64>,
    },
    /// Operations have priorities, drawn when they are asked for; when one takes effect, those it
    /// conflicts with get new ones (Yuan, Yang and Gu 2018, partial order sampling).
    Pos,
    /// The order in which agents get their turns is drawn before the run and looks at nothing in it.
    Oblivious,
    /// Sees operations and what they read and write, not what agents think: holds votes and what might
    /// confirm them back.
    ContentAware,
    /// Sees everything, and looks one step ahead: takes the step that is worst for a decision.
    StateAware,
    /// Knows which values can still be decided after each step, and keeps there more than one. Small
    /// systems only.
    KeepBivalent,
    /// Operations take effect in this order, and no others do.
    Script(Arc<Script>),
}

impl Adversary {
    /// Whether it picks each operation that takes effect, instead of drawing or holding delays.
    pub const fn picks(&self) -> bool {
        match self {
            Self::Random | Self::Fair | Self::Duel(..) => false,
            Self::Pct { .. }
            | Self::Pos
            | Self::Oblivious
            | Self::ContentAware
            | Self::StateAware
            | Self::KeepBivalent
            | Self::Script(_) => true,
        }
    }

    /// Whether it names agents, and whether it names stores: then none of them can be left out.
    pub(crate) const fn names(&self) -> (bool, bool) {
        match self {
            Self::Duel(..) => (true, false),
            Self::Script(_) => (true, true),
            Self::Random
            | Self::Fair
            | Self::Pct { .. }
            | Self::Pos
            | Self::Oblivious
            | Self::ContentAware
            | Self::StateAware
            | Self::KeepBivalent => (false, false),
        }
    }

    /// Who chooses at first: somebody else, if it is a script that takes a run over.
    pub fn at_first(&self) -> &Self {
        let Self::Script(script) = self else {
            return self;
        };
        if script.from == 0 {
            return self;
        }
        script.before.as_deref().unwrap_or(&Self::Random)
    }

    /// The step after which a script takes the run over, if that is not at once.
    pub(crate) fn takes_over(&self) -> Option<u64> {
        let Self::Script(script) = self else {
            return None;
        };
        (script.from > 0).then_some(script.from)
    }

    /// Whether it may hold operations back, and not for ever.
    pub const fn has_patience(&self) -> bool {
        self.picks() && !matches!(self, Self::Script(_))
    }

    /// Whether what it does depends on what happens in the run.
    pub const fn is_adaptive(&self) -> bool {
        match self {
            Self::Random
            | Self::Fair
            | Self::Pct { .. }
            | Self::Pos
            | Self::Oblivious
            | Self::Script(_) => false,
            Self::Duel(..) | Self::ContentAware | Self::StateAware | Self::KeepBivalent => true,
        }
    }
}

/// Where a run ends at the latest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// After this many steps.
    pub steps: u64,
    /// At this virtual time (ns).
    pub time_ns: u64,
    /// No decision for this long (ns) is a stall.
    pub stall_ns: u64,
}

/// What the scenario promises.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Expect {
    /// Properties that hold in every run.
    pub always: Vec<Property>,
    /// How a run ends.
    pub outcome: Expected,
    /// The kind of the stall that is expected, if one is.
    pub stall: Option<StallKind>,
    /// The seeds to run; none: just the schedule's seed. For a violation: run until it is found.
    pub seeds: Option<(u64, u64)>,
    /// What must be decided, if anything particular.
    pub value: Option<String>,
}

/// How a run is expected to end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expected {
    /// Safe, whatever comes of it.
    Any,
    /// Every agent that is up at the end decides, and no stall comes.
    Decide,
    /// A stall comes. With a heal: and every agent decides within this time (ns) after it.
    Stall {
        /// After the heal: a decision within (ns), or none expected (`None`).
        heals_within_ns: Option<u64>,
    },
    /// A stall comes that no healing ends.
    Wedge,
    /// Stalls may come, and an agent that is then left alone decides: no wedge.
    Unwedged,
    /// A property is broken in one of the seeds: the scenario lies outside the envelope.
    Violation(Property),
    /// A property is broken, or a wedge comes, in one of the seeds.
    ViolationOrWedge(Property),
}

/// What an oracle judges.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Property {
    /// No two incarnations decide differently.
    Agreement,
    /// What is decided was proposed.
    Validity,
    /// No incarnation changes its decision.
    Integrity,
    /// The simulated stores behave as configured.
    StoreModel,
    /// The paper's invariants 4c and 5, in the form that bears stale stores.
    Invariants,
    /// Replicas that have applied the same slots are in the same state.
    Replicas,
    /// No command of a session takes effect twice, or not at all although it was answered.
    ExactlyOnce,
    /// What is decided stays on as many stores as any quorum meets.
    Durability,
    /// The clients' history has an order that explains every answer.
    Linearizability,
    /// The state machine's own promise: a total, a rising token.
    Machine,
}

impl Property {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Agreement,
        Self::Validity,
        Self::Integrity,
        Self::StoreModel,
        Self::Invariants,
        Self::Replicas,
        Self::ExactlyOnce,
        Self::Durability,
        Self::Linearizability,
        Self::Machine,
    ];

    /// The word for it in files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agreement => "agreement",
            Self::Validity => "validity",
            Self::Integrity => "integrity",
            Self::StoreModel => "store-model",
            Self::Invariants => "invariants",
            Self::Replicas => "replicas",
            Self::ExactlyOnce => "exactly-once",
            Self::Durability => "durability",
            Self::Linearizability => "linearizability",
            Self::Machine => "machine",
        }
    }
}

/// Why there is no decision.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum StallKind {
    /// Agents pre-empt each other.
    Contention,
    /// Fewer stores than a quorum answer.
    NoQuorum,
    /// No undecided agent is up.
    NoAgent,
    /// An agent is up and a quorum answers, but what it asked for is not answered.
    Starved,
    /// A fault-free solo run from here does not decide either.
    Wedged,
}

impl StallKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Contention,
        Self::NoQuorum,
        Self::NoAgent,
        Self::Starved,
        Self::Wedged,
    ];

    /// The word for it in files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contention => "contention",
            Self::NoQuorum => "no-quorum",
            Self::NoAgent => "no-agent",
            Self::Starved => "starved",
            Self::Wedged => "wedged",
        }
    }
}
