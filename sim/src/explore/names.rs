//! Canonical names: every ballot of a state is called by its rank, every version by whether it stands.

use bivalent_core::{Ballot, Incarnation, Renaming, StoreId, Version};

/// Ranks are two rounds apart, so that a new ballot fits into any gap.
const SPACING: u64 = 2;

/// What a version is called that no record has any more. Nothing ever has it again.
pub(super) const PASSED: Version = Version::new(Incarnation(0), 1 << 40);

/// What the version of a record is called as long as it stands.
pub(super) const fn standing(version: Version) -> Version {
    if version.count() == 0 {
        Version::NEVER
    } else {
        Version::new(Incarnation(0), 1)
    }
}

/// The names of a state's ballots and versions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    /// Ballot number `i` of these, which are sorted, has rank `i`; none: ballots keep their names.
    pub(super) ranks: Option<&'a [Ballot]>,
    /// The version of each store's record, where stores have records. Blocks that are overwritten in
    /// place, and never overtaken, have numbers that tell nothing.
    pub(super) records: Option<&'a [Version]>,
}

impl Names<'_> {
    /// Whether every ballot already has its name.
    pub(super) fn keep(&self, ballots: &[Ballot]) -> bool {
        self.ranks.is_none() || ballots.iter().all(|&ballot| self.ballot(ballot) == ballot)
    }
}

impl Renaming for Names<'_> {
    fn ballot(&self, ballot: Ballot) -> Ballot {
        let Some(present) = self.ranks else {
            return ballot;
        };
        let rank = present.partition_point(|&other| other < ballot);
        ranked(rank, ballot)
    }

    fn version(&self, store: StoreId, version: Version) -> Version {
        match self.records.map(|records| records[store.index()]) {
            Some(stands) if stands == version => standing(version),
            Some(_) => PASSED,
            None => Version::default(),
        }
    }
}

const fn ranked(rank: usize, ballot: Ballot) -> Ballot {
    let round = SPACING * (rank as u64 + 1);
    Ballot::new(round, ballot.agent(), ballot.incarnation())
}
