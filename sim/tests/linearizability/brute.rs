//! The definition, tried out: every order of the calls, all keys together, nothing clever.

use std::collections::BTreeMap;

use bivalent_sim::judge::linear::{Model, Op};

/// Whether there is a legal order. Only for a handful of calls.
pub(crate) fn is_linearizable<M: Model>(model: &M, ops: &[Op<M::Call, M::Answer>]) -> bool {
    let mut left: Vec<usize> = (0..ops.len()).collect();
    extend(model, ops, &mut left, &BTreeMap::new())
}

fn extend<M: Model>(
    model: &M,
    ops: &[Op<M::Call, M::Answer>],
    left: &mut Vec<usize>,
    states: &BTreeMap<u64, M::State>,
) -> bool {
    if left.iter().all(|&op| ops[op].answer.is_none()) {
        return true;
    }
    let answered = |&op: &usize| ops[op].answer.as_ref().map(|_| ops[op].answered);
    let first_answer = left.iter().filter_map(answered).min().unwrap_or(u64::MAX);
    for at in 0..left.len() {
        let op = left[at];
        if ops[op].invoked > first_answer {
            continue; // Another call was over before this one was made.
        }
        let Op { call, answer, .. } = &ops[op];
        let key = model.key(call);
        let state = states.get(&key).cloned().unwrap_or_else(|| model.initial());
        if let Some(next) = model.step(&state, call, answer.as_ref()) {
            let mut states = states.clone();
            states.insert(key, next);
            left.remove(at);
            let found = extend(model, ops, left, &states);
            left.insert(at, op);
            if found {
                return true;
            }
        }
    }
    false
}

/// Whether these calls, in this order, are allowed and respect real time among themselves.
pub(crate) fn is_legal<M: Model>(
    model: &M,
    ops: &[Op<M::Call, M::Answer>],
    order: &[usize],
) -> bool {
    let mut state = model.initial();
    for (at, &op) in order.iter().enumerate() {
        let Op { call, answer, .. } = &ops[op];
        let over =
            |op: &Op<M::Call, M::Answer>| op.answer.as_ref().map_or(u64::MAX, |_| op.answered);
        let late = |&later: &usize| over(&ops[later]) < ops[op].invoked;
        if order[at + 1..].iter().any(late) {
            return false;
        }
        match model.step(&state, call, answer.as_ref()) {
            Some(next) => state = next,
            None => return false,
        }
    }
    true
}
