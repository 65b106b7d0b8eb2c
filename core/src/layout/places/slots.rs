//! An agent's block, which stands on a disk in one of two slots.

use super::{
    op::DiskOp,
    place::{DiskPlace, Half},
    refusal::DiskRefusal,
    sector::{DiskContent, Latest, StartRecord, latest_start, newest_block},
    task::{Came, DONE, DiskSetup, Step, Turn, found},
};
use crate::{AgentId, BlockBody, Content, ObjectReply, Version};

/// Reads a version of an agent's block. A version that is not the newest is gone.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct GetBlock {
    owner: AgentId,
    version: Version,
}

impl GetBlock {
    pub(super) const fn of(owner: AgentId, version: Version) -> Self {
        Self { owner, version }
    }

    pub(super) fn step(&self, came: Came, disk: &DiskSetup) -> Step {
        match came {
            Came::Begun => Ok(Turn::Check),
            Came::Checked => {
                let owner = disk.area(self.owner)?;
                Ok(Turn::Ask(DiskOp::Read {
                    from: DiskPlace::Slot(owner, Half::First),
                    count: 2,
                }))
            }
            Came::Read(pair) => {
                let [first, second] = &pair[..] else {
                    return Err(DiskRefusal::Unasked);
                };
                match newest_block(first, second) {
                    None => Err(DiskRefusal::BlockUnreadable(self.owner)),
                    Some(body) if body.version == self.version => Ok(found(Content::Body(body))),
                    Some(_) => Ok(Turn::End(ObjectReply::Missing)),
                }
            }
            Came::Identity(_) | Came::Done | Came::Nothing | Came::Size(_) | Came::Ends => {
                Err(DiskRefusal::Unasked)
            }
        }
    }
}

/// Writes a version of an agent's block into the slot that does not hold the version before.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct PutBlock {
    owner: AgentId,
    body: BlockBody,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Stage {
    Checking,
    Waiting,
    /// Reads what stands there: records of starts and slots follow each other.
    Looking,
    Writing,
}

impl PutBlock {
    pub(super) const fn of(owner: AgentId, body: BlockBody) -> Self {
        let stage = Stage::Checking;
        Self { owner, body, stage }
    }

    pub(super) fn step(&mut self, came: Came, disk: &DiskSetup) -> Step {
        match (self.stage, came) {
            (Stage::Checking, Came::Begun) => Ok(Turn::Check),
            (Stage::Checking, Came::Checked) => {
                self.stage = Stage::Waiting;
                Ok(Turn::Ask(DiskOp::Turn))
            }
            (Stage::Waiting, Came::Done) => {
                self.stage = Stage::Looking;
                let owner = disk.area(self.owner)?;
                Ok(Turn::Ask(DiskOp::Read {
                    from: DiskPlace::Start(owner, Half::First),
                    count: 4,
                }))
            }
            (Stage::Looking, Came::Read(area)) => {
                let [start, other_start, slot, other_slot] = &area[..] else {
                    return Err(DiskRefusal::Unasked);
                };
                let latest = latest_start(start, other_start);
                self.looked(latest, newest_block(slot, other_slot))
            }
            (Stage::Writing, Came::Checked) => Ok(DONE),
            (Stage::Checking | Stage::Waiting | Stage::Looking | Stage::Writing, _) => {
                Err(DiskRefusal::Unasked)
            }
        }
    }

    fn looked(&mut self, latest: Latest<StartRecord>, standing: Option<BlockBody>) -> Step {
        let version = self.body.version;
        let agent = self.owner;
        match latest {
            Latest::Unreadable => return Err(DiskRefusal::StartsUnreadable(agent)),
            Latest::Is(record) if record.start > version.incarnation() => {
                let by = record.start;
                return Err(DiskRefusal::Fenced { agent, by });
            }
            Latest::Is(_) | Latest::Nothing => {}
        }
        // Over a block that can't be read anything may be written.
        if let Some(standing) = standing
            && standing.version > version
        {
            let by = standing.version.incarnation();
            if by > version.incarnation() {
                return Err(DiskRefusal::Fenced { agent, by });
            }
            // A late try of a write that is through, since a newer one stands above it. It must not take the slot of
            // the newest.
            return Ok(DONE);
        }
        self.stage = Stage::Writing;
        let place = DiskPlace::Slot(agent, Half::of(version));
        Ok(Turn::Put(place, DiskContent::Slot(self.body)))
    }
}
