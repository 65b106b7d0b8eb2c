//! Stores by name: a path or a URL.

use std::sync::Arc;

use object_store::{ObjectStore, memory::InMemory, path::Path};
use url::Url;

use crate::Bucket;

/// Why a name opens no store. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The name is no path and no URL of a known kind.
    #[error(
        "{name} names no store: {why}; a store is a directory, file:///DIR, memory:, s3://BUCKET/PREFIX, \
         gs://BUCKET/PREFIX or az://CONTAINER/PREFIX"
    )]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: String,
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
    // A path with `..` in it has a meaning only to the file system; one that is not there yet has none so far.
    let path = std::fs::canonicalize(path)
        .or_else(|_| std::path::absolute(path))
        .map_err(|error| error.to_string())?;
    let base = Path::from_absolute_path(&path).map_err(|error| error.to_string())?;
    let objects = object_store::local::LocalFileSystem::new().with_fsync(opening.sync);
    Ok(Bucket::new(Arc::new(objects), base, name, true).in_directory(path))
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
    let settings = settings
        .iter()
        .map(|(key, value)| (key.to_lowercase(), value.clone()));
    let (objects, base): (Box<dyn ObjectStore>, Path) =
        object_store::parse_url_opts(url, settings).map_err(|error| error.to_string())?;
    Ok(Bucket::new(objects.into(), base, name, false))
}

#[cfg(test)]
mod tests {
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
