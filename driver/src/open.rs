//! Stores by name: a path or a URL.

use std::sync::Arc;

use bivalent_core::StoreId;
use object_store::{ObjectStore, memory::InMemory, path::Path};
use url::Url;

#[cfg(feature = "local")]
use crate::directory::Directory;
use crate::{Bucket, BucketDecision, DecisionStore};

/// The scheme of disks.
const DISK: &str = "disk";

/// Why a name opens no store. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The name is no path and no URL of a known kind.
    #[error(
        "{name} names no store: {why}; a store is a directory, file:///DIR, memory:, s3://BUCKET/PREFIX, \
         gs://BUCKET/PREFIX or az://CONTAINER/PREFIX, or disk:/PATH for a single decision"
    )]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// What the name names can't be a disk of fixed blocks.
    #[error("{name} can't be used as a disk: {why}")]
    Disk {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// A disk was named where a log is to be kept.
    #[error(
        "{name} is a disk: it holds one decision, and no log; a log needs a directory or a bucket"
    )]
    NoLog {
        /// The name.
        name: String,
    },
}

/// How stores are opened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Opening {
    /// Directories: whether a write is on the disk, and not only in the system's memory, before it counts.
    pub sync: bool,
}

impl Default for Opening {
    fn default() -> Self {
        Self { sync: true }
    }
}

/// The store that `name` names: a directory (made when the first write comes, if it is missing), or a
/// `file:`, `memory:`, `s3:`, `gs:` or `az:` URL. A bucket's keys and region come from `settings`: pairs as
/// the environment has them, such as `AWS_ENDPOINT` or `AZURE_STORAGE_ACCOUNT_NAME`.
pub fn open(
    name: &str,
    opening: Opening,
    settings: &[(String, String)],
) -> Result<Bucket, OpenError> {
    let refuse = |why: String| OpenError::Name {
        name: name.to_owned(),
        why,
    };
    let Some((scheme, _)) = name.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
        return directory(std::path::Path::new(name), name, opening).map_err(refuse);
    };
    if scheme == DISK {
        return Err(OpenError::NoLog {
            name: name.to_owned(),
        });
    }
    let url = Url::parse(name).map_err(|error| refuse(error.to_string()))?;
    match scheme {
        "file" => {
            let path = url
                .to_file_path()
                .map_err(|()| refuse("it has no path".to_owned()))?;
            directory(&path, name, opening).map_err(refuse)
        }
        "memory" => Ok(memory(name)),
        _ => bucket(&url, name, settings).map_err(refuse),
    }
}

/// The store of one decision that `name` names, at that place in the list of stores: a disk of fixed blocks for
/// `disk:PATH` (see `Disk::open`), which must hold `agents` agents, or else the folder `folder` of what [`open`]
/// opens.
pub fn open_decision(
    name: &str,
    opening: Opening,
    settings: &[(String, String)],
    place: StoreId,
    agents: u16,
    folder: &str,
) -> Result<Box<dyn DecisionStore>, OpenError> {
    if name
        .split_once(':')
        .is_some_and(|(scheme, _)| scheme == DISK)
    {
        return disk(name, place, agents);
    }
    let bucket = open(name, opening, settings)?.folder(folder);
    Ok(Box::new(BucketDecision::new(bucket, place)))
}

#[cfg(all(feature = "local", unix))]
fn disk(name: &str, place: StoreId, agents: u16) -> Result<Box<dyn DecisionStore>, OpenError> {
    Ok(Box::new(crate::Disk::open(name, place, agents)?))
}

#[cfg(not(all(feature = "local", unix)))]
fn disk(name: &str, _: StoreId, _: u16) -> Result<Box<dyn DecisionStore>, OpenError> {
    Err(OpenError::Disk {
        name: name.to_owned(),
        why: "this build has no disks".to_owned(),
    })
}

