//! The envelope: how many silent and stale stores a quorum survives, as a type that refuses the
//! impossible.

use core::fmt;

use crate::{MAX_STORES, StoreId};

/// Who may be answered with an old version by how many stores.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Staleness {
    /// A fixed set of at most this many stores may answer anyone with old versions, over a whole run.
    PerRun(u8),
    /// Each reader may have this many stale stores of his own; another reader may have others.
    PerReader(u8),
}

impl Staleness {
    /// How many stores a common part of two quorums may lose to staleness.
    ///
    /// One fixed set fools both of two rivals alike. Sets of their own add up: whichever of the two
    /// comes second may be fooled by his set, and either may be second.
    const fn lost(self) -> u32 {
        match self {
            Self::PerRun(stale) => stale as u32,
            Self::PerReader(stale) => 2 * stale as u32,
        }
    }
}

/// The stores, the quorum, and the storage faults under which agreement is promised.
///
/// With `n` stores, `c` of them silent and `s` stale, a quorum `q` must satisfy `q <= n - c`
/// (progress) and `2q - n >= s + 1` (safety; `2s + 1` if each reader has stale stores of his own).
/// The derivation is in `docs/decisions/0003-quorum-rule.md`; Malkhi and Reiter 1998 have the
/// general form (dissemination quorums).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Envelope {
    stores: u8,
    quorum: u8,
    staleness: Staleness,
}

/// Why a setting is refused. Nothing was changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Fewer than one store or more than [`MAX_STORES`].
    Stores(u32),
    /// The stores cannot bear that many silent and stale ones; `needed` would be enough.
    TooFew {
        /// How many stores there are.
        stores: u8,
        /// How many the rule asks for.
        needed: u32,
    },
    /// A quorum outside `least..=stores`.
    Quorum {
        /// The quorum that was asked for.
        quorum: u8,
        /// The least that is safe with this staleness.
        least: u32,
        /// How many stores there are.
        stores: u8,
    },
}

impl Envelope {
    /// Majorities of `stores` stores, none of them ever stale.
    pub const fn majority(stores: u8) -> Result<Self, EnvelopeError> {
        Self::with_staleness(stores, Staleness::PerRun(0))
    }

    /// The smallest safe quorum of `stores` stores, as many silent ones borne as that allows.
    pub const fn with_staleness(stores: u8, staleness: Staleness) -> Result<Self, EnvelopeError> {
        if stores == 0 || stores as usize > MAX_STORES {
            return Err(EnvelopeError::Stores(stores as u32));
        }
        let quorum = least_quorum(stores, staleness);
        if quorum > stores as u32 {
            return Err(EnvelopeError::TooFew {
                stores,
                needed: staleness.lost() + 1,
            });
        }
        Ok(Self {
            stores,
            quorum: quorum as u8,
            staleness,
        })
    }

    /// The smallest safe quorum that also bears `silent` stores that never answer.
    pub const fn new(stores: u8, silent: u8, staleness: Staleness) -> Result<Self, EnvelopeError> {
        let needed = 2 * silent as u32 + staleness.lost() + 1;
        match Self::with_staleness(stores, staleness) {
            Ok(envelope) if silent <= envelope.silent() => Ok(envelope),
            Ok(_) | Err(EnvelopeError::TooFew { .. }) => {
                Err(EnvelopeError::TooFew { stores, needed })
            }
            Err(error) => Err(error),
        }
    }

    /// The same promise with a larger quorum than needed; refuses one that is too small or too
    /// large.
    pub const fn quorum_of(self, quorum: u8) -> Result<Self, EnvelopeError> {
        let least = least_quorum(self.stores, self.staleness);
        if (quorum as u32) < least || quorum > self.stores {
            return Err(EnvelopeError::Quorum {
                quorum,
                least,
                stores: self.stores,
            });
        }
        Ok(Self { quorum, ..self })
    }

    /// How many stores there are.
    pub const fn stores(self) -> u8 {
        self.stores
    }

    /// How many of them a phase must complete on.
    pub const fn quorum(self) -> u8 {
        self.quorum
    }

    /// How many stores may be silent while progress is still promised, `n - q`.
    pub const fn silent(self) -> u8 {
        self.stores - self.quorum
    }

