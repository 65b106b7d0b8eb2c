//! Canaries: planted bugs that a campaign must find within so many runs, or the fuzzer is broken.

#![cfg(test)]

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use bivalent_core::Bug;
use bivalent_sim::{
    catalogue,
    failure::Failure,
    fuzz::{self, Block, Done, Findings, Hunt, Pulse, Settings, Slice, block_size},
    guard::BuiltIn,
    scenario::Scenario,
    shrink::Limits,
    trace::{Trace, replay},
};

/// A ground of `scenarios/fuzz/`, with a bug for its agents or without.
fn ground(name: &str, bug: Option<Bug>) -> Arc<Scenario> {
    let wanted = format!("scenarios/fuzz/{name}.toml");
    let mut chapters = catalogue::chapters().iter();
    let chapter = chapters.find(|chapter| chapter.name == wanted).unwrap();
    let mut scenario = Scenario::parse(chapter.name, chapter.text, &catalogue::open).unwrap();
    scenario.planted = bug.into();
    Arc::new(scenario)
}

/// Blocks of a ground one after the other, until one has a failure or so many runs are over.
fn hunt(name: &str, bug: Option<Bug>, runs: u64) -> Option<(Arc<Scenario>, Done)> {
    let base = ground(name, bug);
    let size = block_size(&base);
    (0..runs.div_ceil(size)).find_map(|number| {
        let seeds = number * size..((number + 1) * size).min(runs);
        let (pulse, stop) = (Pulse::default(), AtomicBool::new(false));
        let settings = Settings::default();
        let tally =
            fuzz::run(&BuiltIn, &base, seeds.clone(), settings, &[], &pulse, &stop).unwrap();
        let block = Block { scenario: 0, seeds };
        let done = Done {
            block,
            endless: Vec::new(),
            tally,
        };
        (!done.tally.failures.is_empty()).then(|| (Arc::clone(&base), done))
    })
}

/// The first failing run of a hunt, counted from 1.
#[track_caller]
fn found(name: &str, bug: Bug, runs: u64) -> (Arc<Scenario>, Done) {
    let found = hunt(name, Some(bug), runs);
    let (base, done) = found.unwrap_or_else(|| panic!("{bug:?} is not found in {runs} runs"));
    assert!(
        hunt(name, None, done.block.seeds.end).is_none(),
        "{name} without a bug"
    );
    (base, done)
}

#[test]
fn the_easy_one_is_found_within_a_hundred_runs() {
    found("contention", Bug::OwnInput, 100);
}

#[test]
fn the_hard_one_is_found_within_ten_thousand_runs() {
    found("acceptor-records", Bug::VotesAgain, 10_000);
}

#[test]
fn the_very_hard_one_is_found_within_three_thousand_runs_of_a_log() {
    found("log-kv", Bug::DropsEarly, 3_000);
}

#[test]
fn what_a_canary_finds_is_made_small_and_both_its_files_fail_again() {
    let (base, done) = found("contention", Bug::OwnInput, 100);
    let hunt = Hunt {
        subject: Arc::new(BuiltIn),
        scenarios: vec![base],
        seeds: vec![0..100],
        settings: Settings::default(),
        slice: Slice::WHOLE,
    };
    let mut findings = Findings::default();

    findings.take(&hunt, &done, Limits::default());

    let finding = &findings.list[0];
    let small = &finding.small;
    assert!(small.after.steps <= small.before.steps && small.after.agents <= 2);
    let trace = Trace::parse("found.trace", &small.trace).unwrap();
    assert!(replay(&trace, None).is_ok());
    let mut alone = Scenario::parse("found.toml", &small.toml, &catalogue::open).unwrap();
    alone.planted = Some(Bug::OwnInput).into();
    let report = bivalent_sim::campaign::run_one(&alone, 7);
    let Failure::Violation { property } = &finding.failure else {
        panic!("{:?}", finding.failure);
    };
    assert_eq!(report.violations[0].property, property);
}

/// Runs `contention` with a bug that stumbles up to a seed; how many runs there were, and how they failed.
fn stumble(bug: Bug, last: u64) -> (u64, Vec<(String, u64)>) {
    let hunt = Hunt {
        subject: Arc::new(BuiltIn),
        scenarios: vec![ground("contention", Some(bug))],
        seeds: vec![0..last],
        settings: Settings::default(),
        slice: Slice::WHOLE,
    };
    let (mut runs, mut failures) = (0, Vec::new());
    hunt.run(
        1,
        Duration::from_millis(500),
        &Arc::new(AtomicBool::new(false)),
        &|_| false,
        &mut || (),
        &mut |done| {
            runs += done.tally.runs;
            let failed = done.tally.failures.iter();
            failures.extend(failed.map(|it| (it.failure.word().to_owned(), it.seed)));
            true
        },
    );
    (runs, failures)
}

#[test]
fn a_panic_and_a_step_without_an_end_are_findings_and_the_campaign_goes_on() {
    let (runs, failures) = stumble(Bug::Panics, 500);
    assert_eq!(runs, 500);
    let (word, first) = failures.iter().min_by_key(|(_, seed)| *seed).unwrap();
    assert_eq!(word, "panic");

    // The same place, and nobody comes back from it.
    let (runs, failures) = stumble(Bug::Loops, first + 3);

    assert_eq!(runs, first + 3);
    assert!(
        failures.contains(&("endless".to_owned(), *first)),
        "{failures:?}"
    );
}
