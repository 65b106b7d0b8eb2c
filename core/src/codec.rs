//! Blocks as bytes: the four formats, and what a torn or rotten image decodes to.
//!
//! A slot is laid out so that a large block has its ballots and its value in different sectors, as
//! a real one with a payload has: the header stands first, the value in the second half, the
//! checksum last. That is what makes a torn raw block dangerous (new `bal`, old `inp`).

use core::fmt;

use crc::{CRC_64_XZ, Crc, Table};

#[cfg(feature = "planted-bugs")]
use crate::bug::Bug;
#[cfg(not(feature = "planted-bugs"))]
use crate::no_bug::Bug;
use crate::{AgentId, Ballot, Block, Incarnation, Overwrite, StoreId, Value, Version, Vote};

const CHECKSUM: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_XZ);
const MAGIC: [u8; 3] = *b"BV\x02";
const AT_VERSION: usize = 8;
const AT_MBAL: usize = 24;
const AT_BAL: usize = 40;
const HEADER: usize = 56;
const WORD: usize = 8;
/// The greatest size of a block.
const SIZE_MAX: u32 = 1 << 16;

/// How a block is written as bytes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Format {
    /// The fields and nothing else, overwritten in place.
    Raw,
    /// With owner, place, version and a checksum, overwritten in place.
    Checked,
    /// Two checked slots written in turn, so that a torn write leaves the last good version.
    Dual,
    /// Checked, every version under a key of its own; the greatest counts.
    Versioned,
}

impl Format {
    /// Whether a write replaces the one before it.
    pub const fn overwrite(self) -> Overwrite {
        match self {
            Self::Raw | Self::Checked | Self::Dual => Overwrite::InPlace,
            Self::Versioned => Overwrite::Versioned,
        }
    }
}

/// Sizes and format of every block of a system.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Layout {
    size: u32,
    sector: u32,
    format: Format,
    #[cfg(feature = "planted-bugs")]
    bug: Option<Bug>,
}

/// Why a layout is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LayoutError {
    /// The block is smaller than its format needs, or larger than 64 KiB. Sizes in bytes.
    Size {
        /// What was asked for.
        size: u32,
        /// The least size of this format.
        least: u32,
    },
    /// The sector is not a multiple of 8 bytes, or does not divide the block (each slot of a dual
    /// one).
    Sector {
        /// What was asked for, bytes.
        sector: u32,
        /// What it must divide, bytes.
        slot: u32,
    },
}

/// Where a block belongs; part of what its checksum covers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// The store.
    pub store: StoreId,
    /// The agent whose block it is.
    pub owner: AgentId,
}

/// The bytes are no block of this place. That is not an empty block: treat the store as not read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unreadable;

impl Layout {
    /// Blocks of `size` bytes, made of sectors of `sector` bytes that a store writes atomically.
    pub const fn new(size: u32, sector: u32, format: Format) -> Result<Self, LayoutError> {
        let slots = match format {
            Format::Dual => 2,
            Format::Raw | Format::Checked | Format::Versioned => 1,
        };
        let least = match format {
            Format::Raw => HEADER + WORD,
            Format::Checked | Format::Versioned => HEADER + 2 * WORD,
            Format::Dual => 2 * (HEADER + 2 * WORD),
        } as u32;
        if size < least || size > SIZE_MAX {
            return Err(LayoutError::Size { size, least });
        }
        let slot = size / slots;
        if sector == 0
            || !sector.is_multiple_of(8)
            || !slot.is_multiple_of(sector)
            || !size.is_multiple_of(slots)
        {
            return Err(LayoutError::Sector { sector, slot });
        }
        Ok(Self {
            size,
            sector,
            format,
            #[cfg(feature = "planted-bugs")]
            bug: None,
        })
    }

    /// The same layout with a planted bug.
    #[cfg(feature = "planted-bugs")]
    #[must_use]
    pub const fn with_bug(self, bug: Option<Bug>) -> Self {
        Self { bug, ..self }
    }

    /// The size of a block, bytes.
    pub const fn size(self) -> u32 {
        self.size
    }

    /// The size of a sector, bytes.
    pub const fn sector(self) -> u32 {
        self.sector
    }

    /// How many sectors one write of a block covers: all of a block, one slot of a dual one.
    pub const fn sectors_per_write(self) -> u32 {
        self.slot_size() / self.sector
    }

    /// The format.
    pub const fn format(self) -> Format {
        self.format
    }

    const fn slot_size(self) -> u32 {
        match self.format {
            Format::Dual => self.size / 2,
            Format::Raw | Format::Checked | Format::Versioned => self.size,
        }
    }

    /// The part of a block's image that the write of `version` covers.
    pub const fn slot(self, version: Version) -> core::ops::Range<usize> {
        let size = self.slot_size() as usize;
        match self.format {
            Format::Dual if version.count() % 2 == 1 => size..2 * size,
            Format::Raw | Format::Checked | Format::Dual | Format::Versioned => 0..size,
        }
    }

