//! Bounds on steps: how long an agent needs alone, and whether every schedule ends.

use super::{components::Components, graph::Graph, moves::Move, stepper::Tables};

/// How many own steps an agent takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bounds {
    /// From the worst state, with all others standing still, until it has decided or has no step left;
    /// none if it can go on for ever.
    pub alone: Option<usize>,
    /// In any schedule at all; none if there is a cycle, so that there is no bound.
    pub in_any_schedule: Option<usize>,
}

pub(super) fn bounds(graph: &Graph, tables: &Tables) -> Bounds {
    let (agents, _) = tables.shape;
    let alone = (0..agents).map(|agent| alone(graph, agent as u16));
    let alone = alone.collect::<Option<Vec<usize>>>();
    Bounds {
        alone: alone.map(|steps| steps.into_iter().max().unwrap_or(0)),
        in_any_schedule: in_any_schedule(graph, agents),
    }
}

const UNKNOWN: u32 = u32::MAX;
const OPEN: u32 = u32::MAX - 1;

/// The longest way of one agent's own operations from any state; none if it runs in a circle.
fn alone(graph: &Graph, agent: u16) -> Option<usize> {
    let own = |state: u32, from: usize| {
        let mut moves = graph.packed_moves(state).enumerate().skip(from);
        moves.find_map(|(place, (bits, next))| {
            let taken = Move::unpack(bits);
            (taken.agent.0 == agent && taken.is_served()).then_some((place, next))
        })
    };
    let mut longest = vec![UNKNOWN; graph.states()];
    let mut path: Vec<(u32, usize, u32)> = Vec::new();
    let mut worst = 0;
    for root in 0..graph.states() as u32 {
        if longest[root as usize] != UNKNOWN {
            continue;
        }
        path.push((root, 0, 0));
        longest[root as usize] = OPEN;
        while let Some(top) = path.last_mut() {
            let (state, at, best) = *top;
            if let Some((place, next)) = own(state, at) {
                match longest[next as usize] {
                    UNKNOWN => {
                        longest[next as usize] = OPEN;
                        top.1 = place;
                        path.push((next, 0, 0));
                    }
                    OPEN => return None,
                    steps => {
                        top.1 = place + 1;
                        top.2 = best.max(steps + 1);
                    }
                }
                continue;
            }
            longest[state as usize] = best;
            worst = worst.max(best);
            path.pop();
        }
    }
    Some(worst as usize)
}

/// The most steps that one agent takes on any way from the initial state; none if there is a cycle.
fn in_any_schedule(graph: &Graph, agents: usize) -> Option<usize> {
    let components = Components::new(graph, &|_| true);
    let states = graph.states() as u32;
    let cyclic = components.count() < graph.states()
        || (0..states).any(|state| graph.successors(state).contains(&state));
    if cyclic {
        return None;
    }
    // Every state is a component of its own, and moves lead to smaller numbers.
    let mut order: Vec<u32> = (0..states).collect();
    order.sort_by_key(|&state| components.of(state));
    let mut most = vec![0_usize; graph.states() * agents];
    for state in order {
        for (taken, next) in graph.moves(state) {
            for agent in 0..agents {
                let step = usize::from(taken.agent.index() == agent);
                let through = most[next as usize * agents + agent] + step;
                let own = &mut most[state as usize * agents + agent];
                *own = (*own).max(through);
            }
        }
    }
    most[..agents].iter().copied().max()
}
