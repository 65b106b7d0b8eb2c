//! What an agent keeps on each store: the block of Disk Paxos, and the version that orders its writes.

use core::{cmp::Ordering, fmt};

use crate::{Ballot, Incarnation};

/// A value that can be decided: an opaque number, which the user's table gives a meaning.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Value(pub u64);

/// The pair (bal, inp) of a block: in ballot `bal` its owner reached phase 2 with value `inp`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Vote {
    /// The ballot that reached phase 2.
    pub bal: Ballot,
    /// The value it stands for.
    pub inp: Value,
}

/// An agent's block (Gafni and Lamport 2003, section 3: `dblock`).
///
/// "`bal` = 0 exactly if there is no `inp`" (`HInv2a`) holds by construction: both are the vote.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Block {
    /// The greatest ballot started, none before the first.
    pub mbal: Option<Ballot>,
    /// The greatest ballot that reached phase 2, with its value.
    pub vote: Option<Vote>,
}

/// The number of a write by one agent to one store, ordered by incarnation, then by a count.
///
/// Each write to a store has a greater version than all earlier ones of its owner there, those of
/// dead incarnations included. The count's parity picks the slot of a dual block.
#[derive(Clone, Copy, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct Version {
    incarnation: Incarnation,
    count: u64,
}

impl Version {
    /// That of a place that was never written.
    pub const NEVER: Self = Self::new(Incarnation(0), 0);

    /// The write number `count` of `incarnation`.
    pub const fn new(incarnation: Incarnation, count: u64) -> Self {
        Self { incarnation, count }
    }

    /// The version after this one when `incarnation` writes it.
    #[must_use]
    pub const fn next(self, incarnation: Incarnation) -> Self {
        // Only rotten bits of a raw block come to the last count.
        Self::new(incarnation, self.count.saturating_add(1))
    }

    /// How many writes came before it on this store, over all incarnations.
    pub const fn count(self) -> u64 {
        self.count
    }

    /// The incarnation that wrote it.
    pub const fn incarnation(self) -> Incarnation {
        self.incarnation
    }
}

impl Version {
    /// One number with the order of versions, which compares without a branch.
    #[inline]
    const fn order(self) -> u128 {
        (self.incarnation.0 as u128) << 64 | self.count as u128
    }
}

impl Ord for Version {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

impl PartialOrd for Version {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}'{}", self.count(), self.incarnation().0)
    }
}
