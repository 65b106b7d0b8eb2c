//! The scenario file as it is written: every key, nothing resolved.
//!
//! Each key is a [`Field`], so that what is wrong is kept with its place. Each kind of fault is its
//! own optional table: an internally tagged enum, or `flatten`, would lose the places.

mod faults;
mod workload;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess};

pub(super) use self::faults::{
    DelayFaultSpec, FaultSpec, RotSpec, ScopeSpec, SkewSpec, SlowSpec, StaleListingSpec,
    StaleReadSpec, TornSpec, WhenSpec,
};
pub(super) use self::workload::{ReplicaSpec, WorkloadSpec};
use super::shape::{Entries, Field, Flaw, Shape, tables};
use super::units::{Counts, Duration, Size, Times};

/// A scenario of Bivalent: who takes part, what breaks, and what is promised.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "Bivalent scenario")]
pub(super) struct Spec {
    /// One line for tables.
    #[schemars(required)]
    pub(super) title: Option<Field<String>>,
    /// One or two sentences that teach.
    #[schemars(required)]
    pub(super) summary: Option<Field<String>>,
    /// Words to select by.
    pub(super) tags: Option<Field<Vec<Field<String>>>>,
    /// Who takes part.
    pub(super) cluster: Option<Field<ClusterSpec>>,
    /// How long things take, and who chooses.
    pub(super) schedule: Option<Field<ScheduleSpec>>,
    /// How replicas are tuned; protocol "replicated-log" only.
    pub(super) replica: Option<Field<ReplicaSpec>>,
    /// Who asks for what; protocol "replicated-log" only.
    pub(super) workload: Option<Field<WorkloadSpec>>,
    /// What breaks.
    pub(super) fault: Option<Field<Vec<Field<FaultSpec>>>>,
    /// From here on: no faults, fair scheduling.
    pub(super) heal: Option<Field<HealSpec>>,
    /// Where a run ends at the latest.
    pub(super) limits: Option<Field<LimitsSpec>>,
    /// What the scenario promises.
    pub(super) expect: Option<Field<ExpectSpec>>,
    /// What a campaign may vary.
    pub(super) fuzz: Option<Field<FuzzSpec>>,
    /// What `bivalent price` varies.
    pub(super) price: Option<Field<PriceSpec>>,
}

/// Who takes part.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ClusterSpec {
    /// The protocol: "disk-paxos", "acceptor-records", "put-if-absent" or "replicated-log".
    pub(super) protocol: Option<Field<String>>,
    /// How many agents (a1, a2, .. proposing v1, v2, ..), a list of names, or a table of names and proposals.
    /// Replicas propose what their clients ask for: theirs are a number or a list.
    #[schemars(required)]
    pub(super) agents: Option<Field<AgentsSpec>>,
    /// How many stores (s1, s2, ..), or a list of names.
    #[schemars(required)]
    pub(super) stores: Option<Field<StoresSpec>>,
    /// Blocks as bytes; 512 bytes in sectors of 64, dual. A record that all agents share is 512 bytes, checked,
    /// and has no sectors; a replicated log's blocks are all versioned and have neither size nor sectors.
    pub(super) block: Option<Field<BlockSpec>>,
    /// Stores are buckets of named objects, and agents do there what they do on real ones: list, get, put on conditions,
    /// delete. Those of a log, of records and of versioned blocks are; `false` has reads and writes of records and of
    /// versioned blocks be one operation each, as explorers run them.
    pub(super) bucket: Option<Field<BucketSpec>>,
    /// How many stores a phase must complete on; as few as are safe.
    pub(super) quorum: Option<Field<i128>>,
    /// How many stores may answer with old versions: a number over the run, or { per-reader = 1 }.
    /// Where writes have conditions, how many may forget what they took.
    pub(super) stale: Option<Field<StaleSpec>>,
}

