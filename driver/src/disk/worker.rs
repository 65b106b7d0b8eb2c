//! The thread of a disk: it waits for the disk, so that nobody else has to.

use std::{io, sync::mpsc, thread};

use futures_channel::oneshot;
use futures_util::future::BoxFuture;

use super::drive::Drive;
use crate::StoreError;

/// What a thread is asked to do.
type Job = Box<dyn FnOnce(&mut Drive) + Send>;

/// The way to a disk's thread. The thread ends once this is dropped and what it has begun is done.
///
/// A thread for each disk, not the pool of a runtime: operations keep their order, and a disk that hangs holds
/// up nothing but itself.
pub(super) struct Worker {
    name: String,
    jobs: mpsc::Sender<Job>,
}

impl Worker {
    pub(super) fn start(mut drive: Drive) -> io::Result<Self> {
        let name = drive.name.clone();
        let (jobs, queue) = mpsc::channel::<Job>();
        thread::Builder::new()
            .name("bivalent-disk".to_owned())
            .spawn(move || {
                for job in queue {
                    job(&mut drive);
                }
            })?;
        Ok(Self { name, jobs })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Has the thread do `work`. Once it has begun it is done to its end; if nobody waits for it any more by the
    /// time its turn comes, it is not begun.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Drive) -> Result<T, StoreError> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, StoreError>> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |drive| {
            if !answer.is_canceled() {
                // Nobody may want to know by now.
                let _ = answer.send(work(drive));
            }
        });
        let sent = self.jobs.send(job);
        Box::pin(async move {
            let ended = || StoreError::Failed {
                store: self.name.clone(),
                why: "its thread has ended".to_owned(),
            };
            sent.map_err(|_| ended())?;
            answered.await.map_err(|_| ended())?
        })
    }
}
