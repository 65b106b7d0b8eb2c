//! An operation on an object of a disk, carried out place by place.

use alloc::vec::Vec;

use super::{
    list::List,
    look::{Look, Seen},
    op::{DiskOp, DiskReply, DiskSize},
    place::DiskPlace,
    refusal::{DiskLost, DiskRefusal},
    sector::{DiskContent, DiskSector},
    set_up::{SetUp, inspect},
    slots::{GetBlock, PutBlock},
    starts::PutStart,
    texts::{GetText, PutText},
};
use crate::{
    AgentId, BlockBody, Content, Identity, ObjectName, ObjectOp, ObjectReply, ObjectTag,
    StartRecord,
};

pub(super) type Reply = ObjectReply<ObjectName, Content<BlockBody>>;

/// What all operations on a disk have to know.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct DiskSetup {
    /// For how many agents it is.
    pub agents: u16,
    /// What it must say of itself, once that is known.
    pub expected: Option<Identity>,
}

impl DiskSetup {
    /// The agent, if it has an area.
    pub(super) const fn area(&self, agent: AgentId) -> Result<AgentId, DiskRefusal> {
        if agent.0 < self.agents {
            Ok(agent)
        } else {
            Err(DiskRefusal::NoArea(agent))
        }
    }

    /// The agents that have one.
    pub(super) fn after(&self, agent: Option<AgentId>) -> Option<AgentId> {
        let next = agent.map_or(0, |AgentId(agent)| agent + 1);
        (next < self.agents).then_some(AgentId(next))
    }
}

/// What a [`DiskTask`] wants next.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum DiskNext {
    /// An operation of the disk; its reply goes into the next step.
    Ask(DiskOp),
    /// Nothing: this is the answer.
    End(ObjectReply<ObjectName, Content<BlockBody>>),
    /// Nothing: it came to nothing.
    Refuse(DiskRefusal),
}

