//! Passive stores: blocks with sectors and history, kept decoded until a fault touches their bytes.
//!
//! `decode(encode(block)) == block` is a tested law of the core, so a block that no fault has
//! touched needs no bytes. A touched one is an image in bytes, and what it decodes to is worked out
//! once, when it changes.

pub mod bucket;

use std::cmp::Ordering;

use bivalent_core::{AgentId, Block, Format, Layout, Place, StoreId, Version};

/// How a store is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Service {
    /// It answers.
    Up,
    /// It answers nothing for now; requests wait.
    Out,
    /// It is gone for good.
    Lost,
}

/// One block on one store, as a reader finds it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) block: Block,
    pub(crate) version: Version,
    /// The greatest version whose write took effect here, whole or torn.
    pub(crate) applied: Version,
    /// The bytes are no block.
    pub(crate) unreadable: bool,
    /// Kinds of fault that have a hand in what stands here, as a bit set.
    pub(crate) marks: u32,
    /// Index into the images plus 1; 0: untouched, `block` is all there is to know.
    image: u32,
    /// How many versions the history holds.
    past: u32,
    /// Where the next one goes.
    next: u32,
}

/// An earlier version of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Past {
    pub(crate) block: Block,
    pub(crate) version: Version,
    /// The tick at which it took effect.
    pub(crate) since: u64,
}

/// All blocks of all stores of a run.
#[derive(Clone, Debug)]
pub(crate) struct Stores {
    layout: Layout,
    agents: usize,
    depth: usize,
    cells: Vec<Cell>,
    /// `depth` earlier versions of each cell, as rings.
    history: Vec<Past>,
    /// When each cell's newest version took effect, ticks.
    since: Vec<u64>,
    images: Vec<Vec<u8>>,
    images_used: usize,
    /// A planted bug: every fifth write of an agent to a store is acknowledged and not kept.
    #[cfg(feature = "planted-bugs")]
    pub(crate) loses_writes: bool,
    /// Every block is kept as bytes.
    #[cfg(feature = "planted-bugs")]
    in_bytes: bool,
    /// A planted bug: every fifth conditional write lands whatever stands there.
    #[cfg(feature = "planted-bugs")]
    pub(crate) ignores_conditions: bool,
}

/// What a write did to its place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Landing {
    /// It is the newest version.
    Newest,
    /// A newer version stood there, and was replaced or damaged by this older one.
    TookBack,
    /// A newer version stands and goes on counting.
    Overtaken,
    /// The very same write had landed before.
    Again,
}

const NEVER: Cell = Cell {
    block: Block {
        mbal: None,
        vote: None,
    },
    version: Version::NEVER,
    applied: Version::NEVER,
    unreadable: false,
    marks: 0,
    image: 0,
    past: 0,
    next: 0,
};
const NO_PAST: Past = Past {
    block: NEVER.block,
    version: NEVER.version,
    since: 0,
};

impl Stores {
    pub(crate) fn new(layout: Layout, agents: usize, stores: usize, depth: usize) -> Self {
        let cells = agents * stores;
        Self {
            layout,
            agents,
            depth,
            cells: vec![NEVER; cells],
            history: vec![NO_PAST; cells * depth],
            since: vec![0; cells],
            images: Vec::new(),
            images_used: 0,
            #[cfg(feature = "planted-bugs")]
            loses_writes: false,
            #[cfg(feature = "planted-bugs")]
            in_bytes: false,
            #[cfg(feature = "planted-bugs")]
            ignores_conditions: false,
        }
    }

    /// Gives the blocks a planted bug.
    #[cfg(feature = "planted-bugs")]
    pub(crate) fn plant(&mut self, bug: Option<bivalent_core::Bug>) {
        self.layout = self.layout.with_bug(bug);
        // Which slot counts is seen only where both are bytes.
        self.in_bytes = bug == Some(bivalent_core::Bug::PicksLowerSlot);
    }

    /// Empties every block; what was allocated stays.
    pub(crate) fn reset(&mut self) {
        self.cells.fill(NEVER);
        self.since.fill(0);
        self.images_used = 0;
    }

    #[inline]
    const fn at(&self, place: Place) -> usize {
        place.store.index() * self.agents + place.owner.index()
    }

    /// What a reader finds.
    #[inline]
    pub(crate) fn cell(&self, place: Place) -> &Cell {
        &self.cells[self.at(place)]
    }

    /// Marks what stands at a place as a fault's doing.
    pub(crate) fn mark(&mut self, place: Place, marks: u32) {
        let at = self.at(place);
        self.cells[at].marks |= marks;
    }

