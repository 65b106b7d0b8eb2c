//! What an agent knows before it starts, checked once.

use crate::{AgentId, Envelope, Incarnation, MAX_AGENTS, StoreId, Value};

#[cfg(feature = "planted-bugs")]
use crate::Bug;

/// Whether a write replaces the one before it, or lies beside it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Overwrite {
    /// Writes replace each other in place (raw, checked and dual blocks): a write whose fate is
    /// unknown is never overtaken, since it could land later and take the block back in time.
    InPlace,
    /// Each write has a key of its own and the greatest version counts (versioned blocks): no write
    /// can undo another, so none waits.
    Versioned,
}

/// An agent's place in the system.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Config {
    pub(crate) me: AgentId,
    pub(crate) agents: u16,
    pub(crate) incarnation: Incarnation,
    pub(crate) envelope: Envelope,
    pub(crate) overwrite: Overwrite,
    pub(crate) input: Value,
    #[cfg(feature = "planted-bugs")]
    pub(crate) bug: Option<Bug>,
}

impl Config {
    /// Agent `me` of `agents`, which will propose `input`.
    ///
    /// Panics unless `me` is one of 1 to [`MAX_AGENTS`] agents.
    pub const fn new(
        me: AgentId,
        agents: u16,
        envelope: Envelope,
        overwrite: Overwrite,
        input: Value,
    ) -> Self {
        assert!(
            agents as usize <= MAX_AGENTS && me.0 < agents,
            "no such agent"
        );
        Self {
            me,
            agents,
            incarnation: Incarnation(0),
            envelope,
            overwrite,
            input,
            #[cfg(feature = "planted-bugs")]
            bug: None,
        }
    }

    /// The same replica, started again. An agent of one decision is told its start by who starts it.
    #[must_use]
    pub const fn incarnation(self, incarnation: Incarnation) -> Self {
        Self {
            incarnation,
            ..self
        }
    }

    /// The same agent with another proposal.
    #[must_use]
    pub const fn with_input(self, input: Value) -> Self {
        Self { input, ..self }
    }

    /// The same agent with a planted bug.
    #[cfg(feature = "planted-bugs")]
    #[must_use]
    pub const fn with_bug(self, bug: Option<Bug>) -> Self {
        Self { bug, ..self }
    }

    /// Who this is.
    pub const fn id(self) -> AgentId {
        self.me
    }

    /// How many agents there are.
    pub const fn agents(self) -> u16 {
        self.agents
    }

    /// Which start of it this is.
    pub const fn start(self) -> Incarnation {
        self.incarnation
    }

    /// Quorums, and what stores may do.
    pub const fn envelope(self) -> Envelope {
        self.envelope
    }

    /// Whether a write replaces the one before it.
    pub const fn overwrite(self) -> Overwrite {
        self.overwrite
    }

    /// What it proposes.
    pub const fn input(self) -> Value {
        self.input
    }

    /// All agents but this one, as a set.
    pub(crate) const fn others(self) -> u128 {
        let all = if self.agents == 128 {
            u128::MAX
        } else {
            (1 << self.agents) - 1
        };
        all & !self.me.bit()
    }

    /// The ids of all agents but this one.
    pub fn other_ids(self) -> impl Iterator<Item = AgentId> {
        (0..self.agents)
            .map(AgentId)
            .filter(move |&agent| agent != self.me)
    }

    /// The stores' ids.
    pub fn stores(self) -> impl Iterator<Item = StoreId> {
        self.envelope.store_ids()
    }
}
