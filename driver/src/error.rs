//! Why a store gave no answer, and why a driver can't go on.

use bivalent_core::{AgentId, Incarnation};

use crate::content::FORMAT;

/// Why an operation has no answer. Whether a write has taken effect is not known then: it may have, it may
/// still do so, or never.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store, or the way to it, failed.
    #[error("{store}: {why}")]
    Failed {
        /// Which store.
        store: String,
        /// What it said.
        why: String,
    },
    /// The store does not hold what it held: it is another one, or was emptied. Taking its silence for
    /// "never written" would forget promises.
    #[error("{store} is not the store it was: {why}")]
    Lost {
        /// Which store.
        store: String,
        /// What is wrong.
        why: String,
    },
    /// What stands under a key is not what was written there. It counts as not read.
    #[error("{store}: {key} can't be read: its checksum does not fit")]
    Unreadable {
        /// Which store.
        store: String,
        /// Which key.
        key: String,
    },
    /// The store can't do what was asked of it, ever.
    #[error("{store} has no conditional writes")]
    Unconditional {
        /// Which store.
        store: String,
    },
    /// A text does not fit into the store, ever.
    #[error("{store}: a text of {length} bytes is too long; it takes {most}")]
    TooLong {
        /// Which store.
        store: String,
        /// The text's length, bytes.
        length: usize,
        /// The greatest length, bytes.
        most: usize,
    },
    /// The store has no room for one more text of an agent, and never will have: a text that was proposed may be
    /// the one that is decided, and stays.
    #[error("{store} has no room for another text of agent {}: {texts} were proposed", .agent.0)]
    Full {
        /// Which store.
        store: String,
        /// Whose text.
        agent: AgentId,
        /// How many texts of an agent it takes.
        texts: usize,
    },
    /// A command, an answer or a state can't be written as bytes. Nothing was written.
    #[error("what belongs under {key} can't be written as bytes")]
    Unstorable {
        /// Under which key.
        key: String,
    },
    /// A later start of the same agent has begun: this one must stop.
    #[error("agent {} was started again (start {})", .agent.0, .by.0)]
    Fenced {
        /// Which agent.
        agent: AgentId,
        /// The later start.
        by: Incarnation,
    },
}

/// Why a driver can't begin, or can't go on. Nothing was decided wrongly; what was decided stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The number of stores or agents is impossible.
    #[error("{0}")]
    Impossible(String),
    /// A store belongs to another system, or to this one under other settings. Nothing was changed.
    #[error("{store} was set up for another system: {found}; asked for: {wanted}")]
    OtherSystem {
        /// Which store.
        store: String,
        /// What it says of itself.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// A store was set up by a build that writes names and contents in another format. Nothing was changed.
    #[error(
        "{store} was set up by another build: {found}; this one reads and writes format {FORMAT}"
    )]
    OtherFormat {
        /// Which store.
        store: String,
        /// What it says of itself.
        found: String,
    },
    /// Too few stores answered.
    #[error("{answered} of {stores} stores answered, {needed} are needed; {why}")]
    TooFewStores {
        /// How many did.
        answered: usize,
        /// How many there are.
        stores: usize,
        /// How many it takes.
        needed: usize,
        /// What the others said.
        why: String,
    },
    /// The agent has been started as often as its ballots can tell apart.
    #[error("agent {} was started {} times: no more starts can be told apart", .0.0, Incarnation::MAX.0)]
    StartsUsedUp(AgentId),
    /// The same agent was started again elsewhere.
    #[error(
        "agent {} was started again elsewhere (start {}); this one stops, so that there are not two of it",
        .agent.0, .by.0
    )]
    Fenced {
        /// Which agent.
        agent: AgentId,
        /// The later start.
        by: Incarnation,
    },
    /// A store can't do what the protocol needs.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The driver has stopped; what was asked of it last may have taken effect, or may still do so.
    #[error("the agent has stopped; what was asked last may have taken effect")]
    Stopped,
}

impl Error {
    /// The error for `error`, if it ends a driver.
    pub(crate) fn of_fatal(error: &StoreError) -> Option<Self> {
        match *error {
            StoreError::Fenced { agent, by } => Some(Self::Fenced { agent, by }),
            StoreError::Unconditional { .. }
            | StoreError::TooLong { .. }
            | StoreError::Full { .. }
            | StoreError::Unstorable { .. } => Some(Self::Store(error.clone())),
            StoreError::Failed { .. } | StoreError::Lost { .. } | StoreError::Unreadable { .. } => {
                None
            }
        }
    }
}