    /// A complete write takes effect.
    #[inline]
    pub(crate) fn write(
        &mut self,
        place: Place,
        block: Block,
        version: Version,
        now: u64,
    ) -> Landing {
        #[cfg(feature = "planted-bugs")]
        if self.loses_writes && version.count().is_multiple_of(5) {
            return Landing::Newest;
        }
        let at = self.at(place);
        let cell = &self.cells[at];
        let in_turn = version > cell.version
            && cell.image == 0
            && (self.layout.format() != Format::Dual
                || version.count() % 2 != cell.version.count() % 2);
        #[cfg(feature = "planted-bugs")]
        let in_turn = in_turn && !self.in_bytes;
        if !in_turn {
            return self.write_out_of_turn(place, block, version, now);
        }
        self.replace(at, block, version, now);
        Landing::Newest
    }

    /// A conditional write arrives: whether it takes effect. What is compared is the store's own count
    /// of the writes, which no fault of the bytes can change.
    pub(crate) fn put(
        &mut self,
        place: Place,
        expect: Version,
        block: Block,
        version: Version,
        now: u64,
    ) -> bool {
        let at = self.at(place);
        #[cfg(feature = "planted-bugs")]
        let holds = self.cells[at].applied == expect
            || (self.ignores_conditions && version.count().is_multiple_of(5));
        #[cfg(not(feature = "planted-bugs"))]
        let holds = self.cells[at].applied == expect;
        if holds {
            self.replace(at, block, version, now);
            self.cells[at].image = 0;
        }
        holds
    }

    #[inline]
    fn replace(&mut self, at: usize, block: Block, version: Version, now: u64) {
        if self.depth != 0 {
            self.remember(at);
        }
        let cell = &mut self.cells[at];
        cell.block = block;
        cell.version = version;
        cell.applied = version;
        cell.unreadable = false;
        cell.marks = 0;
        self.since[at] = now;
    }

    fn remember(&mut self, at: usize) {
        let cell = &self.cells[at];
        let past = Past {
            block: cell.block,
            version: cell.version,
            since: self.since[at],
        };
        self.remember_past(at, past);
    }

    fn remember_past(&mut self, at: usize, past: Past) {
        let cell = &mut self.cells[at];
        let ring = &mut self.history[at * self.depth..][..self.depth];
        ring[cell.next as usize] = past;
        cell.next = (cell.next + 1) % self.depth as u32;
        cell.past = (cell.past + 1).min(self.depth as u32);
    }

    #[cold]
    fn write_out_of_turn(
        &mut self,
        place: Place,
        block: Block,
        version: Version,
        now: u64,
    ) -> Landing {
        let at = self.at(place);
        let before = self.cells[at];
        let landing = match version.cmp(&before.applied) {
            Ordering::Greater => Landing::Newest,
            Ordering::Equal => Landing::Again,
            Ordering::Less => Landing::TookBack,
        };
        match self.layout.format() {
            Format::Versioned if landing == Landing::TookBack => return Landing::Overtaken,
            Format::Raw | Format::Checked | Format::Versioned => {
                self.replace(at, block, version, now);
                self.cells[at].image = 0;
                return landing;
            }
            Format::Dual => {}
        }
        self.edit(place, now, |layout, image| {
            layout.encode(place, version, block, image);
        });
        let cell = &mut self.cells[at];
        cell.applied = cell.applied.max(version);
        let untouched = (cell.version, cell.unreadable) == (before.version, before.unreadable);
        if landing == Landing::TookBack && untouched {
            Landing::Overtaken
        } else {
            landing
        }
    }

    /// Some sectors of a write get through. `keep` is asked for each sector from the front.
    /// Returns whether what is left is neither the old image nor the new one.
    pub(crate) fn write_torn(
        &mut self,
        place: Place,
        block: Block,
        version: Version,
        now: u64,
        mut keep: impl FnMut(u32) -> bool,
    ) -> bool {
        let mut torn = false;
        let versioned = self.layout.format() == Format::Versioned;
        let overtaken = version < self.cell(place).applied;
        self.edit(place, now, |layout, image| {
            // A versioned write has a key of its own: nothing else stands where it goes.
            let blank = vec![0; image.len()];
            let old = if versioned { blank } else { image.to_vec() };
            let mut whole = old.clone();
            layout.encode(place, version, block, &mut whole);
            let mut mixed = old.clone();
            let size = layout.sector() as usize;
            for (index, start) in layout.slot(version).step_by(size).enumerate() {
                if keep(index as u32) {
                    mixed[start..start + size].copy_from_slice(&whole[start..start + size]);
                }
            }
            torn = mixed != old && mixed != whole;
            // A torn key is passed over: readers take the greatest version that can be read.
            if !versioned || (mixed == whole && !overtaken) {
                image.copy_from_slice(&mixed);
            }
        });
        let at = self.at(place);
        let cell = &mut self.cells[at];
        if !versioned || cell.version == version {
            cell.applied = cell.applied.max(version);
        }
        torn
    }

