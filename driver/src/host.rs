//! The loop of every agent: it carries out what the agent asks for, and tells it what came of it.
//!
//! All that is in flight is here: dropped, it leaves nothing behind but what has reached the stores. It starts no tasks
//! and no threads, so any runtime can run it.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bivalent_core::{
    Agent, Ballot, Event, Incarnation, Laid, LaidTag, LaidTimer, ObjectName, ObjectOp, ObjectReply,
    ObjectsSaid, ObjectsSetup, OnObjects, Overwrite, Pause, Port, Stop, StoreId,
};
use futures_util::{
    StreamExt,
    future::BoxFuture,
    stream::{FuturesUnordered, Next},
};
use tracing::Instrument;

use crate::{
    Clock, Error, Options, StoreError,
    clock::within,
    dice::Dice,
    objects::{Carried, Objects, Op, Reply},
    recording::Tape,
    stop,
};

/// What a store says of itself is as good as new for so long, to an operation that begins with asking for it.
const RECENT: Duration = Duration::from_millis(10);

/// An agent's ways to its stores.
pub(crate) type Ways<B> = Vec<Arc<dyn Objects<B>>>;

/// How patient an agent is, as far as that depends on its protocol.
pub(crate) trait Manner<A: Laid> {
    /// The time that an operation may take before the agent is told that there is no answer.
    fn limit(&self, op: &Op<A::Body>, tries: u8, options: &Options) -> Duration;

    /// The shortest and the longest pause, nanoseconds, for what the agent asks.
    fn pause(&self, timer: A::Timer, min: u64, max: u64) -> (u64, u64);

    /// The pause after so many attempts in a row that came to nothing.
    fn backoff(&self, attempts: u32, options: &Options) -> (u64, u64);
}

/// What has happened to something in flight.
pub(crate) enum Happened<A: Laid> {
    Carried(StoreId, Vec<Asked>, Carried<A::Body>),
    /// There was no answer in time; the flight may still bring one.
    Late(StoreId, Vec<Asked>, Flight<A>),
    Woke(LaidTimer<A::Timer>),
    /// No answer will come, and the loop can't go on.
    Fatal(Error),
    /// Nothing to be told.
    Over,
}

impl<A: Laid> Happened<A> {
    /// Which of the wrapped agent's alarms went off, if that has happened.
    pub(crate) const fn woke(&self) -> Option<A::Timer> {
        match self {
            Self::Woke(LaidTimer::Inner(timer)) => Some(*timer),
            Self::Woke(_) | Self::Carried(..) | Self::Late(..) | Self::Fatal(_) | Self::Over => {
                None
            }
        }
    }
}

pub(crate) type Flight<A> = BoxFuture<'static, Happened<A>>;

/// An operation in flight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    tag: LaidTag,
    /// It puts what an agent overwrites.
    #[cfg(feature = "planted-bugs")]
    is_version: bool,
}

/// What a store answers to gets that are likely to be asked.
struct Ahead<B> {
    /// To which undertaking; to none any more, once something else may have happened.
    job: Option<u64>,
    when: Duration,
    replies: Vec<(ObjectName, Reply<B>)>,
}

impl<B> Default for Ahead<B> {
    fn default() -> Self {
        Self {
            job: None,
            when: Duration::ZERO,
            replies: Vec::new(),
        }
    }
}

/// An operation that is to be carried out.
struct Wish<A: Laid> {
    store: StoreId,
    tag: LaidTag,
    tries: u8,
    op: Op<A::Body>,
}

/// What the agent left in its port.
struct Outbox<A: Laid> {
    asks: Vec<Wish<A>>,
    wakes: Vec<(LaidTimer<A::Timer>, Pause)>,
    said: VecDeque<ObjectsSaid<A>>,
    dice: Dice,
    options: Options,
    began: bool,
    ballots: u32,
    tape: Tape<A>,
}

impl<A: Laid> Port<OnObjects<A>> for Outbox<A> {
    fn ask(&mut self, store: StoreId, tag: LaidTag, tries: u8, op: Op<A::Body>) {
        self.tape.asked(store, tag, tries, &op);
        self.asks.push(Wish {
            store,
            tag,
            tries,
            op,
        });
    }

