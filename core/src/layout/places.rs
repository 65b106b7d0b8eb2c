//! How agents' objects lie on a disk of fixed places: the layer below the one on objects.
//!
//! A disk reads and writes sectors and does nothing else. What an operation on an object means there is decided here, as a
//! small state machine an operation: a [`DiskTask`] is given the operation of an agent, asks for one [`DiskOp`] after the
//! other, is told a [`DiskReply`] to each, and ends in the answer to the object operation or in a [`DiskRefusal`]. It knows no
//! bytes, files or clocks: who carries it out reads and writes the sectors, and says what each holds.
//!
//! | places | what | how |
//! |---|---|---|
//! | 1 | the identity of the store | written once, where all places are blank |
//! | 2 an agent | the record of its latest start, twice | one written after the other |
//! | 2 an agent | its block | two slots, written in turn |
//! | [`DISK_TEXTS`] an agent | its texts, one a start that voted for its own | each written once |
//!
//! A place is one sector; places are counted in sectors from the beginning of the disk ([`DiskPlace::position`]), and lengths of
//! texts in bytes of UTF-8. A write that is interrupted leaves what stood there, what was written, or a sector that can't be
//! read. The other one of a pair is whole then: so no write that is through is lost with the sector that is being
//! written. An unreadable sector is never taken for a blank one.
//!
//! *Errors.* Whatever is not certain is a refusal: where a disk is gone, moved, cut off, blank or another one's, it is
//! [lost](DiskLost) and no operation is answered. Whether a write that was refused has taken effect is not known, unless
//! the refusal was for what was found before ([`DiskRefusal::Fenced`], [`DiskRefusal::Full`], [`DiskRefusal::TooLong`]).
//!
//! *What must be exclusive.* A disk has no conditional write. A task whose writes depend on what it has read asks for its turn
//! ([`DiskOp::Turn`]) before it reads: from then to its end no other task of the same process may have its turn on that
//! disk. Tasks of different agents may go on in any order, as each writes its own area, and all write the same identity.
//! That a process of an agent is dead, with nothing of it on the way, before its agent is started anew is for
//! whoever starts agents to see to (`docs/decisions/0014-places-on-disks.md`).

mod list;
mod look;
mod op;
mod place;
mod refusal;
mod sector;
mod set_up;
mod slots;
mod starts;
mod task;
mod texts;

pub use {
    op::{DiskOp, DiskReply, DiskSize},
    place::{DISK_TEXTS, DiskPlace, Half},
    refusal::{DiskLost, DiskRefusal},
    sector::{DiskContent, DiskSector, StartRecord},
    task::{DiskNext, DiskSetup, DiskTask},
    texts::DISK_TEXT_MAX,
};
