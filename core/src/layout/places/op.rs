//! The operations of a disk, and what it answers.

use alloc::vec::Vec;

use super::{
    place::DiskPlace,
    sector::{DiskContent, DiskSector},
};

/// What a [`DiskTask`](crate::DiskTask) asks of its disk. One is asked at a time.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum DiskOp {
    /// Find what is there, unless that was done before: [`DiskReply::Done`] or [`DiskReply::Nothing`].
    Open,
    /// Make the file that is missing, of no size: [`DiskReply::Done`]. If it is there by now, that is the one.
    Create,
    /// Look whether what was found is still what stands under its name: [`DiskReply::Done`] or [`DiskReply::Moved`].
    Stands,
    /// Look how large it is: [`DiskReply::Size`].
    Size,
    /// Make the file so many sectors large, if it is smaller, and never smaller: [`DiskReply::Done`].
    Grow(u64),
    /// Wait until no other task of this process has its turn on this disk, and have it until the task ends:
    /// [`DiskReply::Done`].
    Turn,
    /// Read so many places that follow each other: [`DiskReply::Read`], or [`DiskReply::Ends`].
    Read {
        /// The first of them.
        from: DiskPlace,
        /// How many.
        count: usize,
    },
    /// Write one place: [`DiskReply::Done`] once it is on the disk.
    Write(DiskPlace, DiskContent),
}

/// What a disk answers.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum DiskReply {
    /// What was asked for is done, or is so.
    Done,
    /// There is nothing under the disk's name.
    Nothing,
    /// What stands under its name is not what was found there at first: that was moved, removed or replaced.
    Moved,
    /// How large it is.
    Size(DiskSize),
    /// What the places held, as many as were asked for.
    Read(Vec<DiskSector>),
    /// It ends before the last of them does: nothing was read.
    Ends,
    /// The content is too long for a sector: nothing was written.
    DoesNotFit,
    /// It failed. Whether a write has taken effect is not known.
    Failed,
}

/// The size of a disk.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct DiskSize {
    /// Whole sectors.
    pub sectors: u64,
    /// It ends within a sector.
    pub ragged: bool,
    /// It has the size that it has, as a device does; a file grows.
    pub fixed: bool,
}
