//! A disk as the thread sees it that reads and writes it: every operation, one after the other.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, MutexGuard, OnceLock, PoisonError},
};

use bivalent_core::{
    BlockBody, DiskNext, DiskOp, DiskRefusal, DiskReply, DiskSetup, DiskSize, DiskTask, Identity,
    StoreId,
};

use super::{
    map::{self, SECTOR},
    sectors::Sectors,
};
use crate::{
    StoreError,
    objects::{Op, Reply},
};

/// What the thread of a disk owns.
#[derive(Debug)]
pub(super) struct Drive {
    /// What it is called in messages.
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// Its place in the list of stores, which the blocks' checksums cover.
    pub(super) store: StoreId,
    /// For how many agents it is.
    pub(super) agents: u16,
    /// What is open, once something is there.
    pub(super) sectors: Option<Arc<Sectors>>,
    /// What it must say of itself from now on, once that is known.
    pub(super) expected: Arc<OnceLock<Identity>>,
    /// What it said of itself that no agent says.
    pub(super) strange: Arc<OnceLock<String>>,
}

impl Drive {
    /// Carries an operation out, place by place; what it means there the core decides.
    pub(super) fn carry(&mut self, op: Op<BlockBody>) -> Result<Reply<BlockBody>, StoreError> {
        let disk = DiskSetup {
            agents: self.agents,
            expected: self.expected.get().cloned(),
        };
        let (mut task, mut next) = DiskTask::begin(op, disk);
        let mut failure = None;
        self.go_on(&mut task, &mut next, &mut failure);
        if next == DiskNext::Ask(DiskOp::Turn)
            && let Some(sectors) = self.sectors.clone()
        {
            let turn = sectors.turn();
            let _turn = take(&turn);
            next = task.step(DiskReply::Done);
            self.go_on(&mut task, &mut next, &mut failure);
        }
        match next {
            DiskNext::End(reply) => Ok(reply),
            DiskNext::Refuse(refusal) => self.refuse(refusal, failure),
            DiskNext::Ask(_) => self.refuse(DiskRefusal::Unasked, failure),
        }
    }

    /// Does what is wanted until nothing is, or until it has to be this operation's turn. `failure`: what the system
    /// said last of what failed.
    fn go_on(&mut self, task: &mut DiskTask, next: &mut DiskNext, failure: &mut Option<io::Error>) {
        while let DiskNext::Ask(op) = next
            && *op != DiskOp::Turn
        {
            let reply = self.ask(op).unwrap_or_else(|error| {
                if error.kind() == io::ErrorKind::UnexpectedEof {
                    return DiskReply::Ends;
                }
                *failure = Some(error);
                DiskReply::Failed
            });
            *next = task.step(reply);
        }
    }

    fn ask(&mut self, op: &DiskOp) -> io::Result<DiskReply> {
        if self.sectors.is_none() {
            let found = if *op == DiskOp::Create {
                Some(Sectors::create(&self.path)?)
            } else {
                self.find()?
            };
            self.sectors = found.map(Arc::new);
        }
        let Some(sectors) = &self.sectors else {
            return Ok(DiskReply::Nothing);
        };
        match op {
            DiskOp::Open | DiskOp::Create | DiskOp::Turn => {}
            DiskOp::Stands => {
                if !sectors.stands_at(&self.path)? {
                    return Ok(DiskReply::Moved);
                }
            }
            DiskOp::Size => {
                let size = sectors.size()?;
                return Ok(DiskReply::Size(DiskSize {
                    sectors: size / SECTOR as u64,
                    ragged: !size.is_multiple_of(SECTOR as u64),
                    fixed: sectors.is_device(),
                }));
            }
            DiskOp::Grow(to) => sectors.grow(to * SECTOR as u64)?,
            DiskOp::Read { from, count } => {
                let bytes = sectors.read(map::begin(*from), count * SECTOR)?;
                let places = from.and_following(*count).zip(bytes.chunks(SECTOR));
                let held = places.map(|(place, sector)| map::decode(self.store, place, sector));
                return Ok(DiskReply::Read(held.collect()));
            }
            DiskOp::Write(place, content) => {
                let Some(sector) = map::encode(self.store, *place, content) else {
                    return Ok(DiskReply::DoesNotFit);
                };
                sectors.write(map::begin(*place), &sector)?;
            }
        }
        Ok(DiskReply::Done)
    }

    /// What is there, opened.
    fn find(&self) -> io::Result<Option<Sectors>> {
        let found = Sectors::open(&self.path)?;
        // A device that is missing must not become a file among the devices.
        let device = self.path.starts_with("/dev") && !self.path.starts_with("/dev/shm");
        if found.is_none() && device {
            return Err(io::Error::other("there is no such device"));
        }
        Ok(found)
    }
}

/// A panic elsewhere leaves nothing half done that the disk itself does not show.
fn take(turn: &std::sync::Mutex<()>) -> MutexGuard<'_, ()> {
    turn.lock().unwrap_or_else(PoisonError::into_inner)
}
