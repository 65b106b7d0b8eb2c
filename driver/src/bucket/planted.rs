//! A planted bug: heads are overwritten under one key, so that a put that comes late takes a newer one back.

use std::sync::Arc;

use bivalent_core::{
    AgentId, Content, Folder, Head, LogBody, ObjectName, ObjectOp, ObjectReply, StoreTraits,
    Version,
};
use futures_util::future::BoxFuture;
use object_store::PutMode;

use super::{Bucket, BucketLog};
use crate::{
    StoreError, Stored,
    frame::{self, Kind},
    names::{folder, key, text},
    objects::{Carried, IsDead, Objects, Op, Reply},
};

/// A bucket whose heads have one key for each agent.
#[derive(Debug)]
pub(crate) struct Overtaking<M: Stored> {
    bucket: Bucket,
    log: BucketLog<M>,
}

const fn one(agent: AgentId) -> ObjectName {
    ObjectName::Version(agent, Version::NEVER)
}

impl<M: Stored> Overtaking<M> {
    pub(crate) fn new(bucket: Bucket) -> Self {
        let log = BucketLog::of_log(bucket.clone());
        Self { bucket, log }
    }

    async fn head(&self, agent: AgentId) -> Result<Option<(Version, Head<M>)>, StoreError> {
        let name = one(agent);
        let found = self.bucket.get(folder(Folder::Agents), &text(name)).await?;
        Ok(found.and_then(|(bytes, _)| frame::open(Kind::Head, &key(name), &bytes)))
    }

    async fn carry_one(&self, op: Op<LogBody<M>>) -> Result<Reply<LogBody<M>>, StoreError> {
        let mut op = op;
        match &mut op {
            ObjectOp::Put {
                name: ObjectName::Version(agent, version),
                content: Content::Body(LogBody::Head(head)),
                ..
            } => {
                let name = one(*agent);
                let bytes = frame::seal(Kind::Head, &key(name), &(*version, &**head));
                let bytes = bytes.ok_or_else(|| StoreError::Unstorable { key: key(name) })?;
                let place = (folder(Folder::Agents), &*text(name));
                self.bucket.put(place, bytes, PutMode::Overwrite).await?;
                return Ok(ObjectReply::Done(None));
            }
            ObjectOp::Get(ObjectName::Version(agent, version)) => {
                return Ok(match self.head(*agent).await? {
                    Some((standing, head)) if standing == *version => ObjectReply::Found {
                        content: Content::Body(LogBody::Head(Arc::new(head))),
                        tag: bivalent_core::ObjectTag(0),
                    },
                    Some(_) | None => ObjectReply::Missing,
                });
            }
            ObjectOp::Delete(names) => {
                names.retain(|name| !matches!(name, ObjectName::Version(..)));
            }
            ObjectOp::Put { .. } | ObjectOp::Get(_) | ObjectOp::List { .. } => {}
        }
        let carried = self.log.carry(vec![op]).await;
        let reply = carried.replies.into_iter().next();
        let reply = reply.expect("an answer for each operation")?;
        let ObjectReply::Listed { mut names, more } = reply else {
            return Ok(reply);
        };
        for name in &mut names {
            if let ObjectName::Version(agent, version) = name
                && let Some((standing, _)) = self.head(*agent).await?
            {
                *version = standing;
            }
        }
        names.sort_unstable();
        Ok(ObjectReply::Listed { names, more })
    }
}

impl<M: Stored> Objects<LogBody<M>> for Overtaking<M> {
    fn name(&self) -> &str {
        self.bucket.name()
    }

    fn traits(&self) -> StoreTraits {
        self.log.traits()
    }

    fn carry(&self, ops: Vec<Op<LogBody<M>>>) -> BoxFuture<'_, Carried<LogBody<M>>> {
        Box::pin(async move {
            let mut replies = Vec::new();
            for op in ops {
                replies.push(self.carry_one(op).await);
            }
            Carried {
                replies,
                ahead: Vec::new(),
            }
        })
    }

    fn sweep<'a>(&'a self, is_dead: &'a IsDead) -> BoxFuture<'a, ()> {
        self.log.sweep(is_dead)
    }

    fn strange_identity(&self) -> Option<String> {
        self.log.strange_identity()
    }
}
