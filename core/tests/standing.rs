//! Who stands to lead reads where his promise is written; a store that has it may be gone by then.
#![cfg(test)]

use std::collections::VecDeque;

use bivalent_core::{
    AgentId, Ask, Envelope, Heartbeat, Kv, Replica, ReplicaConfig, ReplicaEffect, Standing,
    StoreId, Told,
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
    let config = ReplicaConfig::new(AgentId(1), 2, Envelope::majority(3).unwrap(), heartbeat);
    let mut asked: VecDeque<ReplicaEffect<Map>> = VecDeque::new();
    let mut replica = Replica::start(config, Map::new(), &mut |effect| asked.push_back(effect));
    let mut refused = false;

    for _ in 0..MANY {
        if replica.standing() == Standing::Leading {
            return;
        }
        let Some(effect) = asked.pop_front() else {
            panic!("{:?}, and waits for nothing", replica.standing());
        };
        let mut out = |effect| asked.push_back(effect);
        match effect {
            ReplicaEffect::Wake { timer, .. } => replica.woke(timer, &mut out),
            // The second store takes the promise and is never heard of again.
            ReplicaEffect::Ask { op, store, ask, .. } if store == StoreId(1) => match ask {
                Ask::WriteHead { .. } => replica.told(op, store, Told::Wrote, &mut out),
                Ask::WriteVote(_)
                | Ask::WriteSnapshot { .. }
                | Ask::Drop { .. }
                | Ask::ReadHeads
                | Ask::Scan { .. }
                | Ask::ReadSnapshot { .. } => replica.timed_out(op, &mut out),
            },
            // The third one refuses it, once both others have it.
            ReplicaEffect::Ask {
                op,
                store: StoreId(2),
                ask: Ask::WriteHead { .. },
                ..
            } if !refused => {
                refused = true;
                replica.timed_out(op, &mut out);
            }
            ReplicaEffect::Ask { op, store, ask, .. } => {
                let told = match ask {
                    Ask::ReadHeads => Told::Heads(&[]),
                    Ask::Scan { .. } => Told::Scanned {
                        votes: &[],
                        heads: &[],
                    },
                    Ask::ReadSnapshot { .. } => Told::Snapshot(None),
                    Ask::WriteHead { .. }
                    | Ask::WriteVote(_)
                    | Ask::WriteSnapshot { .. }
                    | Ask::Drop { .. } => Told::Wrote,
                };
                replica.told(op, store, told, &mut out);
            }
            ReplicaEffect::Answer { .. }
            | ReplicaEffect::Chosen { .. }
            | ReplicaEffect::Applied { .. }
            | ReplicaEffect::Installed { .. }
            | ReplicaEffect::Leads { .. }
            | ReplicaEffect::Follows { .. } => {}
        }
    }
    panic!("{:?} after {MANY} operations", replica.standing());
}
