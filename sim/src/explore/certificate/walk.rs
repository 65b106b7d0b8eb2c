//! The verifier's own little world: the real agents, the blocks, what is in flight, and nothing else.
//!
//! It shares no code with the explorer, so that one cannot hide the other's mistake. It steps agents in
//! the order it is given, with integers for ballots, and tells a state with ranks for them.

use bivalent_core::{
    Agent, AgentId, Ballot, Block, BlockOp, BlockReply, BlockTag, Collector, DecreeEvent,
    DecreeSaid, DecreeTimer, Explored, Incarnation, Renaming, SingleDecree, StoreId, Version, Want,
};

use super::Flaw;
use crate::protocol::member::Member;
use crate::scenario::script::{Deed, Entry};

/// An operation in flight, with the step at which it was asked for.
#[derive(Clone, Copy, Debug)]
struct Flying {
    store: StoreId,
    tag: BlockTag,
    /// What a write writes.
    block: Option<Block>,
    /// A conditional write: only if the record still has this version.
    expect: Option<Version>,
    since: u64,
}

/// A system that takes one named step after another.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    agents: Vec<Member>,
    /// By store, then by owner; of one owner, where all agents share a record.
    blocks: Vec<Vec<Block>>,
    /// The versions of the stores' records.
    versions: Vec<Version>,
    /// Stores have records, which are written on conditions.
    conditional: bool,
    flying: Vec<Vec<Flying>>,
    steps: u64,
    /// The most steps that any operation has waited for its answer.
    pub(super) longest_wait: u64,
    /// How many steps each agent has taken.
    pub(super) taken: Vec<u64>,
    /// The greatest round so far.
    pub(super) round: u64,
}

/// An operation in flight: store, whose block is read (255: the own one is written), whether it is of this
/// phase, what is written, and on what condition.
type Named = (u8, u16, bool, Option<Block>, Option<Version>);

/// A state as the verifier compares it: agents, blocks, and operations in flight, all in ranks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Canonical {
    agents: Vec<Member>,
    blocks: Vec<Vec<Block>>,
    flying: Vec<Vec<Named>>,
}

impl Walk {
    /// Everybody has its first ballot, in agent order; nothing is written.
    pub(super) fn new(agents: Vec<Member>, stores: usize, conditional: bool) -> Self {
        let count = agents.len();
        let owners = if conditional { 1 } else { count };
        let mut walk = Self {
            agents,
            blocks: vec![vec![Block::default(); owners]; stores],
            versions: vec![Version::default(); stores],
            conditional,
            flying: vec![Vec::new(); count],
            steps: 0,
            longest_wait: 0,
            taken: vec![0; count],
            round: 0,
        };
        for index in 0..count {
            let id = AgentId(index as u16);
            // A first attempt only makes an agent write: there is nothing to refuse.
            let _ = walk.feed(id, DecreeEvent::Woke(DecreeTimer::Attempt));
        }
        walk
    }

    /// Lets one operation take effect and be answered.
    pub(super) fn step(&mut self, entry: Entry) -> Result<(), Flaw> {
        self.steps += 1;
        let Entry {
            agent, store, deed, ..
        } = entry;
        if entry.gap.is_some() {
            return Err(Flaw::LowBallot);
        }
        let wanted = match deed {
            Deed::Write => None,
            Deed::Read { owner } => Some(owner),
            Deed::Crash | Deed::Restart | Deed::Tear | Deed::Stale { .. } | Deed::Delay { .. } => {
                return Err(Flaw::Crash);
            }
        };
        let known = agent.index() < self.agents.len() && store.index() < self.blocks.len();
        let flying = self.flying.get(agent.index()).filter(|_| known);
        let place = flying.and_then(|flying| {
            let wanted = |flying: &&Flying| flying.named() == (store, wanted);
            // What this phase asked for comes before what is left of an earlier one.
            let newest = flying
                .iter()
                .filter(wanted)
                .map(|flying| flying.since)
                .max()?;
            flying
                .iter()
                .position(|flying| wanted(&flying) && flying.since == newest)
        });
        let Some(place) = place else {
            return Err(Flaw::NotInFlight);
        };
        let flying = self.flying[agent.index()].remove(place);
        self.longest_wait = self.longest_wait.max(self.steps - flying.since);
        self.taken[agent.index()] += 1;
        let reply = match flying.tag {
            BlockTag::Write { .. } if self.lands(agent, store, &flying) => BlockReply::Written,
            BlockTag::Write { .. } => BlockReply::Refused,
            BlockTag::Read { owner, .. } => BlockReply::Block {
                block: self.blocks[store.index()][owner.index()],
                version: self.versions[store.index()],
            },
        };
        self.feed(agent, DecreeEvent::Replied(store, flying.tag, reply))?;
        self.refuse_futile();
        Ok(())
    }

    /// Conditional writes whose condition has passed are refused at once, where nobody waits to hear so.
    fn refuse_futile(&mut self) {
        let (steps, versions) = (self.steps, &self.versions);
        for (agent, flying) in self.agents.iter().zip(&mut self.flying) {
            flying.retain(|flying| {
                let stands = versions[flying.store.index()];
                let passed = flying.expect.is_some_and(|it| it != stands);
                let futile = passed && !agent.awaits(flying.store, flying.tag);
                if futile {
                    self.longest_wait = self.longest_wait.max(steps - flying.since);
                }
                !futile
            });
        }
    }