/// How many agents, or which, each with its proposal if it has one of its own.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
pub(super) enum AgentsSpec {
    /// How many.
    Count(#[schemars(range(min = 1, max = 128))] i128),
    /// Their names; the first proposes v1.
    Listed(Vec<Field<String>>),
    /// Names and proposals.
    Named(#[schemars(with = "std::collections::BTreeMap<String, String>")] Entries<String>),
}

impl Shape for AgentsSpec {
    const EXPECTED: &'static str =
        "a number, a list like [\"a1\", \"a2\"], or a table like { a1 = \"0\", a2 = \"1\" }";

    fn whole(number: i128) -> Result<Self, Flaw> {
        Ok(Self::Count(number))
    }

    fn array<'de, A: SeqAccess<'de>>(array: A) -> Result<Result<Self, Flaw>, A::Error> {
        Deserialize::deserialize(SeqAccessDeserializer::new(array))
            .map(|names| Ok(Self::Listed(names)))
    }

    fn table<'de, A: MapAccess<'de>>(table: A) -> Result<Result<Self, Flaw>, A::Error> {
        Entries::read(table).map(|entries| Ok(Self::Named(entries)))
    }
}

/// How many stores, or which.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
pub(super) enum StoresSpec {
    /// How many.
    Count(#[schemars(range(min = 1, max = 16))] i128),
    /// Their names.
    Named(Vec<Field<String>>),
}

/// Blocks as bytes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct BlockSpec {
    /// The size of a block: "512B". Not for a replicated log, nor for checked records.
    pub(super) size: Option<Field<Size>>,
    /// What a store writes atomically: "64B". Protocol "disk-paxos" only.
    pub(super) sector: Option<Field<Size>>,
    /// "raw", "checked", "dual" or "versioned"; a shared record is raw or checked.
    pub(super) format: Option<Field<String>>,
}

/// Whether stores are buckets, or what those are like.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
pub(super) enum BucketSpec {
    /// They are, or they are not.
    Are(bool),
    /// What they are like.
    Like(Box<BucketTable>),
}

/// What buckets are like.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct BucketTable {
    /// Names in a page of a listing; 1000.
    pub(super) page: Option<Field<i128>>,
    /// It may vanish and come back empty, as a directory does whose mount is away; agents then look at each operation
    /// whether it is still the store that it was. false.
    pub(super) vanishes: Option<Field<bool>>,
}

/// How many stores may answer with old versions.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
pub(super) enum StaleSpec {
    /// The same ones over a whole run.
    Count(#[schemars(range(min = 0, max = 16))] i128),
    /// The same ones over a run, or others for each reader.
    Table(Box<StaleTable>),
}

/// How many stores may answer with old versions; one of the two.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct StaleTable {
    /// The same ones over a whole run.
    pub(super) per_run: Option<Field<i128>>,
    /// Others for each reader; not where all agents share a record, which is lost for all of them.
    pub(super) per_reader: Option<Field<i128>>,
}

/// How long things take, and who chooses.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ScheduleSpec {
    /// The seed of a run that names none.
    pub(super) seed: Option<Field<i128>>,
    /// "random", "fair", "oblivious", "pos", "content-aware", "state-aware", "keep-bivalent", or a table with
    /// one of `duel`, `pct` and `script`.
    pub(super) adversary: Option<Field<AdversarySpec>>,
    /// How long a read takes: "0.5ms..2ms".
    pub(super) read: Option<Field<DelaySpec>>,
    /// How long a write takes: "1ms..3ms".
    pub(super) write: Option<Field<DelaySpec>>,
    /// How long an agent pauses after an abort: "5ms..50ms"; "0ms" is not at all. Only for protocols that
    /// abort: "disk-paxos" and "acceptor-records".
    pub(super) retry: Option<Field<RetrySpec>>,
    /// How long an agent waits for an answer before it asks again: "50ms".
    pub(super) timeout: Option<Field<Duration>>,
    /// Operations that may take effect while an adversary holds one back; at least 64, and as many as
    /// four rounds of writes and reads of all agents on all stores.
    pub(super) patience: Option<Field<i128>>,
    /// Agents that a content-aware or state-aware adversary may crash; 0.
    pub(super) crashes: Option<Field<i128>>,
    /// Agents start at random points within this time: "0ms".
    pub(super) start: Option<Field<Duration>>,
    /// A recorded run: its choices, as base64, which are followed as far as they fit, whatever the seed.
    /// White space in them means nothing.
    pub(super) choices: Option<Field<String>>,
}

/// Who chooses what happens next.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
pub(super) enum AdversarySpec {
    /// One without settings.
    Word(String),
    /// One with settings.
    Table(Box<AdversaryTable>),
}

/// An adversary with settings.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct AdversaryTable {
    /// Two agents that are let run in turn, so that they pre-empt each other.
    pub(super) duel: Option<Field<Vec<Field<String>>>>,
    /// Priorities that change at this many moments less one: the depth of the bug that is looked for.
    pub(super) pct: Option<Field<PctSpec>>,
    /// An order of operations, step by step.
    pub(super) script: Option<Field<ScriptSpec>>,
}

/// Priorities that change: a depth, or a depth and within how many picks.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
pub(super) enum PctSpec {
    /// At this many moments less one.
    Depth(#[schemars(range(min = 1, max = 1000))] i128),
    /// More to say.
    Table(Box<PctTable>),
}

/// Priorities that change.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct PctTable {
    /// At this many moments less one.
    #[schemars(required)]
    pub(super) depth: Option<Field<i128>>,
    /// The moments lie within the first so many picks; 64 for each agent on each store.
    pub(super) within: Option<Field<i128>>,
}

