//! The texts that an agent's starts have proposed.

use alloc::{sync::Arc, vec::Vec};

use super::{
    op::DiskOp,
    place::{DISK_TEXTS, DiskPlace},
    refusal::DiskRefusal,
    sector::{DiskContent, DiskSector},
    task::{Came, DONE, DiskSetup, Step, Turn, found},
};
use crate::{AgentId, Content, Incarnation, ObjectReply};

/// The greatest length of a text on a disk, bytes.
pub const DISK_TEXT_MAX: usize = 4000;

/// Reads an agent's texts, if it has an area.
fn read(agent: AgentId, disk: &DiskSetup) -> Step {
    let agent = disk.area(agent)?;
    Ok(Turn::Ask(DiskOp::Read {
        from: DiskPlace::Text(agent, 0),
        count: usize::from(DISK_TEXTS),
    }))
}

/// What the sectors of an agent's texts hold.
fn texts(sectors: &[DiskSector]) -> Result<Vec<Kept<'_>>, DiskRefusal> {
    if sectors.len() != usize::from(DISK_TEXTS) {
        return Err(DiskRefusal::Unasked);
    }
    let kept = sectors.iter().map(|sector| match sector {
        DiskSector::Blank => Kept::Free,
        DiskSector::Holds(DiskContent::Text(start, text)) => Kept::Text(*start, text),
        DiskSector::Holds(
            DiskContent::Identity(_)
            | DiskContent::Strange(_)
            | DiskContent::Start(_)
            | DiskContent::Slot(_),
        )
        | DiskSector::Unreadable => Kept::Unreadable,
    });
    Ok(kept.collect())
}

enum Kept<'a> {
    Free,
    Text(Incarnation, &'a Arc<str>),
    /// It may be all that is left of a text that counts.
    Unreadable,
}

/// Looks for the text of a start.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct GetText {
    agent: AgentId,
    start: Incarnation,
}

impl GetText {
    pub(super) const fn of(agent: AgentId, start: Incarnation) -> Self {
        Self { agent, start }
    }

    pub(super) fn step(&self, came: Came, disk: &DiskSetup) -> Step {
        match came {
            Came::Begun => Ok(Turn::Check),
            Came::Checked => read(self.agent, disk),
            Came::Read(sectors) => {
                let mut gaps = false;
                for kept in texts(&sectors)? {
                    match kept {
                        Kept::Text(start, text) if start == self.start => {
                            return Ok(found(Content::Text(Arc::clone(text))));
                        }
                        Kept::Text(..) | Kept::Free => {}
                        Kept::Unreadable => gaps = true,
                    }
                }
                if gaps {
                    return Err(DiskRefusal::TextUnreadable(self.agent));
                }
                Ok(Turn::End(ObjectReply::Missing))
            }
            Came::Identity(_) | Came::Done | Came::Nothing | Came::Size(_) | Came::Ends => {
                Err(DiskRefusal::Unasked)
            }
        }
    }
}

/// Puts a text into the first free place of its agent's. A text stays for ever: what may have been decided must be found.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct PutText {
    agent: AgentId,
    start: Incarnation,
    text: Arc<str>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Stage {
    Checking,
    Waiting,
    Looking,
    Writing,
}

impl PutText {
    pub(super) const fn of(agent: AgentId, start: Incarnation, text: Arc<str>) -> Self {
        Self {
            agent,
            start,
            text,
            stage: Stage::Checking,
        }
    }

    pub(super) fn step(&mut self, came: Came, disk: &DiskSetup) -> Step {
        match (self.stage, came) {
            (Stage::Checking, Came::Begun) if self.text.len() > DISK_TEXT_MAX => {
                let length = self.text.len();
                Err(DiskRefusal::TooLong { length })
            }
            (Stage::Checking, Came::Begun) => Ok(Turn::Check),
            (Stage::Checking, Came::Checked) => {
                self.stage = Stage::Waiting;
                Ok(Turn::Ask(DiskOp::Turn))
            }
            (Stage::Waiting, Came::Done) => {
                self.stage = Stage::Looking;
                read(self.agent, disk)
            }
            (Stage::Looking, Came::Read(sectors)) => self.looked(&texts(&sectors)?),
            (Stage::Writing, Came::Checked) => Ok(DONE),
            (Stage::Checking | Stage::Waiting | Stage::Looking | Stage::Writing, _) => {
                Err(DiskRefusal::Unasked)
            }
        }
    }

    fn looked(&mut self, texts: &[Kept<'_>]) -> Step {
        for kept in texts {
            match kept {
                Kept::Text(start, kept) if *start == self.start => {
                    if **kept == self.text {
                        return Ok(DONE);
                    }
                    return Err(DiskRefusal::OtherText(self.start));
                }
                Kept::Text(..) | Kept::Free | Kept::Unreadable => {}
            }
        }
        let free = texts.iter().zip(0..).find_map(|(kept, place)| match kept {
            Kept::Free => Some(place),
            Kept::Text(..) | Kept::Unreadable => None,
        });
        let Some(free) = free else {
            return Err(DiskRefusal::Full(self.agent));
        };
        self.stage = Stage::Writing;
        let content = DiskContent::Text(self.start, Arc::clone(&self.text));
        Ok(Turn::Put(DiskPlace::Text(self.agent, free), content))
    }
}
