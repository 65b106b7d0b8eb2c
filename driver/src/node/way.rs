//! A replica's ways to its stores.

use std::sync::Arc;

use bivalent_core::{AgentId, Incarnation};
use futures_util::{StreamExt, stream::FuturesUnordered};

use crate::{Bucket, StoreError, log_store::LogStore};

/// What a replica's ways to its stores have in common.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub(super) me: AgentId,
    pub(super) start: Incarnation,
    pub(super) nonce: u64,
    pub(super) agents: u8,
    #[cfg(feature = "planted-bugs")]
    pub(super) bug: Option<crate::DriverBug>,
}

impl Way {
    pub(super) const fn to(self, bucket: &Bucket) -> LogStore<'_> {
        LogStore {
            bucket,
            me: self.me,
            start: self.start,
            nonce: self.nonce,
            agents: self.agents,
            #[cfg(feature = "planted-bugs")]
            overtakes: matches!(self.bug, Some(crate::DriverBug::RetryOvertakes)),
        }
    }
}

/// Refuses to go on unless a quorum of stores shows no later start.
pub(super) async fn marked_on_a_quorum(
    stores: &[Arc<Bucket>],
    way: Way,
    quorum: usize,
) -> Result<(), StoreError> {
    let mut looks: FuturesUnordered<_> = stores
        .iter()
        .map(|store| way.to(store).own_mark())
        .collect();
    let mut count = 0;
    let mut last = None;
    while let Some(look) = looks.next().await {
        match look {
            Ok(_) => count += 1,
            Err(error @ StoreError::Fenced { .. }) => return Err(error),
            Err(error) => last = Some(error),
        }
        if count >= quorum {
            return Ok(());
        }
    }
    Err(last.unwrap_or_else(|| StoreError::Failed {
        store: "a quorum".to_owned(),
        why: "no answer".to_owned(),
    }))
}
