//! Shrinking: what comes out fails alike, is no larger, and is the same every time.

#![cfg(test)]

use bivalent_core::Bug;
use bivalent_sim::{
    campaign::{
        failure::Failure,
        guard::{BuiltIn, Guard, How},
        shrink::{Limits, Shrunk, shrink},
        trace::{Trace, replay},
    },
    engine::runner::Rest,
    scenario::{Scenario, planted::Planted},
};
use proptest::prelude::*;

/// Contention, crashes and delays; stores as they should be.
const CALM: &str = r#"
title = "Calm"
summary = "Contention and crashes, stores as they should be."
[cluster]
agents = 3
stores = 3
[schedule]
retry = "1ms..8ms"
[[fault]]
chance = 0.02
crash = { restart = "1ms..10ms" }
[[fault]]
chance = 0.05
delay = { by = "1ms..20ms" }
[expect]
outcome = "any"
"#;

fn parse(text: &str, bug: Option<Bug>) -> Scenario {
    let none = |_: &str| Err("no file".to_owned());
    Scenario {
        planted: Planted::from(bug),
        ..Scenario::parse("test", text, &none).unwrap()
    }
}

fn of_protocol(protocol: &str) -> String {
    let text = CALM.replace(
        "[cluster]",
        &format!("[cluster]\nbucket = false\nprotocol = \"{protocol}\""),
    );
    if protocol == "put-if-absent" {
        // Nothing is tried again.
        return text.replace("[schedule]\nretry = \"1ms..8ms\"\n", "");
    }
    text
}

/// The first seed that fails, its choices, and how it fails.
fn failing(scenario: &Scenario) -> (Vec<u32>, Failure) {
    let mut guard = Guard::new(&BuiltIn, scenario);
    for seed in 0..20_000 {
        if let Some(failure) = guard.judge(How::Kept(seed)) {
            return (guard.take_choices(), failure);
        }
    }
    panic!("no seed fails");
}

/// Shrinks the first failing run of a scenario; holds what all shrunk runs have in common.
fn shrunk(scenario: &Scenario, limits: Limits) -> Shrunk {
    let (choices, failure) = failing(scenario);
    let shrunk = shrink(&BuiltIn, scenario, choices.clone(), &failure, limits).unwrap();

    let mut guard = Guard::new(&BuiltIn, &shrunk.scenario);
    let again = guard.judge(How::Following(shrunk.choices.clone(), Rest::First));
    assert!(again.is_some_and(|again| again.is_like(&failure)));
    assert_eq!(guard.failed_at(&failure), shrunk.after.steps);
    assert_eq!(guard.take_choices(), shrunk.choices, "the list fits");
    assert_eq!(shrunk.scenario.planted, scenario.planted);
    assert_eq!(shrunk.strikes.len() as u64, shrunk.after.faults.min(100));

    // A file that carries its choices is the same run, whatever the seed.
    let mut carrying = shrunk.scenario.clone();
    carrying.schedule.choices = Some(shrunk.choices.clone().into());
    carrying.expect.seeds = None;
    let file = Scenario {
        planted: scenario.planted,
        ..parse(&carrying.to_toml(), None)
    };
    let mut guard = Guard::new(&BuiltIn, &file);
    let again = guard.judge(How::Kept(99));
    assert!(again.is_some_and(|again| again.is_like(&failure)));
    assert_eq!(guard.take_choices(), shrunk.choices, "{}", file.text);
    let trace = Trace::of_choices(&shrunk.scenario, 7, &shrunk.choices);
    let replayed = replay(&trace, None).map(|replayed| replayed.compared);
    assert_eq!(replayed.ok(), Some(shrunk.after.steps));

    let (before, after) = (shrunk.before, shrunk.after);
    let pairs = [
        (before.agents, after.agents),
        (before.stores, after.stores),
        (before.rules, after.rules),
        (before.requests, after.requests),
        (before.steps, after.steps),
    ];
    assert!(
        pairs.iter().all(|(before, after)| after <= before),
        "{pairs:?}"
    );
    shrunk
}