    fn feed(&mut self, id: AgentId, event: DecreeEvent) -> Result<(), Flaw> {
        let index = id.index();
        let (mut waits, mut decided) = (false, false);
        let round = &mut self.round;
        // Above every ballot there is, since rounds only ever grow here.
        let mut port = Collector::new(|_| {
            *round += 1;
            Some(Ballot::new(*round, id, Incarnation(0)))
        });
        self.agents[index].on(event.told(), &mut port);
        let (flying, since) = (&mut self.flying[index], self.steps);
        for want in port.wants {
            match want {
                Want::Ask { store, tag, op, .. } => {
                    let (expect, block) = match op {
                        BlockOp::Read { .. } => (None, None),
                        BlockOp::Write { block, .. } => (None, Some(block)),
                        BlockOp::Swap { expect, block, .. } => (Some(expect), Some(block)),
                    };
                    flying.push(Flying {
                        store,
                        tag,
                        block,
                        expect,
                        since,
                    });
                }
                Want::Wake(DecreeTimer::Attempt, _) => waits = true,
                // Blocks are whole here: every answer is one.
                Want::Wake(DecreeTimer::Retry(..), _)
                | Want::Say(DecreeSaid::Preempted { .. } | DecreeSaid::Recovered { .. }) => {}
                Want::Say(DecreeSaid::Decided(_)) => decided = true,
            }
        }
        if decided {
            return Err(Flaw::Decision);
        }
        // What was asked for in a phase that is over is answered at once: a read then changes nothing.
        let (agent, longest) = (&self.agents[index], &mut self.longest_wait);
        self.flying[index].retain(|flying| {
            let matters = matches!(flying.tag, BlockTag::Write { .. })
                || agent.awaits(flying.store, flying.tag);
            if !matters {
                *longest = (*longest).max(since - flying.since);
            }
            matters
        });
        if waits {
            return self.feed(id, DecreeEvent::Woke(DecreeTimer::Attempt));
        }
        Ok(())
    }

    /// A write takes effect, if its condition holds.
    fn lands(&mut self, agent: AgentId, store: StoreId, flying: &Flying) -> bool {
        let Some(block) = flying.block else {
            return false;
        };
        match flying.expect {
            None => self.blocks[store.index()][agent.index()] = block,
            Some(expect) if expect == self.versions[store.index()] => {
                self.versions[store.index()] = expect.next(Incarnation(0));
                self.blocks[store.index()][0] = block;
            }
            Some(_) => return false,
        }
        true
    }

    /// How long the operation has waited that was asked for first, steps.
    pub(super) fn oldest(&self) -> u64 {
        let since = self.flying.iter().flatten().map(|flying| flying.since);
        since.min().map_or(0, |since| self.steps - since)
    }

    /// The pairs of an agent and a store that have something in flight, or the like: what can happen next.
    pub(super) fn enabled(&self) -> Vec<(u8, u8, Option<AgentId>)> {
        let mut enabled = Vec::new();
        for (agent, flying) in self.flying.iter().enumerate() {
            for flying in flying {
                let (store, owner) = flying.named();
                enabled.push((agent as u8, store.0, owner));
            }
        }
        enabled.sort_unstable();
        enabled
    }

    /// The state with every ballot called by its rank.
    pub(super) fn canonical(&self) -> Canonical {
        let mut ballots = Vec::new();
        for agent in &self.agents {
            agent.ballots(&mut |ballot| ballots.push(ballot));
        }
        let flying = self.flying.iter().flatten();
        let written = flying.filter_map(|flying| flying.block);
        for block in self.blocks.iter().flatten().copied().chain(written) {
            ballots.extend(block.mbal);
            ballots.extend(block.vote.map(|vote| vote.bal));
        }
        ballots.sort_unstable();
        ballots.dedup();
        let ranks = Ranks {
            ballots,
            versions: self.conditional.then_some(&self.versions[..]),
        };
        let blocks = self.blocks.iter();
        let tell = |blocks: &Vec<Block>| blocks.iter().map(|block| block.renamed(&ranks)).collect();
        let flying = self.flying.iter().zip(&self.agents);
        let flying = flying.map(|(flying, agent)| {
            let each = flying.iter().map(|flying| {
                let (store, owner) = flying.named();
                let (BlockTag::Read { epoch, .. } | BlockTag::Write { epoch, .. }) = flying.tag;
                let owner = owner.map_or(u16::MAX, |owner| owner.0);
                let block = flying.block.map(|block| block.renamed(&ranks));
                let expect = flying.expect.map(|expect| ranks.version(store, expect));
                (store.0, owner, epoch == agent.epoch(), block, expect)
            });
            let mut each: Vec<_> = each.collect();
            each.sort_by_key(|&(store, owner, current, ..)| (store, owner, current));
            each
        });
        Canonical {
            agents: self
                .agents
                .iter()
                .map(|agent| agent.renamed(&ranks))
                .collect(),
            blocks: blocks.map(tell).collect(),
            flying: flying.collect(),
        }
    }
}

impl Flying {
    /// Where, and whose block is read.
    const fn named(&self) -> (StoreId, Option<AgentId>) {
        match self.tag {
            BlockTag::Read { owner, .. } => (self.store, Some(owner)),
            BlockTag::Write { .. } => (self.store, None),
        }
    }
}

struct Ranks<'a> {
    ballots: Vec<Ballot>,
    versions: Option<&'a [Version]>,
}

impl Renaming for Ranks<'_> {
    fn ballot(&self, ballot: Ballot) -> Ballot {
        let rank = self
            .ballots
            .iter()
            .take_while(|&&other| other < ballot)
            .count();
        Ballot::new(rank as u64 + 1, ballot.agent(), ballot.incarnation())
    }

    /// Whether it still stands: nothing else is ever asked of a version. Writes that go in place are
    /// numbered, and nobody asks for the number.
    fn version(&self, store: StoreId, version: Version) -> Version {
        let Some(versions) = self.versions else {
            return Version::default();
        };
        let stands = version == versions[store.index()];
        Version::new(Incarnation(0), u64::from(!stands))
    }
}
