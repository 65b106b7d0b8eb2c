//! One decision on a shared disk: a file or block device of fixed blocks, as Disk Paxos has it.
//!
//! Every agent reads and writes the same disk, each its own area and nobody else's; the disk does nothing but
//! read and write sectors of 4096 bytes.
//!
//! | sectors | what | how |
//! |---|---|---|
//! | 1 | the charter: the system it belongs to | written once, on nothing but zeros |
//! | 2 an agent | its latest start, twice | one written after the other |
//! | 2 an agent | its block | the core's [`Format::Dual`](bivalent_core::Format): written in turn |
//! | 28 an agent | its texts, one a start that voted for its own | each written once |
//!
//! The charter is the first sector, then each agent's area follows, 131,072 bytes of it. Every sector carries a
//! checksum. A sector that was torn, because the power failed in the middle of it, leaves the other of its pair;
//! that a disk writes sectors whole is what the pairs lean on least.
//!
//! A disk has no conditional write. So an agent's number is given to one process at a time, and a process is
//! known to be dead, and its machine with nothing more on the way, before its agent is started anew: two
//! processes that start the same agent in the same instant may both believe that they are the one. In a
//! bucket they can't. A start that comes later is noticed by the one before, which stops.
//!
//! A disk does not shrink, and what was replaced, emptied or cut off is never taken for never written. Reads
//! and writes go past the system's cache where the file system lets them; a write counts once it is on the disk.

use std::{
    fmt,
    path::Path,
    sync::{Arc, OnceLock},
};

use bivalent_core::{AgentId, Block, Incarnation, MAX_AGENTS, Overwrite, StoreId, Version};
use futures_util::future::{BoxFuture, ready};

use self::{drive::Drive, map::Map, sectors::Sectors, worker::Worker};
use crate::{DecisionStore, OpenError, Seen, Site, StoreError};

mod drive;
mod map;
mod sectors;
#[cfg(test)]
mod tests;
mod worker;

/// The greatest length of a text on a disk, bytes.
pub(crate) const TEXT_MAX: usize = 4000;

/// A file or block device of fixed blocks, as a store of one decision. See [`Disk::open`].
pub struct Disk {
    worker: Worker,
    expected: Arc<OnceLock<String>>,
}

impl Disk {
    /// The disk that `name` names, at that place in the list of stores: `disk:PATH`, or the path alone. A file
    /// that is missing is made when it is set up; its folder is not. A device must have 4096 bytes, and 131,072
    /// more for each agent.
    ///
    /// A text may have 4000 bytes, and of each agent there is room for 28: one for each start that found
    /// nothing voted for, and so had to vote for its own.
    pub fn open(name: &str, place: StoreId, agents: u8) -> Result<Self, OpenError> {
        let refuse = |why: String| OpenError::Disk {
            name: name.to_owned(),
            why,
        };
        let path = path_of(name).map_err(&refuse)?;
        if agents == 0 || usize::from(agents) > MAX_AGENTS {
            return Err(refuse(format!(
                "{agents} agents; it takes 1 to {MAX_AGENTS}"
            )));
        }
        // The process may change its folder later.
        let path = std::path::absolute(path).map_err(|e| refuse(e.to_string()))?;
        let map = Map { agents };
        let sectors = Sectors::open(&path).map_err(|e| refuse(e.to_string()))?;
        if let Some(sectors) = sectors.as_ref().filter(|open| open.is_device()) {
            let size = sectors.size().map_err(|e| refuse(e.to_string()))?;
            if size < map.size() {
                return Err(refuse(format!(
                    "the device has {size} bytes, {agents} agents need {}",
                    map.size()
                )));
            }
        }
        let expected = Arc::new(OnceLock::new());
        let drive = Drive {
            name: name.to_owned(),
            path,
            store: place,
            map,
            sectors: sectors.map(Arc::new),
            expected: Arc::clone(&expected),
        };
        let worker = Worker::start(drive).map_err(|e| refuse(e.to_string()))?;
        Ok(Self { worker, expected })
    }

    fn unconditional<T: Send + 'static>(&self) -> BoxFuture<'_, Result<T, StoreError>> {
        Box::pin(ready(Err(StoreError::Unconditional {
            store: self.name().to_owned(),
        })))
    }
}

/// The path in a name: `disk:PATH`, `disk:///PATH`, or nothing but it.
fn path_of(name: &str) -> Result<&Path, String> {
    let path = match name.strip_prefix("disk:") {
        None => name,
        Some(path) => match path.strip_prefix("//") {
            None => path,
            Some(path) if path.starts_with('/') => path,
            Some(_) => return Err("disk://HOST is no disk of this machine".to_owned()),
        },
    };
    if path.is_empty() {
        return Err("it has no path".to_owned());
    }
    Ok(Path::new(path))
}

impl Site for Disk {
    fn name(&self) -> &str {
        self.worker.name()
    }

    fn charter(&self) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        self.worker.ask(Drive::charter)
    }

    fn set_up<'a>(&'a self, charter: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        let charter = charter.to_owned();
        self.worker.ask(move |drive| drive.set_up(&charter))
    }

    fn expect(&self, charter: String) {
        // A disk is used for one system as long as it is open; a second charter can't differ.
        let _ = self.expected.set(charter);
    }

    fn starts(&self) -> BoxFuture<'_, Result<Vec<(AgentId, Incarnation)>, StoreError>> {
        self.worker.ask(Drive::starts)
    }

    fn mark_start(
        &self,
        agent: AgentId,
        start: Incarnation,
        nonce: u64,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.worker
            .ask(move |drive| drive.mark_start(agent, start, nonce))
    }
}

impl DecisionStore for Disk {
    fn site(&self) -> &dyn Site {
        self
    }

    fn overwrite(&self) -> Overwrite {
        Overwrite::InPlace
    }

    fn has_conditional_writes(&self) -> bool {
        false
    }

    fn read(&self, owner: AgentId, reader: AgentId) -> BoxFuture<'_, Result<Seen, StoreError>> {
        self.worker.ask(move |drive| drive.read(owner, reader))
    }

    fn write(
        &self,
        owner: AgentId,
        version: Version,
        block: Block,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        self.worker
            .ask(move |drive| drive.write(owner, version, block))
    }

    /// Nothing: a newer block takes an older one's room.
    fn forget(&self, _: AgentId, _: Version) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(ready(Ok(())))
    }

    /// Refused: a record needs conditional writes.
    fn read_record(&self) -> BoxFuture<'_, Result<(Block, Version), StoreError>> {
        self.unconditional()
    }

    /// Refused: a record needs conditional writes.
    fn write_record(
        &self,
        _: Version,
        _: Version,
        _: Block,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.unconditional()
    }

    fn keep_text<'a>(
        &'a self,
        agent: AgentId,
        start: Incarnation,
        text: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let text = text.to_owned();
        self.worker
            .ask(move |drive| drive.keep_text(agent, start, &text))
    }

    fn text(
        &self,
        agent: AgentId,
        start: Incarnation,
    ) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        self.worker.ask(move |drive| drive.text(agent, start))
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
