//! A log on buckets.

use std::collections::BTreeMap;

use bivalent_core::{
    AgentId, Batch, Event, Heartbeat, Kv, KvCommand, LogSaid, ObjectsSaid, Outcome, Replica,
    ReplicaConfig, ReplicaSetup, Request, Slot,
};
use proptest::prelude::*;

use crate::world::{World, envelope, setup};

type Map = Kv<u8, u8>;
type Agents = World<Replica<Map>>;

fn replica(me: u16, agents: u16) -> ReplicaSetup<Map> {
    let heartbeat = Heartbeat {
        every: 10,
        patience: 3,
        spread: 30,
    };
    let config = ReplicaConfig::new(AgentId(me), agents, envelope(), heartbeat);
    ReplicaSetup {
        config: config.snapshot_every(4),
        machine: Map::new(),
    }
}

/// What is decided, as everybody has it; panics if two have it otherwise.
fn chosen(world: &Agents) -> BTreeMap<Slot, Batch<Map>> {
    let mut log: BTreeMap<Slot, Batch<Map>> = BTreeMap::new();
    for (_, said) in &world.said {
        if let ObjectsSaid::Inner(LogSaid::Chosen { slot, batch }) = said {
            let known = log.entry(*slot).or_insert_with(|| batch.clone());
            assert_eq!(known, batch, "{slot:?}");
        }
    }
    log
}

fn answers(world: &Agents) -> usize {
    let said = world.said.iter();
    said.filter(|(_, said)| matches!(said, ObjectsSaid::Inner(LogSaid::Answer { .. })))
        .count()
}

#[test]
fn a_sole_agent_serves_a_command() {
    let mut world = Agents::new(1);
    world.start(setup(0, 1, replica(0, 1), None));
    world.tell(0, 0, Event::Asked(0, Request::Open));

    assert!(world.run_until(|world| answers(world) == 1));

    let opened = world.said.iter().find_map(|(_, said)| match said {
        ObjectsSaid::Inner(LogSaid::Answer {
            outcome: Outcome::Opened(session),
            ..
        }) => Some(*session),
        _ => None,
    });
    let command = KvCommand::Put { key: 1, value: 2 };
    let request = Request::Run {
        session: opened.unwrap(),
        seq: 1,
        command,
    };
    world.tell(0, 0, Event::Asked(1, request));
    assert!(world.run_until(|world| answers(world) == 2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn every_slot_is_decided_once_whatever_dies_and_is_late(seed: u64) {
        const AGENTS: u16 = 3;
        let mut world = Agents::new(seed);
        for me in 0..AGENTS {
            world.start(setup(me, AGENTS, replica(me, AGENTS), None));
        }
        let harm = world.dice.below(20);
        let mut asked = 0;
        let mut lives = [0; AGENTS as usize];
        for _ in 0..4000 {
            world.step(harm);
            match world.dice.below(400) {
                0 => {
                    let victim = world.dice.below(u64::from(AGENTS)) as usize;
                    world.restart(victim);
                    lives[victim] += 1;
                }
                1..10 => {
                    let by = world.dice.below(u64::from(AGENTS)) as usize;
                    world.tell(by, lives[by], Event::Asked(asked, Request::Open));
                    asked += 1;
                }
                _ => {}
            }
        }
        chosen(&world);
    }
}
