//! The calls of one key, laid out for the search: items by invocation, stages by answer, slots for what is open.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::machine::Steps;
use super::search::Depth;
use super::sweep::Sweep;
use super::{Budget, Model, Op, Search};

/// More calls than this that are open at once are not searched.
const SLOTS_MAX: usize = 64 * 64;

/// What a call does to the state, whatever the state is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    /// Nothing.
    Look,
    /// Replaces it.
    Overwrite,
    /// Anything.
    Other,
}

/// One call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// Its index in the history.
    pub(super) op: u32,
    /// Calls with the same number change states in the same way.
    pub(super) like: u32,
    /// The place that it has in the bit sets while it is open.
    pub(super) slot: u32,
    /// The stage at whose end it is answered; `u32::MAX`: it never is.
    pub(super) deadline: u32,
    pub(super) role: Role,
    /// Its answer is known.
    pub(super) answered: bool,
}

/// The time from one answer to the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stage {
    /// The item after the last one that is invoked until then.
    pub(super) upto: u32,
    /// Which item is answered at its end.
    pub(super) returning: u32,
}

/// The calls of one key.
pub(super) struct Track {
    /// In the order of their invocations.
    pub(super) items: Vec<Item>,
    /// In the order of their answers.
    pub(super) stages: Vec<Stage>,
    /// How many slots are needed.
    slots: usize,
}

impl Track {
    /// Lays out the calls with these indexes. Those that are `relaxed` may take effect at any time or never.
    pub(super) fn new<M: Model>(
        model: &M,
        ops: &[Op<M::Call, M::Answer>],
        calls: &[u32],
        relaxed: impl Fn(u32) -> bool,
    ) -> Self {
        let mut likes: HashMap<u64, u32, FxBuildHasher> = HashMap::default();
        let mut like = 0_u32;
        let mut number = |likeness: Option<u64>| {
            let number = likeness.map_or(like, |one| *likes.entry(one).or_insert(like));
            like += u32::from(number == like);
            number
        };
        let mut timed = Vec::with_capacity(calls.len());
        for &op in calls {
            let Op {
                call,
                answer,
                invoked,
                answered,
                ..
            } = &ops[op as usize];
            let relaxed = relaxed(op);
            let answer = answer.as_ref().filter(|_| !relaxed);
            let role = match answer {
                Some(answer) if model.changes_nothing(call, answer) => Role::Look,
                None if model.is_read(call) => continue,
                _ if model.overwrites(call, answer) => Role::Overwrite,
                _ => Role::Other,
            };
            let item = Item {
                op,
                like: number(model.likeness(call, answer)),
                slot: 0,
                deadline: u32::MAX,
                role,
                answered: answer.is_some(),
            };
            timed.push((if relaxed { 0 } else { *invoked }, *answered, item));
        }
        if !timed.is_sorted_by_key(|(invoked, ..)| *invoked) {
            timed.sort_by_key(|(invoked, ..)| *invoked);
        }
        Self::lay_out(&timed)
    }

    /// Finds the stages and hands out slots, the lowest free one first.
    fn lay_out(timed: &[(u64, u64, Item)]) -> Self {
        let mut items: Vec<Item> = timed.iter().map(|(_, _, item)| *item).collect();
        let mut answers: Vec<(u64, u32)> = (0..)
            .zip(timed)
            .filter(|(_, (_, _, item))| item.answered)
            .map(|(number, (_, answered, _))| (*answered, number))
            .collect();
        answers.sort_unstable();
        let mut stages = Vec::with_capacity(answers.len());
        let mut free = BinaryHeap::new();
        let (mut slots, mut upto) = (0, 0);
        for (stage, &(answered, returning)) in (0..).zip(&answers) {
            // An item is there when it is answered, even if its times are the wrong way round.
            while upto < items.len() && (timed[upto].0 < answered || upto <= returning as usize) {
                let Reverse(slot) = free.pop().unwrap_or_else(|| {
                    slots += 1;
                    Reverse(slots - 1)
                });
                items[upto].slot = slot;
                upto += 1;
            }
            let item = &mut items[returning as usize];
            item.deadline = stage;
            free.push(Reverse(item.slot));
            stages.push(Stage {
                upto: upto as u32,
                returning,
            });
        }
        Self {
            items,
            stages,
            slots: slots as usize,
        }
    }

    /// The items that are invoked in a stage.
    pub(super) fn arrivals(&self, stage: usize) -> std::ops::Range<u32> {
        let from = stage
            .checked_sub(1)
            .map_or(0, |before| self.stages[before].upto);
        from..self.stages[stage].upto
    }

    /// Searches stage by stage, keeping all configurations of one stage.
    pub(super) fn sweep(&self, steps: &mut dyn Steps, budget: &mut Budget<'_>) -> Search {
        match self.slots {
            0..=64 => Sweep::<1>::new(self).run(steps, budget),
            65..=128 => Sweep::<2>::new(self).run(steps, budget),
            129..=512 => Sweep::<8>::new(self).run(steps, budget),
            513..=SLOTS_MAX => Sweep::<64>::new(self).run(steps, budget),
            _ => Search::TooMany,
        }
    }

    /// Searches in depth, remembering the configurations that led nowhere.
    pub(super) fn search(&self, steps: &mut dyn Steps, budget: &mut Budget<'_>) -> Search {
        match self.slots {
            0..=64 => Depth::<1>::new(self).run(steps, budget),
            65..=128 => Depth::<2>::new(self).run(steps, budget),
            129..=512 => Depth::<8>::new(self).run(steps, budget),
            513..=SLOTS_MAX => Depth::<64>::new(self).run(steps, budget),
            _ => Search::TooMany,
        }
    }
}
