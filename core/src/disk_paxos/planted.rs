//! What mutants remember and do where that is more than a condition in the protocol's own line.
//!
//! Only in builds with the feature `planted-bugs`.

use super::{Bug, DiskPaxos};
use crate::{Ballot, Block, BlockReply, DecreeSaid, Phase, Port, Renaming, StoreId, Value};

/// What some mutants remember; the others leave it as it is in a fresh agent.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub(super) struct Extra {
    /// `GreatestMbal`, in phase 1: the `mbal` of the block that `best` came from.
    pub(super) best_mbal: Option<Ballot>,
    /// `DecidesOnAccord`, in phase 1: votes for two values were seen.
    discord: bool,
    /// `CountsTwice`: how often stores have counted again in this phase.
    pub(super) again: u8,
}

impl Extra {
    pub(super) const NONE: Self = Self {
        best_mbal: None,
        discord: false,
        again: 0,
    };

    pub(super) fn renamed(self, names: &impl Renaming) -> Self {
        let best_mbal = self.best_mbal.map(|ballot| names.ballot(ballot));
        Self { best_mbal, ..self }
    }
}

impl DiskPaxos {
    pub(super) fn begin_phase_one(&mut self) {
        let own = self.block.vote.map(|vote| vote.bal);
        self.extra.best_mbal = own.filter(|_| self.has(Bug::GreatestMbal));
    }

    pub(super) fn note_vote(&mut self, block: Block) {
        if self.has(Bug::GreatestMbal) {
            if block.vote.is_some() && block.mbal > self.extra.best_mbal {
                self.extra.best_mbal = block.mbal;
                self.best = block.vote;
            }
            return;
        }
        let differ = self
            .best
            .zip(block.vote)
            .is_some_and(|(one, other)| one.inp != other.inp);
        self.extra.discord |= differ && self.has(Bug::DecidesOnAccord);
        self.best = self.best.max(block.vote);
    }

    /// Whether phase 1 ends in a decision; forgets what was remembered of it.
    pub(super) fn ends_early(&mut self) -> bool {
        let accord = self.best.is_some() && !self.extra.discord;
        self.extra = Extra::NONE;
        self.has(Bug::DecidesAfterPhase1) || (self.has(Bug::DecidesOnAccord) && accord)
    }

    /// Whether a ballot that was met passes for an own one.
    pub(super) fn shares(&self, met: Option<Ballot>) -> bool {
        let round = |ballot: Option<Ballot>| ballot.map(Ballot::round);
        self.has(Bug::SharesBallots) && round(met) == round(self.block.mbal)
    }

    /// The store that a write's answer counts for.
    pub(super) fn booked_on(&self, store: StoreId, epoch: u32) -> StoreId {
        let waits = |store: &StoreId| {
            let link = &self.links[store.index()];
            link.epoch == epoch && link.unanswered != 0
        };
        let crossed = self.has(Bug::CrossesAnswers);
        let first = self.config.stores().find(waits).filter(|_| crossed);
        first.unwrap_or(store)
    }

    /// Whether a store is read before it is written; a single agent has nobody to read.
    pub(super) fn reads_first(&self) -> bool {
        self.has(Bug::ReadsFirst) && self.config.others() != 0
    }

    pub(super) fn change_decision(&self, reply: &BlockReply, port: &mut impl Port<Self>) {
        let is_answer = matches!(reply, BlockReply::Block { .. } | BlockReply::Written);
        if is_answer && self.has(Bug::ChangesDecision) {
            let changed = self.block.vote.map_or(0, |vote| vote.inp.0 + 1);
            port.say(DecreeSaid::Decided(Value(changed)));
        }
    }

    /// Meeting a higher ballot late in phase 2: the place where some stumble.
    pub(super) fn meet(&self) {
        if self.phase == Phase::Two && self.complete != 0 {
            crate::bug::stumble(&self.config);
        }
    }
}
