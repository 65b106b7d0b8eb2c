//! Planted bugs of whoever drives the agents, where that is more than a condition.
//!
//! Only in builds with the feature `planted-bugs`.

use bivalent_core::{AgentId, Bug};

use super::{Blocks, Engine};
use crate::engine::Status;
use crate::engine::event::Event;

impl Engine<Blocks> {
    /// Whether the contention manager has an agent wait for one that takes no steps.
    pub(super) fn waits_for_the_dead(&self, id: AgentId) -> bool {
        let rival = self.participants[id.index()]
            .own
            .above
            .map(bivalent_core::Ballot::agent);
        let rival = rival.filter(|&rival| rival != id && rival.index() < self.participants.len());
        let dead = rival.is_some_and(|rival| self.participants[rival.index()].status != Status::Up);
        dead && self.bug == Some(Bug::WaitsForTheDead)
    }

    /// Has an agent ask for its ballot again when an operation would have timed out.
    pub(super) fn start_later(&mut self, agent: AgentId, incarnation: u16, epoch: u32) {
        let event = Event::Start {
            agent,
            incarnation,
            epoch,
        };
        let later = self.net.now() + self.plan.timeout;
        self.net.wheel.put(later, event.pack());
    }

    /// Whether a restart waits for nothing, though the scenario says that it does.
    pub(super) fn restarts_unfenced(&self) -> bool {
        self.bug == Some(Bug::RestartsUnfenced)
    }
}
