//! Traces of runs that do not end by themselves: what is tested panics, or does not come back from a step.
//!
//! Such a trace goes up to the last step that is over, and says what comes next.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use super::Trace;
use crate::{
    campaign::guard::{BuiltIn, Ended, Guard, How, Subject, caught},
    engine::{dice::Dice, runner::Rest},
    pool::watched,
    scenario::Scenario,
};

/// So long without a step that is over, and the next one is taken for endless.
const PATIENCE: Duration = Duration::from_secs(5);
/// What a trace says of a run that does not come back.
pub(super) const ENDLESS: &str = "endless";
/// What it says of one that panics, before the place.
const PANIC: &str = "panic at ";

impl Trace {
    /// Runs a list of choices that fits, whatever comes of it, and keeps it.
    pub fn of_guarded(
        subject: &dyn Subject,
        scenario: &Scenario,
        seed: u64,
        choices: &[u32],
    ) -> Self {
        let mut guard = Guard::new(subject, scenario);
        match guard.run(How::Following(choices.to_vec(), Rest::First)) {
            Ended::Run(_) => Self::up_to(subject, scenario, seed, choices, u64::MAX, None),
            Ended::Panicked { place, .. } => {
                let over = guard.runner().finished().steps().saturating_sub(1);
                let what = format!("{PANIC}{place}");
                Self::up_to(subject, scenario, seed, choices, over, Some(what))
            }
        }
    }

    /// The run of a list of choices up to a step, after which the next one does not end.
    pub fn of_endless(
        subject: &dyn Subject,
        scenario: &Scenario,
        seed: u64,
        choices: &[u32],
        over: u64,
    ) -> Self {
        let what = Some(ENDLESS.to_owned());
        Self::up_to(subject, scenario, seed, choices, over, what)
    }

    fn up_to(
        subject: &dyn Subject,
        scenario: &Scenario,
        seed: u64,
        choices: &[u32],
        until: u64,
        ended: Option<String>,
    ) -> Self {
        let mut runner = subject.runner(scenario);
        let (_, journal, _) = runner.run_choices(choices.to_vec(), until);
        let planted = scenario.planted;
        let mut trace = Self::of_run(scenario, seed, planted, &runner, choices.to_vec(), &journal);
        trace.file.ended = ended;
        trace
    }
}

/// The choices and the number of steps of a run up to a step that does not come back.
pub(crate) fn before_the_end(
    subject: &Arc<dyn Subject>,
    scenario: &Scenario,
    how: &How,
) -> (Vec<u32>, u64) {
    let (shared, own, way) = (Arc::clone(subject), scenario.clone(), how.clone());
    let over = watched::alone(PATIENCE, move |taken: &AtomicU64| {
        let mut runner = shared.runner(&own);
        // A panic ends it as well.
        let _ = caught(|| runner.run_step_by_step(dice(&own, &way), taken));
    });
    let steps = over.err().unwrap_or(0);
    let mut runner = subject.runner(scenario);
    runner.run_dice_until(dice(scenario, how), steps);
    (runner.take_choices(), steps)
}

fn dice(scenario: &Scenario, how: &How) -> Dice {
    match how {
        How::Seed(seed) | How::Kept(seed) => {
            crate::scenario::plan::Plan::new(scenario).dice_kept(*seed)
        }
        How::Following(choices, rest) => Dice::following(choices.clone(), *rest),
        How::Sorted(sorted, rest) => Dice::following_sorted(sorted.clone(), *rest),
    }
}

/// Whether a run ends as its trace says; if not, how it ended.
pub(super) fn differs(scenario: &Scenario, choices: &[u32], ended: &str) -> Option<String> {
    let (own, list) = (scenario.clone(), choices.to_vec());
    let now = watched::alone(PATIENCE, move |taken: &AtomicU64| {
        let mut guard = Guard::new(&BuiltIn, &own);
        let ended = guard.run(How::Following(list, Rest::First));
        taken.store(u64::MAX, std::sync::atomic::Ordering::Relaxed);
        match ended {
            Ended::Run(_) => "an end by itself".to_owned(),
            Ended::Panicked { place, .. } => format!("{PANIC}{place}"),
        }
    });
    let now = now.unwrap_or_else(|_| ENDLESS.to_owned());
    (now != ended).then_some(now)
}
