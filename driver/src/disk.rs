//! One decision on a shared disk: a file or block device of fixed blocks, as Disk Paxos has it.
//!
//! Every agent reads and writes the same disk, each its own area and nobody else's; the disk does nothing but
//! read and write sectors of 4096 bytes. What an operation on an object means there the core decides
//! ([`DiskTask`](bivalent_core::DiskTask)); here its places get bytes, and the bytes go to a file or a device.
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

use bivalent_core::{BlockBody, Identity, MAX_AGENTS, Overwrite, StoreId, StoreTraits};
use futures_util::future::BoxFuture;

use self::{drive::Drive, sectors::Sectors, worker::Worker};
use crate::{
    OpenError,
    objects::{Carried, Objects, Op},
};

mod drive;
mod map;
mod refusal;
mod sectors;
#[cfg(test)]
mod tests;
mod worker;

/// A file or block device of fixed blocks, as a store of one decision. See [`Disk::open`].
pub struct Disk {
    worker: Worker,
    expected: Arc<OnceLock<Identity>>,
    strange: Arc<OnceLock<String>>,
}

impl Disk {
    /// The disk that `name` names, at that place in the list of stores: `disk:PATH`, or the path alone. A file
    /// that is missing is made when it is set up; its folder is not. A device must have 4096 bytes, and 131,072
    /// more for each agent.
    ///
    /// A text may have 4000 bytes, and of each agent there is room for 28: one for each start that found
    /// nothing voted for, and so had to vote for its own.
    pub fn open(name: &str, place: StoreId, agents: u16) -> Result<Self, OpenError> {
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
        let needed = map::size(agents);
        let sectors = Sectors::open(&path).map_err(|e| refuse(e.to_string()))?;
        if let Some(sectors) = sectors.as_ref().filter(|open| open.is_device()) {
            let size = sectors.size().map_err(|e| refuse(e.to_string()))?;
            if size < needed {
                return Err(refuse(format!(
                    "the device has {size} bytes, {agents} agents need {needed}"
                )));
            }
        }
        let (expected, strange) = (Arc::new(OnceLock::new()), Arc::new(OnceLock::new()));
        let drive = Drive {
            name: name.to_owned(),
            path,
            store: place,
            agents,
            sectors: sectors.map(Arc::new),
            expected: Arc::clone(&expected),
            strange: Arc::clone(&strange),
        };
        let worker = Worker::start(drive).map_err(|e| refuse(e.to_string()))?;
        Ok(Self {
            worker,
            expected,
            strange,
        })
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

impl Objects<BlockBody> for Disk {
    fn name(&self) -> &str {
        self.worker.name()
    }

    /// Every operation looks by itself whether the disk is the right one. Of a start's two makers one may win only as far
    /// as nobody starts the same agent twice in the same instant.
    fn traits(&self) -> StoreTraits {
        StoreTraits {
            may_vanish: false,
            conditional: false,
            exclusive: true,
        }
    }

    fn overwrite(&self) -> Overwrite {
        Overwrite::InPlace
    }

    fn expect(&self, identity: &Identity) {
        // A disk is used for one system as long as it is open; a second identity can't differ.
        let _ = self.expected.set(identity.clone());
    }

    fn strange_identity(&self) -> Option<String> {
        self.strange.get().cloned()
    }

    fn carry(&self, ops: Vec<Op<BlockBody>>) -> BoxFuture<'_, Carried<BlockBody>> {
        Box::pin(async move {
            let mut replies = Vec::with_capacity(ops.len());
            for op in ops {
                replies.push(self.worker.ask(move |drive| drive.carry(op)).await);
            }
            Carried {
                replies,
                ahead: Vec::new(),
            }
        })
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
