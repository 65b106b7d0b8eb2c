//! Stores of a log: heads, votes and snapshots, each block under a key of its own.
//!
//! A store takes what it is given and judges nothing. What a damaged block leaves behind is nothing:
//! its checksum does not fit, and readers pass it over, as if that version had never been written.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bivalent_core::{
    AgentId, Ballot, HeadRead, LogOp, Slot, SlotVote, Snapshot, SnapshotName, StateMachine,
};

/// Something with the time at which it came, ticks.
#[derive(Clone, Debug)]
struct Since<T> {
    from: u64,
    /// When it was dropped; a reader of an older state still finds it.
    until: u64,
    what: T,
}

impl<T> Since<T> {
    const fn new(from: u64, what: T) -> Self {
        Self {
            from,
            until: u64::MAX,
            what,
        }
    }

    const fn is_there(&self, at: u64) -> bool {
        self.from <= at && at < self.until
    }
}

/// Times of the latest writes that a store can answer as of.
const PAST: usize = 64;

/// One store.
#[derive(Clone, Debug)]
pub(super) struct Shelf<M: StateMachine> {
    /// Every version of every agent's head that is still to be had, oldest first.
    heads: Vec<Vec<Since<HeadRead<M>>>>,
    votes: BTreeMap<(Slot, Ballot), Since<SlotVote<M>>>,
    snapshots: BTreeMap<SnapshotName, Since<Arc<Snapshot<M>>>>,
    /// Times of the latest writes, oldest first.
    writes: VecDeque<u64>,
    /// Whether older states may be asked for.
    remembers: bool,
}

/// Now, as a time of reading.
pub(super) const NOW: u64 = u64::MAX - 1;

