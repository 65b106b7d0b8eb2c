//! Canaries: planted bugs that a campaign must find within so many runs, or the fuzzer is broken.

#![cfg(test)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bivalent_core::Bug;
use bivalent_sim::{
    campaign::{
        failure::Failure,
        fuzz::{Block, Done, Effort, Findings, Hunt, Settings, Slice},
        guard::BuiltIn,
        trace::{Trace, replay},
    },
    scenario::{Protocol, Scenario, catalogue},
};

/// All grounds of a protocol in `scenarios/fuzz/`, their agents with a bug or without.
fn grounds(protocol: Protocol, bug: Option<Bug>) -> Vec<Arc<Scenario>> {
    let chapters = catalogue::chapters().iter();
    let made_for_it = chapters.filter(|chapter| chapter.name.starts_with("scenarios/fuzz/"));
    let scenarios = made_for_it.map(|chapter| {
        let mut scenario = Scenario::parse(chapter.name, chapter.text, &catalogue::open).unwrap();
        scenario.planted = bug.into();
        Arc::new(scenario)
    });
    let of_it = |scenario: &Arc<Scenario>| scenario.cluster.protocol == protocol;
    scenarios.filter(of_it).collect()
}

/// The first so many runs of a campaign over all grounds of a protocol.
fn campaign(protocol: Protocol, bug: Option<Bug>, runs: u64) -> Hunt {
    let scenarios = grounds(protocol, bug);
    let each = runs / scenarios.len() as u64;
    Hunt {
        subject: Arc::new(BuiltIn),
        seeds: vec![0..each; scenarios.len()],
        scenarios,
        settings: Settings::default(),
        slice: Slice::WHOLE,
    }
}

/// The first block of a campaign that has a failure; none, if nothing fails in it or before a block is reached.
fn first(hunt: &Hunt, end: Option<&Block>) -> Option<Done> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut found = None;
    hunt.run(
        2,
        Duration::from_secs(60),
        &stop,
        &|_| false,
        &mut |_| (),
        &mut |done| {
            let fails = !done.tally.failures.is_empty();
            let last = end == Some(&done.block);
            found = fails.then_some(done);
            !fails && !last
        },
    );
    stop.store(true, Ordering::Relaxed);
    found
}

/// A bug is found within so many runs over all grounds; in the same runs, agents without it break nothing.
#[track_caller]
fn found(protocol: Protocol, bug: Bug, runs: u64) -> (Hunt, Done) {
    let hunt = campaign(protocol, Some(bug), runs);
    let Some(done) = first(&hunt, None) else {
        panic!("{bug:?} is not found in {runs} runs");
    };
    let sound = first(&campaign(protocol, None, runs), Some(&done.block));
    assert!(
        sound.is_none(),
        "without a bug: {:?}",
        sound.map(|done| done.tally.failures)
    );
    (hunt, done)
}

#[test]
fn a_value_that_was_promised_and_not_decided_is_found() {
    let promised = |rest: &str| {
        let text = format!(
            "title = \"t\"\nsummary = \"s\"\n[cluster]\nagents = 2\nstores = 3\n[schedule]\nstart = \"1ms\"\n{rest}\
             [expect]\noutcome = \"decide\"\nvalue = \"v1\"\n"
        );
        let scenario = Scenario::parse("t", &text, &catalogue::open).unwrap();
        let hunt = Hunt {
            subject: Arc::new(BuiltIn),
            seeds: std::iter::once(0..1024).collect(),
            scenarios: vec![Arc::new(scenario)],
            settings: Settings::default(),
            slice: Slice::WHOLE,
        };
        first(&hunt, None)
    };
    let found = promised("").unwrap();
    let kinds: Vec<&Failure> = found.tally.failures.iter().map(|it| &it.failure).collect();
    assert_eq!(kinds, [&Failure::OtherValue]);
    // Where the other one can't propose, nothing else is decided.
    let alone = promised("[[fault]]\nat = \"0ms\"\ncrash = { agent = \"a2\" }\n");
    assert!(alone.is_none());
}

#[test]
fn the_easy_one_is_found_within_a_hundred_runs() {
    found(Protocol::DiskPaxos, Bug::OwnInput, 100);
}

#[test]
fn the_hard_one_is_found_within_ten_thousand_runs() {
    found(Protocol::DiskPaxos, Bug::RecoversWithoutVote, 10_000);
}

#[test]
fn the_very_hard_one_is_found_within_twenty_thousand_runs() {
    found(Protocol::DiskPaxos, Bug::RecoversBelow, 20_000);
}

#[test]
fn what_a_canary_finds_is_made_small_and_both_its_files_fail_again() {
    let (hunt, done) = found(Protocol::DiskPaxos, Bug::OwnInput, 100);
    let mut findings = Findings::default();

    findings.take(&hunt, &done, Effort::default());

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
    let mut hunt = campaign(Protocol::DiskPaxos, Some(bug), last);
    hunt.scenarios.retain(|it| it.name.contains("contention"));
    hunt.seeds = vec![0..last; hunt.scenarios.len()];
    let (mut runs, mut failures) = (0, Vec::new());
    hunt.run(
        1,
        Duration::from_secs(2),
        &Arc::new(AtomicBool::new(false)),
        &|_| false,
        &mut |_| (),
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
