//! An agent's place in a run: the agent itself and what the world does to it.

#[cfg(feature = "planted-bugs")]
use bivalent_core::Ballot;
use bivalent_core::{AgentId, DecreeEvent, SingleDecree};

use crate::{journal::Nearness, member::Member, plan::Plan};

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

/// An operation that a duel holds back, and since when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) bits: u64,
    pub(crate) tick: u64,
    /// Operations on stores until then.
    pub(crate) ops: u64,
}

/// One agent of a run.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    pub(crate) agent: Member,
    pub(crate) id: AgentId,
    pub(crate) status: Status,
    pub(crate) incarnation: u16,
    /// Aborts in a row, for the contention manager.
    pub(crate) aborts: u32,
    /// The ballot that ended its last attempt.
    #[cfg(feature = "planted-bugs")]
    pub(crate) above: Option<Ballot>,
    /// Own nanoseconds in a million true ones.
    pub(crate) rate: u32,
    /// Answers that came while it stood still.
    pub(crate) inbox: Vec<DecreeEvent>,
    /// Operations that the adversary holds back.
    pub(crate) held: Vec<Held>,
    /// Tells one pause from the next.
    pub(crate) pauses: u16,
    /// It has decided in this incarnation.
    pub(crate) decided: bool,
    /// Steps it has taken, over all incarnations.
    pub(crate) steps: u64,
}

impl Seat {
    /// An agent that is up.
    pub(crate) const fn new(id: AgentId, agent: Member) -> Self {
        Self {
            agent,
            id,
            status: Status::Up,
            incarnation: 0,
            aborts: 0,
            #[cfg(feature = "planted-bugs")]
            above: None,
            rate: 1_000_000,
            inbox: Vec::new(),
            held: Vec::new(),
            pauses: 0,
            decided: false,
            steps: 0,
        }
    }

    pub(crate) fn reset(&mut self, agent: Member) {
        self.agent = agent;
        self.status = Status::Up;
        self.incarnation = 0;
        self.aborts = 0;
        #[cfg(feature = "planted-bugs")]
        {
            self.above = None;
        }
        self.rate = 1_000_000;
        self.inbox.clear();
        self.held.clear();
        self.pauses = 0;
        self.decided = false;
        self.steps = 0;
    }

    /// How near the agent is to a decision, in phase 2.
    pub(crate) fn nearness(&self, plan: &Plan) -> Option<Nearness> {
        let quorum = plan.envelope.quorum();
        let missing = self.agent.missing(plan.agents, plan.stores, quorum)?;
        Some(Nearness {
            agent: self.id,
            ballot: self.agent.block().mbal?,
            missing,
        })
    }
}
