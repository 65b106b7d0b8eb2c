//! The same scenario and seed give the same fingerprint: again, on other threads, from a trace.

#![cfg(test)]

use bivalent_sim::judge::verdict::Finished;
use std::sync::atomic::AtomicBool;

use bivalent_sim::{
    campaign::{
        Keep, Policy, run_one, run_seeds,
        trace::{ReplayError, Trace, replay},
    },
    scenario::{Scenario, catalogue},
};

fn scenario(name: &str) -> Scenario {
    let chapter = catalogue::chapters()
        .iter()
        .find(|chapter| chapter.name.contains(name))
        .unwrap();
    Scenario::parse(chapter.name, chapter.text, &catalogue::open).unwrap()
}

#[test]
fn one_thread_and_many_give_the_same_campaign() {
    let scenario = scenario("basic/inside-the-envelope");
    let campaign = |jobs| {
        let mut coordinates = Vec::new();
        let stop = AtomicBool::new(false);
        let each = &mut |report: bivalent_sim::judge::report::RunReport| {
            coordinates.push((report.coordinate, report.fingerprint));
        };
        let keep = Keep::Every;
        let summary = run_seeds(
            &scenario,
            5..1500,
            jobs,
            Policy::All,
            keep,
            &stop,
            &|_| (),
            each,
        );
        (summary, coordinates)
    };

    let one = campaign(1);

    assert_eq!(one, campaign(2));
    assert_eq!(one, campaign(3));
}

/// A fixed figure: it fails when a change makes old seeds give other runs, which the changelog
/// must then say under "Replay". Debug and release agree on it. Each kind of
/// system has one.
#[test]
fn fingerprints_are_pinned() {
    let pins = [
        ("basic/solo-agent", "ede3e6251942e4c5"),
        ("basic/inside-the-envelope", "31914473104ef9b9"),
        ("flp/duelling-agents.toml", "a4441aa3f9c2b7c4"),
        ("measured/postgres-calm", "4b47421e45624e38"),
        ("regimes/acceptor-records-lost-ack", "69d867cdaaf871f4"),
        ("bucket/stale-listings", "259c6339e383417f"),
        ("log/storm-kv", "459d215fc75e5930"),
    ];
    for (name, fingerprint) in pins {
        let scenario = scenario(name);
        let first = run_one(&scenario, 42);

        assert_eq!(first, run_one(&scenario, 42), "{name}");
        assert_eq!(first.fingerprint, fingerprint, "{name}");
    }
}

#[test]
fn a_run_after_other_runs_is_the_same_as_one_alone() {
    let scenario = scenario("basic/inside-the-envelope");
    let mut engine = bivalent_sim::engine::blocks::BlockEngine::new(&scenario);
    for seed in [3, 9, 4, 9] {
        engine.run(seed);
        assert_eq!(
            format!("{:016x}", engine.fingerprint()),
            run_one(&scenario, seed).fingerprint
        );
    }
}

#[test]
fn every_chapter_replays_from_its_trace() {
    for chapter in catalogue::chapters() {
        let scenario = Scenario::parse(chapter.name, chapter.text, &catalogue::open).unwrap();
        if scenario.limits.steps > 2_000_000 {
            continue;
        }
        let seed = scenario.schedule.seed;
        let text = Trace::record(&scenario, seed).to_text();

        let trace = Trace::parse("t", &text).unwrap();
        let replayed = replay(&trace, None).unwrap();

        assert_eq!(replayed.compared, trace.steps(), "{}", chapter.name);
        assert_eq!(
            replayed.report,
            run_one(&scenario, seed),
            "{}",
            chapter.name
        );
    }
}

#[test]
fn a_changed_choice_is_found_at_its_step() {
    let scenario = scenario("basic/two-agents-agree");
    let text = Trace::record(&scenario, 1).to_text();
    // Another seed's choices under this one's digests.
    let other = Trace::record(&scenario, 2).to_text();
    let line = |text: &str, key: &str| {
        text.lines()
            .find(|line| line.starts_with(key))
            .unwrap()
            .to_owned()
    };
    let forged = text.replace(&line(&text, "choices"), &line(&other, "choices"));

    let error = replay(&Trace::parse("t", &forged).unwrap(), None).unwrap_err();

    let ReplayError::Diverged { step, total, .. } = error else {
        panic!("the scenario is valid");
    };
    assert!(step >= 1 && step <= total);
}

#[test]
fn a_damaged_trace_is_refused_with_its_place() {
    let scenario = scenario("basic/solo-agent");
    let text = Trace::record(&scenario, 1).to_text();

    let error = |text: &str| Trace::parse("x.trace", text).unwrap_err().to_string();

    assert!(
        error("").starts_with("x.trace:1: not a trace"),
        "{}",
        error("")
    );
    assert!(error(&text.replace("bivalent-trace", "other")).starts_with("x.trace:"));
    // With its own keys or with others.
    let older = text.replace("bivalent-trace = 2", "bivalent-trace = 1");
    for text in [older.clone(), older.replace("digests =", "marks =")] {
        let words = error(&text);
        assert!(words.starts_with("x.trace: trace format 1"), "{words}");
        assert!(words.contains("record the run again"), "{words}");
    }
    assert!(error(&text.replace("digests = \"", "digests = \"AA")).contains("digests"));
}
