//! The thread of a disk: it waits for the disk, so that nobody else has to.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use futures_channel::oneshot;
use futures_util::future::{BoxFuture, ready};

use super::drive::Drive;
use crate::StoreError;

/// So many jobs may wait for a disk; beyond that it is asked for nothing more.
const UNDONE: usize = 256;

/// What a thread is asked to do.
type Job = Box<dyn FnOnce(&mut Drive) + Send>;

/// The way to a disk's thread. The thread ends once this is dropped and what it has begun is done.
///
/// A thread for each disk, not the pool of a runtime: operations keep their order, and a disk that hangs holds
/// up nothing but itself.
pub(super) struct Worker {
    name: String,
    jobs: mpsc::Sender<Job>,
    /// Jobs that are not done.
    undone: Arc<AtomicUsize>,
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
        Ok(Self {
            name,
            jobs,
            undone: Arc::default(),
        })
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
        let undone = Arc::clone(&self.undone);
        let hangs = undone.fetch_add(1, Ordering::Relaxed) >= UNDONE;
        if hangs {
            undone.fetch_sub(1, Ordering::Relaxed);
            let error = StoreError::Failed {
                store: self.name.clone(),
                why: format!("it hangs: {UNDONE} operations have no end"),
            };
            return Box::pin(ready(Err(error)));
        }
        let job: Job = Box::new(move |drive| {
            undone.fetch_sub(1, Ordering::Relaxed);
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