    /// Flips bits of what stands at a place; `pick` draws a bit's number below its argument.
    /// Returns whether a reader now finds something else.
    pub(crate) fn rot(
        &mut self,
        place: Place,
        bits: u32,
        now: u64,
        mut pick: impl FnMut(u64) -> u64,
    ) -> bool {
        let before = *self.cell(place);
        let at = self.at(place);
        let version = before.version;
        if version == Version::default() && !before.unreadable {
            return false;
        }
        let versioned = self.layout.format() == Format::Versioned;
        self.edit(place, now, |layout, image| {
            let slot = layout.slot(version);
            for _ in 0..bits {
                let bit = pick(slot.len() as u64 * 8) as usize;
                image[slot.start + bit / 8] ^= 1 << (bit % 8);
            }
        });
        let after = *self.cell(place);
        if versioned && after.unreadable {
            // The rotten version is passed over; the one before it is found.
            if let Some(past) = self.nth_back(at, 1) {
                self.set(at, past);
            }
        }
        let after = self.cell(place);
        (after.block, after.version, after.unreadable)
            != (before.block, before.version, before.unreadable)
    }

    /// Another agent's image lands at a place.
    pub(crate) fn misdirect(
        &mut self,
        victim: Place,
        of: Place,
        block: Block,
        version: Version,
        now: u64,
    ) {
        self.edit(victim, now, |layout, image| {
            layout.encode(of, version, block, image);
        });
    }

    /// Undoes up to `versions` writes of every block of a store; returns the owners hit.
    pub(crate) fn forget(&mut self, store: StoreId, versions: u32, now: u64) -> u128 {
        let mut hit = 0;
        for owner in 0..self.agents {
            let place = Place {
                store,
                owner: AgentId(owner as u16),
            };
            let at = self.at(place);
            let cell = self.cells[at];
            if cell.version == Version::default() && !cell.unreadable {
                continue;
            }
            let past = if versions == u32::MAX {
                None
            } else {
                self.oldest_within(at, versions)
            };
            self.set(at, past.unwrap_or(NO_PAST));
            self.cells[at].past = 0;
            self.cells[at].next = 0;
            self.since[at] = now;
            hit |= place.owner.bit();
        }
        hit
    }

    fn set(&mut self, at: usize, past: Past) {
        let cell = &mut self.cells[at];
        cell.block = past.block;
        cell.version = past.version;
        cell.applied = past.version;
        cell.unreadable = false;
        cell.image = 0;
    }

    /// The version `back` writes before the newest, if it is remembered; a block's first state is
    /// never forgotten while the ring has room.
    pub(crate) fn back(&self, place: Place, back: u32) -> Option<Past> {
        self.nth_back(self.at(place), back)
    }

    fn nth_back(&self, at: usize, back: u32) -> Option<Past> {
        let cell = &self.cells[at];
        if back == 0 || back > cell.past {
            return None;
        }
        let depth = self.depth as u32;
        let index = (cell.next + depth - back) % depth;
        Some(self.history[at * self.depth + index as usize])
    }

    fn oldest_within(&self, at: usize, versions: u32) -> Option<Past> {
        self.nth_back(at, versions.min(self.cells[at].past))
    }

    /// How many earlier versions of a block are remembered.
    pub(crate) fn remembered(&self, place: Place) -> u32 {
        self.cell(place).past
    }

    /// The block as it stood at `tick`: how many versions back that is.
    pub(crate) fn back_at(&self, place: Place, tick: u64) -> u32 {
        let at = self.at(place);
        let mut back = 0;
        let mut since = self.since[at];
        while since > tick
            && let Some(past) = self.nth_back(at, back + 1)
        {
            back += 1;
            since = past.since;
        }
        back
    }

    /// Changes a block's bytes, and works out what they now are to a reader.
    fn edit(&mut self, place: Place, now: u64, change: impl FnOnce(Layout, &mut [u8])) {
        let at = self.at(place);
        let index = match self.cells[at].image {
            0 => self.picture(place),
            image => image as usize - 1,
        };
        let image = &mut self.images[index];
        change(self.layout, image);
        let found = self.layout.decode(place, image);
        let cell = &mut self.cells[at];
        let before = Past {
            block: cell.block,
            version: cell.version,
            since: self.since[at],
        };
        cell.unreadable = found.is_err();
        if let Ok((block, version)) = found {
            cell.block = block;
            cell.version = version;
            if version > before.version {
                self.since[at] = now;
                if self.depth != 0 {
                    self.remember_past(at, before);
                }
            }
        }
    }

    /// Makes the bytes of an untouched block.
    fn picture(&mut self, place: Place) -> usize {
        let at = self.at(place);
        let size = self.layout.size() as usize;
        if self.images_used == self.images.len() {
            self.images.push(vec![0; size]);
        }
        let index = self.images_used;
        self.images_used += 1;
        let before = self.nth_back(at, 1);
        let cell = &mut self.cells[at];
        cell.image = index as u32 + 1;
        let image = &mut self.images[index];
        image.fill(0);
        if let (Format::Dual, Some(past)) = (self.layout.format(), before)
            && past.version != Version::default()
        {
            self.layout.encode(place, past.version, past.block, image);
        }
        if cell.version != Version::default() {
            self.layout.encode(place, cell.version, cell.block, image);
        }
        index
    }
}

#[cfg(test)]
mod tests;
