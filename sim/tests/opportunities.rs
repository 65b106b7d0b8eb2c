//! Faults at the n-th opportunity: each operation in scope counts once, and one of them is struck.

#![cfg(test)]

use bivalent_sim::{
    campaign::{
        run_one,
        trace::{Trace, replay},
    },
    judge::report::RunReport,
    scenario::{Scenario, render},
};

const LONE: &str = "agents = 1\nstores = 3\n[schedule]\nadversary = \"fair\"\n";
const THREE: &str = "agents = 3\nstores = 3\n";
const LOG: &str = "protocol = \"replicated-log\"\nagents = 3\nstores = 3\n";

fn scenario(cluster: &str, rules: &str) -> Scenario {
    let text = format!("title = \"t\"\nsummary = \"s\"\n[cluster]\n{cluster}{rules}");
    Scenario::parse("t", &text, &|_| Err(String::new()))
        .unwrap_or_else(|errors| panic!("{}", render(&errors)))
}

fn run(cluster: &str, rules: &str, seed: u64) -> RunReport {
    run_one(&scenario(cluster, rules), seed)
}

fn drawn(report: &RunReport, kind: &str) -> u64 {
    report.faults[kind].drawn
}

/// The numbers of the opportunities at which a fault strikes, up to forty.
fn opportunities(cluster: &str, rest: &str, kind: &str) -> Vec<u64> {
    let struck = |nth: &u64| {
        let report = run(
            cluster,
            &format!("[[fault]]\nnth = {nth}\n{kind} = {rest}\n"),
            1,
        );
        match drawn(&report, kind) {
            0 => false,
            1 => true,
            more => panic!("{more} strikes"),
        }
    };
    (1..40).filter(struck).collect()
}

#[test]
fn a_lone_agent_writes_twice_to_each_store() {
    // Phase 1 and phase 2; a delay that is no longer than a tick makes nothing else happen.
    let writes = opportunities(LONE, "{ by = \"1ns\", operation = \"write\" }", "delay");
    let there = "{ by = \"1ns\", operation = \"write\", store = \"s2\" }";

    assert_eq!(writes, [1, 2, 3, 4, 5, 6]);
    assert_eq!(opportunities(LONE, there, "delay"), [1, 2]);
}

#[test]
fn only_reads_of_the_owner_that_is_meant_count() {
    let of = |owner: &str| {
        let scope = format!("{{ by = \"1ns\", agent = \"a1\", operation = \"read\"{owner} }}");
        opportunities(THREE, &scope, "delay").len()
    };

    assert!(of(", owner = \"a2\"") > 0);
    assert!(of(", owner = \"a2\"") < of(""));
}

#[test]
fn an_agent_and_a_store_are_struck_as_by_chance() {
    let crash = |nth| {
        let rule = format!("[[fault]]\nnth = {nth}\ncrash = {{ agent = \"a2\" }}\n");
        run(THREE, &rule, 3)
    };
    let outage = "[[fault]]\nnth = 4\noutage = { store = \"s1\", for = \"5ms\" }\n";

    assert_eq!(crash(2).faults["crash"].landed, 1);
    assert_eq!(crash(1_000_000).faults["crash"].drawn, 0);
    assert_eq!(run(THREE, outage, 3).faults["outage"].landed, 1);
}

#[test]
fn rules_that_count_do_so_each_for_itself() {
    // Both are due at once: the first one strikes, the other one at the next opportunity.
    let both = "[[fault]]\nnth = 3\nlost-ack = {}\n[[fault]]\nnth = 3\nlost-request = {}\n";
    let report = run(THREE, both, 5);

    assert_eq!(drawn(&report, "lost-ack"), 1);
    assert_eq!(drawn(&report, "lost-request"), 1);
}

#[test]
fn more_times_strike_the_opportunities_after_it() {
    let rule = "[[fault]]\nnth = 3\ntimes = 2\nlost-ack = { agent = \"a1\" }\n";

    assert_eq!(drawn(&run(THREE, rule, 1), "lost-ack"), 2);
}

#[test]
fn it_strikes_a_log_and_its_trace_replays() {
    for nth in [1, 7, 50] {
        let rules = format!("[[fault]]\nnth = {nth}\ncrash = {{ restart = \"10ms\" }}\n");
        let scenario = scenario(LOG, &rules);
        let report = run_one(&scenario, 2);
        let trace = Trace::parse("t", &Trace::record(&scenario, 2).to_text()).unwrap();

        let again = replay(&trace, None).unwrap_or_else(|_| panic!("{nth}"));

        assert_eq!(drawn(&report, "crash"), 1, "{nth}");
        assert_eq!(again.report.fingerprint, report.fingerprint, "{nth}");
    }
}

#[test]
fn a_rule_that_never_comes_to_count_so_far_changes_nothing() {
    let rule = "[[fault]]\nnth = 4_000_000_000\nlost-ack = {}\n";

    let (with, without) = (run(THREE, rule, 9), run(THREE, "", 9));

    assert_eq!(with.fingerprint, without.fingerprint);
}

#[test]
fn a_rule_whose_time_comes_strikes_once_then_whatever_it_may_strike_later() {
    for seed in 0..20 {
        let crash = "[[fault]]\nat = \"1ms\"\ncrash = { restart = \"5ms\" }\n";
        assert_eq!(drawn(&run(THREE, crash, seed), "crash"), 1);
        let outage = "[[fault]]\nduring = \"1ms..4ms\"\noutage = {}\n";
        let report = run(THREE, outage, seed);
        assert_eq!(drawn(&report, "outage"), 1);
        assert_eq!(report.faults["outage"].landed, 1, "one store and no other");
    }
}
