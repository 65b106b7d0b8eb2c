//! A `[[fault]]` as it is written: one of five triggers, one of nineteen kinds.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Names, VersionsSpec};
use crate::scenario::shape::{Field, tables};
use crate::scenario::units::{Chance, Duration, Factor, Size, Times};

/// What breaks: one of `at`, `during`, `when`, `chance`, `nth`, and one kind of fault.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::scenario) struct FaultSpec {
    /// At a time: "9.1s".
    pub(in crate::scenario) at: Option<Field<Duration>>,
    /// From a time to a time: "1s..2s".
    pub(in crate::scenario) during: Option<Field<Times>>,
    /// As soon as something has happened.
    pub(in crate::scenario) when: Option<Field<WhenSpec>>,
    /// At each opportunity with this probability: 0.01.
    pub(in crate::scenario) chance: Option<Field<Chance>>,
    /// At the how-manieth opportunity, from 1: 17. An opportunity is an operation that the fault can hit;
    /// for an agent's fault, one that it issues; for a store's, one that arrives there.
    pub(in crate::scenario) nth: Option<Field<i128>>,
    /// How often at most; once for `at`, `when` and `nth`, else without bound. A fault of an agent or a store that
    /// comes at a time comes once.
    pub(in crate::scenario) times: Option<Field<i128>>,
    /// An agent forgets everything.
    pub(in crate::scenario) crash: Option<Field<CrashSpec>>,
    /// A crashed agent starts again.
    pub(in crate::scenario) restart: Option<Field<AgentSpec>>,
    /// An agent stands still and wakes later, believing all it knew.
    pub(in crate::scenario) pause: Option<Field<PauseSpec>>,
    /// An agent's clock runs fast or slow.
    pub(in crate::scenario) clock_skew: Option<Field<SkewSpec>>,
    /// A store answers nothing.
    pub(in crate::scenario) outage: Option<Field<OutageSpec>>,
    /// A store takes longer for everything.
    pub(in crate::scenario) slow_store: Option<Field<SlowSpec>>,
    /// A store returns to an earlier state.
    pub(in crate::scenario) amnesia: Option<Field<AmnesiaSpec>>,
    /// A store is gone for good.
    pub(in crate::scenario) store_loss: Option<Field<StoreSpec>>,
    /// An operation takes longer.
    pub(in crate::scenario) delay: Option<Field<DelayFaultSpec>>,
    /// An operation is passed by ones that were asked for later.
    pub(in crate::scenario) reorder: Option<Field<ScopeSpec>>,
    /// A request never arrives.
    pub(in crate::scenario) lost_request: Option<Field<ScopeSpec>>,
    /// It happened, but the answer never arrives.
    pub(in crate::scenario) lost_ack: Option<Field<ScopeSpec>>,
    /// A write is taken for lost and lands after all.
    pub(in crate::scenario) late_write: Option<Field<LateSpec>>,
    /// A request arrives twice.
    pub(in crate::scenario) duplicate: Option<Field<DelayFaultSpec>>,
    /// Only some sectors of a block are written.
    pub(in crate::scenario) torn_write: Option<Field<TornSpec>>,
    /// A read is answered with an older version.
    pub(in crate::scenario) stale_read: Option<Field<StaleReadSpec>>,
    /// A listing of a bucket is answered as its folder was before.
    pub(in crate::scenario) stale_listing: Option<Field<StaleListingSpec>>,
    /// Bits of a stored block flip.
    pub(in crate::scenario) bit_rot: Option<Field<RotSpec>>,
    /// A write lands in another agent's block.
    pub(in crate::scenario) misdirected_write: Option<Field<MisdirectedSpec>>,
}

/// Something that happens, as a trigger.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::scenario) struct WhenSpec {
    /// "phase-1", "phase-2", "decided", "aborted", "recovered", "read", "write" or "vote". A replicated log knows no
    /// "recovered", put-if-absent no "phase-2" and no "aborted".
    #[schemars(required)]
    pub(in crate::scenario) happens: Option<Field<String>>,
    /// To whom; anybody.
    pub(in crate::scenario) agent: Option<Field<Names>>,
    /// On which store, for a read, a write or a vote; any.
    pub(in crate::scenario) store: Option<Field<Names>>,
    /// The how-manieth time; 1.
    pub(in crate::scenario) nth: Option<Field<i128>>,
}

