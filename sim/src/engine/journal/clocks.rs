//! The clocks of a run's events: which writes each read returned, and what their authors knew.
//!
//! One step of an agent is one event: what it takes, says and asks for in it has one stamp. A write
//! carries the stamp of the step that asked for it, however late it lands. A read of bytes that are no
//! block carries nothing; a block that nobody wrote as it stands (half of one write and half of another,
//! or rotten) carries what everybody knew who wrote to its place.

use std::collections::BTreeMap;

use bivalent_core::{
    AgentId, Ballot, Block, BlockOp, Place, RECORD, Slot, SnapshotName, StoreId, Version, Vote,
};

use crate::engine::causality::{Causality, Process, Stamp};

/// A write, told from all others.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Written {
    /// A block or a record: where to, the number it has there, and what.
    Block {
        store: StoreId,
        owner: AgentId,
        version: Version,
        /// The promised ballot and the vote. Ballots have one owner, so that two agents' writes differ
        /// even where amnesia has given them the same version.
        block: (Option<Ballot>, Option<Vote>),
    },
    /// A head of a log, on whichever stores.
    Head(AgentId, Version),
    /// A vote for a slot, on whichever stores.
    Vote(Slot, Ballot),
    /// A snapshot.
    Snapshot(SnapshotName),
}

impl Written {
    /// A block as it stands at a place.
    pub(crate) fn new(place: Place, version: Version, block: Block) -> Self {
        Self::Block {
            store: place.store,
            owner: place.owner,
            version,
            block: (block.mbal, block.vote),
        }
    }

    /// The write that an agent asks for, if it asks for one.
    pub(crate) fn asked(agent: AgentId, store: StoreId, op: BlockOp) -> Option<Self> {
        let (owner, version, block) = match op {
            BlockOp::Write { version, block } => (agent, version, block),
            BlockOp::Swap { version, block, .. } => (RECORD, version, block),
            BlockOp::Read { .. } => return None,
        };
        Some(Self::new(Place { store, owner }, version, block))
    }

    /// The same at another place.
    const fn elsewhere(self, place: Place) -> Self {
        match self {
            Self::Block { version, block, .. } => Self::Block {
                store: place.store,
                owner: place.owner,
                version,
                block,
            },
            Self::Head(..) | Self::Vote(..) | Self::Snapshot(_) => self,
        }
    }

    /// Where it stands, if others may stand there in its stead: store and owner.
    const fn place(self) -> Option<(StoreId, AgentId)> {
        match self {
            Self::Block { store, owner, .. } => Some((store, owner)),
            Self::Head(..) | Self::Vote(..) | Self::Snapshot(_) => None,
        }
    }

    /// What stands where nobody has written, or all is forgotten.
    const fn is_nothing(self) -> bool {
        matches!(
            self,
            Self::Block {
                version,
                block: (None, None),
                ..
            } if version.count() == 0
        )
    }
}

/// A conditional write as its refusal names it: whose, where, which phase and which try.
pub(crate) type Refusal = (AgentId, StoreId, u32, u8);

/// Stamps for a run's events.
#[derive(Clone, Debug)]
pub(crate) struct Clocks {
    causality: Causality<Written>,
    /// The event that each agent's step is, once something of it was worth one.
    now: Vec<Option<Stamp>>,
    /// Of each place (store and owner), the newest write of each process that landed there.
    landed: BTreeMap<(StoreId, AgentId), BTreeMap<usize, Stamp>>,
    /// What stood where a conditional write was refused, until its agent learns of it.
    refusals: BTreeMap<Refusal, Vec<Stamp>>,
}

impl Clocks {
    pub(crate) fn new(agents: usize) -> Self {
        Self {
            causality: Causality::new(agents),
            now: vec![None; agents],
            landed: BTreeMap::new(),
            refusals: BTreeMap::new(),
        }
    }

    /// Whose events there are.
    pub(crate) fn processes(&self) -> &[Process] {
        self.causality.processes()
    }

    /// An agent begins a step.
    pub(crate) fn begins(&mut self, agent: AgentId) {
        self.now[agent.index()] = None;
    }

    /// The event of the step that an agent is in.
    pub(crate) fn event(&mut self, agent: AgentId) -> Stamp {
        let causality = &mut self.causality;
        let now = &mut self.now[agent.index()];
        now.get_or_insert_with(|| causality.local(agent)).clone()
    }

    /// An agent asks for a write in the step that it is in.
    pub(crate) fn asks(&mut self, agent: AgentId, write: Written) {
        let stamp = self.event(agent);
        self.causality.carries(write, &stamp);
    }

    /// A write lands where it was meant to, whole or not. Returns the stamp it carries.
    pub(crate) fn lands(&mut self, write: Written) -> Option<Stamp> {
        let stamp = self.causality.carried(&write)?.clone();
        self.stands(write, &stamp);
        Some(stamp)
    }

    /// A write meant for one place lands at another.
    pub(crate) fn goes_astray(&mut self, write: Written, hit: Place) {
        let Some(stamp) = self.causality.carried(&write).cloned() else {
            return;
        };
        let write = write.elsewhere(hit);
        self.causality.carries(write, &stamp);
        self.stands(write, &stamp);
    }

    fn stands(&mut self, write: Written, stamp: &Stamp) {
        let Some(place) = write.place() else {
            return;
        };
        let landed = self.landed.entry(place).or_default();
        let newest = landed
            .entry(stamp.process())
            .or_insert_with(|| stamp.clone());
        if newest.happens_before(stamp) {
            newest.clone_from(stamp);
        }
    }

