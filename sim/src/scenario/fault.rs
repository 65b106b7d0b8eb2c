//! A misfortune, told from the victim's side: what it sees, never how it is done.
//!
//! Adding one means a variant here, its table in `scenario/spec.rs`, an arm in `engine/strike.rs`,
//! a scenario under `scenarios/fault/`, and a changelog line.

use std::sync::Arc;

use bivalent_core::AgentId;

/// What breaks when a rule strikes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// An agent forgets everything; its blocks and what it has in flight remain.
    Crash {
        /// Whom it can hit; by chance, the issuer of the operation that drew it.
        agents: u128,
        /// How long until it starts again as a new incarnation; none: somebody must restart it.
        /// Never before its in-flight operations have landed, unless `unfenced`.
        restart: Option<Span>,
        /// The new incarnation does not wait for the dead one's operations in flight.
        unfenced: bool,
    },
    /// A crashed agent starts again, as a new incarnation that reads its own blocks first.
    Restart {
        /// Whom it can hit.
        agents: u128,
    },
    /// An agent stands still and wakes later, believing all it knew: a zombie.
    Pause {
        /// Whom it can hit.
        agents: u128,
        /// How long; none: until the heal.
        span: Option<Span>,
    },
    /// An agent's clock runs fast or slow: its pauses and timeouts are shorter or longer.
    ClockSkew {
        /// Whom it can hit.
        agents: u128,
        /// Its own seconds in a million true ones, above or below: 500,000 is half as fast again.
        rate_ppm: i32,
    },
    /// A store answers nothing until the span ends; what it was asked waits and happens then.
    Outage {
        /// Which stores it can hit.
        stores: u16,
        /// How long; none: until the heal.
        span: Option<Span>,
    },
    /// A store takes longer for everything.
    SlowStore {
        /// Which stores it can hit.
        stores: u16,
        /// Delays in percent of the usual: 1000 is ten times as long.
        percent: u32,
        /// How long; none: until the heal.
        span: Option<Span>,
    },
    /// A store returns to an earlier state, all blocks at once.
    Amnesia {
        /// Which stores it can hit.
        stores: u16,
        /// How many writes of each block are undone; `u32::MAX` empties the store.
        versions: u32,
    },
    /// A store is gone for good.
    StoreLoss {
        /// Which stores it can hit.
        stores: u16,
    },
    /// An operation takes longer. One on a log's blocks may have taken effect long before its answer
    /// arrives; a single decision's takes effect when it is answered.
    Delay {
        /// Which operations.
        scope: Scope,
        /// How much longer.
        by: Span,
    },
    /// An operation is passed by ones that were asked for later.
    Reorder {
        /// Which operations.
        scope: Scope,
    },
    /// A request never arrives.
    LostRequest {
        /// Which operations.
        scope: Scope,
    },
    /// It happened, but the answer never arrives.
    LostAck {
        /// Which operations.
        scope: Scope,
    },
    /// A write is taken for lost and lands after all, later than what was written since.
    LateWrite {
        /// Which operations.
        scope: Scope,
        /// How much later.
        by: Span,
    },
    /// A request arrives twice, the second time later.
    Duplicate {
        /// Which operations.
        scope: Scope,
        /// How much later the second one.
        by: Span,
    },
    /// Only some sectors of a block are written, and there is no answer.
    TornWrite {
        /// Which operations.
        scope: Scope,
        /// How many sectors get through, from the front; none: any subset.
        keep: Option<u32>,
        /// The store answers as if all were well: a lie, where a tear is only an accident.
        acknowledged: bool,
    },
    /// A read is answered with an older version.
    StaleRead {
        /// Which operations.
        scope: Scope,
        /// How old it can be.
        bound: StaleBound,
    },
    /// A listing of a bucket is answered as its folder was before: each such answer for itself, so that of two agents one
    /// may see what the other does not.
    StaleListing {
        /// Which listings.
        scope: Scope,
        /// How old it can be.
        bound: StaleBound,
    },
    /// Bits of a stored block flip; found by whoever reads it next.
    BitRot {
        /// Which operations; the block a read asks for, or the one a write has just left.
        scope: Scope,
        /// How many bits.
        bits: u32,
    },
    /// A write is acknowledged and lands in another agent's block on the same store.
    MisdirectedWrite {
        /// Which operations.
        scope: Scope,
        /// Whose block is hit; none: any other agent's.
        onto: Option<AgentId>,
    },
}

