//! Lots: draws that decide what is run, not what happens in a run.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use super::scale;

/// Draws that are no choice of any run: which configuration a seed stands for, how a list is changed.
#[derive(Clone, Debug)]
pub(crate) struct Lots(ChaCha8Rng);

impl Lots {
    /// The draws of a seed, apart from those of its run.
    pub(crate) fn new(seed: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(b"no run's");
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A number below `bound`, which is at least 1.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        scale(self.0.next_u32(), bound)
    }

    /// A number in `min..=max`.
    pub(crate) fn within(&mut self, min: u64, max: u64) -> u64 {
        min + self.below(max.saturating_sub(min) + 1)
    }

    /// True so many times of a hundred.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of some.
    pub(crate) fn pick<'a, T>(&mut self, some: &'a [T]) -> Option<&'a T> {
        if some.is_empty() {
            return None;
        }
        some.get(self.below(some.len() as u64) as usize)
    }

    /// Any 32 bits.
    pub(crate) fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }
}
