//! A model as numbers: states are numbered as they occur, and each step is asked for once.

use std::hash::BuildHasher;

use hashbrown::{HashMap, HashTable};
use rustc_hash::FxBuildHasher;

use super::track::Item;
use super::{Model, Op};

/// The number of the first state.
pub(super) const INITIAL: u32 = 0;
/// Where a step that is not allowed leads.
pub(super) const NOWHERE: u32 = u32::MAX;

/// What the search knows of a model.
pub(super) trait Steps {
    /// The state to which a call leads, or [`NOWHERE`].
    fn step(&mut self, item: &Item, state: u32) -> u32;

    /// Bytes that are used for what was seen.
    fn bytes(&self) -> usize;
}

/// A model with the states and steps that were seen.
pub(super) struct Machine<'a, M: Model> {
    model: &'a M,
    ops: &'a [Op<M::Call, M::Answer>],
    states: Vec<M::State>,
    index: HashTable<u32>,
    /// By likeness, whether answered, and state.
    steps: HashMap<u64, u32, FxBuildHasher>,
    heap_bytes: usize,
}

impl<'a, M: Model> Machine<'a, M> {
    pub(super) fn new(model: &'a M, ops: &'a [Op<M::Call, M::Answer>]) -> Self {
        let mut machine = Self {
            model,
            ops,
            states: Vec::new(),
            index: HashTable::new(),
            steps: HashMap::default(),
            heap_bytes: 0,
        };
        machine.number(model.initial());
        machine
    }

    /// How many states were seen.
    pub(super) const fn states(&self) -> usize {
        self.states.len()
    }

    /// A step that is not remembered: it is asked for once.
    pub(super) fn try_step(&mut self, item: &Item, state: u32) -> u32 {
        let Op { call, answer, .. } = &self.ops[item.op as usize];
        let answer = answer.as_ref().filter(|_| item.answered);
        self.model
            .step(&self.states[state as usize], call, answer)
            .map_or(NOWHERE, |to| self.number(to))
    }

    /// The number of a state. Equal hashes are not enough: states are compared.
    fn number(&mut self, state: M::State) -> u32 {
        let hash = FxBuildHasher.hash_one(&state);
        let Self { states, index, .. } = self;
        if let Some(&known) = index.find(hash, |&known| states[known as usize] == state) {
            return known;
        }
        let number = states.len() as u32;
        self.heap_bytes += self.model.heap_bytes(&state);
        states.push(state);
        index.insert_unique(hash, number, |&known| {
            FxBuildHasher.hash_one(&states[known as usize])
        });
        number
    }
}

impl<M: Model> Steps for Machine<'_, M> {
    fn step(&mut self, item: &Item, state: u32) -> u32 {
        let kind = u64::from(item.like) << 1 | u64::from(item.answered);
        let key = kind << 32 | u64::from(state);
        if let Some(&to) = self.steps.get(&key) {
            return to;
        }
        let to = self.try_step(item, state);
        self.steps.insert(key, to);
        to
    }

    fn bytes(&self) -> usize {
        let state = size_of::<M::State>() + size_of::<u64>();
        self.heap_bytes + self.states.len() * state + self.steps.capacity() * size_of::<[u64; 2]>()
    }
}
