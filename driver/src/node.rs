//! A replica on real stores: the loop that carries out what the core asks for and tells it what came of it.
//!
//! The loop is one future and holds all that is in flight; dropped, it leaves nothing behind but what has
//! reached the stores. It starts no tasks and no threads, so any runtime can run it.

mod outbox;
mod way;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bivalent_core::{
    Agent, Ballot, Event, LogOp, LogReply, LogSaid, Outcome, Pause, Replica, ReplicaSetup, Request,
    Slot, Standing, StateMachine, StoreId, Timer, Version, Wanted,
};
use futures_channel::{mpsc, oneshot};
use futures_util::{
    StreamExt,
    future::{BoxFuture, Either, select},
    stream::FuturesUnordered,
};
use tracing::Instrument;

use self::{
    outbox::Outbox,
    way::{Way, marked_on_a_quorum},
};
use crate::{
    Bucket, Client, Clock, Error, Options, Site, StoreError, Stored,
    bucket::KEPT,
    clock::within,
    dice::Dice,
    log_store::kind,
    pace::{Asked, Pace},
    site::{Charter, settle},
    start::{Taken, take_start},
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
    pub start: u16,
    /// Requests that wait for their answers.
    pub waiting: usize,
}

/// What has happened to something in flight.
enum Happened<M: StateMachine> {
    Answered {
        tag: u64,
        store: StoreId,
        /// The head that is written, if one is.
        head: Option<Version>,
        asked: Asked,
        took: Duration,
        answer: LogReply<M>,
    },
    /// There was no answer in time; `rest` may still bring one.
    Late {
        tag: u64,
        store: StoreId,
        asked: Asked,
        waited: Duration,
        rest: Option<Flight<M>>,
    },
    /// No answer will come, and the loop can't go on.
    Fatal(Error),
    Woke(Timer),
    /// Nothing to be told.
    Over,
}

/// A request without an answer yet.
struct Waiting<M: StateMachine> {
    request: Request<M>,
    answer: oneshot::Sender<Outcome<M>>,
}

type Flight<M> = BoxFuture<'static, Happened<M>>;