impl<M: StateMachine> Shelf<M> {
    pub(super) fn new(agents: usize, remembers: bool) -> Self {
        Self {
            heads: vec![Vec::new(); agents],
            votes: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            writes: VecDeque::new(),
            remembers,
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.heads.iter_mut().for_each(Vec::clear);
        self.votes.clear();
        self.snapshots.clear();
        self.writes.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// A write takes effect; false if it changes nothing, since the very same stands there, or
    /// something newer that counts in its place.
    pub(super) fn write(&mut self, agent: AgentId, op: &LogOp<M>, now: u64) -> bool {
        if self.remembers {
            if self.writes.len() == PAST {
                self.writes.pop_front();
            }
            self.writes.push_back(now);
        } else if self.writes.is_empty() {
            self.writes.push_back(now);
        }
        match op {
            LogOp::WriteHead { version, head } => {
                let versions = &mut self.heads[agent.index()];
                let at = versions.partition_point(|known| known.what.version < *version);
                if versions
                    .get(at)
                    .is_some_and(|known| known.what.version == *version)
                {
                    return false;
                }
                let newest = at == versions.len();
                let head = Arc::clone(head);
                let read = HeadRead {
                    agent,
                    version: *version,
                    head,
                };
                let keeps = if self.remembers { PAST } else { 2 };
                versions.insert(at, Since::new(now, read));
                if versions.len() > keeps {
                    versions.remove(0);
                }
                newest
            }
            LogOp::WriteVote(vote) => {
                let known = self.votes.get(&(vote.slot, vote.bal));
                let fresh = known.is_none_or(|known| !known.is_there(NOW));
                let kept = Since::new(now, vote.clone());
                self.votes.insert((vote.slot, vote.bal), kept);
                fresh
            }
            LogOp::WriteSnapshot { name, snapshot } => {
                let kept = Since::new(now, Arc::clone(snapshot));
                self.snapshots.insert(*name, kept).is_none()
            }
            LogOp::Drop { below } => self.drop_below(agent, *below, now),
            LogOp::ReadHeads | LogOp::Scan { .. } | LogOp::ReadSnapshot { .. } => false,
        }
    }

    fn drop_below(&mut self, agent: AgentId, below: Slot, now: u64) -> bool {
        let mut hit = false;
        if self.remembers {
            for (_, vote) in self.votes.range_mut(..(below, LEAST)) {
                if vote.what.bal.agent() == agent && vote.until == u64::MAX {
                    vote.until = now;
                    hit = true;
                }
            }
            // What no older state can show any more goes for good.
            let oldest = self.writes.front().copied().unwrap_or(0);
            self.votes.retain(|_, vote| vote.until > oldest);
        } else {
            let before = self.votes.len();
            self.votes
                .retain(|&(slot, bal), _| slot >= below || bal.agent() != agent);
            hit = self.votes.len() < before;
        }
        let mine = |name: &SnapshotName| name.agent == agent && name.slot < below;
        self.snapshots.retain(|name, _| !mine(name));
        hit
    }

    /// Undoes a write: what it left can't be read. False if nothing of it is there.
    pub(super) fn spoil(&mut self, agent: AgentId, op: &LogOp<M>) -> bool {
        match op {
            LogOp::WriteHead { version, .. } => {
                let versions = &mut self.heads[agent.index()];
                let before = versions.len();
                versions.retain(|known| known.what.version != *version);
                versions.len() < before
            }
            LogOp::WriteVote(vote) => self.votes.remove(&(vote.slot, vote.bal)).is_some(),
            LogOp::WriteSnapshot { name, .. } => self.snapshots.remove(name).is_some(),
            LogOp::Drop { .. }
            | LogOp::ReadHeads
            | LogOp::Scan { .. }
            | LogOp::ReadSnapshot { .. } => false,
        }
    }

    /// The newest head of an agent rots.
    pub(super) fn spoil_head(&mut self, agent: AgentId) -> bool {
        self.heads[agent.index()].pop().is_some()
    }

    /// Returns to the state of some writes ago; false if that is what it is in.
    pub(super) fn return_to(&mut self, at: u64) -> bool {
        let mut hit = false;
        for versions in &mut self.heads {
            let before = versions.len();
            versions.retain(|head| head.from <= at);
            hit |= versions.len() < before;
        }
        let before = self.votes.len();
        self.votes.retain(|_, vote| vote.from <= at);
        hit |= self.votes.len() < before;
        let before = self.snapshots.len();
        self.snapshots.retain(|_, snapshot| snapshot.from <= at);
        hit | (self.snapshots.len() < before)
    }

    /// The time just before the latest `back` writes, if that is known.
    pub(super) fn before_writes(&self, back: usize) -> Option<u64> {
        let at = self.writes.len().checked_sub(back)?;
        let written = self.writes.get(at)?;
        written.checked_sub(1)
    }

    /// How many writes back an older state can be asked for.
    pub(super) fn remembered(&self) -> usize {
        self.writes.len()
    }

    /// Everybody's newest head as of a time.
    pub(super) fn read_heads(&self, at: u64, out: &mut Vec<HeadRead<M>>) {
        out.clear();
        for versions in &self.heads {
            let head = versions.iter().rev().find(|head| head.from <= at);
            out.extend(head.map(|head| head.what.clone()));
        }
    }

    /// Everybody's votes as of a time.
    pub(super) fn read_votes(&self, from: Slot, to: Slot, at: u64, out: &mut Vec<SlotVote<M>>) {
        out.clear();
        if from >= to {
            return;
        }
        let range = self.votes.range((from, LEAST)..(to, LEAST));
        let there = range.filter(|(_, vote)| vote.is_there(at));
        out.extend(there.map(|(_, vote)| vote.what.clone()));
    }

    pub(super) fn read_snapshot(&self, name: SnapshotName, at: u64) -> Option<Arc<Snapshot<M>>> {
        let kept = self.snapshots.get(&name)?;
        kept.is_there(at).then(|| Arc::clone(&kept.what))
    }

    /// The newest head of an agent.
    pub(super) fn head(&self, agent: AgentId) -> Option<&HeadRead<M>> {
        self.heads[agent.index()].last().map(|head| &head.what)
    }

    /// Whether a state at or after a slot can be had here.
    pub(super) fn covers(&self, slot: Slot) -> bool {
        self.snapshots
            .keys()
            .next_back()
            .is_some_and(|name| name.slot > slot)
    }

    /// The vote of the greatest ballot for a slot.
    pub(super) fn vote(&self, slot: Slot) -> Option<&SlotVote<M>> {
        let range = self.votes.range((slot, LEAST)..(slot.next(), LEAST));
        let there = range.rev().find(|(_, vote)| vote.is_there(NOW));
        there.map(|(_, vote)| &vote.what)
    }
}

/// Below every ballot there is.
const LEAST: Ballot = Ballot::new(1, AgentId(0), bivalent_core::Incarnation(0));
