//! Scenarios that carry the choices of a run: they are that run, whatever the seed.

#![cfg(test)]

use bivalent_sim::{
    campaign::{
        run_one,
        trace::{Trace, replay},
    },
    engine::runner::Runner,
    scenario::{Scenario, catalogue, render},
};
use proptest::prelude::*;

/// Of both engines, with faults and without, and of every adversary that picks.
const CHAPTERS: [&str; 16] = [
    "basic/inside-the-envelope",
    "basic/zombie-leader",
    "fault/crash",
    "fault/torn-write-dual",
    "fault/nth-write-torn",
    "flp/content-aware",
    "flp/duelling-agents.toml",
    "flp/keep-bivalent",
    "flp/oblivious",
    "flp/pct.toml",
    "flp/pos",
    "flp/state-aware",
    "log/storm-lock",
    "log/three-replicas",
    "measured/redis-calm",
    "regimes/acceptor-records-lost-ack",
];

fn parse(name: &str, text: &str) -> Scenario {
    Scenario::parse(name, text, &catalogue::open)
        .unwrap_or_else(|errors| panic!("{text}\n{}", render(&errors)))
}

fn chapter(name: &str) -> Scenario {
    let mut chapters = catalogue::chapters().iter();
    let chapter = chapters.find(|chapter| chapter.name.contains(name));
    let chapter = chapter.unwrap_or_else(|| panic!("{name}"));
    parse(chapter.name, chapter.text)
}

/// The scenario with these choices, as its file has it.
fn with(scenario: &Scenario, choices: &[u32]) -> Scenario {
    let mut chosen = scenario.clone();
    chosen.schedule.choices = Some(choices.into());
    chosen.expect.seeds = None;
    parse(&scenario.name, &chosen.to_toml())
}

#[test]
fn a_scenario_with_the_choices_of_a_run_is_that_run() {
    for name in CHAPTERS {
        let scenario = chapter(name);
        let mut runner = Runner::new(&scenario);
        runner.run_kept(5);
        let fingerprint = format!("{:016x}", runner.finished().fingerprint());
        let choices = runner.take_choices();

        let chosen = with(&scenario, &choices);

        for seed in [0, 5, u64::MAX] {
            assert_eq!(run_one(&chosen, seed).fingerprint, fingerprint, "{name}");
        }
        let trace = Trace::parse("t", &Trace::record(&chosen, 9).to_text()).unwrap();
        let again = replay(&trace, None).unwrap_or_else(|_| panic!("{name}"));
        assert_eq!(again.report.fingerprint, fingerprint, "{name}");
        assert_eq!(trace.choices(), choices.len(), "{name}");
    }
}

#[test]
fn choices_that_end_too_soon_go_on_without_chance_and_replay() {
    for name in CHAPTERS {
        let scenario = chapter(name);
        for choices in [vec![], vec![0; 7], vec![u32::MAX; 40]] {
            let chosen = with(&scenario, &choices);
            let report = run_one(&chosen, 3);

            let trace = Trace::parse("t", &Trace::record(&chosen, 4).to_text()).unwrap();
            let again = replay(&trace, None).unwrap_or_else(|_| panic!("{name}"));

            assert_eq!(again.report.fingerprint, report.fingerprint, "{name}");
        }
    }
}

#[test]
fn a_list_of_many_choices_is_bounded_in_words() {
    let scenario = chapter("basic/solo-agent");
    let said = |count: usize| {
        let mut chosen = scenario.clone();
        chosen.schedule.choices = Some(vec![0; count].into());
        let text = chosen.to_toml();
        assert!(text.lines().all(|line| line.len() <= 400), "short lines");
        let read = Scenario::parse("t", &text, &catalogue::open);
        read.err().map(|errors| errors.errors()[0].message.clone())
    };

    assert_eq!(said(1_000_000), None);
    assert_eq!(said(1_000_001).unwrap(), "there are 1000001 choices");
    assert!(said(4_000_000).unwrap().ends_with("bytes"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_choices_are_a_run(choices in prop::collection::vec(any::<u32>(), 0..300)) {
        let scenario = chapter("fault/crash");
        let chosen = with(&scenario, &choices);

        prop_assert_eq!(chosen.schedule.choices.as_deref(), Some(&choices[..]));
        prop_assert_eq!(run_one(&chosen, 1).fingerprint, run_one(&chosen, 2).fingerprint);
    }
}
