//! What an engine of buckets says of the run that it has just finished.

use super::{Engine, Objects, Part};
use crate::{
    coverage::Coverage,
    engine::{Participant, Status, is_down},
    fault::FaultKind,
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
        self.system.decided
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
        for &tick in &self.system.decisions {
            each(self.plan.ns(tick));
        }
    }

    fn is_done(&self) -> bool {
        let done = |it: &Participant<Objects<P>>| {
            it.own.decided || it.status == Status::Down { returns: false }
        };
        self.system.decided > 0 && self.participants.iter().all(done)
    }

    fn done_ns(&self) -> Option<u64> {
        let last = self.system.decisions.last();
        last.map(|&tick| self.plan.ns(tick))
    }

    fn value_in_words(&self) -> Option<String> {
        P::value_in_words(self)
    }

    fn values(&self) -> &[String] {
        &self.plan.values
    }

    fn probes(&self) -> u64 {
        self.net.probes
    }

    fn coverage(&self) -> &Coverage {
        &self.net.coverage
    }
}
