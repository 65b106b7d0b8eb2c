//! A client of a replica in the same process: commands that take effect exactly once, and queries.

use std::sync::{Arc, Mutex, PoisonError};

use bivalent_core::{Outcome, Request, SessionId, Slot, StateMachine};
use futures_channel::{mpsc, oneshot};

use crate::{Error, Status, StoreError, Stored, frame::comes_back, node::Order};

/// A way to a replica. Clones share its sessions; a client may be used from many tasks at once.
pub struct Client<M: StateMachine> {
    orders: mpsc::UnboundedSender<Order<M>>,
    /// Sessions that nobody uses just now. A session carries one command at a time.
    idle: Arc<Mutex<Vec<Session>>>,
}

/// A session and the number of the last command under it.
#[derive(Clone, Copy, Debug)]
struct Session {
    id: SessionId,
    seq: u64,
}

/// Gives a session back, also when the one who waits under it goes away: the number it used is not used again.
struct Lent<M: StateMachine> {
    session: Session,
    /// It is over: nobody can use it again.
    ended: bool,
    to: Client<M>,
}

impl<M: StateMachine> Drop for Lent<M> {
    fn drop(&mut self) {
        if !self.ended {
            self.to.idle().push(self.session);
        }
    }
}

impl<M: StateMachine> Client<M> {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Session>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Stored> Client<M> {
    pub(crate) fn new(orders: mpsc::UnboundedSender<Order<M>>) -> Self {
        Self {
            orders,
            idle: Arc::default(),
        }
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order<M>) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        self.orders
            .unbounded_send(order(answer))
            .map_err(|_| Error::Stopped)?;
        answered.await.map_err(|_| Error::Stopped)
    }

    async fn submit(&self, request: Request<M>) -> Result<Outcome<M>, Error> {
        if !comes_back(&request) {
            // In the log it would be something that nobody can read.
            let key = "a request".to_owned();
            return Err(StoreError::Unstorable { key }.into());
        }
        self.ask(|answer| Order::Submit(request, answer)).await
    }

    async fn session(&self) -> Result<Lent<M>, Error> {
        let idle = self.idle().pop();
        let session = match idle {
            Some(session) => session,
            None => match self.submit(Request::Open).await? {
                Outcome::Opened(id) => Session { id, seq: 0 },
                // Nothing else answers an opening.
                Outcome::Answer(_) | Outcome::Ended | Outcome::NoSession | Outcome::Outdated => {
                    return Err(Error::Stopped);
                }
            },
        };
        Ok(Lent {
            session,
            ended: false,
            to: self.clone(),
        })
    }

    /// Carries a command out, exactly once, and gives its answer. It waits as long as it takes: with fewer
    /// stores than a quorum, for ever. Dropped, or with [`Error::Stopped`], the command may have taken effect, or
    /// may still do so.
    pub async fn run(&self, command: M::Command) -> Result<M::Answer, Error> {
        loop {
            let mut lent = self.session().await?;
            lent.session.seq += 1;
            let request = Request::Run {
                session: lent.session.id,
                seq: lent.session.seq,
                command: command.clone(),
            };
            match self.submit(request).await? {
                Outcome::Answer(answer) => return Ok(answer),
                // Somebody has ended the session: nothing was done, and another one will do.
                Outcome::NoSession => lent.ended = true,
                Outcome::Opened(_) | Outcome::Ended | Outcome::Outdated => {
                    return Err(Error::Stopped);
                }
            }
        }
    }

    /// Answers a query; linearizable: what was answered anywhere before it was asked is in it.
    pub async fn query(&self, query: M::Query) -> Result<M::Answer, Error> {
        match self.submit(Request::Query(query)).await? {
            Outcome::Answer(answer) => Ok(answer),
            Outcome::Opened(_) | Outcome::Ended | Outcome::NoSession | Outcome::Outdated => {
                Err(Error::Stopped)
            }
        }
    }

    /// Answers a query from what is applied here, at once: possibly an old answer.
    pub async fn query_stale(&self, query: M::Query) -> Result<M::Answer, Error> {
        self.ask(|answer| Order::Stale(query, answer)).await
    }

    /// How the replica stands.
    pub async fn status(&self) -> Result<Status, Error> {
        self.ask(Order::Status).await
    }

    /// The replica's whole state, and the first slot that is not in it: what it knows, not the newest there is.
    /// Two replicas' states of the same slot are the same.
    pub async fn snapshot(&self) -> Result<(Slot, M::Snapshot), Error> {
        self.ask(Order::Snapshot).await
    }

    /// Ends the sessions that nobody uses, so that they don't stay in the machine's state for ever.
    pub async fn end_sessions(&self) -> Result<(), Error> {
        loop {
            let Some(Session { id: session, .. }) = self.idle().pop() else {
                return Ok(());
            };
            self.submit(Request::End { session }).await?;
        }
    }

    /// Stops the replica. What waits has an unknown outcome.
    pub async fn stop(&self) {
        let _ = self.ask(Order::Stop).await;
    }
}

impl<M: StateMachine> Clone for Client<M> {
    fn clone(&self) -> Self {
        Self {
            orders: self.orders.clone(),
            idle: Arc::clone(&self.idle),
        }
    }
}

impl<M: StateMachine> std::fmt::Debug for Client<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
