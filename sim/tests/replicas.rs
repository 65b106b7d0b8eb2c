//! Replicated state machines: what they cost, what they survive, and that every oracle of theirs bites.

#![cfg(test)]

use std::ops::Range;

use bivalent_core::Bug;
use bivalent_sim::{
    campaign::trace::{Trace, replay},
    engine::{
        log::{BankLoad, History, KvLoad, Load, LogEngine},
        runner::Runner,
    },
    judge::verdict::Finished,
    scenario::{Scenario, catalogue},
};

fn scenario(name: &str) -> Scenario {
    let path = format!("scenarios/log/{name}.toml");
    let mut chapters = catalogue::chapters().iter();
    let chapter = chapters.find(|chapter| chapter.name == path).unwrap();
    Scenario::parse(chapter.name, chapter.text, &catalogue::open).unwrap()
}

#[test]
fn one_agent_alone_pays_a_quorum_of_writes_and_one_of_reads_for_a_slot() {
    for (name, quorum) in [("cost-alone-3", 2), ("cost-alone-5", 3)] {
        let mut engine = LogEngine::new(&scenario(name), KvLoad);
        engine.run(1);
        let counts = engine.counts();

        // Another process may have been started under its name.
        let (reads, least) = (counts.ops.head_reads, quorum * counts.slots);
        assert!(
            (least..least + least / 20).contains(&reads),
            "{reads} reads"
        );
        // Four more slots: the client's sessions are opened and closed in the log.
        assert_eq!(counts.slots, counts.commands + 4);
        assert_eq!(counts.ops.votes, quorum * counts.slots);
    }
}

#[test]
fn a_steady_leader_pays_a_quorum_of_writes_and_one_of_reads_for_a_slot() {
    for (name, quorum) in [("cost-leader-3-batch-1", 2), ("cost-leader-5-batch-1", 3)] {
        let mut engine = LogEngine::new(&scenario(name), KvLoad);
        engine.run(1);
        let counts = engine.counts();

        assert_eq!(counts.ops.votes, quorum * counts.slots);
        let reads = counts.ops.head_reads;
        let least = quorum * counts.slots;
        assert!(
            (least..least + least / 20).contains(&reads),
            "{reads} reads for {} slots",
            counts.slots
        );
    }
}

#[test]
fn pipelining_shares_the_reads_of_promises() {
    let mut engine = LogEngine::new(&scenario("cost-leader-3-pipeline"), KvLoad);
    engine.run(1);
    let ops = engine.counts().ops;

    assert!(ops.head_reads * 8 < ops.votes, "{ops:?}");
}

#[test]
fn a_query_that_may_be_answered_from_the_past_costs_nothing_and_is_in_no_history() {
    let mut chapters = catalogue::chapters().iter();
    let name = "scenarios/log/stale-reads-on-request.toml";
    let text = chapters.find(|chapter| chapter.name == name).unwrap().text;
    let with = |share: &str| {
        let text = text.replace("stale-reads = 0.9", &format!("stale-reads = {share}"));
        let scenario = Scenario::parse(name, &text, &catalogue::open).unwrap();
        let mut engine = LogEngine::new(&scenario, KvLoad);
        engine.run(1);
        assert!(engine.is_done());
        engine
    };
    let (none, all) = (with("0.0"), with("1.0"));

    assert_eq!(none.history().len(), 360);
    assert!(none.counts().queries > 250, "{:?}", none.counts());
    assert_eq!(all.counts().queries, 0);
    assert_eq!(all.history().len() as u64, all.counts().commands);
    assert!(all.counts().ops.votes < none.counts().ops.votes);
}

#[test]
fn a_replica_that_was_down_for_ten_thousand_slots_catches_up_from_a_snapshot() {
    let scenario = scenario("down-for-ten-thousand-slots");
    let mut engine = LogEngine::new(&scenario, KvLoad);
    engine.run(0);

    assert!(engine.is_done());
    let counts = engine.counts();
    assert!(counts.slots > 10_000 && counts.installs > 0, "{counts:?}");
    assert!(engine.violations().is_empty(), "{:?}", engine.violations());
}

