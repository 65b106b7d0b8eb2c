//! Findings: failures of a campaign, told apart, made small at once, and written down.
//!
//! Two failures are the same finding if they fail alike in the same scenario and nothing struck the second one
//! that the first one, made small, did not need. What comes of a campaign depends on its blocks in their order
//! alone: so shards that are merged have the findings of one campaign.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use super::{
    hunt::{Done, Hunt},
    portfolio::Scheduler,
    tally::Failed,
};
use crate::{
    campaign::{
        failure::Failure,
        guard::{Guard, How, Subject},
        shrink::{self, Limits, Shrunk, Size},
        trace::Trace,
    },
    engine::fingerprint,
    scenario::{Protocol, Scenario, choices, fault::FaultKind},
};

/// Findings of one scenario that fail alike; failures beyond are counted with the first of them.
const ALIKE_MAX: usize = 4;

/// A candidate of shrinking that takes longer is taken for one that never ends, though a campaign waits longer for a run.
const PATIENCE_MAX: Duration = Duration::from_secs(10);

/// How small failures are made, and where that ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Effort {
    /// Counted.
    pub limits: Limits,
    /// A candidate that takes longer is left behind.
    pub patience: Duration,
}

impl Effort {
    /// Within these limits, by somebody who waits for so long for a run, if not for a candidate.
    pub fn new(limits: Limits, patience: Duration) -> Self {
        Self {
            limits,
            patience: patience.min(PATIENCE_MAX),
        }
    }
}

impl Default for Effort {
    fn default() -> Self {
        Self::new(Limits::default(), PATIENCE_MAX)
    }
}

/// A failure, made small.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The number of its scenario in the campaign.
    pub scenario: usize,
    /// The scenario's name.
    pub from: String,
    /// How it fails.
    pub failure: Failure,
    /// The seed of the run that was made small.
    pub seed: u64,
    /// Who ordered that run.
    pub scheduler: Scheduler,
    /// How many runs failed like this.
    pub count: u64,
    /// The kinds of fault that it needs, as a bit set by [`FaultKind::index`].
    pub needed: u32,
    /// The small run, or, where nothing could be made of it, the run as it was.
    pub small: Small,
}

/// A failing run that stands alone.
#[derive(Clone, Debug)]
pub struct Small {
    /// Its scenario, which carries its choices.
    pub scenario: Scenario,
    /// How large the run was.
    pub before: Size,
    /// How large it is.
    pub after: Size,
    /// How many candidates were tried.
    pub tried: u64,
    /// Nothing single can be left out.
    pub complete: bool,
    /// The scenario as a file that reproduces it alone.
    pub toml: String,
    /// The same run as a trace; empty, if none could be made.
    pub trace: String,
}

/// A finding as other programs read it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct FindingReport {
    /// The scenario's name.
    pub scenario: String,
    /// Its failure, in a word.
    pub kind: String,
    /// The same in a few words.
    pub detail: String,
    /// `SCENARIO@SEED` of the campaign's run.
    pub coordinate: String,
    /// Who ordered it.
    pub scheduler: &'static str,
    /// How many runs failed like this.
    pub count: u64,
    /// The kinds of fault that it needs.
    pub needs: Vec<&'static str>,
    /// Steps to the failure, as found.
    pub steps_before: u64,
    /// The same, made small.
    pub steps_after: u64,
    /// Agents and stores, made small.
    pub agents: u64,
    /// Stores, made small.
    pub stores: u64,
    /// The name of its files, without their endings.
    pub file: String,
}

impl Finding {
    /// The name of its files, without their endings.
    pub fn file_stem(&self) -> String {
        let name = self.from.rsplit('/').next().unwrap_or(&self.from);
        let name = name.strip_suffix(".toml").unwrap_or(name);
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = name.chars().map(plain).take(60).collect();
        let hash = fingerprint::of_text(&self.small.toml) >> 32;
        format!("{name}-{}-{hash:08x}", self.failure.word())
    }

