//! When the paper's invariants are looked at, and what they see.

use bivalent_core::AgentId;

use super::Engine;
use crate::oracle::invariants::World;

impl Engine {
    /// Invariants 4c and 5, when somebody has voted.
    pub(super) fn check_votes(&mut self, voter: AgentId) {
        let world = self.world();
        let mut found = [
            ("invariant-4c", world.holds_4c(voter)),
            ("invariant-5", None),
        ];
        for index in 0..self.seats.len() as u8 {
            if found[1].1.is_none() {
                found[1].1 = world.holds_5(AgentId(index), false);
            }
        }
        for (property, detail) in found {
            if let Some(detail) = detail {
                self.oracles.found(self.steps, property, detail);
            }
        }
    }

    /// Invariant 4c, when a fault has changed an agent's block.
    pub(super) fn check_damage(&mut self, owner: AgentId) {
        if let Some(detail) = self.world().holds_4c(owner) {
            self.oracles.found(self.steps, "invariant-4c", detail);
        }
    }

    pub(super) fn world(&self) -> World<'_> {
        World {
            plan: &self.plan,
            seats: &self.seats,
            stores: &self.stores,
            service: &self.service,
            account: &self.oracles.envelope,
        }
    }
}
