//! Which relaxed calls can be of any use to the calls that are not: without the others, proofs are short.

use super::machine::{INITIAL, Machine, NOWHERE, Steps};
use super::track::{Item, Role, Track};
use super::{Model, Op};

/// With more steps to try than this, all relaxed calls are taken to be of use.
const STEPS_MAX: usize = 6_000_000;

/// The states that relaxed calls can bring about, in all.
pub(super) struct Relevance<'a, M: Model> {
    machine: Machine<'a, M>,
    /// All calls, relaxed, and where overwrites lead. Reads are not among them.
    relaxed: Vec<(Item, u32)>,
    /// All calls that were answered, as they are.
    answered: Vec<Item>,
    /// A state, the state to which a relaxed call leads from it, and the call.
    steps: Vec<(u32, u32, u32)>,
}

impl<'a, M: Model> Relevance<'a, M> {
    /// `None`: there are too many states.
    pub(super) fn new(
        model: &'a M,
        ops: &'a [Op<M::Call, M::Answer>],
        calls: &[u32],
    ) -> Option<Self> {
        let mut machine = Machine::new(model, ops);
        // A register has a state for each write; more states are those of another kind of object.
        let states_max = 2 * calls.len() + 16;
        let items = Track::new(model, ops, calls, |_| false).items;
        let mut relaxed = Vec::new();
        for item in &items {
            let Op { call, .. } = &ops[item.op as usize];
            if !model.is_read(call) {
                let role = if model.overwrites(call, None) {
                    Role::Overwrite
                } else {
                    Role::Other
                };
                let item = Item {
                    // With its answer it may be like other calls than without: here each is its own kind.
                    like: item.op,
                    answered: false,
                    role,
                    ..*item
                };
                relaxed.push((item, INITIAL));
            }
        }
        let mut answered: Vec<Item> = items.into_iter().filter(|item| item.answered).collect();
        for item in &mut answered {
            item.like = item.op;
        }
        for (item, to) in &mut relaxed {
            if item.role == Role::Overwrite {
                *to = machine.step(item, INITIAL);
            }
        }
        let mut steps = Vec::new();
        let (mut state, mut tried) = (0, 0);
        while state < machine.states() {
            for (item, _) in relaxed.iter().filter(|(item, _)| item.role == Role::Other) {
                let to = machine.try_step(item, state as u32);
                if to != NOWHERE && to != state as u32 {
                    steps.push((state as u32, to, item.op));
                }
                tried += 1;
            }
            state += 1;
            if machine.states() > states_max || tried > STEPS_MAX {
                return None;
            }
        }
        Some(Self {
            machine,
            relaxed,
            answered,
            steps,
        })
    }

    /// Marks the calls that have to be looked at if `kept` are not relaxed: those, the relaxed ones that
    /// can bring about a state in which one of those is allowed, and a few that others can hide behind.
    pub(super) fn mark(&mut self, kept: &[bool], marked: &mut [bool]) {
        let mut relevant = vec![false; self.machine.states()];
        let mut behind = 1;
        for item in self.answered.iter().filter(|item| kept[item.op as usize]) {
            behind += 1;
            if item.role != Role::Overwrite {
                for (state, relevant) in (0..).zip(&mut relevant) {
                    *relevant |= self.machine.step(item, state) != NOWHERE;
                }
            }
        }
        loop {
            let before = relevant.iter().filter(|&&one| one).count();
            for &(from, to, _) in &self.steps {
                relevant[from as usize] |= relevant[to as usize];
            }
            if relevant.iter().filter(|&&one| one).count() == before {
                break;
            }
        }
        marked.copy_from_slice(kept);
        for &(_, to, op) in &self.steps {
            marked[op as usize] |= relevant[to as usize];
        }
        for (item, to) in &self.relaxed {
            if item.role == Role::Overwrite && !marked[item.op as usize] {
                let hides = !relevant[*to as usize] && behind > 0;
                behind -= u32::from(hides);
                marked[item.op as usize] = relevant[*to as usize] || hides;
            }
        }
    }
}
