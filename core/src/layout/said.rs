//! What an agent on objects says beside what the wrapped one does, and why it stops.

use alloc::{sync::Arc, vec::Vec};
use core::fmt;

use crate::{AgentId, Identity, Incarnation, Laid, ObjectName, StoreId};

/// What an agent on objects says.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum ObjectsSaid<A: Laid> {
    /// The store is empty where it was not, and is not counted.
    Uncounted(StoreId),
    /// The stores belong to this system, and it settles for those that say so.
    Settled {
        /// The system's number.
        system: u64,
    },
    /// It has taken a start and begins. Its ballots and versions are of this start.
    Began {
        /// The start, which no other process has or will have.
        start: Incarnation,
    },
    /// What the wrapped agent says.
    Inner(A::Said),
    /// The wrapped agent asks for a logical operation.
    Asked {
        /// Where.
        store: StoreId,
        /// The wrapped agent's name for it.
        tag: A::Tag,
        /// What.
        op: A::Op,
    },
    /// The wrapped agent is told an answer.
    Answered {
        /// By which store.
        store: StoreId,
        /// The wrapped agent's name for the operation.
        tag: A::Tag,
        /// The number of the undertaking, which the names of its operations on objects bear.
        job: u64,
        /// The answer.
        reply: A::Reply,
    },
    /// A logical operation, or some housekeeping, came to nothing.
    Failed {
        /// Where.
        store: StoreId,
        /// The wrapped agent's name for the operation; none of housekeeping.
        tag: Option<A::Tag>,
        /// Why.
        why: Why,
    },
    /// The text that the decided value stands for.
    Text {
        /// Who proposed it.
        by: AgentId,
        /// The text.
        text: Arc<str>,
    },
    /// It does nothing any more.
    Stopped(Stop),
}

/// Why an agent does nothing any more. Nothing was decided wrongly; what was decided stays.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Stop {
    /// A later start of the same agent has begun.
    Fenced {
        /// The later start.
        by: Incarnation,
    },
    /// A store belongs to another system, or to this one under other settings.
    OtherSystem {
        /// Which store.
        store: StoreId,
        /// What it says of itself, if that can be read.
        found: Option<Identity>,
    },
    /// Too few stores gave the answer that was needed.
    TooFewStores {
        /// How many did.
        answered: usize,
        /// How many it takes.
        needed: usize,
        /// No agent has begun: the first start sets every store up, and needs them all.
        first: bool,
        /// What was wrong with the others.
        why: Vec<(StoreId, Why)>,
    },
    /// A store could not be set up.
    NotSetUp(StoreId, Why),
    /// The agent has been started as often as its ballots can tell apart.
    StartsUsedUp,
    /// A store takes conditions and ignores them, or has none.
    Unconditional(StoreId),
}

/// Why an operation came to nothing.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Why {
    /// No answer in time.
    Silent,
    /// The store refused.
    Failed,
    /// It is not known what became of it.
    Unknown,
    /// The store was busy with the same object each time.
    Busy,
    /// What stands there is not what was written.
    Unreadable(ObjectName),
    /// The store was never set up, or has lost what it held: some agent has begun.
    Blank,
    /// The store has lost what it said of itself.
    Empty,
    /// The store says that it is another one, if what it says can be read.
    Other(Option<Identity>),
    /// The record of the own start is gone.
    StartGone,
    /// What was listed was gone each time, by when it was read.
    Restless,
    /// The record of the own start does not stay.
    Unsteady,
    /// Other stores, of which a quorum was needed, did not answer.
    TooFew,
    /// A later start of the same agent has begun.
    Fenced(Incarnation),
    /// The store takes conditions and ignores them, or has none.
    Unconditional,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Silent => "no answer in time",
            Self::Failed => "it refused",
            Self::Unknown => "what became of the request is not known",
            Self::Busy => "it is busy with other writes of the same object",
            Self::Unreadable(name) => return write!(f, "{name:?} can't be read"),
            Self::Blank => "it has lost what it held",
            Self::Empty => "it is empty",
            Self::Other(_) => "it says that it is another store",
            Self::StartGone => "the mark of a start is gone",
            Self::Restless => "what is listed is replaced faster than it can be read",
            Self::Unsteady => "the mark of a start does not stay",
            Self::TooFew => "too few other stores answered",
            Self::Fenced(by) => return write!(f, "the agent was started again (start {})", by.0),
            Self::Unconditional => "it has no conditional writes",
        };
        f.write_str(words)
    }
}
