//! Tables of distinct parts: a state is a few numbers into them.

use std::hash::{BuildHasher, Hash};

use bivalent_core::Ballot;
use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use super::part::Renamed;

/// A part, with the ballots in it, sorted.
#[derive(Clone, Debug)]
pub(super) struct Entry<T> {
    pub(super) part: T,
    pub(super) ballots: Box<[Ballot]>,
}

impl<T: Renamed> Entry<T> {
    fn new(part: T) -> Self {
        let mut ballots = Vec::new();
        part.each_ballot(&mut |ballot| ballots.push(ballot));
        ballots.sort_unstable();
        ballots.dedup();
        Self {
            part,
            ballots: ballots.into(),
        }
    }
}

/// Distinct parts, numbered in the order in which they came.
#[derive(Clone, Debug)]
pub(super) struct Table<T> {
    entries: Vec<Entry<T>>,
    index: HashTable<u32>,
}

impl<T: Eq + Hash + Renamed> Table<T> {
    pub(super) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            index: HashTable::new(),
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn get(&self, id: u32) -> &Entry<T> {
        &self.entries[id as usize]
    }

    fn find(&self, hash: u64, part: &T) -> Option<u32> {
        let same = |&id: &u32| self.entries[id as usize].part == *part;
        self.index.find(hash, same).copied()
    }

    fn push(&mut self, hash: u64, entry: Entry<T>) -> u32 {
        let id = self.entries.len() as u32;
        self.entries.push(entry);
        let entries = &self.entries;
        self.index
            .insert_unique(hash, id, |&id| hash_of(&entries[id as usize].part));
        id
    }

    /// The number of a part, if it is there.
    pub(super) fn known(&self, part: &T) -> Option<u32> {
        self.find(hash_of(part), part)
    }

    /// The number of a part, a new one if it is new.
    pub(super) fn number(&mut self, part: T) -> u32 {
        self.take(Entry::new(part))
    }

    fn take(&mut self, entry: Entry<T>) -> u32 {
        let hash = hash_of(&entry.part);
        self.find(hash, &entry.part)
            .unwrap_or_else(|| self.push(hash, entry))
    }
}

/// Marks numbers into a scratch table.
const SCRATCH: u32 = 1 << 31;

/// A table that may only be read, and what came on top of it since.
#[derive(Debug)]
pub(super) struct Scratch<'a, T> {
    base: &'a Table<T>,
    fresh: Table<T>,
}

impl<'a, T: Eq + Hash + Renamed> Scratch<'a, T> {
    pub(super) const fn new(base: &'a Table<T>) -> Self {
        Self {
            base,
            fresh: Table::new(),
        }
    }

    pub(super) fn number(&mut self, part: T) -> u32 {
        let hash = hash_of(&part);
        if let Some(id) = self.base.find(hash, &part) {
            return id;
        }
        let id = self
            .fresh
            .find(hash, &part)
            .unwrap_or_else(|| self.fresh.push(hash, Entry::new(part)));
        id | SCRATCH
    }

    /// The part of a number.
    pub(super) fn part(&self, number: u32) -> &T {
        if number & SCRATCH == 0 {
            &self.base.get(number).part
        } else {
            &self.fresh.get(number ^ SCRATCH).part
        }
    }

    /// What came on top, in order.
    pub(super) fn into_fresh(self) -> Fresh<T> {
        Fresh {
            entries: self.fresh.entries,
        }
    }
}

/// New parts on their way into the table.
#[derive(Debug)]
pub(super) struct Fresh<T> {
    entries: Vec<Entry<T>>,
}

impl<T: Eq + Hash + Renamed> Fresh<T> {
    /// Puts the parts into the table and says their numbers there.
    pub(super) fn settle(self, table: &mut Table<T>) -> Settled {
        let numbers = self.entries.into_iter().map(|entry| table.take(entry));
        Settled {
            numbers: numbers.collect(),
        }
    }
}

/// The numbers that new parts got.
#[derive(Debug)]
pub(super) struct Settled {
    numbers: Vec<u32>,
}

impl Settled {
    pub(super) fn number(&self, id: u32) -> u32 {
        if id & SCRATCH == 0 {
            id
        } else {
            self.numbers[(id & !SCRATCH) as usize]
        }
    }
}

pub(super) fn hash_of(part: &impl Hash) -> u64 {
    FxBuildHasher.hash_one(part)
}
