//! One line of progress on a terminal's standard error; nothing anywhere else.

use std::cell::Cell;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bivalent_sim::explore;

use crate::console::{Console, Stream, complain};
use crate::render::{escape, units};

/// Often enough to look alive, rarely enough to cost nothing.
const EVERY: Duration = Duration::from_millis(100);
/// What is over before this needs no progress.
const FIRST: Duration = Duration::from_millis(300);

/// Tells how far the runs of one scenario are.
pub(crate) struct Progress {
    label: String,
    total: u64,
    state: Option<Mutex<State>>,
}

struct State {
    next: Instant,
    shown: bool,
}

impl Progress {
    /// Progress of `total` runs; silent if `quiet` or if nobody watches.
    pub(crate) fn new(scenario: &str, total: u64, quiet: bool) -> Self {
        let seen = !quiet && total > 1 && Console::is_terminal(Stream::Err);
        let width = Console::width(Stream::Err).unwrap_or(80);
        // One line must stay one line, or erasing it leaves rubbish behind.
        let label = escape::line(scenario)
            .chars()
            .take(width.saturating_sub(40))
            .collect();
        Self {
            label,
            total,
            state: seen.then(|| {
                Mutex::new(State {
                    next: Instant::now() + FIRST,
                    shown: false,
                })
            }),
        }
    }

    /// So many runs are done. Called from any thread; whoever finds the line busy goes on.
    pub(crate) fn done(&self, runs: u64) {
        self.done_of(runs, self.total);
    }

    /// The same where how many there are shows only now.
    pub(crate) fn done_of(&self, runs: u64, total: u64) {
        let Some(Ok(mut state)) = self.state.as_ref().map(Mutex::try_lock) else {
            return;
        };
        let now = Instant::now();
        if now < state.next {
            return;
        }
        state.next = now + EVERY;
        state.shown = true;
        let [runs, total] = [runs, total].map(units::count);
        complain(&format!("\r\x1b[K{}  {runs} of {total}", self.label));
    }

    /// Removes the line.
    pub(crate) fn clear(&self) {
        let Some(Ok(mut state)) = self.state.as_ref().map(Mutex::lock) else {
            return;
        };
        if state.shown {
            state.shown = false;
            complain("\r\x1b[K");
        }
    }
}

/// Tells how far an exploration is.
pub(crate) struct Exploring {
    label: String,
    began: Instant,
    next: Cell<Option<Instant>>,
    shown: Cell<bool>,
}

impl Exploring {
    /// Silent if nobody watches.
    pub(crate) fn new(scenario: &str) -> Self {
        let seen = Console::is_terminal(Stream::Err);
        let width = Console::width(Stream::Err).unwrap_or(80);
        let began = Instant::now();
        Self {
            label: escape::line(scenario)
                .chars()
                .take(width.saturating_sub(60))
                .collect(),
            began,
            next: Cell::new(seen.then_some(began + FIRST)),
            shown: Cell::new(false),
        }
    }

    /// The search is here now.
    pub(crate) fn at(&self, at: &explore::Progress) {
        let now = Instant::now();
        if self.next.get().is_none_or(|next| now < next) {
            return;
        }
        self.next.set(Some(now + EVERY));
        self.shown.set(true);
        let [states, left] = [at.states, at.states - at.explored].map(|n| units::count(n as u64));
        let mib = units::count((at.bytes >> 20) as u64);
        let seconds = (now - self.began).as_secs();
        complain(&format!(
            "\r\x1b[K{}  {states} states, {left} to do, depth {}, {mib} MiB, {seconds} s",
            self.label, at.depth
        ));
    }

    /// Removes the line.
    pub(crate) fn clear(&self) {
        if self.shown.replace(false) {
            complain("\r\x1b[K");
        }
    }
}
