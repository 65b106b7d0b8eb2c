//! Ballots: totally ordered attempt numbers, each owned by one incarnation of one agent.

use core::{cmp::Ordering, fmt, num::NonZeroU64};

use crate::{AgentId, Incarnation};

/// An attempt number (Gafni and Lamport 2003, section 3: `Ballot(p)`).
///
/// Ordered by round, then agent, then incarnation. The sets of two agents, and of two incarnations
/// of one agent, are disjoint. "No ballot" is `Option::<Ballot>::None`, which is below all of them
/// and costs no space.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct Ballot {
    /// The round above the agent: one number with the order of both, and never 0.
    turn: NonZeroU64,
    incarnation: Incarnation,
}

const AGENT_BITS: u32 = 16;

impl Ballot {
    /// The greatest round a ballot can have, 2^48 - 1.
    pub const ROUND_MAX: u64 = (1 << (64 - AGENT_BITS)) - 1;

    /// The ballot of `agent`'s `incarnation` in `round`.
    ///
    /// `round` is 1 to [`Ballot::ROUND_MAX`]; anything else panics, since a wrapped round would
    /// break the order on which safety rests.
    pub const fn new(round: u64, agent: AgentId, incarnation: Incarnation) -> Self {
        assert!(
            round >= 1 && round <= Self::ROUND_MAX,
            "a ballot's round is out of range"
        );
        match NonZeroU64::new(round << AGENT_BITS | agent.0 as u64) {
            Some(turn) => Self { turn, incarnation },
            None => panic!("a round of at least 1 is never all zeros"),
        }
    }

    /// The lowest ballot of `agent`'s `incarnation` that is above `floor`, by the plain rule
    /// "one round on".
    ///
    /// Safety needs only some own ballot above the own last one; above everything read is for
    /// progress (same source, section 3). An explorer may choose differently.
    pub const fn above(floor: Option<Self>, agent: AgentId, incarnation: Incarnation) -> Self {
        let round = match floor {
            Some(floor) => floor.round() + 1,
            None => 1,
        };
        Self::new(round, agent, incarnation)
    }

    /// The same, or none if no round is left: after one that cannot be an agent's own (rotten bits of a raw block).
    pub fn next(floor: Option<Self>, agent: AgentId, incarnation: Incarnation) -> Option<Self> {
        let left = floor.is_none_or(|floor| floor.round() < Self::ROUND_MAX);
        left.then(|| Self::above(floor, agent, incarnation))
    }

    /// The round, from 1.
    pub const fn round(self) -> u64 {
        self.turn.get() >> AGENT_BITS
    }

    /// The agent that owns it.
    pub const fn agent(self) -> AgentId {
        AgentId(self.turn.get() as u16)
    }

    /// The incarnation of that agent that owns it.
    pub const fn incarnation(self) -> Incarnation {
        self.incarnation
    }

    /// The ballot as two words with the same order, round and agent above the start. The first is never 0.
    pub const fn to_words(self) -> [u64; 2] {
        [self.turn.get(), self.incarnation.0]
    }

    /// The ballot that [`Ballot::to_words`] gave, or none if the first word is 0.
    pub const fn from_words([turn, start]: [u64; 2]) -> Option<Self> {
        match NonZeroU64::new(turn) {
            Some(turn) => Some(Self {
                turn,
                incarnation: Incarnation(start),
            }),
            None => None,
        }
    }
}

impl Ballot {
    /// One number with the order of ballots, which compares without a branch.
    #[inline]
    const fn order(self) -> u128 {
        (self.turn.get() as u128) << 64 | self.incarnation.0 as u128
    }
}

impl Ord for Ballot {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

impl PartialOrd for Ballot {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Ballot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.a{}", self.round(), self.agent().0 + 1)?;
        match self.incarnation().0 {
            0 => Ok(()),
            incarnation => write!(f, "'{incarnation}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ballot() -> impl Strategy<Value = Ballot> {
        (
            1..1000_u64,
            0..1000_u16,
            prop_oneof![0..9_u64, Just(u64::MAX)],
        )
            .prop_map(|(r, a, i)| Ballot::new(r, AgentId(a), Incarnation(i)))
    }

    proptest! {
        #[test]
        fn order_is_by_round_then_agent_then_incarnation(x in ballot(), y in ballot()) {
            let key = |b: Ballot| (b.round(), b.agent(), b.incarnation());
            prop_assert_eq!(x.cmp(&y), key(x).cmp(&key(y)));
            prop_assert_eq!(x.cmp(&y), x.to_words().cmp(&y.to_words()));
        }

        #[test]
        fn ballots_of_two_incarnations_never_meet(x in ballot(), y in ballot()) {
            let owner = |b: Ballot| (b.agent(), b.incarnation());
            prop_assert!(owner(x) == owner(y) || x != y);
        }

        #[test]
        fn the_next_ballot_is_above_its_floor_and_ours(x in ballot(), a in 0..1000_u16, i in 0..9_u64) {
            let next = Ballot::above(Some(x), AgentId(a), Incarnation(i));
            prop_assert!(next > x);
            prop_assert_eq!((next.agent(), next.incarnation()), (AgentId(a), Incarnation(i)));
        }

        #[test]
        fn words_there_and_back(x in ballot()) {
            prop_assert_eq!(Ballot::from_words(x.to_words()), Some(x));
        }
    }

    #[test]
    fn above_the_last_round_there_is_no_ballot() {
        let last = Ballot::new(Ballot::ROUND_MAX, AgentId(0), Incarnation(0));
        let next = |floor| Ballot::next(floor, AgentId(1), Incarnation(2));
        assert_eq!(next(Some(last)), None);
        assert_eq!(next(None), Some(Ballot::new(1, AgentId(1), Incarnation(2))));
    }

    #[test]
    fn no_ballot_is_below_every_ballot_and_costs_no_space() {
        assert!(None < Some(Ballot::new(1, AgentId(0), Incarnation(0))));
        assert_eq!(size_of::<Option<Ballot>>(), size_of::<Ballot>());
    }
}