/// An agent forgets everything; its blocks and what it has in flight remain.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::scenario) struct CrashSpec {
    /// Which agents; any.
    pub(in crate::scenario) agent: Option<Field<Names>>,
    /// How long until it starts again: "5ms..50ms". Left out: it does not.
    pub(in crate::scenario) restart: Option<Field<Times>>,
    /// The new incarnation does not wait for the dead one's operations in flight. Protocol "disk-paxos" only: no
    /// other waits.
    pub(in crate::scenario) unfenced: Option<Field<bool>>,
}

/// Which agents.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::scenario) struct AgentSpec {
    /// Which agents; any.
    pub(in crate::scenario) agent: Option<Field<Names>>,
}

/// An agent stands still.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::scenario) struct PauseSpec {
    /// Which agents; any.
    pub(in crate::scenario) agent: Option<Field<Names>>,
    /// How long; until the heal.
    pub(in crate::scenario) r#for: Option<Field<Times>>,
}

/// An agent's clock runs fast or slow.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::scenario) struct SkewSpec {
    /// Which agents; any.
    pub(in crate::scenario) agent: Option<Field<Names>>,
    /// Its own seconds in a true one, 0.01 to 100: at 2.0 its pauses are half as long.
    #[schemars(required)]
    pub(in crate::scenario) rate: Option<Field<Factor>>,
}

/// A store answers nothing; what it was asked waits.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::scenario) struct OutageSpec {
    /// Which stores; any.
    pub(in crate::scenario) store: Option<Field<Names>>,
    /// How long; until the heal.
    pub(in crate::scenario) r#for: Option<Field<Times>>,
}

/// A store takes longer for everything.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::scenario) struct SlowSpec {
    /// Which stores; any.
    pub(in crate::scenario) store: Option<Field<Names>>,
    /// How many times as long, more than 1: 10.
    #[schemars(required)]
    pub(in crate::scenario) factor: Option<Field<Factor>>,
    /// How long; until the heal.
    pub(in crate::scenario) r#for: Option<Field<Times>>,
}

/// A store returns to an earlier state, all blocks at once.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::scenario) struct AmnesiaSpec {
    /// Which stores; any.
    pub(in crate::scenario) store: Option<Field<Names>>,
    /// How many writes of each block are undone, or "all"; "all" for put-if-absent, whose records are written once.
    #[schemars(required)]
    pub(in crate::scenario) versions: Option<Field<VersionsSpec>>,
}

/// Which stores.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::scenario) struct StoreSpec {
    /// Which stores; any.
    pub(in crate::scenario) store: Option<Field<Names>>,
}

/// Which operations.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::scenario) struct ScopeSpec {
    /// Issued by which agents; any.
    pub(in crate::scenario) agent: Option<Field<Names>>,
    /// On which stores; any.
    pub(in crate::scenario) store: Option<Field<Names>>,
    /// Of whose blocks; anybody's. Protocol "disk-paxos" only.
    pub(in crate::scenario) owner: Option<Field<Names>>,
    /// "read" or "write"; both.
    pub(in crate::scenario) operation: Option<Field<String>>,
}

/// Which operations, and how much later.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::scenario) struct DelayFaultSpec {
    /// How much later.
    #[schemars(required)]
    pub(in crate::scenario) by: Option<Field<Times>>,
    /// Issued by which agents; any.
    pub(in crate::scenario) agent: Option<Field<Names>>,
    /// On which stores; any.
    pub(in crate::scenario) store: Option<Field<Names>>,
    /// Of whose blocks; anybody's. Protocol "disk-paxos" only.
    pub(in crate::scenario) owner: Option<Field<Names>>,
    /// "read" or "write"; both.
    pub(in crate::scenario) operation: Option<Field<String>>,
}

