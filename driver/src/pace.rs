//! How fast the stores are, and how long an agent waits therefore.
//!
//! The core counts looks: a leader is taken for dead after a few that found nothing new, and whoever wants to lead
//! waits a random time that should be longer than it takes to begin. On stores that are slower than the heartbeat,
//! several looks would be under way before the first is answered: everybody would take every leader for dead, and
//! all would stand at once, for ever. So the pauses grow with what a look takes, and with every attempt to lead
//! that came to nothing.
//!
//! No simulated run meets this: there an agent waits for as long as its scenario says (`docs/decisions/0012`).

use std::time::Duration;

use bivalent_core::{StoreId, Timer};

use crate::Options;

/// Doublings of the pause before an attempt to lead.
const DOUBLINGS: u32 = 6;
/// The longest pause before one, nanoseconds: the stores may be fast again long before it is over.
const LONGEST: u128 = 60_000_000_000;
/// Looks after which earlier attempts to lead are forgotten.
const FORGOTTEN: u32 = 1000;

/// What was asked of a store, as far as its time says something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Asked {
    /// A look at everybody's heads.
    Look,
    /// A whole state.
    State,
}

/// What the pauses of one agent depend on.
#[derive(Debug)]
pub(crate) struct Pace {
    /// What a look takes at each store, of late: a mean that forgets, the sooner if looks are quicker.
    looks: Vec<Option<Duration>>,
    quorum: usize,
    /// The pause between two looks as it was meant.
    every: Duration,
    /// More than this says that the agent was held up, and not the store.
    most: Duration,
    /// Attempts to lead since anything was decided.
    attempts: u32,
    /// Looks since the last of them.
    since: u32,
    /// States in a row that did not come in time.
    states_late: u8,
}

impl Pace {
    pub(crate) fn new(stores: usize, options: &Options) -> Self {
        Self {
            looks: vec![None; stores],
            quorum: usize::from(options.envelope.quorum()),
            every: Duration::from_nanos(options.heartbeat.every),
            most: options.patience_max,
            attempts: 0,
            since: 0,
            states_late: 0,
        }
    }

    /// A store has answered, after so long.
    pub(crate) fn answered(&mut self, asked: Asked, store: StoreId, took: Duration) {
        match asked {
            Asked::Look => self.saw(store, took),
            Asked::State => self.states_late = 0,
        }
    }

    /// A store has not answered yet, after so long.
    pub(crate) fn late(&mut self, asked: Asked, store: StoreId, waited: Duration) {
        match asked {
            Asked::Look => self.saw(store, waited),
            Asked::State => self.states_late = self.states_late.saturating_add(1),
        }
    }

    fn saw(&mut self, store: StoreId, took: Duration) {
        let took = took.min(self.most);
        let known = &mut self.looks[store.index()];
        *known = Some(match *known {
            Some(known) if took < known => (known + took) / 2,
            Some(known) => (known * 3 + took) / 4,
            None => took,
        });
    }

    /// The agent has begun an attempt to lead.
    pub(crate) const fn stood(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
        self.since = 0;
    }

    /// The time between two looks is over.
    pub(crate) const fn ticked(&mut self) {
        self.since = self.since.saturating_add(1);
        if self.since >= FORGOTTEN {
            self.attempts = 0;
        }
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

    /// The time that the next read of a state may take, at most `large`: the store may be gone and the next one have
    /// it, or else the state is large.
    pub(crate) fn state(&self, large: Duration) -> Duration {
        let doubled = 1_u32 << self.states_late.min(20);
        self.most.saturating_mul(doubled).min(large)
    }

    /// The shortest and the longest pause, nanoseconds, for what the core asks.
    pub(crate) fn pause(&self, timer: Timer, min: u64, max: u64) -> (u64, u64) {
        let every = self.every.as_nanos().max(1);
        // Two looks fit into the pause between them.
        let least = (self.look() * 2).as_nanos().max(every);
        let stretch = |pause: u64| {
            let usual = u128::from(pause) * least / every;
            let nanos = match timer {
                Timer::Tick => usual,
                Timer::Stand => {
                    let longer = usual << self.attempts.min(DOUBLINGS);
                    longer.min(LONGEST.max(u128::from(pause)))
                }
            };
            u64::try_from(nanos).unwrap_or(u64::MAX)
        };
        (stretch(min), stretch(max))
    }
}

#[cfg(test)]
mod tests {
    use bivalent_core::AgentId;

    use super::*;

    const MS: u64 = 1_000_000;

    fn pace() -> Pace {
        let mut options = Options::new(AgentId(0), 3, 3, 1).unwrap();
        options.heartbeat.every = 100 * MS;
        Pace::new(3, &options)
    }

    /// A look at a store takes so many milliseconds.
    fn look(pace: &mut Pace, store: u8, millis: u64) {
        pace.answered(Asked::Look, StoreId(store), Duration::from_millis(millis));
    }

    fn tick(pace: &Pace) -> u64 {
        pace.pause(Timer::Tick, 100 * MS, 100 * MS).1 / MS
    }

    #[test]
    fn fast_stores_leave_the_pauses_as_they_are() {
        let mut pace = pace();
        for store in 0..3 {
            look(&mut pace, store, 2);
        }

        assert_eq!(tick(&pace), 100);
        assert_eq!(pace.pause(Timer::Stand, 0, 300 * MS), (0, 300 * MS));
    }

    #[test]
    fn pauses_grow_with_the_fastest_quorum_and_not_with_one_slow_store() {
        let mut pace = pace();
        look(&mut pace, 0, 3000);
        look(&mut pace, 1, 2);
        look(&mut pace, 2, 200);

        assert_eq!(tick(&pace), 400);
    }

    #[test]
    fn a_hold_up_is_not_taken_for_a_slow_store_and_what_was_slow_is_soon_forgotten() {
        let mut pace = pace();
        for store in 0..3 {
            look(&mut pace, store, 600_000);
        }
        assert_eq!(tick(&pace), 8000);

        for _ in 0..8 {
            (0..3).for_each(|store| look(&mut pace, store, 1));
        }
        assert_eq!(tick(&pace), 100);
    }

    #[test]
    fn the_pause_before_an_attempt_to_lead_doubles_until_something_is_decided() {
        let mut pace = pace();
        let longest = |pace: &Pace| pace.pause(Timer::Stand, 0, MS).1 / MS;
        let mut pauses = Vec::new();
        for _ in 0..9 {
            pauses.push(longest(&pace));
            pace.stood();
        }

        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
        pace.went_on();
        assert_eq!(longest(&pace), 1);
        pace.stood();
        (0..FORGOTTEN).for_each(|_| pace.ticked());
        assert_eq!(longest(&pace), 1);
    }

    #[test]
    fn a_state_may_take_longer_only_once_one_was_late() {
        let mut pace = pace();
        let large = Duration::from_secs(120);
        let store = StoreId(0);
        pace.answered(Asked::Look, store, large);
        assert_eq!(pace.state(large).as_secs(), 4);

        for _ in 0..3 {
            pace.late(Asked::State, store, pace.state(large));
        }
        assert_eq!(pace.state(large).as_secs(), 32);
        pace.answered(Asked::State, store, large);
        assert_eq!(pace.state(large).as_secs(), 4);
    }
}
