//! Truncated logs: a vote below the floor that lands again is nobody's decision.
#![cfg(test)]

use std::sync::Arc;

use bivalent_core::{
    Agent, AgentId, Ballot, Collected, Envelope, Event, Head, HeadRead, Heartbeat, Incarnation, Kv,
    KvCommand, LogOp, LogReply, LogSaid, Replica, ReplicaConfig, ReplicaSetup, Slot, SlotVote,
    Snapshot, SnapshotName, Standing, StateMachine, StoreId, Timer, Version, Want, Wanted,
};

type Map = Kv<char, u8>;

const A1: AgentId = AgentId(0);
const A2: AgentId = AgentId(1);
const FLOOR: SnapshotName = SnapshotName {
    slot: Slot(5),
    agent: A1,
    incarnation: Incarnation(0),
};

fn setup() -> ReplicaSetup<Map> {
    let heartbeat = Heartbeat {
        every: 10,
        patience: 1,
        spread: 10,
    };
    ReplicaSetup {
        config: ReplicaConfig::new(A2, 2, Envelope::majority(3).unwrap(), heartbeat),
        machine: Map::new(),
    }
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
    port: &mut Collected<Replica<Map>>,
) -> Vec<Wanted<Replica<Map>>> {
    let mut rest = Vec::new();
    loop {
        let wanted = port.take();
        if wanted.is_empty() {
            return rest;
        }
        for wanted in wanted {
            let Want::Ask { store, tag, op, .. } = &wanted else {
                rest.push(wanted);
                continue;
            };
            let heads = if *store == StoreId(0) {
                vec![]
            } else {
                vec![cut()]
            };
            let reply = match op {
                LogOp::WriteHead { .. } => LogReply::Written,
                LogOp::ReadHeads => LogReply::Heads(heads),
                LogOp::Scan { .. } => LogReply::Scanned {
                    votes: vec![landed_again(1)],
                    heads,
                },
                LogOp::ReadSnapshot { name } => {
                    assert_eq!(*name, FLOOR);
                    LogReply::Snapshot((*store == StoreId(2)).then(snapshot))
                }
                LogOp::WriteVote(_) | LogOp::WriteSnapshot { .. } | LogOp::Drop { .. } => {
                    rest.push(wanted);
                    continue;
                }
            };
            replica.on(Event::Replied(*store, *tag, &reply), port);
        }
    }
}

/// The slots that it takes for decided or wants to have decided.
fn chosen_or_voted(wanted: &[Wanted<Replica<Map>>]) -> Vec<Slot> {
    let mut slots = Vec::new();
    for wanted in wanted {
        if let Want::Say(LogSaid::Chosen { slot, .. }) = wanted {
            slots.push(*slot);
        } else if let Want::Ask { op, .. } = wanted
            && let LogOp::WriteVote(vote) = op
        {
            slots.push(vote.slot);
        }
    }
    slots
}

#[test]
fn who_recovers_takes_the_snapshot_and_not_the_vote_below_it() {
    let mut port = Collected::new(A2, Incarnation(1));
    let mut replica = Replica::start(&setup(), Incarnation(1), &mut port);

    let rest = serve(&mut replica, &mut port);

    assert_eq!(replica.applied(), FLOOR.slot);
    assert_eq!(replica.machine(), &Map::restore(&snapshot().machine));
    assert_eq!(chosen_or_voted(&rest), []);
}

#[test]
fn who_begins_to_lead_does_not_propose_the_vote_again() {
    let mut port = Collected::new(A2, Incarnation(0));
    let mut replica = Replica::start(&setup(), Incarnation(0), &mut port);
    // Nobody is heard of, so it stands.
    for timer in [Timer::Tick, Timer::Tick, Timer::Tick, Timer::Stand] {
        port.wanted.clear();
        replica.on(Event::Woke(timer), &mut port);
    }
    assert_eq!(replica.standing(), Standing::Standing);

    // Its ballot turns out too low, and then, on the next attempt, high enough.
    let mut rest = serve(&mut replica, &mut port);
    for timer in [Timer::Tick; 4].into_iter().chain([Timer::Stand]) {
        replica.on(Event::Woke(timer), &mut port);
        rest.extend(serve(&mut replica, &mut port));
    }

    assert_eq!(replica.standing(), Standing::Leading);
    assert_eq!(replica.applied(), FLOOR.slot);
    let from = rest.iter().find_map(|wanted| {
        if let Want::Say(LogSaid::Leads { from, .. }) = wanted {
            Some(*from)
        } else {
            None
        }
    });
    assert_eq!(from, Some(FLOOR.slot));
    assert_eq!(chosen_or_voted(&rest), []);
}
