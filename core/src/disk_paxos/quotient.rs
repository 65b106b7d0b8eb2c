//! An agent up to renaming: what an explorer needs to see that two states are the same.

use core::hash::{Hash, Hasher};

use super::{Bug, DiskPaxos};
use crate::{AgentId, Ballot, Block, Config, Incarnation, Operation, Phase, Renaming, Value, Vote};

impl DiskPaxos {
    /// What [`DiskPaxos::renamed`] calls the current epoch; all earlier ones are called
    /// [`DiskPaxos::EARLIER`].
    pub const CURRENT: u32 = 2;
    /// What [`DiskPaxos::renamed`] calls every epoch before the current one.
    pub const EARLIER: u32 = 1;

    /// Whether an answer to this operation could still change anything: what an explorer may drop
    /// from a state is all the rest.
    pub fn awaits(&self, operation: Operation) -> bool {
        match operation {
            Operation::Read {
                store,
                owner,
                epoch,
            } => {
                let old = self.has(Bug::CountsOldAnswers) && self.is_balloting();
                self.wants_read(store, owner, if old { self.epoch } else { epoch })
            }
            Operation::Write {
                store,
                epoch,
                attempt,
            } => {
                let link = &self.links[store.index()];
                link.epoch == epoch && link.unanswered & 1 << attempt != 0
            }
        }
    }

    /// Says every ballot in its state, some perhaps twice.
    pub fn ballots(&self, each: &mut impl FnMut(Ballot)) {
        if self.phase == Phase::Decided {
            return;
        }
        self.block.ballots(each);
        self.best.into_iter().for_each(|vote| each(vote.bal));
        #[cfg(feature = "planted-bugs")]
        self.extra.best_mbal.into_iter().for_each(each);
    }

    /// The same state renamed, with everything that only grows or no longer matters in one spelling.
    ///
    /// The epoch is then [`DiskPaxos::CURRENT`]; operations in flight must be renamed with it. Of a decided
    /// agent only the value is left: its answers and its block no longer matter to anyone. Holds for
    /// drivers that answer each operation at most once and never time out.
    #[must_use]
    pub fn renamed(&self, names: &impl Renaming) -> Self {
        let mut same = self.clone();
        same.config.me = names.agent(self.config.me);
        if let Some(value) = self.decision() {
            return Self::only_decided(same.config, value);
        }
        same.epoch = Self::CURRENT;
        same.block = self.block.renamed(names);
        same.best = self.best.map(|vote| vote.renamed(names));
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

    fn renamed_set(&self, set: u128, names: &impl Renaming) -> u128 {
        let members = (0..self.config.agents).map(AgentId);
        members
            .filter(|agent| set & agent.bit() != 0)
            .fold(0, |set, agent| set | names.agent(agent).bit())
    }

    fn only_decided(config: Config, inp: Value) -> Self {
        let bal = Ballot::new(1, config.me, Incarnation(0));
        let mut decided = Self::new(config);
        decided.phase = Phase::Decided;
        decided.epoch = Self::CURRENT;
        decided.block = Block {
            mbal: None,
            vote: Some(Vote { bal, inp }),
        };
        decided
    }
}

/// As derived, but for the links of stores that do not exist: those never differ.
impl Hash for DiskPaxos {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let stores = self.config.envelope.stores() as usize;
        self.config.hash(state);
        (self.phase, self.block, self.best, self.epoch).hash(state);
        (self.written, self.complete).hash(state);
        self.links[..stores].hash(state);
        #[cfg(feature = "planted-bugs")]
        self.extra.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Effect, Envelope, Input, Overwrite, StoreId, Version};

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

    fn ballot(round: u64, agent: u8) -> Ballot {
        Ballot::new(round, AgentId(agent), Incarnation(0))
    }

    fn agent() -> DiskPaxos {
        let envelope = Envelope::majority(1).unwrap();
        let config = Config::new(AgentId(0), 2, envelope, Overwrite::InPlace, Value(7));
        DiskPaxos::new(config)
    }

    fn wrote(agent: &mut DiskPaxos) -> [Effect; 1] {
        let (store, attempt) = (StoreId(0), 0);
        let epoch = agent.epoch();
        let read = agent.step(Input::Wrote {
            store,
            epoch,
            attempt,
        });
        read.try_into().unwrap()
    }

    fn read(agent: &mut DiskPaxos, block: Block) -> alloc::vec::Vec<Effect> {
        let epoch = agent.epoch();
        agent.step(Input::Read {
            store: StoreId(0),
            owner: A2,
            epoch,
            block,
            version: Version::default(),
        })
    }

    #[test]
    fn an_attempt_later_is_the_same_state_renamed() {
        let mut agent = agent();
        agent.step(Input::Start {
            ballot: ballot(1, 0),
        });
        let first = agent.renamed(&Up(4));
        wrote(&mut agent);
        let rival = Block {
            mbal: Some(ballot(3, 1)),
            vote: None,
        };
        assert_eq!(read(&mut agent, rival).len(), 1, "an abort");
        agent.step(Input::Start {
            ballot: ballot(5, 0),
        });

        let again = agent.renamed(&Up(0));
        let versions_apart = first != again;

        assert!(versions_apart, "a write has a number until it is renamed");
        assert_eq!(first.renamed(&Unnumbered), again.renamed(&Unnumbered));
    }

    #[test]
    fn a_renamed_agent_takes_the_renamed_steps() {
        let mut plain = agent();
        plain.step(Input::Start {
            ballot: ballot(2, 0),
        });
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
            agent.step(Input::Start {
                ballot: ballot(round, 0),
            });
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
        agent.step(Input::Start {
            ballot: ballot(1, 0),
        });
        let operation = |epoch| Operation::Read {
            store: StoreId(0),
            owner: A2,
            epoch,
        };
        assert!(
            !agent.awaits(operation(agent.epoch())),
            "nothing is written"
        );
        wrote(&mut agent);
        assert!(agent.awaits(operation(agent.epoch())));
        assert!(!agent.awaits(operation(agent.epoch() - 1)));
    }
}
