//! A run explained: its story, the causes of what it came to, and what would have ended its stalls.

use serde::Serialize;

use crate::{
    engine::{journal::Keeps, runner::Runner, stall::StallReport},
    judge::report::{Outcome, RunReport},
    scenario::{Expected, Scenario, planted::Planted},
    story::{
        self, Story,
        cause::{self, Chain},
        influence::{self, Influences},
    },
};

/// Seeds that are looked through for what a scenario promises.
const SEEDS_MAX: u64 = 10_000;

/// Everything there is to say of one run.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// What it came to.
    pub report: RunReport,
    /// The steps that mattered.
    pub story: Story,
    /// Why it came so, from the end to the beginning.
    pub causes: Vec<Chain>,
    /// What could have influenced what it came to.
    pub influences: Vec<Influences>,
    /// Its stalls, the first of them.
    pub stalls: Vec<StallReport>,
    /// Stalls beyond those.
    pub more_stalls: usize,
}

/// Runs a seed again and explains it. Takes longer than the run: each remedy of each stall is tried.
pub fn explain(scenario: &Scenario, seed: u64) -> Explanation {
    explain_planted(scenario, seed, scenario.planted)
}

/// The same of agents with a planted bug.
pub fn explain_planted(scenario: &Scenario, seed: u64, planted: Planted) -> Explanation {
    let mut runner = Runner::new(scenario);
    runner.plant_any(planted);
    let (end, journal) = runner.run_told(seed, Keeps::Ends);
    let report = runner.report(scenario, seed, end);
    let run = runner.finished();
    let story = story::of(scenario, run, &journal, &report);
    let causes = cause::chains(scenario, run, &journal, &report);
    let ends = cause::ends(&journal, &report);
    let influences = influence::of_notes(scenario, run, &journal, &report.coordinate, &ends);
    let stalls = runner.stall_reports(scenario, seed, &report.stalls, &journal);
    let more_stalls = report.stalls.len().saturating_sub(stalls.len());
    Explanation {
        report,
        story,
        causes,
        influences,
        stalls,
        more_stalls,
    }
}

/// The seed to explain where none is named: the first one that brings what the scenario promises, if it
/// promises that something goes wrong; else the schedule's.
pub fn seed_of(scenario: &Scenario) -> u64 {
    let own = scenario.schedule.seed;
    let (from, to) = scenario.expect.seeds.unwrap_or((own, own + 1));
    let goes_wrong = match scenario.expect.outcome {
        Expected::Any | Expected::Decide | Expected::Unwedged => return own,
        Expected::Stall { .. } | Expected::Wedge => [Outcome::Stalled; 2],
        Expected::Violation(_) => [Outcome::Unsafe; 2],
        Expected::ViolationOrWedge(_) => [Outcome::Unsafe, Outcome::Stalled],
    };
    let mut runner = Runner::new(scenario);
    (from..to.min(from.saturating_add(SEEDS_MAX)))
        .find(|&seed| {
            let end = runner.run(seed);
            let (outcome, as_expected) = runner.judge(scenario, end);
            as_expected && goes_wrong.contains(&outcome)
        })
        .unwrap_or(own)
}
