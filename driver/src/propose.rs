//! One decision: the loop around one agent of Disk Paxos, or of Paxos over acceptor records.

use std::{sync::Arc, time::Duration};

use bivalent_core::{
    AcceptorRecords, AgentId, Ballot, BlockOp, BlockReply, BlockTag, Collector, Config, Contention,
    DecreeEvent, DecreeSaid, DecreeTimer, DecreeWant, DiskPaxos, Incarnation, Overwrite, Pause,
    SingleDecree, StoreId, Value, Version, Want,
};
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tracing::Instrument;

use self::ask::{Asker, ask, silence, write_through};
use crate::{
    Clock, DecisionStore, Error, Options, Site, StoreError,
    clock::within,
    dice::Dice,
    gather::gather,
    site::{Charter, settle},
    start::take_start,
};

mod ask;

/// Which protocol decides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
    /// Disk Paxos (Gafni and Lamport 2003): reads and writes, which every store has.
    DiskPaxos,
    /// Paxos over acceptor records: one record a store, changed by conditional writes.
    Records,
}

/// What was decided.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decided {
    /// The text.
    pub text: String,
    /// The agent that proposed it.
    pub by: AgentId,
    /// Attempts that this agent began, from 1.
    pub attempts: u32,
}

/// Proposes `text`, and gives what is decided: this text or another agent's, the same for all who ask. The
/// stores are set up if they are new.
///
/// It takes as long as it takes: with fewer stores than a quorum, or against rivals without luck, for ever.
/// The future may be dropped at any time: to the others that is a crash of this agent.
pub async fn propose(
    options: Options,
    stores: Vec<Box<dyn DecisionStore>>,
    protocol: Protocol,
    text: &str,
    clock: impl Clock,
) -> Result<Decided, Error> {
    let mut dice = Dice::new(options.seed);
    // Nothing is to be set up for what can't go on.
    let lacks = stores.iter().find(|store| !store.has_conditional_writes());
    if let (Some(store), Protocol::Records) = (lacks, protocol) {
        let store = store.site().name().to_owned();
        return Err(StoreError::Unconditional { store }.into());
    }
    let stores: Vec<Arc<dyn DecisionStore>> = stores.into_iter().map(Arc::from).collect();
    let mut overwrites = stores.iter().map(|store| store.overwrite());
    let overwrite = if overwrites.any(|overwrite| overwrite == Overwrite::InPlace) {
        Overwrite::InPlace
    } else {
        Overwrite::Versioned
    };
    let sites: Vec<&dyn Site> = stores.iter().map(|store| store.site()).collect();
    let (agent, quorum) = (options.agent, options.envelope.quorum());
    let charter = Charter {
        kind: match protocol {
            Protocol::DiskPaxos => "decision",
            Protocol::Records => "decision by records",
        },
        agents: options.agents,
        stores: options.envelope.stores(),
        quorum,
        named: (overwrite == Overwrite::InPlace).then_some(0),
    };
    let patience = options.patience_max;
    settle(&sites, &charter, &clock, patience, &mut dice).await?;
    let taken = take_start(&sites, agent, quorum, &clock, patience, &mut dice).await?;
    let start = taken.start;
    tracing::info!(agent = agent.0, start = start.0, "begins");
    let input = value(agent, start);
    let config = Config::new(agent, options.agents, options.envelope, overwrite, input);
    let mut round = Round {
        options,
        stores,
        clock,
        dice,
        start,
        nonce: taken.nonce,
        slow: vec![0; usize::from(options.envelope.stores())],
        overwrite,
        flights: FuturesUnordered::new(),
        newest: Vec::new(),
        aborts: 0,
        attempts: 0,
    };
    round.newest = vec![None; round.stores.len()];
    let (value, attempts) = round.decide(protocol, config, text).await?;
    let (by, its_start) = proposer(value);
    let text = round.find_text(by, its_start).await?;
    Ok(Decided { text, by, attempts })
}

