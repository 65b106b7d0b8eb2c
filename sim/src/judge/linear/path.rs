//! How configurations came about: which calls took effect in which stage, and the order that makes of it.

use super::machine::{INITIAL, NOWHERE, Steps};
use super::track::{Role, Track};

/// Before anything took effect.
pub(super) const ROOT: u32 = u32::MAX;
/// Nodes below this number are never thinned out.
const NODES_MIN: usize = 1 << 16;

/// A call that took effect after what came before it.
#[derive(Clone, Copy, Debug)]
struct Node {
    before: u32,
    stage: u32,
    item: u32,
}

/// All paths, as a tree.
#[derive(Debug)]
pub(super) struct Paths {
    nodes: Vec<Node>,
    /// Time to thin out.
    full: usize,
}

impl Paths {
    pub(super) const fn new() -> Self {
        Self {
            nodes: Vec::new(),
            full: NODES_MIN,
        }
    }

    /// A path longer by one call.
    pub(super) fn longer(&mut self, before: u32, stage: usize, item: u32) -> u32 {
        self.nodes.push(Node {
            before,
            stage: stage as u32,
            item,
        });
        self.nodes.len() as u32 - 1
    }

    /// Bytes that are used.
    pub(super) const fn bytes(&self) -> usize {
        self.nodes.len() * size_of::<Node>()
    }

    /// Whether most nodes may belong to paths that were given up.
    pub(super) const fn is_full(&self) -> bool {
        self.nodes.len() >= self.full
    }

    /// Keeps what leads to `ends`, and renumbers them.
    pub(super) fn thin_out<'a>(&mut self, ends: impl Iterator<Item = &'a mut u32>) {
        let mut ends: Vec<&mut u32> = ends.collect();
        let mut kept = vec![false; self.nodes.len()];
        for end in &ends {
            let mut at = **end;
            while at != ROOT && !kept[at as usize] {
                kept[at as usize] = true;
                at = self.nodes[at as usize].before;
            }
        }
        let mut renumbered = vec![ROOT; self.nodes.len()];
        let mut count = 0;
        for (number, kept) in kept.into_iter().enumerate() {
            if kept {
                let mut node = self.nodes[number];
                if node.before != ROOT {
                    // What came before has the smaller number, so it is renumbered already.
                    node.before = renumbered[node.before as usize];
                }
                self.nodes[count] = node;
                renumbered[number] = count as u32;
                count += 1;
            }
        }
        self.nodes.truncate(count);
        for end in &mut ends {
            if **end != ROOT {
                **end = renumbered[**end as usize];
            }
        }
        self.full = NODES_MIN.max(2 * count);
    }

    /// The stages and items on the way to `end`, the last one first.
    pub(super) fn way_back(&self, end: u32) -> Vec<(usize, u32)> {
        let mut way = Vec::new();
        let mut at = end;
        while at != ROOT {
            let node = self.nodes[at as usize];
            way.push((node.stage as usize, node.item));
            at = node.before;
        }
        way
    }

    /// The items on the way to `end`, and all that can be placed between them, up to the end of `stage`.
    pub(super) fn order(
        &self,
        end: u32,
        track: &Track,
        stage: usize,
        steps: &mut dyn Steps,
    ) -> Vec<u32> {
        let mut way = self.way_back(end);
        let mut placer = Placer {
            track,
            state: INITIAL,
            order: Vec::new(),
            placed: vec![false; track.items.len()],
            looking: Vec::new(),
            overwrite: 0,
        };
        for now in 0..=stage {
            placer.arrive(now, steps);
            while let Some((_, item)) = way.pop_if(|(then, _)| *then == now) {
                placer.place(item, steps);
            }
            if now < stage {
                placer.answer(track.stages[now].returning);
            }
        }
        placer.order
    }
}

/// Makes an order of calls: the search keeps only those that changed the state.
struct Placer<'a> {
    track: &'a Track,
    state: u32,
    order: Vec<u32>,
    placed: Vec<bool>,
    /// Open calls that change nothing and are not allowed yet.
    looking: Vec<u32>,
    /// Where in the order the last call stands that replaced the state.
    overwrite: usize,
}

impl Placer<'_> {
    fn arrive(&mut self, stage: usize, steps: &mut dyn Steps) {
        for number in self.track.arrivals(stage) {
            if self.track.items[number as usize].role == Role::Look {
                self.looking.push(number);
            }
        }
        self.look(steps);
    }

    fn look(&mut self, steps: &mut dyn Steps) {
        let Self {
            track,
            state,
            order,
            placed,
            looking,
            ..
        } = self;
        looking.retain(|&number| {
            let allowed = steps.step(&track.items[number as usize], *state) != NOWHERE;
            if allowed {
                order.push(number);
                placed[number as usize] = true;
            }
            !allowed
        });
    }

    fn place(&mut self, number: u32, steps: &mut dyn Steps) {
        let item = &self.track.items[number as usize];
        self.state = steps.step(item, self.state);
        self.placed[number as usize] = true;
        if item.role == Role::Overwrite {
            self.overwrite = self.order.len();
        }
        self.order.push(number);
        self.look(steps);
    }

    /// A call that is answered and was not placed goes unseen: just before the last overwrite.
    fn answer(&mut self, number: u32) {
        if !self.placed[number as usize] {
            self.order.insert(self.overwrite, number);
            self.placed[number as usize] = true;
            self.overwrite += 1;
        }
    }
}
