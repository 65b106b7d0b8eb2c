//! Valence: the values that can still be decided from a state, exactly.

use super::{components::Components, graph::Graph, stepper::Tables};

/// The values that can still be decided from each state, as bit sets over the numbers of the values.
#[derive(Clone, Debug)]
pub(super) struct Valences {
    of: Vec<u8>,
}

/// How many states have which valence.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Valence {
    /// States from which only the value `index` can be decided.
    pub univalent: Vec<usize>,
    /// States from which more than one value can be decided: bivalent, or more.
    pub multivalent: usize,
    /// States from which nothing can be decided: wedged.
    pub none: usize,
    /// The numbers of the values that can be decided from the initial state.
    pub initial: Vec<usize>,
    /// Moves from a multivalent state to a univalent one.
    pub decisive: usize,
    /// Multivalent states all of whose moves lead to univalent ones.
    pub critical: usize,
    /// Multivalent states in which somebody has decided: must be none, it is disagreement to come.
    pub decided_multivalent: usize,
}

impl Valences {
    /// Works backwards through the components: what a component can reach is its own decisions and all
    /// that its successors can.
    pub(super) fn new(graph: &Graph, tables: &Tables, values: usize) -> Self {
        assert!(values <= 8, "values are a set of bits");
        let components = Components::new(graph, &|_| true);
        let mut reach = vec![0_u8; components.count()];
        // Moves lead to components of smaller numbers, which are complete by then.
        let mut states: Vec<u32> = (0..graph.states() as u32).collect();
        states.sort_by_key(|&state| components.of(state));
        for state in states {
            let mut set = said(graph, tables, state);
            for &next in graph.successors(state) {
                set |= components.of(next).map_or(0, |next| reach[next]);
            }
            if let Some(own) = components.of(state) {
                reach[own] |= set;
            }
        }
        let of = (0..graph.states() as u32)
            .map(|state| components.of(state).map_or(0, |own| reach[own]))
            .collect();
        Self { of }
    }

    pub(super) fn of(&self, state: u32) -> u8 {
        self.of[state as usize]
    }

    pub(super) fn is_multivalent(&self, state: u32) -> bool {
        self.of(state).count_ones() > 1
    }

    pub(super) fn count(&self, graph: &Graph, tables: &Tables, values: usize) -> Valence {
        let mut valence = Valence {
            univalent: vec![0; values],
            ..Valence::default()
        };
        valence
            .initial
            .extend((0..values).filter(|value| self.of(0) & 1 << value != 0));
        for state in 0..graph.states() as u32 {
            match self.of(state).count_ones() {
                0 => valence.none += 1,
                1 => valence.univalent[self.of(state).trailing_zeros() as usize] += 1,
                _ => {
                    valence.multivalent += 1;
                    let successors = graph.successors(state);
                    let univalent = successors
                        .iter()
                        .filter(|&&next| self.of(next).is_power_of_two())
                        .count();
                    valence.decisive += univalent;
                    if univalent == successors.len() {
                        valence.critical += 1;
                    }
                    if said(graph, tables, state) != 0 {
                        valence.decided_multivalent += 1;
                    }
                }
            }
        }
        valence
    }
}

/// The values that somebody has decided, as bits: value number `v` from 1 is bit `v - 1`.
pub(super) fn said(graph: &Graph, tables: &Tables, state: u32) -> u8 {
    let (agents, _) = tables.shape;
    graph.key(state)[..agents]
        .iter()
        .filter_map(|&part| tables.parts.get(part).part.said)
        .fold(0, |set, value| set | 1 << (value.0 - 1).min(7))
}
