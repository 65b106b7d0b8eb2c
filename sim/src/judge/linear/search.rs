//! The search in depth: one order as far as it goes, then the next; what led nowhere is remembered.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::config::{Config, has, remove};
use super::machine::{INITIAL, Steps};
use super::path::{Paths, ROOT};
use super::track::Track;
use super::window::{Window, arrive};
use super::{Budget, Search};

/// More bytes than this are not used.
const BYTES_MAX: usize = 512 << 20;
/// Of the configurations with the same stage and state, as many are looked through.
const LOOKED_AT_MAX: usize = 512;
const NONE: u32 = u32::MAX;

/// A configuration to go on from.
#[derive(Clone, Copy)]
struct Frame<const W: usize> {
    config: Config<W>,
    stage: u32,
    /// It may go on to the next stage.
    passes: bool,
}

/// A configuration that was gone on from, and the one before it with the same stage and state.
#[derive(Clone, Copy)]
struct Known<const W: usize> {
    config: Config<W>,
    next: u32,
}

/// A search in progress.
pub(super) struct Depth<'a, const W: usize> {
    track: &'a Track,
    window: Window<'a, W>,
    paths: Paths,
    frames: Vec<Frame<W>>,
    known: Vec<Known<W>>,
    /// The last one of each stage and state.
    last: HashMap<u64, u32, FxBuildHasher>,
    /// The last stage that was reached, and the configuration that did.
    furthest: (u32, u32),
    next: Vec<(Config<W>, u32)>,
}

impl<'a, const W: usize> Depth<'a, W> {
    pub(super) fn new(track: &'a Track) -> Self {
        Self {
            track,
            window: Window::new(track),
            paths: Paths::new(),
            frames: Vec::new(),
            known: Vec::new(),
            last: HashMap::default(),
            furthest: (0, ROOT),
            next: Vec::new(),
        }
    }

    pub(super) fn run(mut self, steps: &mut dyn Steps, budget: &mut Budget<'_>) -> Search {
        let first = Config {
            state: INITIAL,
            node: ROOT,
            spent: [0; W],
            owed: [0; W],
        };
        if self.enter(first, 0, steps) {
            return Search::Found(Vec::new());
        }
        while let Some(frame) = self.frames.pop() {
            let (is_known, work) = self.is_known(&frame);
            if !budget.spend(1 + work) {
                return Search::Spent;
            }
            if is_known {
                continue;
            }
            if self.bytes() + steps.bytes() > BYTES_MAX {
                return Search::TooMany;
            }
            let moves = self.go_on(&frame, steps);
            if !budget.spend(moves) {
                return Search::Spent;
            }
            if frame.passes {
                let mut config = frame.config;
                let returning = self.track.stages[frame.stage as usize].returning;
                let slot = self.track.items[returning as usize].slot;
                remove(&mut config.spent, slot);
                if self.enter(config, frame.stage as usize + 1, steps) {
                    return Search::Found(self.paths.way_back(config.node));
                }
            }
            if self.paths.is_full() {
                let ends = self.frames.iter_mut().map(|frame| &mut frame.config.node);
                self.paths.thin_out(ends.chain([&mut self.furthest.1]));
            }
        }
        let (stage, end) = self.furthest;
        Search::Stuck {
            prefix: self.paths.order(end, self.track, stage as usize, steps),
            item: self.track.stages[stage as usize].returning,
        }
    }

    fn bytes(&self) -> usize {
        self.known.len() * size_of::<Known<W>>()
            + self.last.capacity() * size_of::<[u64; 2]>()
            + self.frames.len() * size_of::<Frame<W>>()
            + self.paths.bytes()
    }

    /// Begins a stage; whether there is none left.
    fn enter(&mut self, mut config: Config<W>, stage: usize, steps: &mut dyn Steps) -> bool {
        let Some(ending) = self.track.stages.get(stage) else {
            return true;
        };
        arrive(self.track, stage, &mut config, steps);
        if stage as u32 > self.furthest.0 {
            self.furthest = (stage as u32, config.node);
        }
        let slot = self.track.items[ending.returning as usize].slot;
        self.frames.push(Frame {
            config,
            stage: stage as u32,
            passes: !has(&config.owed, slot),
        });
        false
    }

    /// Puts all that may come next on the stack, what ends the stage on top; how much that is.
    fn go_on(&mut self, frame: &Frame<W>, steps: &mut dyn Steps) -> u64 {
        let Frame { config, stage, .. } = *frame;
        self.window.go_to(stage as usize);
        let goal = self.track.stages[stage as usize].returning;
        let slot = self.track.items[goal as usize].slot;
        let owed = has(&config.owed, slot);
        if has(&config.spent, slot) || !owed && self.window.is_look(slot) {
            return 1;
        }
        self.window.moves(&config, goal, steps, &mut self.next);
        let moves = self.next.len() as u64;
        for ends in [false, true] {
            for &(mut after, item) in &self.next {
                let passes = item == goal || owed && !has(&after.owed, slot);
                if passes == ends {
                    after.node = self.paths.longer(config.node, stage as usize, item);
                    self.frames.push(Frame {
                        config: after,
                        stage,
                        passes,
                    });
                }
            }
        }
        self.next.clear();
        1 + moves
    }

    /// Whether one that serves for this one led nowhere, or will be gone on from; if none, remembers
    /// it. Also a measure of the work.
    fn is_known(&mut self, frame: &Frame<W>) -> (bool, u64) {
        let key = u64::from(frame.stage) << 32 | u64::from(frame.config.state);
        let number = self.known.len() as u32;
        let last = self.last.entry(key).or_insert(NONE);
        let (mut at, mut looked_at) = (*last, 0);
        while at != NONE && looked_at < LOOKED_AT_MAX {
            let known = &self.known[at as usize];
            if known.config.serves_for(&frame.config) {
                return (true, looked_at as u64 / 8);
            }
            at = known.next;
            looked_at += 1;
        }
        self.known.push(Known {
            config: frame.config,
            next: *last,
        });
        *last = number;
        (false, looked_at as u64 / 8)
    }
}
