//! What an engine says of the run that it has just finished.

use hdrhistogram::Histogram;

use super::{Engine, Participant, System, is_down};
use crate::{
    judge::{
        coverage::Coverage,
        report::{Fairness, FaultCount, History, LogCounts, LogReport, Stall, Violation},
        verdict::Finished,
    },
    scenario::{Adversary, fault::FaultKind},
};

/// What a run came to, as its system knows it.
#[derive(Debug, Default)]
pub(crate) struct Outcome<'a> {
    /// How many agents, or slots, have decided.
    pub(crate) decided: u32,
    /// Everyone who will ever take a step has what he wanted.
    pub(crate) is_done: bool,
    /// Since when, ticks.
    pub(crate) done_at: Option<u64>,
    /// The first decision in words, if there is one and it is one value.
    pub(crate) value: Option<&'a str>,
    /// The probes that it came to, as a bit set.
    pub(crate) probes: u64,
    /// The longest that an operation was held back by the schedule: operations on stores, and ticks.
    pub(crate) longest_wait: (u64, u64),
    /// The entry of a script at which it stands.
    pub(crate) script_at: Option<u64>,
    /// What a log's run came to, what its history was judged, and its batches' sizes.
    pub(crate) log: Option<(LogCounts, History, &'a Histogram<u64>)>,
}

impl<S: System> Finished for Engine<S> {
    fn steps(&self) -> u64 {
        self.steps
    }

    fn store_ops(&self) -> u64 {
        self.store_ops
    }

    fn virtual_ns(&self) -> u64 {
        self.virtual_ns()
    }

    fn ns(&self, tick: u64) -> u64 {
        self.plan.ns(tick)
    }

    fn decided(&self) -> u32 {
        S::outcome(self).decided
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
        let mut kinds = self.plan.kinds;
        if let Adversary::Script(script) = &self.plan.adversary {
            kinds |= script.kinds();
        }
        let all = FaultKind::ALL.into_iter();
        all.filter(|kind| kinds & 1 << kind.index() != 0)
            .map(|kind| (kind, self.net.counts[kind.index()]))
            .collect()
    }

    fn fairness(&self) -> Fairness {
        let live = |it: &&Participant<S>| !is_down(it.status);
        let steps = self.participants.iter().filter(live).map(|it| it.steps);
        let (ops, ticks) = S::outcome(self).longest_wait;
        Fairness {
            longest_wait_ops: ops,
            longest_wait_ns: self.plan.ns(ticks),
            least_steps: steps.min().unwrap_or(0),
        }
    }

    fn latencies(&self, each: &mut dyn FnMut(u64)) {
        S::latencies(self, &mut |ticks| each(self.plan.ns(ticks)));
    }

    fn is_done(&self) -> bool {
        S::outcome(self).is_done
    }

    fn done_ns(&self) -> Option<u64> {
        S::outcome(self).done_at.map(|tick| self.plan.ns(tick))
    }

    fn value_in_words(&self) -> Option<String> {
        S::outcome(self).value.map(str::to_owned)
    }

    fn values(&self) -> &[String] {
        &self.plan.values
    }

    fn probes(&self) -> u64 {
        S::outcome(self).probes
    }

    fn coverage(&self) -> &Coverage {
        &self.net.coverage
    }

    fn script_at(&self) -> Option<u64> {
        S::outcome(self).script_at
    }

    fn log(&self) -> Option<LogReport> {
        S::log_report(self)
    }

    fn log_counts(&self) -> Option<(LogCounts, History, &Histogram<u64>)> {
        S::outcome(self).log
    }
}
