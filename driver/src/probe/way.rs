//! The way to the folder that is measured: as an agent goes, with looks at what the store says of itself, or without.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use bivalent_core::{AgentId, Folder, ObjectName, Version};
use object_store::{PutMode, UpdateVersion};

use crate::{
    Bucket, StoreError,
    bucket::Put,
    names::{folder, parse, text},
};

/// The folder of what agents overwrite.
pub(super) const AGENTS: &str = folder(Folder::Agents);

/// A way to a bucket.
pub(super) struct Way {
    bucket: Bucket,
    /// What it must say of itself; nothing if nobody looks.
    identity: OnceLock<String>,
    known: AtomicBool,
}

impl Way {
    pub(super) fn new(bucket: Bucket) -> Self {
        Self {
            bucket,
            identity: OnceLock::new(),
            known: AtomicBool::new(false),
        }
    }

    pub(super) fn name(&self) -> &str {
        self.bucket.name()
    }

    pub(super) fn is_directory(&self) -> bool {
        self.bucket.directory().is_some()
    }

    /// Has the folder say something of itself, which every operation looks at from now on as an agent's does.
    pub(super) async fn set_up(&self, identity: &str) -> Result<(), StoreError> {
        let place = ("", &*text(ObjectName::Identity));
        let bytes = identity.as_bytes().to_vec();
        self.bucket.put(place, bytes, PutMode::Create).await?;
        // It is set up once.
        let _ = self.identity.set(identity.to_owned());
        self.look().await
    }

    async fn look(&self) -> Result<(), StoreError> {
        let Some(identity) = self.identity.get() else {
            return Ok(());
        };
        if !self.bucket.may_vanish() && self.known.load(Ordering::Relaxed) {
            return Ok(());
        }
        let found = self.bucket.get("", &text(ObjectName::Identity)).await?;
        let why = match found {
            Some((bytes, _)) if bytes == identity.as_bytes() => {
                self.known.store(true, Ordering::Relaxed);
                return Ok(());
            }
            Some((bytes, _)) => {
                format!("it says \"{}\"", String::from_utf8_lossy(&bytes).trim())
            }
            None => "it is empty".to_owned(),
        };
        Err(StoreError::Lost {
            store: self.name().to_owned(),
            why,
        })
    }

    async fn write(
        &self,
        place: (&str, &str),
        bytes: Vec<u8>,
        mode: PutMode,
    ) -> Result<bool, StoreError> {
        self.look().await?;
        let done = self.bucket.put(place, bytes, mode).await?;
        if self.bucket.may_vanish() {
            self.look().await?;
        }
        Ok(matches!(done, Put::Done(_)))
    }

    pub(super) async fn put(
        &self,
        folder: &str,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<(), StoreError> {
        let done = self.write((folder, name), bytes, PutMode::Overwrite);
        done.await.map(|_| ())
    }

    pub(super) async fn create(
        &self,
        folder: &str,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<bool, StoreError> {
        self.write((folder, name), bytes, PutMode::Create).await
    }

    pub(super) async fn replace(
        &self,
        (folder, name): (&str, &str),
        state: UpdateVersion,
        bytes: Vec<u8>,
    ) -> Result<bool, StoreError> {
        let mode = PutMode::Update(state);
        self.write((folder, name), bytes, mode).await
    }

    pub(super) async fn get(
        &self,
        folder: &str,
        name: &str,
    ) -> Result<Option<(Vec<u8>, UpdateVersion)>, StoreError> {
        let found = self.bucket.get(folder, name).await?;
        if found.is_none() {
            self.look().await?;
        }
        Ok(found)
    }

    /// The names in the folder of agents.
    pub(super) async fn list(&self) -> Result<Vec<String>, StoreError> {
        let names = self.bucket.list(AGENTS, true).await?;
        self.look().await?;
        Ok(names)
    }

    /// The versions in the folder of agents.
    pub(super) async fn versions(&self) -> Result<Vec<(AgentId, Version)>, StoreError> {
        let names = self.list().await?;
        let names = names.iter().filter_map(|name| parse(Folder::Agents, name));
        let versions = names.filter_map(|name| {
            if let ObjectName::Version(agent, version) = name {
                Some((agent, version))
            } else {
                None
            }
        });
        Ok(versions.collect())
    }

    pub(super) async fn remove(&self, folder: &str, names: Vec<String>) -> Result<(), StoreError> {
        self.look().await?;
        self.bucket.remove(folder, names).await
    }

    pub(super) async fn remove_all(&self) -> Result<bool, StoreError> {
        self.bucket.remove_all().await
    }
}
