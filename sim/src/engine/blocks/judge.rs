//! When the paper's invariants are looked at, and what they see.

use bivalent_core::{AgentId, Block, DiskPaxos, Place, StoreId};

use super::{Blocks, Engine};
use crate::{
    engine::invariants::{self, OwnBlocks, Stands},
    scenario::Protocol,
};

impl OwnBlocks for Blocks {
    fn disk(engine: &Engine<Self>, id: AgentId) -> Option<&DiskPaxos> {
        engine.participants[id.index()].agent.disk()
    }

    fn stands(engine: &Engine<Self>, place: Place) -> Stands {
        let cell = engine.system.stores.cell(place);
        Stands {
            block: cell.block,
            unreadable: cell.unreadable,
        }
    }
}

impl Engine<Blocks> {
    /// The paper's invariants are about blocks of one writer.
    fn has_own_blocks(&self) -> bool {
        self.system.cast.is(Protocol::DiskPaxos)
    }

    /// Invariants 4c and 6, when somebody has decided.
    pub(super) fn check_decision(&mut self, id: AgentId) {
        if self.has_own_blocks() {
            invariants::decided(self, id);
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
        if self.has_own_blocks() {
            invariants::voted(self, voter);
        }
    }

    /// Invariant 4c, when a fault has changed an agent's block.
    pub(super) fn check_damage(&mut self, owner: AgentId) {
        if self.has_own_blocks() {
            invariants::damaged(self, owner);
        }
    }
}
