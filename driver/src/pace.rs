//! How fast the stores are, and how long an agent waits therefore.
//!
//! The core counts looks: a leader is taken for dead after a few that found nothing new, and whoever wants to lead
//! waits a random time that should be longer than it takes to begin. On stores that are slower than the heartbeat,
//! several looks would be under way before the first is answered: everybody would take every leader for dead, and
//! all would stand at once, for ever. So the pauses grow with what a look takes, and with every attempt to lead
//! that came to nothing.

use std::time::Duration;

use bivalent_core::{StoreId, Timer};

/// Doublings of the pause before an attempt to lead.
const DOUBLINGS: u32 = 6;

/// What the pauses of one agent depend on.
#[derive(Debug)]
pub(crate) struct Pace {
    /// What a look takes at each store, of late: a mean that forgets.
    looks: Vec<Option<Duration>>,
    quorum: usize,
    /// The pause between two looks as it was meant.
    every: Duration,
    /// Attempts to lead since anything was decided.
    attempts: u32,
}

impl Pace {
    pub(crate) fn new(stores: usize, quorum: u8, every: u64) -> Self {
        Self {
            looks: vec![None; stores],
            quorum: usize::from(quorum),
            every: Duration::from_nanos(every),
            attempts: 0,
        }
    }

    /// A look at a store has taken so long. One that is never answered says nothing.
    pub(crate) fn saw(&mut self, store: StoreId, took: Duration) {
        let known = &mut self.looks[store.index()];
        *known = Some(known.map_or(took, |known| (known * 3 + took) / 4));
    }

    /// Something is decided: whoever leads has got through.
    pub(crate) const fn went_on(&mut self) {
        self.attempts = 0;
    }

    /// What a look takes at the fastest quorum; zero as long as too little is known.
    pub(crate) fn look(&self) -> Duration {
        let mut known: Vec<_> = self.looks.iter().flatten().collect();
        known.sort_unstable();
        known
            .get(self.quorum - 1)
            .map_or(Duration::ZERO, |&&look| look)
    }

    /// The shortest and the longest pause, nanoseconds, for what the core asks.
    pub(crate) fn pause(&mut self, timer: Timer, min: u64, max: u64) -> (u64, u64) {
        let every = self.every.as_nanos().max(1);
        // Two looks fit into the pause between them.
        let least = (self.look() * 2).as_nanos().max(every);
        let doublings = match timer {
            Timer::Tick => 0,
            Timer::Stand => {
                let before = self.attempts.min(DOUBLINGS);
                self.attempts = self.attempts.saturating_add(1);
                before
            }
        };
        let stretch = |pause: u64| {
            let nanos = u128::from(pause) * least / every << doublings;
            u64::try_from(nanos).unwrap_or(u64::MAX)
        };
        (stretch(min), stretch(max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn pace() -> Pace {
        Pace::new(3, 2, 100 * MS)
    }

    #[test]
    fn fast_stores_leave_the_pauses_as_they_are() {
        let mut pace = pace();
        for store in 0..3 {
            pace.saw(StoreId(store), Duration::from_millis(2));
        }

        assert_eq!(pace.pause(Timer::Tick, 100 * MS, 100 * MS).1, 100 * MS);
        assert_eq!(pace.pause(Timer::Stand, 0, 300 * MS), (0, 300 * MS));
    }

    #[test]
    fn pauses_grow_with_the_fastest_quorum_and_not_with_one_slow_store() {
        let mut pace = pace();
        pace.saw(StoreId(0), Duration::from_secs(10));
        pace.saw(StoreId(1), Duration::from_millis(2));
        assert_eq!(pace.pause(Timer::Tick, 100 * MS, 100 * MS).0, 20_000 * MS);

        pace.saw(StoreId(2), Duration::from_millis(200));
        assert_eq!(pace.pause(Timer::Tick, 100 * MS, 100 * MS).0, 400 * MS);
    }

    #[test]
    fn the_pause_before_an_attempt_to_lead_doubles_until_something_is_decided() {
        let mut pace = pace();
        let longest = |pace: &mut Pace| pace.pause(Timer::Stand, 0, MS).1;

        let pauses: Vec<_> = (0..9).map(|_| longest(&mut pace) / MS).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
        pace.went_on();
        assert_eq!(longest(&mut pace), MS);
    }
}
