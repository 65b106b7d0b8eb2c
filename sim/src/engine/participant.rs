//! An agent's place in a run: the agent itself and what the world does to it.

use bivalent_core::AgentId;

use super::{System, net::by_clock};

/// Whether an agent takes steps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Status {
    /// It does.
    Up,
    /// It stands still and does not know it.
    Paused,
    /// It has crashed.
    Down {
        /// A restart is on its way.
        returns: bool,
    },
}

/// Whether an agent has crashed.
pub(crate) const fn is_down(status: Status) -> bool {
    matches!(status, Status::Down { .. })
}

/// The rate of a clock that is right: own nanoseconds in a million true ones.
pub(crate) const TRUE_RATE: u32 = 1_000_000;

/// One agent of a run.
#[derive(Clone, Debug)]
pub(crate) struct Participant<S: System> {
    pub(crate) agent: S::Agent,
    pub(crate) id: AgentId,
    pub(crate) status: Status,
    /// How often the run has started it, from 0.
    pub(crate) incarnation: u16,
    /// Own nanoseconds in a million true ones.
    pub(crate) rate: u32,
    /// Tells one pause from the next.
    pub(crate) pauses: u16,
    /// What came while it stood still.
    pub(crate) inbox: Vec<S::Held>,
    /// Steps it has taken, over all incarnations.
    pub(crate) steps: u64,
    /// It has decided, and takes part no more: in this incarnation.
    pub(crate) decided: bool,
    /// What its system keeps for it.
    pub(crate) own: S::Own,
}

impl<S: System> Participant<S> {
    /// An agent that is up.
    pub(crate) fn new(id: AgentId, agent: S::Agent) -> Self {
        Self {
            agent,
            id,
            status: Status::Up,
            incarnation: 0,
            rate: TRUE_RATE,
            pauses: 0,
            inbox: Vec::new(),
            steps: 0,
            decided: false,
            own: S::Own::default(),
        }
    }

    /// As it is before a run; its agent is the system's business.
    pub(crate) fn reset(&mut self) {
        self.status = Status::Up;
        self.incarnation = 0;
        self.rate = TRUE_RATE;
        self.pauses = 0;
        self.inbox.clear();
        self.steps = 0;
        self.decided = false;
    }

    /// A time of its own clock as true time, at least one tick.
    pub(crate) fn true_ticks(&self, own: u64) -> u64 {
        by_clock(own, self.rate).max(1)
    }
}
