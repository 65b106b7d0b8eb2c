//! Whether a disk is the one that it should be: looked at before each operation, and after each write.

use super::{
    op::{DiskOp, DiskReply, DiskSize},
    place::DiskPlace,
    refusal::{DiskLost, DiskRefusal},
    sector::{DiskContent, DiskSector},
    task::Came,
};
use crate::Identity;

/// A look under way.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Look {
    stage: Stage,
    /// What it says of itself must be what is expected; else that is the answer.
    judges: bool,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Stage {
    Opening,
    Writing(DiskPlace),
    Standing,
    Sizing,
    Reading,
}

/// What a look wants next, or what it came to.
pub(super) enum Seen {
    Ask(DiskOp),
    Came(Came),
}

impl Look {
    /// Is it the disk that it should be?
    pub(super) const fn check() -> (Self, DiskOp) {
        (Self::new(Stage::Opening, true), DiskOp::Open)
    }

    /// Writes a place, then looks whether it is still the right disk: what went into a file that another has taken the
    /// place of is nowhere.
    pub(super) const fn after_write(place: DiskPlace, content: DiskContent) -> (Self, DiskOp) {
        let look = Self::new(Stage::Writing(place), true);
        (look, DiskOp::Write(place, content))
    }

    /// What does it say of itself?
    pub(super) const fn identity() -> (Self, DiskOp) {
        (Self::new(Stage::Sizing, false), DiskOp::Size)
    }

    const fn new(stage: Stage, judges: bool) -> Self {
        Self { stage, judges }
    }

    pub(super) fn step(
        &mut self,
        reply: DiskReply,
        expected: Option<&Identity>,
    ) -> Result<Seen, DiskRefusal> {
        let lost = |lost| Err(DiskRefusal::Lost(lost));
        match (self.stage, reply) {
            (Stage::Opening, DiskReply::Nothing) => lost(DiskLost::Nothing),
            (Stage::Opening | Stage::Writing(_), DiskReply::Done) => {
                self.stage = Stage::Standing;
                Ok(Seen::Ask(DiskOp::Stands))
            }
            (Stage::Writing(place), DiskReply::DoesNotFit) => Err(DiskRefusal::DoesNotFit(place)),
            (Stage::Standing, DiskReply::Moved) => lost(DiskLost::Moved),
            // What it was set up for is not known yet.
            (Stage::Standing, DiskReply::Done) if expected.is_none() => {
                Ok(Seen::Came(Came::Checked))
            }
            (Stage::Standing, DiskReply::Done) => {
                self.stage = Stage::Sizing;
                Ok(Seen::Ask(DiskOp::Size))
            }
            (Stage::Sizing, DiskReply::Size(size)) => self.sized(size, expected),
            (Stage::Reading, DiskReply::Read(sectors)) => match <[_; 1]>::try_from(sectors) {
                Ok([sector]) => self.came(sector, expected),
                Err(_) => Err(DiskRefusal::Unasked),
            },
            (_, DiskReply::Ends) => lost(DiskLost::Ends),
            (_, DiskReply::Failed) => Err(DiskRefusal::Failed),
            (
                _,
                DiskReply::Done
                | DiskReply::Nothing
                | DiskReply::Moved
                | DiskReply::Size(_)
                | DiskReply::Read(_)
                | DiskReply::DoesNotFit,
            ) => Err(DiskRefusal::Unasked),
        }
    }

    /// A disk of no size is blank; what ends within its first sector is nothing of ours.
    fn sized(&mut self, size: DiskSize, expected: Option<&Identity>) -> Result<Seen, DiskRefusal> {
        match size {
            DiskSize { sectors: 1.., .. } => {
                self.stage = Stage::Reading;
                Ok(Seen::Ask(DiskOp::Read {
                    from: DiskPlace::Identity,
                    count: 1,
                }))
            }
            DiskSize { ragged: true, .. } => self.came(DiskSector::Unreadable, expected),
            DiskSize { ragged: false, .. } => self.came(DiskSector::Blank, expected),
        }
    }

    fn came(&self, sector: DiskSector, expected: Option<&Identity>) -> Result<Seen, DiskRefusal> {
        if !self.judges {
            return Ok(Seen::Came(Came::Identity(sector)));
        }
        let lost = match sector {
            DiskSector::Holds(DiskContent::Identity(found)) if expected == Some(&found) => {
                return Ok(Seen::Came(Came::Checked));
            }
            DiskSector::Holds(DiskContent::Identity(found)) => DiskLost::Other(found),
            DiskSector::Holds(DiskContent::Strange(found)) => DiskLost::Strange(found),
            DiskSector::Blank => DiskLost::Blank,
            DiskSector::Holds(
                DiskContent::Start(_) | DiskContent::Slot(_) | DiskContent::Text(..),
            )
            | DiskSector::Unreadable => DiskLost::Unreadable,
        };
        Err(DiskRefusal::Lost(lost))
    }
}
