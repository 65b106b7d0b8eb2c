//! One decision on real stores.

use std::{sync::Arc, time::Duration};

use bivalent_core::{
    AcceptorRecords, AgentId, Config, Contention, DecreeSaid, DecreeTimer, DiskPaxos, Laid,
    ObjectName, ObjectOp, ObjectsSaid, ObjectsSetup, Overwrite, Pause, Value,
};

use crate::{
    Clock, DecisionStore, Error, Options,
    host::{Host, Manner, Ways, is_in_place},
    objects::{Objects, Op},
    recording::Tape,
};

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
    match protocol {
        Protocol::DiskPaxos => {
            decide::<DiskPaxos>(options, stores, text, clock, Tape::none()).await
        }
        Protocol::Records => {
            decide::<AcceptorRecords>(options, stores, text, clock, Tape::none()).await
        }
    }
}

/// Proposes by the protocol `A`.
pub(crate) async fn decide<A>(
    options: Options,
    stores: Vec<Box<dyn DecisionStore>>,
    text: &str,
    clock: impl Clock,
    tape: Tape<A>,
) -> Result<Decided, Error>
where
    A: Laid<
            Body = bivalent_core::BlockBody,
            Setup = Config,
            Said = DecreeSaid,
            Timer = DecreeTimer,
        >,
{
    let stores: Ways<A::Body> = stores
        .into_iter()
        .map(|store| {
            let store: Arc<dyn DecisionStore> = store.into();
            store as Arc<dyn Objects<A::Body>>
        })
        .collect();
    let (overwrite, named) = if is_in_place(&stores) {
        // Disks have no create-if-absent, so of two agents that set them up at once each could find its own name on some.
        (Overwrite::InPlace, Some(0))
    } else {
        (Overwrite::Versioned, None)
    };
    // The value is another one as soon as the start is known: it stands for the text.
    let (agent, input) = (options.agent, Value(0));
    let inner = Config::new(agent, options.agents, options.envelope, overwrite, input);
    let setup: ObjectsSetup<A> = ObjectsSetup {
        named,
        text: Some(text.into()),
        ..options.on_objects(inner, &stores)
    };
    let mut host = Host::start(options, setup, stores, clock, Steady, tape);
    loop {
        while let Some(said) = host.hear() {
            match said {
                ObjectsSaid::Began { start } => {
                    tracing::info!(agent = agent.0, start = start.0, "begins");
                }
                ObjectsSaid::Text { by, text } => {
                    let (text, attempts) = (text.to_string(), host.ballots());
                    return Ok(Decided { text, by, attempts });
                }
                ObjectsSaid::Stopped(stop) => return Err(host.error(&stop)),
                said @ (ObjectsSaid::Uncounted(_)
                | ObjectsSaid::Settled { .. }
                | ObjectsSaid::Inner(_)
                | ObjectsSaid::Asked { .. }
                | ObjectsSaid::Answered { .. }
                | ObjectsSaid::Failed { .. }) => host.note(&said),
            }
        }
        // An agent that has not decided waits for something: an answer, or a pause to end.
        let Some(happened) = host.next().await else {
            return Err(Error::Stopped);
        };
        host.on(happened)?;
    }
}

/// The patience of those who decide once.
struct Steady;

impl<A: Laid> Manner<A> for Steady {
    fn limit(&self, op: &Op<A::Body>, tries: u8, options: &Options) -> Duration {
        // Conditional writes have numbers, not tries: each is the first of its kind.
        let tries = match op {
            ObjectOp::Put {
                name: ObjectName::Record,
                ..
            } => 0,
            ObjectOp::Put { .. }
            | ObjectOp::Get(_)
            | ObjectOp::Delete(_)
            | ObjectOp::List { .. } => tries,
        };
        options.limit(tries, options.patience_max)
    }

    fn pause(&self, _: A::Timer, min: u64, max: u64) -> (u64, u64) {
        (min, max)
    }

    fn backoff(&self, attempts: u32, options: &Options) -> (u64, u64) {
        let nanos = |pause: Duration| u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX);
        let contention = Contention::Exponential {
            min: nanos(options.backoff),
            max: nanos(options.patience_max),
        };
        contention.pause(attempts)
    }
}

impl Options {
    /// An agent's setup on stores of objects.
    pub(crate) fn on_objects<A: Laid>(
        &self,
        inner: A::Setup,
        stores: &[Arc<dyn Objects<A::Body>>],
    ) -> ObjectsSetup<A> {
        let nanos = |pause: Duration| u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX);
        let part = |of: u32| nanos(self.patience_max / of);
        ObjectsSetup {
            inner,
            me: self.agent,
            agents: self.agents,
            quorum: self.envelope.quorum(),
            stores: stores.iter().map(|store| store.traits()).collect(),
            named: None,
            text: None,
            grace: Pause::Between {
                min: part(8),
                max: part(8),
            },
            again: Pause::Between {
                min: part(8),
                max: part(2),
            },
        }
    }
}
