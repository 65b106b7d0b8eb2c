//! What a run of one decision has come to, beside what every engine says of it.

use bivalent_core::Value;

use super::{Blocks, Engine};

impl Engine<Blocks> {
    /// The first decision of the run: the number of a proposal, from 1.
    pub const fn value(&self) -> Option<Value> {
        self.system.value
    }

    /// The decisions' times, nanoseconds from the start.
    pub fn decision_times_ns(&self) -> impl Iterator<Item = u64> {
        self.system.decisions.iter().map(|&tick| self.plan.ns(tick))
    }
}
