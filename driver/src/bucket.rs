//! A store of named blocks: a directory, memory, or a bucket, through the `object_store` crate.

mod site;

use std::{
    fmt, path,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, atomic::AtomicU32},
};

use futures_util::{StreamExt, TryStreamExt, future::BoxFuture, stream};
use object_store::{
    Error as ObjectError, ObjectStore, ObjectStoreExt, PutMode, PutPayload, UpdateVersion,
    path::Path,
};

#[cfg(feature = "local")]
use crate::directory::Directory;
use crate::{
    StoreError,
    frame::{self, Kind},
    names::Listing,
};

/// The folder of what agents overwrite: heads of a log, blocks of a decision; and of the marks of starts.
pub(crate) const AGENTS: &str = "agents";
/// So many own versions below the newest are left: a listing is not made at one moment, and one that overlaps a few
/// writes must still show one of them.
pub(crate) const KEPT: usize = 4;
const CHARTER: &str = "charter";
/// Requests that one operation has open at a time.
const OPEN: usize = 16;

/// One passive store of named blocks, and in it the folder of one system.
///
/// Every key is written once, by one agent and with one content, or on a condition. So a put that comes
/// late, or twice, takes nothing back.
pub struct Bucket {
    objects: Arc<dyn ObjectStore>,
    base: Path,
    name: String,
    /// A directory can vanish and come back empty; a bucket does not.
    may_vanish: bool,
    /// Where it is, if it is a directory of this machine.
    #[cfg(feature = "local")]
    directory: Option<Directory>,
    charter: OnceLock<String>,
    sight: Mutex<Sight>,
    /// One more than the latest start whose mark has stood here, by this agent's doing.
    marked: AtomicU32,
    /// Nobody looks whether it is the store that it was: a planted bug.
    #[cfg(feature = "planted-bugs")]
    trusted: bool,
}

/// What was seen of a store's charter.
#[derive(Debug, Default)]
struct Sight {
    /// It has been seen, and nothing else since.
    known: bool,
    /// How often something else has been seen, or nothing.
    lost: u64,
}

/// What names one state of a record: the condition of the next write of it.
pub(crate) type Tag = UpdateVersion;

impl Bucket {
    /// The store `objects`, with everything below `base`; `name` is for messages. `may_vanish`: every
    /// operation looks whether the store is still the one it was.
    pub fn new(
        objects: Arc<dyn ObjectStore>,
        base: Path,
        name: impl Into<String>,
        may_vanish: bool,
    ) -> Self {
        Self {
            objects,
            base,
            name: name.into(),
            may_vanish,
            #[cfg(feature = "local")]
            directory: None,
            charter: OnceLock::new(),
            sight: Mutex::default(),
            marked: AtomicU32::new(0),
            #[cfg(feature = "planted-bugs")]
            trusted: false,
        }
    }

    /// The same store, which nobody looks at whether it is the one that it was: a planted bug.
    #[cfg(feature = "planted-bugs")]
    #[must_use]
    pub fn trusted(mut self) -> Self {
        self.trusted = true;
        self
    }

    /// The same store, known to be this directory.
    #[cfg(feature = "local")]
    pub(crate) fn in_directory(mut self, directory: Directory) -> Self {
        self.directory = Some(directory);
        self
    }

    /// The directory of this machine that it is, if it is one.
    pub(crate) fn directory(&self) -> Option<&path::Path> {
        #[cfg(feature = "local")]
        return self.directory.as_ref().map(Directory::path);
        #[cfg(not(feature = "local"))]
        None
    }

    /// Whether it is a directory that is not there.
    pub(crate) async fn is_missing(&self) -> bool {
        #[cfg(feature = "local")]
        if let Some(directory) = &self.directory {
            return directory.is_missing().await;
        }
        false
    }

