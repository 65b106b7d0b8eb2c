//! Store model: the simulated store behaves as it was configured to.
//!
//! Kept apart from the stores' own code: it is told which writes took effect and checks what reads
//! return. Checked: a read of a place that no fault touched returns the write that took effect
//! last (versioned blocks: the greatest version); a stale read returns an earlier one inside its
//! bound, which is counted in writes since a fault last touched the place; a place that a fault touched returns some write of its owner's, nothing, or no block; a
//! conditional write lands exactly where the version that it expects stands.
//! Not checked: raw blocks once a fault has touched their bytes (they may hold anything, and so do their old answers), whether an
//! unconditional write should have taken effect at all, and a conditional one after amnesia.

use std::sync::Arc;

use bivalent_core::{Block, Format, Overwrite, Place, Version};

use crate::scenario::plan::Plan;

use super::whose;

/// Writes remembered of each place, at most; more than any staleness can be bounded by.
const KEPT: usize = 256;

#[derive(Clone, Copy, Debug)]
struct Shadow {
    newest: Block,
    version: Version,
    /// The greatest version that a fault had a hand in: it may be there as a whole.
    tried: Version,
    /// A fault has touched the bytes since the last whole write in turn.
    touched: bool,
    /// How many of the remembered writes are older than the last fault, if there was one: which of them the store has
    /// kept, and so what an age in versions means of them, is not known here.
    unsure: Option<usize>,
}

/// What every place should hold.
#[derive(Clone, Debug)]
pub(crate) struct StoreModel {
    agents: usize,
    format: Format,
    shadows: Vec<Shadow>,
    /// The blocks written to each place, newest last, for places that faults touch.
    written: Vec<Vec<Block>>,
    keeps: bool,
    plan: Arc<Plan>,
}

const NEVER: Shadow = Shadow {
    newest: Block {
        mbal: None,
        vote: None,
    },
    version: Version::NEVER,
    tried: Version::NEVER,
    touched: false,
    unsure: None,
};

impl StoreModel {
    pub(crate) fn new(plan: &Arc<Plan>) -> Self {
        let places = plan.agents * plan.stores;
        Self {
            agents: plan.agents,
            format: plan.layout.format(),
            shadows: vec![NEVER; places],
            written: vec![Vec::with_capacity(8); places],
            keeps: plan.history != 0 || plan.kinds != 0,
            plan: Arc::clone(plan),
        }
    }

    pub(crate) fn reset(&mut self) {
        self.shadows.fill(NEVER);
        self.written.iter_mut().for_each(Vec::clear);
    }

    #[inline]
    const fn at(&self, place: Place) -> usize {
        place.store.index() * self.agents + place.owner.index()
    }

    /// A write took effect as a whole.
    #[inline]
    pub(crate) fn wrote(&mut self, place: Place, block: Block, version: Version) {
        let at = self.at(place);
        let shadow = &mut self.shadows[at];
        let was_touched = shadow.touched;
        let counts = match self.format.overwrite() {
            Overwrite::InPlace => true,
            Overwrite::Versioned => version >= shadow.version,
        };
        // Two slots: an older write may or may not show. The same bytes again change nothing: a write that
        // took longer than its agent waits for is asked for once more.
        let again = version == shadow.version && block == shadow.newest;
        let in_turn = self.format != Format::Dual || version > shadow.version || again;
        // Under keys of their own an older write does not do away with what a fault has left of a newer one.
        let stays = match self.format {
            Format::Raw | Format::Checked => false,
            Format::Dual => true,
            Format::Versioned => version < shadow.tried,
        };
        if counts {
            shadow.touched = (shadow.touched && stays) || !in_turn;
            shadow.newest = block;
            shadow.version = shadow.version.max(version);
        }
        // An older write under a key of its own never becomes what stands there, unless the newer one is damaged.
        if self.keeps && !again && (counts || was_touched) {
            self.remember(at, block);
        }
        if !in_turn {
            self.shadows[at].unsure = Some(self.written[at].len());
        }
    }

    /// A conditional write came, on condition that the first of the versions stands; says what is
    /// wrong with what the store made of it.
    pub(crate) fn put(
        &mut self,
        place: Place,
        (expect, version): (Version, Version),
        block: Block,
        taken: bool,
    ) -> Option<String> {
        let at = self.at(place);
        let shadow = &mut self.shadows[at];
        let stood = shadow.version;
        let wrong = !shadow.touched && taken != (stood == expect);
        if taken {
            shadow.newest = block;
            shadow.version = version;
            shadow.touched = false;
            if self.keeps {
                self.remember(at, block);
            }
        }
        wrong.then(|| {
            let (did, store) = (if taken { "took" } else { "refused" }, place.store.0);
            format!(
                "store {{s{store}}} {did} a write on condition of {expect:?} where {stood:?} stood"
            )
        })
    }