/// An operation on an object under way.
///
/// ```
/// use bivalent_core::{DiskNext, DiskOp, DiskReply, DiskSetup, DiskTask, ObjectName, ObjectOp, ObjectReply};
///
/// let disk = DiskSetup { agents: 3, expected: None };
/// let (mut task, first) = DiskTask::begin(ObjectOp::Get(ObjectName::Identity), disk);
/// assert_eq!(first, DiskNext::Ask(DiskOp::Open));
/// // There is no such file: nobody has set the disk up.
/// assert_eq!(task.step(DiskReply::Nothing), DiskNext::End(ObjectReply::Missing));
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct DiskTask {
    disk: DiskSetup,
    work: Work,
    /// The look that the work waits for.
    look: Option<Look>,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Work {
    Inspect,
    SetUp(SetUp),
    GetBlock(GetBlock),
    PutBlock(PutBlock),
    GetText(GetText),
    PutText(PutText),
    PutStart(PutStart),
    List(List),
    /// It has ended.
    Over,
}

/// What the work of an operation wants next.
pub(super) enum Turn {
    Ask(DiskOp),
    /// Whether it is the disk that it should be: [`Came::Checked`].
    Check,
    /// What the disk says of itself: [`Came::Identity`].
    Identity,
    /// Writes a place of what is still the right disk afterwards: [`Came::Checked`].
    Put(DiskPlace, DiskContent),
    End(Reply),
}

/// What came of it.
pub(super) enum Came {
    Begun,
    Checked,
    Identity(DiskSector),
    Done,
    Nothing,
    Size(DiskSize),
    Read(Vec<DiskSector>),
    /// The disk ends before what was to be read; only a [`List`] of a disk that is not known hears of it.
    Ends,
}

pub(super) type Step = Result<Turn, DiskRefusal>;

/// The end of an operation that has written.
pub(super) const DONE: Turn = Turn::End(ObjectReply::Done(None));

/// The end of a get. States of a disk's objects have no names.
pub(super) fn found(content: Content<BlockBody>) -> Turn {
    Turn::End(ObjectReply::Found {
        content,
        tag: ObjectTag(0),
    })
}

impl DiskTask {
    /// Begins an operation, and says what is wanted first. Conditions of puts are not looked at: a start's record and a
    /// text are written once in any case.
    pub fn begin(
        op: ObjectOp<ObjectName, Content<BlockBody>>,
        disk: DiskSetup,
    ) -> (Self, DiskNext) {
        let work = match op {
            ObjectOp::Get(name) => get(name),
            ObjectOp::Put { name, content, .. } => put(name, content),
            // A newer block takes an older one's room, and a later start's record an earlier one's.
            ObjectOp::Delete(_) => Err(ObjectReply::Done(None)),
            ObjectOp::List { folder, after } => List::of(folder, after).map(Work::List),
        };
        let (work, ended) = match work {
            Ok(work) => (work, None),
            Err(reply) => (Work::Over, Some(DiskNext::End(reply))),
        };
        let look = None;
        let mut task = Self { disk, work, look };
        let first = ended.unwrap_or_else(|| task.go_on(Came::Begun));
        (task, first)
    }

    /// Takes the reply to the operation that was asked for last, and says what is wanted next.
    pub fn step(&mut self, reply: DiskReply) -> DiskNext {
        match self.take(reply) {
            Ok(Seen::Ask(op)) => DiskNext::Ask(op),
            Ok(Seen::Came(came)) => self.go_on(came),
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// What a reply means to the look that is under way, or else to the work itself.
    fn take(&mut self, reply: DiskReply) -> Result<Seen, DiskRefusal> {
        if let Some(look) = &mut self.look {
            let seen = look.step(reply, self.disk.expected.as_ref());
            if let Ok(Seen::Came(_)) = seen {
                self.look = None;
            }
            return seen;
        }
        let came = match reply {
            DiskReply::Done => Came::Done,
            DiskReply::Nothing => Came::Nothing,
            DiskReply::Size(size) => Came::Size(size),
            DiskReply::Read(sectors) => Came::Read(sectors),
            DiskReply::Ends => match &self.work {
                Work::List(list) if list.bears_an_end() => Came::Ends,
                Work::List(_)
                | Work::Inspect
                | Work::SetUp(_)
                | Work::GetBlock(_)
                | Work::PutBlock(_)
                | Work::GetText(_)
                | Work::PutText(_)
                | Work::PutStart(_)
                | Work::Over => return Err(DiskRefusal::Lost(DiskLost::Ends)),
            },
            DiskReply::Failed => return Err(DiskRefusal::Failed),
            DiskReply::Moved | DiskReply::DoesNotFit => return Err(DiskRefusal::Unasked),
        };
        Ok(Seen::Came(came))
    }

    fn go_on(&mut self, came: Came) -> DiskNext {
        let disk = &self.disk;
        let step = match &mut self.work {
            Work::Inspect => inspect(came, disk),
            Work::SetUp(set_up) => set_up.step(came, disk),
            Work::GetBlock(get) => get.step(came, disk),
            Work::PutBlock(put) => put.step(came, disk),
            Work::GetText(get) => get.step(came, disk),
            Work::PutText(put) => put.step(came, disk),
            Work::PutStart(put) => put.step(came, disk),
            Work::List(list) => list.step(came, disk),
            Work::Over => Err(DiskRefusal::Unasked),
        };
        let (look, op) = match step {
            Ok(Turn::Ask(op)) => return DiskNext::Ask(op),
            Ok(Turn::Check) => Look::check(),
            Ok(Turn::Identity) => Look::identity(),
            Ok(Turn::Put(place, content)) => Look::after_write(place, content),
            Ok(Turn::End(reply)) => {
                self.work = Work::Over;
                return DiskNext::End(reply);
            }
            Err(refusal) => return self.refuse(refusal),
        };
        self.look = Some(look);
        DiskNext::Ask(op)
    }

    fn refuse(&mut self, refusal: DiskRefusal) -> DiskNext {
        (self.work, self.look) = (Work::Over, None);
        DiskNext::Refuse(refusal)
    }
}

fn get(name: ObjectName) -> Result<Work, Reply> {
    Ok(match name {
        ObjectName::Identity => Work::Inspect,
        ObjectName::Version(owner, version) => Work::GetBlock(GetBlock::of(owner, version)),
        ObjectName::Text(agent, start) => Work::GetText(GetText::of(agent, start)),
        // Whoever wants to know of a start lists.
        ObjectName::Start(..)
        | ObjectName::Record
        | ObjectName::Trial
        | ObjectName::Snapshot(_)
        | ObjectName::Vote(..) => return Err(ObjectReply::Missing),
    })
}

fn put(name: ObjectName, content: Content<BlockBody>) -> Result<Work, Reply> {
    match (name, content) {
        (ObjectName::Identity, Content::Identity(identity)) => Ok(Work::SetUp(SetUp::of(identity))),
        (ObjectName::Version(owner, _), Content::Body(body)) => {
            Ok(Work::PutBlock(PutBlock::of(owner, body)))
        }
        (ObjectName::Start(agent, start), Content::Start { nonce }) => {
            let record = StartRecord { start, nonce };
            Ok(Work::PutStart(PutStart::of(agent, record)))
        }
        (ObjectName::Text(agent, start), Content::Text(text)) => {
            Ok(Work::PutText(PutText::of(agent, start, text)))
        }
        (
            ObjectName::Identity
            | ObjectName::Version(..)
            | ObjectName::Start(..)
            | ObjectName::Text(..)
            | ObjectName::Record
            | ObjectName::Trial
            | ObjectName::Snapshot(_)
            | ObjectName::Vote(..),
            _,
        ) => Err(ObjectReply::Unsupported),
    }
}