/// The value that stands for the text of an agent's start: texts are kept apart, and found by it.
const fn value(agent: AgentId, start: Incarnation) -> Value {
    Value((agent.0 as u64) << 16 | start.0 as u64)
}

const fn proposer(value: Value) -> (AgentId, Incarnation) {
    (AgentId((value.0 >> 16) as u8), Incarnation(value.0 as u16))
}

/// Whether this writes a vote for `value`.
fn votes_for(want: &DecreeWant, value: Value) -> bool {
    match want {
        Want::Ask {
            op: BlockOp::Write { block, .. } | BlockOp::Swap { block, .. },
            ..
        } => block.vote.is_some_and(|vote| vote.inp == value),
        Want::Ask { .. } | Want::Wake(..) | Want::Say(_) => false,
    }
}

/// Writes the text to a quorum before anybody can vote for it: whoever finds the vote finds the text.
async fn keep_text(
    options: &Options,
    stores: &[Arc<dyn DecisionStore>],
    start: Incarnation,
    text: &str,
    clock: &impl Clock,
) -> Result<(), Error> {
    let sites: Vec<&dyn Site> = stores.iter().map(|store| store.site()).collect();
    let quorum = usize::from(options.envelope.quorum());
    loop {
        let keeps = stores
            .iter()
            .map(|store| store.keep_text(options.agent, start, text));
        let patience = options.patience_max;
        let kept = gather(&sites, keeps, quorum, |&()| true, clock, patience).await;
        if kept.iter().filter(|kept| kept.is_ok()).count() >= quorum {
            return Ok(());
        }
        for error in kept.into_iter().filter_map(Result::err) {
            if let Some(error) = Error::of_fatal(&error) {
                return Err(error);
            }
            tracing::debug!(%error, "a text is not kept");
        }
        clock.sleep(options.patience).await;
    }
}

/// Either protocol's agent.
enum Proposer {
    Disk(Box<DiskPaxos>),
    Record(Box<AcceptorRecords>),
}

impl Proposer {
    fn begin(protocol: Protocol, config: &Config, start: Incarnation) -> (Self, Vec<DecreeWant>) {
        match protocol {
            Protocol::DiskPaxos => {
                let (agent, wants) = DiskPaxos::begin(config, start);
                (Self::Disk(Box::new(agent)), wants)
            }
            Protocol::Records => {
                let (agent, wants) = AcceptorRecords::begin(config, start);
                (Self::Record(Box::new(agent)), wants)
            }
        }
    }

    fn on(&mut self, event: &DecreeEvent) -> Vec<DecreeWant> {
        match self {
            Self::Disk(agent) => step(&mut **agent, event),
            Self::Record(agent) => step(&mut **agent, event),
        }
    }
}

fn step<A: SingleDecree>(agent: &mut A, event: &DecreeEvent) -> Vec<DecreeWant> {
    let (id, start) = (agent.id(), agent.incarnation());
    let mut port = Collector::new(|above| {
        let ballot = Ballot::next(above, id, start);
        if let Some(ballot) = ballot {
            tracing::debug!(?ballot, "starts");
        } else {
            tracing::error!("no ballot is left");
        }
        ballot
    });
    agent.on(event.told(), &mut port);
    port.wants
}

/// What has happened to something in flight.
enum Happened {
    Told {
        event: DecreeEvent,
        /// A write that may still be answered.
        rest: Option<Flight>,
        /// The own block that is written, if one is.
        written: Option<(StoreId, Version)>,
    },
    Fatal(Error),
    Over,
}

type Flight = BoxFuture<'static, Happened>;

/// What a store is asked: where, the agent's name for it, and what.
type Asked = (StoreId, BlockTag, BlockOp);

