//! An agent up to renaming: what an explorer needs to see that two states are the same.

use core::hash::{Hash, Hasher};

use super::{Bug, DiskPaxos};
use crate::{
    AgentId, Ballot, Block, BlockTag, Config, Explored, Incarnation, Phase, Renaming, SingleDecree,
    StoreId, Value, Vote,
};

impl DiskPaxos {
    /// What a renamed agent calls the current epoch; all earlier ones are called
    /// [`DiskPaxos::EARLIER`].
    pub const CURRENT: u32 = 2;
    /// What a renamed agent calls every epoch before the current one.
    pub const EARLIER: u32 = 1;

    fn renamed_set(&self, set: u128, names: &impl Renaming) -> u128 {
        let members = (0..self.config.agents).map(AgentId);
        members
            .filter(|agent| set & agent.bit() != 0)
            .fold(0, |set, agent| set | names.agent(agent).bit())
    }

    fn only_decided(config: Config, incarnation: Incarnation, inp: Value) -> Self {
        let bal = Ballot::new(1, config.me, Incarnation(0));
        let mut decided = Self::new(config, incarnation);
        decided.phase = Phase::Decided;
        decided.epoch = Self::CURRENT;
        decided.block = Block {
            mbal: None,
            vote: Some(Vote { bal, inp }),
        };
        decided
    }
}

/// Renaming leaves everything that only grows or no longer matters in one spelling. The epoch is then
/// [`DiskPaxos::CURRENT`]; operations in flight must be renamed with it. Of a decided agent only the value is left:
/// its answers and its block no longer matter to anyone. Holds for runners that answer each operation at most once
/// and never time out.
impl Explored for DiskPaxos {
    fn awaits(&self, store: StoreId, tag: BlockTag) -> bool {
        match tag {
            BlockTag::Read { owner, epoch } => {
                let old = self.has(Bug::CountsOldAnswers) && self.is_balloting();
                self.wants_read(store, owner, if old { self.epoch } else { epoch })
            }
            BlockTag::Write { epoch, attempt } => {
                let link = &self.links[store.index()];
                link.epoch == epoch && link.unanswered & 1 << attempt != 0
            }
        }
    }

    fn ballots(&self, each: &mut impl FnMut(Ballot)) {
        if self.phase == Phase::Decided {
            return;
        }
        self.block.ballots(each);
        self.best.into_iter().for_each(|vote| each(vote.bal));
        self.above.into_iter().for_each(&mut *each);
        #[cfg(feature = "planted-bugs")]
        self.extra.best_mbal.into_iter().for_each(each);
    }

    fn renamed(&self, names: &impl Renaming) -> Self {
        let mut same = self.clone();
        same.config.me = names.agent(self.config.me);
        if let Some(value) = self.decision() {
            return Self::only_decided(same.config, self.incarnation, value);
        }
        same.epoch = Self::CURRENT;
        same.block = self.block.renamed(names);
        same.best = self.best.map(|vote| vote.renamed(names));
        same.above = self.above.map(|ballot| names.ballot(ballot));
        #[cfg(feature = "planted-bugs")]
        {
            same.extra = self.extra.renamed(names);
        }
        for store in self.config.stores() {
            let old = &self.links[store.index()];
            let link = &mut same.links[store.index()];
            link.seen = self.renamed_set(old.seen, names);
            link.version = names.version(store, old.version);
            (link.epoch, link.attempts) = if old.unanswered == 0 {
                (0, 0)
            } else if old.epoch == self.epoch {
                (Self::CURRENT, old.attempts)
            } else {
                (Self::EARLIER, old.attempts)
            };
        }
        same
    }
}