    fn wake(&mut self, timer: LaidTimer<A::Timer>, pause: Pause) {
        self.tape.waits(timer, pause);
        self.wakes.push((timer, pause));
    }

    /// Before the agent has begun the numbers name it and its system: another process must not draw the same, even with
    /// the same seed.
    fn draw(&mut self, below: u64) -> u64 {
        let mut drawn = self.dice.between(0, below.saturating_sub(1));
        if !self.began && below == u64::MAX {
            drawn = (drawn ^ crate::dice::moment()) % below;
        }
        self.tape.drew(below, drawn);
        drawn
    }

    fn ballot(&mut self, above: Option<Ballot>) -> Option<Ballot> {
        // Of the start the agent knows better.
        let ballot = Ballot::next(above, self.options.agent, Incarnation(0));
        if ballot.is_some() {
            self.ballots += 1;
        } else {
            tracing::error!("no ballot is left");
        }
        self.tape.given(above, ballot);
        ballot
    }

    fn say(&mut self, said: ObjectsSaid<A>) {
        self.tape.said(&said);
        self.began |= matches!(said, ObjectsSaid::Began { .. });
        self.said.push_back(said);
    }
}

/// One agent on its stores.
pub(crate) struct Host<A: Laid, C, P> {
    pub(crate) options: Options,
    pub(crate) clock: C,
    pub(crate) manner: P,
    pub(crate) agent: OnObjects<A>,
    stores: Ways<A::Body>,
    setup: ObjectsSetup<A>,
    outbox: Outbox<A>,
    flights: FuturesUnordered<Flight<A>>,
    /// What each store answers to gets that are asked right now.
    ahead: Vec<Ahead<A::Body>>,
    /// Answers that are there without a flight.
    ready: VecDeque<(StoreId, LaidTag, Reply<A::Body>)>,
    /// Why each store's last operation failed.
    why: Vec<Option<StoreError>>,
    /// Some store's writes replace each other: none is given up before its end.
    in_place: bool,
    aborts: u32,
    #[cfg(feature = "planted-bugs")]
    newest_head: Vec<Option<LaidTag>>,
}