    /// How many stores may answer stale while safety is still promised, and to whom.
    pub const fn staleness(self) -> Staleness {
        self.staleness
    }

    /// The stores' ids in order.
    pub fn store_ids(self) -> impl Iterator<Item = StoreId> + Clone {
        (0..self.stores).map(StoreId)
    }
}

/// The least `q` with `2q - n >= lost + 1`.
const fn least_quorum(stores: u8, staleness: Staleness) -> u32 {
    (stores as u32 + staleness.lost() + 2) / 2
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Stores(stores) => write!(
                f,
                "{stores} stores; between 1 and {MAX_STORES} are possible"
            ),
            Self::TooFew { stores, needed } => {
                write!(
                    f,
                    "{stores} stores are too few for these silent and stale ones: {needed} are needed"
                )
            }
            Self::Quorum {
                quorum,
                least,
                stores,
            } => {
                write!(
                    f,
                    "a quorum of {quorum} is not between {least} (safe) and {stores} (all stores)"
                )
            }
        }
    }
}

impl core::error::Error for EnvelopeError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn staleness() -> impl Strategy<Value = Staleness> {
        prop_oneof![
            (0..6_u8).prop_map(Staleness::PerRun),
            (0..6_u8).prop_map(Staleness::PerReader)
        ]
    }

    proptest! {
        #[test]
        fn a_quorum_is_the_least_that_meets_the_rule(n in 1..=16_u8, s in staleness()) {
            let lost = i32::from(match s { Staleness::PerRun(s) => s, Staleness::PerReader(s) => 2 * s });
            let meets = |q: i32| 2 * q - i32::from(n) > lost;
            match Envelope::with_staleness(n, s) {
                Ok(e) => {
                    let q = i32::from(e.quorum());
                    prop_assert!(meets(q) && !meets(q - 1));
                    prop_assert!(e.quorum() <= n);
                }
                Err(EnvelopeError::TooFew { .. }) => prop_assert!(!meets(i32::from(n))),
                Err(other) => prop_assert!(false, "{other}"),
            }
        }

        #[test]
        fn the_number_of_stores_that_an_error_asks_for_is_enough(n in 1..=5_u8, c in 0..5_u8, s in staleness()) {
            if let Err(EnvelopeError::TooFew { needed, .. }) = Envelope::new(n, c, s)
                && let Ok(needed) = u8::try_from(needed)
                && usize::from(needed) <= MAX_STORES
            {
                prop_assert!(Envelope::new(needed, c, s).is_ok());
                prop_assert!(needed == 1 || Envelope::new(needed - 1, c, s).is_err());
            }
        }

        #[test]
        fn a_larger_quorum_keeps_the_promise_and_a_smaller_one_is_refused(n in 1..=16_u8, q in 0..20_u8) {
            let e = Envelope::majority(n).unwrap();
            prop_assert_eq!(e.quorum_of(q).is_ok(), q > n / 2 && q <= n);
        }
    }

    #[test]
    fn silent_stores_are_counted_even_where_the_stale_ones_alone_are_too_many() {
        let refused = Envelope::new(1, 1, Staleness::PerRun(1));

        let (stores, needed) = (1, 4);
        assert_eq!(refused, Err(EnvelopeError::TooFew { stores, needed }));
    }

    #[test]
    fn no_stores_and_too_many_stores_are_refused() {
        assert_eq!(Envelope::majority(0), Err(EnvelopeError::Stores(0)));
        assert_eq!(Envelope::majority(17), Err(EnvelopeError::Stores(17)));
    }

    #[test]
    fn one_stale_store_of_three_costs_the_silent_one() {
        let plain = Envelope::majority(3).unwrap();
        let stale = Envelope::with_staleness(3, Staleness::PerRun(1)).unwrap();

        assert_eq!((plain.quorum(), plain.silent()), (2, 1));
        assert_eq!((stale.quorum(), stale.silent()), (3, 0));
        assert!(Envelope::with_staleness(3, Staleness::PerReader(1)).is_ok());
        assert!(Envelope::with_staleness(2, Staleness::PerReader(1)).is_err());
    }
}
