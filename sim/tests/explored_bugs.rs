//! Exploring finds each planted bug by a shortest way, which replays; equivalent mutants stay silent.

#![cfg(test)]

use std::ops::ControlFlow;

use bivalent_core::Bug;
use bivalent_sim::{
    campaign::trace::{Trace, replay},
    explore::{Conclusion, Exploration, InFlight, Options, Planted, certificate, explore},
    judge::report::RunReport,
    scenario::{Scenario, catalogue, script::Script},
};

fn scenario(name: &str) -> Scenario {
    let wanted = format!("scenarios/explore/{name}.toml");
    let mut chapters = catalogue::chapters().iter();
    let chapter = chapters.find(|chapter| chapter.name == wanted).unwrap();
    Scenario::parse(chapter.name, chapter.text, &catalogue::open).unwrap()
}

fn explored(name: &str, bug: Bug, in_flight: InFlight) -> Exploration {
    let options = Options {
        in_flight,
        planted: Some(bug).into(),
        ..Options::default()
    };
    explore(
        &scenario(name),
        &options,
        &mut |_| ControlFlow::Continue(()),
    )
    .unwrap()
}

/// The steps of a shortest way to a violation; none if there is no violation in any state.
fn shortest(name: &str, bug: Bug) -> Option<usize> {
    match explored(name, bug, InFlight::Keep).conclusion() {
        Conclusion::Broken { path, .. } => Some(path.len()),
        Conclusion::Complete => None,
        other @ (Conclusion::OutOfMemory | Conclusion::OutOfDepth | Conclusion::Stopped) => {
            panic!("{bug:?}: {other:?}")
        }
    }
}

/// The same way, run by the engine from its trace.
fn replayed(name: &str, bug: Bug) -> RunReport {
    let Conclusion::Broken { path, .. } = explored(name, bug, InFlight::Keep).conclusion() else {
        panic!("{bug:?} breaks nothing");
    };
    let script = Script {
        stem: path.iter().map(|taken| taken.entry()).collect(),
        turn: Vec::new(),
        ..Script::default()
    };
    let said = ("t", "s");
    let scripted = certificate::scripted(&scenario(name), &script, 1000, said, "any").unwrap();
    let trace = Trace::record_planted(&scripted, 0, Planted::from(Some(bug)));
    let again = Trace::parse("t", &trace.to_text()).unwrap();
    let Ok(replayed) = replay(&again, None) else {
        panic!("{bug:?} does not replay");
    };
    replayed.report
}

const FOUND: [(&str, Bug, usize); 8] = [
    ("two-by-one", Bug::OwnInput, 8),
    ("two-by-one", Bug::NoReread, 6),
    ("two-by-two", Bug::QuorumOneShort, 8),
    ("two-by-one-restart", Bug::RestartsFromNothing, 11),
    ("two-by-one-torn", Bug::UnreadableIsEmpty, 9),
    ("two-by-one", Bug::CountsApart, 8),
    ("two-by-one-restart", Bug::ForgetsVote, 16),
    // A ballot goes between two others on this way.
    ("three-by-one", Bug::GreatestMbal, 18),
];

#[test]
fn each_bug_is_found_by_a_way_of_known_length() {
    for (name, bug, steps) in FOUND {
        assert_eq!(shortest(name, bug), Some(steps), "{bug:?}");
    }
}

#[test]
fn the_shortest_way_to_a_violation_replays_to_it() {
    for (name, bug, steps) in FOUND {
        let report = replayed(name, bug);

        let agreement =
            |found: &&bivalent_sim::judge::report::Violation| found.property == "agreement";
        let broken = report.violations.iter().find(agreement);
        // One more for each agent's start, and a few for answers that nobody waits for.
        let at = broken.map_or(0, |broken| broken.step);
        let agents = scenario(name).cluster.agents.len() as u64;
        let more = at - steps as u64;
        assert!((agents..=agents + 3).contains(&more), "{bug:?}: {at}");
    }
}

#[test]
fn equivalent_mutants_break_nothing_in_any_schedule() {
    for bug in Bug::EQUIVALENT {
        assert_eq!(shortest("two-by-one", bug), None, "{bug:?}");
        assert_eq!(shortest("two-by-one-torn", bug), None, "{bug:?}");
        let two = explored("two-by-two", bug, InFlight::Drop);
        assert_eq!(two.conclusion(), Conclusion::Complete, "{bug:?}");
    }
}

#[test]
fn the_shortest_quorum_is_no_bug_where_there_is_but_one_store() {
    assert_eq!(shortest("two-by-one", Bug::QuorumOneShort), None);
}

#[test]
fn the_value_of_the_greatest_promise_is_as_good_between_two_agents() {
    assert_eq!(shortest("two-by-two", Bug::GreatestMbal), None);
}

#[test]
fn a_forgotten_vote_is_missed_only_after_a_restart() {
    assert_eq!(shortest("two-by-one-torn", Bug::ForgetsVote), None);
    assert!(shortest("two-by-one-restart", Bug::ForgetsVote).is_some());
}

#[test]
fn a_trace_of_a_bug_that_is_not_there_says_which_one_it_needs() {
    let scenario = scenario("two-by-one");
    let text = Trace::record_planted(&scenario, 0, Some(Bug::OwnInput).into()).to_text();
    let renamed = text.replace("\"OwnInput\"", "\"NoSuchBug\"");

    let trace = Trace::parse("t", &renamed).unwrap();

    assert_eq!(trace.planted().unwrap_err(), "NoSuchBug");
}
