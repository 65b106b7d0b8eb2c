//! The lasso: a shortest fair cycle along which nothing is ever decided, and a way to it.
//!
//! Fair: every agent is served on every store in each turn, nobody crashes, so that in the unrolled run
//! every agent takes steps for ever and no operation waits for ever (fairness F2). A cycle exists exactly
//! where a strongly connected component of undecided states contains all those moves.
//!
//! The shortest one is looked for among the bisimulation classes first: a closed walk of states is one of
//! classes, so that classes give a lower bound, and are few.

use hashbrown::HashSet;
use rustc_hash::FxBuildHasher;

use super::{
    bisimulation::Partition,
    components::Components,
    graph::Graph,
    moves::{Act, Move},
    part::Seat,
    rules::Rules,
    stepper::Tables,
    valence::{Valences, said},
};

/// Turns longer than the least possible one by this factor are not looked for.
const LENGTH_FACTOR: usize = 4;
/// States looked at, at most, for each length, about: beyond it a shorter stem may be missed.
const LOOKS: u64 = 400_000_000;
/// States that a search for two decisions looks at, at most.
const WITNESS_STATES: usize = 1_000_000;

/// A way from the initial state to a cycle, and the cycle.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lasso {
    /// The way there.
    pub stem: Vec<Move>,
    /// One turn.
    pub turn: Vec<Move>,
    /// Every state of the cycle is multivalent; else nothing is decided, but less could be.
    pub multivalent: bool,
    /// No fair cycle without a decision has a shorter turn.
    pub shortest: bool,
}

/// Where a run can be held off for ever.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stalls {
    /// States in which every agent is up and nobody has decided.
    pub undecided: usize,
    /// Those from which a fair cycle without a decision can be reached.
    pub stallable: usize,
}

/// A set of (agent, store) pairs that were served.
type Served = u64;

/// The fair part of the undecided states.
struct Field<'a> {
    graph: &'a Graph,
    partition: &'a Partition,
    valences: &'a Valences,
    stores: usize,
    /// No turn has fewer steps.
    least: usize,
    /// All pairs.
    all: Served,
    /// States on some fair cycle.
    fair: Vec<bool>,
}

pub(super) fn lassos(
    rules: &Rules,
    graph: &Graph,
    tables: &Tables,
    partition: &Partition,
    valences: &Valences,
) -> (Stalls, Option<Lasso>) {
    let kept: Vec<bool> = (0..graph.states() as u32)
        .map(|state| is_undecided(graph, tables, state))
        .collect();
    let undecided = kept.iter().filter(|&&it| it).count();
    let components = Components::new(graph, &|state| kept[state as usize]);
    let all = (1 << (rules.agents * rules.stores)) - 1;
    let mut served = vec![0; components.count()];
    for state in 0..graph.states() as u32 {
        let Some(own) = components.of(state) else {
            continue;
        };
        for (taken, next) in graph.moves(state) {
            if components.of(next) == Some(own) {
                served[own] |= pair(taken, rules.stores);
            }
        }
    }
    let mut reaches: Vec<bool> = served.iter().map(|&pairs| pairs == all).collect();
    let mut states: Vec<u32> = (0..graph.states() as u32)
        .filter(|&state| kept[state as usize])
        .collect();
    states.sort_by_key(|&state| components.of(state));
    for &state in &states {
        let next = graph.successors(state).iter();
        let any = next
            .filter_map(|&next| components.of(next))
            .any(|next| reaches[next]);
        if let Some(own) = components.of(state) {
            reaches[own] |= any;
        }
    }
    let stallable = states
        .iter()
        .filter(|&&state| components.of(state).is_some_and(|own| reaches[own]))
        .count();
    let fair = (0..graph.states() as u32)
        .map(|state| components.of(state).is_some_and(|own| served[own] == all))
        .collect();
    let field = Field {
        graph,
        partition,
        valences,
        stores: rules.stores,
        least: rules.least_turn(),
        all,
        fair,
    };
    let stalls = Stalls {
        undecided,
        stallable,
    };
    (stalls, field.shortest())
}

