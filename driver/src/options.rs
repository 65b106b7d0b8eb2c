//! How an agent is set up on real stores.

use std::time::Duration;

use bivalent_core::{AgentId, Envelope, Heartbeat, ReplicaConfig};

#[cfg(feature = "planted-bugs")]
use crate::DriverBug;
use crate::Error;

/// How many times the longest patience an operation may take that moves much.
const LARGE: u32 = 30;

/// An agent's place and its patience. All agents of a system must have the same `agents` and `envelope`;
/// the stores hold them to it. The rest is tuning, which safety does not depend on.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Which agent this is.
    pub agent: AgentId,
    /// How many agents there are.
    pub agents: u16,
    /// The stores' number and the quorum.
    pub envelope: Envelope,
    /// How long an operation may take before it is asked for again; doubles with each try.
    pub patience: Duration,
    /// What `patience` doubles up to. A write that has not come back by twice this time is given up.
    pub patience_max: Duration,
    /// The pause after a lost race for a decision doubles from this on.
    pub backoff: Duration,
    /// How leaders say that they live.
    pub heartbeat: Heartbeat,
    /// So many slots are voted for at a time; what comes meanwhile waits for the next one and shares it. On one
    /// machine synced writes wait for each other, so that few at a time that carry much are the fastest.
    pub window: u16,
    /// A snapshot is taken whenever so many slots were applied since the last one.
    pub snapshot_every: u64,
    /// What the pauses are drawn from. Two agents should have two.
    pub seed: u64,
    /// A planted bug.
    #[cfg(feature = "planted-bugs")]
    pub bug: Option<DriverBug>,
}

impl Options {
    /// Agent `agent` of `agents` on `stores` stores, any majority of which may be all that is left; for
    /// stores that answer within milliseconds.
    pub fn new(agent: AgentId, agents: u16, stores: usize, seed: u64) -> Result<Self, Error> {
        if agents == 0 || usize::from(agents) > bivalent_core::MAX_AGENTS || agent.0 >= agents {
            return Err(Error::Impossible(format!(
                "agent {} of {agents}: agents are numbered from 0, and there are at most {}",
                agent.0,
                bivalent_core::MAX_AGENTS
            )));
        }
        let stores = u8::try_from(stores).unwrap_or(u8::MAX);
        let envelope =
            Envelope::majority(stores).map_err(|error| Error::Impossible(error.to_string()))?;
        Ok(Self {
            agent,
            agents,
            envelope,
            patience: Duration::from_millis(250),
            patience_max: Duration::from_secs(4),
            // An attempt takes longer the more rivals use the same stores.
            backoff: Duration::from_millis(10) * u32::from(agents.max(2)),
            heartbeat: Heartbeat {
                every: 100_000_000,
                patience: 4,
                spread: 300_000_000,
            },
            window: 2,
            snapshot_every: 1024,
            seed,
            #[cfg(feature = "planted-bugs")]
            bug: None,
        })
    }

    /// The time that the `attempt`-th try of an operation may take, from 0: it doubles up to `most`.
    pub(crate) fn limit(&self, attempt: u8, most: Duration) -> Duration {
        let doubled = self.patience.saturating_mul(1 << attempt.min(20));
        doubled.min(most).max(self.patience)
    }

    /// The time that may be given to what moves much: a whole state, or the votes of many slots.
    pub(crate) const fn large(&self) -> Duration {
        self.patience_max.saturating_mul(LARGE)
    }

    pub(crate) fn replica(&self) -> ReplicaConfig {
        // One that is alone in the core's eyes reads nobody's promises, and so would not notice that it was started
        // again elsewhere. Here it has a companion that never starts.
        let agents = self.agents.max(2);
        ReplicaConfig::new(self.agent, agents, self.envelope, self.heartbeat)
            .window(self.window)
            .snapshot_every(self.snapshot_every)
    }

    #[cfg(feature = "planted-bugs")]
    pub(crate) fn has(&self, bug: DriverBug) -> bool {
        self.bug == Some(bug)
    }
}