    fn remember(&mut self, at: usize, block: Block) {
        let written = &mut self.written[at];
        if written.len() == KEPT {
            written.drain(..KEPT / 2);
            let unsure = &mut self.shadows[at].unsure;
            *unsure = unsure.map(|count| count.saturating_sub(KEPT / 2));
        }
        written.push(block);
    }

    /// A fault had a hand in a place; `write` is what it tried to write, if it did.
    pub(crate) fn touched(&mut self, place: Place, write: Option<(Block, Version)>) {
        let at = self.at(place);
        let shadow = &mut self.shadows[at];
        shadow.touched = true;
        if let Some((block, version)) = write {
            shadow.tried = shadow.tried.max(version);
            self.remember(at, block);
        }
        self.shadows[at].unsure = Some(self.written[at].len());
    }

    /// A read was answered with a block, `stale` if a fault says so and by how many versions at
    /// most; says what is wrong with it.
    #[inline]
    pub(crate) fn read(&self, place: Place, block: Block, stale: Option<u32>) -> Option<String> {
        let at = self.at(place);
        let shadow = &self.shadows[at];
        if stale.is_none() && !shadow.touched && shadow.newest == block {
            return None;
        }
        self.read_odd(place, block, stale)
    }

    /// A read was answered with no block.
    pub(crate) fn unreadable(&self, place: Place) -> Option<String> {
        let touched = self.shadows[self.at(place)].touched;
        (!touched).then(|| {
            format!(
                "store {{s{}}}: {} is unreadable, and no fault has touched it",
                place.store.0,
                whose(&self.plan, place.owner)
            )
        })
    }

    #[cold]
    fn read_odd(&self, place: Place, block: Block, stale: Option<u32>) -> Option<String> {
        let at = self.at(place);
        let shadow = &self.shadows[at];
        let written = &self.written[at];
        let newest_first = written.iter().rev().chain(std::iter::once(&NEVER.newest));
        let allowed = if shadow.touched {
            self.format == Format::Raw || newest_first.clone().any(|known| *known == block)
        } else if let Some(bound) = stale {
            let bound = bound as usize;
            let unsure = shadow.unsure;
            let before_fault = unsure.is_some_and(|count| bound >= written.len() - count);
            let within = if before_fault { usize::MAX } else { bound + 1 };
            (before_fault && self.format == Format::Raw)
                || newest_first
                    .clone()
                    .take(within)
                    .any(|known| *known == block)
        } else {
            shadow.newest == block
        };
        (!allowed).then(|| {
            format!(
                "store {{s{}}}: a read of {} returned {block:?}, last written {:?}",
                place.store.0,
                whose(&self.plan, place.owner),
                shadow.newest
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use bivalent_core::{AgentId, Ballot, Incarnation, StoreId};

    use super::*;
    use crate::scenario::Scenario;

    #[test]
    fn the_same_write_twice_is_no_fault_where_there_are_two_slots() {
        let text = "title = \"t\"\nsummary = \"s\"\n[cluster]\nagents = 2\nstores = 1\n";
        let scenario = Scenario::parse("t", text, &|_| Err(String::new())).unwrap();
        let mut model = StoreModel::new(&Arc::new(Plan::new(&scenario)));
        let (store, owner) = (StoreId(0), AgentId(0));
        let place = Place { store, owner };
        let block = Block {
            mbal: Some(Ballot::new(1, owner, Incarnation(0))),
            vote: None,
        };
        let version = Version::NEVER.next(Incarnation(0));

        model.wrote(place, block, version);
        model.wrote(place, block, version);

        assert_eq!(model.read(place, block, None), None);
        assert!(model.read(place, NEVER.newest, None).is_some());
    }

    #[test]
    fn an_older_write_does_not_do_away_with_a_newer_one_that_a_fault_may_have_let_through() {
        let text = "title = \"t\"\nsummary = \"s\"\n[cluster]\nagents = 2\nstores = 1\nbucket = false\nblock = { format = \"versioned\" }\n[[fault]]\nchance = 0.1\ntorn-write = {}\n";
        let scenario = Scenario::parse("t", text, &|_| Err(String::new())).unwrap();
        let mut model = StoreModel::new(&Arc::new(Plan::new(&scenario)));
        let (store, owner) = (StoreId(0), AgentId(0));
        let place = Place { store, owner };
        let block = |round| Block {
            mbal: Some(Ballot::new(round, owner, Incarnation(0))),
            vote: None,
        };
        let first = Version::NEVER.next(Incarnation(0));
        let second = first.next(Incarnation(0));
        let third = second.next(Incarnation(0));

        model.touched(place, Some((block(2), second)));
        model.wrote(place, block(1), first);
        assert_eq!(model.read(place, block(2), None), None);
        assert_eq!(model.read(place, block(1), None), None);

        model.wrote(place, block(3), third);
        assert!(model.read(place, block(2), None).is_some());
    }
}
