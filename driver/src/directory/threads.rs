//! The threads that wait for one directory, and for no other: one that hangs, as a mount does whose server is gone,
//! holds every thread that asks it for something, for ever.
//!
//! Threads without a runtime: `object_store` does its blocking work where it is, if it finds none.

use std::{
    cell::Cell,
    collections::VecDeque,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use futures_channel::oneshot;
use futures_util::future::BoxFuture;

/// Threads that wait for one directory.
const THREADS: usize = 64;
/// So many operations may be without an end; until some have one, no more are begun.
pub(super) const UNFINISHED: usize = 256;
/// A thread that has had nothing to do for so long ends.
const KEPT: Duration = Duration::from_secs(10);

thread_local! {
    /// Whose thread this is.
    static OF: Cell<usize> = const { Cell::new(0) };
}

type Job = Box<dyn FnOnce() + Send>;

/// The way to a directory's threads. They end once this is dropped, those that hang excepted.
pub(super) struct Threads {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    /// Jobs without an end, also those that nobody waits for any more.
    unfinished: usize,
    over: bool,
}

impl Threads {
    pub(super) fn new() -> Self {
        let shared = Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Has a thread do `work`; an error if the directory hangs. On a thread of its own it is done at once, so that
    /// a piece of work that is made of others costs one way there and back.
    ///
    /// Given up after it has begun, it is seen to its end all the same.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: BoxFuture<'static, T>,
    ) -> io::Result<T> {
        if OF.get() == self.shared.number() {
            return Ok(work.await);
        }
        let (answer, answered) = oneshot::channel();
        self.submit(Box::new(move || {
            if !answer.is_canceled() {
                // Nobody may want to know by now.
                let _ = answer.send(to_its_end(work));
            }
        }))?;
        answered
            .await
            .map_err(|_| io::Error::other("it was not done"))
    }

    fn submit(&self, job: Job) -> io::Result<()> {
        let mut state = self.shared.lock();
        if state.unfinished >= UNFINISHED {
            let words = format!("it hangs: {UNFINISHED} operations have no end");
            return Err(io::Error::new(io::ErrorKind::TimedOut, words));
        }
        if state.jobs.len() >= state.idle && state.threads < THREADS {
            let shared = Arc::clone(&self.shared);
            let born = thread::Builder::new()
                .name("bivalent-directory".to_owned())
                .spawn(move || shared.serve());
            match born {
                Ok(_) => state.threads += 1,
                // Those that there are will come to it.
                Err(error) if state.threads == 0 => return Err(error),
                Err(_) => {}
            }
        }
        state.unfinished += 1;
        state.jobs.push_back(job);
        drop(state);
        self.shared.wake.notify_one();
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn unfinished(&self) -> usize {
        self.shared.lock().unfinished
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.shared.lock().over = true;
        self.shared.wake.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What tells these threads from those of another directory.
    fn number(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// The life of a thread.
    fn serve(&self) {
        OF.set(self.number());
        while let Some(job) = self.next() {
            // The panic has been told; whoever waits sees that there is no answer.
            let _ = catch_unwind(AssertUnwindSafe(job));
            self.lock().unfinished -= 1;
        }
    }

    /// The next job; nothing if the thread is not needed any more.
    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.over {
                break;
            }
            state.idle += 1;
            let waited = self.wake.wait_timeout(state, KEPT);
            let (back, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            state = back;
            state.idle -= 1;
            if waited.timed_out() && state.jobs.is_empty() {
                break;
            }
        }
        state.threads -= 1;
        None
    }
}

/// Wakes a thread that waits for a future.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits here until `work` is done.
fn to_its_end<T>(work: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut work = pin!(work);
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
            return done;
        }
        thread::park();
    }
}
