//! Protocols of a user's own: the core's agents given as such run as they always do, and wrong ones are found out.

#![cfg(test)]

use bivalent_core::{
    AcceptorRecords, Block, Config, DiskPaxos, Effect, Input, Operation, Phase, Sink, Value,
};
use bivalent_sim::{
    blocks::BlockEngine,
    protocol::{Agents, Proposer},
    scenario::Scenario,
};

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
    let head = format!("[cluster]\nprotocol = \"{protocol}\"");
    let text = STORM.replace("[cluster]", &head);
    Scenario::parse("test", &text, &|_| Err("no file".to_owned())).unwrap()
}

/// An agent of the core, as if it were a user's.
macro_rules! as_if_own {
    ($name:ident, $agent:ident) => {
        #[derive(Clone, Debug, Eq, Hash, PartialEq)]
        struct $name(Config, $agent);

        impl Proposer for $name {
            fn on(&mut self, input: Input, out: &mut dyn Sink) {
                self.1.on(input, &mut |effect: Effect| out.push(effect));
            }
            fn recover(&mut self, out: &mut dyn Sink) {
                self.1 = $agent::recover(self.0, &mut |effect: Effect| out.push(effect));
            }
            fn phase(&self) -> Phase {
                self.1.phase()
            }
            fn block(&self) -> Block {
                self.1.block()
            }
            fn epoch(&self) -> u32 {
                self.1.epoch()
            }
            fn decision(&self) -> Option<Value> {
                self.1.decision()
            }
            fn awaits(&self, operation: Operation) -> bool {
                self.1.awaits(operation)
            }
        }
    };
}

as_if_own!(OwnDisk, DiskPaxos);
as_if_own!(OwnRecord, AcceptorRecords);

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
    let disk = Agents::new(|config| OwnDisk(config, DiskPaxos::new(config)));
    all_runs_are_the_same(&scenario("disk-paxos"), disk);
    let record = Agents::new(|config| OwnRecord(config, AcceptorRecords::new(config)));
    all_runs_are_the_same(&scenario("acceptor-records"), record);
}

#[test]
fn a_copy_of_an_engine_has_copies_of_its_agents() {
    let scenario = scenario("disk-paxos");
    let agents = Agents::new(|config| OwnDisk(config, DiskPaxos::new(config)));
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

    let agents = Agents::new(|config| OwnDisk(config, DiskPaxos::new(config)));
    BlockEngine::with_agents(&scenario, agents);
}