/// The shortest fair cycle among states of which not all were seen, if it is as short as any can be.
pub(super) fn near(rules: &Rules, graph: &Graph, tables: &Tables) -> Option<Lasso> {
    let near = Near {
        graph,
        tables,
        stores: rules.stores,
    };
    let pairs = rules.agents * rules.stores;
    let all = (1 << pairs) - 1;
    let length = rules.least_turn();
    let mut looks = 0;
    for start in 0..graph.states() as u32 {
        if !is_undecided(graph, tables, start) {
            continue;
        }
        let mut walker = Walker::new(&near, all, start);
        if walker.closes(start, 0, length as u32) {
            let walk = nearest_first(graph, walker.walk);
            let entry = walk.first().map_or(0, |&(state, _)| state);
            return Some(Lasso {
                stem: graph.path_to(entry),
                multivalent: walk.iter().all(|&(state, _)| near.is_multivalent(state)),
                shortest: true,
                turn: walk.into_iter().map(|(_, taken)| taken).collect(),
            });
        }
        looks += walker.failed.len() as u64;
        if looks > LOOKS {
            break;
        }
    }
    None
}

/// The states that were seen, where not all were.
struct Near<'a> {
    graph: &'a Graph,
    tables: &'a Tables,
    stores: usize,
}

impl Walks for Near<'_> {
    fn nexts(&self, at: u32, each: &mut dyn FnMut(u32, Served, Move)) {
        for (taken, next) in self.graph.moves(at) {
            let plain = taken.is_served() && (taken.gap.is_none() || taken.top);
            if plain && is_undecided(self.graph, self.tables, next) {
                each(next, pair(taken, self.stores), taken);
            }
        }
    }
}

impl Near<'_> {
    /// Whether decisions of two values are seen from here: enough to say yes, never to say no.
    fn is_multivalent(&self, state: u32) -> bool {
        let mut seen: HashSet<u32, FxBuildHasher> = HashSet::default();
        let mut said_here = 0;
        let mut wave = vec![state];
        while let Some(at) = wave.pop() {
            if !seen.insert(at) {
                continue;
            }
            said_here |= said(self.graph, self.tables, at);
            if said_here.count_ones() > 1 {
                return true;
            }
            if seen.len() > WITNESS_STATES {
                return false;
            }
            wave.extend(self.graph.successors(at));
        }
        false
    }
}

/// Turns a cycle so that it begins where the way from the initial state is shortest.
fn nearest_first(graph: &Graph, mut walk: Vec<(u32, Move)>) -> Vec<(u32, Move)> {
    let nearest = walk
        .iter()
        .enumerate()
        .min_by_key(|&(_, &(state, _))| graph.depth_of(state))
        .map_or(0, |(place, _)| place);
    walk.rotate_left(nearest);
    walk
}

/// Everybody is up, nobody has decided.
fn is_undecided(graph: &Graph, tables: &Tables, state: u32) -> bool {
    let (agents, _) = tables.shape;
    graph.key(state)[..agents].iter().all(|&part| {
        let part = &tables.parts.get(part).part;
        part.said.is_none() && matches!(part.seat, Seat::Up(_))
    })
}

/// The pair that a move serves, as a set.
const fn pair(taken: Move, stores: usize) -> Served {
    match taken.act {
        Act::Write | Act::Read { .. } => 1 << (taken.agent.index() * stores + taken.store.index()),
        Act::Tear | Act::Crash | Act::Restart => 0,
    }
}

/// A graph in which closed walks are looked for.
trait Walks {
    fn nexts(&self, at: u32, each: &mut dyn FnMut(u32, Served, Move));
}

/// Looks for a closed walk of some length from `start` that serves every pair.
struct Walker<'a, W> {
    on: &'a W,
    all: Served,
    start: u32,
    /// What did not lead back: place, pairs served, moves left.
    failed: HashSet<(u32, Served, u32), FxBuildHasher>,
    walk: Vec<(u32, Move)>,
}

impl<'a, W: Walks> Walker<'a, W> {
    fn new(on: &'a W, all: Served, start: u32) -> Self {
        Self {
            on,
            all,
            start,
            failed: HashSet::default(),
            walk: Vec::new(),
        }
    }

    fn closes(&mut self, at: u32, served: Served, left: u32) -> bool {
        let missing = (self.all & !served).count_ones();
        if left == 0 {
            return at == self.start && missing == 0;
        }
        if missing > left || self.failed.contains(&(at, served, left)) {
            return false;
        }
        let mut nexts = Vec::new();
        self.on
            .nexts(at, &mut |next, pair, taken| nexts.push((next, pair, taken)));
        for (next, pair, taken) in nexts {
            self.walk.push((at, taken));
            if self.closes(next, served | pair, left - 1) {
                return true;
            }
            self.walk.pop();
        }
        self.failed.insert((at, served, left));
        false
    }
}

/// The classes of fair states.
struct Quotient {
    moves: Vec<Vec<(u32, Served, Move)>>,
    multivalent: Vec<bool>,
    /// Only multivalent classes.
    only_multivalent: bool,
}

