//! Mutants that count a quorum of writes and a quorum of reads apart: one is safe, one is not.
//!
//! Only in builds with the feature `planted-bugs`.

use super::{Bug, DiskPaxos};
use crate::{Phase, Port};

impl DiskPaxos {
    pub(super) fn counts_apart(&self) -> bool {
        self.has(Bug::Barrier) || self.has(Bug::CountsApart)
    }

    /// Asks for every block on every store.
    pub(super) fn read_all(&self, port: &mut impl Port<Self>) {
        for store in self.config.stores() {
            for owner in self.config.other_ids() {
                self.read(store, owner, port);
            }
        }
    }

    /// One more store is written.
    pub(super) fn wrote_apart(&mut self, port: &mut impl Port<Self>) {
        let quorum = u32::from(self.config.envelope.quorum());
        if self.has(Bug::Barrier) && self.written.count_ones() == quorum {
            self.read_all(port);
        }
        let enough = self.has_quorum(self.written) && self.has_quorum(self.complete);
        if self.has(Bug::CountsApart) && enough {
            self.end_phase(port);
        }
    }

    fn end_phase(&mut self, port: &mut impl Port<Self>) {
        match self.phase {
            Phase::One => self.end_phase_one(port),
            Phase::Two => self.end_phase_two(port),
            Phase::Waiting | Phase::Recovering | Phase::Decided => {}
        }
    }
}
