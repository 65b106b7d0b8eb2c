//! A share with its interval: Wilson's score interval at 95 % (Wilson 1927).
//!
//! Unlike the textbook one it never leaves 0..1, and says something even where no run, or every run, was
//! a hit.

use serde::Serialize;

/// The normal deviate of a two-sided interval of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// A share of runs, and where the true one lies with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// Hits of all.
    pub share: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The share of `hits` in `all`; of nothing at all, anything between 0 and 1.
pub fn share(hits: u64, all: u64) -> Share {
    if all == 0 {
        return Share {
            share: 0.0,
            low: 0.0,
            high: 1.0,
        };
    }
    let (n, hits_of) = (float(all), float(hits));
    let p = hits_of / n;
    let z2 = Z * Z;
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    Share {
        share: p,
        low: if hits == 0 {
            0.0
        } else {
            (middle - half).max(0.0)
        },
        high: if hits == all {
            1.0
        } else {
            (middle + half).min(1.0)
        },
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are never 2^52 runs")]
const fn float(runs: u64) -> f64 {
    runs as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 5e-4
    }

    #[test]
    fn intervals_are_the_published_ones() {
        // Newcombe 1998, table I, method 3.
        let cases = [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ];
        for (hits, all, low, high) in cases {
            let share = share(hits, all);
            assert!(
                near(share.low, low) && near(share.high, high),
                "{hits} of {all}: {share:?}"
            );
        }
    }

    #[test]
    fn the_interval_holds_the_share_and_stays_within_0_and_1() {
        for all in [1, 7, 1000] {
            for hits in 0..=all {
                let Share { share, low, high } = share(hits, all);
                assert!(0.0 <= low && low <= share && share <= high && high <= 1.0);
            }
        }
    }

    #[test]
    fn of_nothing_everything_is_possible() {
        let it = share(0, 0);
        assert!(near(it.low, 0.0) && near(it.high, 1.0));
    }
}