    /// It as other programs read it.
    pub fn report(&self) -> FindingReport {
        FindingReport {
            scenario: self.from.clone(),
            kind: self.failure.word().to_owned(),
            detail: self.failure.words(),
            coordinate: format!("{}@{:#x}", self.from, self.seed),
            scheduler: self.scheduler.name(),
            count: self.count,
            needs: kinds(self.needed),
            steps_before: self.small.before.steps,
            steps_after: self.small.after.steps,
            agents: self.small.after.agents,
            stores: self.small.after.stores,
            file: self.file_stem(),
        }
    }
}

/// The names of a set of kinds.
fn kinds(set: u32) -> Vec<&'static str> {
    let kinds = FaultKind::ALL.into_iter();
    kinds
        .filter(|kind| set & 1 << kind.index() != 0)
        .map(FaultKind::name)
        .collect()
}

/// The findings of a campaign so far.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// In the order in which they were found.
    pub list: Vec<Finding>,
}

impl Findings {
    /// Looks at the failures of a block, the blocks coming in their order. Says which findings are new.
    pub fn take(&mut self, hunt: &Hunt, done: &Done, effort: Effort) -> Vec<usize> {
        let mut new = Vec::new();
        let mut failures: Vec<&Failed> = done.tally.failures.iter().collect();
        failures.sort_by_key(|failed| failed.seed);
        for failed in failures {
            if let Some(known) = self.known(done.block.scenario, &failed.failure, failed.struck) {
                known.count += failed.count;
                continue;
            }
            let found = finding(hunt, done, failed, effort);
            // Made small, it may be one that is known.
            if let Some(known) = self.known(done.block.scenario, &found.failure, found.needed) {
                known.count += found.count;
                continue;
            }
            new.push(self.list.len());
            self.list.push(found);
        }
        new
    }

    /// The finding that explains a failure, if one does.
    fn known(&mut self, scenario: usize, failure: &Failure, struck: u32) -> Option<&mut Finding> {
        let alike = |it: &Finding| it.scenario == scenario && it.failure.is_like(failure);
        let explains = |it: &Finding| alike(it) && it.needed & !struck == 0;
        let at = self.list.iter().position(explains).or_else(|| {
            let all = self.list.iter().filter(|it| alike(it)).count();
            let first = self.list.iter().position(alike);
            first.filter(|_| all >= ALIKE_MAX)
        });
        at.map(|at| &mut self.list[at])
    }
}

fn finding(hunt: &Hunt, done: &Done, failed: &Failed, effort: Effort) -> Finding {
    let again = hunt.reproduce(&done.block, &done.endless, failed.seed);
    let subject = &*hunt.subject;
    let from = hunt.scenarios[done.block.scenario].name.clone();
    let small = match failed.failure {
        Failure::Endless => {
            Small::of_endless(&hunt.subject, &again.scenario, &again.how, &from, failed)
        }
        Failure::Violation { .. }
        | Failure::Wedge
        | Failure::Stall { .. }
        | Failure::OtherValue
        | Failure::Panic { .. }
        | Failure::Differs => {
            let mut guard = Guard::new(subject, &again.scenario);
            let ended = guard.run(again.how);
            let failure = guard.failure(&ended);
            let choices = guard.take_choices();
            let is_same = failure.is_some_and(|failure| failure.is_like(&failed.failure));
            let limits = bounded(effort.limits, &again.scenario, &failed.failure);
            let shrunk = if is_same {
                let (run, failure) = (&again.scenario, &failed.failure);
                let patience = effort.patience;
                shrink::shrink_watched(&hunt.subject, run, &choices, failure, limits, patience)
            } else {
                None
            };
            match shrunk {
                Some(shrunk) => Small::of_shrunk(subject, shrunk, &from, failed),
                None => {
                    Small::as_it_was(&again.scenario, choices, guard.runner().finished().steps())
                }
            }
        }
    };
    let needed = small.1;
    Finding {
        scenario: done.block.scenario,
        from,
        failure: failed.failure.clone(),
        seed: failed.seed,
        scheduler: failed.scheduler,
        count: failed.count,
        needed,
        small: small.0,
    }
}

