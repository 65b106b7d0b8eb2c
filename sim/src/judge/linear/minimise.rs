//! Which calls of a history that is not linearizable matter.
//!
//! Leaving a write out would make every read of it impossible, which explains nothing. So a call is not
//! left out but *relaxed*: it may take effect at any time, or never, and what it answered is forgotten.
//! Calls that have no legal order however the relaxed ones fall are what is wrong with the history.
//!
//! They are found from below: beginning with the call that has no place, as long as there is an order,
//! the calls that it uses at the wrong time are relaxed no longer. Then each one is tried without.

use super::machine::Machine;
use super::relevance::Relevance;
use super::track::Track;
use super::{Budget, Model, Op, Search, Stuck};

/// Steps that are spent on this at most.
const STEPS_MAX: u64 = 4_000_000;

/// The search for the calls that matter.
struct Minimiser<'a, 'b, M: Model> {
    model: &'a M,
    ops: &'a [Op<M::Call, M::Answer>],
    /// What may matter: calls of one key.
    calls: Vec<u32>,
    relevance: Option<Relevance<'a, M>>,
    /// By index in the history: not relaxed.
    kept: Vec<bool>,
    /// By index in the history: to be looked at.
    marked: Vec<bool>,
    rest: Budget<'b>,
}

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
    calls.retain(|&call| ops[call as usize].invoked < ends || call as usize == stuck.call);
    calls.sort_by_key(|&call| ops[call as usize].invoked);
    let allowed = budget.steps.min(STEPS_MAX);
    let mut minimiser = Minimiser {
        model,
        ops,
        relevance: Relevance::new(model, ops, &calls),
        kept: vec![false; ops.len()],
        marked: vec![false; ops.len()],
        rest: Budget {
            steps: allowed,
            go_on: budget.go_on,
        },
        calls,
    };
    let mut core = minimiser.grow(stuck.call);
    minimiser.shrink(&mut core);
    budget.steps -= allowed - minimiser.rest.steps;
    core.iter().map(|&call| call as usize).collect()
}

impl<M: Model> Minimiser<'_, '_, M> {
    /// Searches an order of what is kept, with the help of what is relaxed.
    fn search(&mut self) -> (Track, Search) {
        let Self {
            model,
            ops,
            calls,
            relevance,
            kept,
            marked,
            rest,
        } = self;
        match relevance {
            Some(relevance) => relevance.mark(kept, marked),
            None => marked.fill(true),
        }
        let looked_at: Vec<u32> = calls
            .iter()
            .copied()
            .filter(|&call| marked[call as usize])
            .collect();
        // Laying out takes time, too.
        rest.spend(1 + calls.len() as u64 / 8);
        let track = Track::new(*model, ops, &looked_at, |call| !kept[call as usize]);
        let search = track.sweep(&mut Machine::new(*model, ops), rest);
        (track, search)
    }

    /// Calls that have no order; all of them if the budget ends.
    fn grow(&mut self, stuck: usize) -> Vec<u32> {
        self.kept[stuck] = true;
        // If nothing else tells which call to keep next, the last ones before the stuck call are.
        let mut by_answer: Vec<u32> = self.calls.clone();
        by_answer.retain(|&call| self.ops[call as usize].answer.is_some());
        by_answer.sort_by_key(|&call| self.ops[call as usize].answered);
        let mut more = 1;
        loop {
            let (track, search) = self.search();
            let (Search::Found(way), true) = (&search, self.rest.steps > 0) else {
                if !matches!(search, Search::Stuck { .. }) {
                    self.kept.fill(false);
                    for &call in &self.calls {
                        self.kept[call as usize] = true;
                    }
                }
                let mut core = self.calls.clone();
                core.retain(|&call| self.kept[call as usize]);
                return core;
            };
            if self.keep_out_of_time(&track, way) {
                continue;
            }
            let mut missing = more;
            while missing > 0
                && let Some(call) = by_answer.pop()
            {
                missing -= u32::from(!self.kept[call as usize]);
                self.kept[call as usize] = true;
            }
            more += more.div_ceil(4);
        }
    }

    /// Keeps the relaxed calls that an order uses when they can't have taken effect; whether there are any.
    fn keep_out_of_time(&mut self, track: &Track, way: &[(usize, u32)]) -> bool {
        let answered = |stage: usize| {
            let item = track.stages[stage].returning;
            self.ops[track.items[item as usize].op as usize].answered
        };
        let mut found = false;
        for &(stage, item) in way {
            let call = track.items[item as usize].op as usize;
            let Op {
                answer,
                invoked,
                answered: end,
                ..
            } = &self.ops[call];
            let late = stage > 0 && answer.is_some() && *end < answered(stage - 1);
            let early = *invoked > answered(stage);
            if !self.kept[call] && (late || early) {
                self.kept[call] = true;
                found = true;
            }
        }
        found
    }

    /// Relaxes again what need not be kept: many at a time, then one at a time.
    fn shrink(&mut self, core: &mut Vec<u32>) {
        let mut chunk = core.len().div_ceil(2);
        while chunk > 0 && self.rest.steps > 0 {
            let mut smaller = false;
            let mut at = 0;
            while at < core.len() && self.rest.steps > 0 {
                let upto = core.len().min(at + chunk);
                for &call in &core[at..upto] {
                    self.kept[call as usize] = false;
                }
                if let (_, Search::Stuck { .. }) = self.search() {
                    core.drain(at..upto);
                    smaller = true;
                } else {
                    for &call in &core[at..upto] {
                        self.kept[call as usize] = true;
                    }
                    at = upto;
                }
            }
            if chunk == 1 && !smaller {
                break;
            }
            chunk = chunk.div_ceil(2).min(core.len().div_ceil(2));
        }
    }
}