struct Round<C> {
    options: Options,
    stores: Vec<Arc<dyn DecisionStore>>,
    clock: C,
    dice: Dice,
    start: Incarnation,
    /// What the marks of this start carry.
    nonce: u64,
    /// How many reads in a row had no answer in time, of each store.
    slow: Vec<u8>,
    overwrite: Overwrite,
    flights: FuturesUnordered<Flight>,
    /// The newest own block that each store has answered.
    newest: Vec<Option<Version>>,
    aborts: u32,
    attempts: u32,
}

impl<C: Clock> Round<C> {
    async fn decide(
        &mut self,
        protocol: Protocol,
        config: Config,
        text: &str,
    ) -> Result<(Value, u32), Error> {
        let own = value(self.options.agent, self.start);
        let mut kept = false;
        let (mut agent, mut wants) = Proposer::begin(protocol, &config, self.start);
        loop {
            // Not before: a start that only asks what was decided needs no room for a text of its own, which
            // a disk would run out of.
            if !kept && wants.iter().any(|want| votes_for(want, own)) {
                keep_text(&self.options, &self.stores, self.start, text, &self.clock).await?;
                kept = true;
            }
            for want in std::mem::take(&mut wants) {
                match want {
                    Want::Say(DecreeSaid::Decided(value)) => return Ok((value, self.attempts)),
                    Want::Say(DecreeSaid::Preempted { .. } | DecreeSaid::Recovered { .. }) => {}
                    Want::Wake(timer, pause) => self.wake_later(timer, pause),
                    Want::Ask {
                        store,
                        tag,
                        tries,
                        op,
                    } => self.carry_out((store, tag, op), tries, protocol),
                }
            }
            // An agent that has not decided waits for something: an answer, or a pause to end.
            let Some(happened) = self.flights.next().await else {
                return Err(Error::Stopped);
            };
            match happened {
                Happened::Told {
                    event,
                    rest,
                    written,
                } => {
                    self.flights.extend(rest);
                    self.note_slowness(event);
                    if let Some((store, version)) = written {
                        self.note_written(store, version);
                    }
                    wants = agent.on(&event);
                }
                Happened::Fatal(error) => return Err(error),
                Happened::Over => {}
            }
        }
    }

