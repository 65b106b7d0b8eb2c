//! The paper's invariants (`HInv1` to `HInv6`), agreement and validity, looked at from outside in every state.

use bivalent_core::{
    AgentId, Ballot, Block, BlockReply, BlockTag, DecreeEvent, DiskPaxos, Phase, SingleDecree,
    StoreId,
};

use crate::system::{Pending, System};

/// What a state breaks.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Broken {
    /// Two decisions differ.
    Agreement,
    /// A decision that nobody proposed.
    Validity,
    /// A block that its owner could not have meant.
    Block2a,
    /// A store counts as written or read, and is not.
    Bookkeeping2b,
    /// A phase does not fit the block, or a block that was read does not fit the phase.
    Phase2c,
    /// Two agents read each other on one store, and neither met the other's current block.
    Meeting3,
    /// A block of an agent is ahead of the agent.
    Ahead4a,
    /// A vote in the ballot of a phase 1.
    Ahead4b,
    /// A vote whose ballot does not stand on a quorum.
    Ballot4c,
    /// A block whose `bal` no quorum knows of.
    Ballot4d,
    /// A rival vote, and no way to learn of it.
    Rival5,
    /// A vote against what is decided.
    Against6,
}

impl System {
    /// Judges this state; the first thing that is wrong, if any.
    pub(crate) fn check(&self) -> Result<(), Broken> {
        for decision in &self.decisions {
            ensure(self.decisions[0].value == decision.value, Broken::Agreement)?;
            ensure(self.proposed.contains(&decision.value), Broken::Validity)?;
        }
        for agent in &self.agents {
            let blocks = self.blocks_of(agent.id());
            self.check_blocks(agent, &blocks)?;
            self.check_books(agent)?;
            if agent.phase() != Phase::Recovering {
                self.check_ballots(agent, &blocks)?;
            }
            if agent.phase() == Phase::Two {
                self.check_rivals(agent)?;
            }
        }
        Ok(())
    }

    /// Every block of `owner`: in memory, on stores, held by readers, and on its way.
    fn blocks_of(&self, owner: AgentId) -> Vec<Block> {
        let stored = self.disks.iter().map(|disk| disk[owner.index()].0);
        let held = self.held.iter().filter(|held| held.owner == owner);
        let on_its_way = self.pending.iter().filter_map(|&(agent, pending)| {
            if let Pending::Write { block, .. } = pending {
                return (agent == owner).then_some(block);
            }
            if let Pending::Tell(DecreeEvent::Replied(
                _,
                BlockTag::Read { owner: of, .. },
                BlockReply::Block { block, .. },
            )) = pending
            {
                return (of == owner).then_some(block);
            }
            None
        });
        let memory = self.agents[owner.index()].block();
        let others = stored.chain(held.map(|held| held.block)).chain(on_its_way);
        core::iter::once(memory).chain(others).collect()
    }

    fn check_blocks(&self, agent: &DiskPaxos, blocks: &[Block]) -> Result<(), Broken> {
        let is_own = |ballot: Ballot| ballot.agent() == agent.id();
        for block in blocks {
            ensure(block.mbal.is_none_or(is_own), Broken::Block2a)?;
            if let Some(vote) = block.vote {
                ensure(is_own(vote.bal), Broken::Block2a)?;
                ensure(Some(vote.bal) <= block.mbal, Broken::Block2a)?;
                ensure(self.proposed.contains(&vote.inp), Broken::Block2a)?;
                let known = self.count(|store| self.mbal(store, agent.id()) >= Some(vote.bal));
                ensure(known >= self.quorum(), Broken::Ballot4d)?;
                for decision in &self.decisions {
                    let agrees = vote.bal < decision.bal || vote.inp == decision.value;
                    ensure(agrees, Broken::Against6)?;
                }
            }
        }
        Ok(())
    }

    fn check_books(&self, agent: &DiskPaxos) -> Result<(), Broken> {
        let me = agent.id();
        for store in self.setup.envelope().store_ids() {
            if agent.written() & store.bit() == 0 {
                ensure(agent.seen(store) == 0, Broken::Bookkeeping2b)?;
            } else {
                let disk = self.disks[store.index()][me.index()].0;
                ensure(disk == agent.block(), Broken::Bookkeeping2b)?;
            }
            ensure(agent.seen(store) & me.bit() == 0, Broken::Bookkeeping2b)?;
            for rival in &self.agents {
                let both = is_running(agent)
                    && is_running(rival)
                    && agent.seen(store) & rival.id().bit() != 0
                    && rival.seen(store) & me.bit() != 0;
                let met = self.holds_current(agent, store, rival)
                    || self.holds_current(rival, store, agent);
                ensure(!both || met, Broken::Meeting3)?;
            }
        }
        for held in self.held.iter().filter(|held| held.reader == me) {
            ensure(held.block.mbal < agent.block().mbal, Broken::Phase2c)?;
        }
        let bal = agent.block().vote.map(|vote| vote.bal);
        match agent.phase() {
            Phase::Two | Phase::Decided => ensure(bal == agent.block().mbal, Broken::Phase2c),
            Phase::One => ensure(bal < agent.block().mbal, Broken::Phase2c),
            Phase::Waiting | Phase::Recovering => Ok(()),
        }
    }

