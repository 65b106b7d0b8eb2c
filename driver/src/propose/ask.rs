//! What is asked of one store, and what the core is told of the answer.

use std::sync::Arc;

use bivalent_core::{AgentId, Effect, Incarnation, Input, Operation, Overwrite};

use super::Protocol;
use crate::{Clock, DecisionStore, Error, Options, StoreError, clock::within};

/// What the core is told of an operation that a store has refused.
pub(super) const fn silence(error: &StoreError, operation: Operation) -> Input {
    match (error, operation) {
        (
            StoreError::Unreadable { .. },
            Operation::Read {
                store,
                owner,
                epoch,
            },
        ) => Input::Unreadable {
            store,
            owner,
            epoch,
        },
        _ => Input::TimedOut { operation },
    }
}

/// Carries out what the core asks of a store.
pub(super) async fn ask(
    store: &impl DecisionStore,
    me: AgentId,
    start: Incarnation,
    protocol: Protocol,
    effect: Effect,
) -> Result<Input, StoreError> {
    match effect {
        Effect::Read {
            store: id,
            owner,
            epoch,
        } => {
            let (block, version) = match protocol {
                Protocol::Records => store.read_record().await?,
                Protocol::DiskPaxos => {
                    let seen = store.read(owner, me).await?;
                    if let Some(by) = seen.latest.filter(|&by| by > start) {
                        return Err(StoreError::Fenced { agent: me, by });
                    }
                    (seen.block, seen.version)
                }
            };
            Ok(Input::Read {
                store: id,
                owner,
                epoch,
                block,
                version,
            })
        }
        Effect::Write {
            store: id,
            epoch,
            attempt,
            version,
            block,
        } => {
            store.write(me, version, block).await?;
            Ok(Input::Wrote {
                store: id,
                epoch,
                attempt,
            })
        }
        Effect::WriteIf {
            store: id,
            epoch,
            attempt,
            expect,
            version,
            block,
        } => {
            let done = store.write_record(expect, version, block).await?;
            Ok(if done {
                Input::Wrote {
                    store: id,
                    epoch,
                    attempt,
                }
            } else {
                Input::Refused {
                    store: id,
                    epoch,
                    attempt,
                }
            })
        }
        Effect::Retry { .. } | Effect::Abort { .. } | Effect::Decide(_) => {
            unreachable!("nothing that a store is asked for")
        }
    }
}

/// Asks for a write until it is through. The core could do no more about silence: where writes replace each other
/// it lets none overtake a try whose fate it does not know, and of more than eight it knows none.
pub(super) async fn write_through<S: DecisionStore>(
    store: Arc<S>,
    me: AgentId,
    start: Incarnation,
    effect: Effect,
    options: Options,
    clock: impl Clock,
) -> Result<Input, Error> {
    loop {
        let work = ask(&*store, me, start, Protocol::DiskPaxos, effect);
        let done = match store.overwrite() {
            // It is under way until it is answered, whatever we do.
            Overwrite::InPlace => Some(work.await),
            // Beside disks there may be buckets, where a try can be lost on the way.
            Overwrite::Versioned => within(&clock, options.patience_max * 2, work).await,
        };
        match done {
            Some(Ok(input)) => return Ok(input),
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