impl<A, C, P> Host<A, C, P>
where
    A: Laid<Body: Send + Sync + 'static, Timer: Send + 'static>,
    C: Clock,
    P: Manner<A>,
{
    /// The first step of the agent.
    pub(crate) fn start(
        options: Options,
        setup: ObjectsSetup<A>,
        stores: Ways<A::Body>,
        clock: C,
        manner: P,
        tape: Tape<A>,
    ) -> Self {
        tape.begins(&setup);
        let mut outbox = Outbox {
            asks: Vec::new(),
            wakes: Vec::new(),
            said: VecDeque::new(),
            dice: Dice::new(options.seed),
            options,
            began: false,
            ballots: 0,
            tape,
        };
        let agent = OnObjects::start(&setup, Incarnation(0), &mut outbox);
        let count = stores.len();
        Self {
            options,
            clock,
            manner,
            agent,
            in_place: is_in_place(&stores),
            stores,
            setup,
            outbox,
            flights: FuturesUnordered::new(),
            ahead: (0..count).map(|_| Ahead::default()).collect(),
            ready: VecDeque::new(),
            why: vec![None; count],
            aborts: 0,
            #[cfg(feature = "planted-bugs")]
            newest_head: vec![None; count],
        }
    }

    /// The agent takes a step.
    pub(crate) fn tell(&mut self, event: Event<'_, OnObjects<A>>) {
        tracing::trace!(agent = self.options.agent.0, ?event, "is told");
        self.outbox.tape.told(&event);
        self.agent.on(event, &mut self.outbox);
    }

    /// What the agent has said and nobody has heard. What it asked for is under way then.
    pub(crate) fn hear(&mut self) -> Option<ObjectsSaid<A>> {
        loop {
            self.carry_out();
            let Some((store, tag, reply)) = self.ready.pop_front() else {
                break;
            };
            self.tell(Event::Replied(store, tag, &reply));
        }
        for ahead in &mut self.ahead {
            ahead.job = None;
        }
        let said = self.outbox.said.pop_front();
        tracing::trace!(agent = self.options.agent.0, ?said, "says");
        said
    }

    /// The next thing that happens.
    pub(crate) fn next(&mut self) -> Next<'_, FuturesUnordered<Flight<A>>> {
        self.flights.next()
    }

    /// How many ballots the agent has begun.
    pub(crate) const fn ballots(&self) -> u32 {
        self.outbox.ballots
    }

    /// What is of interest to stores, and to whoever reads logs.
    pub(crate) fn note(&self, said: &ObjectsSaid<A>) {
        match said {
            ObjectsSaid::Settled { system } => {
                for (store, place) in self.stores.iter().zip(0..) {
                    store.expect(&self.setup.identity(StoreId(place), *system));
                }
            }
            ObjectsSaid::Uncounted(store) => {
                let store = self.stores[store.index()].name();
                tracing::warn!(store, "is empty and is not counted");
            }
            ObjectsSaid::Failed { store, tag, why } => {
                tracing::debug!(store = store.0, ?tag, %why, "came to nothing");
            }
            ObjectsSaid::Began { .. }
            | ObjectsSaid::Inner(_)
            | ObjectsSaid::Asked { .. }
            | ObjectsSaid::Answered { .. }
            | ObjectsSaid::Text { .. }
            | ObjectsSaid::Stopped(_) => {}
        }
    }

    /// Why the agent stopped, in words.
    pub(crate) fn error(&self, stop: &Stop) -> Error {
        let names = |store: StoreId| self.stores[store.index()].name().to_owned();
        let last = |store: StoreId| self.why[store.index()].clone();
        let strange = |store: StoreId| self.stores[store.index()].strange_identity();
        stop::error(
            stop,
            &self.setup,
            &stop::Stores {
                name: &names,
                last: &last,
                strange: &strange,
            },
        )
    }

    /// Removes what died writers have left behind on a store.
    pub(crate) fn sweep(&mut self, store: StoreId) {
        let (me, start) = (self.options.agent, self.agent.taken());
        let store = Arc::clone(&self.stores[store.index()]);
        let is_dead = move |name: ObjectName| match name {
            ObjectName::Version(agent, version) => {
                agent == me && Some(version.incarnation()) < start
            }
            ObjectName::Start(agent, of) => agent == me && Some(of) < start,
            ObjectName::Vote(_, ballot) => {
                ballot.agent() == me && Some(ballot.incarnation()) < start
            }
            ObjectName::Snapshot(name) => name.agent == me && Some(name.incarnation) < start,
            ObjectName::Identity
            | ObjectName::Record
            | ObjectName::Trial
            | ObjectName::Text(..) => false,
        };
        let (clock, limit) = (self.clock.clone(), self.options.patience_max);
        self.flights.push(Box::pin(async move {
            let _ = within(&clock, limit, store.sweep(&is_dead)).await;
            Happened::Over
        }));
    }

    /// Tells the agent what has happened; an error if it can't go on.
    pub(crate) fn on(&mut self, happened: Happened<A>) -> Result<(), Error> {
        match happened {
            Happened::Carried(store, asked, carried) => self.carried(store, &asked, carried)?,
            Happened::Late(store, asked, rest) => {
                self.flights.push(rest);
                for Asked { tag, .. } in asked {
                    self.tell(Event::TimedOut(store, tag));
                }
            }
            Happened::Woke(timer) => self.tell(Event::Woke(timer)),
            Happened::Fatal(error) => return Err(error),
            Happened::Over => {}
        }
        Ok(())
    }

    fn carried(
        &mut self,
        store: StoreId,
        asked: &[Asked],
        carried: Carried<A::Body>,
    ) -> Result<(), Error> {
        self.ahead[store.index()] = Ahead {
            job: asked.last().map(|asked| asked.tag.job),
            when: self.clock.now(),
            replies: carried.ahead,
        };
        for (asked, reply) in asked.iter().zip(carried.replies) {
            let reply = match reply {
                Ok(reply) => reply,
                Err(error) => {
                    if let Some(error) = Error::of_fatal(&error) {
                        return Err(error);
                    }
                    tracing::debug!(store = store.0, %error, "no answer");
                    let unreadable = matches!(error, StoreError::Unreadable { .. });
                    self.why[store.index()] = Some(error);
                    #[cfg(feature = "planted-bugs")]
                    if self.options.has(crate::DriverBug::LosesWakeUp) && self.outbox.began {
                        continue;
                    }
                    if unreadable {
                        ObjectReply::Unreadable
                    } else {
                        ObjectReply::Failed
                    }
                }
            };
            #[cfg(not(feature = "planted-bugs"))]
            let tag = asked.tag;
            #[cfg(feature = "planted-bugs")]
            let tag = self.mistaken(store, *asked, &reply);
            self.tell(Event::Replied(store, tag, &reply));
        }
        Ok(())
    }

    /// The operation that an answer is taken for: its own, unless the driver has the bug of mixing them up.
    #[cfg(feature = "planted-bugs")]
    fn mistaken(&self, store: StoreId, asked: Asked, reply: &Reply<A::Body>) -> LaidTag {
        let mistakes = self.options.has(crate::DriverBug::MistakesEarlierAnswer);
        match self.newest_head[store.index()] {
            Some(newest)
                if mistakes && asked.is_version && matches!(reply, ObjectReply::Done(_)) =>
            {
                newest
            }
            Some(_) | None => asked.tag,
        }
    }

    /// Does what the agent has asked for.
    fn carry_out(&mut self) {
        for (timer, pause) in std::mem::take(&mut self.outbox.wakes) {
            tracing::trace!(agent = self.options.agent.0, ?timer, ?pause, "waits");
            self.wake(timer, pause);
        }
        let mut asks = std::mem::take(&mut self.outbox.asks).into_iter().peekable();
        while let Some(ask) = asks.next() {
            tracing::trace!(agent = self.options.agent.0, ?ask.store, ?ask.tag, ?ask.op, "asks");
            if let Some(reply) = self.known(&ask) {
                self.ready.push_back((ask.store, ask.tag, reply));
                continue;
            }
            let (store, job) = (ask.store, ask.tag.job);
            let mut together = vec![ask];
            if self.stores[store.index()].at_once() {
                let same = |next: &Wish<A>| next.store == store && next.tag.job == job;
                while let Some(next) = asks.next_if(same) {
                    together.push(next);
                }
            }
            self.fly(store, together);
        }
    }

    /// What a store answers, if that was read just now, after the operation before; or what it says of itself, if it said
    /// so a moment ago and this is the first operation.
    fn known(&self, ask: &Wish<A>) -> Option<Reply<A::Body>> {
        let ObjectOp::Get(name) = ask.op else {
            return None;
        };
        let ahead = &self.ahead[ask.store.index()];
        let follows = ahead.job == Some(ask.tag.job);
        let is_first = name == ObjectName::Identity && ask.tag.part == 0;
        let age = self.clock.now().saturating_sub(ahead.when);
        if !follows && (!is_first || age >= RECENT) {
            return None;
        }
        let known = ahead.replies.iter().find(|(known, _)| *known == name);
        known.map(|(_, reply)| reply.clone())
    }

    fn wake(&mut self, timer: LaidTimer<A::Timer>, pause: Pause) {
        let nanos = |pause: Duration| u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX);
        let (min, max) = match (pause, timer) {
            (Pause::Between { min, max }, LaidTimer::Inner(timer)) => {
                self.manner.pause(timer, min, max)
            }
            (Pause::Between { min, max }, _) => (min, max),
            (Pause::Patience, LaidTimer::Failed { tries, .. }) => {
                let limit = nanos(self.options.limit(tries, self.options.patience_max));
                (limit, limit)
            }
            (Pause::Patience, _) => {
                let patience = nanos(self.options.patience);
                (patience, patience)
            }
            (Pause::Backoff, _) => {
                self.aborts += 1;
                self.manner.backoff(self.aborts, &self.options)
            }
        };
        let pause = Duration::from_nanos(self.outbox.dice.between(min, max));
        let sleep = self.clock.sleep(pause);
        self.flights.push(Box::pin(async move {
            sleep.await;
            Happened::Woke(timer)
        }));
    }

    /// Sets operations going that one store is asked for together.
    fn fly(&mut self, store: StoreId, wishes: Vec<Wish<A>>) {
        let most = self.options.patience_max;
        let limit = wishes.iter().map(|wish| {
            if self.outbox.began {
                self.manner.limit(&wish.op, wish.tries, &self.options)
            } else {
                // A start has nothing else to do, and begins anew if it gives up.
                most.saturating_mul(1 << wish.tries.min(2))
            }
        });
        let limit = limit.max().unwrap_or(most);
        let is_version = |op: &Op<A::Body>| match op {
            ObjectOp::Put { name, .. } => matches!(name, ObjectName::Version(..)),
            ObjectOp::Get(_) | ObjectOp::Delete(_) | ObjectOp::List { .. } => false,
        };
        let through = self.in_place && wishes.iter().any(|wish| is_version(&wish.op));
        let asked: Vec<_> = wishes
            .iter()
            .map(|wish| Asked {
                tag: wish.tag,
                #[cfg(feature = "planted-bugs")]
                is_version: is_version(&wish.op),
            })
            .collect();
        #[cfg(feature = "planted-bugs")]
        if let Some(asked) = asked.iter().find(|asked| asked.is_version) {
            self.newest_head[store.index()] = Some(asked.tag);
        }
        let span = tracing::debug_span!(
            "store",
            agent = self.options.agent.0,
            store = store.0,
            op = wishes.first().map(|wish| kind(&wish.op)),
            tries = wishes.first().map(|wish| wish.tries)
        );
        let ops: Vec<_> = wishes.into_iter().map(|wish| wish.op).collect();
        let way = Arc::clone(&self.stores[store.index()]);
        let (clock, patience) = (self.clock.clone(), self.options.patience);
        let longest = most.saturating_mul(2);
        let flight = async move {
            if through {
                return write_through(&*way, ops, (store, asked), &clock, (patience, longest))
                    .await;
            }
            let mut work: BoxFuture<'static, _> = Box::pin(async move { way.carry(ops).await });
            if let Some(carried) = within(&clock, limit, &mut work).await {
                return Happened::Carried(store, asked, carried);
            }
            tracing::debug!("no answer in time");
            let late = asked.clone();
            let rest: Flight<A> = Box::pin(async move {
                match within(&clock, longest, work).await {
                    Some(carried) => Happened::Carried(store, late, carried),
                    None => Happened::Over,
                }
            });
            Happened::Late(store, asked, rest)
        };
        self.flights.push(Box::pin(flight.instrument(span)));
    }
}

