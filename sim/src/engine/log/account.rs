//! What a log's engine says of the run that it has just finished.

use hdrhistogram::Histogram;

use super::{History, LogCounts, LogEngine, LogReport, Seen, machines::Load};
use crate::judge::{probe::Probe, verdict};

impl<L: Load> LogEngine<L> {
    /// What the clients saw.
    pub fn history(&self) -> &[Seen<L::Machine>] {
        &self.system.part.clients.history
    }

    /// What was counted.
    pub fn counts(&self) -> LogCounts {
        let log = &self.system.part;
        LogCounts {
            commands: log.book.commands,
            queries: log.tally.queries,
            repeats: log.book.repeats,
            slots: log.book.decided(),
            leaders: log.tally.leaders,
            ballots: log.tally.ballots,
            installs: log.tally.installs,
            ops: log.tally.ops,
            object_ops: self.store_ops,
        }
    }

    /// What the run came to, beside its verdict.
    pub fn log_report(&self) -> LogReport {
        let mut commits = verdict::latency_histogram();
        for &ticks in &self.system.part.tally.commits {
            commits.saturating_record(self.plan.ns(ticks));
        }
        let counts = self.counts();
        LogReport {
            counts,
            ops_per_1000: counts.ops_per_1000(),
            batch: self.system.part.tally.batch(),
            commit_ns: verdict::latency(&commits),
            history: self.system.part.history,
            history_ops: self.system.part.clients.history.len() as u64,
        }
    }

    /// The counts, what the history was judged, and the batches' sizes.
    pub(crate) fn sums(&self) -> (LogCounts, History, &Histogram<u64>) {
        let log = &self.system.part;
        (self.counts(), log.history, &log.tally.batches)
    }

    /// The probes that the run has come to.
    pub(crate) fn log_probes(&self) -> u64 {
        let log = &self.system.part;
        let mut probes = self.net.probes;
        if log.book.repeats > 0 {
            probes |= Probe::Repeated.bit();
        }
        if log.done_at.is_some() {
            probes |= Probe::AllDecided.bit();
        }
        probes
    }

    /// How many slots are decided.
    pub(crate) fn slots(&self) -> u32 {
        u32::try_from(self.system.part.book.decided()).unwrap_or(u32::MAX)
    }
}