/// As derived, but for the links of stores that do not exist: those never differ.
impl Hash for DiskPaxos {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let stores = self.config.envelope.stores() as usize;
        (self.config, self.incarnation).hash(state);
        (self.phase, self.block, self.best, self.above).hash(state);
        self.epoch.hash(state);
        (self.written, self.complete).hash(state);
        self.links[..stores].hash(state);
        #[cfg(feature = "planted-bugs")]
        self.extra.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BlockReply, DecreeEvent, DecreeWant, Envelope, Overwrite, Version};

    /// Ballots move up by some rounds.
    struct Up(u64);

    impl Renaming for Up {
        fn ballot(&self, ballot: Ballot) -> Ballot {
            let (agent, incarnation) = (ballot.agent(), ballot.incarnation());
            Ballot::new(ballot.round() + self.0, agent, incarnation)
        }
    }

    /// Ballots stay, writes lose their numbers.
    struct Unnumbered;

    impl Renaming for Unnumbered {
        fn ballot(&self, ballot: Ballot) -> Ballot {
            ballot
        }

        fn version(&self, _: StoreId, _: Version) -> Version {
            Version::default()
        }
    }

    const A2: AgentId = AgentId(1);

    fn ballot(round: u64, agent: u16) -> Ballot {
        Ballot::new(round, AgentId(agent), Incarnation(0))
    }

    fn agent() -> DiskPaxos {
        let envelope = Envelope::majority(1).unwrap();
        let config = Config::new(AgentId(0), 2, envelope, Overwrite::InPlace, Value(7));
        DiskPaxos::begin(&config, Incarnation(0)).0
    }

    fn wrote(agent: &mut DiskPaxos) -> [DecreeWant; 1] {
        let (epoch, attempt) = (agent.epoch(), 0);
        let tag = BlockTag::Write { epoch, attempt };
        let read = agent.step(DecreeEvent::Replied(StoreId(0), tag, BlockReply::Written));
        read.try_into().unwrap()
    }

    fn read(agent: &mut DiskPaxos, block: Block) -> alloc::vec::Vec<DecreeWant> {
        let (owner, epoch) = (A2, agent.epoch());
        let version = Version::default();
        agent.step(DecreeEvent::Replied(
            StoreId(0),
            BlockTag::Read { owner, epoch },
            BlockReply::Block { block, version },
        ))
    }

    #[test]
    fn an_attempt_later_is_the_same_state_renamed() {
        let mut agent = agent();
        agent.attempt(ballot(1, 0));
        let first = agent.renamed(&Up(4));
        wrote(&mut agent);
        let rival = Block {
            mbal: Some(ballot(3, 1)),
            vote: None,
        };
        assert_eq!(
            read(&mut agent, rival).len(),
            2,
            "it says so, and sets its alarm"
        );
        agent.attempt(ballot(5, 0));

        let again = agent.renamed(&Up(0));
        let versions_apart = first != again;

        assert!(versions_apart, "a write has a number until it is renamed");
        assert_eq!(first.renamed(&Unnumbered), again.renamed(&Unnumbered));
    }

    #[test]
    fn a_renamed_agent_takes_the_renamed_steps() {
        let mut plain = agent();
        plain.attempt(ballot(2, 0));
        let mut renamed = plain.renamed(&Up(9));
        let vote = Vote {
            bal: ballot(1, 1),
            inp: Value(8),
        };
        let seen = Block {
            mbal: Some(vote.bal),
            vote: Some(vote),
        };

        wrote(&mut plain);
        wrote(&mut renamed);
        read(&mut plain, seen);
        read(&mut renamed, seen.renamed(&Up(9)));

        assert_eq!(plain.renamed(&Up(9)), renamed.renamed(&Up(0)));
        assert_eq!(plain.phase(), Phase::Two);
    }

    #[test]
    fn of_a_decided_agent_only_the_value_is_left() {
        let decide = |round| {
            let mut agent = agent();
            agent.attempt(ballot(round, 0));
            for _ in 0..2 {
                wrote(&mut agent);
                read(&mut agent, Block::default());
            }
            agent
        };
        let (one, other) = (decide(1), decide(6));

        assert_ne!(one, other);
        assert_eq!(one.renamed(&Up(0)), other.renamed(&Up(0)));
        assert_eq!(one.renamed(&Up(0)).decision(), Some(Value(7)));
        let mut ballots = 0;
        one.ballots(&mut |_| ballots += 1);
        assert_eq!(ballots, 0);
    }

    #[test]
    fn only_a_pending_read_of_this_phase_is_awaited() {
        let mut agent = agent();
        agent.attempt(ballot(1, 0));
        let read = |epoch| BlockTag::Read { owner: A2, epoch };
        assert!(
            !agent.awaits(StoreId(0), read(agent.epoch())),
            "nothing is written"
        );
        wrote(&mut agent);
        assert!(agent.awaits(StoreId(0), read(agent.epoch())));
        assert!(!agent.awaits(StoreId(0), read(agent.epoch() - 1)));
    }
}