    /// Writes `block` into its slot of `image`, as one complete write does.
    ///
    /// `image` is a whole block of [`Layout::size`] bytes; all zeros is a block never written.
    pub fn encode(self, place: Place, version: Version, block: Block, image: &mut [u8]) {
        let slot = &mut image[self.slot(version)];
        slot.fill(0);
        let end = slot.len() - WORD;
        put_two(slot, AT_VERSION, [version.incarnation().0, version.count()]);
        if let Some(mbal) = block.mbal {
            put_two(slot, AT_MBAL, mbal.to_words());
        }
        if let Some(vote) = block.vote {
            put_two(slot, AT_BAL, vote.bal.to_words());
            put(slot, value_at(slot), vote.inp.0);
        }
        if self.format != Format::Raw {
            slot[..3].copy_from_slice(&MAGIC);
            slot[3] = self.format as u8;
            slot[4] = place.store.0;
            slot[5..7].copy_from_slice(&place.owner.0.to_le_bytes());
            let sum = self.checksum(&slot[..end]);
            put(slot, end, sum);
        }
    }

    /// Reads a block's image. Never written is the default block with the default version; an
    /// image of another size is none.
    ///
    /// A dual block with one good slot is that slot's: the other one is being written, or was torn.
    pub fn decode(self, place: Place, image: &[u8]) -> Result<(Block, Version), Unreadable> {
        if image.len() != self.size as usize {
            return Err(Unreadable);
        }
        match self.format {
            Format::Raw => Ok(fields(image)),
            Format::Checked | Format::Versioned => self.decode_slot(place, image),
            Format::Dual => {
                let (even, odd) = image.split_at(self.slot_size() as usize);
                match (self.decode_slot(place, even), self.decode_slot(place, odd)) {
                    (Ok(even), Ok(odd)) => {
                        let newer = (even.1 > odd.1) != self.has(Bug::PicksLowerSlot);
                        Ok(if newer { even } else { odd })
                    }
                    (Ok(good), Err(Unreadable)) | (Err(Unreadable), Ok(good)) => Ok(good),
                    (Err(Unreadable), Err(Unreadable)) => Err(Unreadable),
                }
            }
        }
    }

    /// Reads one slot's image, as [`Layout::slot`] cuts it out of a block's; for who reads slots apart. Never written is
    /// the default block with the default version; an image of another size is none.
    ///
    /// Of a raw block, which has no checksum, use [`Layout::decode`].
    pub fn decode_slot(self, place: Place, slot: &[u8]) -> Result<(Block, Version), Unreadable> {
        if slot.len() != self.slot_size() as usize {
            return Err(Unreadable);
        }
        if slot.iter().all(|&byte| byte == 0) {
            return Ok(Default::default());
        }
        let (body, sum) = slot.split_at(slot.len() - WORD);
        let [low, high] = place.owner.0.to_le_bytes();
        let head = [
            MAGIC[0],
            MAGIC[1],
            MAGIC[2],
            self.format as u8,
            place.store.0,
            low,
            high,
        ];
        let checked = if self.has(Bug::ChecksNoPlace) {
            &head[..4]
        } else {
            &head[..]
        };
        if take(sum, 0) != self.checksum(body) || !body.starts_with(checked) {
            return Err(Unreadable);
        }
        Ok(fields(slot))
    }

    fn checksum(self, body: &[u8]) -> u64 {
        let covered = if self.has(Bug::ChecksHeadOnly) {
            AT_BAL
        } else {
            body.len()
        };
        CHECKSUM.checksum(&body[..covered])
    }

    #[cfg(feature = "planted-bugs")]
    fn has(self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    #[cfg(not(feature = "planted-bugs"))]
    #[expect(clippy::unused_self, reason = "as where there are bugs")]
    const fn has(self, _: Bug) -> bool {
        false
    }
}

fn fields(slot: &[u8]) -> (Block, Version) {
    let mbal = Ballot::from_words(take_two(slot, AT_MBAL));
    let vote = Ballot::from_words(take_two(slot, AT_BAL)).map(|bal| Vote {
        bal,
        inp: Value(take(slot, value_at(slot))),
    });
    let [start, count] = take_two(slot, AT_VERSION);
    let version = Version::new(Incarnation(start), count);
    (Block { mbal, vote }, version)
}

/// Where the value stands: in the second half, unless the header reaches into it.
fn value_at(slot: &[u8]) -> usize {
    (slot.len() / 2).max(HEADER)
}

fn put_two(slot: &mut [u8], at: usize, [first, second]: [u64; 2]) {
    put(slot, at, first);
    put(slot, at + WORD, second);
}

fn take_two(slot: &[u8], at: usize) -> [u64; 2] {
    [take(slot, at), take(slot, at + WORD)]
}

fn put(slot: &mut [u8], at: usize, word: u64) {
    slot[at..at + WORD].copy_from_slice(&word.to_le_bytes());
}

fn take(slot: &[u8], at: usize) -> u64 {
    let mut word = [0; WORD];
    word.copy_from_slice(&slot[at..at + WORD]);
    u64::from_le_bytes(word)
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Size { size, least } => {
                write!(
                    f,
                    "a block of {size} bytes; this format takes {least} to {SIZE_MAX}"
                )
            }
            Self::Sector { sector, slot } => write!(
                f,
                "sectors of {sector} bytes; they must be a multiple of 8 and divide {slot} bytes"
            ),
        }
    }
}

impl core::error::Error for LayoutError {}