    /// An agent begins a step in which it takes what it read.
    pub(crate) fn reads(&mut self, agent: AgentId, read: &[Written]) {
        let carried = read.iter().flat_map(|&read| self.carried(read));
        let carried: Vec<Stamp> = carried.collect();
        self.now[agent.index()] = Some(self.causality.met(agent, &carried));
    }

    /// A conditional write finds something else than it expects.
    pub(crate) fn refuses(&mut self, refusal: Refusal, found: Written) {
        let carried = self.carried(found);
        self.refusals.insert(refusal, carried);
    }

    /// An agent begins a step in which it learns of a refusal: of a write that stands in its way.
    pub(crate) fn is_refused(&mut self, refusal: Refusal) {
        let carried = self.refusals.remove(&refusal).unwrap_or_default();
        let agent = refusal.0;
        self.now[agent.index()] = Some(self.causality.met(agent, &carried));
    }

    /// An agent starts again.
    pub(crate) fn restarts(&mut self, agent: AgentId, incarnation: u16) {
        self.causality.restarted(agent, incarnation.into());
        self.refusals.retain(|refusal, _| refusal.0 != agent);
        self.begins(agent);
    }

    /// The steps that could have influenced what stands at a place.
    fn carried(&self, read: Written) -> Vec<Stamp> {
        if read.is_nothing() {
            return Vec::new();
        }
        if let Some(stamp) = self.causality.carried(&read) {
            return vec![stamp.clone()];
        }
        let landed = read.place().and_then(|place| self.landed.get(&place));
        landed.map_or_else(Vec::new, |landed| landed.values().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use bivalent_core::{Incarnation, Value, Vote};

    use super::*;

    const A: AgentId = AgentId(0);
    const B: AgentId = AgentId(1);
    const PLACE: Place = Place {
        store: StoreId(0),
        owner: A,
    };

    fn block(round: u64) -> Block {
        let bal = Ballot::new(round, A, Incarnation(0));
        let vote = Some(Vote { bal, inp: Value(7) });
        Block {
            mbal: Some(bal),
            vote,
        }
    }

    fn write(count: u64) -> Written {
        Written::new(PLACE, version(count), block(count))
    }

    fn version(count: u64) -> Version {
        Version::new(Incarnation(0), count)
    }

    /// A clock in which the first agent has asked for two writes in two steps, and taken a third.
    fn two_writes() -> Clocks {
        let mut clocks = Clocks::new(2);
        for count in [1, 2] {
            clocks.begins(A);
            clocks.asks(A, write(count));
            clocks.lands(write(count));
        }
        clocks.begins(A);
        clocks.event(A);
        clocks
    }

    fn read_by_b(mut clocks: Clocks, read: Written) -> u32 {
        clocks.reads(B, &[read]);
        clocks.event(B).clock(0)
    }

    #[test]
    fn a_read_knows_what_the_step_knew_that_asked_for_the_write() {
        let nothing = Written::new(PLACE, Version::default(), Block::default());

        assert_eq!(read_by_b(two_writes(), write(2)), 2);
        assert_eq!(read_by_b(two_writes(), write(1)), 1);
        assert_eq!(read_by_b(two_writes(), nothing), 0);
    }

    #[test]
    fn a_block_that_nobody_wrote_carries_what_all_knew_who_wrote_there() {
        let mut torn = block(2);
        torn.vote = block(1).vote;

        let torn = Written::new(PLACE, version(2), torn);
        assert_eq!(read_by_b(two_writes(), torn), 2);
    }

    #[test]
    fn a_step_is_one_event_and_the_next_step_another() {
        let mut clocks = Clocks::new(2);
        clocks.begins(A);

        let (one, same) = (clocks.event(A), clocks.event(A));
        clocks.begins(A);
        let next = clocks.event(A);

        assert!(one.is_same_event(&same));
        assert!(one.happens_before(&next));
    }

    #[test]
    fn a_refusal_tells_of_the_write_that_stands_in_the_way() {
        let mut clocks = two_writes();
        let refusal = (B, PLACE.store, 1, 0);
        clocks.refuses(refusal, write(2));

        clocks.is_refused(refusal);

        assert_eq!(clocks.event(B).clock(0), 2);
    }

    #[test]
    fn a_read_of_several_writes_knows_what_any_of_their_authors_knew() {
        let mut clocks = Clocks::new(3);
        let (head, vote) = (
            Written::Head(A, version(1)),
            Written::Vote(Slot(1), Ballot::new(1, B, Incarnation(0))),
        );
        for (agent, write) in [(A, head), (B, vote)] {
            clocks.begins(agent);
            clocks.asks(agent, write);
        }

        clocks.reads(AgentId(2), &[head, vote]);

        let event = clocks.event(AgentId(2));
        assert_eq!([event.clock(0), event.clock(1)], [1, 1]);
    }

    #[test]
    fn a_write_that_goes_astray_is_found_where_it_lands() {
        let mut clocks = two_writes();
        let hit = Place {
            store: StoreId(0),
            owner: B,
        };
        clocks.goes_astray(write(1), hit);

        clocks.reads(B, &[write(1).elsewhere(hit)]);

        assert_eq!(clocks.event(B).clock(0), 1);
    }
}
