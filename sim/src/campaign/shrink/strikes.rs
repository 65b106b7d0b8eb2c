//! Which faults a run drew, and at which steps: found by stopping it earlier and earlier.

use crate::{
    campaign::guard::{Subject, caught},
    engine::runner::Runner,
    scenario::{Scenario, fault::FaultKind},
};

/// Strikes that are looked for at most.
const STRIKES_MAX: usize = 100;

/// A fault that was drawn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Strike {
    /// The step, from 1; 0 before the first one.
    pub step: u64,
    /// Its kind.
    pub kind: FaultKind,
}

/// The faults that a list of choices that fits draws up to a step, in order; of very many the first ones.
pub(super) fn strikes(
    subject: &dyn Subject,
    scenario: &Scenario,
    choices: &[u32],
    step: u64,
) -> Vec<Strike> {
    let mut search = Search {
        subject,
        scenario,
        choices,
        runner: subject.runner(scenario),
        found: Vec::new(),
    };
    let none = search.drawn(0);
    let all = search.drawn(step);
    let start = none.iter().map(|&(kind, _)| (kind, 0)).collect();
    search.tell(0, &start, &none);
    search.between((0, &none), (step, &all));
    search.found
}

/// How many faults of each kind.
type Drawn = Vec<(FaultKind, u64)>;

struct Search<'a> {
    subject: &'a dyn Subject,
    scenario: &'a Scenario,
    choices: &'a [u32],
    runner: Runner,
    found: Vec<Strike>,
}

impl Search<'_> {
    fn drawn(&mut self, until: u64) -> Drawn {
        let (runner, choices) = (&mut self.runner, self.choices.to_vec());
        let panicked = caught(|| runner.run_choices(choices, until)).is_err();
        let faults = self.runner.finished().faults().into_iter();
        let drawn = faults.map(|(kind, count)| (kind, count.drawn)).collect();
        if panicked {
            self.runner = self.subject.runner(self.scenario);
        }
        drawn
    }

    fn between(&mut self, (from, before): (u64, &Drawn), (to, after): (u64, &Drawn)) {
        if before == after || self.found.len() >= STRIKES_MAX {
            return;
        }
        if from + 1 >= to {
            self.tell(to, before, after);
            return;
        }
        let middle = from.midpoint(to);
        let halfway = self.drawn(middle);
        self.between((from, before), (middle, &halfway));
        self.between((middle, &halfway), (to, after));
    }

    fn tell(&mut self, step: u64, before: &Drawn, after: &Drawn) {
        for (&(kind, less), &(_, more)) in before.iter().zip(after) {
            let strike = Strike { step, kind };
            self.found.extend((less..more).map(|_| strike));
        }
    }
}