/// Whether writes replace each other on some store.
pub(crate) fn is_in_place<B>(stores: &[Arc<dyn Objects<B>>]) -> bool {
    let mut overwrites = stores.iter().map(|store| store.overwrite());
    overwrites.any(|overwrite| overwrite == Overwrite::InPlace)
}

/// Asks for a write until it is through. The agent could do no more about silence: where writes replace each other
/// it lets none overtake a try whose fate it does not know, and of more than eight it knows none.
async fn write_through<A: Laid>(
    way: &dyn Objects<A::Body>,
    ops: Vec<Op<A::Body>>,
    (store, asked): (StoreId, Vec<Asked>),
    clock: &impl Clock,
    (patience, longest): (Duration, Duration),
) -> Happened<A> {
    loop {
        let work = way.carry(ops.clone());
        let done = match way.overwrite() {
            // It is under way until it is answered, whatever we do.
            Overwrite::InPlace => Some(work.await),
            // Beside disks there may be buckets, where a try can be lost on the way.
            Overwrite::Versioned => within(clock, longest, work).await,
        };
        if let Some(carried) = done {
            let mut replies = carried.replies.iter();
            let Some(error) = replies.find_map(|reply| reply.as_ref().err()) else {
                return Happened::Carried(store, asked, carried);
            };
            if let Some(error) = Error::of_fatal(error) {
                return Happened::Fatal(error);
            }
            tracing::debug!(%error, "not written");
        } else {
            tracing::debug!("late");
        }
        clock.sleep(patience).await;
    }
}

fn kind<B>(op: &Op<B>) -> String {
    match op {
        ObjectOp::Get(name) => format!("get {}", crate::names::key(*name)),
        ObjectOp::Put { name, .. } => format!("put {}", crate::names::key(*name)),
        ObjectOp::Delete(names) => format!("delete {}", names.len()),
        ObjectOp::List { folder, .. } => format!("list {folder:?}"),
    }
}
