//! What an agent keeps on each store: the block of Disk Paxos, and the version that orders its writes.

use core::fmt;

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

/// The number of a write by one agent to one store: incarnation first, then a count.
///
/// Each write to a store has a greater version than all earlier ones of its owner there, those of
/// dead incarnations included. The count's parity picks the slot of a dual block.
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct Version(u64);

const COUNT_BITS: u32 = 48;

impl Version {
    /// The write number `count` of `incarnation`; counts of 2^48 and more panic.
    pub const fn new(incarnation: Incarnation, count: u64) -> Self {
        assert!(count < 1 << COUNT_BITS, "a version's count is out of range");
        Self((incarnation.0 as u64) << COUNT_BITS | count)
    }

    /// The version after this one when `incarnation` writes it.
    #[must_use]
    pub const fn next(self, incarnation: Incarnation) -> Self {
        Self::new(incarnation, self.count() + 1)
    }

    /// How many writes came before it on this store, over all incarnations.
    pub const fn count(self) -> u64 {
        self.0 & ((1 << COUNT_BITS) - 1)
    }

    /// The incarnation that wrote it.
    pub const fn incarnation(self) -> Incarnation {
        Incarnation((self.0 >> COUNT_BITS) as u16)
    }

    /// The version as a number with the same order; 0 is "never written".
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The version that [`Version::to_bits`] gave.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}'{}", self.count(), self.incarnation().0)
    }
}
