//! Strongly connected components (Tarjan 1972), without recursion.

use super::graph::Graph;

/// The component of each state. Components are numbered from 0 such that every move leads to the same
/// or to a smaller number.
#[derive(Clone, Debug)]
pub(super) struct Components {
    of: Vec<u32>,
    count: usize,
}

const NONE: u32 = u32::MAX;

impl Components {
    /// The components of the subgraph of the states that are `kept`; the others have none.
    pub(super) fn new(graph: &Graph, kept: &dyn Fn(u32) -> bool) -> Self {
        let states = graph.states();
        let mut of = vec![NONE; states];
        let (mut order, mut low) = (vec![NONE; states], vec![0_u32; states]);
        let (mut stack, mut path): (Vec<u32>, Vec<(u32, u32)>) = (Vec::new(), Vec::new());
        let (mut time, mut count) = (0, 0);
        for root in 0..states as u32 {
            if order[root as usize] != NONE || !kept(root) {
                continue;
            }
            path.push((root, 0));
            while let Some((state, at)) = path.last_mut() {
                let state = *state;
                let index = state as usize;
                if *at == 0 {
                    order[index] = time;
                    low[index] = time;
                    time += 1;
                    stack.push(state);
                }
                let successor = graph.successors(state).get(*at as usize).copied();
                *at += 1;
                if let Some(next) = successor {
                    if !kept(next) {
                        continue;
                    }
                    if order[next as usize] == NONE {
                        path.push((next, 0));
                    } else if of[next as usize] == NONE {
                        low[index] = low[index].min(order[next as usize]);
                    }
                    continue;
                }
                path.pop();
                if let Some(&(parent, _)) = path.last() {
                    low[parent as usize] = low[parent as usize].min(low[index]);
                }
                if low[index] == order[index] {
                    while let Some(member) = stack.pop() {
                        of[member as usize] = count;
                        if member == state {
                            break;
                        }
                    }
                    count += 1;
                }
            }
        }
        Self {
            of,
            count: count as usize,
        }
    }

    pub(super) fn of(&self, state: u32) -> Option<usize> {
        let component = self.of[state as usize];
        (component != NONE).then_some(component as usize)
    }

    pub(super) const fn count(&self) -> usize {
        self.count
    }
}
