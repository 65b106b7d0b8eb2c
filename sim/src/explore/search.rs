//! The search: breadth first, level by level, the steps of a level on all threads.
//!
//! Threads only take steps; states are numbered by one of them, in the order of the states they come
//! from. So numbers, counts and traces do not depend on how many threads there are.

use std::ops::ControlFlow;

use super::{
    Options, Progress,
    graph::Graph,
    initial::initial,
    moves::Move,
    rules::Rules,
    stepper::{Broken, NewParts, Stepper, Tables},
    table::Table,
};
use crate::pool;

/// States whose steps one thread takes before it hands them over.
const PIECE: usize = 2048;
/// Pieces that are taken before the tables grow.
const PIECES: usize = 8;
/// Bytes of one part beside what it points to, about: an agent and its place in a table.
const PART_BYTES: usize = 900;

/// How a search ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ended {
    /// There is nothing more to find.
    Complete,
    /// The first violation: from this state by this move.
    Broken {
        state: u32,
        taken: Move,
        broken: Broken,
    },
    /// The memory was used up.
    Full,
    /// What is left is further away than was asked for.
    Deep,
    /// Somebody asked it to stop.
    Stopped,
}

/// What a search has found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) graph: Graph,
    pub(super) tables: Tables,
    pub(super) ended: Ended,
    /// The most bytes that were in use at once, about.
    pub(super) bytes: usize,
}

/// The steps of some states, one after another.
struct Batch {
    new: NewParts,
    /// For each state, how many steps it has.
    counts: Vec<u32>,
    moves: Vec<Move>,
    keys: Vec<u32>,
    /// The step, of those above, that breaks something.
    broken: Option<(usize, Broken)>,
}

pub(super) fn search(
    rules: &Rules,
    options: &Options,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Found {
    let mut tables = Tables {
        parts: Table::new(),
        images: Table::new(),
        shape: (rules.agents, rules.stores),
    };
    let first = initial(rules, &mut tables);
    let mut graph = Graph::new(&first);
    let mut bytes = 0;
    let (mut next, mut level) = (0, 0);
    let mut ended = Ended::Complete;
    'levels: while next < graph.states() {
        if options.depth.is_some_and(|most| level >= most) {
            ended = Ended::Deep;
            break;
        }
        level += 1;
        let end = graph.states();
        graph.begin_level();
        while next < end {
            let until = end.min(next + PIECES * PIECE);
            let batches = take_steps(rules, &tables, &graph, next..until, options.jobs);
            for batch in batches {
                if let Some(broken) = settle(batch, &mut tables, &mut graph, &mut next) {
                    ended = broken;
                    break 'levels;
                }
            }
            bytes = graph.bytes() + PART_BYTES * tables.parts.len() + 200 * tables.images.len();
            let report = Progress {
                states: graph.states(),
                transitions: graph.transitions(),
                explored: next,
                depth: graph.depth_of(next as u32 - 1),
                bytes,
            };
            if progress(report).is_break() {
                ended = Ended::Stopped;
                break 'levels;
            }
            if bytes > options.memory {
                ended = Ended::Full;
                break 'levels;
            }
        }
    }
    Found {
        graph,
        tables,
        ended,
        bytes,
    }
}

fn take_steps(
    rules: &Rules,
    tables: &Tables,
    graph: &Graph,
    states: std::ops::Range<usize>,
    jobs: usize,
) -> Vec<Batch> {
    let pieces = states.len().div_ceil(PIECE) as u64;
    let mut batches = Vec::new();
    let work = |(): &mut (), piece: u64| {
        let from = states.start + piece as usize * PIECE;
        let to = states.end.min(from + PIECE);
        let mut stepper = Stepper::new(rules, tables);
        let (mut counts, mut moves, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        let mut broken = None;
        for state in from..to {
            let before = moves.len();
            stepper.all(graph.key(state as u32), &mut |step| {
                if let (None, Some(what)) = (broken, step.broken) {
                    broken = Some((moves.len(), what));
                }
                moves.push(step.taken);
                keys.extend_from_slice(step.next);
            });
            counts.push((moves.len() - before) as u32);
        }
        Batch {
            new: stepper.into_new(),
            counts,
            moves,
            keys,
            broken,
        }
    };
    pool::in_order(
        pieces,
        jobs,
        || (),
        work,
        |batch| {
            batches.push(batch);
            true
        },
    );
    batches
}

/// Numbers the states that a batch of steps has led to.
fn settle(batch: Batch, tables: &mut Tables, graph: &mut Graph, next: &mut usize) -> Option<Ended> {
    let parts = batch.new.parts.settle(&mut tables.parts);
    let images = batch.new.images.settle(&mut tables.images);
    let (agents, stores) = tables.shape;
    let width = batch.keys.len() / batch.moves.len().max(1);
    let mut keys = batch.keys.chunks_exact(width.max(1));
    let mut step = 0;
    let mut key = Vec::with_capacity(width);
    for count in batch.counts {
        graph.begin_moves();
        for _ in 0..count {
            let Some(scratch) = keys.next() else {
                unreachable!("each move has a key");
            };
            let taken = batch.moves[step];
            if let Some((at, broken)) = batch.broken
                && at == step
            {
                let state = *next as u32;
                return Some(Ended::Broken {
                    state,
                    taken,
                    broken,
                });
            }
            key.clear();
            key.extend(scratch.iter().enumerate().map(|(place, &id)| {
                if place < agents {
                    parts.number(id)
                } else if place < agents + stores {
                    images.number(id)
                } else {
                    id
                }
            }));
            let target = graph.state(&key, *next as u32);
            graph.add_move(taken, target);
            step += 1;
        }
        *next += 1;
    }
    None
}