/// An order of operations: entries like "a1 write s1", "a1 read s1 a2", "a1 tear s1", "a1 stale s1 a2",
/// "a1 delay s1", "a1 crash", "a1 restart".
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ScriptSpec {
    /// The step of the run after which the script takes over; until then the run is as it would be without
    /// it, and from then on no faults come but the script's. 0: from the beginning.
    pub(super) from: Option<Field<i128>>,
    /// Who chooses until then, as in `adversary`; "random" by default. No script.
    pub(super) before: Option<Field<AdversarySpec>>,
    /// The way to the cycle.
    pub(super) stem: Option<Field<Vec<Field<String>>>>,
    /// One turn of the cycle, which is then taken for ever.
    pub(super) turn: Option<Field<Vec<Field<String>>>>,
}

/// How long operations take.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
pub(super) enum DelaySpec {
    /// Evenly out of a range.
    Range(Times),
    /// As measured.
    Table(DelayFile),
}

/// A measured distribution of delays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct DelayFile {
    /// An HdrHistogram log (.hlog) of nanoseconds.
    #[schemars(required)]
    pub(super) histogram: Option<Field<String>>,
}

/// How long an agent pauses after an abort.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
pub(super) enum RetrySpec {
    /// Out of a fixed range; "0ms" is not at all.
    Range(Times),
    /// Out of a growing one.
    Table(RetryTable),
}

/// A pause that grows.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RetryTable {
    /// The range doubles with each abort in a row, within these bounds.
    #[schemars(required)]
    pub(super) exponential: Option<Field<Times>>,
}

/// From here on: no faults, fair scheduling.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct HealSpec {
    /// When.
    #[schemars(required)]
    pub(super) at: Option<Field<Duration>>,
}

/// Where a run ends at the latest.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct LimitsSpec {
    /// After this many steps; 1,000,000.
    pub(super) steps: Option<Field<i128>>,
    /// At this virtual time.
    pub(super) time: Option<Field<Duration>>,
    /// No decision for this long is a stall; "1s".
    pub(super) stall_after: Option<Field<Duration>>,
}

/// What the scenario promises.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ExpectSpec {
    /// Properties that hold in every run: agreement, validity, integrity, store-model, invariants; of a replicated
    /// log: agreement, invariants, replicas, exactly-once, durability, linearizability, machine.
    pub(super) always: Option<Field<Vec<Field<String>>>>,
    /// How a run ends: "decide", "any", "stall", "wedge", "unwedged" (stalls may come, and none is a wedge), or
    /// a table.
    pub(super) outcome: Option<Field<OutcomeSpec>>,
    /// The kind of the stall that is expected, with outcome "stall": contention, no-quorum, no-agent, starved, wedged.
    pub(super) stall: Option<Field<String>>,
    /// The seeds to run, the last one excluded: "0..2000".
    pub(super) seeds: Option<Field<Counts>>,
    /// The proposal that must be decided, where a decision is expected. Not for a replicated log.
    pub(super) value: Option<Field<String>>,
}

/// How a run ends.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
pub(super) enum OutcomeSpec {
    /// "decide", "any", "stall", "wedge" or "unwedged".
    Word(String),
    /// More to say.
    Table(Box<OutcomeTable>),
}

/// How a run ends: a violation, or what comes before and after the heal.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct OutcomeTable {
    /// This property is broken in one of the seeds.
    pub(super) violation: Option<Field<String>>,
    /// This property is broken, or a wedge comes, in one of the seeds.
    pub(super) violation_or_wedge: Option<Field<String>>,
    /// "stall".
    pub(super) before_heal: Option<Field<String>>,
    /// "decide" or "any".
    pub(super) after_heal: Option<Field<String>>,
    /// How long after the heal everybody has decided: "5s".
    pub(super) within: Option<Field<Duration>>,
}

/// What a campaign may vary.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FuzzSpec {
    /// From how many agents to how many, both included: "2..5".
    pub(super) agents: Option<Field<Counts>>,
    /// From how many stores to how many, both included: "3..5".
    pub(super) stores: Option<Field<Counts>>,
    /// Pauses after an abort to choose from, for protocols that abort.
    pub(super) retry: Option<Field<Vec<Field<RetrySpec>>>>,
    /// Faults that may be added.
    pub(super) faults: Option<Field<FuzzFaults>>,
}

/// Faults that a campaign may add.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FuzzFaults {
    /// Kinds of fault. Old answers and lost blocks are added where `stale` in `[cluster]` promises to bear them; what
    /// is never added is told as untested.
    #[schemars(required)]
    pub(super) add: Option<Field<Vec<Field<String>>>>,
    /// How many at most; 3.
    pub(super) at_most: Option<Field<i128>>,
}