#[test]
fn the_same_seed_gives_the_same_run_and_a_trace_replays_it() {
    let scenario = scenario("storm-lock");
    let fingerprint = |seed| {
        let mut runner = Runner::new(&scenario);
        // Whatever ran before must leave nothing behind.
        runner.run(seed + 1);
        runner.run(seed);
        runner.finished().fingerprint()
    };
    assert_eq!(fingerprint(3), fingerprint(3));
    assert_ne!(fingerprint(3), fingerprint(4));

    let trace = Trace::record(&scenario, 3);
    let again = Trace::parse("t", &trace.to_text()).unwrap();
    let replayed = replay(&again, None).unwrap();
    assert_eq!(replayed.compared, trace.steps());
    let expected = format!("{:016x}", fingerprint(3));
    assert_eq!(replayed.report.fingerprint, expected);
}

/// Replicas that crash in the middle of a step: as they begin to lead, decide, stand, or step down.
#[test]
fn a_replica_that_crashes_in_the_middle_of_a_step_does_nothing_more_of_it() {
    for moment in ["phase-1", "phase-2", "decided", "aborted"] {
        let text = format!(
            r#"
title = "Crashed in a step"
summary = "Agents crash as something happens, and come back."
[cluster]
protocol = "replicated-log"
agents   = 3
stores   = 3
[workload]
clients  = 2
requests = 20
[[fault]]
when  = {{ happens = "{moment}", nth = 2 }}
times = 4
crash = {{ restart = "5ms..40ms" }}
[expect]
outcome = "any"
"#
        );
        let scenario = Scenario::parse("test", &text, &|_| Err(String::new())).unwrap();
        let mut runner = Runner::new(&scenario);
        let mut crashes = 0;
        for seed in 0..60 {
            // Whoever is down and asks for something trips an assertion.
            runner.run(seed);
            let run = runner.finished();
            assert!(run.violations().is_empty(), "{:?}", run.violations());
            let faults = run.faults();
            crashes += faults.iter().map(|(_, count)| count.landed).sum::<u64>();
        }
        assert!(crashes > 30, "{moment}: {crashes}");
    }
}

#[test]
fn every_fault_inside_the_envelope_breaks_nothing() {
    for name in ["storm-kv", "storm-bank", "storm-lock"] {
        let scenario = scenario(name);
        let mut runner = Runner::new(&scenario);
        let mut landed = std::collections::BTreeMap::new();
        for seed in 0..150 {
            runner.run(seed);
            let run = runner.finished();
            assert!(
                run.violations().is_empty(),
                "{name}@{seed:#x}: {:?}",
                run.violations()
            );
            assert!(
                run.exceeded().is_empty(),
                "{name}@{seed:#x}: {:?}",
                run.exceeded()
            );
            let (_, history, _) = run.log_counts().unwrap();
            assert_eq!(history, History::Linearizable, "{name}@{seed:#x}");
            for (kind, count) in run.faults() {
                *landed.entry(kind).or_insert(0) += count.landed;
            }
        }
        for (kind, count) in landed {
            assert!(count > 0, "{name}: no {} landed", kind.name());
        }
    }
}