/// A replica on real stores. [`Node::run`] is its life.
pub struct Node<M: Stored, C: Clock> {
    options: Options,
    stores: Vec<Arc<Bucket>>,
    clock: C,
    dice: Dice,
    pace: Pace,
    /// What the marks of this start carry.
    nonce: u64,
    replica: Replica<M>,
    flights: FuturesUnordered<Flight<M>>,
    wanted: Vec<Wanted<Replica<M>>>,
    orders: mpsc::UnboundedReceiver<Order<M>>,
    /// By the numbers of the requests.
    waiting: BTreeMap<u64, Waiting<M>>,
    /// How many requests the replica was given.
    asked: u64,
    /// The own heads that each store has answered and that may stand there, in order.
    heads: Vec<Vec<Version>>,
    #[cfg(feature = "planted-bugs")]
    newest_head: Vec<Option<(u64, Version)>>,
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
        let mut dice = Dice::new(options.seed);
        let sites: Vec<&dyn Site> = stores.iter().map(|store| store as &dyn Site).collect();
        let quorum = options.envelope.quorum();
        let charter = Charter {
            kind: "log",
            agents: options.agents,
            stores: options.envelope.stores(),
            quorum,
            named: None,
        };
        settle(&sites, &charter, &clock, options.patience_max, &mut dice).await?;
        let Taken { start, nonce } = take_start(
            &sites,
            options.agent,
            quorum,
            &clock,
            options.patience_max,
            &mut dice,
        )
        .await?;
        let setup = ReplicaSetup {
            config: options.replica(),
            machine,
        };
        let mut wanted = Vec::new();
        let mut port = Outbox {
            wanted: &mut wanted,
            dice: &mut dice,
            agent: options.agent,
            start,
        };
        let replica = Replica::start(&setup, start, &mut port);
        tracing::info!(agent = options.agent.0, start = start.0, "begins");
        let (to_node, orders) = mpsc::unbounded();
        let pace = Pace::new(stores.len(), &options);
        let node = Self {
            options,
            heads: vec![Vec::new(); stores.len()],
            #[cfg(feature = "planted-bugs")]
            newest_head: vec![None; stores.len()],
            stores: stores.into_iter().map(Arc::new).collect(),
            clock,
            dice,
            pace,
            nonce,
            replica,
            flights: FuturesUnordered::new(),
            wanted,
            orders,
            waiting: BTreeMap::new(),
            asked: 0,
        };
        Ok((node, Client::new(to_node)))
    }

    /// The replica, as the core has it.
    pub const fn replica(&self) -> &Replica<M> {
        &self.replica
    }

    /// Runs until every [`Client`] is gone or one says [`Client::stop`]; then `Ok`. An error says why it can't
    /// go on; requests that wait then have an unknown outcome.
    ///
    /// The future may be dropped at any time: to the stores that is a crash, which is survived.
    pub async fn run(mut self) -> Result<(), Error> {
        loop {
            self.settle_wanted();
            let happened = self.flights.next();
            match select(happened, self.orders.next()).await {
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

    /// The replica takes a step; what it wants is carried out later.
    fn tell(&mut self, event: Event<'_, Replica<M>>) {
        let mut port = Outbox {
            wanted: &mut self.wanted,
            dice: &mut self.dice,
            agent: self.options.agent,
            start: self.replica.incarnation(),
        };
        self.replica.on(event, &mut port);
    }

    fn on(&mut self, happened: Happened<M>) -> Result<(), Error> {
        match happened {
            Happened::Answered {
                tag,
                store,
                head,
                asked,
                took,
                answer,
            } => {
                // That there is no such state says nothing of how long one takes.
                if !matches!(answer, LogReply::Snapshot(None)) {
                    self.pace.answered(asked, store, took);
                }
                #[cfg(feature = "planted-bugs")]
                let tag = mistaken(&self.options, &self.newest_head, tag, store, head);
                self.tell(Event::Replied(store, tag, &answer));
                if let Some(version) = head {
                    self.note_head(store, version);
                }
            }
            Happened::Late {
                tag,
                store,
                asked,
                waited,
                rest,
            } => {
                self.pace.late(asked, store, waited);
                self.tell(Event::TimedOut(store, tag));
                self.flights.extend(rest);
            }
            Happened::Woke(timer) => {
                self.tell(Event::Woke(timer));
                match timer {
                    Timer::Tick => {
                        self.pace.ticked();
                        self.forget_the_gone();
                    }
                    Timer::Stand if self.replica.standing() == Standing::Standing => {
                        self.pace.stood();
                    }
                    Timer::Stand => {}
                }
            }
            Happened::Fatal(error) => return Err(error),
            Happened::Over => {}
        }
        Ok(())
    }

    fn take(&mut self, order: Order<M>) {
        let replica = &self.replica;
        // Whoever does not wait for an answer any more gets none.
        match order {
            Order::Submit(request, answer) => {
                self.submit(Waiting { request, answer });
            }
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
        self.tell(Event::Asked(number, waiting.request.clone()));
        self.waiting.insert(number, waiting);
    }

    /// Withdraws the requests whose clients have gone.
    fn forget_the_gone(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain(|&number, waiting| {
            let gone = waiting.answer.is_canceled();
            if gone {
                self.tell(Event::Withdrawn(number));
            }
            !gone
        });
        self.waiting = waiting;
    }

    /// Does what the replica asks for.
    fn settle_wanted(&mut self) {
        let mut all = std::mem::take(&mut self.wanted);
        let mut installed = false;
        for wanted in all.drain(..) {
            match wanted {
                Wanted::Ask {
                    store,
                    tag,
                    tries,
                    op,
                } => self.ask(store, tag, tries, op),
                Wanted::Wake { timer, pause } => self.wake(timer, pause),
                Wanted::Say(said) => {
                    installed |= matches!(said, LogSaid::Installed { .. });
                    self.hear(said);
                }
            }
        }
        self.wanted = all;
        if installed {
            self.ask_again();
            self.settle_wanted();
        }
    }

    fn wake(&mut self, timer: Timer, pause: Pause) {
        let (min, max) = match pause {
            Pause::Between { min, max } => self.pace.pause(timer, min, max),
            // No replica asks for a pause that is not its heartbeat's.
            Pause::Patience | Pause::Backoff => {
                let patience = self.options.patience.as_nanos() as u64;
                (patience, patience)
            }
        };
        let sleep = self
            .clock
            .sleep(Duration::from_nanos(self.dice.between(min, max)));
        self.flights.push(Box::pin(async move {
            sleep.await;
            Happened::Woke(timer)
        }));
    }

    fn hear(&mut self, said: LogSaid<M>) {
        match said {
            LogSaid::Answer { ticket, outcome } => {
                if let Some(waiting) = self.waiting.remove(&ticket.number) {
                    let _ = waiting.answer.send(outcome);
                }
            }
            LogSaid::Leads { ballot, from } => {
                tracing::info!(agent = self.options.agent.0, ?ballot, ?from, "leads");
            }
            LogSaid::Follows { above } => {
                tracing::info!(agent = self.options.agent.0, ?above, "follows");
            }
            LogSaid::Installed { slot } => {
                self.pace.went_on();
                tracing::info!(agent = self.options.agent.0, ?slot, "took a snapshot over");
            }
            LogSaid::Chosen { slot, batch } => {
                tracing::trace!(?slot, entries = batch.len(), "decided");
            }
            LogSaid::Applied { slot } => {
                self.pace.went_on();
                tracing::trace!(?slot, "applied");
            }
        }
    }

    /// Asks anew for what waits: where a snapshot has taken the place of slots, what was decided in them is
    /// answered to nobody. A command takes effect once all the same, by its number; a session may be opened
    /// in vain.
    fn ask_again(&mut self) {
        for (number, waiting) in std::mem::take(&mut self.waiting) {
            self.tell(Event::Withdrawn(number));
            self.submit(waiting);
        }
    }

    fn ask(&mut self, store: StoreId, tag: u64, tries: u8, op: LogOp<M>) {
        let span = tracing::debug_span!(
            "store",
            agent = self.options.agent.0,
            store = store.0,
            tag,
            tries,
            op = kind(&op)
        );
        let head = if let LogOp::WriteHead { version, .. } = &op {
            Some(*version)
        } else {
            None
        };
        #[cfg(feature = "planted-bugs")]
        if let Some(version) = head {
            self.newest_head[store.index()] = Some((tag, version));
        }
        let is_write = op.is_write();
        // A late look at heads is still true, and tells a follower on a slow store that its leader lives.
        let goes_on = is_write || matches!(op, LogOp::ReadHeads);
        let asked = match &op {
            LogOp::ReadHeads => Asked::Look,
            LogOp::ReadSnapshot { .. } => Asked::State,
            LogOp::WriteHead { .. }
            | LogOp::WriteVote(_)
            | LogOp::WriteSnapshot { .. }
            | LogOp::Drop { .. }
            | LogOp::Scan { .. } => Asked::Other,
        };
        let most = self.options.patience_max;
        // Asked again before it can have answered, a slow store would only be slower.
        let usual = (self.pace.look() * 2).min(most);
        let pause = self.options.limit(tries, most).max(usual);
        let limit = match &op {
            LogOp::WriteSnapshot { .. } => self.options.large(),
            LogOp::ReadSnapshot { .. } => self.pace.state(self.options.large()),
            // Many votes take long to read, from everywhere: no other store would be quicker.
            LogOp::Scan { .. } => {
                let limit = self.options.limit(tries, self.options.large());
                limit.max(usual)
            }
            LogOp::WriteHead { .. }
            | LogOp::WriteVote(_)
            | LogOp::Drop { .. }
            | LogOp::ReadHeads => pause,
        };
        // What a drop needs first: no later start on a quorum.
        let others = matches!(op, LogOp::Drop { .. }).then(|| self.stores.clone());
        let bucket = Arc::clone(&self.stores[store.index()]);
        let way = self.way();
        let quorum = usize::from(self.options.envelope.quorum());
        // Many votes are read several at a time.
        let is_scan = matches!(op, LogOp::Scan { .. });
        let work = async move {
            if let Some(others) = others {
                marked_on_a_quorum(&others, way, quorum).await?;
            }
            let here = Arc::clone(&bucket);
            let answer: BoxFuture<'static, _> =
                Box::pin(async move { way.to(&here).answer(op).await });
            if is_scan {
                answer.await
            } else {
                bucket.at_once(answer).await
            }
        };
        let clock = self.clock.clone();
        let longest = self.options.patience_max.saturating_mul(2);
        #[cfg(feature = "planted-bugs")]
        let loses = self.options.has(crate::DriverBug::LosesWakeUp);
        #[cfg(not(feature = "planted-bugs"))]
        let loses = false;
        let began = clock.now();
        let answered = move |took, answer| Happened::Answered {
            tag,
            store,
            head,
            asked,
            took,
            answer,
        };
        let flight = async move {
            let mut work: BoxFuture<'static, Result<LogReply<M>, StoreError>> = Box::pin(work);
            match within(&clock, limit, &mut work).await {
                Some(Ok(answer)) => {
                    tracing::trace!("answered");
                    answered(clock.now().saturating_sub(began), answer)
                }
                Some(Err(error)) => {
                    if let Some(error) = Error::of_fatal(&error) {
                        return Happened::Fatal(error);
                    }
                    tracing::debug!(store = store.0, %error, "no answer");
                    if loses {
                        return Happened::Over;
                    }
                    // A refusal is as good as silence: asked again at once, it would be refused again.
                    let spent = clock.now().saturating_sub(began);
                    clock.sleep(pause.saturating_sub(spent)).await;
                    Happened::Late {
                        tag,
                        store,
                        asked: Asked::Other,
                        waited: spent,
                        rest: None,
                    }
                }
                None => {
                    tracing::debug!(store = store.0, tries, "no answer in time");
                    let rest: Option<Flight<M>> = goes_on.then(|| {
                        let rest: Flight<M> = Box::pin(async move {
                            match within(&clock, longest, work).await {
                                Some(Ok(answer)) => {
                                    answered(clock.now().saturating_sub(began), answer)
                                }
                                Some(Err(_)) | None => Happened::Over,
                            }
                        });
                        rest
                    });
                    Happened::Late {
                        tag,
                        store,
                        asked,
                        waited: limit,
                        rest,
                    }
                }
            }
        };
        self.flights.push(Box::pin(flight.instrument(span)));
    }

    /// A head is written: those a few versions before it are of no use any more.
    fn note_head(&mut self, store: StoreId, version: Version) {
        let heads = &mut self.heads[store.index()];
        if let Err(place) = heads.binary_search(&version) {
            heads.insert(place, version);
        }
        if heads.len() <= KEPT {
            return;
        }
        let old = heads.remove(0);
        let bucket = Arc::clone(&self.stores[store.index()]);
        let way = self.way();
        let clock = self.clock.clone();
        let longest = self.options.patience_max;
        self.flights.push(Box::pin(async move {
            // What stays behind is removed when votes are dropped.
            if let Some(Err(error)) = within(&clock, longest, way.to(&bucket).drop_head(old)).await
            {
                tracing::debug!(%error, "an old head stays");
            }
            Happened::Over
        }));
    }

    const fn way(&self) -> Way {
        Way {
            me: self.options.agent,
            start: self.replica.incarnation(),
            nonce: self.nonce,
            agents: self.options.agents,
            #[cfg(feature = "planted-bugs")]
            bug: self.options.bug,
        }
    }
}

/// The operation that an answer is taken for: its own, unless the driver has the bug of mixing them up.
#[cfg(feature = "planted-bugs")]
fn mistaken(
    options: &Options,
    newest: &[Option<(u64, Version)>],
    tag: u64,
    store: StoreId,
    head: Option<Version>,
) -> u64 {
    match newest[store.index()] {
        Some((newest, _))
            if head.is_some() && options.has(crate::DriverBug::MistakesEarlierAnswer) =>
        {
            newest
        }
        Some(_) | None => tag,
    }
}
