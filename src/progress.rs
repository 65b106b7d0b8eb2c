//! One line of progress on a terminal's standard error; nothing anywhere else.

use std::sync::Mutex;
use std::time::{Duration, Instant};

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
        let Some(Ok(mut state)) = self.state.as_ref().map(Mutex::try_lock) else {
            return;
        };
        let now = Instant::now();
        if now < state.next {
            return;
        }
        state.next = now + EVERY;
        state.shown = true;
        let [runs, total] = [runs, self.total].map(units::count);
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
