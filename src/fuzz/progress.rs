//! How a campaign is getting on: one line on a terminal, now and then a plain line elsewhere.

use std::time::{Duration, Instant};

use bivalent_sim::fault::FaultKind;
use bivalent_sim::fuzz::{Hunt, Sum};

use crate::console::{Console, Stream, complain};
use crate::render::units::count;

/// How often a terminal's line changes.
const EVERY: Duration = Duration::from_millis(200);
/// How often a line is written where nobody watches.
const PLAIN: Duration = Duration::from_secs(10);

/// How many a second.
pub(super) fn per_second(count: u64, took: Duration) -> u64 {
    let ms = took.as_millis().max(1);
    u64::try_from(u128::from(count) * 1000 / ms).unwrap_or(u64::MAX)
}

/// The line.
pub(super) struct Line {
    terminal: bool,
    began: Instant,
    next: Instant,
    shown: bool,
    /// Runs of the whole, if that is known.
    of: Option<u64>,
    text: String,
    runs: u64,
    runs_before: u64,
}

impl Line {
    pub(super) fn new(hunt: &Hunt, began: Instant) -> Self {
        let sum: u64 = hunt.seeds.iter().map(|seeds| seeds.end - seeds.start).sum();
        let known = sum < 1 << 40;
        let terminal = Console::is_terminal(Stream::Err);
        Self {
            terminal,
            began,
            next: began + if terminal { EVERY } else { PLAIN },
            shown: false,
            of: known.then(|| sum / u64::from(hunt.slice.count).max(1)),
            text: String::new(),
            runs: 0,
            runs_before: 0,
        }
    }

    /// The campaign is here now.
    pub(super) fn at(&mut self, sum: &Sum) {
        let total = &sum.total;
        if self.runs == 0 {
            // What was there before this began was not run in this time.
            self.runs_before = total.runs.saturating_sub(self.runs_of_first(sum));
        }
        self.runs = total.runs;
        let kinds = FaultKind::ALL.into_iter();
        let kinds = kinds.filter(|&kind| total.struck(kind).landed > 0).count();
        let of = self
            .of
            .map_or_else(String::new, |of| format!(" of {}", count(of)));
        self.text = format!(
            "{} runs{of}, {} findings, {} stalled, {kinds} kinds of fault, {} features",
            count(total.runs),
            count(sum.findings.list.len() as u64),
            count(total.stalled),
            count(total.features.0.len()),
        );
    }

    fn runs_of_first(&self, sum: &Sum) -> u64 {
        let _ = self;
        sum.last_block_runs()
    }

    /// Called often; writes seldom.
    pub(super) fn tick(&mut self) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        self.next = now + if self.terminal { EVERY } else { PLAIN };
        let took = now - self.began;
        let rate = per_second(self.runs - self.runs_before, took);
        let text = if self.text.is_empty() {
            "0 runs"
        } else {
            &self.text
        };
        let text = format!("{text}, {} runs/s, {} s", count(rate), took.as_secs());
        if self.terminal {
            let width = Console::width(Stream::Err).unwrap_or(80).saturating_sub(1);
            let text: String = text.chars().take(width).collect();
            complain(&format!("\r\x1b[K{text}"));
            self.shown = true;
        } else {
            complain(&format!("{text}\n"));
        }
    }

    /// Removes the line.
    pub(super) fn clear(&mut self) {
        if self.shown {
            self.shown = false;
            complain("\r\x1b[K");
        }
    }
}
