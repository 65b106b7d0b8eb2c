//! Coverage: which combinations of agent, fault and store a run has been in.
//!
//! A feature is a moment at which something out of the ordinary happened (a fault struck or was met, an agent
//! changed its phase), with the state of the agent and of the store it happened to, both in outline. What is
//! new to a campaign is worth going on from.

use crate::scenario::fault::FaultKind;

/// Features are told apart by so many numbers; two that share one count as one.
pub const FEATURES: usize = 1 << 13;
const WORDS: usize = FEATURES / 64;

/// A set of features.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Coverage(Box<[u64; WORDS]>);

impl Default for Coverage {
    fn default() -> Self {
        Self(Box::new([0; WORDS]))
    }
}

impl Coverage {
    /// Adds a feature.
    pub(crate) fn add(&mut self, feature: u16) {
        let feature = usize::from(feature) % FEATURES;
        self.0[feature / 64] |= 1 << (feature % 64);
    }

    pub(crate) fn clear(&mut self) {
        self.0.fill(0);
    }

    /// Adds all of another; says how many were new.
    pub fn take(&mut self, other: &Self) -> u32 {
        let mut new = 0;
        for (mine, theirs) in self.0.iter_mut().zip(other.0.iter()) {
            new += (theirs & !*mine).count_ones();
            *mine |= theirs;
        }
        new
    }

    /// How many features it has.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }

    /// The features, ascending.
    pub fn features(&self) -> impl Iterator<Item = u16> + '_ {
        (0..FEATURES as u16)
            .filter(|&feature| self.0[usize::from(feature) / 64] & 1 << (feature % 64) != 0)
    }
}

impl FromIterator<u16> for Coverage {
    fn from_iter<I: IntoIterator<Item = u16>>(features: I) -> Self {
        let mut set = Self::default();
        features.into_iter().for_each(|feature| set.add(feature));
        set
    }
}

/// What happened in a step, as a bit set: faults drawn or landed, faults observed, an agent that turned.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Touched(pub(crate) u64);

impl Touched {
    /// An agent entered another phase, aborted or decided.
    pub(crate) const TURNED: u64 = 1 << 63;

    pub(crate) const fn struck(kind: FaultKind) -> u64 {
        1 << kind.index()
    }

    pub(crate) const fn met(kind: FaultKind) -> u64 {
        1 << (kind.index() + 20)
    }
}

/// The number of a feature.
pub(crate) const fn feature(touched: u64, agent: u64, store: u64) -> u16 {
    let mixed = touched.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ agent.wrapping_mul(0xc2b2_ae3d_27d4_eb4f)
        ^ store.wrapping_mul(0x1656_67b1_9e37_79f9);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 51) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_twice_is_new_once() {
        let mut all = Coverage::default();
        let some: Coverage = [1, 70, 8191].into_iter().collect();

        assert_eq!((all.take(&some), all.take(&some)), (3, 0));
        assert_eq!(all.features().collect::<Vec<_>>(), [1, 70, 8191]);
        assert_eq!((all.len(), all.is_empty()), (3, false));
    }

    #[test]
    fn features_spread_over_their_numbers() {
        let mut all = Coverage::default();
        for touched in 0..18 {
            for agent in 0..10 {
                for store in 0..10 {
                    all.add(feature(1 << touched, agent, store));
                }
            }
        }

        // 1,800 thrown into 8,192: about 1,620 differ.
        assert!(all.len() > 1_500, "{}", all.len());
    }
}
