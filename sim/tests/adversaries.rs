//! Adversaries: each is a choice of order and nothing else, replayable, and as fair as it says.

#![cfg(test)]

use bivalent_sim::{
    campaign::{
        run_one,
        trace::{Trace, replay},
    },
    judge::report::{Outcome, RunReport},
    scenario::Scenario,
};

const PICKING: [&str; 7] = [
    "{ pct = 3 }",
    "{ pct = { depth = 3, within = 20 } }",
    "\"pos\"",
    "\"oblivious\"",
    "\"content-aware\"",
    "\"state-aware\"",
    "\"keep-bivalent\"",
];

fn scenario(adversary: &str, extra: &str) -> Scenario {
    let stores = if adversary.contains("bivalent") { 1 } else { 3 };
    let text = format!(
        "title = \"t\"\nsummary = \"s\"\n[cluster]\nagents = 2\nstores = {stores}\n\
         [limits]\ntime = \"2s\"\n[schedule]\nadversary = {adversary}\n{extra}"
    );
    Scenario::parse("t", &text, &|_| Err(String::new()))
        .unwrap_or_else(|errors| panic!("{}", bivalent_sim::scenario::render(&errors)))
}

fn run(adversary: &str, extra: &str, seed: u64) -> RunReport {
    run_one(&scenario(adversary, extra), seed)
}

#[test]
fn what_an_adversary_picks_is_recorded_and_played_back() {
    for adversary in PICKING {
        for seed in 0..5 {
            let scenario = scenario(adversary, "retry = \"0ms\"\n");
            let trace = Trace::record(&scenario, seed);
            let again = Trace::parse("t", &trace.to_text()).unwrap();

            let replayed = replay(&again, None).unwrap_or_else(|_| panic!("{adversary}, {seed}"));

            assert_eq!(
                replayed.report.fingerprint,
                run_one(&scenario, seed).fingerprint,
                "{adversary}, {seed}"
            );
        }
    }
}

#[test]
fn a_trace_with_another_pick_is_no_longer_the_run() {
    let scenario = scenario("\"state-aware\"", "retry = \"0ms\"\n");
    let text = Trace::record(&scenario, 1).to_text();
    let other = Trace::record(&scenario, 2).to_text();
    let line = |text: &str| {
        let found = text.lines().find(|line| line.starts_with("choices"));
        found.unwrap().to_owned()
    };
    let mixed = text.replace(&line(&text), &line(&other));

    let forged = Trace::parse("t", &mixed).unwrap();

    assert!(replay(&forged, None).is_err());
}

#[test]
fn no_operation_is_passed_over_more_often_than_patience_allows() {
    for adversary in PICKING {
        for patience in [8, 40] {
            let extra = format!("retry = \"0ms\"\npatience = {patience}\n");
            for seed in 0..5 {
                let waited = run(adversary, &extra, seed).fairness.longest_wait_ops;

                // What has waited for too long goes next; so many may have become too old together.
                let together = 2 * 3 * 2;
                assert!(
                    waited <= patience + together,
                    "{adversary}, {seed}: {waited}"
                );
            }
        }
    }
}

#[test]
fn a_patient_adversary_does_hold_operations_back() {
    let waited = |adversary| {
        run(adversary, "retry = \"0ms\"\n", 1)
            .fairness
            .longest_wait_ops
    };

    assert!(waited("\"state-aware\"") > 2);
    assert!(waited("\"content-aware\"") > 2);
    assert_eq!(waited("\"random\""), 0);
}

#[test]
fn every_agent_takes_steps_in_a_stalled_run() {
    for adversary in ["{ duel = [\"a1\", \"a2\"] }", "\"state-aware\"", "\"fair\""] {
        let report = run(adversary, "retry = \"0ms\"\n", 1);

        assert_eq!(report.outcome, Outcome::Stalled, "{adversary}");
        assert!(report.fairness.least_steps > 100, "{adversary}");
    }
}

