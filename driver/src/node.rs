//! A replica on real stores: the loop of an agent, and the clients that it serves.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bivalent_core::{
    Ballot, Event, LogBody, LogOp, LogReply, LogSaid, ObjectName, ObjectOp, ObjectsSaid,
    ObjectsSetup, Outcome, Replica, ReplicaSetup, Request, Slot, Standing, StateMachine, StoreId,
    Timer, Why,
};
use futures_channel::{mpsc, oneshot};
use futures_util::{
    StreamExt,
    future::{Either, select},
};

use crate::{
    Bucket, Client, Clock, Error, Options, Stored,
    bucket::BucketLog,
    host::{Happened, Host, Manner},
    objects::{Objects, Op},
    pace::{Asked, Pace},
    recording::Tape,
};

/// What a client wants of the loop.
pub(crate) enum Order<M: StateMachine> {
    /// A request for the log.
    Submit(Request<M>, oneshot::Sender<Outcome<M>>),
    /// A query that may be answered from the past.
    Stale(M::Query, oneshot::Sender<M::Answer>),
    /// How it stands.
    Status(oneshot::Sender<Status>),
    /// The whole state, and the first slot that is not in it.
    Snapshot(oneshot::Sender<(Slot, M::Snapshot)>),
    /// No more of this.
    Stop(oneshot::Sender<()>),
}

/// How a replica stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Status {
    /// What it is at.
    pub standing: Standing,
    /// The greatest ballot it started.
    pub ballot: Option<Ballot>,
    /// The next slot to be applied.
    pub applied: Slot,
    /// Which start of the agent this is.
    pub start: u64,
    /// Requests that wait for their answers.
    pub waiting: usize,
}

/// A request without an answer yet.
struct Waiting<M: StateMachine> {
    request: Request<M>,
    answer: oneshot::Sender<Outcome<M>>,
}

/// A replica on real stores. [`Node::run`] is its life.
pub struct Node<M: Stored, C: Clock> {
    host: Host<Replica<M>, C, Pace>,
    orders: mpsc::UnboundedReceiver<Order<M>>,
    /// By the numbers of the requests.
    waiting: BTreeMap<u64, Waiting<M>>,
    /// How many requests the replica was given.
    asked: u64,
    /// Operations whose time says something, since when they are under way.
    timed: BTreeMap<(StoreId, u64), (Asked, Duration)>,
    /// Drops under way: what dead writers left behind is removed with them.
    drops: BTreeSet<(StoreId, u64)>,
}

impl<M: Stored, C: Clock> Node<M, C> {
    /// Sets the stores up if they are new, takes a start that nobody had, and begins. `machine` is the
    /// machine's first state, the same for all replicas.
    ///
    /// Fails if a quorum of stores does not answer, or belongs to another system.
    pub async fn open(
        options: Options,
        stores: Vec<Bucket>,
        machine: M,
        clock: C,
    ) -> Result<(Self, Client<M>), Error> {
        Self::open_on(options, stores, machine, clock, Tape::none()).await
    }

    /// As [`Node::open`]; the life of the agent is recorded.
    #[cfg(feature = "recording")]
    pub async fn open_recorded(
        options: Options,
        stores: Vec<Bucket>,
        machine: M,
        clock: C,
        recording: &crate::recording::Recording<Replica<M>>,
    ) -> Result<(Self, Client<M>), Error> {
        Self::open_on(options, stores, machine, clock, Tape::of(recording)).await
    }

    async fn open_on(
        options: Options,
        stores: Vec<Bucket>,
        machine: M,
        clock: C,
        tape: Tape<Replica<M>>,
    ) -> Result<(Self, Client<M>), Error> {
        let stores: Vec<_> = stores
            .into_iter()
            .map(|bucket| way(bucket, &options))
            .collect();
        let inner = ReplicaSetup {
            config: options.replica(),
            machine,
        };
        let setup: ObjectsSetup<Replica<M>> = options.on_objects(inner, &stores);
        let pace = Pace::new(stores.len(), &options);
        let (to_node, orders) = mpsc::unbounded();
        let mut node = Self {
            host: Host::start(options, setup, stores, clock, pace, tape),
            orders,
            waiting: BTreeMap::new(),
            asked: 0,
            timed: BTreeMap::new(),
            drops: BTreeSet::new(),
        };
        loop {
            node.hear()?;
            if node.host.agent.inner().is_some() {
                return Ok((node, Client::new(to_node)));
            }
            let Some(happened) = node.host.next().await else {
                return Err(Error::Stopped);
            };
            node.host.on(happened)?;
        }
    }