/// Less for what takes long: a campaign waits for it.
fn bounded(limits: Limits, scenario: &Scenario, failure: &Failure) -> Limits {
    let is_log = scenario.cluster.protocol == Protocol::ReplicatedLog;
    let agents = scenario.cluster.agents.len() as u64;
    // A stall is judged by probes, which take many steps that nobody counts.
    let probes = matches!(failure, Failure::Wedge | Failure::Stall { .. });
    let runs = match (is_log, probes) {
        (true, true) => 2_000 / (1 + agents),
        (true, false) => 20_000 / (1 + agents / 8),
        (false, _) => 20_000,
    };
    Limits {
        runs: limits.runs.min(runs),
        steps: limits.steps,
    }
}

impl Small {
    /// A run made small, and the kinds of fault that it needs.
    pub(super) fn of_shrunk(
        subject: &dyn Subject,
        shrunk: Shrunk,
        from: &str,
        failed: &Failed,
    ) -> (Self, u32) {
        let strikes = shrunk.strikes.iter();
        let needed = strikes.fold(0, |set, strike| set | 1 << strike.kind.index());
        let mut scenario = shrunk.scenario;
        said(&mut scenario, from, failed);
        let small = Self::written(subject, scenario, &shrunk.choices, failed.seed);
        let small = Self {
            before: shrunk.before,
            after: shrunk.after,
            tried: shrunk.tried,
            complete: shrunk.complete,
            ..small
        };
        (small, needed)
    }

    /// A run that could not be made to fail again: as it was.
    fn as_it_was(scenario: &Scenario, choices: Vec<u32>, steps: u64) -> (Self, u32) {
        let size = shrink::size(scenario, choices.len() as u64, steps);
        let mut scenario = scenario.clone();
        if choices.len() <= choices::LONGEST {
            scenario.schedule.choices = Some(choices.into());
        }
        let toml = scenario.to_toml();
        let small = Self {
            scenario,
            before: size,
            after: size,
            tried: 0,
            complete: false,
            toml,
            trace: String::new(),
        };
        (small, 0)
    }

    /// A run in which a step does not come to an end: up to there.
    fn of_endless(
        subject: &Arc<dyn Subject>,
        scenario: &Scenario,
        how: &How,
        from: &str,
        failed: &Failed,
    ) -> (Self, u32) {
        let (choices, steps) = crate::campaign::trace::before_the_end(subject, scenario, how);
        let mut scenario = scenario.clone();
        said(&mut scenario, from, failed);
        scenario.schedule.choices = Some(choices.clone().into());
        scenario.text = scenario.to_toml();
        let scenario = &scenario;
        let trace = Trace::of_endless(&**subject, scenario, failed.seed, &choices, steps).to_text();
        let (small, needed) = Self::as_it_was(scenario, choices, steps + 1);
        (Self { trace, ..small }, needed)
    }

    /// The same run as a file and as a trace.
    fn written(subject: &dyn Subject, scenario: Scenario, choices: &[u32], seed: u64) -> Self {
        let mut scenario = scenario;
        if choices.len() <= choices::LONGEST {
            scenario.schedule.choices = Some(choices.into());
        }
        scenario.text = String::new();
        let toml = scenario.to_toml();
        scenario.text.clone_from(&toml);
        let trace = Trace::of_guarded(subject, &scenario, seed, choices);
        let size = shrink::size(&scenario, choices.len() as u64, trace.steps());
        Self {
            scenario,
            before: size,
            after: size,
            tried: 0,
            complete: false,
            toml,
            trace: trace.to_text(),
        }
    }
}

/// What the file of a finding says of itself.
fn said(scenario: &mut Scenario, from: &str, failed: &Failed) {
    let what = failed.failure.word().to_owned();
    scenario.title = format!("Found: {what}");
    let text = format!(
        "Made small from {from}, seed {:#x} of a campaign, {}. It must not fail: once it passes it guards against a relapse.",
        failed.seed,
        failed.scheduler.name(),
    );
    scenario.summary = text.chars().filter(|c| !c.is_control()).collect();
    scenario.tags = vec!["regression".to_owned(), what];
    scenario.fuzz = crate::scenario::Fuzz::default();
    scenario.price = crate::campaign::price::Matrix::default();
    scenario.expect.seeds = None;
}
