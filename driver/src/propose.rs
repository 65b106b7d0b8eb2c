//! One decision: the loop around one agent of Disk Paxos, or of Paxos over acceptor records.

use std::{sync::Arc, time::Duration};

use bivalent_core::{
    AcceptorRecords, AgentId, Ballot, Block, Config, Contention, DiskPaxos, Effect, Incarnation,
    Input, Operation, Overwrite, Sink, StoreId, Value, Version,
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
    let config =
        Config::new(agent, options.agents, options.envelope, overwrite, input).incarnation(start);
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
fn votes_for(effect: Effect, value: Value) -> bool {
    match effect {
        Effect::Write { block, .. } | Effect::WriteIf { block, .. } => {
            block.vote.is_some_and(|vote| vote.inp == value)
        }
        Effect::Read { .. } | Effect::Retry { .. } | Effect::Abort { .. } | Effect::Decide(_) => {
            false
        }
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
    fn on(&mut self, input: Input, out: &mut impl Sink) {
        match self {
            Self::Disk(agent) => agent.on(input, out),
            Self::Record(agent) => agent.on(input, out),
        }
    }

    const fn block(&self) -> Block {
        match self {
            Self::Disk(agent) => agent.block(),
            Self::Record(agent) => agent.block(),
        }
    }
}

/// What has happened to something in flight.
enum Happened {
    Told {
        input: Input,
        /// A write that may still be answered.
        rest: Option<Flight>,
        /// The own block that is written, if one is.
        written: Option<(StoreId, Version)>,
    },
    Fatal(Error),
    Over,
}

type Flight = BoxFuture<'static, Happened>;

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
        let mut effects = Vec::new();
        let own = value(self.options.agent, self.start);
        let mut kept = false;
        let fresh = self.start.0 == 0;
        let mut out = |effect| effects.push(effect);
        let mut agent = match protocol {
            Protocol::DiskPaxos if fresh => Proposer::Disk(Box::new(DiskPaxos::new(config))),
            Protocol::DiskPaxos => Proposer::Disk(Box::new(DiskPaxos::recover(config, &mut out))),
            Protocol::Records if fresh => Proposer::Record(Box::new(AcceptorRecords::new(config))),
            Protocol::Records => {
                Proposer::Record(Box::new(AcceptorRecords::recover(config, &mut out)))
            }
        };
        if fresh {
            effects.push(Effect::Abort { above: None });
        }
        loop {
            // Not before: a start that only asks what was decided needs no room for a text of its own, which
            // a disk would run out of.
            if !kept && effects.iter().any(|&effect| votes_for(effect, own)) {
                keep_text(&self.options, &self.stores, self.start, text, &self.clock).await?;
                kept = true;
            }
            for effect in std::mem::take(&mut effects) {
                match effect {
                    Effect::Decide(value) => return Ok((value, self.attempts)),
                    Effect::Abort { above } => {
                        let floor = above.max(agent.block().mbal);
                        self.start_later(floor);
                    }
                    Effect::Read { .. }
                    | Effect::Write { .. }
                    | Effect::WriteIf { .. }
                    | Effect::Retry { .. } => self.carry_out(effect, protocol),
                }
            }
            // An agent that has not decided waits for something: an answer, or a pause to end.
            let Some(happened) = self.flights.next().await else {
                return Err(Error::Stopped);
            };
            match happened {
                Happened::Told {
                    input,
                    rest,
                    written,
                } => {
                    self.flights.extend(rest);
                    self.note_slowness(input);
                    if let Some((store, version)) = written {
                        self.note_written(store, version);
                    }
                    agent.on(input, &mut |effect| effects.push(effect));
                }
                Happened::Fatal(error) => return Err(error),
                Happened::Over => {}
            }
        }
    }

    /// The next attempt begins after a pause that grows with each one that was lost.
    fn start_later(&mut self, floor: Option<Ballot>) {
        let nanos = |pause: Duration| u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX);
        let pause = if self.attempts == 0 {
            Duration::ZERO
        } else {
            self.aborts += 1;
            let contention = Contention::Exponential {
                min: nanos(self.options.backoff),
                max: nanos(self.options.patience_max),
            };
            let (min, max) = contention.pause(self.aborts);
            Duration::from_nanos(self.dice.between(min, max))
        };
        self.attempts += 1;
        if floor.is_some_and(|floor| floor.round() >= Ballot::ROUND_MAX) {
            tracing::error!("no ballot is left");
            return;
        }
        let ballot = Ballot::above(floor, self.options.agent, self.start);
        tracing::debug!(?ballot, ?pause, "starts");
        let sleep = self.clock.sleep(pause);
        self.flights.push(Box::pin(async move {
            sleep.await;
            told(Input::Start { ballot })
        }));
    }

    fn carry_out(&mut self, effect: Effect, protocol: Protocol) {
        let (operation, attempt) = match effect {
            Effect::Read {
                store,
                owner,
                epoch,
            } => {
                let read = Operation::Read {
                    store,
                    owner,
                    epoch,
                };
                (read, self.slow[store.index()])
            }
            Effect::Write {
                store,
                epoch,
                attempt,
                ..
            }
            | Effect::WriteIf {
                store,
                epoch,
                attempt,
                ..
            } => {
                let write = Operation::Write {
                    store,
                    epoch,
                    attempt,
                };
                (write, attempt)
            }
            Effect::Retry { operation } => {
                let sleep = self.clock.sleep(self.options.patience);
                self.flights.push(Box::pin(async move {
                    sleep.await;
                    told(Input::TimedOut { operation })
                }));
                return;
            }
            Effect::Abort { .. } | Effect::Decide(_) => return,
        };
        let store_id = match operation {
            Operation::Read { store, .. } | Operation::Write { store, .. } => store,
        };
        let span = tracing::debug_span!("store", store = store_id.0, ?operation);
        let store = Arc::clone(&self.stores[store_id.index()]);
        let asker = Asker {
            me: self.options.agent,
            start: self.start,
            nonce: self.nonce,
            alone: self.options.agents == 1 && protocol == Protocol::DiskPaxos,
            protocol,
        };
        let written = if let Effect::Write { version, .. } = effect {
            Some((store_id, version))
        } else {
            None
        };
        let is_write = matches!(operation, Operation::Write { .. });
        if is_write && self.overwrite == Overwrite::InPlace {
            let flight = write_through(store, asker, effect, self.options, self.clock.clone());
            let flight = flight.instrument(span);
            self.flights.push(Box::pin(async move {
                match flight.await {
                    Ok(input) => Happened::Told {
                        input,
                        rest: None,
                        written,
                    },
                    Err(error) => Happened::Fatal(error),
                }
            }));
            return;
        }
        let work: BoxFuture<'static, Result<Input, StoreError>> =
            Box::pin(async move { ask(&*store, asker, effect).await });
        // Conditional writes have numbers, not tries: each is the first of its kind.
        let attempt = if protocol == Protocol::Records && is_write {
            0
        } else {
            attempt
        };
        let limit = self.options.limit(attempt, self.options.patience_max);
        let longest = self.options.patience_max.saturating_mul(2);
        let clock = self.clock.clone();
        let flight = async move {
            let began = clock.now();
            let mut work = work;
            match within(&clock, limit, &mut work).await {
                Some(Ok(input)) => Happened::Told {
                    input,
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
                    told(silence(&error, operation))
                }
                None => {
                    tracing::debug!(store = store_id.0, attempt, "no answer in time");
                    let rest: Option<Flight> = is_write.then(|| {
                        let rest: Flight = Box::pin(async move {
                            match within(&clock, longest, work).await {
                                Some(Ok(input)) => Happened::Told {
                                    input,
                                    rest: None,
                                    written,
                                },
                                Some(Err(_)) | None => Happened::Over,
                            }
                        });
                        rest
                    });
                    Happened::Told {
                        input: Input::TimedOut { operation },
                        rest,
                        written: None,
                    }
                }
            }
        };
        self.flights.push(Box::pin(flight.instrument(span)));
    }

    /// A store that is slow to read is given more time, as writes are by their tries.
    fn note_slowness(&mut self, input: Input) {
        match input {
            Input::Read { store, .. } => self.slow[store.index()] = 0,
            Input::TimedOut {
                operation: Operation::Read { store, .. },
            } => {
                let slow = &mut self.slow[store.index()];
                *slow = slow.saturating_add(1);
            }
            Input::TimedOut { .. }
            | Input::Start { .. }
            | Input::Wrote { .. }
            | Input::Refused { .. }
            | Input::Unreadable { .. } => {}
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

const fn told(input: Input) -> Happened {
    Happened::Told {
        input,
        rest: None,
        written: None,
    }
}
