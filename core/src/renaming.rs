//! Renaming: the same state told with other ballots, agents and versions.
//!
//! Agents only compare ballots, never count with them, so an order-preserving renaming of the ballots
//! present in a state commutes with every step. An explorer renames each state by rank and gets a
//! finite graph of an infinite system.

use crate::{AgentId, Ballot, Block, StoreId, Version, Vote};

/// What everything in a state is to be called.
///
/// For the renamed state to behave as the old one, ballots must keep their order and go to ballots of
/// the renamed owner's same incarnation, agents must be permuted, and versions of one store must keep
/// their order and stay different.
pub trait Renaming {
    /// A ballot's new name.
    fn ballot(&self, ballot: Ballot) -> Ballot;

    /// An agent's new name.
    fn agent(&self, agent: AgentId) -> AgentId {
        agent
    }

    /// The new number of an own write on a store.
    fn version(&self, store: StoreId, version: Version) -> Version {
        let _ = store;
        version
    }
}

impl Vote {
    /// The vote with its ballot renamed.
    #[must_use]
    pub fn renamed(self, names: &impl Renaming) -> Self {
        Self {
            bal: names.ballot(self.bal),
            inp: self.inp,
        }
    }
}

impl Block {
    /// The block with its ballots renamed.
    #[must_use]
    pub fn renamed(self, names: &impl Renaming) -> Self {
        Self {
            mbal: self.mbal.map(|ballot| names.ballot(ballot)),
            vote: self.vote.map(|vote| vote.renamed(names)),
        }
    }

    /// Says each ballot in it.
    pub fn ballots(self, each: &mut impl FnMut(Ballot)) {
        self.mbal.into_iter().for_each(&mut *each);
        self.vote.into_iter().for_each(|vote| each(vote.bal));
    }
}