    /// The same store, with everything below the folder `name`.
    #[must_use]
    pub fn folder(&self, name: &str) -> Self {
        let base = self.base.clone().join(name);
        Self {
            #[cfg(feature = "local")]
            directory: self.directory.as_ref().map(|path| path.folder(name)),
            ..Self::new(
                Arc::clone(&self.objects),
                base,
                self.name.clone(),
                self.may_vanish,
            )
        }
    }

    fn path(&self, folder: &str, name: &str) -> Path {
        self.base.clone().join(folder).join(name)
    }

    fn failed(&self, error: &impl fmt::Display) -> StoreError {
        StoreError::Failed {
            store: self.name.clone(),
            why: error.to_string(),
        }
    }

    /// Looks whether this is the store that it should be, as often as that is needed.
    async fn check(&self) -> Result<(), StoreError> {
        if !self.may_vanish && self.sight().known {
            return Ok(());
        }
        self.look().await
    }

    /// Looks whether this is the store that it should be.
    pub(crate) async fn look(&self) -> Result<(), StoreError> {
        let Some(charter) = self.charter.get() else {
            return Ok(());
        };
        #[cfg(feature = "planted-bugs")]
        if self.trusted {
            return Ok(());
        }
        let lost = self.sight().lost;
        let why = match self.get_charter().await? {
            Some(found) if found == *charter => {
                let mut sight = self.sight();
                // Somebody who looked meanwhile, and saw nothing, may have done so later.
                sight.known = sight.lost == lost;
                return Ok(());
            }
            Some(found) => format!("it says \"{}\"", found.trim()),
            None => "it is empty".to_owned(),
        };
        let mut sight = self.sight();
        sight.known = false;
        sight.lost += 1;
        drop(sight);
        Err(self.lost(why))
    }

    fn sight(&self) -> MutexGuard<'_, Sight> {
        self.sight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lost(&self, why: String) -> StoreError {
        StoreError::Lost {
            store: self.name.clone(),
            why,
        }
    }

