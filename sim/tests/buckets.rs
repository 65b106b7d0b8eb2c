//! One decision on simulated buckets: what agents do there is what real agents do, and what buckets do to them is found.

#![cfg(test)]

use std::sync::Arc;

use bivalent_sim::{
    campaign::{fuzz, guard::BuiltIn, run_one},
    judge::report::Outcome,
    scenario::{Scenario, fault::FaultKind},
    story,
};

const ON_BUCKETS: &str = r#"
title = "On buckets"
summary = "Three agents on three buckets."
[cluster]
protocol = "PROTOCOL"
agents = 3
stores = 3
bucket = { page = 2 }
[schedule]
read = "2ms..20ms"
write = "5ms..30ms"
start = "2s"
[limits]
time = "20s"
stall-after = "5s"
[expect]
outcome = "any"
"#;

const PROTOCOLS: [&str; 3] = ["disk-paxos", "acceptor-records", "put-if-absent"];

fn parse(text: &str) -> Scenario {
    let none = |_: &str| Err("no file".to_owned());
    Scenario::parse("buckets.toml", text, &none).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn on_buckets(protocol: &str, faults: &str) -> Scenario {
    parse(&(ON_BUCKETS.replace("PROTOCOL", protocol) + faults))
}

const STALE: &str = "[[fault]]\nchance = 1.0\nstale-listing = { age = \"1s\" }\n";

#[test]
fn one_decision_is_made_on_buckets_through_crashes_and_lost_answers() {
    let faults = "[[fault]]\nchance = 0.002\ncrash = { restart = \"50ms..500ms\" }\n\
                  [[fault]]\nchance = 0.01\nlost-ack = {}\n[[fault]]\nchance = 0.01\nlost-request = {}\n";
    for protocol in PROTOCOLS {
        let scenario = on_buckets(protocol, faults);
        let reports: Vec<_> = (0..40).map(|seed| run_one(&scenario, seed)).collect();

        assert!(
            reports.iter().all(|it| it.outcome != Outcome::Unsafe),
            "{protocol}"
        );
        let decided = reports.iter().filter(|it| it.outcome == Outcome::Decided);
        assert!(decided.count() > 35, "{protocol}");
    }
}

#[test]
fn the_same_seed_on_buckets_is_the_same_run() {
    for protocol in PROTOCOLS {
        let scenario = on_buckets(protocol, STALE);
        let runs = || -> Vec<_> { (0..10).map(|seed| run_one(&scenario, seed)).collect() };

        assert_eq!(runs(), runs());
    }
}

#[test]
fn a_stale_listing_that_splits_the_agents_is_found_and_told() {
    let scenario = on_buckets("disk-paxos", STALE);
    let broken = (0..50).find(|&seed| run_one(&scenario, seed).outcome == Outcome::Unsafe);
    let seed = broken.expect("listings of a second ago split the agents");
    let told = story::tell(&scenario, seed);

    let listing = told
        .lines
        .iter()
        .find(|it| it.what.contains("stale-listing"));
    let listing = listing.expect("the listing that misled is told");
    assert!(
        listing.what.contains("is answered a listing of"),
        "{}",
        listing.what
    );
}

#[test]
fn where_nothing_fails_every_run_on_buckets_decides_or_contends() {
    let text = ON_BUCKETS.replace("PROTOCOL", "disk-paxos");
    let calm = parse(&text.replace("start =", "retry = \"10ms..100ms\"\nstart ="));

    for seed in 0..100 {
        let report = run_one(&calm, seed);
        let stalls = report.stalls.iter();
        assert!(
            stalls.map(|it| it.kind).all(|it| it == "contention"),
            "{seed}"
        );
        assert_eq!(report.decided, 3, "{seed}");
    }
}

#[test]
fn a_campaign_finds_stale_listings_where_it_may_add_them() {
    let text = "[fuzz]\nfaults = { add = [\"stale-listing\", \"delay\"], at-most = 2 }\n";
    let scenario = on_buckets("disk-paxos", text)
        .to_toml()
        .replace("[cluster]\n", "[cluster]\nstale = 1\n");
    let base = Arc::new(parse(&scenario));
    let mut added = 0;
    fuzz::draws(
        &BuiltIn,
        &base,
        0..200,
        fuzz::Settings::default(),
        &mut |run| {
            let rules = run.scenario.faults.iter();
            added += rules
                .filter(|it| it.fault.kind() == FaultKind::StaleListing)
                .count();
        },
    );

    assert!(added > 0);
}

#[test]
fn a_scenario_on_buckets_is_written_as_it_was_read() {
    let scenario = on_buckets("acceptor-records", STALE);
    let again = parse(&scenario.to_toml());

    assert_eq!(again.cluster, scenario.cluster);
    assert_eq!(run_one(&again, 7), run_one(&scenario, 7));
}

#[test]
fn what_has_no_meaning_on_buckets_is_refused_by_name() {
    let refused = |faults: &str, said: &str| {
        let none = |_: &str| Err("no file".to_owned());
        let text = ON_BUCKETS.replace("PROTOCOL", "disk-paxos") + faults;
        let errors = Scenario::parse("buckets.toml", &text, &none).expect_err(faults);
        let first = &errors.errors()[0];
        assert!(first.message.contains(said), "{}", first.message);
    };
    refused("[price]\nadversaries = [\"fair\"]\n", "price of blocking");
    refused(
        "[[fault]]\nchance = 0.1\ntorn-write = { keep = \"64B\" }\n",
        "every byte",
    );
    refused(
        "[[fault]]\nchance = 0.1\nbit-rot = { bits = 3 }\n",
        "wrong bits",
    );
}

#[test]
fn a_campaign_over_stale_listings_meets_the_split() {
    let base = Arc::new(parse(include_str!(
        "../../scenarios/bucket/stale-listings.toml"
    )));
    let (mut seed, mut split, mut sound) = (0, 0, 0);
    let settings = fuzz::Settings::default();
    fuzz::draws(&BuiltIn, &base, 0..600, settings, &mut |run| {
        let lies = !run.scenario.faults.is_empty();
        let broken = run_one(&run.scenario, seed).outcome == Outcome::Unsafe;
        assert!(lies || !broken, "{}", run.scenario.to_toml());
        seed += 1;
        split += u32::from(broken);
        sound += u32::from(!lies);
    });

    assert!(split > 0 && sound > 0, "{split} split, {sound} sound");
}
