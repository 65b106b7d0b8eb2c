//! Canonical names: every ballot of a state is called by its rank.

use bivalent_core::{Ballot, Renaming, StoreId, Version};

/// Ranks are two rounds apart, so that a new ballot fits into any gap.
const SPACING: u64 = 2;

/// The names of a state's ballots.
#[derive(Clone, Copy, Debug)]
pub(super) enum Names<'a> {
    /// Ballot number `i` of these, which are sorted, has rank `i`.
    Ranks(&'a [Ballot]),
    /// Ballots keep their names.
    Plain,
}

impl Names<'_> {
    /// Whether every ballot already has its name.
    pub(super) fn keep(&self, ballots: &[Ballot]) -> bool {
        match self {
            Self::Plain => true,
            Self::Ranks(_) => ballots.iter().all(|&ballot| self.ballot(ballot) == ballot),
        }
    }
}

impl Renaming for Names<'_> {
    fn ballot(&self, ballot: Ballot) -> Ballot {
        match self {
            Self::Plain => ballot,
            Self::Ranks(present) => {
                let rank = present.partition_point(|&other| other < ballot);
                ranked(rank, ballot)
            }
        }
    }

    fn version(&self, _: StoreId, _: Version) -> Version {
        // Blocks are overwritten in place and nothing overtakes: their numbers tell nothing.
        Version::default()
    }
}

const fn ranked(rank: usize, ballot: Ballot) -> Ballot {
    let round = SPACING * (rank as u64 + 1);
    Ballot::new(round, ballot.agent(), ballot.incarnation())
}
