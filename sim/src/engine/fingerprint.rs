//! The running hash of a run: every event goes in, and the same run gives the same 64 bits.

use std::hash::{Hash, Hasher};

use bivalent_core::Ballot;

/// A fingerprint in the making.
///
/// Not cryptographic: it tells runs apart by accident, not against malice. The algorithm is part of
/// the trace format and never changes within a format version.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    pub(crate) const fn new() -> Self {
        Self(0x6269_7661_6c65_6e74)
    }

    /// Takes in two words.
    #[inline]
    pub(crate) const fn mix(&mut self, x: u64, y: u64) {
        let both = x.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ y.wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
        self.0 = (self.0 ^ both)
            .rotate_left(27)
            .wrapping_mul(0xd6e8_feb8_6659_fd93);
    }

    /// Takes in a ballot, or that there is none, and a word.
    #[inline]
    pub(crate) const fn ballot(&mut self, ballot: Option<Ballot>, word: u64) {
        let [turn, start] = match ballot {
            Some(ballot) => ballot.to_words(),
            None => [0, 0],
        };
        // Rounds and starts of a run are small, so that they don't meet.
        self.mix(turn ^ start.rotate_right(16), word);
    }

    /// The hash so far.
    pub(crate) const fn value(self) -> u64 {
        let x = self.0;
        let x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        x ^ (x >> 32)
    }
}

/// The hash of a text, for naming scenarios and builds.
pub(crate) fn of_text(text: &str) -> u64 {
    let mut hash = Fingerprint::new();
    for chunk in text.as_bytes().chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash.mix(u64::from_le_bytes(word), chunk.len() as u64);
    }
    hash.value()
}

/// A hash of a state that is the same in every build.
#[derive(Debug)]
pub(crate) struct StateHasher(Fingerprint);

impl StateHasher {
    pub(crate) fn of(what: &impl Hash) -> u64 {
        let mut hasher = Self(Fingerprint::new());
        what.hash(&mut hasher);
        hasher.0.value()
    }
}

impl Hasher for StateHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0.mix(u64::from_le_bytes(word), chunk.len() as u64);
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0.mix(u64::from(number), 4);
    }

    fn write_u64(&mut self, number: u64) {
        self.0.mix(number, 8);
    }

    fn write_usize(&mut self, number: usize) {
        self.0.mix(number as u64, 9);
    }

    fn finish(&self) -> u64 {
        self.0.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_content_both_count() {
        let of = |words: &[(u64, u64)]| {
            let mut hash = Fingerprint::new();
            for &(x, y) in words {
                hash.mix(x, y);
            }
            hash.value()
        };

        assert_ne!(of(&[(1, 2), (3, 4)]), of(&[(3, 4), (1, 2)]));
        assert_ne!(of(&[(1, 2)]), of(&[(2, 1)]));
        assert_ne!(of(&[(0, 0)]), of(&[(0, 0), (0, 0)]));
    }

    #[test]
    fn the_algorithm_is_pinned() {
        assert_eq!(of_text("bivalent"), 14_493_485_864_339_985_858);
    }
}
