//! The search stage by stage: all configurations of a stage, and from them all of the next.

use super::config::{Config, has, remove, size};
use super::machine::{INITIAL, Steps};
use super::path::{Paths, ROOT};
use super::track::Track;
use super::window::{Window, arrive};
use super::{Budget, Search};

/// With more configurations than this in one stage, the search in depth is more likely to end.
const CONFIGS_MAX: usize = 10_000;
const NONE: u32 = u32::MAX;

/// A search in progress.
pub(super) struct Sweep<'a, const W: usize> {
    track: &'a Track,
    window: Window<'a, W>,
    paths: Paths,
    /// Those that are alive at the beginning of a stage.
    level: Vec<Config<W>>,
    here: Here<W>,
    next: Vec<(Config<W>, u32)>,
}

impl<'a, const W: usize> Sweep<'a, W> {
    pub(super) fn new(track: &'a Track) -> Self {
        let first = Config {
            state: INITIAL,
            node: ROOT,
            spent: [0; W],
            owed: [0; W],
        };
        Self {
            track,
            window: Window::new(track),
            paths: Paths::new(),
            level: vec![first],
            here: Here::new(),
            next: Vec::new(),
        }
    }

    pub(super) fn run(mut self, steps: &mut dyn Steps, budget: &mut Budget<'_>) -> Search {
        for stage in 0..self.track.stages.len() {
            self.window.go_to(stage);
            for config in &mut self.level {
                arrive(self.track, stage, config, steps);
            }
            if !budget.spend(self.level.len() as u64) {
                return Search::Spent;
            }
            let item = self.track.stages[stage].returning;
            let slot = self.track.items[item as usize].slot;
            if let [config] = &mut self.level[..]
                && !has(&config.owed, slot)
                && (has(&config.spent, slot) || self.window.is_look(slot))
            {
                remove(&mut config.spent, slot);
                continue;
            }
            if let Err(ended) = self.pass(stage, steps, budget) {
                return ended;
            }
            if self.level.is_empty() {
                return self.stuck(stage, steps);
            }
            if self.paths.is_full() {
                let ends = self.level.iter_mut().map(|config| &mut config.node);
                self.paths.thin_out(ends);
            }
        }
        let end = self.level.first().map_or(ROOT, |config| config.node);
        Search::Found(self.paths.way_back(end))
    }

    /// From the configurations before the answer that ends a stage to those after it.
    fn pass(
        &mut self,
        stage: usize,
        steps: &mut dyn Steps,
        budget: &mut Budget<'_>,
    ) -> Result<(), Search> {
        let goal = self.track.stages[stage].returning;
        let slot = self.track.items[goal as usize].slot;
        self.here.clear();
        for config in self.level.drain(..) {
            self.here.offer(config, !has(&config.owed, slot));
        }
        let mut at = 0;
        while at < self.here.entries.len() {
            let Entry { config, alive, .. } = self.here.entries[at];
            at += 1;
            let owed = has(&config.owed, slot);
            let done = has(&config.spent, slot) || !owed && self.window.is_look(slot);
            if !alive || done {
                continue;
            }
            self.window.moves(&config, goal, steps, &mut self.next);
            let mut work = 1;
            for (mut after, item) in self.next.drain(..) {
                // A call that is owed no longer need not take effect now. If it wasn't owed before
                // either, only its own effect is news; all else can wait for the next stage.
                let passes = item == goal || owed && !has(&after.owed, slot);
                after.node = self.paths.longer(config.node, stage, item);
                work += 1 + self.here.offer(after, passes);
            }
            if !budget.spend(work) {
                return Err(Search::Spent);
            }
            if self.here.entries.len() > CONFIGS_MAX {
                return Err(Search::TooMany);
            }
        }
        for entry in &self.here.entries {
            if entry.alive && entry.passes {
                let mut config = entry.config;
                remove(&mut config.spent, slot);
                self.level.push(config);
            }
        }
        Ok(())
    }

    /// The longest of the orders that end here.
    fn stuck(&self, stage: usize, steps: &mut dyn Steps) -> Search {
        let alive = self.here.entries.iter().filter(|entry| entry.alive);
        let placed = |entry: &&Entry<W>| {
            // More calls took effect, fewer are owed; the first of equals.
            (i64::from(size(&entry.config.spent)) - i64::from(size(&entry.config.owed)))
                .wrapping_neg()
        };
        let end = alive
            .min_by_key(placed)
            .map_or(ROOT, |best| best.config.node);
        Search::Stuck {
            prefix: self.paths.order(end, self.track, stage, steps),
            item: self.track.stages[stage].returning,
        }
    }
}

/// A configuration of the stage at hand.
#[derive(Clone, Copy)]
struct Entry<const W: usize> {
    config: Config<W>,
    /// The next one with the same state.
    next: u32,
    /// No other one serves for it.
    alive: bool,
    /// It may go on to the next stage.
    passes: bool,
}

/// The configurations of the stage at hand, by state.
struct Here<const W: usize> {
    entries: Vec<Entry<W>>,
    /// The first of each state.
    first: Vec<u32>,
}

impl<const W: usize> Here<W> {
    const fn new() -> Self {
        Self {
            entries: Vec::new(),
            first: Vec::new(),
        }
    }

    fn clear(&mut self) {
        for entry in self.entries.drain(..) {
            self.first[entry.config.state as usize] = NONE;
        }
    }

    /// Adds a configuration unless another one serves for it, and drops those for which it serves.
    /// Returns a measure of the work.
    fn offer(&mut self, config: Config<W>, passes: bool) -> u64 {
        let state = config.state as usize;
        if state >= self.first.len() {
            self.first.resize(state + 1, NONE);
        }
        let (mut before, mut at, mut work) = (NONE, self.first[state], 0);
        while at != NONE {
            let entry = &mut self.entries[at as usize];
            let next = entry.next;
            if entry.config.serves_for(&config) {
                return work / 8;
            }
            if config.serves_for(&entry.config) {
                entry.alive = false;
                self.link(state, before, next);
            } else {
                before = at;
            }
            at = next;
            work += W as u64;
        }
        self.link(state, before, self.entries.len() as u32);
        self.entries.push(Entry {
            config,
            next: NONE,
            alive: true,
            passes,
        });
        work / 8
    }

    fn link(&mut self, state: usize, before: u32, to: u32) {
        match before {
            NONE => self.first[state] = to,
            before => self.entries[before as usize].next = to,
        }
    }
}
