//! What an engine of buckets says of the run that it has just finished.

use hdrhistogram::Histogram;

use super::{Engine, Objects, Part};
use crate::{
    coverage::Coverage,
    engine::{Participant, is_down},
    fault::FaultKind,
    log::{History, LogCounts, LogReport},
    report::{Fairness, FaultCount, Stall, Violation},
    verdict::Finished,
};

impl<P: Part> Finished for Engine<Objects<P>> {
    fn steps(&self) -> u64 {
        self.steps
    }

    fn store_ops(&self) -> u64 {
        self.system.store_ops
    }

    fn virtual_ns(&self) -> u64 {
        self.virtual_ns()
    }

    fn ns(&self, tick: u64) -> u64 {
        self.plan.ns(tick)
    }

    fn decided(&self) -> u32 {
        P::outcome(self).decided
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
        let live = |it: &&Participant<Objects<P>>| !is_down(it.status);
        let steps = self.participants.iter().filter(live).map(|it| it.steps);
        Fairness {
            longest_wait_ops: 0,
            longest_wait_ns: 0,
            least_steps: steps.min().unwrap_or(0),
        }
    }

    fn latencies(&self, each: &mut dyn FnMut(u64)) {
        P::latencies(self, each);
    }

    fn is_done(&self) -> bool {
        P::outcome(self).is_done
    }

    fn done_ns(&self) -> Option<u64> {
        P::outcome(self).done_ns
    }

    fn value_in_words(&self) -> Option<String> {
        P::outcome(self).value
    }

    fn values(&self) -> &[String] {
        &self.plan.values
    }

    fn probes(&self) -> u64 {
        P::outcome(self).probes
    }

    fn coverage(&self) -> &Coverage {
        &self.net.coverage
    }

    fn log(&self) -> Option<LogReport> {
        P::log_report(self)
    }

    fn log_counts(&self) -> Option<(LogCounts, History, &Histogram<u64>)> {
        P::outcome(self).log
    }
}
