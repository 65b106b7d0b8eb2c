//! What is asked of one store, and what the core is told of the answer.

use std::sync::Arc;

use bivalent_core::{
    AgentId, BlockOp, BlockReply, BlockTag, DecreeEvent, Incarnation, Overwrite, StoreId,
};

use super::{Asked, Protocol};
use crate::{Clock, DecisionStore, Error, Options, Seen, StoreError, clock::within};

/// What the core is told of an operation that a store has refused.
pub(super) const fn silence(error: &StoreError, store: StoreId, tag: BlockTag) -> DecreeEvent {
    match (error, tag) {
        (StoreError::Unreadable { .. }, BlockTag::Read { .. }) => {
            DecreeEvent::Replied(store, tag, BlockReply::Unreadable)
        }
        _ => DecreeEvent::TimedOut(store, tag),
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker {
    pub(super) me: AgentId,
    pub(super) start: Incarnation,
    /// What the marks of this start carry.
    pub(super) nonce: u64,
    /// There is no other agent, whose block it would read.
    pub(super) alone: bool,
    pub(super) protocol: Protocol,
}

/// How often a block is read anew because the reader's start was not marked beside it.
const MARKS: u32 = 8;

impl Asker {
    /// Reads a block where the own start is marked: see `LogStore::own_mark`.
    async fn read(self, store: &dyn DecisionStore, owner: AgentId) -> Result<Seen, StoreError> {
        for _ in 0..MARKS {
            let seen = store.read(owner, self.me).await?;
            match seen.latest {
                Some(by) if by > self.start => {
                    return Err(StoreError::Fenced { agent: self.me, by });
                }
                Some(by) if by == self.start => return Ok(seen),
                Some(_) | None => {
                    store
                        .site()
                        .mark_start(self.me, self.start, self.nonce)
                        .await?;
                }
            }
        }
        Err(StoreError::Failed {
            store: store.site().name().to_owned(),
            why: "the mark of a start does not stay".to_owned(),
        })
    }
}

/// Carries out what the core asks of a store.
pub(super) async fn ask(
    store: &dyn DecisionStore,
    asker: Asker,
    (id, tag, op): Asked,
) -> Result<DecreeEvent, StoreError> {
    let reply = match op {
        BlockOp::Read { owner } => {
            let (block, version) = match asker.protocol {
                Protocol::Records => store.read_record().await?,
                Protocol::DiskPaxos => {
                    let seen = asker.read(store, owner).await?;
                    (seen.block, seen.version)
                }
            };
            BlockReply::Block { block, version }
        }
        BlockOp::Write { version, block } => {
            store.write(asker.me, version, block).await?;
            if asker.alone {
                // Nobody else's block will be read, and so no later start be noticed, if not here.
                asker.read(store, asker.me).await?;
            }
            BlockReply::Written
        }
        BlockOp::Swap {
            expect,
            version,
            block,
        } => {
            if store.write_record(expect, version, block).await? {
                BlockReply::Written
            } else {
                BlockReply::Refused
            }
        }
    };
    Ok(DecreeEvent::Replied(id, tag, reply))
}

/// Asks for a write until it is through. The core could do no more about silence: where writes replace each other
/// it lets none overtake a try whose fate it does not know, and of more than eight it knows none.
pub(super) async fn write_through(
    store: Arc<dyn DecisionStore>,
    asker: Asker,
    wanted: Asked,
    options: Options,
    clock: impl Clock,
) -> Result<DecreeEvent, Error> {
    loop {
        let work = ask(&*store, asker, wanted);
        let done = match store.overwrite() {
            // It is under way until it is answered, whatever we do.
            Overwrite::InPlace => Some(work.await),
            // Beside disks there may be buckets, where a try can be lost on the way.
            Overwrite::Versioned => {
                within(&clock, options.patience_max.saturating_mul(2), work).await
            }
        };
        match done {
            Some(Ok(event)) => return Ok(event),
            Some(Err(error)) => {
                if let Some(error) = Error::of_fatal(&error) {
                    return Err(error);
                }
                tracing::debug!(%error, "not written");
            }
            None => tracing::debug!("late"),
        }
        clock.sleep(options.patience).await;
    }
}
