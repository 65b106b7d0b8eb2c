//! What an engine says of the run that it has just finished.

use bivalent_core::Value;

use super::{Blocks, Engine};
use crate::{
    coverage::Coverage,
    engine::is_down,
    fault::FaultKind,
    report::{Fairness, FaultCount, Stall, Violation},
    scenario::Adversary,
};

impl Engine<Blocks> {
    /// Reads and writes that arrived at a store.
    pub const fn store_ops(&self) -> u64 {
        self.system.store_ops
    }

    /// How many incarnations have decided.
    pub const fn decided(&self) -> u32 {
        self.system.decided
    }

    /// The first decision of the run: the number of a proposal, from 1.
    pub const fn value(&self) -> Option<Value> {
        self.system.value
    }

    /// How fair the schedule was.
    pub fn fairness(&self) -> Fairness {
        let live = |seat: &&super::Seat| !is_down(seat.status);
        let steps = self.participants.iter().filter(live).map(|seat| seat.steps);
        Fairness {
            longest_wait_ops: self.system.order.longest_ops,
            longest_wait_ns: self.plan.ns(self.system.order.longest_ticks),
            least_steps: steps.min().unwrap_or(0),
        }
    }

    /// The run's fingerprint.
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint.value()
    }

    /// What the oracles found, one a property; names and values still to be put in.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// The stalls, in order.
    pub fn stalls(&self) -> &[Stall] {
        &self.liveness.stalls
    }

    /// What went beyond the envelope.
    pub fn exceeded(&self) -> Vec<String> {
        self.envelope.exceeded()
    }

    /// The faults of each kind that the scenario can inject, by its rules or by its script.
    pub fn faults(&self) -> impl Iterator<Item = (FaultKind, FaultCount)> {
        let mut kinds = self.plan.kinds;
        if let Adversary::Script(script) = &self.plan.adversary {
            kinds |= script.kinds();
        }
        FaultKind::ALL
            .into_iter()
            .filter(move |kind| kinds & 1 << kind.index() != 0)
            .map(|kind| (kind, self.net.counts[kind.index()]))
    }

    /// The decisions' times, nanoseconds from the start.
    pub fn decision_times_ns(&self) -> impl Iterator<Item = u64> {
        self.system.decisions.iter().map(|&tick| self.plan.ns(tick))
    }

    /// The probes that the run has come to.
    pub(crate) const fn probes(&self) -> u64 {
        self.net.probes
    }

    /// The run's features.
    pub(crate) const fn coverage(&self) -> &Coverage {
        &self.net.coverage
    }

    /// What it runs.
    pub(crate) fn plan(&self) -> &crate::plan::Plan {
        &self.plan
    }

    /// The proposals, by number - 1.
    pub(crate) fn values(&self) -> &[String] {
        &self.plan.values
    }
}