    fn holds_current(&self, reader: &DiskPaxos, store: StoreId, owner: &DiskPaxos) -> bool {
        self.held.iter().any(|held| {
            (held.reader, held.store, held.owner) == (reader.id(), store, owner.id())
                && held.block == owner.block()
        })
    }

    fn check_ballots(&self, agent: &DiskPaxos, blocks: &[Block]) -> Result<(), Broken> {
        let (me, block) = (agent.id(), agent.block());
        let bal = |block: Block| block.vote.map(|vote| vote.bal);
        let greatest = blocks.iter().map(|&block| bal(block)).max().flatten();
        ensure(greatest <= block.mbal, Broken::Ahead4a)?;
        // A late write of a dead incarnation can put an old, high ballot on a store; our next write
        // there hides it.
        if !self.has_dead_writes() {
            let level = self.count(|store| {
                let disk = self.disks[store.index()][me.index()].0;
                disk.mbal <= block.mbal && bal(disk) <= bal(block)
            });
            ensure(self.blocks_every_quorum(level), Broken::Ahead4a)?;
        }
        match agent.phase() {
            Phase::One => ensure(greatest < block.mbal, Broken::Ahead4b),
            Phase::Two | Phase::Decided => {
                let stands = self.count(|store| self.mbal(store, me) == bal(block));
                ensure(stands >= self.quorum(), Broken::Ballot4c)
            }
            Phase::Waiting | Phase::Recovering => Ok(()),
        }
    }

    fn check_rivals(&self, agent: &DiskPaxos) -> Result<(), Broken> {
        let Some(vote) = agent.block().vote else {
            return Err(Broken::Phase2c);
        };
        let rivals = self.agents.iter().flat_map(|a| self.blocks_of(a.id()));
        let alone = rivals
            .filter_map(|block| block.vote)
            .all(|rival| rival.bal < vote.bal || rival.inp == vote.inp);
        let doomed = self.agents.iter().any(|rival| {
            let hidden = self.count(|store| {
                self.mbal(store, rival.id()) > agent.block().mbal
                    && !self.has_read(agent, store, rival.id())
            });
            self.blocks_every_quorum(hidden)
        });
        ensure(alone || doomed, Broken::Rival5)
    }

    /// Whether the read has happened on the store; its answer may be on its way.
    fn has_read(&self, reader: &DiskPaxos, store: StoreId, owner: AgentId) -> bool {
        let counted = agent_saw(reader, store, owner);
        let on_its_way = |&(agent, pending): &(AgentId, Pending)| {
            let Pending::Tell(DecreeEvent::Replied(
                from,
                BlockTag::Read { owner: of, epoch },
                BlockReply::Block { block, .. },
            )) = pending
            else {
                return false;
            };
            (agent, from, of, epoch) == (reader.id(), store, owner, reader.epoch())
                && block.mbal < reader.block().mbal
        };
        counted || self.pending.iter().any(on_its_way)
    }

    fn has_dead_writes(&self) -> bool {
        self.setup.overwrite == bivalent_core::Overwrite::Versioned
            && self.agents.iter().any(|agent| agent.incarnation().0 > 0)
    }

    fn mbal(&self, store: StoreId, owner: AgentId) -> Option<Ballot> {
        self.disks[store.index()][owner.index()].0.mbal
    }

    fn count(&self, holds: impl Fn(StoreId) -> bool) -> usize {
        let stores = self.setup.envelope().store_ids();
        stores.filter(|&store| holds(store)).count()
    }

    fn quorum(&self) -> usize {
        usize::from(self.setup.envelope().quorum())
    }

    /// Whether a set of so many stores meets every quorum.
    fn blocks_every_quorum(&self, stores: usize) -> bool {
        stores + self.quorum() > self.disks.len()
    }
}

fn agent_saw(agent: &DiskPaxos, store: StoreId, owner: AgentId) -> bool {
    agent.seen(store) & owner.bit() != 0
}

fn is_running(agent: &DiskPaxos) -> bool {
    matches!(agent.phase(), Phase::One | Phase::Two)
}

fn ensure(holds: bool, broken: Broken) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(broken) }
}
