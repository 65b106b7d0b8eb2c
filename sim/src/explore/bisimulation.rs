//! Bisimulation classes: states that nobody could tell apart by what the agents do and decide.
//!
//! A move is labelled with its agent and store (and with a crash, a restart or a tear, which are none
//! of an operation's business), a state shows who has decided what. Partition refinement to a fixed
//! point, as Kanellakis and Smolka 1990 have it in its plain form. The number of classes does not
//! depend on how an explorer lays its states out, which makes it the first thing to compare.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::{graph::Graph, moves::Act, moves::Move, stepper::Tables, valence::Valences};

/// How many classes of states there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Classes {
    /// All classes.
    pub all: usize,
    /// Those of multivalent states.
    pub multivalent: usize,
}

/// The class of each state, by number.
#[derive(Clone, Debug)]
pub(super) struct Partition {
    pub(super) of: Vec<u32>,
    pub(super) count: usize,
}

impl Partition {
    pub(super) fn classes(&self, valences: &Valences) -> Classes {
        let mut multivalent = vec![false; self.count];
        for (state, &class) in self.of.iter().enumerate() {
            multivalent[class as usize] |= valences.is_multivalent(state as u32);
        }
        Classes {
            all: self.count,
            multivalent: multivalent.into_iter().filter(|&it| it).count(),
        }
    }
}

/// The coarsest partition whose classes agree in what they show and where their moves lead.
pub(super) fn partition(graph: &Graph, tables: &Tables) -> Partition {
    let states = graph.states() as u32;
    let mut of: Vec<u32> = Vec::with_capacity(states as usize);
    let mut numbers: HashMap<Vec<u64>, u32, FxBuildHasher> = HashMap::default();
    let mut signature = Vec::new();
    for state in 0..states {
        signature.clear();
        observe(graph, tables, state, &mut signature);
        of.push(number(&mut numbers, &signature));
    }
    let mut count = numbers.len();
    loop {
        numbers.clear();
        let mut finer = Vec::with_capacity(of.len());
        for state in 0..states {
            signature.clear();
            for (bits, target) in graph.packed_moves(state) {
                let class = u64::from(of[target as usize]);
                signature.push(u64::from(label(bits)) << 32 | class);
            }
            signature.sort_unstable();
            signature.dedup();
            signature.push(u64::from(of[state as usize]));
            finer.push(number(&mut numbers, &signature));
        }
        let now = numbers.len();
        of = finer;
        if now == count {
            break;
        }
        count = now;
    }
    Partition { of, count }
}

fn number(numbers: &mut HashMap<Vec<u64>, u32, FxBuildHasher>, signature: &[u64]) -> u32 {
    if let Some(&number) = numbers.get(signature) {
        return number;
    }
    let number = numbers.len() as u32;
    numbers.insert(signature.to_vec(), number);
    number
}

/// Who decided what.
fn observe(graph: &Graph, tables: &Tables, state: u32, signature: &mut Vec<u64>) {
    let (agents, _) = tables.shape;
    let said = graph.key(state)[..agents].iter();
    signature.extend(said.map(|&part| {
        let said = tables.parts.get(part).part.said;
        said.map_or(0, |value| value.0)
    }));
}

/// Agent and store; a crash, a restart and a tear have labels of their own.
const fn label(bits: u32) -> u32 {
    let taken = Move::unpack(bits);
    let agent = taken.agent.0 as u32;
    match taken.act {
        Act::Write | Act::Read { .. } => agent << 8 | taken.store.0 as u32,
        Act::Tear => agent << 8 | taken.store.0 as u32 | 1 << 16,
        Act::Crash => agent << 8 | 2 << 16,
        Act::Restart => agent << 8 | 3 << 16,
    }
}