    async fn get_charter(&self) -> Result<Option<String>, StoreError> {
        let found = self.fetch(self.base.clone().join(CHARTER)).await?;
        Ok(found.map(|(bytes, _)| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Has `work` done on the store's objects.
    async fn run<T, W>(
        &self,
        work: impl FnOnce(Arc<dyn ObjectStore>) -> W + Send,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: Future<Output = T> + Send + 'static,
    {
        let work = Box::pin(work(Arc::clone(&self.objects)));
        #[cfg(feature = "local")]
        if let Some(directory) = &self.directory {
            return directory
                .run(work)
                .await
                .map_err(|error| self.failed(&error));
        }
        Ok(work.await)
    }

    /// Does `work` where this store is waited for: of a directory on one of its threads, all of it, and not on the way
    /// there and back for each request in it.
    pub(crate) async fn at_once<T: Send + 'static>(
        &self,
        work: BoxFuture<'static, Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        #[cfg(feature = "local")]
        if let Some(directory) = &self.directory {
            let done = directory.run(work).await;
            return done.unwrap_or_else(|error| Err(self.failed(&error)));
        }
        work.await
    }

    async fn fetch(&self, path: Path) -> Result<Option<(Vec<u8>, Tag)>, StoreError> {
        let get = |objects: Arc<dyn ObjectStore>| async move {
            let found = objects.get(&path).await?;
            let tag = Tag {
                e_tag: found.meta.e_tag.clone(),
                version: found.meta.version.clone(),
            };
            Ok((found.bytes().await?.to_vec(), tag))
        };
        match self.run(get).await? {
            Ok(found) => Ok(Some(found)),
            Err(ObjectError::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(&error)),
        }
    }

    async fn put_object(
        &self,
        path: Path,
        bytes: Vec<u8>,
        mode: PutMode,
    ) -> Result<Result<(), ObjectError>, StoreError> {
        let put = |objects: Arc<dyn ObjectStore>| async move {
            let payload = PutPayload::from(bytes);
            objects.put_opts(&path, payload, mode.into()).await?;
            Ok(())
        };
        self.run(put).await
    }

    /// Removes objects; those that are not there count as removed.
    async fn delete(&self, paths: Vec<Path>) -> Result<(), StoreError> {
        let delete = |objects: Arc<dyn ObjectStore>| async move {
            let paths = stream::iter(paths.into_iter().map(Ok)).boxed();
            let mut gone = objects.delete_stream(paths);
            while let Some(gone) = gone.next().await {
                match gone {
                    Ok(_) | Err(ObjectError::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        };
        self.run(delete).await?.map_err(|error| self.failed(&error))
    }

    /// What stands under a name, if something does.
    pub(crate) async fn get(
        &self,
        folder: &str,
        name: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.get_tagged(folder, name).await?.map(|(bytes, _)| bytes))
    }

    /// What stands under a name, if something does, and the tag that names this state of it.
    pub(crate) async fn get_tagged(
        &self,
        folder: &str,
        name: &str,
    ) -> Result<Option<(Vec<u8>, Tag)>, StoreError> {
        let found = self.fetch(self.path(folder, name)).await?;
        if found.is_none() {
            // That nothing stands there is an answer only if the store is the right one.
            self.check().await?;
        }
        Ok(found)
    }

    /// The names in a folder, in no order.
    pub(crate) async fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        #[cfg(feature = "local")]
        if let Some(directory) = &self.directory {
            let names = directory.list(folder, folder == AGENTS).await;
            let names = names.map_err(|error| self.failed(&error))?;
            self.check().await?;
            return Ok(names);
        }
        let prefix = self.base.clone().join(folder);
        let metas: Vec<_> = self
            .objects
            .list(Some(&prefix))
            .try_collect()
            .await
            .map_err(|error| self.failed(&error))?;
        self.check().await?;
        let names = metas.iter().filter_map(|meta| meta.location.filename());
        Ok(names.map(str::to_owned).collect())
    }

    /// What an operation that puts something under a name came to.
    async fn write(&self, path: Path, bytes: Vec<u8>, mode: PutMode) -> Result<bool, StoreError> {
        self.check().await?;
        let done = match self.put_object(path, bytes, mode).await? {
            Ok(()) => true,
            Err(
                ObjectError::AlreadyExists { .. }
                | ObjectError::Precondition { .. }
                | ObjectError::NotFound { .. },
            ) => false,
            Err(ObjectError::NotImplemented { .. } | ObjectError::NotSupported { .. }) => {
                return Err(StoreError::Unconditional {
                    store: self.name.clone(),
                });
            }
            Err(error) => return Err(self.failed(&error)),
        };
        if self.may_vanish {
            // What went into a directory that has taken the place of the right one is nowhere.
            self.check().await?;
        }
        Ok(done)
    }

    /// Puts `bytes` under a name of which they are the only content there will ever be.
    pub(crate) async fn put(
        &self,
        folder: &str,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<(), StoreError> {
        let path = self.path(folder, name);
        let done = self.write(path.clone(), bytes, PutMode::Overwrite).await?;
        if done {
            Ok(())
        } else {
            Err(self.failed(&format_args!("{path} could not be written")))
        }
    }

    /// Puts `bytes` under a name if nothing stands there; false if something does.
    pub(crate) async fn create(
        &self,
        folder: &str,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<bool, StoreError> {
        self.write(self.path(folder, name), bytes, PutMode::Create)
            .await
    }

    /// Replaces what `tag` names; false if something else stands there.
    pub(crate) async fn replace(
        &self,
        folder: &str,
        name: &str,
        tag: Tag,
        bytes: Vec<u8>,
    ) -> Result<bool, StoreError> {
        self.write(self.path(folder, name), bytes, PutMode::Update(tag))
            .await
    }

    /// Removes names from a folder; those that are not there count as removed.
    pub(crate) async fn remove(&self, folder: &str, names: Vec<String>) -> Result<(), StoreError> {
        self.check().await?;
        let paths = names.iter().map(|name| self.path(folder, name));
        self.delete(paths.collect()).await
    }

    /// Removes what writers have left behind in a folder that died on the way, of the names that `is_dead` says
    /// can't be written any more. Only directories keep such things.
    pub(crate) async fn sweep(
        &self,
        folder: &str,
        is_dead: impl Fn(&str) -> bool + Send,
    ) -> Result<(), StoreError> {
        #[cfg(feature = "local")]
        if let Some(directory) = &self.directory {
            self.check().await?;
            let swept = directory.sweep(folder, is_dead).await;
            return swept.map_err(|error| self.failed(&error));
        }
        #[cfg(not(feature = "local"))]
        let _ = (folder, is_dead);
        Ok(())
    }

    /// Removes everything, of a directory also itself; true if there was nothing. For a folder whose name
    /// nobody else can have thought of.
    pub(crate) async fn remove_all(&self) -> Result<bool, StoreError> {
        #[cfg(feature = "local")]
        if let Some(directory) = &self.directory {
            // A store of objects knows no folders, and would leave them.
            let gone = directory.remove_all().await;
            return gone.map_err(|error| self.failed(&error));
        }
        let found = self.objects.list(Some(&self.base));
        let found: Vec<_> = found
            .map_ok(|meta| meta.location)
            .try_collect()
            .await
            .map_err(|error| self.failed(&error))?;
        let nothing = found.is_empty();
        self.delete(found).await?;
        Ok(nothing)
    }

    /// What stands under a name, if something does and it is whole.
    pub(crate) async fn open<T: serde::de::DeserializeOwned>(
        &self,
        kind: Kind,
        folder: &str,
        name: &str,
    ) -> Result<Option<T>, StoreError> {
        let Some(bytes) = self.get(folder, name).await? else {
            return Ok(None);
        };
        match frame::open(kind, &key(folder, name), &bytes) {
            Some(content) => Ok(Some(content)),
            None => Err(self.unreadable(folder, name)),
        }
    }

    pub(crate) fn unreadable(&self, folder: &str, name: &str) -> StoreError {
        StoreError::Unreadable {
            store: self.name.clone(),
            key: key(folder, name),
        }
    }

    /// Puts `content` under a name of which it is the only content there will ever be.
    pub(crate) async fn keep(
        &self,
        kind: Kind,
        folder: &str,
        name: &str,
        content: &(impl serde::Serialize + Sync),
    ) -> Result<(), StoreError> {
        let bytes = seal(kind, folder, name, content)?;
        self.put(folder, name, bytes).await
    }

    /// What stands under several names of a folder, as far as it is still there.
    pub(crate) async fn open_all<K, T>(
        &self,
        kind: Kind,
        folder: &str,
        names: impl IntoIterator<Item = (K, String)>,
    ) -> Result<Vec<(K, Option<T>)>, StoreError>
    where
        K: Send,
        T: serde::de::DeserializeOwned + Send,
    {
        let names: Vec<_> = names.into_iter().collect();
        stream::iter(names)
            .map(|(id, name)| async move {
                let content = self.open(kind, folder, &name).await?;
                Ok((id, content))
            })
            .buffer_unordered(OPEN)
            .try_collect()
            .await
    }

    /// What agents keep, and the marks of their starts.
    pub(crate) async fn agents(&self) -> Result<Listing, StoreError> {
        Ok(Listing::of(&self.list(AGENTS).await?))
    }
}

/// The bytes that hold `content` under a name of a folder.
pub(crate) fn seal(
    kind: Kind,
    folder: &str,
    name: &str,
    content: &impl serde::Serialize,
) -> Result<Vec<u8>, StoreError> {
    let key = key(folder, name);
    frame::seal(kind, &key, content).ok_or(StoreError::Unstorable { key })
}

/// A key, as a frame's checksum covers it.
pub(crate) fn key(folder: &str, name: &str) -> String {
    format!("{folder}/{name}")
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket")
            .field("name", &self.name)
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}
