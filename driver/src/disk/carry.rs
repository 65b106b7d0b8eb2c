//! A disk carries out what agents ask of objects: each has a place of its own here.
//!
//! A listing shows for each agent its latest start and the version that stands in its block. What can't be read is listed
//! all the same: that is no empty block.

use bivalent_core::{
    BlockBody, Content, Folder, ObjectName, ObjectOp, ObjectReply, ObjectTag, Version,
};

use super::drive::Drive;
use crate::{
    StoreError,
    content::parse_identity,
    objects::{Op, Reply},
};

/// The version that a block is listed under which can't be read. It is below every one that a later start writes.
pub(super) const UNREADABLE: Version = Version::from_bits(1);

type Outcome = Result<Reply<BlockBody>, StoreError>;

impl Drive {
    pub(super) fn carry(&mut self, op: Op<BlockBody>) -> Outcome {
        match op {
            ObjectOp::Get(name) => self.get_object(name),
            ObjectOp::Put { name, content, .. } => self.put_object(name, &content),
            // A newer block takes an older one's room, and a later start's record an earlier one's.
            ObjectOp::Delete(_) => Ok(ObjectReply::Done(None)),
            ObjectOp::List { folder, after } => {
                let mut names = if folder == Folder::Agents {
                    self.names()?
                } else {
                    Vec::new()
                };
                names.retain(|name| Some(*name) > after);
                names.sort_unstable();
                Ok(ObjectReply::Listed { names, more: false })
            }
        }
    }

    fn get_object(&mut self, name: ObjectName) -> Outcome {
        let content = match name {
            ObjectName::Identity => {
                let found = match self.expected.get().cloned() {
                    Some(expected) => self.check().map(|_| Some(expected))?,
                    None => self.charter()?,
                };
                let Some(found) = found else {
                    return Ok(ObjectReply::Missing);
                };
                let Some(identity) = parse_identity(&found) else {
                    self.say_strange(found);
                    return Ok(ObjectReply::Unreadable);
                };
                Content::Identity(identity)
            }
            ObjectName::Version(owner, wanted) => {
                let (block, version) = self.read(owner)?;
                if version != wanted {
                    return Ok(ObjectReply::Missing);
                }
                Content::Body(BlockBody { version, block })
            }
            ObjectName::Text(agent, start) => match self.text(agent, start)? {
                Some(text) => Content::Text(text.into()),
                None => return Ok(ObjectReply::Missing),
            },
            ObjectName::Start(..)
            | ObjectName::Record
            | ObjectName::Trial
            | ObjectName::Snapshot(_)
            | ObjectName::Vote(..) => return Ok(ObjectReply::Missing),
        };
        Ok(ObjectReply::Found {
            content,
            tag: ObjectTag(0),
        })
    }

    fn put_object(&mut self, name: ObjectName, content: &Content<BlockBody>) -> Outcome {
        match (name, content) {
            (ObjectName::Identity, Content::Identity(identity)) => {
                self.set_up(&crate::content::identity_text(identity))?;
            }
            (ObjectName::Version(owner, _), Content::Body(body)) => {
                self.write(owner, body.version, body.block)?;
            }
            (ObjectName::Start(agent, start), Content::Start { nonce }) => {
                if !self.mark_start(agent, start, *nonce)? {
                    return Ok(ObjectReply::ConditionFailed);
                }
            }
            (ObjectName::Text(agent, start), Content::Text(text)) => {
                self.keep_text(agent, start, text)?;
            }
            (
                ObjectName::Identity
                | ObjectName::Version(..)
                | ObjectName::Start(..)
                | ObjectName::Text(..)
                | ObjectName::Record
                | ObjectName::Trial
                | ObjectName::Snapshot(_)
                | ObjectName::Vote(..),
                _,
            ) => return Ok(ObjectReply::Unsupported),
        }
        Ok(ObjectReply::Done(None))
    }
}
