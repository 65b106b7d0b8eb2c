//! The sum of a campaign: all blocks together, what was found, and what was never tested.

use serde::Serialize;

use super::{
    findings::{Effort, Findings},
    hunt::{Done, Hunt},
    tally::Tally,
};
use crate::{
    judge::probe::Probe,
    scenario::{Expected, Scenario, fault::FaultKind},
};

/// A campaign so far. Blocks must come in their order.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    /// Everything.
    pub total: Tally,
    /// By scenario.
    pub scenarios: Vec<Tally>,
    /// What was found.
    pub findings: Findings,
    /// Blocks.
    pub blocks: u64,
    /// How many features were known after how many runs: where a campaign has seen all it will see.
    features: Vec<(u64, u64)>,
}

/// Something that no run came to, though it should have been.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Untested {
    /// The scenario; none: in the whole campaign.
    pub scenario: String,
    /// A probe, or a fault.
    pub what: String,
    /// The campaign has tested nothing without it.
    pub required: bool,
}

impl Sum {
    /// Nothing yet.
    pub fn new(hunt: &Hunt) -> Self {
        Self {
            scenarios: vec![Tally::default(); hunt.scenarios.len()],
            ..Self::default()
        }
    }

    /// Adds a block; says which findings are new.
    pub fn take(&mut self, hunt: &Hunt, done: &Done, effort: Effort) -> Vec<usize> {
        self.total.add(&done.tally);
        self.scenarios[done.block.scenario].add(&done.tally);
        self.blocks += 1;
        self.features
            .push((self.total.runs, self.total.features.0.len()));
        self.findings.take(hunt, done, effort)
    }

    /// How many features were new in the last tenth of the runs.
    pub fn late_features(&self) -> u64 {
        let from = self.total.runs - self.total.runs / 10;
        let before = self.features.iter().rev().find(|(runs, _)| *runs <= from);
        let before = before.map_or(0, |&(_, features)| features);
        self.total.features.0.len() - before
    }

    /// What no run came to: required things first, then probes worth having been at.
    pub fn untested(&self, hunt: &Hunt) -> Vec<Untested> {
        let mut list = Vec::new();
        for (scenario, tally) in hunt.scenarios.iter().zip(&self.scenarios) {
            if tally.runs == 0 {
                continue;
            }
            let name = &scenario.name;
            let mut missing = |what: String, required| {
                list.push(Untested {
                    scenario: name.clone(),
                    what,
                    required,
                });
            };
            if decides(scenario) && tally.probe(Probe::Decided) == 0 {
                missing("a decision".to_owned(), true);
            }
            for kind in asked_for(scenario) {
                if tally.struck(kind).landed == 0 {
                    missing(format!("{} took effect", kind.name()), true);
                }
            }
        }
        for probe in Probe::ALL {
            let concerned = hunt
                .scenarios
                .iter()
                .zip(&self.scenarios)
                .any(|(scenario, tally)| {
                    let blind = scenario.cluster.is_decision_on_buckets();
                    let told = !blind || probe.is_told_on_buckets();
                    tally.runs > 0 && told && probe.concerns(scenario.cluster.protocol)
                });
            if concerned && self.total.probe(probe) == 0 {
                list.push(Untested {
                    scenario: String::new(),
                    what: probe.name().to_owned(),
                    required: false,
                });
            }
        }
        list
    }
}

/// Whether some run should decide.
const fn decides(scenario: &Scenario) -> bool {
    match scenario.expect.outcome {
        Expected::Any
        | Expected::Decide
        | Expected::Unwedged
        | Expected::Violation(_)
        | Expected::ViolationOrWedge(_) => true,
        Expected::Stall { heals_within_ns } => heals_within_ns.is_some(),
        Expected::Wedge => false,
    }
}

/// The kinds of fault that a scenario asks for, in its rules or to be added.
fn asked_for(scenario: &Scenario) -> Vec<FaultKind> {
    let rules = scenario.faults.iter().map(|rule| rule.fault.kind());
    let mut kinds: Vec<FaultKind> = rules.chain(scenario.fuzz.add.iter().copied()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}