fn shrinks_well(text: &str, bug: Bug) -> Shrunk {
    let shrunk = shrunk(&parse(text, Some(bug)), Limits::default());
    let (before, after) = (shrunk.before, shrunk.after);
    assert!(shrunk.complete, "{bug:?}: {} tried", shrunk.tried);
    assert!(
        after.steps < before.steps,
        "{bug:?}: {before:?} to {after:?}"
    );
    shrunk
}

#[test]
fn agents_that_overwrite_in_place_fail_alike_in_a_small_run() {
    let text = CALM.replace("stores = 3", "stores = 3\nblock = { format = \"checked\" }");

    let shrunk = shrinks_well(&text, Bug::OwnInput);

    assert_eq!(shrunk.after.agents, 2, "one agent agrees with itself");
}

#[test]
fn agents_on_dual_blocks_fail_alike_in_a_small_run() {
    let shrunk = shrinks_well(CALM, Bug::QuorumOneShort);

    assert_eq!((shrunk.after.stores, shrunk.after.rules), (2, 0));
}

#[test]
fn agents_on_versioned_blocks_fail_alike_in_a_small_run() {
    let text = CALM.replace(
        "stores = 3",
        "stores = 3\nbucket = false\nblock = { format = \"versioned\" }",
    );

    shrinks_well(&text, Bug::DecidesAfterPhase1);
}

#[test]
fn a_bug_of_recovery_keeps_its_crash_and_nothing_else() {
    let shrunk = shrinks_well(CALM, Bug::RestartsFromNothing);

    let kinds: Vec<&str> = shrunk.strikes.iter().map(|it| it.kind.name()).collect();
    assert_eq!(kinds, ["crash"]);
}

#[test]
fn agents_that_share_records_fail_alike_in_a_small_run() {
    let shrunk = shrinks_well(&of_protocol("acceptor-records"), Bug::IgnoresPromise);

    assert_eq!(shrunk.after.agents, 2);
}

#[test]
fn claims_fail_alike_in_a_small_run() {
    shrinks_well(&of_protocol("put-if-absent"), Bug::CountsRefusals);
}

#[test]
fn replicas_in_a_storm_fail_alike_in_a_small_run() {
    let text = include_str!("../../scenarios/log/storm-kv.toml");
    for bug in [Bug::AppliesHalf, Bug::SkipsHighestVote] {
        let shrunk = shrinks_well(text, bug);

        let after = shrunk.after;
        // Where one agent is left it must be started again, or it has nothing to catch up with.
        assert!(
            after.requests <= 4 && after.rules <= 1,
            "{bug:?}: {after:?}"
        );
    }
}

#[test]
fn a_log_is_shrunk_as_far_as_the_budget_goes() {
    let text = include_str!("../../scenarios/log/storm-kv.toml");
    let scenario = parse(text, Some(Bug::ReadsUnchecked));
    let limits = Limits {
        runs: 20_000,
        steps: 4_000_000,
    };

    let shrunk = shrunk(&scenario, limits);

    assert!(!shrunk.complete);
    let (before, after) = (shrunk.before, shrunk.after);
    assert!(after.rules < before.rules, "{before:?} to {after:?}");
}

#[test]
fn a_wedge_is_shrunk_up_to_where_it_is_found_and_stays_a_wedge() {
    let text = CALM.replace("outcome = \"any\"", "outcome = \"decide\"")
        + "\n[[fault]]\nchance = 0.02\ntimes = 1\ncrash = {}\n";

    let shrunk = shrinks_well(&text, Bug::WaitsForTheDead);

    assert_eq!(shrunk.failure, Failure::Wedge);
    assert_eq!(shrunk.after.stores, 3, "fewer may be too few to decide");
    let retry = parse(&text, None).schedule.retry;
    assert_eq!(shrunk.scenario.schedule.retry, retry);
}