/// Which writes, and how much later they land.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::scenario) struct LateSpec {
    /// How much later.
    #[schemars(required)]
    pub(in crate::scenario) by: Option<Field<Times>>,
    /// Issued by which agents; any.
    pub(in crate::scenario) agent: Option<Field<Names>>,
    /// On which stores; any.
    pub(in crate::scenario) store: Option<Field<Names>>,
    /// Of whose blocks; anybody's. Protocol "disk-paxos" only.
    pub(in crate::scenario) owner: Option<Field<Names>>,
}

/// Which writes tear, and how.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::scenario) struct TornSpec {
    /// How much gets through, from the front: whole sectors. Left out: any of the sectors. Protocol "disk-paxos"
    /// only: nobody reads a part of a log's block.
    pub(in crate::scenario) keep: Option<Field<Size>>,
    /// The store answers as if all were well.
    pub(in crate::scenario) acknowledged: Option<Field<bool>>,
    /// Issued by which agents; any.
    pub(in crate::scenario) agent: Option<Field<Names>>,
    /// On which stores; any.
    pub(in crate::scenario) store: Option<Field<Names>>,
    /// Of whose blocks; anybody's. Protocol "disk-paxos" only.
    pub(in crate::scenario) owner: Option<Field<Names>>,
}

/// Which reads are stale, and by how much: one of `versions` and `age`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::scenario) struct StaleReadSpec {
    /// At most this many versions old; 1 for put-if-absent, whose records are written once.
    pub(in crate::scenario) versions: Option<Field<i128>>,
    /// As the block stood at most this long ago.
    pub(in crate::scenario) age: Option<Field<Duration>>,
    /// Issued by which agents; any.
    pub(in crate::scenario) agent: Option<Field<Names>>,
    /// On which stores; any.
    pub(in crate::scenario) store: Option<Field<Names>>,
    /// Of whose blocks; anybody's. Protocol "disk-paxos" only.
    pub(in crate::scenario) owner: Option<Field<Names>>,
}

/// Which listings are old, and by how much: one of `versions` and `age`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::scenario) struct StaleListingSpec {
    /// At most this many changes of the bucket ago.
    pub(in crate::scenario) versions: Option<Field<i128>>,
    /// As the folder was at most this long ago.
    pub(in crate::scenario) age: Option<Field<Duration>>,
    /// Asked for by which agents; any.
    pub(in crate::scenario) agent: Option<Field<Names>>,
    /// On which stores; any.
    pub(in crate::scenario) store: Option<Field<Names>>,
}

/// Bits of a stored block flip; found by whoever reads it next.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::scenario) struct RotSpec {
    /// How many, 1 to 8; 1. Raw blocks only: where there is a checksum, one is as good as eight.
    pub(in crate::scenario) bits: Option<Field<i128>>,
    /// Issued by which agents; any.
    pub(in crate::scenario) agent: Option<Field<Names>>,
    /// On which stores; any.
    pub(in crate::scenario) store: Option<Field<Names>>,
    /// Of whose blocks; anybody's. Protocol "disk-paxos" only.
    pub(in crate::scenario) owner: Option<Field<Names>>,
    /// "read" or "write"; both.
    pub(in crate::scenario) operation: Option<Field<String>>,
}

/// Which writes are misdirected, and where to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::scenario) struct MisdirectedSpec {
    /// Whose block is hit; any other agent's. Not for a replicated log: its name fits nowhere else.
    pub(in crate::scenario) onto: Option<Field<String>>,
    /// Issued by which agents; any.
    pub(in crate::scenario) agent: Option<Field<Names>>,
    /// On which stores; any.
    pub(in crate::scenario) store: Option<Field<Names>>,
    /// Of whose blocks; anybody's. Protocol "disk-paxos" only.
    pub(in crate::scenario) owner: Option<Field<Names>>,
}

tables!(
    AgentSpec,
    AmnesiaSpec,
    CrashSpec,
    DelayFaultSpec,
    FaultSpec,
    LateSpec,
    MisdirectedSpec,
    OutageSpec,
    PauseSpec,
    RotSpec,
    ScopeSpec,
    SkewSpec,
    SlowSpec,
    StaleListingSpec,
    StaleReadSpec,
    StoreSpec,
    TornSpec,
    WhenSpec
);
