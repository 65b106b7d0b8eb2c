//! Every oracle bites: a planted bug that it catches, alone, and silence on good runs.

#![cfg(test)]

use bivalent_core::Bug;
use bivalent_sim::judge::verdict::Finished;
use bivalent_sim::{engine::blocks::BlockEngine, scenario::Scenario};

/// Storage that breaks nothing: only a bug can be found here.
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
"#;
const SEEDS: u64 = 4000;

fn engine(text: &str) -> BlockEngine {
    let none = |_: &str| Err("no file".to_owned());
    BlockEngine::new(&Scenario::parse("calm", text, &none).unwrap())
}

/// The first seed at which each property breaks, and the first at which one breaks alone.
fn broken(engine: &mut BlockEngine) -> (Vec<&'static str>, Vec<Vec<&'static str>>) {
    let (mut ever, mut sets) = (Vec::new(), Vec::new());
    for seed in 0..SEEDS {
        engine.run(seed);
        let found: Vec<_> = engine
            .violations()
            .iter()
            .map(|broken| broken.property)
            .collect();
        for &property in &found {
            if !ever.contains(&property) {
                ever.push(property);
            }
        }
        if !found.is_empty() && !sets.contains(&found) {
            sets.push(found);
        }
    }
    (ever, sets)
}

fn broken_by(bug: Bug) -> (Vec<&'static str>, Vec<Vec<&'static str>>) {
    let mut engine = engine(CALM);
    engine.plant(Some(bug));
    broken(&mut engine)
}

#[test]
fn without_a_bug_every_oracle_is_silent() {
    assert_eq!(broken(&mut engine(CALM)).0, [""; 0]);
}

#[test]
fn agreement_alone_catches_a_decision_without_a_second_look() {
    let (ever, sets) = broken_by(Bug::DecidesAfterPhase1);

    assert!(ever.contains(&"agreement"), "{ever:?}");
    assert!(sets.contains(&vec!["agreement"]), "{sets:?}");
}

#[test]
fn validity_alone_catches_an_invented_value() {
    assert_eq!(broken_by(Bug::InventsValue).1, [["validity"]]);
}

#[test]
fn integrity_alone_catches_a_changed_decision() {
    let (_, sets) = broken_by(Bug::ChangesDecision);

    assert!(sets.contains(&vec!["integrity"]), "{sets:?}");
}

#[test]
fn the_store_model_alone_catches_a_store_that_loses_writes() {
    let mut engine = engine(CALM);
    engine.plant_in_stores(true);

    let (_, sets) = broken(&mut engine);

    assert!(sets.contains(&vec!["store-model"]), "{sets:?}");
}

#[test]
fn the_invariants_alone_catch_reads_kept_over_a_phase_change() {
    let (_, sets) = broken_by(Bug::KeepsReads);

    assert!(sets.contains(&vec!["invariant-5"]), "{sets:?}");
}

#[test]
fn the_invariants_alone_catch_a_write_that_overtakes_another() {
    let (_, sets) = broken_by(Bug::OvertakesWrite);

    assert!(sets.contains(&vec!["invariant-4c"]), "{sets:?}");
}

#[test]
fn safety_bugs_of_the_core_are_found_by_some_oracle() {
    let bugs = [
        Bug::OwnInput,
        Bug::NoReread,
        Bug::IgnoresHigherBallot,
        Bug::QuorumOneShort,
        Bug::RestartsFromNothing,
        Bug::GreatestMbal,
        Bug::CountsOldAnswers,
        Bug::RecoversWithoutVote,
    ];
    for bug in bugs {
        assert_ne!(broken_by(bug).0, [""; 0], "{bug:?}");
    }
}

#[test]
fn a_recovery_from_one_store_is_found_where_writes_are_slow() {
    let text = r#"
title = "Slow writes"
summary = "A crash often leaves a write on a minority."
[cluster]
agents = 2
stores = 3
[schedule]
write = "1ms..60ms"
retry = "1ms..8ms"
[[fault]]
chance = 0.1
crash = { restart = "1ms..5ms", unfenced = true }
"#
    .replace(
        "stores = 3",
        "stores = 3\nbucket = false\nblock = { format = \"versioned\" }",
    );
    let mut engine = engine(&text);
    assert_eq!(broken(&mut engine).0, [""; 0]);

    engine.plant(Some(Bug::RecoversFromOne));

    assert_ne!(broken(&mut engine).0, [""; 0]);
}

#[test]
fn an_unreadable_block_taken_for_an_empty_one_is_found_under_torn_writes() {
    let text = CALM.to_owned()
        + "
[[fault]]
chance = 0.05
torn-write = {}
";
    let checked = text.replace("stores = 3", "stores = 3\nblock = { format = \"checked\" }");
    let mut engine = engine(&checked);
    assert_eq!(broken(&mut engine).0, [""; 0]);

    engine.plant(Some(Bug::UnreadableIsEmpty));

    assert_ne!(broken(&mut engine).0, [""; 0]);
}

#[test]
fn liveness_alone_catches_a_contention_manager_that_waits_for_the_dead() {
    let text = CALM.to_owned() + "\n[[fault]]\nchance = 0.02\ntimes = 1\ncrash = {}\n";
    let mut engine = engine(&text);
    let wedges = |engine: &mut BlockEngine| {
        (0..200)
            .filter(|&seed| {
                engine.run(seed);
                assert_eq!(engine.violations(), []);
                engine.stalls().iter().any(|stall| stall.kind == "wedged")
            })
            .count()
    };
    assert_eq!(wedges(&mut engine), 0);

    engine.plant(Some(Bug::WaitsForTheDead));

    assert!(wedges(&mut engine) > 0);
}

#[test]
fn the_envelope_alone_catches_stores_that_are_staler_than_promised() {
    let stale = CALM.to_owned() + "\n[[fault]]\nchance = 0.05\nstale-read = { versions = 2 }\n";
    let alone = |engine: &mut BlockEngine| {
        (0..200)
            .filter(|&seed| {
                engine.run(seed);
                engine.violations().is_empty() && !engine.exceeded().is_empty()
            })
            .count()
    };

    assert_eq!(alone(&mut engine(CALM)), 0);
    assert!(alone(&mut engine(&stale)) > 0);
}