/// A range of times in nanoseconds, both ends included.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Span {
    /// The least.
    pub min: u64,
    /// The greatest.
    pub max: u64,
}

/// How old a stale read can be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StaleBound {
    /// At most this many versions, at least one; in a bucket, changes of it.
    Versions(u32),
    /// As the block stood at most this long ago, nanoseconds.
    Age(u64),
}

/// The operations that a fault can hit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Scope {
    /// Issued by these agents.
    pub agents: u128,
    /// On these stores.
    pub stores: u16,
    /// Of these agents' blocks.
    pub owners: u128,
    /// Reads are among them.
    pub reads: bool,
    /// Writes are among them.
    pub writes: bool,
}

impl Scope {
    /// Every operation.
    pub const ALL: Self = Self {
        agents: u128::MAX,
        stores: u16::MAX,
        owners: u128::MAX,
        reads: true,
        writes: true,
    };
}

/// When a rule strikes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Trigger {
    /// At a time (ns); a fault of operations hits the next one in its scope.
    At(u64),
    /// From a time to a time (ns): everything in its scope; a state (outage, pause, slow store,
    /// skewed clock) begins and ends with it.
    During(u64, u64),
    /// As soon as something has happened.
    When(Condition),
    /// At each opportunity with this probability, in parts of 10^9. An opportunity is an operation
    /// in scope; for a store, one that arrives there; for an agent, one that it issues (a restart:
    /// that anybody issues).
    Chance(u32),
    /// At the how-manieth opportunity, from 1, of the same kind; a rule with more `times` strikes at the
    /// ones after it too.
    Nth(u32),
}

impl Trigger {
    /// Whether a rule strikes once, unless it says how often.
    pub const fn strikes_once(&self) -> bool {
        match self {
            Self::At(_) | Self::When(_) | Self::Nth(_) => true,
            Self::During(..) | Self::Chance(_) => false,
        }
    }
}

/// Something that happens in a run, as a trigger.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Condition {
    /// What.
    pub happens: Happening,
    /// To whom; all: to anybody.
    pub agents: u128,
    /// On which stores, for a read or a write.
    pub stores: u16,
    /// The how-manieth time, from 1.
    pub nth: u32,
}

/// What a [`Condition`] can wait for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Happening {
    /// An agent begins phase 1.
    Phase1,
    /// An agent begins phase 2.
    Phase2,
    /// An agent decides.
    Decided,
    /// An agent aborts.
    Aborted,
    /// An agent has recovered.
    Recovered,
    /// A read takes effect.
    Read,
    /// A write takes effect.
    Write,
    /// A write of phase 2 takes effect.
    Vote,
}

/// One rule of a scenario: when, how often, what.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FaultRule {
    /// When it strikes.
    pub trigger: Trigger,
    /// How often it strikes at most; none: without bound.
    pub times: Option<u32>,
    /// What it does.
    pub fault: Fault,
    /// Its line in the scenario file, from 1.
    pub line: u32,
}

/// How long operations take.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Delay {
    /// Evenly out of a range; a fixed value is a range of one.
    Range(Span),
    /// Out of a measured distribution.
    Histogram(Arc<DelayTable>),
}

/// A measured distribution as equally likely values: integers only, so that a draw is an index.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DelayTable {
    /// The file it came from, as the scenario names it.
    pub file: String,
    /// Ascending delays in nanoseconds, each as likely as the next. Never empty.
    pub values: Vec<u64>,
}

/// The kinds of fault, one bit and one word each.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[expect(missing_docs, reason = "each is the variant of Fault of the same name")]
pub enum FaultKind {
    Crash,
    Restart,
    Pause,
    ClockSkew,
    Outage,
    SlowStore,
    Amnesia,
    StoreLoss,
    Delay,
    Reorder,
    LostRequest,
    LostAck,
    LateWrite,
    Duplicate,
    TornWrite,
    StaleRead,
    BitRot,
    MisdirectedWrite,
    StaleListing,
}

impl FaultKind {
    /// All kinds, in the order of their declaration.
    pub const ALL: [Self; 19] = [
        Self::Crash,
        Self::Restart,
        Self::Pause,
        Self::ClockSkew,
        Self::Outage,
        Self::SlowStore,
        Self::Amnesia,
        Self::StoreLoss,
        Self::Delay,
        Self::Reorder,
        Self::LostRequest,
        Self::LostAck,
        Self::LateWrite,
        Self::Duplicate,
        Self::TornWrite,
        Self::StaleRead,
        Self::BitRot,
        Self::MisdirectedWrite,
        Self::StaleListing,
    ];