    /// The replica, as the core has it.
    pub fn replica(&self) -> &Replica<M> {
        let replica = self.host.agent.inner();
        replica.expect("a node is one whose replica has begun")
    }

    /// Runs until every [`Client`] is gone or one says [`Client::stop`]; then `Ok`. An error says why it can't
    /// go on; requests that wait then have an unknown outcome.
    ///
    /// The future may be dropped at any time: to the stores that is a crash, which is survived.
    pub async fn run(mut self) -> Result<(), Error> {
        loop {
            self.hear()?;
            match select(self.host.next(), self.orders.next()).await {
                Either::Left((Some(happened), _)) => self.on(happened)?,
                // There is always an alarm in flight.
                Either::Left((None, _)) | Either::Right((None, _)) => return Ok(()),
                Either::Right((Some(Order::Stop(done)), _)) => {
                    let _ = done.send(());
                    return Ok(());
                }
                Either::Right((Some(order), _)) => self.take(order),
            }
        }
    }

    fn on(&mut self, happened: Happened<Replica<M>>) -> Result<(), Error> {
        let woke = happened.woke();
        self.host.on(happened)?;
        match woke {
            Some(Timer::Tick) => {
                self.host.manner.ticked();
                self.forget_the_gone();
                let (now, longest) = (self.host.clock.now(), self.host.options.large());
                self.timed
                    .retain(|_, (_, began)| now.saturating_sub(*began) < longest);
            }
            Some(Timer::Stand) => {
                let replica = self.host.agent.inner();
                if replica.is_some_and(|replica| replica.standing() == Standing::Standing) {
                    self.host.manner.stood();
                }
            }
            None => {}
        }
        Ok(())
    }

    fn take(&mut self, order: Order<M>) {
        let Some(replica) = self.host.agent.inner() else {
            return;
        };
        // Whoever does not wait for an answer any more gets none.
        match order {
            Order::Submit(request, answer) => self.submit(Waiting { request, answer }),
            Order::Stale(query, answer) => {
                let _ = answer.send(replica.query_stale(&query));
            }
            Order::Status(answer) => {
                let _ = answer.send(Status {
                    standing: replica.standing(),
                    ballot: replica.ballot(),
                    applied: replica.applied(),
                    start: replica.incarnation().0,
                    waiting: self.waiting.len(),
                });
            }
            Order::Snapshot(answer) => {
                let _ = answer.send((replica.applied(), replica.machine().snapshot()));
            }
            Order::Stop(_) => {}
        }
    }

    fn submit(&mut self, waiting: Waiting<M>) {
        let number = self.asked;
        self.asked += 1;
        self.host
            .tell(Event::Asked(number, waiting.request.clone()));
        self.waiting.insert(number, waiting);
    }

    /// Withdraws the requests whose clients have gone.
    fn forget_the_gone(&mut self) {
        let host = &mut self.host;
        self.waiting.retain(|&number, waiting| {
            let gone = waiting.answer.is_canceled();
            if gone {
                host.tell(Event::Withdrawn(number));
            }
            !gone
        });
    }

    /// Hears what the replica says, until it has nothing more to say.
    fn hear(&mut self) -> Result<(), Error> {
        while let Some(said) = self.host.hear() {
            match said {
                ObjectsSaid::Inner(said) => self.hear_replica(said),
                ObjectsSaid::Asked { store, tag, op } => self.note_asked((store, tag), &op),
                ObjectsSaid::Answered {
                    store, tag, reply, ..
                } => {
                    self.note_answered((store, tag), &reply);
                }
                ObjectsSaid::Failed {
                    store,
                    tag: Some(tag),
                    why,
                } => {
                    self.note_failed((store, tag), &why);
                    tracing::debug!(store = store.0, %why, "no answer");
                }
                ObjectsSaid::Began { start } => {
                    let agent = self.host.options.agent.0;
                    tracing::info!(agent, start = start.0, "begins");
                }
                ObjectsSaid::Stopped(stop) => return Err(self.host.error(&stop)),
                said @ (ObjectsSaid::Uncounted(_)
                | ObjectsSaid::Settled { .. }
                | ObjectsSaid::Failed { tag: None, .. }
                | ObjectsSaid::Text { .. }) => self.host.note(&said),
            }
        }
        Ok(())
    }

