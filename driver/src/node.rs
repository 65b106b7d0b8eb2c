//! A replica on real stores: the loop that carries out what the core asks for and tells it what came of it.
//!
//! The loop is one future and holds all that is in flight; dropped, it leaves nothing behind but what has
//! reached the stores. It starts no tasks and no threads, so any runtime can run it.

mod way;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bivalent_core::{
    Ask, Ballot, Outcome, Replica, ReplicaEffect, Request, Slot, Standing, StateMachine, StoreId,
    Ticket, Timer, Version,
};
use futures_channel::{mpsc, oneshot};
use futures_util::{
    StreamExt,
    future::{BoxFuture, Either, select},
    stream::FuturesUnordered,
};
use tracing::Instrument;

use self::way::{Way, marked_on_a_quorum};
use crate::{
    Bucket, Client, Clock, Error, Options, Site, StoreError, Stored,
    bucket::KEPT,
    clock::within,
    dice::Dice,
    log_store::Answer,
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
        op: u64,
        store: StoreId,
        /// The head that is written, if one is.
        head: Option<Version>,
        asked: Asked,
        took: Duration,
        answer: Answer<M>,
    },
    /// There was no answer in time; `rest` may still bring one.
    Late {
        op: u64,
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
    effects: Vec<ReplicaEffect<M>>,
    orders: mpsc::UnboundedReceiver<Order<M>>,
    waiting: BTreeMap<Ticket, Waiting<M>>,
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
        let config = options.replica().incarnation(start);
        let mut effects = Vec::new();
        let mut out = |effect| effects.push(effect);
        let replica = if start.0 == 0 {
            Replica::start(config, machine, &mut out)
        } else {
            Replica::recover(config, machine, &mut out)
        };
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
            effects,
            orders,
            waiting: BTreeMap::new(),
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
            self.settle_effects();
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

    fn on(&mut self, happened: Happened<M>) -> Result<(), Error> {
        let Self {
            replica, effects, ..
        } = self;
        let mut out = |effect| effects.push(effect);
        match happened {
            Happened::Answered {
                op,
                store,
                head,
                asked,
                took,
                answer,
            } => {
                // That there is no such state says nothing of how long one takes.
                if !matches!(answer, Answer::Snapshot(None)) {
                    self.pace.answered(asked, store, took);
                }
                #[cfg(feature = "planted-bugs")]
                let op = mistaken(&self.options, &self.newest_head, op, store, head);
                replica.told(op, store, answer.told(), &mut out);
                if let Some(version) = head {
                    self.note_head(store, version);
                }
            }
            Happened::Late {
                op,
                store,
                asked,
                waited,
                rest,
            } => {
                self.pace.late(asked, store, waited);
                replica.timed_out(op, &mut out);
                self.flights.extend(rest);
            }
            Happened::Woke(timer) => {
                replica.woke(timer, &mut out);
                match timer {
                    Timer::Tick => {
                        self.pace.ticked();
                        self.forget_the_gone();
                    }
                    Timer::Stand if replica.standing() == Standing::Standing => self.pace.stood(),
                    Timer::Stand => {}
                }
            }
            Happened::Fatal(error) => return Err(error),
            Happened::Over => {}
        }
        Ok(())
    }

    fn take(&mut self, order: Order<M>) {
        let Self {
            replica, effects, ..
        } = self;
        let mut out = |effect| effects.push(effect);
        // Whoever does not wait for an answer any more gets none.
        match order {
            Order::Submit(request, answer) => {
                let ticket = replica.submit(request.clone(), &mut out);
                self.waiting.insert(ticket, Waiting { request, answer });
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

    /// Withdraws the requests whose clients have gone.
    fn forget_the_gone(&mut self) {
        let replica = &mut self.replica;
        self.waiting.retain(|&ticket, waiting| {
            let gone = waiting.answer.is_canceled();
            if gone {
                replica.withdraw(ticket);
            }
            !gone
        });
    }

    /// Does what the replica asks for.
    fn settle_effects(&mut self) {
        let mut effects = std::mem::take(&mut self.effects);
        let mut installed = false;
        for effect in effects.drain(..) {
            match effect {
                ReplicaEffect::Ask {
                    op,
                    store,
                    ask,
                    attempt,
                } => self.ask(op, store, ask, attempt),
                ReplicaEffect::Wake { timer, min, max } => {
                    let (min, max) = self.pace.pause(timer, min, max);
                    let pause = Duration::from_nanos(self.dice.between(min, max));
                    let sleep = self.clock.sleep(pause);
                    self.flights.push(Box::pin(async move {
                        sleep.await;
                        Happened::Woke(timer)
                    }));
                }
                ReplicaEffect::Answer { ticket, outcome } => {
                    if let Some(waiting) = self.waiting.remove(&ticket) {
                        let _ = waiting.answer.send(outcome);
                    }
                }
                ReplicaEffect::Leads { ballot, from } => {
                    tracing::info!(agent = self.options.agent.0, ?ballot, ?from, "leads");
                }
                ReplicaEffect::Follows { above } => {
                    tracing::info!(agent = self.options.agent.0, ?above, "follows");
                }
                ReplicaEffect::Installed { slot } => {
                    self.pace.went_on();
                    tracing::info!(agent = self.options.agent.0, ?slot, "took a snapshot over");
                    installed = true;
                }
                ReplicaEffect::Chosen { slot, batch } => {
                    tracing::trace!(?slot, entries = batch.len(), "decided");
                }
                ReplicaEffect::Applied { slot } => {
                    self.pace.went_on();
                    tracing::trace!(?slot, "applied");
                }
            }
        }
        self.effects = effects;
        if installed {
            self.ask_again();
            self.settle_effects();
        }
    }

    /// Asks anew for what waits: where a snapshot has taken the place of slots, what was decided in them is
    /// answered to nobody. A command takes effect once all the same, by its number; a session may be opened
    /// in vain.
    fn ask_again(&mut self) {
        let Self {
            replica, effects, ..
        } = self;
        let mut out = |effect| effects.push(effect);
        for (ticket, waiting) in std::mem::take(&mut self.waiting) {
            replica.withdraw(ticket);
            let ticket = replica.submit(waiting.request.clone(), &mut out);
            self.waiting.insert(ticket, waiting);
        }
    }

    fn ask(&mut self, op: u64, store: StoreId, ask: Ask<M>, attempt: u8) {
        let span = tracing::debug_span!(
            "store",
            agent = self.options.agent.0,
            store = store.0,
            op,
            attempt,
            ask = kind(&ask)
        );
        let head = if let Ask::WriteHead { version, .. } = &ask {
            Some(*version)
        } else {
            None
        };
        #[cfg(feature = "planted-bugs")]
        if let Some(version) = head {
            self.newest_head[store.index()] = Some((op, version));
        }
        let is_write = ask.is_write();
        // A late look at heads is still true, and tells a follower on a slow store that its leader lives.
        let goes_on = is_write || matches!(ask, Ask::ReadHeads);
        let asked = match &ask {
            Ask::ReadHeads => Asked::Look,
            Ask::ReadSnapshot { .. } => Asked::State,
            Ask::WriteHead { .. }
            | Ask::WriteVote(_)
            | Ask::WriteSnapshot { .. }
            | Ask::Drop { .. }
            | Ask::Scan { .. } => Asked::Other,
        };
        let most = self.options.patience_max;
        // Asked again before it can have answered, a slow store would only be slower.
        let usual = (self.pace.look() * 2).min(most);
        let pause = self.options.limit(attempt, most).max(usual);
        let limit = match &ask {
            Ask::WriteSnapshot { .. } => self.options.large(),
            Ask::ReadSnapshot { .. } => self.pace.state(self.options.large()),
            // Many votes take long to read, from everywhere: no other store would be quicker.
            Ask::Scan { .. } => {
                let limit = self.options.limit(attempt, self.options.large());
                limit.max(usual)
            }
            Ask::WriteHead { .. } | Ask::WriteVote(_) | Ask::Drop { .. } | Ask::ReadHeads => pause,
        };
        // What a drop needs first: no later start on a quorum.
        let others = matches!(ask, Ask::Drop { .. }).then(|| self.stores.clone());
        let bucket = Arc::clone(&self.stores[store.index()]);
        let way = self.way();
        let quorum = usize::from(self.options.envelope.quorum());
        // Many votes are read several at a time.
        let is_scan = matches!(ask, Ask::Scan { .. });
        let work = async move {
            if let Some(others) = others {
                marked_on_a_quorum(&others, way, quorum).await?;
            }
            let here = Arc::clone(&bucket);
            let answer: BoxFuture<'static, _> =
                Box::pin(async move { way.to(&here).answer(ask).await });
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
            op,
            store,
            head,
            asked,
            took,
            answer,
        };
        let flight = async move {
            let mut work: BoxFuture<'static, Result<Answer<M>, StoreError>> = Box::pin(work);
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
                        op,
                        store,
                        asked: Asked::Other,
                        waited: spent,
                        rest: None,
                    }
                }
                None => {
                    tracing::debug!(store = store.0, attempt, "no answer in time");
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
                        op,
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

const fn kind<M: StateMachine>(ask: &Ask<M>) -> &'static str {
    match ask {
        Ask::WriteHead { .. } => "write head",
        Ask::WriteVote(_) => "write vote",
        Ask::WriteSnapshot { .. } => "write snapshot",
        Ask::Drop { .. } => "drop",
        Ask::ReadHeads => "read heads",
        Ask::Scan { .. } => "scan",
        Ask::ReadSnapshot { .. } => "read snapshot",
    }
}

/// The operation that an answer is taken for: its own, unless the driver has the bug of mixing them up.
#[cfg(feature = "planted-bugs")]
fn mistaken(
    options: &Options,
    newest: &[Option<(u64, Version)>],
    op: u64,
    store: StoreId,
    head: Option<Version>,
) -> u64 {
    match newest[store.index()] {
        Some((newest, _))
            if head.is_some() && options.has(crate::DriverBug::MistakesEarlierAnswer) =>
        {
            newest
        }
        Some(_) | None => op,
    }
}
