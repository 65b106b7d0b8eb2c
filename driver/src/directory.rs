//! A directory of this machine, as far as it is more than a store of objects: its names, its own threads.

mod threads;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::future::BoxFuture;

use self::threads::Threads;

/// How often a folder is listed anew because something was written to it meanwhile.
const LISTINGS: u32 = 8;
/// The age from which on something unfinished is no longer being written.
const LEFT_BEHIND: Duration = Duration::from_secs(3600);
/// A directory, or a folder in it.
#[derive(Clone)]
pub(crate) struct Directory {
    path: PathBuf,
    /// The directory that is the store, whatever folder of it this is.
    store: PathBuf,
    threads: Arc<Threads>,
}

impl Directory {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            store: path.clone(),
            path,
            threads: Arc::new(Threads::new()),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A folder in it, which the same threads wait for.
    pub(crate) fn folder(&self, name: &str) -> Self {
        Self {
            path: self.path.join(name),
            store: self.store.clone(),
            threads: Arc::clone(&self.threads),
        }
    }

    /// The names in a folder; none if it is not there.
    ///
    /// Not by `object_store`, which looks at each file after it has read its name, and leaves out those that are gone by
    /// then: a head that makes way for a newer one just then would leave no head at all. Here it is listed, found gone when
    /// it is read, and listed again.
    ///
    /// `at_once`: as they were at one moment. A directory is read in any order, and of one that is written to meanwhile
    /// every version of a head can be missing: the old ones when their places are read, the new ones when theirs were.
    pub(crate) async fn list(&self, folder: &str, at_once: bool) -> io::Result<Vec<String>> {
        let names = self.names(folder, at_once).await?;
        Ok(names.into_iter().filter(|name| !is_partial(name)).collect())
    }

    /// Removes what writers have left behind long ago that died on the way, of the names that `is_dead` says
    /// can't be written any more.
    pub(crate) async fn sweep(
        &self,
        folder: &str,
        is_dead: impl Fn(&str) -> bool,
    ) -> io::Result<()> {
        let mut partial = self.names(folder, false).await?;
        partial.retain(|name| {
            name.split_once('#')
                .is_some_and(|(whole, _)| is_dead(whole))
        });
        if partial.is_empty() {
            return Ok(());
        }
        let folder = self.path.join(folder);
        let remove = move || {
            for name in partial {
                let path = folder.join(name);
                let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
                match is_old(&path).and_then(|old| {
                    if old {
                        std::fs::remove_file(&path)
                    } else {
                        Ok(())
                    }
                }) {
                    Err(error) if !gone(&error) => return Err(error),
                    Ok(()) | Err(_) => {}
                }
            }
            Ok(())
        };
        self.threads.run(Box::pin(async move { remove() })).await?
    }

    /// Whether the store is not there.
    pub(crate) async fn is_missing(&self) -> bool {
        let path = self.store.clone();
        let is_missing = async move { !path.is_dir() };
        self.threads
            .run(Box::pin(is_missing))
            .await
            .unwrap_or(false)
    }

    /// Removes the directory and everything in it; true if it was not there.
    pub(crate) async fn remove_all(&self) -> io::Result<bool> {
        let path = self.path.clone();
        let remove = move || match std::fs::remove_dir_all(path) {
            Ok(()) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        };
        self.threads.run(Box::pin(async move { remove() })).await?
    }

    /// Every name in a folder, also of what is on its way there.
    async fn names(&self, folder: &str, at_once: bool) -> io::Result<Vec<String>> {
        let folder = self.path.join(folder);
        let read = move || {
            for _ in 0..LISTINGS {
                let before = changed(&folder)?;
                let names = read_names(&folder)?;
                if !at_once || changed(&folder)? == before {
                    return Ok(names);
                }
            }
            let words = "it is written to faster than it can be listed";
            Err(io::Error::new(io::ErrorKind::TimedOut, words))
        };
        self.threads.run(Box::pin(async move { read() })).await?
    }

    /// Has the directory's own threads do `work`; an error if the directory hangs.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: BoxFuture<'static, T>,
    ) -> io::Result<T> {
        self.threads.run(work).await
    }
}

/// Nobody can be about to give the file its name any more.
fn is_old(file: &Path) -> io::Result<bool> {
    let age = std::fs::metadata(file)?.modified()?.elapsed();
    // One from the future is none that has lain here for long.
    Ok(age.unwrap_or_default() > LEFT_BEHIND)
}

/// When something in a directory was last given a name, or lost it; nothing if it is not there.
fn changed(directory: &Path) -> io::Result<Option<SystemTime>> {
    match std::fs::metadata(directory) {
        Ok(about) => about.modified().map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        if let Ok(name) = entry?.file_name().into_string() {
            names.push(name);
        }
    }
    Ok(names)
}

/// What `object_store` writes first and gives its name last has a # in it.
fn is_partial(name: &str) -> bool {
    name.contains('#')
}

#[cfg(test)]
mod tests {
    use std::{fs::File, future::pending, sync::mpsc};

    use futures_channel::oneshot;

    use super::threads::UNFINISHED;

    use super::*;

    fn directory() -> (tempfile::TempDir, Directory) {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::new(folder.path().to_owned());
        (folder, directory)
    }

    #[tokio::test]
    async fn a_directory_that_hangs_is_asked_no_more_and_holds_no_other_up() {
        let (_folder, hangs) = directory();
        let (_other, well) = directory();
        let mut waiting = Vec::new();
        for _ in 0..UNFINISHED {
            let hangs = hangs.clone();
            waiting.push(tokio::spawn(async move {
                hangs.run(Box::pin(pending::<()>())).await
            }));
        }
        while hangs.threads.unfinished() < UNFINISHED {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }

        let refused = hangs.run(Box::pin(async {})).await.unwrap_err();
        assert!(refused.to_string().contains("it hangs"), "{refused}");
        well.run(Box::pin(async {})).await.unwrap();
    }

    #[tokio::test]
    async fn what_was_given_up_counts_until_it_has_an_end() {
        let (_folder, directory) = directory();
        let (end, ends) = mpsc::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let hangs = directory.run(Box::pin(async move {
            let _ = begun.send(());
            let _ = ends.recv();
        }));
        tokio::select! {
            _ = hangs => panic!("it hangs"),
            told = has_begun => told.unwrap(),
        }
        assert_eq!(directory.threads.unfinished(), 1);

        end.send(()).unwrap();
        while directory.threads.unfinished() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn what_was_never_begun_never_begins() {
        let (_folder, directory) = directory();
        drop(directory.run(Box::pin(async { panic!("it begins") })));
        assert_eq!(directory.threads.unfinished(), 0);
    }

    #[tokio::test]
    async fn what_dead_writers_left_behind_is_no_name_and_is_swept() {
        let (folder, directory) = directory();
        std::fs::create_dir(folder.path().join("agents")).unwrap();
        let long_ago = SystemTime::now() - 2 * LEFT_BEHIND;
        for (name, old) in [
            ("old", true),
            ("old#1", true),
            ("old#2", false),
            ("new#1", true),
        ] {
            let file = File::create(folder.path().join("agents").join(name)).unwrap();
            if old {
                file.set_modified(long_ago).unwrap();
            }
        }

        assert_eq!(directory.list("agents", true).await.unwrap(), ["old"]);
        directory
            .sweep("agents", |name| name == "old")
            .await
            .unwrap();

        let mut left = directory.names("agents", false).await.unwrap();
        left.sort();
        assert_eq!(left, ["new#1", "old", "old#2"]);
    }
}