#[test]
fn who_sees_the_state_stalls_every_seed_and_who_sees_nothing_none() {
    for seed in 0..30 {
        let random_backoff = "retry = \"5ms..50ms\"\n";

        let aware = run("\"state-aware\"", random_backoff, seed);
        let blind = run("\"oblivious\"", random_backoff, seed);

        assert_eq!(aware.outcome, Outcome::Stalled, "{seed}");
        assert_eq!(aware.decided, 0, "{seed}");
        assert_eq!(blind.outcome, Outcome::Decided, "{seed}");
    }
}

#[test]
fn an_adversary_with_crashes_to_spend_spends_them_and_no_more() {
    // One that sees the state comes into need of a crash only if it must let things go at once.
    for (adversary, patience) in [("\"content-aware\"", 40), ("\"state-aware\"", 2)] {
        let extra = format!("retry = \"5ms..50ms\"\ncrashes = 1\npatience = {patience}\n");
        let crashes = (0..50).map(|seed| {
            let report = run(adversary, &extra, seed);
            assert_ne!(report.outcome, Outcome::Unsafe, "{seed}");
            report.faults["crash"].landed
        });

        let crashes: Vec<u64> = crashes.collect();

        assert!(crashes.iter().all(|&count| count <= 1), "{crashes:?}");
        assert!(crashes.contains(&1), "{adversary}: {crashes:?}");
    }
}

#[test]
fn a_pct_of_depth_one_never_changes_its_mind() {
    // The agent with the greatest priority runs until it has nothing to do: it decides undisturbed.
    for seed in 0..50 {
        let report = run("{ pct = 1 }", "retry = \"0ms\"\n", seed);

        assert_eq!(report.outcome, Outcome::Decided, "{seed}");
        assert!(report.stalls.is_empty());
    }
}

#[test]
fn within_how_many_picks_a_pct_changes_its_mind_is_a_choice() {
    let fingerprints = |adversary: &str| {
        let runs = (0..20).map(|seed| run(adversary, "retry = \"0ms\"\n", seed).fingerprint);
        runs.collect::<Vec<_>>()
    };
    // As it is without: 64 operations for each of two agents on each of three stores.
    let usual = fingerprints("{ pct = { depth = 3, within = 384 } }");

    assert_eq!(fingerprints("{ pct = 3 }"), usual);
    assert_ne!(fingerprints("{ pct = { depth = 3, within = 20 } }"), usual);
}

#[test]
fn partial_order_sampling_reaches_every_order_of_two_operations_that_conflict() {
    // Either agent may be the one that decides, and each seed has an order of its own.
    let extra = "retry = \"5ms..50ms\"\n[expect]\nvalue = \"v1\"\n";
    let reports: Vec<RunReport> = (0..60).map(|seed| run("\"pos\"", extra, seed)).collect();
    let first = reports.iter().filter(|report| report.as_expected).count();
    let mut runs: Vec<_> = reports.iter().map(|report| &report.fingerprint).collect();
    runs.sort();
    runs.dedup();

    assert!((1..60).contains(&first), "{first} of 60 decide on v1");
    assert!(runs.len() > 50, "{}", runs.len());
}

#[test]
fn partial_order_sampling_knows_records_that_all_agents_share() {
    for seed in 0..30 {
        let text = "title = \"t\"\nsummary = \"s\"\n[cluster]\nbucket = false\nprotocol = \"acceptor-records\"\n\
                    agents = 3\nstores = 3\n[schedule]\nadversary = \"pos\"\n";
        let scenario = Scenario::parse("t", text, &|_| Err(String::new())).unwrap();

        let report = run_one(&scenario, seed);

        assert_eq!(report.outcome, Outcome::Decided, "{seed}");
    }
}

#[test]
fn no_adversary_that_picks_orders_a_log() {
    for adversary in PICKING {
        let text = format!(
            "title = \"t\"\nsummary = \"s\"\n[cluster]\nprotocol = \"replicated-log\"\n\
             agents = 2\nstores = 3\n[schedule]\nadversary = {adversary}\n"
        );

        let refused = Scenario::parse("t", &text, &|_| Err(String::new()));

        assert!(refused.is_err(), "{adversary}");
    }
}
