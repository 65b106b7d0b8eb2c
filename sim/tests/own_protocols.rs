//! Protocols of a user's own: the core's agents given as such run as they always do, and wrong ones are found out.

#![cfg(test)]

use bivalent_core::{AcceptorRecords, DiskPaxos};
use bivalent_sim::judge::verdict::Finished;
use bivalent_sim::{engine::blocks::BlockEngine, protocol::Agents, scenario::Scenario};

const STORM: &str = r#"
title = "Storm"
summary = "Crashes, delays and lost answers."
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
[[fault]]
chance = 0.02
lost-ack = {}
[expect]
outcome = "any"
"#;

fn scenario(protocol: &str) -> Scenario {
    let head = format!("[cluster]\nbucket = false\nprotocol = \"{protocol}\"");
    let text = STORM.replace("[cluster]", &head);
    Scenario::parse("test", &text, &|_| Err("no file".to_owned())).unwrap()
}

fn all_runs_are_the_same(scenario: &Scenario, agents: Agents) {
    let mut theirs = BlockEngine::new(scenario);
    let mut own = BlockEngine::with_agents(scenario, agents);
    for seed in 0..300 {
        assert_eq!(theirs.run(seed), own.run(seed), "{seed}");
        assert_eq!(theirs.fingerprint(), own.fingerprint(), "{seed}");
        assert_eq!(theirs.violations(), own.violations(), "{seed}");
    }
}

#[test]
fn agents_of_the_core_run_the_same_if_they_come_as_a_users() {
    let disk = Agents::new::<DiskPaxos>();
    all_runs_are_the_same(&scenario("disk-paxos"), disk);
    let record = Agents::new::<AcceptorRecords>();
    all_runs_are_the_same(&scenario("acceptor-records"), record);
}

#[test]
fn a_copy_of_an_engine_has_copies_of_its_agents() {
    let scenario = scenario("disk-paxos");
    let agents = Agents::new::<DiskPaxos>();
    let mut engine = BlockEngine::with_agents(&scenario, agents);
    engine.run(1);

    let copy = engine.clone();

    assert_eq!(copy.fingerprint(), engine.fingerprint());
    assert_eq!(format!("{copy:?}"), format!("{engine:?}"));
}

#[test]
#[should_panic(expected = "knows the core's agents alone")]
fn an_adversary_that_explores_refuses_agents_it_does_not_know() {
    let mut scenario = scenario("disk-paxos");
    scenario.schedule.adversary = bivalent_sim::scenario::Adversary::KeepBivalent;

    let agents = Agents::new::<DiskPaxos>();
    BlockEngine::with_agents(&scenario, agents);
}