#[test]
fn the_same_input_gives_the_same_result_and_a_small_budget_an_honest_one() {
    let scenario = parse(CALM, Some(Bug::NoReread));
    for runs in [1, 50, 100_000] {
        let limits = Limits {
            runs,
            ..Limits::default()
        };
        let first = shrunk(&scenario, limits);
        assert_eq!(first, shrunk(&scenario, limits));
        assert_eq!(first.complete, runs == 100_000);
    }
}

#[test]
fn a_scenario_that_carries_its_choices_shrinks_as_one_that_does_not() {
    let scenario = parse(CALM, Some(Bug::NoReread));
    let (choices, failure) = failing(&scenario);
    let mut carrying = scenario.clone();
    carrying.schedule.choices = Some(choices.clone().into());
    let limits = Limits::default();

    let one = shrink(&BuiltIn, &scenario, choices.clone(), &failure, limits);
    let other = shrink(&BuiltIn, &carrying, choices, &failure, limits);

    assert_eq!(one, other);
}

#[test]
fn a_list_that_does_not_fail_like_that_is_not_shrunk() {
    let scenario = parse(CALM, Some(Bug::OwnInput));
    let (choices, failure) = failing(&scenario);

    let calm = parse(CALM, None);
    assert_eq!(
        shrink(
            &BuiltIn,
            &calm,
            choices.clone(),
            &failure,
            Limits::default()
        ),
        None
    );
    let limits = Limits::default();
    assert_eq!(
        shrink(&BuiltIn, &scenario, choices, &Failure::Wedge, limits),
        None
    );
}

#[test]
fn no_single_choice_of_a_complete_result_can_go() {
    let shrunk = shrinks_well(CALM, Bug::NoReread);
    let mut guard = Guard::new(&BuiltIn, &shrunk.scenario);
    for at in 0..shrunk.choices.len() {
        let mut without = shrunk.choices.clone();
        without.remove(at);
        let mut zeroed = shrunk.choices.clone();
        zeroed[at] = 0;
        for list in [without, zeroed] {
            let failure = guard.judge(How::Following(list, Rest::First));
            if failure.is_some_and(|it| it.is_like(&shrunk.failure)) {
                let kept = guard.take_choices();
                let order = |list: &[u32]| (list.len(), list.to_vec());
                assert!(order(&kept) >= order(&shrunk.choices), "choice {at}");
            }
        }
    }
}

#[test]
fn a_shrunk_list_makes_a_trace_that_replays() {
    let scenario = parse(CALM, Some(Bug::OwnInput));
    let (choices, _) = failing(&scenario);

    let trace = Trace::of_choices(&scenario, 7, &choices);

    assert_eq!(trace.seed(), 7);
    let again = Trace::parse("t", &trace.to_text()).unwrap();
    assert!(replay(&again, None).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_numbers_can_be_followed_and_what_was_chosen_fits(
        numbers in prop::collection::vec(prop_oneof![0..4_u32, 0..200_u32, any::<u32>()], 0..300),
        seed in prop::option::of(any::<u64>()),
    ) {
        let rest = seed.map_or(Rest::First, Rest::Seed);
        let texts = [
            CALM.to_owned(),
            CALM.replace("[schedule]", "[schedule]\nadversary = { pct = 3 }"),
            of_protocol("acceptor-records"),
            include_str!("../../scenarios/log/three-replicas.toml").to_owned(),
        ];
        for text in texts {
            let mut scenario = parse(&text, None);
            scenario.limits.steps = 2000;
            let mut guard = Guard::new(&BuiltIn, &scenario);
            let first = guard.run(How::Following(numbers.clone(), rest));
            let kept = guard.take_choices();
            prop_assert_eq!(guard.run(How::Following(kept.clone(), Rest::First)), first);
            prop_assert_eq!(guard.take_choices(), kept.clone());
            // A trace of it replays without a misfit, or says where.
            let trace = Trace::of_choices(&scenario, 0, &kept);
            prop_assert_eq!(trace.choices(), kept.len());
        }
    }
}
