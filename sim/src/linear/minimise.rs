//! Which calls of a history that is not linearizable matter.
//!
//! Leaving a write out would make every read of it impossible, which explains nothing. So a call is not
//! left out but *relaxed*: it may take effect at any time, or never, and what it answered is forgotten.
//! Calls that have no legal order however the relaxed ones fall are what is wrong with the history.

use super::machine::Machine;
use super::track::Track;
use super::{Budget, Model, Op, Search, Stuck};

/// Steps that are spent on this at most.
const STEPS_MAX: u64 = 4_000_000;

/// The calls that can't be relaxed, by their time of invocation.
pub(super) fn minimise<M: Model>(
    model: &M,
    ops: &[Op<M::Call, M::Answer>],
    stuck: &Stuck,
    budget: &mut Budget<'_>,
) -> Vec<usize> {
    let ends = ops[stuck.call].answered;
    // What was called after the stuck call's answer can't help it.
    let mut calls = stuck.calls.clone();
    calls.retain(|&call| ops[call as usize].invoked < ends);
    calls.sort_by_key(|&call| ops[call as usize].invoked);
    let allowed = budget.steps.min(STEPS_MAX);
    let mut rest = Budget {
        steps: allowed,
        go_on: budget.go_on,
    };
    let mut kept: Vec<bool> = vec![false; ops.len()];
    for &call in &calls {
        kept[call as usize] = true;
    }
    // Unanswered calls are relaxed already, but for the time of their invocation.
    let mut core = calls.clone();
    let mut chunk = core.len().div_ceil(2);
    while chunk > 0 && rest.steps > 0 {
        let mut smaller = false;
        let mut at = 0;
        while at < core.len() && rest.steps > 0 {
            let upto = core.len().min(at + chunk);
            for &call in &core[at..upto] {
                kept[call as usize] = false;
            }
            let track = Track::new(model, ops, &calls, |call| !kept[call as usize]);
            let search = track.sweep(&mut Machine::new(model, ops), &mut rest);
            if let Search::Stuck { .. } = search {
                core.drain(at..upto);
                smaller = true;
            } else {
                for &call in &core[at..upto] {
                    kept[call as usize] = true;
                }
                at = upto;
            }
        }
        if chunk > 1 {
            chunk = chunk.div_ceil(2).min(core.len().div_ceil(2));
        } else if !smaller {
            break;
        }
    }
    budget.steps -= allowed - rest.steps.min(allowed);
    core.iter().map(|&call| call as usize).collect()
}
