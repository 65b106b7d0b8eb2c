//! What a listing shows of a disk: for each agent its latest start and the version that stands in its block.

use alloc::vec::Vec;

use super::{
    op::DiskOp,
    place::{DiskPlace, Half},
    refusal::DiskRefusal,
    sector::{DiskSector, Latest, latest_start, newest_block},
    task::{Came, DiskSetup, Reply, Step, Turn},
};
use crate::{AgentId, Folder, Incarnation, ObjectName, ObjectReply, Version};

/// The version that a block is listed under which can't be read: that is no empty block. It is below every one that a
/// later start writes.
const UNREADABLE: Version = Version::new(Incarnation(0), 1);

/// Lists the folder of agents.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct List {
    after: Option<ObjectName>,
    names: Vec<ObjectName>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Stage {
    Looking,
    /// Which disk it is is not known yet: the records of starts, one agent after the other.
    Starts(AgentId),
    /// All that stands in the agents' areas.
    Areas(AgentId),
}

impl List {
    /// Nothing stands in any other folder.
    pub(super) const fn of(folder: Folder, after: Option<ObjectName>) -> Result<Self, Reply> {
        match folder {
            Folder::Agents => Ok(Self {
                after,
                names: Vec::new(),
                stage: Stage::Looking,
            }),
            Folder::Top | Folder::Records | Folder::Snapshots | Folder::Texts | Folder::Votes => {
                Err(ObjectReply::Listed {
                    names: Vec::new(),
                    more: false,
                })
            }
        }
    }

    /// Whether a disk that ends too early is one that shows less: what it was set up for is not known yet. It may be for
    /// fewer agents, or not be set up.
    pub(super) const fn bears_an_end(&self) -> bool {
        matches!(self.stage, Stage::Starts(_))
    }

    pub(super) fn step(&mut self, came: Came, disk: &DiskSetup) -> Step {
        match (self.stage, came) {
            (Stage::Looking, Came::Begun) if disk.expected.is_some() => Ok(Turn::Check),
            (Stage::Looking, Came::Begun) => Ok(Turn::Ask(DiskOp::Open)),
            (Stage::Looking, Came::Nothing) | (Stage::Starts(_), Came::Ends) => Ok(self.end()),
            (Stage::Looking, Came::Done) => Ok(self.read_starts(disk.after(None))),
            (Stage::Looking, Came::Checked) => Ok(self.read_area(disk.after(None))),
            (Stage::Starts(agent), Came::Read(pair)) => {
                let [first, second] = &pair[..] else {
                    return Err(DiskRefusal::Unasked);
                };
                match latest_start(first, second) {
                    Latest::Is(record) => self.names.push(ObjectName::Start(agent, record.start)),
                    Latest::Nothing => {}
                    Latest::Unreadable => return Err(DiskRefusal::StartsUnreadable(agent)),
                }
                Ok(self.read_starts(disk.after(Some(agent))))
            }
            (Stage::Areas(agent), Came::Read(area)) => {
                let [start, other_start, slot, other_slot] = &area[..] else {
                    return Err(DiskRefusal::Unasked);
                };
                self.show(agent, (start, other_start), (slot, other_slot));
                Ok(self.read_area(disk.after(Some(agent))))
            }
            (Stage::Looking | Stage::Starts(_) | Stage::Areas(_), _) => Err(DiskRefusal::Unasked),
        }
    }

    fn read_starts(&mut self, agent: Option<AgentId>) -> Turn {
        let Some(agent) = agent else {
            return self.end();
        };
        self.stage = Stage::Starts(agent);
        Turn::Ask(DiskOp::Read {
            from: DiskPlace::Start(agent, Half::First),
            count: 2,
        })
    }

    fn read_area(&mut self, agent: Option<AgentId>) -> Turn {
        let Some(agent) = agent else {
            return self.end();
        };
        self.stage = Stage::Areas(agent);
        Turn::Ask(DiskOp::Read {
            from: DiskPlace::Start(agent, Half::First),
            count: 4,
        })
    }

    fn show(
        &mut self,
        agent: AgentId,
        starts: (&DiskSector, &DiskSector),
        slots: (&DiskSector, &DiskSector),
    ) {
        match latest_start(starts.0, starts.1) {
            Latest::Is(record) => self.names.push(ObjectName::Start(agent, record.start)),
            // Of one whose records can't be read no start is shown: it can't make one either, and counts nothing here.
            Latest::Nothing | Latest::Unreadable => {}
        }
        let version = newest_block(slots.0, slots.1).map_or(UNREADABLE, |body| body.version);
        if version != Version::default() {
            self.names.push(ObjectName::Version(agent, version));
        }
    }

    fn end(&mut self) -> Turn {
        let mut names = core::mem::take(&mut self.names);
        names.retain(|name| Some(*name) > self.after);
        names.sort_unstable();
        Turn::End(ObjectReply::Listed { names, more: false })
    }
}
