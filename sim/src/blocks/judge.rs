//! When the paper's invariants are looked at, and what they see.

use bivalent_core::{AgentId, Block, StoreId};

use super::{Blocks, Engine};
use crate::{oracle::invariants::World, scenario::Protocol};

impl Engine<Blocks> {
    /// The paper's invariants are about blocks of one writer.
    fn has_own_blocks(&self) -> bool {
        self.system.cast.is(Protocol::DiskPaxos)
    }

    /// Invariants 4c and 6, when somebody has decided.
    pub(super) fn check_decision(&mut self, id: AgentId) {
        if !self.has_own_blocks() {
            return;
        }
        let world = self.world();
        let found = [
            ("invariant-4c", world.holds_4c(id)),
            ("invariant-5", world.holds_5(id, true)),
        ];
        for (property, detail) in found {
            if let Some(detail) = detail {
                self.found(property, detail);
            }
        }
    }

    /// The invariants of acceptor records, when one was written.
    pub(super) fn check_record(&mut self, store: StoreId, before: Block, after: Block) {
        if !self.system.cast.is(Protocol::AcceptorRecords) {
            return;
        }
        let forgets = self.envelope.is_stale(store);
        if let Some((property, detail)) = self
            .system
            .oracles
            .records
            .wrote(store, before, after, forgets)
        {
            self.found(property, detail);
        }
    }

    /// Invariants 4c and 5, when somebody has voted.
    pub(super) fn check_votes(&mut self, voter: AgentId) {
        if !self.has_own_blocks() {
            return;
        }
        let world = self.world();
        let mut found = [
            ("invariant-4c", world.holds_4c(voter)),
            ("invariant-5", None),
        ];
        for index in 0..self.participants.len() as u8 {
            if found[1].1.is_none() {
                found[1].1 = world.holds_5(AgentId(index), false);
            }
        }
        for (property, detail) in found {
            if let Some(detail) = detail {
                self.found(property, detail);
            }
        }
    }

    /// Invariant 4c, when a fault has changed an agent's block.
    pub(super) fn check_damage(&mut self, owner: AgentId) {
        if !self.has_own_blocks() {
            return;
        }
        if let Some(detail) = self.world().holds_4c(owner) {
            self.found("invariant-4c", detail);
        }
    }

    pub(super) fn world(&self) -> World<'_> {
        World {
            plan: &self.plan,
            seats: &self.participants,
            stores: &self.system.stores,
            service: &self.service,
            account: &self.envelope,
        }
    }
}
