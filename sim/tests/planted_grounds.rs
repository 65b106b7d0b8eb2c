//! Where planted bugs are found by random search, in how many seeds, and that sound agents pass there.

#![cfg(test)]

use bivalent_sim::judge::verdict::Finished;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bivalent_core::Bug;
use bivalent_sim::{engine::blocks::BlockEngine, scenario::Scenario};

/// A setting in which some bugs show; nothing in it is beyond what a sound agent survives.
struct Ground {
    cluster: &'static str,
    schedule: &'static str,
    faults: &'static [&'static str],
}

/// Answers that come late, so that requests are repeated and attempts overlap.
const IMPATIENT: Ground = Ground {
    cluster: "agents = 3\nstores = 3",
    schedule: "timeout = '3ms'",
    faults: &["chance = 0.2\ndelay = { by = '1ms..20ms' }"],
};
/// Operations in place that take their time, and agents that come back.
const SLOW: Ground = Ground {
    cluster: "agents = 2\nstores = 3\nblock = { format = 'checked' }",
    schedule: "write = '1ms..60ms'",
    faults: &["chance = 0.05\ncrash = { restart = '1ms..10ms' }"],
};
/// Who decides crashes, and comes back before all that it has written is there.
const FORGETFUL: Ground = Ground {
    cluster: "agents = 2\nstores = 3\nbucket = false\nblock = { format = 'versioned' }",
    schedule: "write = '1ms..60ms'",
    faults: &[
        "when = { happens = 'decided' }\ntimes = 1\ncrash = { restart = '1ms..2ms', unfenced = true }",
        "chance = 0.1\ndelay = { by = '20ms..200ms' }",
    ],
};
/// As above; one store hears late of the agent that crashes, and all hear late of the other one.
const OUTDATED: Ground = Ground {
    cluster: "agents = 2\nstores = 3\nbucket = false\nblock = { format = 'versioned' }",
    schedule: "write = '1ms..5ms'\ntimeout = '1s'",
    faults: &[
        "when = { happens = 'decided' }\ntimes = 1
         crash = { agent = 'a1', restart = '1ms..2ms', unfenced = true }",
        "chance = 0.4\ndelay = { agent = 'a2', operation = 'write', by = '20ms..60ms' }",
        "chance = 0.4\ndelay = { agent = 'a1', store = 's1', operation = 'write', by = '20ms..60ms' }",
    ],
};
const TORN: Ground = Ground {
    cluster: "agents = 2\nstores = 3\nblock = { size = '512B', sector = '64B', format = 'checked' }",
    schedule: "",
    faults: &[
        "chance = 0.2\ntorn-write = {}",
        "chance = 0.1\ndelay = { by = '1ms..20ms' }",
    ],
};
const ROTTEN: Ground = Ground {
    cluster: "agents = 2\nstores = 3\nblock = { size = '512B', sector = '64B', format = 'checked' }",
    schedule: "",
    faults: &[
        "chance = 0.2\nbit-rot = {}",
        "chance = 0.1\ndelay = { by = '1ms..20ms' }",
    ],
};
const ASTRAY: Ground = Ground {
    cluster: "agents = 3\nstores = 4\nstale = 1\nblock = { format = 'dual' }",
    schedule: "",
    faults: &["chance = 0.1\nmisdirected-write = { store = 's1' }"],
};
const BEREFT: Ground = Ground {
    cluster: "agents = 3\nstores = 3\nblock = { format = 'dual' }",
    schedule: "",
    faults: &["chance = 0.02\ntimes = 1\ncrash = {}"],
};

impl Ground {
    fn engine(&self) -> BlockEngine {
        let mut text = format!(
            "title = 't'\nsummary = 's'\n[cluster]\n{}\n[schedule]\nretry = '1ms..8ms'\n{}\n",
            self.cluster, self.schedule
        );
        for fault in self.faults {
            text += "[[fault]]\n";
            text += fault;
            text += "\n";
        }
        let scenario = Scenario::parse("ground", &text, &|_| Err("no file".to_owned()));
        BlockEngine::new(
            &scenario
                .unwrap_or_else(|errors| panic!("{}", bivalent_sim::scenario::render(&errors))),
        )
    }

    /// The first seed at which a bug breaks one of the properties, inside the envelope.
    fn first(&self, bug: Bug, properties: &[&str], seeds: u64) -> Option<u64> {
        let mut engine = self.engine();
        engine.plant(Some(bug));
        (0..seeds).find(|&seed| {
            engine.run(seed);
            let mut found = engine.violations().iter().map(|found| found.property);
            found.any(|found| properties.contains(&found)) && engine.exceeded().is_empty()
        })
    }

