//! What a disk says of the system it belongs to: how it is found out, and how it is written on a blank disk.

use super::{
    op::{DiskOp, DiskSize},
    place::{AREA, DiskPlace},
    refusal::DiskRefusal,
    sector::{DiskContent, DiskSector},
    task::{Came, DONE, DiskSetup, Step, Turn, found},
};
use crate::{Content, Identity, ObjectReply};

/// One step of finding out what the disk says of itself.
pub(super) fn inspect(came: Came, disk: &DiskSetup) -> Step {
    match came {
        Came::Begun if disk.expected.is_some() => Ok(Turn::Check),
        Came::Begun => Ok(Turn::Ask(DiskOp::Open)),
        Came::Checked => match &disk.expected {
            Some(expected) => Ok(found(Content::Identity(expected.clone()))),
            None => Err(DiskRefusal::Unasked),
        },
        Came::Nothing => Ok(Turn::End(ObjectReply::Missing)),
        Came::Done => Ok(Turn::Identity),
        Came::Identity(sector) => match sector {
            DiskSector::Blank => Ok(Turn::End(ObjectReply::Missing)),
            DiskSector::Holds(DiskContent::Identity(identity)) => {
                Ok(found(Content::Identity(identity)))
            }
            DiskSector::Holds(DiskContent::Strange(text)) => Err(DiskRefusal::Strange(text)),
            DiskSector::Holds(
                DiskContent::Start(_) | DiskContent::Slot(_) | DiskContent::Text(..),
            )
            | DiskSector::Unreadable => Err(DiskRefusal::Foreign),
        },
        Came::Size(_) | Came::Read(_) | Came::Ends => Err(DiskRefusal::Unasked),
    }
}

/// Writes the identity on what is blank. What is neither blank nor a disk of ours is left as it is.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct SetUp {
    identity: Identity,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Stage {
    Opening,
    Creating,
    Waiting,
    Sizing,
    /// Reads all places, to see whether they are blank.
    Reading(Blank),
    /// It is not blank: somebody else may have set it up, and begun, since it was looked at.
    Looking,
    Growing,
    /// Looks whether it is still the right disk, written by us or by somebody else.
    Checking,
}

/// How far a disk is known to be blank, sectors.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct Blank {
    /// So much of it is.
    until: u64,
    /// The next read ends here.
    next: u64,
    /// So much of it must be.
    end: u64,
    fixed: bool,
}

impl SetUp {
    pub(super) const fn of(identity: Identity) -> Self {
        let stage = Stage::Opening;
        Self { identity, stage }
    }

    pub(super) fn step(&mut self, came: Came, disk: &DiskSetup) -> Step {
        match (self.stage, came) {
            (Stage::Opening, Came::Begun) => Ok(Turn::Ask(DiskOp::Open)),
            (Stage::Opening, Came::Nothing) => Ok(self.ask(Stage::Creating, DiskOp::Create)),
            (Stage::Opening | Stage::Creating, Came::Done) => {
                Ok(self.ask(Stage::Waiting, DiskOp::Turn))
            }
            (Stage::Waiting, Came::Done) => Ok(self.ask(Stage::Sizing, DiskOp::Size)),
            (Stage::Sizing, Came::Size(size)) => Ok(self.sized(size, disk)),
            (Stage::Reading(blank), Came::Read(sectors)) => {
                if sectors.len() as u64 != blank.next - blank.until {
                    return Err(DiskRefusal::Unasked);
                }
                if sectors.iter().any(|sector| *sector != DiskSector::Blank) {
                    return Ok(self.is_not_blank());
                }
                Ok(self.read_on(blank.next, blank, disk))
            }
            (Stage::Looking, Came::Identity(sector)) => match sector {
                DiskSector::Holds(DiskContent::Identity(_) | DiskContent::Strange(_)) => {
                    self.stage = Stage::Checking;
                    Ok(Turn::Check)
                }
                DiskSector::Holds(
                    DiskContent::Start(_) | DiskContent::Slot(_) | DiskContent::Text(..),
                )
                | DiskSector::Blank
                | DiskSector::Unreadable => Err(DiskRefusal::Foreign),
            },
            (Stage::Growing, Came::Done) => Ok(self.write()),
            (Stage::Checking, Came::Checked) => Ok(DONE),
            (
                Stage::Opening
                | Stage::Creating
                | Stage::Waiting
                | Stage::Sizing
                | Stage::Reading(_)
                | Stage::Looking
                | Stage::Growing
                | Stage::Checking,
                _,
            ) => Err(DiskRefusal::Unasked),
        }
    }

    const fn ask(&mut self, stage: Stage, op: DiskOp) -> Turn {
        self.stage = stage;
        Turn::Ask(op)
    }

    /// A file need not have all places yet; a device that has not is no blank disk, but one that ends too early.
    fn sized(&mut self, size: DiskSize, disk: &DiskSetup) -> Turn {
        let DiskSize {
            sectors,
            ragged,
            fixed,
        } = size;
        if ragged && !fixed {
            return self.is_not_blank();
        }
        let all = DiskPlace::count(disk.agents);
        let blank = Blank {
            until: 0,
            next: 0,
            end: if fixed { all } else { all.min(sectors) },
            fixed,
        };
        self.read_on(0, blank, disk)
    }

    /// Reads on from there: the identity's place alone, then an area at a time.
    fn read_on(&mut self, from: u64, blank: Blank, disk: &DiskSetup) -> Turn {
        let until = from;
        let most = if from == 0 { 1 } else { AREA };
        let next = blank.end.min(until + most);
        if next > until
            && let Some(from) = DiskPlace::at(until)
        {
            let count = (next - until) as usize;
            let stage = Stage::Reading(Blank {
                until,
                next,
                ..blank
            });
            return self.ask(stage, DiskOp::Read { from, count });
        }
        if blank.fixed {
            return self.write();
        }
        // It never shrinks: whoever sets it up at the same time loses nothing.
        self.ask(Stage::Growing, DiskOp::Grow(DiskPlace::count(disk.agents)))
    }

    fn is_not_blank(&mut self) -> Turn {
        self.stage = Stage::Looking;
        Turn::Identity
    }

    fn write(&mut self) -> Turn {
        self.stage = Stage::Checking;
        let content = DiskContent::Identity(self.identity.clone());
        Turn::Put(DiskPlace::Identity, content)
    }
}
