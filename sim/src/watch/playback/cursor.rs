//! Copies of a run's world on the way, and the one that was looked at last.

use std::collections::VecDeque;

use super::{CHUNK, EVENTS_MAX, world::World};
use crate::{
    engine::{
        journal::{Journal, Note},
        view::View,
    },
    scenario::Scenario,
};

/// Copies kept at most, in a world of one block; of larger ones fewer.
const COPIES_MAX: usize = 256;
/// Of any world at least so many.
const COPIES_MIN: usize = 32;
/// Blocks in all copies together, about.
const BLOCKS_MAX: usize = 1 << 14;
/// Copies of a log's world, which grows with the run.
const LOG_COPIES_MAX: usize = 64;

/// A copy of a world, with what it takes to go on from there.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) step: u64,
    /// How many choices had been made.
    pub(super) choices: usize,
    pub(super) time_ns: u64,
    /// The latest notes until then.
    pub(super) latest: VecDeque<Note>,
    pub(super) world: World,
    /// Where a fork begins: the copies before it go on another way.
    pub(super) pinned: bool,
}

impl Snapshot {
    fn cursor(&self) -> Cursor {
        Cursor {
            step: self.step,
            latest: self.latest.clone(),
            world: self.listening(),
        }
    }

    /// The world, which keeps nothing.
    pub(super) fn silent(&self) -> World {
        self.world.clone()
    }

    /// The world, which keeps digests and notes from here on.
    pub(super) fn listening(&self) -> World {
        self.keeping(Journal::telling())
    }

    /// The world, which keeps what this journal does from here on.
    pub(super) fn keeping(&self, journal: Journal) -> World {
        let mut world = self.world.clone();
        world.listen(Some(journal));
        world
    }
}

/// Copies of a world, further and further apart as the run gets longer.
#[derive(Debug)]
pub(super) struct Snapshots {
    stride: u64,
    most: usize,
    kept: Vec<Snapshot>,
}

impl Snapshots {
    /// None yet, of a world with so many blocks.
    pub(super) fn new(blocks: usize, is_log: bool) -> Self {
        let most = if is_log {
            LOG_COPIES_MAX
        } else {
            (BLOCKS_MAX / blocks.max(1)).clamp(COPIES_MIN, COPIES_MAX)
        };
        Self {
            stride: CHUNK,
            most,
            kept: Vec::new(),
        }
    }

    /// Whether a copy is wanted after a step.
    pub(super) const fn is_due(&self, step: u64) -> bool {
        step.is_multiple_of(self.stride)
    }

    /// Keeps a copy; one that is not pinned until there are too many: then every other one goes. Nobody goes
    /// past a pinned one from one before.
    pub(super) fn keep(&mut self, copy: Snapshot) {
        self.kept.push(copy);
        let pinned = self.kept.iter().filter(|kept| kept.pinned).count();
        if self.kept.len() > self.most + pinned {
            self.stride *= 2;
            let stride = self.stride;
            self.kept
                .retain(|kept| kept.pinned || kept.step.is_multiple_of(stride));
        }
    }

    /// The copies before a step.
    pub(super) fn until(&self, step: u64) -> Self {
        let kept = self.kept.iter().filter(|kept| kept.step < step);
        Self {
            stride: self.stride,
            most: self.most,
            kept: kept.cloned().collect(),
        }
    }

    /// The last copy at or before a step.
    pub(super) fn at(&self, step: u64) -> &Snapshot {
        let after = self.kept.partition_point(|kept| kept.step <= step);
        &self.kept[after.saturating_sub(1)]
    }

    /// The copies from which all steps after one and up to another can be run, each up to the next: a fork
    /// goes another way than the copies before it.
    pub(super) fn legs(&self, from: u64, to: u64) -> Vec<&Snapshot> {
        let first = self.at(from);
        let later = self.kept.iter();
        let later = later.filter(|kept| kept.pinned && kept.step > first.step && kept.step <= to);
        std::iter::once(first).chain(later).collect()
    }

    /// A world at the last copy at or before a time.
    pub(super) fn before(&self, time_ns: u64) -> World {
        let after = self.kept.partition_point(|kept| kept.time_ns <= time_ns);
        self.kept[after.saturating_sub(1)].world.clone()
    }

    /// A cursor from which a step can be reached: the old one if it is near enough, else a new one.
    pub(super) fn seek(&self, old: Option<Cursor>, step: u64) -> Cursor {
        let from = self.at(step);
        let near = |old: &Cursor| (from.step..=step).contains(&old.step);
        old.filter(near).unwrap_or_else(|| from.cursor())
    }
}

/// A world that is being looked at.
#[derive(Debug)]
pub(super) struct Cursor {
    step: u64,
    latest: VecDeque<Note>,
    pub(super) world: World,
}

impl Cursor {
    /// Goes on to a step.
    pub(super) fn advance(&mut self, step: u64) {
        if step > self.step {
            self.world.walk_to(step);
            self.step = step;
        }
        let (_, notes) = self.world.take_told();
        remember(&mut self.latest, notes);
    }

    /// What is to be seen there.
    pub(super) fn view(&self, scenario: &Scenario) -> View {
        let mut view = self.world.view(scenario);
        let latest = self.latest.iter();
        view.events = latest.map(|note| self.world.line(scenario, note)).collect();
        view
    }
}

/// Adds notes to the latest ones, and forgets those that are no more among them.
pub(super) fn remember(latest: &mut VecDeque<Note>, notes: Vec<Note>) {
    let skip = notes.len().saturating_sub(EVENTS_MAX);
    latest.extend(notes.into_iter().skip(skip));
    let surplus = latest.len().saturating_sub(EVENTS_MAX);
    latest.drain(..surplus);
}
