//! What a log's engine says of the run that it has just finished.

use hdrhistogram::Histogram;

use super::{History, LogCounts, LogEngine, LogReport, Seen, machines::Load};
use crate::{
    coverage::Coverage,
    engine::is_down,
    fault::FaultKind,
    probe::Probe,
    report::{Fairness, FaultCount, Stall, Violation},
    verdict::{self, Finished},
};

impl<L: Load> LogEngine<L> {
    /// What the clients saw.
    pub fn history(&self) -> &[Seen<L::Machine>] {
        &self.system.clients.history
    }

    /// What was counted.
    pub const fn counts(&self) -> LogCounts {
        LogCounts {
            commands: self.system.book.commands,
            queries: self.system.tally.queries,
            repeats: self.system.book.repeats,
            slots: self.system.book.decided(),
            leaders: self.system.tally.leaders,
            ballots: self.system.tally.ballots,
            installs: self.system.tally.installs,
            ops: self.system.tally.ops,
        }
    }

    /// What the run came to, beside its verdict.
    pub fn log_report(&self) -> LogReport {
        let mut commits = verdict::latency_histogram();
        for &ticks in &self.system.tally.commits {
            commits.saturating_record(self.plan.ns(ticks));
        }
        let counts = self.counts();
        LogReport {
            counts,
            ops_per_1000: counts.ops_per_1000(),
            batch: self.system.tally.batch(),
            commit_ns: verdict::latency(&commits),
            history: self.system.history,
            history_ops: self.system.clients.history.len() as u64,
        }
    }
}

impl<L: Load> Finished for LogEngine<L> {
    fn steps(&self) -> u64 {
        self.steps
    }

    fn probes(&self) -> u64 {
        let mut probes = self.net.probes;
        if self.system.book.repeats > 0 {
            probes |= Probe::Repeated.bit();
        }
        if self.system.done_at.is_some() {
            probes |= Probe::AllDecided.bit();
        }
        probes
    }

    fn coverage(&self) -> &Coverage {
        &self.net.coverage
    }

    fn store_ops(&self) -> u64 {
        self.system.tally.ops.total()
    }

    fn ns(&self, tick: u64) -> u64 {
        self.plan.ns(tick)
    }

    fn virtual_ns(&self) -> u64 {
        self.plan.ns(self.net.now().min(self.plan.end))
    }

    fn decided(&self) -> u32 {
        u32::try_from(self.system.book.decided()).unwrap_or(u32::MAX)
    }

    fn fingerprint(&self) -> u64 {
        self.fingerprint.value()
    }

    fn violations(&self) -> &[Violation] {
        &self.violations
    }

    fn stalls(&self) -> &[Stall] {
        &self.liveness.stalls
    }

    fn exceeded(&self) -> Vec<String> {
        self.envelope.exceeded()
    }

    fn faults(&self) -> Vec<(FaultKind, FaultCount)> {
        let counts = &self.net.counts;
        let kinds = self.plan.kinds();
        kinds.map(|kind| (kind, counts[kind.index()])).collect()
    }

    fn fairness(&self) -> Fairness {
        let live = self
            .participants
            .iter()
            .filter(|seat| !is_down(seat.status));
        Fairness {
            longest_wait_ops: 0,
            longest_wait_ns: 0,
            least_steps: live.map(|seat| seat.steps).min().unwrap_or(0),
        }
    }

    fn latencies(&self, each: &mut dyn FnMut(u64)) {
        for &ticks in &self.system.tally.commits {
            each(self.plan.ns(ticks));
        }
    }

    fn is_done(&self) -> bool {
        self.system.done_at.is_some()
    }

    fn done_ns(&self) -> Option<u64> {
        self.system.done_at.map(|tick| self.plan.ns(tick))
    }

    fn log(&self) -> Option<LogReport> {
        Some(self.log_report())
    }

    fn log_counts(&self) -> Option<(LogCounts, History, &Histogram<u64>)> {
        Some((
            self.counts(),
            self.system.history,
            &self.system.tally.batches,
        ))
    }
}
