//! Who stands to lead reads where his promise is written; a store that has it may be gone by then.
#![cfg(test)]

use std::collections::VecDeque;

use bivalent_core::{
    Agent, AgentId, Collected, Envelope, Event, Heartbeat, Incarnation, Kv, LogOp, LogReply,
    Replica, ReplicaConfig, ReplicaSetup, Standing, StoreId, Want,
};

type Map = Kv<char, u8>;

/// Operations after which somebody who does not lead never will.
const MANY: usize = 200;

#[test]
fn a_promise_is_written_wherever_it_may_still_be_read() {
    let heartbeat = Heartbeat {
        every: 10,
        patience: 1,
        spread: 10,
    };
    let me = AgentId(1);
    let setup = ReplicaSetup {
        config: ReplicaConfig::new(me, 2, Envelope::majority(3).unwrap(), heartbeat),
        machine: Map::new(),
    };
    let mut port = Collected::new(me, Incarnation(0));
    let mut replica = Replica::start(&setup, Incarnation(0), &mut port);
    let mut asked: VecDeque<_> = port.take().into();
    let mut refused = false;

    for _ in 0..MANY {
        if replica.standing() == Standing::Leading {
            return;
        }
        let Some(wanted) = asked.pop_front() else {
            panic!("{:?}, and waits for nothing", replica.standing());
        };
        match wanted {
            Want::Wake(timer, _) => replica.on(Event::Woke(timer), &mut port),
            Want::Ask { store, tag, op, .. } => {
                let head = matches!(op, LogOp::WriteHead { .. });
                // The second store takes the promise and is never heard of again; the third one refuses it, once
                // both others have it.
                let silent = match store {
                    StoreId(1) => !head,
                    StoreId(2) if head && !refused => {
                        refused = true;
                        true
                    }
                    _ => false,
                };
                let reply = answer(&op);
                let event = if silent {
                    Event::TimedOut(store, tag)
                } else {
                    Event::Replied(store, tag, &reply)
                };
                replica.on(event, &mut port);
            }
            Want::Say(_) => {}
        }
        asked.extend(port.take());
    }
    panic!("{:?} after {MANY} operations", replica.standing());
}

/// What an empty store answers.
fn answer(op: &LogOp<Map>) -> LogReply<Map> {
    match op {
        LogOp::ReadHeads => LogReply::Heads(vec![]),
        LogOp::Scan { .. } => LogReply::Scanned {
            votes: vec![],
            heads: vec![],
        },
        LogOp::ReadSnapshot { .. } => LogReply::Snapshot(None),
        LogOp::WriteHead { .. }
        | LogOp::WriteVote(_)
        | LogOp::WriteSnapshot { .. }
        | LogOp::Drop { .. } => LogReply::Written,
    }
}
