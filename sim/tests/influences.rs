//! What could have influenced an event, and what is never said of it.

#![cfg(test)]

use std::collections::BTreeSet;

use bivalent_sim::{
    scenario::{Scenario, catalogue, planted::Planted},
    story::{
        explain,
        influence::{self, Influences},
        timeline,
    },
};

fn scenario(name: &str) -> Scenario {
    let chapter = catalogue::chapters()
        .iter()
        .find(|chapter| chapter.name.contains(name))
        .unwrap();
    Scenario::parse(chapter.name, chapter.text, &catalogue::open).unwrap()
}

fn of_step(scenario: &Scenario, step: u64) -> Influences {
    influence::of_step(scenario, 0, Planted::default(), step).unwrap()
}

#[test]
fn whatever_influenced_a_cause_influenced_its_effect() {
    let scenario = scenario("fault/stale-reads-outside");
    let steps = |influences: &Influences| -> BTreeSet<(u64, String)> {
        let lines = influences.past.iter();
        lines.map(|l| (l.step, l.who.clone() + &l.what)).collect()
    };

    let whole = of_step(&scenario, 65);
    let all = steps(&whole);

    for line in &whole.past {
        // A write that lands has no past of its own: it is a step of its author's earlier on.
        if line.what.starts_with("wrote ") {
            continue;
        }
        let before = of_step(&scenario, line.step);
        if before.of.what == line.what {
            let own = |step: &&(u64, String)| !all.contains(*step) && !step.1.contains("wrote ");
            let before = steps(&before);
            assert_eq!(before.iter().find(own), None, "{}", line.what);
        }
    }
}

#[test]
fn what_influenced_a_step_is_told_of_logs_and_on_buckets() {
    for (name, kind) in [
        ("log/three-replicas", "follows"),
        ("log/leader-crash-mid-batch", "leads"),
        ("bucket/stale-listings", "decided"),
        ("regimes/acceptor-records-decide", "decided"),
    ] {
        let scenario = scenario(name);
        let history = timeline::of(&scenario, 0, Planted::default());
        let events = history.events.iter();
        let Some(last) = events.clone().rfind(|event| event.kind == kind) else {
            panic!("{name}: nothing {kind}");
        };
        let told = of_step(&scenario, last.step);

        let clock = last.clock.as_ref().unwrap();
        let mut before = events.filter(|event| event.step < last.step);
        assert!(before.any(|event| {
            let other = event.clock.as_ref();
            event.agent != last.agent && other.is_some_and(|other| other.happens_before(clock))
        }));
        assert!(
            told.could > 0 && !told.newest.is_empty(),
            "{name}: {told:?}"
        );
    }
}

#[test]
fn what_could_have_and_what_could_not_are_apart_and_earlier() {
    let scenario = scenario("fault/restart");
    let history = timeline::of(&scenario, 0, Planted::default());
    let decided = history
        .events
        .iter()
        .rfind(|e| e.kind == "decided")
        .unwrap();

    let told = of_step(&scenario, decided.step);

    let clock = decided.clock.as_ref().unwrap();
    for event in history.events.iter().filter(|e| e.step < decided.step) {
        let Some(other) = &event.clock else {
            continue;
        };
        let line =
            |l: &&bivalent_sim::story::StoryLine| (l.step, &l.what) == (event.step, &event.text);
        if told.past.iter().any(|l| line(&l)) {
            assert!(
                other.happens_before(clock) || other == clock,
                "#{} {}",
                event.step,
                event.text
            );
        }
        let apart = told
            .could_not
            .iter()
            .find(|apart| apart.who == other.host());
        if !other.happens_before(clock) && other != clock {
            let apart = apart.unwrap();
            assert!((apart.from_step..=apart.to_step).contains(&event.step));
        }
    }
}

#[test]
fn a_step_without_an_event_names_its_neighbours() {
    let scenario = scenario("basic/solo-agent");

    let missing = influence::of_step(&scenario, 0, Planted::default(), 10_000).unwrap_err();

    assert!(missing.before.is_some() && missing.after.is_none());
}

#[test]
fn a_run_in_which_one_decided_first_is_explained_by_that_decision() {
    let explained = explain::explain(&scenario("basic/two-agents-agree"), 3);

    let [influences] = &explained.influences[..] else {
        panic!("{:?}", explained.influences)
    };
    assert!(influences.of.what.starts_with("DECIDED"));
    assert_eq!(influences.past, []);
    assert!(influences.could > 0);
}
