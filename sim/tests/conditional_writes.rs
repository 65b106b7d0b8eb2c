//! The protocols over conditional writes under faults: what they promise, and that oracles bite.

#![cfg(test)]

use bivalent_core::Bug;
use bivalent_sim::judge::verdict::Finished;
use bivalent_sim::{
    engine::{End, blocks::BlockEngine},
    scenario::{Protocol, Scenario},
};

const SEEDS: u64 = 1500;

/// Storage that breaks nothing: only a bug can be found here.
const CALM: &str = r#"
title = "Calm"
summary = "Contention and crashes, stores as they should be."
[cluster]
protocol = "acceptor-records"
bucket = false
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
[[fault]]
chance = 0.05
lost-ack = {}
"#;

/// All that a shared record bears with no store counted as stale.
const INSIDE: &str = r#"
[[fault]]
chance = 0.02
lost-request = {}
[[fault]]
chance = 0.02
duplicate = { by = "1ms..30ms" }
[[fault]]
chance = 0.02
late-write = { by = "1ms..50ms" }
[[fault]]
chance = 0.05
stale-read = { versions = 3 }
[[fault]]
chance = 0.02
reorder = {}
[[fault]]
chance = 0.01
pause = { for = "1ms..20ms" }
[[fault]]
chance = 0.01
outage = { for = "1ms..20ms" }
[[fault]]
chance = 0.01
slow-store = { factor = 5, for = "1ms..20ms" }
[[fault]]
chance = 0.001
bit-rot = {}
"#;

fn engine(text: &str) -> BlockEngine {
    let scenario = Scenario::parse("calm", text, &|_| Err("no file".to_owned()));
    BlockEngine::new(
        &scenario.unwrap_or_else(|errors| panic!("{}", bivalent_sim::scenario::render(&errors))),
    )
}

fn with(protocol: Protocol, stores: u32, faults: &str) -> String {
    let text = CALM.replace("acceptor-records", protocol.name());
    let text = text.replace("stores = 3", &format!("stores = {stores}")) + faults;
    if protocol == Protocol::PutIfAbsent {
        // Nothing is tried again, and a record is written once.
        return text
            .replace("retry = \"1ms..8ms\"\n", "")
            .replace("versions = 3", "versions = 1");
    }
    text
}

/// The sets of properties that break, each once.
fn broken(engine: &mut BlockEngine) -> Vec<Vec<&'static str>> {
    let mut sets = Vec::new();
    for seed in 0..SEEDS {
        engine.run(seed);
        let found: Vec<_> = engine.violations().iter().map(|it| it.property).collect();
        if !found.is_empty() && !sets.contains(&found) {
            sets.push(found);
        }
    }
    sets
}

fn broken_by(protocol: Protocol, bug: Bug) -> Vec<Vec<&'static str>> {
    let mut engine = engine(&with(protocol, 3, ""));
    engine.plant(Some(bug));
    broken(&mut engine)
}

const BOTH: [Protocol; 2] = [Protocol::AcceptorRecords, Protocol::PutIfAbsent];

#[test]
fn no_mixture_of_faults_inside_the_envelope_breaks_anything() {
    for protocol in BOTH {
        for stores in [1, 3, 4] {
            let mut engine = engine(&with(protocol, stores, INSIDE));
            for seed in 0..SEEDS {
                engine.run(seed);

                let name = protocol.name();
                assert_eq!(engine.exceeded(), [""; 0], "{name} x {stores}, seed {seed}");
                assert_eq!(engine.violations(), [], "{name} x {stores}, seed {seed}");
            }
        }
    }
}

#[test]
fn acceptor_records_decide_in_spite_of_stale_reads_late_writes_and_lost_answers() {
    let mut engine = engine(&with(
        Protocol::AcceptorRecords,
        3,
        &INSIDE.replace("bit-rot = {}", "crash = { restart = \"1ms..2ms\" }"),
    ));

    for seed in 0..SEEDS {
        assert_eq!(engine.run(seed), End::Decided, "seed {seed}");
    }
}

#[test]
fn a_store_that_forgets_is_borne_where_it_is_promised_and_outside_the_envelope_else() {
    let amnesia = "[[fault]]\nchance = 0.05\namnesia = { store = \"s1\", versions = \"all\" }\n";
    for protocol in BOTH {
        let text = with(protocol, 4, amnesia);
        let promised = text.replace("stores = 4", "stores = 4\nstale = 1");

        assert_eq!(broken(&mut engine(&promised)), [[""; 0]; 0]);
        let mut plain = engine(&text);
        let outside = (0..SEEDS).filter(|&seed| {
            plain.run(seed);
            !plain.exceeded().is_empty()
        });
        assert!(outside.count() > 0, "{}", protocol.name());
    }
}

#[test]
fn on_one_reliable_store_every_agent_takes_at_most_two_operations_whatever_the_order() {
    for adversary in ["\"random\"", "\"fair\"", "{ duel = [\"a1\", \"a2\"] }"] {
        let text = format!(
            "title = \"t\"\nsummary = \"s\"\n[cluster]\nbucket = false\nprotocol = \"put-if-absent\"\nagents = 6\n\
             stores = 1\n[schedule]\nadversary = {adversary}\n"
        );
        let mut engine = engine(&text);
        for seed in 0..200 {
            assert_eq!(engine.run(seed), End::Decided, "{adversary}, seed {seed}");
            assert_eq!(engine.store_ops(), 6 + 5, "all claim, all but one read");
        }
    }
}

#[test]
fn the_store_model_alone_catches_a_store_that_ignores_conditions() {
    let mut engine = engine(CALM);
    engine.plant_in_conditions(true);

    let sets = broken(&mut engine);

    assert!(sets.contains(&vec!["store-model"]), "{sets:?}");
}

#[test]
fn the_invariants_of_records_see_a_rule_gone_wrong_before_agreement_breaks() {
    let cases = [
        (Bug::IgnoresPromise, "invariant-promise"),
        (Bug::VotesAgain, "invariant-one-value"),
        (Bug::DropsVote, "invariant-chosen"),
        (Bug::OwnInput, "invariant-chosen"),
    ];
    for (bug, property) in cases {
        let sets = broken_by(Protocol::AcceptorRecords, bug);

        let early = sets.iter().any(|set| set[0] == property);
        assert!(early, "{bug:?}: {sets:?}");
    }
}

#[test]
fn every_bug_over_conditional_writes_is_found_by_some_oracle() {
    for bug in Bug::ACCEPTOR_RECORDS {
        assert_ne!(
            broken_by(Protocol::AcceptorRecords, bug),
            [[""; 0]; 0],
            "{bug:?}"
        );
    }
    for bug in Bug::PUT_IF_ABSENT {
        assert_ne!(
            broken_by(Protocol::PutIfAbsent, bug),
            [[""; 0]; 0],
            "{bug:?}"
        );
    }
}

#[test]
fn a_restart_waits_for_no_write_that_has_a_condition() {
    let text = with(Protocol::AcceptorRecords, 3, "")
        + "[[fault]]\nwhen = { happens = \"phase-2\" }\ndelay = { operation = \"write\", by = \"3s\" }\n\
           times = 3\n[[fault]]\nwhen = { happens = \"phase-2\" }\ncrash = { restart = \"1ms..2ms\" }\n";
    let mut engine = engine(&text);

    for seed in 0..200 {
        assert_eq!(engine.run(seed), End::Decided);
        assert!(engine.virtual_ns() < 1_000_000_000, "seed {seed}");
    }
}
