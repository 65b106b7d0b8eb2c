//! Stalls have the right kind, and the solo probe tells the ones that heal from wedges.

#![cfg(test)]

use bivalent_sim::{campaign::run_one, judge::report::RunReport, scenario::Scenario};

fn run(extra: &str) -> RunReport {
    let text = format!(
        "title = \"t\"\nsummary = \"s\"\n[cluster]\nagents = 2\nstores = 3\n[limits]\ntime = \"4s\"\n{extra}"
    );
    let scenario = Scenario::parse("t", &text, &|_| Err(String::new()))
        .unwrap_or_else(|errors| panic!("{}", bivalent_sim::scenario::render(&errors)));
    run_one(&scenario, 1)
}

fn first_stall(report: &RunReport) -> (&'static str, bool) {
    report
        .stalls
        .first()
        .map_or(("none", true), |stall| (stall.kind, stall.heals))
}

fn rule(trigger: &str, fault: &str) -> String {
    format!("[[fault]]\n{trigger}\n{fault}\n")
}

#[test]
fn a_run_in_which_nothing_breaks_has_no_stall() {
    assert_eq!(first_stall(&run("")), ("none", true));
}

#[test]
fn stores_that_come_back_are_a_stall_and_stores_that_do_not_are_a_wedge() {
    let both = |fault: &str| {
        let one = |store: &str| {
            rule(
                "at = \"0ms\"",
                &format!("{fault} = {{ store = \"{store}\" }}"),
            )
        };
        run(&(one("s1") + &one("s2")))
    };

    assert_eq!(first_stall(&both("outage")), ("no-quorum", true));
    assert_eq!(first_stall(&both("store-loss")), ("wedged", false));
}

#[test]
fn agents_that_are_all_down_or_standing_still_are_no_agent() {
    let both = |fault: &str| {
        let one = |agent: &str| {
            rule(
                "at = \"1ms\"",
                &format!("{fault} = {{ agent = \"{agent}\" }}"),
            )
        };
        run(&(one("a1") + &one("a2")))
    };

    assert_eq!(first_stall(&both("crash")), ("no-agent", true));
    assert_eq!(first_stall(&both("pause")), ("no-agent", true));
}

#[test]
fn a_duel_is_contention() {
    let report = run("[schedule]\nadversary = { duel = [\"a1\", \"a2\"] }\nretry = \"0ms\"\n");

    assert_eq!(first_stall(&report), ("contention", true));
}

#[test]
fn requests_that_wait_for_long_at_stores_that_are_up_are_starvation() {
    let delayed = rule("during = \"0ms..50ms\"", "delay = { by = \"3s\" }");

    assert_eq!(first_stall(&run(&delayed)), ("starved", true));
}

#[test]
fn a_write_in_place_whose_answer_is_lost_for_ever_wedges_its_agent() {
    let lost = rule(
        "during = \"0ms..2s\"",
        "lost-ack = { operation = \"write\" }",
    );

    assert_eq!(first_stall(&run(&lost)), ("wedged", false));
}

#[test]
fn an_outage_ends_even_if_the_store_gets_slow_meanwhile() {
    let faults = ["s1", "s2"].map(|store| {
        rule(
            "at = \"0ms\"",
            &format!("outage = {{ store = \"{store}\", for = \"20ms\" }}"),
        ) + &rule(
            "at = \"5ms\"",
            &format!("slow-store = {{ store = \"{store}\", factor = 2, for = \"5ms\" }}"),
        )
    });

    assert_eq!(first_stall(&run(&faults.concat())), ("none", true));
}

#[test]
fn an_outage_that_an_operation_begins_is_not_begun_by_it_again() {
    let faults = ["s1", "s2"].map(|store| {
        format!("[[fault]]\nchance = 0.5\ntimes = 40\noutage = {{ store = \"{store}\", for = \"5ms\" }}\n")
    });

    let report = run(&faults.concat());

    assert_eq!(first_stall(&report), ("none", true));
    let outages = report.faults.get("outage").map_or(0, |count| count.landed);
    assert!((1..=80).contains(&outages), "{outages}");
}

/// A scenario in which one kind of fault strikes again and again.
fn under(cluster: &str, fault: &str) -> Scenario {
    let retry = if cluster.contains("put-if-absent") {
        ""
    } else {
        "retry = \"10ms..100ms\"\n"
    };
    let text = format!(
        "title = \"t\"\nsummary = \"s\"\n[cluster]\nstores = 3\n{cluster}\n[schedule]\n\
         {retry}read = \"2ms..20ms\"\nwrite = \"5ms..30ms\"\ntimeout = \"200ms\"\n\
         [[fault]]\nchance = 0.3\n{fault}\n[heal]\nat = \"1100ms\"\n[limits]\ntime = \"20s\"\nstall-after = \"300ms\"\n[expect]\noutcome = \"any\"\n"
    );
    Scenario::parse("t", &text, &|_| Err(String::new()))
        .unwrap_or_else(|errors| panic!("{}", bivalent_sim::scenario::render(&errors)))
}

