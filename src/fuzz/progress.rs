//! How a campaign is getting on: one line on a terminal, now and then a plain line elsewhere.

use std::time::{Duration, Instant};

use bivalent_sim::campaign::fuzz::{Hunt, Sum, Tally};
use bivalent_sim::scenario::fault::FaultKind;

use crate::console::{Console, Stream, complain};
use crate::render::units::{count, counted};

/// How often a terminal's line changes.
const EVERY: Duration = Duration::from_millis(200);
/// How often a line is written where nobody watches.
const PLAIN: Duration = Duration::from_secs(10);

/// How many a second.
pub(super) fn per_second(count: u64, took: Duration) -> u64 {
    let ms = took.as_millis().max(1);
    u64::try_from(u128::from(count) * 1000 / ms).unwrap_or(u64::MAX)
}

/// The line. Blocks count as soon as they are run, though their results are taken in their order.
pub(super) struct Line {
    terminal: bool,
    began: Instant,
    next: Instant,
    shown: bool,
    /// Runs of the whole, if that is known.
    of: Option<u64>,
    /// Everything that was run, also in what this one goes on from.
    total: Tally,
    findings: u64,
    /// Runs that were there before this began.
    before: u64,
}

impl Line {
    pub(super) fn new(hunt: &Hunt, began: Instant, sum: &Sum) -> Self {
        let seeds: u64 = hunt.seeds.iter().map(|seeds| seeds.end - seeds.start).sum();
        let known = seeds < 1 << 40;
        let terminal = Console::is_terminal(Stream::Err);
        Self {
            terminal,
            began,
            next: began + if terminal { EVERY } else { PLAIN },
            shown: false,
            of: known.then(|| seeds / u64::from(hunt.slice.count).max(1)),
            total: sum.total.clone(),
            findings: sum.findings.list.len() as u64,
            before: sum.total.runs,
        }
    }

    /// A block was run.
    pub(super) fn block(&mut self, tally: &Tally) {
        self.total.add(tally);
    }

    /// So much was found in the blocks up to here.
    pub(super) fn findings(&mut self, sum: &Sum) {
        self.findings = sum.findings.list.len() as u64;
    }

    /// It in words, after so long.
    fn text(&self, took: Duration) -> String {
        let total = &self.total;
        let kinds = FaultKind::ALL.into_iter();
        let kinds = kinds.filter(|&kind| total.struck(kind).landed > 0).count() as u64;
        let runs = match self.of {
            None => counted(total.runs, "run", "runs"),
            Some(of) => format!("{} of {}", count(total.runs), counted(of, "run", "runs")),
        };
        format!(
            "{runs}, {}, {} stalled, {} of fault, {}, {} runs/s, {} s",
            counted(self.findings, "finding", "findings"),
            count(total.stalled),
            counted(kinds, "kind", "kinds"),
            counted(total.features.0.len(), "feature", "features"),
            count(per_second(total.runs - self.before, took)),
            took.as_secs(),
        )
    }

    /// Called often; writes seldom.
    pub(super) fn tick(&mut self) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        self.next = now + if self.terminal { EVERY } else { PLAIN };
        let took = now - self.began;
        let text = self.text(took);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_counts_what_was_run_whatever_is_still_waited_for() {
        let tally = |runs, stalled| Tally {
            runs,
            stalled,
            ..Tally::default()
        };
        let now = Instant::now();
        let mut line = Line {
            terminal: false,
            began: now,
            next: now,
            shown: false,
            of: Some(5_000),
            total: tally(1_024, 1),
            findings: 1,
            before: 1_024,
        };

        line.block(&tally(1_024, 0));
        line.block(&tally(977, 1));

        assert_eq!(
            line.text(Duration::from_secs(2)),
            "3,025 of 5,000 runs, 1 finding, 2 stalled, 0 kinds of fault, 0 features, 1,000 runs/s, 2 s"
        );
        line.of = None;
        line.total = tally(1, 0);
        line.before = 0;
        let text = line.text(Duration::from_secs(1));
        assert!(text.starts_with("1 run, 1 finding, 0 stalled"), "{text}");
    }
}