/// A store in memory: gone with the process.
pub fn memory(name: &str) -> Bucket {
    Bucket::new(Arc::new(InMemory::new()), Path::default(), name, false)
}

/// A scheme has at least two letters: one letter is a drive.
fn is_scheme(text: &str) -> bool {
    text.len() > 1
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

#[cfg(feature = "local")]
fn directory(path: &std::path::Path, name: &str, opening: Opening) -> Result<Bucket, String> {
    // One with `..` in it has a meaning only to the file system, if it is there. The others are not looked at: where
    // nobody answers for a mount, that would never end.
    let leads_up = path
        .components()
        .any(|part| part == std::path::Component::ParentDir);
    let resolved = leads_up.then(|| std::fs::canonicalize(path).ok()).flatten();
    let path = match resolved {
        Some(path) => path,
        None => std::path::absolute(path).map_err(|error| error.to_string())?,
    };
    let base = Path::from_absolute_path(&path).map_err(|error| error.to_string())?;
    let objects = object_store::local::LocalFileSystem::new().with_fsync(opening.sync);
    Ok(Bucket::new(Arc::new(objects), base, name, true).in_directory(Directory::new(path)))
}

#[cfg(not(feature = "local"))]
fn directory(_: &std::path::Path, _: &str, _: Opening) -> Result<Bucket, String> {
    Err("this build has no directories".to_owned())
}

fn bucket(url: &Url, name: &str, settings: &[(String, String)]) -> Result<Bucket, String> {
    let known = [
        "s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss", "http", "https",
    ];
    if !known.contains(&url.scheme()) {
        return Err(format!("{}: is no kind of store", url.scheme()));
    }
    // Names that any program may have in its environment for something else, such as TOKEN, are not meant.
    let meant = ["aws_", "google_", "azure_"];
    let settings = settings
        .iter()
        .map(|(key, value)| (key.to_lowercase(), value.clone()))
        .filter(|(key, _)| meant.iter().any(|prefix| key.starts_with(prefix)));
    let (objects, base): (Box<dyn ObjectStore>, Path) =
        object_store::parse_url_opts(url, settings).map_err(|error| error.to_string())?;
    Ok(Bucket::new(objects.into(), base, name, false))
}

#[cfg(test)]
mod tests {
    use bivalent_core::Overwrite;

    use super::*;

    fn refusal(name: &str) -> String {
        let opened = open(name, Opening::default(), &[]);
        opened.expect_err("no store").to_string()
    }

    #[test]
    fn what_is_no_store_is_refused_with_what_would_be_one() {
        for name in ["ftp://host/x", "s4://bucket", "disc:x"] {
            let said = refusal(name);
            assert!(said.contains("is no kind of store"), "{said}");
            assert!(said.contains("s3://BUCKET"), "{said}");
        }
    }

    #[test]
    fn a_disk_holds_one_decision_and_no_log() {
        let said = refusal("disk:/some/disk");
        assert!(said.contains("one decision, and no log"), "{said}");

        let opening = Opening::default();
        let decision = |name| {
            open_decision(name, opening, &[], StoreId(0), 3, "d").map(|store| store.overwrite())
        };
        assert_eq!(decision("memory:").unwrap(), Overwrite::Versioned);
        if cfg!(all(feature = "local", unix)) {
            let missing = "disk:/no such folder/disk";
            assert_eq!(decision(missing).unwrap(), Overwrite::InPlace);
        }
    }

    #[test]
    fn a_path_may_lead_up_again() {
        let opened = open("src/../src", Opening::default(), &[]).expect("a store");
        let directory = opened.directory().expect("a directory");

        assert!(directory.ends_with("driver/src"), "{}", directory.display());
    }

    #[test]
    fn a_path_is_a_directory() {
        for name in ["some/dir", "/tmp/x", "./a:b", "file:///tmp/x"] {
            assert!(open(name, Opening::default(), &[]).is_ok(), "{name}");
        }
    }
}
