//! What clients saw, and whether it is linearizable.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex},
};

use bivalent_core::{KvAnswer, KvCommand, KvQuery};
use bivalent_sim::judge::linear::{
    Budget, Judgement, Op, check,
    models::{Act, Answer, Call, Kv, Texts},
};

/// Steps that the judge may take for one history.
const STEPS: u64 = 50_000_000;

/// The calls of all clients, in the order in which they were made.
#[derive(Clone, Debug, Default)]
pub(crate) struct History(Arc<Mutex<Calls>>);

#[derive(Debug, Default)]
struct Calls {
    time: u64,
    ops: Vec<Op<Call, Answer>>,
}

/// A call that was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made(usize);

impl History {
    pub(crate) fn call(&self, client: u32, call: Call) -> Made {
        let mut calls = self.0.lock().unwrap();
        calls.time += 1;
        let invoked = calls.time;
        calls.ops.push(Op {
            client,
            call,
            answer: None,
            invoked,
            answered: u64::MAX,
        });
        Made(calls.ops.len() - 1)
    }

    pub(crate) fn answer(&self, made: Made, answer: Answer) {
        let mut calls = self.0.lock().unwrap();
        calls.time += 1;
        let answered = calls.time;
        let op = &mut calls.ops[made.0];
        op.answer = Some(answer);
        op.answered = answered;
    }

    /// How many calls were answered.
    pub(crate) fn answered(&self) -> usize {
        let calls = self.0.lock().unwrap();
        calls.ops.iter().filter(|op| op.answer.is_some()).count()
    }

    /// A checksum of it all.
    pub(crate) fn digest(&self) -> u64 {
        digest(&format!("{:?}", self.0.lock().unwrap().ops))
    }

    /// Says what is wrong with it, if something is.
    pub(crate) fn judge(&self) -> Result<(), String> {
        let calls = self.0.lock().unwrap();
        let texts = Texts::default();
        let model = Kv { texts: &texts };
        match check(&model, &calls.ops, &mut Budget::of(STEPS)) {
            Judgement::Linearizable => Ok(()),
            Judgement::Unknown => Err("the judge gave up".to_owned()),
            Judgement::NotLinearizable(failure) => {
                let calls: Vec<_> = failure.minimal.iter().map(|&at| &calls.ops[at]).collect();
                Err(format!("not linearizable: {calls:?}"))
            }
        }
    }
}

/// A checksum that is the same in every process.
pub(crate) fn digest(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// The machine's form of a call.
pub(crate) enum Asked {
    Command(KvCommand<u32, u32>),
    Query(KvQuery<u32>),
}

pub(crate) fn asked(call: Call) -> Asked {
    let key = call.key;
    match call.act {
        Act::Get => Asked::Query(KvQuery::Get { key }),
        Act::Put(value) | Act::Append(value) => Asked::Command(KvCommand::Put { key, value }),
        Act::Del => Asked::Command(KvCommand::Delete { key }),
        Act::Cas(from, to) => Asked::Command(KvCommand::Swap {
            key,
            from: Some(from),
            to,
        }),
    }
}

pub(crate) fn answer(answer: &KvAnswer<u32>) -> Answer {
    match *answer {
        KvAnswer::Done => Answer::Done,
        KvAnswer::Swapped(swapped) => Answer::Swapped(swapped),
        KvAnswer::Value(value) => Answer::Held(value.unwrap_or_default()),
    }
}
