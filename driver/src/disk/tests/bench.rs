//! A disk in a folder of its own, and what agents ask of it.
#![expect(clippy::wildcard_enum_match_arm, reason = "tests look for one thing")]

use std::{borrow::Cow, fs, os::unix::fs::FileExt, path::PathBuf, sync::Arc};

use bivalent_core::{
    AgentId, Block, BlockBody, Content, Folder, Identity, If, Incarnation, ObjectName, ObjectOp,
    ObjectReply, StoreId, Version,
};
use tempfile::TempDir;

use super::AGENTS;
use crate::{
    StoreError,
    disk::{drive::Drive, sectors::Sectors},
    objects::Reply,
};

pub(super) struct Bench {
    pub(super) folder: TempDir,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    /// The disk's thread's view of it, opened anew.
    pub(super) fn drive(&self, expected: Option<&Identity>) -> Drive {
        let sectors = Sectors::open(&self.path()).unwrap();
        let drive = Drive {
            name: "d".to_owned(),
            path: self.path(),
            store: StoreId(1),
            agents: AGENTS,
            sectors: sectors.map(Arc::new),
            expected: Arc::default(),
            strange: Arc::default(),
        };
        if let Some(charter) = expected {
            drive.expected.set(charter.clone()).unwrap();
        }
        drive
    }

    /// One that has been set up.
    pub(super) fn ready(&self) -> Drive {
        let mut drive = self.drive(Some(&system("c")));
        drive.set_up(&system("c")).unwrap();
        drive
    }

    /// Overwrites part of the file behind the disk's back.
    pub(super) fn scribble(&self, at: u64, bytes: &[u8]) {
        let file = fs::OpenOptions::new().write(true).open(self.path());
        file.unwrap().write_all_at(bytes, at).unwrap();
    }
}

/// What an agent asks of objects, as tests do.
impl Drive {
    pub(super) fn put(
        &mut self,
        name: ObjectName,
        content: Content<BlockBody>,
    ) -> Result<Reply<BlockBody>, StoreError> {
        let only = If::Always;
        self.carry(ObjectOp::Put {
            name,
            content,
            only,
        })
    }

    pub(super) fn get(
        &mut self,
        name: ObjectName,
    ) -> Result<Option<Content<BlockBody>>, StoreError> {
        match self.carry(ObjectOp::Get(name))? {
            ObjectReply::Found { content, .. } => Ok(Some(content)),
            ObjectReply::Missing => Ok(None),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn charter(&mut self) -> Result<Option<Identity>, StoreError> {
        let found = self.get(ObjectName::Identity)?;
        Ok(found.map(|content| match content {
            Content::Identity(identity) => identity,
            other => panic!("{other:?}"),
        }))
    }

    pub(super) fn set_up(&mut self, identity: &Identity) -> Result<(), StoreError> {
        let put = self.put(ObjectName::Identity, Content::Identity(identity.clone()))?;
        assert_eq!(put, ObjectReply::Done(None));
        Ok(())
    }

    pub(super) fn names(&mut self) -> Result<Vec<ObjectName>, StoreError> {
        let (folder, after) = (Folder::Agents, None);
        match self.carry(ObjectOp::List { folder, after })? {
            ObjectReply::Listed { names, more: false } => Ok(names),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn starts(&mut self) -> Result<Vec<(AgentId, Incarnation)>, StoreError> {
        let starts = self.names()?.into_iter().filter_map(|name| match name {
            ObjectName::Start(agent, start) => Some((agent, start)),
            _ => None,
        });
        Ok(starts.collect())
    }

    pub(super) fn mark_start(
        &mut self,
        agent: AgentId,
        start: Incarnation,
        nonce: u64,
    ) -> Result<bool, StoreError> {
        match self.put(ObjectName::Start(agent, start), Content::Start { nonce })? {
            ObjectReply::Done(None) => Ok(true),
            ObjectReply::ConditionFailed => Ok(false),
            other => panic!("{other:?}"),
        }
    }

    /// The version that is listed, got.
    pub(super) fn read(&mut self, owner: AgentId) -> Result<(Block, Version), StoreError> {
        let names = self.names()?;
        let listed = names.iter().find_map(|name| match name {
            ObjectName::Version(agent, version) if *agent == owner => Some(*version),
            _ => None,
        });
        let name = ObjectName::Version(owner, listed.unwrap_or_default());
        match self.get(name)? {
            Some(Content::Body(BlockBody { version, block })) => Ok((block, version)),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn write(
        &mut self,
        owner: AgentId,
        version: Version,
        block: Block,
    ) -> Result<(), StoreError> {
        let body = Content::Body(BlockBody { version, block });
        let put = self.put(ObjectName::Version(owner, version), body)?;
        assert_eq!(put, ObjectReply::Done(None));
        Ok(())
    }

    pub(super) fn keep_text(
        &mut self,
        agent: AgentId,
        start: Incarnation,
        text: &str,
    ) -> Result<(), StoreError> {
        let put = self.put(ObjectName::Text(agent, start), Content::Text(text.into()))?;
        assert_eq!(put, ObjectReply::Done(None));
        Ok(())
    }

    pub(super) fn text(
        &mut self,
        agent: AgentId,
        start: Incarnation,
    ) -> Result<Option<String>, StoreError> {
        let found = self.get(ObjectName::Text(agent, start))?;
        Ok(found.map(|content| match content {
            Content::Text(text) => text.to_string(),
            other => panic!("{other:?}"),
        }))
    }
}

/// What a disk of that system says of itself.
pub(super) fn system(kind: &'static str) -> Identity {
    Identity {
        kind: Cow::Borrowed(kind),
        agents: AGENTS,
        stores: 3,
        quorum: 2,
        place: 1,
        system: 0,
    }
}
