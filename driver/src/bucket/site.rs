//! A bucket's charter and the marks of starts on it.

use std::sync::atomic::Ordering;

use bivalent_core::{AgentId, Incarnation};
use futures_util::future::BoxFuture;
use object_store::{Error as ObjectError, PutMode};

use super::{AGENTS, Bucket, CHARTER, seal};
use crate::{Site, StoreError, frame::Kind, names::Name};

impl Site for Bucket {
    fn name(&self) -> &str {
        &self.name
    }

    fn charter(&self) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        Box::pin(self.get_charter())
    }

    fn set_up<'a>(&'a self, charter: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if self.is_missing().await {
                // Made here, it would be another store than the one that a mount will bring back.
                let words =
                    "there is no such directory; make it, unless it is a mount that is away";
                return Err(self.failed(&words));
            }
            let path = self.base.clone().join(CHARTER);
            let bytes = charter.as_bytes().to_vec();
            match self.put_object(path, bytes, PutMode::Create).await? {
                Ok(()) | Err(ObjectError::AlreadyExists { .. }) => self.check().await,
                Err(error) => Err(self.failed(&error)),
            }
        })
    }

    fn expect(&self, charter: String) {
        // A store is used for one system as long as it lives; a second charter can't differ.
        let _ = self.charter.set(charter);
    }

    fn starts(&self) -> BoxFuture<'_, Result<Vec<(AgentId, Incarnation)>, StoreError>> {
        Box::pin(async { Ok(self.agents().await?.starts) })
    }

    fn mark_start(
        &self,
        agent: AgentId,
        start: Incarnation,
        nonce: u64,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let mark = u32::from(start.0) + 1;
            self.look().await?;
            if self.marked.load(Ordering::Acquire) == mark {
                // Only a later start removes it, and would stand here.
                return Err(self.lost("the mark of a start is gone".to_owned()));
            }
            let name = Name::Start(agent, start).text();
            let bytes = seal(Kind::Start, AGENTS, &name, &nonce)?;
            // One that stands may be ours, of a try that came through without our knowing. Whoever believed that
            // and was wrong would be a second one with the same start: it is left unused instead.
            let ours = self.create(AGENTS, &name, bytes.clone()).await?;
            // A store that lets everybody create it would let two have the same start. Directories are known.
            let twice =
                ours && self.directory().is_none() && self.create(AGENTS, &name, bytes).await?;
            let listing = self.agents().await?;
            // It may have been emptied just before: then the mark stands in a store that knows nothing.
            self.look().await?;
            if listing.latest_start(agent) > Some(start) {
                // It was marked before, and swept away by a later one.
                return Ok(false);
            }
            if twice {
                return Err(StoreError::Unconditional {
                    store: self.name.clone(),
                });
            }
            self.marked.store(mark, Ordering::Release);
            if !ours {
                return Ok(false);
            }
            // The latest mark says all that the earlier ones do.
            self.remove(AGENTS, listing.starts_before(agent, start))
                .await?;
            Ok(true)
        })
    }
}
