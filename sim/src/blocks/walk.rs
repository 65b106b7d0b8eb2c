//! Runs that go on a stretch at a time, to be looked at in between.

use bivalent_core::{AgentId, SingleDecree};

use super::{Blocks, Engine, remedy::Change};
use crate::journal::Note;

impl Engine<Blocks> {
    /// What was kept since this was asked for last.
    pub(crate) fn take_told(&mut self) -> (Vec<u16>, Vec<Note>) {
        self.journal.as_mut().map_or_else(Default::default, |it| {
            (
                std::mem::take(&mut it.digests),
                std::mem::take(&mut it.notes),
            )
        })
    }

    /// Changes something from here on.
    pub(crate) fn change(&mut self, change: Change) {
        self.make(change);
    }

    /// Who would lead if all others stood still: of those who contend, the one with the greatest ballot.
    pub(crate) fn foremost(&self) -> Option<AgentId> {
        let contenders = self.contenders().into_iter();
        contenders.max_by_key(|id| {
            let block = self.participants[id.index()].agent.block();
            (block.vote.map(|vote| vote.bal), block.mbal)
        })
    }

    /// Whether an adversary picks operations or holds them back.
    pub(crate) const fn is_ordered(&self) -> bool {
        self.net.picked || self.system.duel.is_some()
    }
}
