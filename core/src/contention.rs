//! Contention managers: how long to wait before the next attempt. They bear on liveness only.
//!
//! None of them owns dice: each names the range, the driver draws from it.

/// How agents get out of each other's way. All times in nanoseconds.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Contention {
    /// Try again at once: two agents may pre-empt each other for ever (FLP).
    None,
    /// Wait a random time out of a fixed range.
    Random {
        /// The least pause.
        min: u64,
        /// The greatest pause.
        max: u64,
    },
    /// Wait a random time of at least `min` out of a range whose upper end doubles with each abort
    /// in a row, from `min` up to `max`.
    Exponential {
        /// The least pause, and the first range's scale.
        min: u64,
        /// The greatest pause.
        max: u64,
    },
}

impl Contention {
    /// The range of the pause after the `aborts`-th abort in a row (from 1), both ends included.
    pub const fn pause(self, aborts: u32) -> (u64, u64) {
        match self {
            Self::None => (0, 0),
            Self::Random { min, max } => (min, max),
            Self::Exponential { min, max } => {
                let doublings = if aborts > 40 { 40 } else { aborts };
                let unit = if min == 0 { 1 } else { min };
                let top = unit.saturating_mul(1 << doublings);
                (min, if top < max { top } else { max })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_contention_manager_never_waits() {
        assert_eq!(Contention::None.pause(7), (0, 0));
    }

    #[test]
    fn random_backoff_does_not_depend_on_the_aborts() {
        let random = Contention::Random { min: 5, max: 50 };

        assert_eq!(random.pause(1), random.pause(1000));
        assert_eq!(random.pause(1), (5, 50));
    }

    #[test]
    fn exponential_backoff_doubles_up_to_its_limit_and_never_overflows() {
        let exponential = Contention::Exponential { min: 10, max: 100 };

        let tops: [u64; 5] = [1, 2, 3, 4, u32::MAX].map(|aborts| exponential.pause(aborts).1);

        assert_eq!(tops, [20, 40, 80, 100, 100]);
        assert_eq!(
            Contention::Exponential {
                min: u64::MAX,
                max: u64::MAX
            }
            .pause(9)
            .1,
            u64::MAX
        );
    }
}
