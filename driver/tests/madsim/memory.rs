//! Objects in memory that note all that lands on them, in order, with what they replied.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use bivalent_core::{Folder, ObjectName};
use bivalent_driver::recording::{object_folder, object_name};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{
    Error, GetOptions, GetResult, GetResultPayload, ObjectMeta, ObjectStore, PutMode, PutOptions,
    PutPayload, PutResult, Result, memory::InMemory, path::Path,
};

/// An operation, as it landed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Landed {
    Get(ObjectName),
    Put(ObjectName, Bytes, PutMode),
    Delete(ObjectName),
    /// Of all of a folder at one moment.
    List(Folder),
    /// Of something that has no name or folder of ours: it should not have.
    Strange(String),
}

/// What the object store replied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Replied {
    /// An object, and what names this state of it.
    Found(Bytes, Option<String>),
    Missing,
    /// A put has taken effect, and this names what it left.
    Put(Option<String>),
    /// A condition did not hold.
    Refused,
    Deleted,
    Listed(Vec<ObjectName>),
    /// Something that nobody expects of memory, or of what agents have put there.
    Other(String),
}

/// An operation that has landed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Landing {
    /// Whose it was.
    pub(crate) agent: u16,
    pub(crate) landed: Landed,
    pub(crate) replied: Replied,
}

/// Objects in memory; clones are the same ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    objects: Arc<InMemory>,
    notes: Arc<Mutex<Notes>>,
}

#[derive(Debug, Default)]
struct Notes {
    landings: Vec<Landing>,
    /// The names that were met: there are few, and listings are full of them.
    names: HashMap<Path, ObjectName>,
}

impl Notes {
    fn name(&mut self, path: &Path) -> Option<ObjectName> {
        if let Some(name) = self.names.get(path) {
            return Some(*name);
        }
        let text = path.as_ref();
        let (folder, name) = text.rsplit_once('/').unwrap_or(("", text));
        let name = object_name(folder, name)?;
        self.names.insert(path.clone(), name);
        Some(name)
    }

    /// Notes an operation on an object.
    fn note(
        &mut self,
        agent: u16,
        path: &Path,
        landed: impl FnOnce(ObjectName) -> Landed,
        replied: Replied,
    ) {
        let name = self.name(path);
        let landed = name.map_or_else(|| Landed::Strange(path.to_string()), landed);
        self.landings.push(Landing {
            agent,
            landed,
            replied,
        });
    }

    fn note_list(&mut self, agent: u16, folder: &Path, done: &Result<Vec<ObjectMeta>>) {
        let replied = match done {
            Ok(metas) => {
                let names = metas.iter().map(|meta| self.name(&meta.location));
                let names: Option<Vec<_>> = names.collect();
                names.map_or_else(
                    || Replied::Other(format!("names that are not ours: {metas:?}")),
                    Replied::Listed,
                )
            }
            Err(error) => Replied::Other(error.to_string()),
        };
        let folder = object_folder(folder.as_ref()).ok_or(folder);
        let landed = folder.map_or_else(|path| Landed::Strange(path.to_string()), Landed::List);
        self.landings.push(Landing {
            agent,
            landed,
            replied,
        });
    }
}

/// What memory does is done in one go: nothing lands between an operation and its note.
impl Memory {
    /// All that has landed so far. What lands later is noted anew.
    pub(crate) fn take(&self) -> Vec<Landing> {
        std::mem::take(&mut self.notes.lock().unwrap().landings)
    }

    pub(crate) async fn put(
        &self,
        agent: u16,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let (bytes, mode) = (payload.clone().into(), options.mode.clone());
        let done = self.objects.put_opts(path, payload, options).await;
        let replied = match &done {
            Ok(done) => Replied::Put(done.e_tag.clone()),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Replied::Refused,
            Err(error) => Replied::Other(error.to_string()),
        };
        let mut notes = self.notes.lock().unwrap();
        notes.note(agent, path, |name| Landed::Put(name, bytes, mode), replied);
        done
    }

    /// The whole object.
    pub(crate) async fn get(&self, agent: u16, path: &Path) -> Result<GetResult> {
        let mut done = self.objects.get_opts(path, GetOptions::default()).await;
        let replied = match &mut done {
            Ok(found) => {
                let empty = GetResultPayload::Stream(stream::empty().boxed());
                let whole = GetResult {
                    payload: std::mem::replace(&mut found.payload, empty),
                    meta: found.meta.clone(),
                    range: found.range.clone(),
                    attributes: found.attributes.clone(),
                    extensions: found.extensions.clone(),
                };
                let bytes = whole.bytes().await?;
                let again = stream::iter([Ok(bytes.clone())]).boxed();
                found.payload = GetResultPayload::Stream(again);
                Replied::Found(bytes, found.meta.e_tag.clone())
            }
            Err(Error::NotFound { .. }) => Replied::Missing,
            Err(error) => Replied::Other(error.to_string()),
        };
        let mut notes = self.notes.lock().unwrap();
        notes.note(agent, path, Landed::Get, replied);
        done
    }

    pub(crate) async fn delete(&self, agent: u16, path: Path) -> Result<Path> {
        let one = stream::iter([Ok(path.clone())]).boxed();
        let gone: Result<Vec<_>> = self.objects.delete_stream(one).try_collect().await;
        let replied = match &gone {
            Ok(_) => Replied::Deleted,
            Err(error) => Replied::Other(error.to_string()),
        };
        let mut notes = self.notes.lock().unwrap();
        notes.note(agent, &path, Landed::Delete, replied);
        gone.map(|_| path)
    }

    /// All names below a folder.
    pub(crate) async fn list(&self, agent: u16, folder: Option<&Path>) -> Result<Vec<ObjectMeta>> {
        let done: Result<Vec<_>> = self.objects.list(folder).try_collect().await;
        let root = Path::default();
        let mut notes = self.notes.lock().unwrap();
        notes.note_list(agent, folder.unwrap_or(&root), &done);
        done
    }
}
