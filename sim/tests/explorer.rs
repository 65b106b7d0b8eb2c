//! The explorer: known graphs, bounds that stop it, what breaks on the way, and the three regimes.

#![cfg(test)]

use std::ops::ControlFlow;

use bivalent_sim::{
    explore::{Conclusion, Exploration, InFlight, Options, explore, report::ExploreReport},
    scenario::{Scenario, catalogue},
};

fn scenario(name: &str) -> Scenario {
    let wanted = format!("/{name}.toml");
    let mut chapters = catalogue::chapters().iter();
    let chapter = chapters
        .find(|chapter| chapter.name.ends_with(&wanted))
        .unwrap();
    Scenario::parse(chapter.name, chapter.text, &catalogue::open).unwrap()
}

fn run(name: &str, options: &Options) -> Exploration {
    explore(&scenario(name), options, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn report(name: &str, options: &Options) -> ExploreReport {
    let explored = run(name, options);
    explored.report(&scenario(name), &explored.findings())
}

fn dropping() -> Options {
    Options {
        in_flight: InFlight::Drop,
        ..Options::default()
    }
}

fn bounded(ballots: u64) -> Options {
    Options {
        ballots: Some(ballots),
        ..Options::default()
    }
}

#[test]
fn two_agents_on_two_stores_have_the_known_graph() {
    let found = report("two-by-two", &dropping());

    assert_eq!(
        (found.states, found.transitions, found.depth),
        (21_637, 64_304, 44)
    );
    let all = found.complete.unwrap();
    assert_eq!(
        (all.univalent, all.multivalent),
        (vec![10_498, 10_498], 641)
    );
    assert_eq!((all.decisive, all.critical, all.wedged), (412, 0, 0));
    let closer = all.closer.unwrap();
    assert_eq!((closer.classes, closer.multivalent_classes), (854, 184));
    assert_eq!((closer.undecided, closer.stallable), (21_023, 21_023));
    assert_eq!(closer.alone, Some(14));
    let lasso = found.lasso.unwrap();
    assert_eq!((lasso.stem.len(), lasso.turn.len()), (4, 6));
    assert!(lasso.shortest && lasso.multivalent);
}

#[test]
fn the_number_of_threads_does_not_show() {
    for name in ["two-by-two", "two-by-one-restart", "two-by-one-torn"] {
        let with = |jobs| Options { jobs, ..bounded(1) };
        let tell = |options| serde_json::to_string(&report(name, &options)).unwrap();

        assert_eq!(tell(with(1)), tell(with(2)), "{name}");
    }
    let with = |jobs| Options {
        jobs,
        ..Options::default()
    };
    let tell = |options| serde_json::to_string(&report("two-by-one", &options)).unwrap();
    assert_eq!(tell(with(1)), tell(with(3)));
}

#[test]
fn every_content_of_the_stores_is_listed_once_and_in_order() {
    let lines = |name, ballots| -> Vec<String> {
        run(name, &bounded(ballots)).images().into_iter().collect()
    };

    let one = lines("two-by-one", 1);
    assert_eq!(one.len(), 10);
    assert_eq!(one[0], "s1a1=0.0.0 s1a2=0.0.0");
    assert!(one.contains(&"s1a1=1.1.1 s1a2=2.2.1".to_owned()), "{one:?}");
    for (name, ballots) in [("two-by-one", 2), ("two-by-two", 1)] {
        let many = lines(name, ballots);
        assert!(many.len() > 10, "{name}");
        let strictly = |a: &String, b: &String| a.as_bytes() < b.as_bytes();
        assert!(many.is_sorted_by(strictly), "{name}");
    }
}

#[test]
fn bounded_ballots_end_and_no_fair_cycle_is_left() {
    let found = report("two-by-one", &bounded(2));

    assert_eq!(found.conclusion, "complete");
    assert!(found.lasso.is_none());
    let all = found.complete.unwrap();
    let closer = all.closer.unwrap();
    assert_eq!(closer.stallable, 0);
    assert!(closer.in_any_schedule.is_some());
}

#[test]
fn a_crash_a_restart_and_a_torn_write_make_more_states_and_break_nothing() {
    let states = |name| {
        let found = report(name, &Options::default());
        assert_eq!(found.conclusion, "complete", "{name}");
        assert_eq!(found.complete.unwrap().critical, 0, "{name}");
        found.states
    };

    let plain = states("two-by-one");
    assert_eq!(plain, 269);
    assert!(states("two-by-one-torn") > plain);
    assert!(states("two-by-one-restart") > 10 * plain);
}

#[test]
fn no_memory_and_no_depth_are_no_verdict() {
    let little = Options {
        memory: 1 << 16,
        ..Options::default()
    };
    let shallow = Options {
        depth: Some(10),
        ..Options::default()
    };

    for (options, conclusion) in [(little, "out-of-memory"), (shallow, "out-of-depth")] {
        let found = report("three-by-one", &options);

        assert_eq!(found.conclusion, conclusion);
        assert!(found.complete.is_none() && found.violation.is_none());
        assert!(found.states > 0);
    }
}

#[test]
fn whoever_asks_can_stop_it() {
    let stop = &mut |_| ControlFlow::Break(());

    let found = explore(&scenario("three-by-one"), &Options::default(), stop).unwrap();

    assert_eq!(found.conclusion(), Conclusion::Stopped);
}

#[test]
fn one_reliable_store_with_conditional_writes_has_no_cycle() {
    let found = report("herlihy-one-reliable-store", &Options::default());

    let agents = u32::try_from(found.agents).unwrap();
    let all = found.complete.unwrap();
    // Every order of the first write, then who has read it: the initial state decides it all.
    assert_eq!(found.states, 1 + found.agents * 3_usize.pow(agents - 1));
    assert!(found.lasso.is_none());
    assert_eq!((all.critical, all.multivalent), (1, 1));
    let closer = all.closer.unwrap();
    assert_eq!((closer.stallable, all.wedged), (0, 0));
    assert_eq!(closer.in_any_schedule, Some(2));
}

#[test]
fn conditional_writes_on_stores_that_may_be_silent_have_it_back() {
    let found = report("two-by-two-records", &Options::default());

    let all = found.complete.unwrap();
    assert_eq!(all.critical, 0);
    let closer = all.closer.unwrap();
    assert_eq!(closer.undecided, closer.stallable);
    assert!(found.lasso.is_some());
}

#[test]
fn a_split_of_put_if_absent_is_a_wedge_in_the_graph() {
    let found = report("put-if-absent-no-majority", &Options::default());

    assert!(found.complete.unwrap().wedged > 0);
}

/// Agents with these proposals on so many stores.
fn proposing(proposals: &[&str], stores: usize) -> Scenario {
    let agents = proposals.iter().enumerate();
    let agents: Vec<String> = agents
        .map(|(index, proposal)| format!("a{} = \"{proposal}\"", index + 1))
        .collect();
    let text = format!(
        "title = \"t\"\nsummary = \"s\"\n[cluster]\nagents = {{ {} }}\nstores = {stores}\n\
         block = {{ size = \"64B\", format = \"raw\" }}\n",
        agents.join(", ")
    );
    Scenario::parse("t.toml", &text, &|_| unreachable!("no files")).unwrap()
}

#[test]
fn equal_agents_that_change_places_make_fewer_states_and_the_same_verdict() {
    let go_on = || |_| ControlFlow::Continue(());
    let symmetric = Options {
        symmetry: true,
        ..Options::default()
    };
    for (proposals, stores, places) in [
        (&["0", "0"][..], 1, 2),
        (&["0", "0"][..], 2, 2),
        (&["0", "1"][..], 2, 1),
    ] {
        let scenario = proposing(proposals, stores);

        let all = explore(&scenario, &Options::default(), &mut go_on()).unwrap();
        let fewer = explore(&scenario, &symmetric, &mut go_on()).unwrap();

        assert_eq!(fewer.conclusion(), Conclusion::Complete);
        // The first state has nobody to change with: it is there once in either.
        assert!(fewer.states() * places >= all.states(), "{proposals:?}");
        assert!(
            fewer.states() <= all.states() / places + all.states() / 10,
            "{proposals:?}: {} of {}",
            fewer.states(),
            all.states()
        );
        let (counts, of_fewer) = (all.valence().unwrap(), fewer.valence().unwrap());
        assert_eq!(counts.critical, of_fewer.critical);
        assert_eq!(counts.multivalent == 0, of_fewer.multivalent == 0);
    }
}

#[test]
fn a_ballot_with_a_number_and_a_shared_record_are_not_symmetric() {
    let numbered = Options {
        symmetry: true,
        ..bounded(1)
    };
    let with = |name: &str, options| {
        explore(
            &scenario(name),
            &options,
            &mut |_| ControlFlow::Continue(()),
        )
        .err()
    };

    assert!(with("two-by-one", numbered).is_some());
    let symmetric = Options {
        symmetry: true,
        ..Options::default()
    };
    assert!(with("two-by-two-records", symmetric).is_some());
}