    fn sound_breaks_nothing(&self, seeds: u64) {
        let mut engine = self.engine();
        for seed in 0..seeds {
            engine.run(seed);
            assert_eq!(engine.violations(), [], "seed {seed}");
            assert_eq!(engine.exceeded(), [""; 0], "seed {seed}");
        }
    }
}

/// Each is found in its ground within so many seeds, in which the sound agent breaks nothing.
fn found(ground: &Ground, seeds: u64, bugs: &[(Bug, &[&str])]) {
    ground.sound_breaks_nothing(seeds);
    for &(bug, properties) in bugs {
        assert!(ground.first(bug, properties, seeds).is_some(), "{bug:?}");
    }
}

const AGREEMENT: &[&str] = &["agreement"];

#[test]
fn attempts_that_overlap_show_what_is_counted_wrongly() {
    let bugs: [(Bug, &[&str]); 6] = [
        (Bug::ReadsFirst, AGREEMENT),
        (Bug::SharesBallots, AGREEMENT),
        (Bug::DecidesOnAccord, AGREEMENT),
        (Bug::GreatestMbal, AGREEMENT),
        (Bug::CountsTwice, &["invariant-4c"]),
        (Bug::CrossesAnswers, &["invariant-4c"]),
    ];

    found(&IMPATIENT, 200, &bugs);
}

#[test]
fn slow_writes_in_place_show_who_does_not_wait_for_them() {
    let bugs: [(Bug, &[&str]); 4] = [
        (Bug::RestartsUnfenced, AGREEMENT),
        (Bug::OvertakesWrite, AGREEMENT),
        (Bug::CountsOldAnswers, AGREEMENT),
        (Bug::CrossesAnswers, AGREEMENT),
    ];

    found(&SLOW, 500, &bugs);
}

#[test]
fn a_crash_after_a_decision_shows_what_a_recovery_loses() {
    let bugs = [
        Bug::RestartsFromNothing,
        Bug::RecoversFromOne,
        Bug::RecoversWithoutVote,
        Bug::ForgetsVote,
        Bug::DecidesOnAccord,
    ];

    found(&FORGETFUL, 200, &bugs.map(|bug| (bug, AGREEMENT)));
}

#[test]
fn a_recovery_below_its_own_ballot_is_found_where_two_own_blocks_differ() {
    let bugs: [(Bug, &[&str]); 1] = [(Bug::RecoversBelow, &["invariant-5", "agreement"])];

    found(&OUTDATED, 2000, &bugs);
}

#[test]
fn blocks_of_which_too_little_is_checked_are_taken_for_what_they_are_not() {
    found(&TORN, 500, &[(Bug::ChecksHeadOnly, &["store-model"])]);
    found(&TORN, 500, &[(Bug::ChecksHeadOnly, &["validity"])]);
    found(&ROTTEN, 100, &[(Bug::UnreadableIsEmpty, AGREEMENT)]);
    found(&ASTRAY, 100, &[(Bug::ChecksNoPlace, &["store-model"])]);
}

#[test]
fn the_older_slot_of_two_is_found_without_any_fault_and_only_where_there_are_two() {
    let bugs: [(Bug, &[&str]); 2] = [
        (Bug::PicksLowerSlot, AGREEMENT),
        (Bug::PicksLowerSlot, &["store-model"]),
    ];

    found(&BEREFT, 20, &bugs);
    assert_eq!(SLOW.first(Bug::PicksLowerSlot, AGREEMENT, 200), None);
}

#[test]
fn a_restart_that_waits_for_nothing_is_harmless_where_every_version_has_a_key() {
    let any = ["agreement", "invariant-4c", "invariant-5", "store-model"];

    assert_eq!(FORGETFUL.first(Bug::RestartsUnfenced, &any, 1000), None);
}

#[test]
fn who_waits_for_the_dead_is_wedged_and_breaks_nothing() {
    let wedged = |bug| {
        let mut engine = BEREFT.engine();
        engine.plant(bug);
        let wedged = |&seed: &u64| {
            engine.run(seed);
            assert_eq!(engine.violations(), [], "seed {seed}");
            engine.stalls().iter().any(|stall| stall.kind == "wedged")
        };
        (0..200).find(wedged)
    };

    assert_eq!(wedged(None), None);
    assert!(wedged(Some(Bug::WaitsForTheDead)).is_some());
}

#[test]
fn a_planted_panic_is_met_in_some_runs_and_not_in_all() {
    let mut engine = IMPATIENT.engine();
    engine.plant(Some(Bug::Panics));

    let panics = (0..50).filter(|&seed| {
        let run = catch_unwind(AssertUnwindSafe(|| engine.run(seed)));
        run.is_err()
    });

    assert!((1..50).contains(&panics.count()));
}