/// Crashes and torn writes so frequent that a promise comes to one of four stores and its writer dies, as
/// at seed 374. The next incarnation misses it, which binds nobody.
#[test]
fn a_promise_that_fewer_than_a_quorum_have_may_be_missed() {
    let text = r#"
title = "Lost promises"
summary = "Frequent crashes, frequent torn writes."

[cluster]
protocol = "replicated-log"
agents = 3
stores = 4
stale = 1

[schedule]
read = "400us..2ms"
timeout = "15ms"

[replica]
heartbeat = "10ms"
batch = 4
window = 4
snapshot-every = 4

[workload]
clients = 2
requests = 16
reads = 0.8
keys = 3
skew = 0.3
retry = "150ms"
give-up = 0.05
session = 5

[[fault]]
chance = 0.032
crash = { restart = "5ms..150ms" }

[[fault]]
chance = 0.002
pause = { for = "5ms..200ms" }

[[fault]]
chance = 0.002
clock-skew = { rate = 3.0 }

[[fault]]
chance = 0.002
slow-store = { factor = 5.0, for = "20ms..200ms" }

[[fault]]
chance = 0.01
reorder = {}

[[fault]]
chance = 0.005
duplicate = { by = "1ms..100ms" }

[[fault]]
chance = 0.08
torn-write = {}

[[fault]]
chance = 0.05
stale-read = { versions = 8, store = "s4" }

[[fault]]
when = { happens = "vote", nth = 30 }
amnesia = { store = "s4", versions = "all" }

[heal]
at = "1500ms"

[limits]
stall-after = "900ms"

[expect]
outcome = "any"
"#;
    let scenario = Scenario::parse("lost-promises", text, &catalogue::open).unwrap();
    let mut engine = LogEngine::new(&scenario, KvLoad);
    for seed in 300..400 {
        engine.run(seed);
        let (broken, exceeded) = (engine.violations(), engine.exceeded());
        assert!(broken.is_empty(), "{seed}: {broken:?}");
        assert!(exceeded.is_empty(), "{seed}: {exceeded:?}");
    }
}

/// The first seed of the storm over a bank at which some of these properties breaks inside the envelope.
fn first_found(bug: Bug, properties: &[&str], seeds: u64) -> Option<u64> {
    first_found_in(bug, properties, 0..seeds)
}

fn first_found_in(bug: Bug, properties: &[&str], seeds: Range<u64>) -> Option<u64> {
    let mut engine = LogEngine::new(&scenario("storm-bank"), BankLoad { accounts: 4 });
    engine.plant(Some(bug));
    first_broken(&mut engine, properties, seeds)
}

fn first_broken<L: Load>(
    engine: &mut LogEngine<L>,
    properties: &[&str],
    mut seeds: Range<u64>,
) -> Option<u64> {
    seeds.find(|&seed| {
        engine.run(seed);
        let broken = engine.violations().iter();
        engine.exceeded().is_empty()
            && broken
                .clone()
                .any(|broken| properties.contains(&broken.property))
    })
}

#[test]
fn a_promise_that_falls_is_noticed_before_anybody_disagrees() {
    assert!(first_found(Bug::ForgetsPromise, &["invariant-promise"], 20).is_some());
    // Of the first 2,000 seeds the 1,593rd is the first that shows it; those before are long runs.
    let seeds = 1500..2000;
    assert!(first_found_in(Bug::RecoversFromOne, &["invariant-promise"], seeds).is_some());
}

#[test]
fn forgotten_promises_make_logs_disagree() {
    assert!(first_found(Bug::ForgetsPromise, &["agreement"], 2000).is_some());
}

#[test]
fn what_is_proposed_again_under_its_old_ballot_is_noticed() {
    assert!(first_found(Bug::KeepsOldBallot, &["agreement"], 1000).is_some());
}

#[test]
fn a_snapshot_without_sessions_is_noticed() {
    assert!(first_found(Bug::ForgetsSessions, &["exactly-once"], 20).is_some());
}

#[test]
fn half_a_batch_is_noticed() {
    assert!(first_found(Bug::AppliesHalf, &["replicas", "exactly-once"], 200).is_some());
}

#[test]
fn votes_dropped_before_a_quorum_has_the_snapshot_are_noticed() {
    assert!(first_found(Bug::DropsEarly, &["durability"], 2000).is_some());
}

#[test]
fn a_query_answered_by_a_deposed_leader_is_noticed_by_its_clients_alone() {
    let seed = first_found(Bug::ReadsUnchecked, &["linearizability"], 5000);
    assert!(seed.is_some());
    assert_eq!(first_found(Bug::ReadsUnchecked, &["agreement"], 200), None);
}

#[test]
fn a_promise_read_before_its_vote_was_written_is_noticed_where_answers_are_late() {
    let mut engine = LogEngine::new(&scenario("late-answers"), KvLoad);
    assert_eq!(first_broken(&mut engine, &["agreement"], 0..200), None);
    engine.plant(Some(Bug::CountsEarlyRead));
    assert!(first_broken(&mut engine, &["agreement"], 0..200).is_some());
}