    /// The next attempt begins after a pause that grows with each one that was lost.
    fn wake_later(&mut self, timer: DecreeTimer, pause: Pause) {
        let nanos = |pause: Duration| u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX);
        let pause = match pause {
            Pause::NONE => Duration::ZERO,
            Pause::Between { min, max } => Duration::from_nanos(self.dice.between(min, max)),
            Pause::Patience => self.options.patience,
            Pause::Backoff => {
                self.aborts += 1;
                let contention = Contention::Exponential {
                    min: nanos(self.options.backoff),
                    max: nanos(self.options.patience_max),
                };
                let (min, max) = contention.pause(self.aborts);
                Duration::from_nanos(self.dice.between(min, max))
            }
        };
        if timer == DecreeTimer::Attempt {
            self.attempts += 1;
            tracing::debug!(?pause, "will start");
        }
        let sleep = self.clock.sleep(pause);
        self.flights.push(Box::pin(async move {
            sleep.await;
            told(DecreeEvent::Woke(timer))
        }));
    }

    fn carry_out(&mut self, wanted: Asked, tries: u8, protocol: Protocol) {
        let (store_id, tag, op) = wanted;
        let (is_write, attempt) = match tag {
            BlockTag::Read { .. } => (false, self.slow[store_id.index()]),
            BlockTag::Write { .. } => (true, tries),
        };
        let span = tracing::debug_span!("store", store = store_id.0, ?tag);
        let store = Arc::clone(&self.stores[store_id.index()]);
        let asker = Asker {
            me: self.options.agent,
            start: self.start,
            nonce: self.nonce,
            alone: self.options.agents == 1 && protocol == Protocol::DiskPaxos,
            protocol,
        };
        let written = if let BlockOp::Write { version, .. } = op {
            Some((store_id, version))
        } else {
            None
        };
        if is_write && self.overwrite == Overwrite::InPlace {
            let flight = write_through(store, asker, wanted, self.options, self.clock.clone());
            let flight = flight.instrument(span);
            self.flights.push(Box::pin(async move {
                match flight.await {
                    Ok(event) => Happened::Told {
                        event,
                        rest: None,
                        written,
                    },
                    Err(error) => Happened::Fatal(error),
                }
            }));
            return;
        }
        let work: BoxFuture<'static, Result<DecreeEvent, StoreError>> =
            Box::pin(async move { ask(&*store, asker, wanted).await });
        let limit = self.options.limit(attempt, self.options.patience_max);
        let longest = self.options.patience_max.saturating_mul(2);
        let clock = self.clock.clone();
        let flight = async move {
            let began = clock.now();
            let mut work = work;
            match within(&clock, limit, &mut work).await {
                Some(Ok(event)) => Happened::Told {
                    event,
                    rest: None,
                    written,
                },
                Some(Err(error)) => {
                    if let Some(error) = Error::of_fatal(&error) {
                        return Happened::Fatal(error);
                    }
                    tracing::debug!(store = store_id.0, %error, "no answer");
                    // A refusal is as good as silence: asked again at once, it would be refused again.
                    clock
                        .sleep(limit.saturating_sub(clock.now().saturating_sub(began)))
                        .await;
                    told(silence(&error, store_id, tag))
                }
                None => {
                    tracing::debug!(store = store_id.0, attempt, "no answer in time");
                    let rest: Option<Flight> = is_write.then(|| {
                        let rest: Flight = Box::pin(async move {
                            match within(&clock, longest, work).await {
                                Some(Ok(event)) => Happened::Told {
                                    event,
                                    rest: None,
                                    written,
                                },
                                Some(Err(_)) | None => Happened::Over,
                            }
                        });
                        rest
                    });
                    Happened::Told {
                        event: DecreeEvent::TimedOut(store_id, tag),
                        rest,
                        written: None,
                    }
                }
            }
        };
        self.flights.push(Box::pin(flight.instrument(span)));
    }

    /// A store that is slow to read is given more time, as writes are by their tries.
    fn note_slowness(&mut self, event: DecreeEvent) {
        match event {
            DecreeEvent::Replied(store, _, BlockReply::Block { .. }) => {
                self.slow[store.index()] = 0;
            }
            DecreeEvent::TimedOut(store, BlockTag::Read { .. }) => {
                let slow = &mut self.slow[store.index()];
                *slow = slow.saturating_add(1);
            }
            DecreeEvent::Replied(..) | DecreeEvent::TimedOut(..) | DecreeEvent::Woke(_) => {}
        }
    }

    /// A block is written: what the agent wrote there before is of no use any more.
    fn note_written(&mut self, store: StoreId, version: Version) {
        let newest = &mut self.newest[store.index()];
        let (store, me) = (Arc::clone(&self.stores[store.index()]), self.options.agent);
        if *newest >= Some(version) || store.overwrite() == Overwrite::InPlace {
            return;
        }
        *newest = Some(version);
        let (clock, limit) = (self.clock.clone(), self.options.patience_max);
        self.flights.push(Box::pin(async move {
            if let Some(Err(error)) = within(&clock, limit, store.forget(me, version)).await {
                tracing::debug!(%error, "an old block stays");
            }
            Happened::Over
        }));
    }

    /// The text of a decided value: a quorum has it, so some store that answers has.
    async fn find_text(&self, agent: AgentId, start: Incarnation) -> Result<String, Error> {
        loop {
            for store in &self.stores {
                let look = store.text(agent, start);
                match within(&self.clock, self.options.patience, look).await {
                    Some(Ok(Some(text))) => return Ok(text),
                    Some(Err(error)) => tracing::debug!(%error, "no text"),
                    Some(Ok(None)) | None => {}
                }
            }
            self.clock.sleep(self.options.patience).await;
        }
    }
}

const fn told(event: DecreeEvent) -> Happened {
    Happened::Told {
        event,
        rest: None,
        written: None,
    }
}
