//! A store of objects: a directory, memory, or a bucket, through the `object_store` crate.

mod carry;
#[cfg(feature = "planted-bugs")]
mod planted;
mod tags;

use std::{error, fmt, path, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, future::BoxFuture, stream};
use object_store::{
    Error as ObjectError, ObjectStore, ObjectStoreExt, PutMode, PutPayload, UpdateVersion,
    path::Path,
};

use crate::StoreError;
#[cfg(feature = "local")]
use crate::directory::Directory;

pub use carry::BucketDecision;
pub(crate) use carry::BucketLog;
#[cfg(feature = "planted-bugs")]
pub(crate) use planted::Overtaking;

/// One passive store of named objects, and in it the folder of one system.
///
/// Every key is written once, by one agent and with one content, or on a condition. So a put that comes
/// late, or twice, takes nothing back.
#[derive(Clone)]
pub struct Bucket {
    objects: Arc<dyn ObjectStore>,
    base: Path,
    name: Arc<str>,
    /// A directory can vanish and come back empty; a bucket does not.
    may_vanish: bool,
    /// Where it is, if it is a directory of this machine.
    #[cfg(feature = "local")]
    directory: Option<Directory>,
    /// Nobody looks whether it is the store that it was: a planted bug.
    #[cfg(feature = "planted-bugs")]
    trusted: bool,
}

/// What a put came to.
#[derive(Clone, Debug)]
pub(crate) enum Put {
    /// It is done, and left this state.
    Done(UpdateVersion),
    /// The condition did not hold.
    Refused,
    /// The store was busy with the same object; nothing was written.
    Busy,
}

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
            name: name.into().into(),
            may_vanish,
            #[cfg(feature = "local")]
            directory: None,
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

    /// What to call it in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same store, known to be this directory.
    #[cfg(feature = "local")]
    pub(crate) fn in_directory(mut self, directory: Directory) -> Self {
        self.directory = Some(directory);
        self
    }

    /// Whether it can vanish and come back empty.
    pub(crate) const fn may_vanish(&self) -> bool {
        self.may_vanish
    }

    /// The directory of this machine that it is, if it is one.
    #[cfg_attr(
        not(feature = "local"),
        expect(clippy::unused_self, reason = "a directory is known by its store")
    )]
    pub(crate) fn directory(&self) -> Option<&path::Path> {
        #[cfg(feature = "local")]
        return self.directory.as_ref().map(Directory::path);
        #[cfg(not(feature = "local"))]
        None
    }

    /// Whether it is a directory that is not there.
    #[cfg_attr(
        not(feature = "local"),
        expect(clippy::unused_async, reason = "a directory is asked and waited for")
    )]
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
        Self {
            base: self.base.clone().join(name),
            #[cfg(feature = "local")]
            directory: self.directory.as_ref().map(|path| path.folder(name)),
            ..self.clone()
        }
    }

    fn path(&self, folder: &str, name: &str) -> Path {
        match folder {
            "" => self.base.clone().join(name),
            folder => self.base.clone().join(folder).join(name),
        }
    }

    pub(crate) fn failed(&self, error: &impl fmt::Display) -> StoreError {
        StoreError::Failed {
            store: self.name.to_string(),
            why: error.to_string(),
        }
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
    pub(crate) async fn all_at_once<T: Send + 'static>(
        &self,
        work: BoxFuture<'static, T>,
    ) -> Result<T, StoreError> {
        #[cfg(feature = "local")]
        if let Some(directory) = &self.directory {
            let done = directory.run(work).await;
            return done.map_err(|error| self.failed(&error));
        }
        Ok(work.await)
    }

    /// What stands under a name, if something does, and what names this state of it.
    pub(crate) async fn get(
        &self,
        folder: &str,
        name: &str,
    ) -> Result<Option<(Vec<u8>, UpdateVersion)>, StoreError> {
        let path = self.path(folder, name);
        let get = |objects: Arc<dyn ObjectStore>| async move {
            let found = objects.get(&path).await?;
            let tag = UpdateVersion {
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

    /// Puts `bytes` under a name.
    pub(crate) async fn put(
        &self,
        (folder, name): (&str, &str),
        bytes: Vec<u8>,
        mode: PutMode,
    ) -> Result<Put, StoreError> {
        let path = self.path(folder, name);
        let is_conditional = mode != PutMode::Overwrite;
        let put = |objects: Arc<dyn ObjectStore>| async move {
            let payload = PutPayload::from(bytes);
            objects.put_opts(&path, payload, mode.into()).await
        };
        match self.run(put).await? {
            Ok(done) => Ok(Put::Done(UpdateVersion {
                e_tag: done.e_tag,
                version: done.version,
            })),
            // Some stores say so of what is there, others of what is being written by somebody else.
            Err(error) if is_conditional && is_conflict(&error) => {
                match self.get(folder, name).await? {
                    Some(_) => Ok(Put::Refused),
                    None => Ok(Put::Busy),
                }
            }
            Err(
                ObjectError::AlreadyExists { .. }
                | ObjectError::Precondition { .. }
                | ObjectError::NotFound { .. },
            ) if is_conditional => Ok(Put::Refused),
            Err(ObjectError::NotImplemented { .. } | ObjectError::NotSupported { .. }) => {
                Err(StoreError::Unconditional {
                    store: self.name.to_string(),
                })
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// The names in a folder, in no order. `whole`: as they were at one moment, as far as that can be had.
    pub(crate) async fn list(&self, folder: &str, whole: bool) -> Result<Vec<String>, StoreError> {
        #[cfg(feature = "local")]
        if let Some(directory) = &self.directory {
            let names = directory.list(folder, whole).await;
            return names.map_err(|error| self.failed(&error));
        }
        #[cfg(not(feature = "local"))]
        let _ = whole;
        let prefix = self.base.clone().join(folder);
        let metas: Vec<_> = self
            .objects
            .list(Some(&prefix))
            .try_collect()
            .await
            .map_err(|error| self.failed(&error))?;
        let names = metas.iter().filter_map(|meta| meta.location.filename());
        Ok(names.map(str::to_owned).collect())
    }

    /// Removes names from a folder; those that are not there count as removed.
    pub(crate) async fn remove(&self, folder: &str, names: Vec<String>) -> Result<(), StoreError> {
        let paths = names.iter().map(|name| self.path(folder, name));
        self.delete(paths.collect()).await
    }

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
}

/// Whether the store answered with status 409, which `object_store` takes for "there already" whatever the store meant.
fn is_conflict(error: &ObjectError) -> bool {
    let ObjectError::AlreadyExists { source, .. } = error else {
        return false;
    };
    let mut link: Option<&(dyn error::Error + 'static)> = Some(&**source);
    while let Some(error) = link {
        if error.to_string().contains("409 Conflict") {
            return true;
        }
        link = error.source();
    }
    false
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket")
            .field("name", &self.name)
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}
