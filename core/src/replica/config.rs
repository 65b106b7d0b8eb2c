//! How a replica is set up.

use crate::{AgentId, Config, Envelope, Heartbeat, Overwrite, Value};

#[cfg(feature = "planted-bugs")]
use crate::Bug;

/// To how many stores a leader sends.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Spread {
    /// To all of them: the fastest quorum counts.
    All,
    /// To a quorum of them while they all answer, and to all from the first silence on: fewest
    /// operations.
    Quorum,
}

/// A replica's place in the system and its tuning; every replica of a system has the same tuning,
/// though safety does not need that.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ReplicaConfig {
    pub(crate) base: Config,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) batch: u16,
    pub(crate) window: u16,
    pub(crate) snapshot_every: u64,
    pub(crate) spread: Spread,
}

/// What a replica knows before it starts.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ReplicaSetup<M> {
    /// Its place and its tuning.
    pub config: ReplicaConfig,
    /// The machine's first state, the same for all replicas.
    pub machine: M,
}

impl ReplicaConfig {
    /// Agent `me` of `agents` with the usual tuning: batches of up to 64 requests, 16 slots at a
    /// time, a snapshot every 1,024 slots, all stores.
    ///
    /// Panics unless `me` is one of 1 to [`MAX_AGENTS`](crate::MAX_AGENTS) agents.
    pub const fn new(me: AgentId, agents: u16, envelope: Envelope, heartbeat: Heartbeat) -> Self {
        Self {
            base: Config::new(me, agents, envelope, Overwrite::Versioned, Value(0)),
            heartbeat,
            batch: 64,
            window: 16,
            snapshot_every: 1024,
            spread: Spread::All,
        }
    }

    /// At most so many requests in a slot; 0 counts as 1.
    #[must_use]
    pub const fn batch(self, batch: u16) -> Self {
        let batch = if batch == 0 { 1 } else { batch };
        Self { batch, ..self }
    }

    /// At most so many slots that are voted for and not decided; 0 counts as 1.
    #[must_use]
    pub const fn window(self, window: u16) -> Self {
        let window = if window == 0 { 1 } else { window };
        Self { window, ..self }
    }

    /// A snapshot whenever so many slots were applied since the last one; 0 counts as 1.
    #[must_use]
    pub const fn snapshot_every(self, slots: u64) -> Self {
        let snapshot_every = if slots == 0 { 1 } else { slots };
        Self {
            snapshot_every,
            ..self
        }
    }

    /// To how many stores a leader sends.
    #[must_use]
    pub const fn spread(self, spread: Spread) -> Self {
        Self { spread, ..self }
    }

    /// The same agent with a planted bug.
    #[cfg(feature = "planted-bugs")]
    #[must_use]
    pub const fn with_bug(self, bug: Option<Bug>) -> Self {
        Self {
            base: self.base.with_bug(bug),
            ..self
        }
    }

    /// The same, with a companion that never starts if there is no other agent.
    #[must_use]
    pub const fn accompanied(mut self) -> Self {
        if self.base.agents < 2 {
            self.base.agents = 2;
        }
        self
    }

    /// All stores, as a set.
    pub(crate) const fn all_stores(self) -> u16 {
        u16::MAX >> (16 - self.base.envelope.stores())
    }

    /// Whether nobody else takes part: then no promise has to be read.
    pub(crate) const fn is_alone(self) -> bool {
        self.base.agents == 1
    }

    /// How many looks in a row may find nothing: a look at one store after the other meets those
    /// that are silent, too.
    pub(crate) const fn patience(self) -> u32 {
        self.heartbeat.patience + self.base.envelope.silent() as u32
    }
}