impl Walks for Quotient {
    fn nexts(&self, at: u32, each: &mut dyn FnMut(u32, Served, Move)) {
        for &(next, pair, taken) in &self.moves[at as usize] {
            if !self.only_multivalent || self.multivalent[next as usize] {
                each(next, pair, taken);
            }
        }
    }
}

/// The states of some classes.
struct States<'a> {
    field: &'a Field<'a>,
    /// Classes that lie on some closed walk of the length in question.
    classes: &'a [bool],
}

impl Walks for States<'_> {
    fn nexts(&self, at: u32, each: &mut dyn FnMut(u32, Served, Move)) {
        for (taken, next) in self.field.graph.moves(at) {
            let class = self.field.partition.of[next as usize] as usize;
            // A ballot above all others can be had in any run, whatever integers stand for ballots.
            let plain = taken.gap.is_none() || taken.top;
            if plain && self.field.fair[next as usize] && self.classes[class] {
                each(next, pair(taken, self.field.stores), taken);
            }
        }
    }
}

impl Field<'_> {
    fn shortest(&self) -> Option<Lasso> {
        if !self.fair.contains(&true) {
            return None;
        }
        let mut quotient = self.quotient();
        let pairs = self.all.count_ones() as usize;
        let least = self.least;
        let mut bound = None;
        for length in least..=LENGTH_FACTOR * (least + pairs) {
            for only_multivalent in [true, false] {
                quotient.only_multivalent = only_multivalent;
                let classes = self.classes_of_turns(&quotient, length);
                if !classes.contains(&true) {
                    continue;
                }
                let bound = *bound.get_or_insert(length);
                if let Some(lasso) = self.turn(&classes, length, bound) {
                    return Some(lasso);
                }
            }
        }
        None
    }

    fn quotient(&self) -> Quotient {
        let classes = self.partition.count;
        let mut moves: Vec<Vec<(u32, Served, Move)>> = vec![Vec::new(); classes];
        let mut multivalent = vec![false; classes];
        let mut done = vec![false; classes];
        for state in 0..self.graph.states() as u32 {
            let class = self.partition.of[state as usize] as usize;
            if !self.fair[state as usize] || done[class] {
                continue;
            }
            // One state speaks for its class.
            done[class] = true;
            multivalent[class] = self.valences.is_multivalent(state);
            for (taken, next) in self.graph.moves(state) {
                let edge = (
                    self.partition.of[next as usize],
                    pair(taken, self.stores),
                    taken,
                );
                let known = moves[class].iter().any(|m| (m.0, m.1) == (edge.0, edge.1));
                if !known && taken.is_served() {
                    moves[class].push(edge);
                }
            }
        }
        Quotient {
            moves,
            multivalent,
            only_multivalent: false,
        }
    }

    /// The classes that lie on a fair closed walk of this length.
    fn classes_of_turns(&self, quotient: &Quotient, length: usize) -> Vec<bool> {
        let mut on = vec![false; self.partition.count];
        for start in 0..self.partition.count as u32 {
            let class = start as usize;
            let apt = !quotient.only_multivalent || quotient.multivalent[class];
            if quotient.moves[class].is_empty() || !apt || on[class] {
                continue;
            }
            let mut walker = Walker::new(quotient, self.all, start);
            if walker.closes(start, 0, length as u32) {
                for (class, _) in walker.walk {
                    on[class as usize] = true;
                }
            }
        }
        on
    }

    /// The first closed walk of states of this length, in breadth-first order of where it is entered.
    fn turn(&self, classes: &[bool], length: usize, bound: usize) -> Option<Lasso> {
        let states = States {
            field: self,
            classes,
        };
        let mut looks = 0;
        for start in 0..self.graph.states() as u32 {
            let class = self.partition.of[start as usize] as usize;
            if !self.fair[start as usize] || !classes[class] {
                continue;
            }
            let mut walker = Walker::new(&states, self.all, start);
            if walker.closes(start, 0, length as u32) {
                return Some(self.lasso(walker.walk, bound));
            }
            looks += walker.failed.len() as u64;
            if looks > LOOKS {
                return None;
            }
        }
        None
    }

    fn lasso(&self, walk: Vec<(u32, Move)>, bound: usize) -> Lasso {
        let walk = nearest_first(self.graph, walk);
        let entry = walk.first().map_or(0, |&(state, _)| state);
        Lasso {
            stem: self.graph.path_to(entry),
            multivalent: walk
                .iter()
                .all(|&(state, _)| self.valences.is_multivalent(state)),
            shortest: walk.len() == bound,
            turn: walk.into_iter().map(|(_, taken)| taken).collect(),
        }
    }
}
