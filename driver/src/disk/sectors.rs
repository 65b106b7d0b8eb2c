//! The open file or device below a disk: whole sectors in and out, past the system's cache.

use std::{
    collections::BTreeMap,
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Seek, SeekFrom},
    ops::Deref,
    os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use super::map::SECTOR;

/// An open file or block device.
#[derive(Debug)]
pub(super) struct Sectors {
    file: File,
    identity: Identity,
    /// A device has its size; a file has the size it is given.
    device: bool,
    /// A write is on the disk when it returns, without being asked to.
    synced: bool,
    turn: Arc<Mutex<()>>,
}

/// What tells two files apart, whatever they are called.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Identity {
    File { device: u64, inode: u64 },
    Device { number: u64 },
}

impl Identity {
    fn of(metadata: &Metadata) -> io::Result<Self> {
        if metadata.is_file() {
            Ok(Self::File {
                device: metadata.dev(),
                inode: metadata.ino(),
            })
        } else if metadata.file_type().is_block_device() {
            Ok(Self::Device {
                number: metadata.rdev(),
            })
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is neither a file nor a block device",
            ))
        }
    }
}

/// The locks of the files that this process writes, one a file, however many hold it open.
///
/// A proposal that was dropped may have a write under way in its disk's thread. The same agent's next start
/// opens the file anew, and must not come between.
static TURNS: Mutex<BTreeMap<Identity, Arc<Mutex<()>>>> = Mutex::new(BTreeMap::new());

impl Sectors {
    /// Opens what is there; nothing if nothing is.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        match fs::metadata(path) {
            Ok(metadata) => Identity::of(&metadata)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Self::take(path, false).map(Some)
    }

    /// Opens a file, and makes it if it is missing.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let sectors = Self::take(path, true)?;
        // The name must outlast a power failure as well.
        if let Some(folder) = path.parent() {
            let folder = if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            };
            File::open(folder)?.sync_all()?;
        }
        Ok(sectors)
    }

    fn take(path: &Path, create: bool) -> io::Result<Self> {
        let (file, synced) = match Self::open_with(path, create, direct()) {
            // Some file systems refuse when the file is opened, some at the first operation.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                Self::open_with(path, create, cached())?
            }
            opened => opened?,
        };
        let metadata = file.metadata()?;
        let identity = Identity::of(&metadata)?;
        let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = Arc::clone(turns.entry(identity).or_default());
        Ok(Self {
            file,
            identity,
            device: !metadata.is_file(),
            synced,
            turn,
        })
    }

    fn open_with(path: &Path, create: bool, flags: Flags) -> io::Result<(File, bool)> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(create)
            .truncate(false)
            .custom_flags(flags.bits)
            .open(path)?;
        file.read_at(&mut Buffer::new(SECTOR), 0)?;
        Ok((file, flags.synced))
    }

    pub(super) const fn is_device(&self) -> bool {
        self.device
    }

    /// The lock that this process's writers of the file hold in turn.
    pub(super) fn turn(&self) -> Arc<Mutex<()>> {
        Arc::clone(&self.turn)
    }

    /// The size now, bytes.
    pub(super) fn size(&self) -> io::Result<u64> {
        if self.device {
            // The metadata of a device say 0.
            (&self.file).seek(SeekFrom::End(0))
        } else {
            Ok(self.file.metadata()?.len())
        }
    }

    /// Makes a file at least so large, with room on the disk where the file system can promise it.
    pub(super) fn grow(&self, size: u64) -> io::Result<()> {
        if self.size()? < size {
            self.file.set_len(size)?;
        }
        #[cfg(target_os = "linux")]
        {
            use rustix::{fs::FallocateFlags, io::Errno};
            match rustix::fs::fallocate(&self.file, FallocateFlags::empty(), 0, size) {
                Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.file.sync_all()
    }

    /// Whether this is still what stands under that name.
    pub(super) fn stands_at(&self, path: &Path) -> io::Result<bool> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Identity::of(&metadata).is_ok_and(|found| found == self.identity)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads whole sectors. A file that ends before is [`io::ErrorKind::UnexpectedEof`], never zeros.
    pub(super) fn read(&self, at: u64, bytes: usize) -> io::Result<Buffer> {
        // Asked for the rest of a file that ends within a sector, the system would complain of the position.
        if self.size()? < at + bytes as u64 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut buffer = Buffer::new(bytes);
        self.file.read_exact_at(&mut buffer, at)?;
        Ok(buffer)
    }

    /// Writes one sector. It is on the disk when this returns.
    pub(super) fn write(&self, at: u64, sector: &[u8]) -> io::Result<()> {
        let mut buffer = Buffer::new(SECTOR);
        buffer.copy_from_slice(sector);
        self.file.write_all_at(&buffer, at)?;
        if !self.synced {
            self.file.sync_data()?;
        }
        Ok(())
    }
}

/// How a file is opened.
#[derive(Clone, Copy)]
struct Flags {
    bits: i32,
    synced: bool,
}

/// Past the cache of the system: on a shared disk, what stands in this machine's cache may be long gone.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn direct() -> Flags {
    use rustix::fs::OFlags;
    Flags {
        bits: (OFlags::DIRECT | OFlags::DSYNC).bits().cast_signed(),
        synced: true,
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
const fn direct() -> Flags {
    cached()
}

/// Through the cache, for file systems that have nothing else: memory, and some on a network.
const fn cached() -> Flags {
    Flags {
        bits: 0,
        synced: false,
    }
}

/// Bytes that begin where a disk can fetch them from.
pub(super) struct Buffer {
    bytes: Vec<u8>,
    from: usize,
    length: usize,
}

impl Buffer {
    pub(super) fn new(length: usize) -> Self {
        let bytes = vec![0; length + SECTOR];
        let from = bytes.as_ptr().align_offset(SECTOR);
        Self {
            bytes,
            from,
            length,
        }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.from..][..self.length]
    }
}

impl std::ops::DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.from..][..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sector_comes_back_and_the_end_is_no_zeros() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk");
        assert!(Sectors::open(&path).unwrap().is_none());
        let sectors = Sectors::create(&path).unwrap();
        sectors.grow(3 * SECTOR as u64).unwrap();

        sectors.write(SECTOR as u64, &[7; SECTOR]).unwrap();

        assert_eq!(*sectors.read(SECTOR as u64, SECTOR).unwrap(), [7; SECTOR]);
        assert_eq!(*sectors.read(0, SECTOR).unwrap(), [0; SECTOR]);
        let beyond = sectors.read(2 * SECTOR as u64, 2 * SECTOR);
        let error = beyond.err().expect("it ends before");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        sectors.grow(SECTOR as u64).unwrap();
        assert_eq!(sectors.size().unwrap(), 3 * SECTOR as u64, "never shrunk");
    }

    #[test]
    fn another_file_under_the_name_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk");
        let sectors = Sectors::create(&path).unwrap();
        assert!(sectors.stands_at(&path).unwrap());

        fs::rename(&path, folder.path().join("kept")).unwrap();
        assert!(!sectors.stands_at(&path).unwrap());
        fs::write(&path, "").unwrap();
        assert!(!sectors.stands_at(&path).unwrap());
    }

    #[test]
    fn a_folder_is_no_disk() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Sectors::open(folder.path()).is_err());
    }
}
