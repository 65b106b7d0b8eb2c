//! The driver's choices: pauses drawn from one seeded stream.

use std::time::SystemTime;

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// A stream of choices. The seed is the caller's: entropy on a real machine, a number in a test.
#[derive(Clone, Debug)]
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Any number.
    pub(crate) fn word(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number of at least `min` and at most `max`.
    pub(crate) fn between(&mut self, min: u64, max: u64) -> u64 {
        let width = u128::from(max.saturating_sub(min)) + 1;
        min + ((u128::from(self.word()) * width) >> 64) as u64
    }
}

/// A number that another process does not draw, even with the same seed.
pub(crate) fn moment() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let nanos = now.map_or(0, |now| now.as_nanos() as u64);
    nanos ^ u64::from(std::process::id()).rotate_left(40)
}