    /// The word for it in files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Restart => "restart",
            Self::Pause => "pause",
            Self::ClockSkew => "clock-skew",
            Self::Outage => "outage",
            Self::SlowStore => "slow-store",
            Self::Amnesia => "amnesia",
            Self::StoreLoss => "store-loss",
            Self::Delay => "delay",
            Self::Reorder => "reorder",
            Self::LostRequest => "lost-request",
            Self::LostAck => "lost-ack",
            Self::LateWrite => "late-write",
            Self::Duplicate => "duplicate",
            Self::TornWrite => "torn-write",
            Self::StaleRead => "stale-read",
            Self::BitRot => "bit-rot",
            Self::MisdirectedWrite => "misdirected-write",
            Self::StaleListing => "stale-listing",
        }
    }

    /// The kind as a position in a table of all kinds.
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl Fault {
    /// Which kind it is.
    pub const fn kind(&self) -> FaultKind {
        match self {
            Self::Crash { .. } => FaultKind::Crash,
            Self::Restart { .. } => FaultKind::Restart,
            Self::Pause { .. } => FaultKind::Pause,
            Self::ClockSkew { .. } => FaultKind::ClockSkew,
            Self::Outage { .. } => FaultKind::Outage,
            Self::SlowStore { .. } => FaultKind::SlowStore,
            Self::Amnesia { .. } => FaultKind::Amnesia,
            Self::StoreLoss { .. } => FaultKind::StoreLoss,
            Self::Delay { .. } => FaultKind::Delay,
            Self::Reorder { .. } => FaultKind::Reorder,
            Self::LostRequest { .. } => FaultKind::LostRequest,
            Self::LostAck { .. } => FaultKind::LostAck,
            Self::LateWrite { .. } => FaultKind::LateWrite,
            Self::Duplicate { .. } => FaultKind::Duplicate,
            Self::TornWrite { .. } => FaultKind::TornWrite,
            Self::StaleRead { .. } => FaultKind::StaleRead,
            Self::StaleListing { .. } => FaultKind::StaleListing,
            Self::BitRot { .. } => FaultKind::BitRot,
            Self::MisdirectedWrite { .. } => FaultKind::MisdirectedWrite,
        }
    }

    /// The operations it can hit, for a fault that hits operations.
    pub const fn scope(&self) -> Option<Scope> {
        match *self {
            Self::Delay { scope, .. }
            | Self::Reorder { scope }
            | Self::LostRequest { scope }
            | Self::LostAck { scope }
            | Self::LateWrite { scope, .. }
            | Self::Duplicate { scope, .. }
            | Self::TornWrite { scope, .. }
            | Self::StaleRead { scope, .. }
            | Self::StaleListing { scope, .. }
            | Self::BitRot { scope, .. }
            | Self::MisdirectedWrite { scope, .. } => Some(scope),
            Self::Crash { .. }
            | Self::Restart { .. }
            | Self::Pause { .. }
            | Self::ClockSkew { .. }
            | Self::Outage { .. }
            | Self::SlowStore { .. }
            | Self::Amnesia { .. }
            | Self::StoreLoss { .. } => None,
        }
    }

    /// The same, to be changed.
    pub(crate) const fn scope_mut(&mut self) -> Option<&mut Scope> {
        match self {
            Self::Delay { scope, .. }
            | Self::Reorder { scope }
            | Self::LostRequest { scope }
            | Self::LostAck { scope }
            | Self::LateWrite { scope, .. }
            | Self::Duplicate { scope, .. }
            | Self::TornWrite { scope, .. }
            | Self::StaleRead { scope, .. }
            | Self::StaleListing { scope, .. }
            | Self::BitRot { scope, .. }
            | Self::MisdirectedWrite { scope, .. } => Some(scope),
            Self::Crash { .. }
            | Self::Restart { .. }
            | Self::Pause { .. }
            | Self::ClockSkew { .. }
            | Self::Outage { .. }
            | Self::SlowStore { .. }
            | Self::Amnesia { .. }
            | Self::StoreLoss { .. } => None,
        }
    }
}