#[test]
fn what_is_called_a_wedge_does_not_end_by_itself() {
    let buckets = ["disk-paxos", "acceptor-records", "put-if-absent"];
    let buckets = buckets.map(|it| format!("protocol = \"{it}\"\nbucket = {{ page = 3 }}\n"));
    let blocks = ["disk-paxos", "acceptor-records"]
        .map(|it| format!("protocol = \"{it}\"\nbucket = false\n"));
    let faults = [
        "crash = { restart = \"50ms..500ms\" }",
        "pause = { for = \"50ms..500ms\" }",
        "outage = { for = \"50ms..500ms\" }",
        "slow-store = { factor = 8, for = \"50ms..500ms\" }",
        "delay = { by = \"10ms..300ms\" }",
        "lost-request = {}",
        "duplicate = { by = \"10ms..300ms\" }",
    ];
    let mut stalls = 0;
    for cluster in buckets.iter().chain(&blocks) {
        for agents in [1, 3] {
            for fault in faults {
                let scenario = under(&format!("agents = {agents}\n{cluster}"), fault);
                for seed in 0..40 {
                    let report = run_one(&scenario, seed);
                    stalls += report.stalls.len();
                    let ended = report
                        .stalls
                        .iter()
                        .find(|it| !it.heals && it.to_step < report.steps);
                    assert!(
                        ended.is_none(),
                        "{agents} agents, {cluster}, {fault}, {seed}"
                    );
                }
            }
        }
    }
    assert!(stalls > 1_000, "{stalls}");
}

#[test]
fn after_the_heal_nothing_breaks_that_was_on_its_way_to_break() {
    for cluster in ["bucket = false", "bucket = { page = 3 }"] {
        for fault in ["store-loss = {}", "crash = {}", "pause = {}", "outage = {}"] {
            let mut decided = 0;
            for seed in 0..60 {
                let text = format!(
                    "title = \"t\"\nsummary = \"s\"\n[cluster]\nagents = 1\nstores = 3\n{cluster}\n[schedule]\n\
                     read = \"20ms..40ms\"\nwrite = \"20ms..40ms\"\nstart = \"0ms\"\n\
                     [[fault]]\nchance = 0.9\n{fault}\n[heal]\nat = \"10ms\"\n[limits]\ntime = \"20s\"\n[expect]\noutcome = \"any\"\n"
                );
                let scenario = Scenario::parse("t", &text, &|_| Err(String::new()))
                    .unwrap_or_else(|errors| panic!("{}", bivalent_sim::scenario::render(&errors)));
                let report = run_one(&scenario, seed);
                let landed: u64 = report.faults.values().map(|count| count.landed).sum();
                assert_eq!(landed, 0, "{cluster}, {fault}, {seed}");
                decided += u32::from(report.decided > 0);
            }
            assert_eq!(decided, 60, "{cluster}, {fault}");
        }
    }
}

#[test]
fn a_client_that_is_served_is_no_wedge_whatever_it_asked_for() {
    // Most queries are answered from the past, so that sessions are most of what replicas are asked for.
    let text = "title = \"t\"\nsummary = \"s\"\n[cluster]\nprotocol = \"replicated-log\"\nagents = 3\nstores = 3\n\
        [workload]\nclients = 2\nrequests = 40\nevery = \"20ms\"\nreads = 0.9\nstale-reads = 0.9\nkeys = 4\nsession = 3\n\
        [limits]\ntime = \"20s\"\nstall-after = \"200ms\"\n\
        [[fault]]\nchance = 0.003\npause = { for = \"50ms..400ms\" }\n[expect]\noutcome = \"any\"\n";
    let scenario = Scenario::parse("t", text, &|_| Err(String::new()))
        .unwrap_or_else(|errors| panic!("{}", bivalent_sim::scenario::render(&errors)));
    let mut stalls = 0;
    for seed in 0..30 {
        let report = run_one(&scenario, seed);
        stalls += report.stalls.len();
        let wedged = report.stalls.iter().find(|stall| !stall.heals);
        assert!(wedged.is_none(), "{seed}: {wedged:?}");
    }
    assert!(stalls > 10, "{stalls}");
}
