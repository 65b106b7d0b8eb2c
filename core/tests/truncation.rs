//! Truncated logs: a vote below the floor that lands again is nobody's decision.
#![cfg(test)]

use std::sync::Arc;

use bivalent_core::{
    AgentId, Ask, Ballot, Envelope, Head, HeadRead, Heartbeat, Incarnation, Kv, KvCommand, Replica,
    ReplicaConfig, ReplicaEffect, Slot, SlotVote, Snapshot, SnapshotName, Standing, StateMachine,
    StoreId, Timer, Told, Version,
};

type Map = Kv<char, u8>;

const A1: AgentId = AgentId(0);
const A2: AgentId = AgentId(1);
const FLOOR: SnapshotName = SnapshotName {
    slot: Slot(5),
    agent: A1,
    incarnation: Incarnation(0),
};

fn config() -> ReplicaConfig {
    let heartbeat = Heartbeat {
        every: 10,
        patience: 1,
        spread: 10,
    };
    ReplicaConfig::new(A2, 2, Envelope::majority(3).unwrap(), heartbeat)
}

/// The head of a leader that has cut its log.
fn cut() -> HeadRead<Map> {
    HeadRead {
        agent: A1,
        version: Version::new(Incarnation(0), 9),
        head: Arc::new(Head {
            mbal: Some(Ballot::new(2, A1, Incarnation(0))),
            beat: 4,
            decided: Slot(5),
            floor: Some(FLOOR),
            requests: [].into(),
        }),
    }
}

/// A vote that was cast and dropped long ago, and that some store has just been given once more.
fn landed_again(slot: u64) -> SlotVote<Map> {
    SlotVote {
        slot: Slot(slot),
        bal: Ballot::new(1, A1, Incarnation(0)),
        batch: [].into(),
    }
}

fn snapshot() -> Arc<Snapshot<Map>> {
    let mut machine = Map::new();
    machine.apply(&KvCommand::Put { key: 'k', value: 5 });
    Arc::new(Snapshot {
        slot: FLOOR.slot,
        ballot: cut().head.mbal,
        machine: machine.snapshot(),
        sessions: Vec::new(),
    })
}

/// Answers all that is asked as three stores would of which one has no news of the floor and all
/// have the old vote; returns what else the replica wanted.
fn serve(
    replica: &mut Replica<Map>,
    mut asked: Vec<ReplicaEffect<Map>>,
) -> Vec<ReplicaEffect<Map>> {
    let mut said = Vec::new();
    while !asked.is_empty() {
        let mut next = Vec::new();
        for effect in asked {
            let ReplicaEffect::Ask { op, store, ask, .. } = effect else {
                said.push(effect);
                continue;
            };
            let heads = if store == StoreId(0) {
                vec![]
            } else {
                vec![cut()]
            };
            let snapshot = (store == StoreId(2)).then(snapshot);
            let votes = [landed_again(1)];
            let told = match ask {
                Ask::WriteHead { .. } => Told::Wrote,
                Ask::ReadHeads => Told::Heads(&heads),
                Ask::Scan { .. } => Told::Scanned {
                    votes: &votes,
                    heads: &heads,
                },
                Ask::ReadSnapshot { name } => {
                    assert_eq!(name, FLOOR);
                    Told::Snapshot(snapshot.as_ref())
                }
                Ask::WriteVote(_) | Ask::WriteSnapshot { .. } | Ask::Drop { .. } => {
                    said.push(ReplicaEffect::Ask {
                        op,
                        store,
                        ask,
                        attempt: 0,
                    });
                    continue;
                }
            };
            replica.told(op, store, told, &mut |effect| next.push(effect));
        }
        asked = next;
    }
    said
}

/// The slots that it takes for decided or wants to have decided.
fn chosen_or_voted(said: &[ReplicaEffect<Map>]) -> Vec<Slot> {
    let mut slots = Vec::new();
    for effect in said {
        if let ReplicaEffect::Chosen { slot, .. } = effect {
            slots.push(*slot);
        } else if let ReplicaEffect::Ask { ask, .. } = effect
            && let Ask::WriteVote(vote) = ask
        {
            slots.push(vote.slot);
        }
    }
    slots
}

#[test]
fn who_recovers_takes_the_snapshot_and_not_the_vote_below_it() {
    let mut asked = Vec::new();
    let config = config().incarnation(Incarnation(1));
    let mut replica = Replica::recover(config, Map::new(), &mut |effect| asked.push(effect));

    let said = serve(&mut replica, asked);

    assert_eq!(replica.applied(), FLOOR.slot);
    assert_eq!(replica.machine(), &Map::restore(&snapshot().machine));
    assert_eq!(chosen_or_voted(&said), []);
}

#[test]
fn who_begins_to_lead_does_not_propose_the_vote_again() {
    let mut asked = Vec::new();
    let mut replica = Replica::start(config(), Map::new(), &mut |effect| asked.push(effect));
    // Nobody is heard of, so it stands.
    for timer in [Timer::Tick, Timer::Tick, Timer::Tick, Timer::Stand] {
        asked.clear();
        replica.woke(timer, &mut |effect| asked.push(effect));
    }
    assert_eq!(replica.standing(), Standing::Standing);

    // Its ballot turns out too low, and then, on the next attempt, high enough.
    let mut said = serve(&mut replica, asked);
    for timer in [Timer::Tick; 4].into_iter().chain([Timer::Stand]) {
        let mut asked = Vec::new();
        replica.woke(timer, &mut |effect| asked.push(effect));
        said.extend(serve(&mut replica, asked));
    }

    assert_eq!(replica.standing(), Standing::Leading);
    assert_eq!(replica.applied(), FLOOR.slot);
    let from = said.iter().find_map(|effect| match effect {
        ReplicaEffect::Leads { from, .. } => Some(*from),
        ReplicaEffect::Ask { .. }
        | ReplicaEffect::Wake { .. }
        | ReplicaEffect::Answer { .. }
        | ReplicaEffect::Chosen { .. }
        | ReplicaEffect::Applied { .. }
        | ReplicaEffect::Installed { .. }
        | ReplicaEffect::Follows { .. } => None,
    });
    assert_eq!(from, Some(FLOOR.slot));
    assert_eq!(chosen_or_voted(&said), []);
}