/// What `bivalent price` varies: every adversary, with every pause, for every number of agents.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct PriceSpec {
    /// Numbers of agents: [2, 5, 20].
    pub(super) agents: Option<Field<Vec<Field<i128>>>>,
    /// Adversaries: "random", { pct = 3 }.
    pub(super) adversary: Option<Field<Vec<Field<AdversarySpec>>>>,
    /// Pauses after an abort, for protocols that abort: "0ms", "5ms..50ms".
    pub(super) retry: Option<Field<Vec<Field<RetrySpec>>>>,
    /// When the share of undecided runs is asked for: "10ms", "1s".
    pub(super) at: Option<Field<Vec<Field<Duration>>>>,
    /// Runs of a cell; 1000.
    pub(super) runs: Option<Field<i128>>,
    /// Runs of a cell whose adversary looks at the run (duel, content-aware, state-aware,
    /// keep-bivalent), if they are fewer.
    pub(super) adaptive_runs: Option<Field<i128>>,
}

/// One name or several.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
pub(super) enum Names {
    /// One.
    One(String),
    /// Several.
    Many(Vec<Field<String>>),
}

/// A number of versions, or "all".
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
pub(super) enum VersionsSpec {
    /// How many.
    Count(i128),
    /// "all".
    Word(String),
}

tables!(
    AdversaryTable,
    BlockSpec,
    BucketTable,
    ClusterSpec,
    DelayFile,
    ExpectSpec,
    FuzzFaults,
    FuzzSpec,
    HealSpec,
    LimitsSpec,
    OutcomeTable,
    PctTable,
    PriceSpec,
    RetryTable,
    ScheduleSpec,
    ScriptSpec,
    StaleTable
);

/// Forms of a value that can be written in more than one way.
macro_rules! forms {
    (@text $variant:ident String) => {
        fn text(text: &str) -> Result<Self, Flaw> {
            Ok(Self::$variant(text.to_owned()))
        }
    };
    (@text $variant:ident Times) => {
        fn text(text: &str) -> Result<Self, Flaw> {
            Times::text(text).map(Self::$variant)
        }
        fn whole(number: i128) -> Result<Self, Flaw> {
            Times::whole(number).map(Self::$variant)
        }
    };
    (@text $variant:ident i128) => {
        fn whole(number: i128) -> Result<Self, Flaw> {
            Ok(Self::$variant(number))
        }
    };
    (@text $variant:ident bool) => {
        fn truth(truth: bool) -> Result<Self, Flaw> {
            Ok(Self::$variant(truth))
        }
    };
    (@more table $variant:ident) => {
        fn table<'de, A: MapAccess<'de>>(table: A) -> Result<Result<Self, Flaw>, A::Error> {
            Deserialize::deserialize(MapAccessDeserializer::new(table))
                .map(|table| Ok(Self::$variant(table)))
        }
    };
    (@more array $variant:ident) => {
        fn array<'de, A: SeqAccess<'de>>(array: A) -> Result<Result<Self, Flaw>, A::Error> {
            Deserialize::deserialize(SeqAccessDeserializer::new(array))
                .map(|array| Ok(Self::$variant(array)))
        }
    };
    (@more text $variant:ident) => {
        forms!(@text $variant String);
    };
    ($($name:ident: $first:ident($kind:ident), $form:ident $second:ident, $expected:literal;)*) => {$(
        impl Shape for $name {
            const EXPECTED: &'static str = $expected;

            forms!(@text $first $kind);
            forms!(@more $form $second);
        }
    )*};
}

forms! {
    StoresSpec: Count(i128), array Named, "a number, or a list like [\"s1\", \"s2\"]";
    BucketSpec: Are(bool), table Like, "`true`, `false`, or a table like { page = 1000 }";
    StaleSpec: Count(i128), table Table, "a number, or { per-reader = 1 }";
    AdversarySpec: Word(String), table Table, "\"random\", \"fair\", or { duel = [\"a1\", \"a2\"] }";
    PctSpec: Depth(i128), table Table, "a depth, or { depth = 3, within = 500 }";
    DelaySpec: Range(Times), table Table, "a range like \"1ms..3ms\", or { histogram = \"file.hlog\" }";
    RetrySpec: Range(Times), table Table, "a range like \"5ms..50ms\", or { exponential = \"1ms..100ms\" }";
    OutcomeSpec: Word(String), table Table, "\"decide\", \"any\", \"stall\", \"wedge\", \"unwedged\", or a table";
    Names: One(String), array Many, "a name, or a list of names";
    VersionsSpec: Count(i128), text Word, "a whole number, or \"all\"";
}
