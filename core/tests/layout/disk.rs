//! A disk in memory, place by place, and what may become of a write on the way.

use std::collections::BTreeMap;

use bivalent_core::{
    BlockBody, DiskContent, DiskNext, DiskOp, DiskPlace, DiskRefusal, DiskReply, DiskSector,
    DiskSetup, DiskSize, DiskTask, Identity, ObjectName, ObjectOp, ObjectReply,
};

use crate::world::{Dice, Op, Reply, Store};

/// A disk.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Disk {
    pub(crate) is_there: bool,
    /// Another one has taken its place.
    pub(crate) is_moved: bool,
    pub(crate) size: Option<DiskSize>,
    held: BTreeMap<DiskPlace, DiskSector>,
}

impl Disk {
    /// What a place holds.
    pub(crate) fn holds(&self, place: DiskPlace) -> DiskSector {
        self.held.get(&place).cloned().unwrap_or(DiskSector::Blank)
    }

    /// Leaves something in a place.
    pub(crate) fn leave(&mut self, place: DiskPlace, sector: DiskSector) {
        self.held.insert(place, sector);
    }

    /// Carries an operation out.
    pub(crate) fn ask(&mut self, op: &DiskOp) -> DiskReply {
        let DiskSize { sectors, .. } = self.size();
        match op {
            DiskOp::Open if !self.is_there => return DiskReply::Nothing,
            DiskOp::Stands if self.is_moved => return DiskReply::Moved,
            DiskOp::Open | DiskOp::Stands | DiskOp::Turn => {}
            DiskOp::Create => self.is_there = true,
            DiskOp::Size => return DiskReply::Size(self.size()),
            DiskOp::Grow(to) => {
                let sectors = sectors.max(*to);
                self.size = Some(DiskSize {
                    sectors,
                    ..self.size()
                });
            }
            DiskOp::Read { from, count } => {
                if from.position() + *count as u64 > sectors {
                    return DiskReply::Ends;
                }
                let places = from.and_following(*count);
                return DiskReply::Read(places.map(|place| self.holds(place)).collect());
            }
            DiskOp::Write(place, content) => self.write(*place, content),
        }
        DiskReply::Done
    }

    fn size(&self) -> DiskSize {
        self.size.unwrap_or(DiskSize {
            sectors: 0,
            ragged: false,
            fixed: false,
        })
    }

    fn write(&mut self, place: DiskPlace, content: &DiskContent) {
        self.leave(place, DiskSector::Holds(content.clone()));
    }

    /// What was wanted next is cut off: a write is on the disk, is not, or leaves the place torn.
    pub(crate) fn cut_off(&mut self, next: &DiskNext, dice: &mut Dice) {
        if let DiskNext::Ask(DiskOp::Write(place, content)) = next {
            match dice.below(3) {
                0 => self.write(*place, content),
                1 => self.leave(*place, DiskSector::Unreadable),
                _ => {}
            }
        }
    }
}

impl Store<BlockBody> for Disk {
    type Progress = Option<(DiskTask, DiskNext)>;

    const BY_PROCESS: bool = true;

    fn step(
        &mut self,
        op: &Op<BlockBody>,
        progress: &mut Self::Progress,
        agents: u16,
        expected: Option<Identity>,
    ) -> Option<Reply<BlockBody>> {
        let (task, next) = progress.get_or_insert_with(|| {
            let disk = DiskSetup { agents, expected };
            DiskTask::begin(op.clone(), disk)
        });
        if let DiskNext::Ask(op) = next {
            let reply = self.ask(op);
            *next = task.step(reply);
        }
        let refusal = match next {
            DiskNext::Ask(_) => return None,
            DiskNext::End(reply) => return Some(reply.clone()),
            DiskNext::Refuse(refusal) => refusal,
        };
        match refusal {
            DiskRefusal::BlockUnreadable(_)
            | DiskRefusal::TextUnreadable(_)
            | DiskRefusal::Strange(_) => return Some(ObjectReply::Unreadable),
            DiskRefusal::Failed | DiskRefusal::Lost(_) | DiskRefusal::Foreign => {}
            refusal => panic!("{refusal:?} of {op:?}"),
        }
        if let ObjectOp::Put {
            name: ObjectName::Version(..),
            ..
        } = op
        {
            // It is asked for until it is through.
            *progress = None;
            return None;
        }
        Some(ObjectReply::Failed)
    }

    fn is_at_write(progress: &Self::Progress) -> bool {
        matches!(progress, Some((_, DiskNext::Ask(DiskOp::Write(..)))))
    }

    fn cut(&mut self, progress: Self::Progress, dice: &mut Dice) {
        if let Some((_, next)) = progress {
            self.cut_off(&next, dice);
        }
    }
}
