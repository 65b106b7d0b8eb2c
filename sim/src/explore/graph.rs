//! The graph of all reachable states: who follows whom, by which move.

use std::ops::Range;

use hashbrown::HashTable;

use super::{moves::Move, table::hash_of};

/// All states reached, as numbers from 0 in breadth-first order, and the moves between them.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    /// Numbers that make up a state.
    width: usize,
    keys: Vec<u32>,
    index: HashTable<u32>,
    /// Where each state's moves begin.
    first: Vec<u64>,
    targets: Vec<u32>,
    moves: Vec<u32>,
    /// The state from which each state was reached first; the initial one from itself.
    parents: Vec<u32>,
    /// Where each depth begins.
    levels: Vec<u32>,
}

impl Graph {
    pub(super) fn new(initial: &[u32]) -> Self {
        let mut graph = Self {
            width: initial.len(),
            levels: vec![0],
            ..Self::default()
        };
        graph.state(initial, 0);
        graph
    }

    /// The number of a state, a new one if it is new.
    pub(super) fn state(&mut self, key: &[u32], parent: u32) -> u32 {
        let (width, keys) = (self.width, &self.keys);
        let at = |id: u32| &keys[id as usize * width..(id as usize + 1) * width];
        let hash = hash_of(&key);
        if let Some(&id) = self.index.find(hash, |&id| at(id) == key) {
            return id;
        }
        let id = self.parents.len() as u32;
        self.keys.extend_from_slice(key);
        self.parents.push(parent);
        let keys = &self.keys;
        self.index.insert_unique(hash, id, |&id| {
            hash_of(&&keys[id as usize * width..(id as usize + 1) * width])
        });
        id
    }

    /// The number of a state, if it was reached.
    pub(super) fn find(&self, key: &[u32]) -> Option<u32> {
        self.index
            .find(hash_of(&key), |&id| self.key(id) == key)
            .copied()
    }

    /// The states numbered next are one move further from the initial one.
    pub(super) fn begin_level(&mut self) {
        self.levels.push(self.parents.len() as u32);
    }

    /// The moves noted next are those of the state after the last one.
    pub(super) fn begin_moves(&mut self) {
        self.first.push(self.targets.len() as u64);
    }

    pub(super) fn add_move(&mut self, taken: Move, target: u32) {
        self.targets.push(target);
        self.moves.push(taken.pack());
    }

    pub(super) const fn states(&self) -> usize {
        self.parents.len()
    }

    pub(super) const fn transitions(&self) -> usize {
        self.targets.len()
    }

    /// The greatest number of moves that some state needs.
    pub(super) fn depth(&self) -> usize {
        let last = self.states() as u32;
        self.levels.partition_point(|&first| first < last) - 1
    }

    /// How many moves a state is from the initial one.
    pub(super) fn depth_of(&self, state: u32) -> usize {
        self.levels.partition_point(|&first| first <= state) - 1
    }

    pub(super) fn key(&self, state: u32) -> &[u32] {
        let from = state as usize * self.width;
        &self.keys[from..from + self.width]
    }

    fn range(&self, state: u32) -> Range<usize> {
        let from = self.first.get(state as usize).copied();
        let to = self.first.get(state as usize + 1).copied();
        let end = self.targets.len() as u64;
        from.unwrap_or(end) as usize..to.unwrap_or(end) as usize
    }

    /// The states that follow a state, one for each move.
    pub(super) fn successors(&self, state: u32) -> &[u32] {
        &self.targets[self.range(state)]
    }

    /// The moves from a state and where they lead.
    pub(super) fn moves(&self, state: u32) -> impl Iterator<Item = (Move, u32)> {
        let range = self.range(state);
        let moves = self.moves[range.clone()].iter();
        moves
            .map(|&bits| Move::unpack(bits))
            .zip(self.targets[range].iter().copied())
    }

    /// Like [`Graph::moves`], with the moves packed.
    pub(super) fn packed_moves(&self, state: u32) -> impl Iterator<Item = (u32, u32)> {
        let range = self.range(state);
        let moves = self.moves[range.clone()].iter().copied();
        moves.zip(self.targets[range].iter().copied())
    }

    /// A shortest way from the initial state to a state.
    pub(super) fn path_to(&self, state: u32) -> Vec<Move> {
        let mut path = Vec::new();
        let mut at = state;
        while at != 0 {
            let parent = self.parents[at as usize];
            let step = self.moves(parent).find(|&(_, target)| target == at);
            let Some((taken, _)) = step else {
                unreachable!("a state's parent leads to it");
            };
            path.push(taken);
            at = parent;
        }
        path.reverse();
        path
    }

    /// Bytes that it occupies, about.
    pub(super) fn bytes(&self) -> usize {
        4 * self.keys.capacity()
            + 5 * self.index.capacity()
            + 8 * self.first.capacity()
            + 4 * (self.targets.capacity() + self.moves.capacity())
            + 4 * self.parents.capacity()
    }
}