    fn hear_replica(&mut self, said: LogSaid<M>) {
        let agent = self.host.options.agent.0;
        match said {
            LogSaid::Answer { ticket, outcome } => {
                if let Some(waiting) = self.waiting.remove(&ticket.number) {
                    let _ = waiting.answer.send(outcome);
                }
            }
            LogSaid::Leads { ballot, from } => tracing::info!(agent, ?ballot, ?from, "leads"),
            LogSaid::Follows { above } => tracing::info!(agent, ?above, "follows"),
            LogSaid::Installed { slot } => {
                self.host.manner.went_on();
                tracing::info!(agent, ?slot, "took a snapshot over");
                self.ask_again();
            }
            LogSaid::Chosen { slot, batch } => {
                tracing::trace!(?slot, entries = batch.len(), "decided");
            }
            LogSaid::Applied { slot } => {
                self.host.manner.went_on();
                tracing::trace!(?slot, "applied");
            }
        }
    }

    /// Asks anew for what waits: where a snapshot has taken the place of slots, what was decided in them is
    /// answered to nobody. A command takes effect once all the same, by its number; a session may be opened
    /// in vain.
    fn ask_again(&mut self) {
        for (number, waiting) in std::mem::take(&mut self.waiting) {
            self.host.tell(Event::Withdrawn(number));
            self.submit(waiting);
        }
    }

    fn note_asked(&mut self, op: (StoreId, u64), asked: &LogOp<M>) {
        let kind = match asked {
            LogOp::ReadHeads => Asked::Look,
            LogOp::ReadSnapshot { .. } => Asked::State,
            LogOp::Drop { .. } => {
                self.drops.insert(op);
                return;
            }
            LogOp::WriteHead { .. }
            | LogOp::WriteVote(_)
            | LogOp::WriteSnapshot { .. }
            | LogOp::Scan { .. } => return,
        };
        self.timed.insert(op, (kind, self.host.clock.now()));
    }

    fn note_answered(&mut self, op: (StoreId, u64), reply: &LogReply<M>) {
        if self.drops.remove(&op) {
            self.host.sweep(op.0);
        }
        let Some((kind, began)) = self.timed.remove(&op) else {
            return;
        };
        // That there is no such state says nothing of how long one takes.
        if !matches!(reply, LogReply::Snapshot(None)) {
            let took = self.host.clock.now().saturating_sub(began);
            self.host.manner.answered(kind, op.0, took);
        }
    }

    fn note_failed(&mut self, op: (StoreId, u64), why: &Why) {
        self.drops.remove(&op);
        let Some(&(kind, began)) = self.timed.get(&op) else {
            return;
        };
        // A refusal says nothing of how long an answer takes; a late answer will say it.
        if *why == Why::Silent {
            let waited = self.host.clock.now().saturating_sub(began);
            self.host.manner.late(kind, op.0, waited);
        } else {
            self.timed.remove(&op);
        }
    }
}

/// A bucket as a replica sees it.
fn way<M: Stored>(bucket: Bucket, options: &Options) -> Arc<dyn Objects<LogBody<M>>> {
    #[cfg(feature = "planted-bugs")]
    if options.has(crate::DriverBug::RetryOvertakes) {
        return Arc::new(crate::bucket::Overtaking::new(bucket));
    }
    let _ = options;
    Arc::new(BucketLog::of_log(bucket))
}

impl<M: Stored> Manner<Replica<M>> for Pace {
    fn limit(&self, op: &Op<LogBody<M>>, tries: u8, options: &Options) -> Duration {
        let large = options.large();
        // Asked again before it can have answered, a slow store would only be slower.
        let usual = (self.look() * 2).min(options.patience_max);
        let limit = options.limit(tries, options.patience_max).max(usual);
        match op {
            ObjectOp::Put {
                name: ObjectName::Snapshot(_),
                ..
            } => large,
            ObjectOp::Get(ObjectName::Snapshot(_)) => self.state(large),
            // Many votes take long to read, from everywhere: no other store would be quicker.
            ObjectOp::Get(ObjectName::Vote(..)) => options.limit(tries, large).max(usual),
            ObjectOp::Put { .. }
            | ObjectOp::Get(_)
            | ObjectOp::Delete(_)
            | ObjectOp::List { .. } => limit,
        }
    }

    fn pause(&self, timer: Timer, min: u64, max: u64) -> (u64, u64) {
        Self::pause(self, timer, min, max)
    }

    /// No replica asks for such a pause: it has its heartbeat's.
    fn backoff(&self, _: u32, options: &Options) -> (u64, u64) {
        let patience = u64::try_from(options.patience.as_nanos()).unwrap_or(u64::MAX);
        (patience, patience)
    }
}
