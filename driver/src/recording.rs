//! One life of an agent from inside: what it was told and given, and what it left, in order.
//!
//! Whoever tells the same agent the same again can compare what it does. A life as the stores see it is not enough for
//! that: they know nothing of time-outs, alarms and draws. Only with the feature `recording`, which no build that ships
//! has: every operation and every answer is copied. Without it `no_recording.rs` stands here.

use std::{
    convert::Infallible,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bivalent_core::{
    Ballot, BlockBody, BlockOp, BlockReply, BlockTag, Config, Content, DecreeSaid, DecreeTimer,
    Event, Folder, Laid, LaidTag, LaidTimer, ObjectName, ObjectOp, ObjectReply, ObjectsSaid,
    ObjectsSetup, OnObjects, Pause, StoreId,
};

use crate::{
    Clock, Decided, DecisionStore, Error, Options,
    names::{folder_of, parse},
    objects::Op,
    propose::decide,
};

/// What an agent is told, kept: an [`Event`] that owns its answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Told<A: Laid> {
    /// A store has answered.
    Replied(
        StoreId,
        LaidTag,
        ObjectReply<ObjectName, Content<<A as Laid>::Body>>,
    ),
    /// There was no answer in time.
    TimedOut(StoreId, LaidTag),
    /// An alarm went off.
    Woke(LaidTimer<A::Timer>),
    /// A client asks for something, under this number.
    Asked(u64, A::Request),
    /// The client with that number has gone.
    Withdrawn(u64),
}

impl<A: Laid> Told<A> {
    fn of(event: &Event<'_, OnObjects<A>>) -> Self {
        match event {
            Event::Replied(store, tag, reply) => Self::Replied(*store, *tag, (*reply).clone()),
            Event::TimedOut(store, tag) => Self::TimedOut(*store, *tag),
            Event::Woke(timer) => Self::Woke(*timer),
            Event::Asked(number, request) => Self::Asked(*number, request.clone()),
            Event::Withdrawn(number) => Self::Withdrawn(*number),
        }
    }

    /// The same, to be told again.
    pub fn event(&self) -> Event<'_, OnObjects<A>> {
        match self {
            Self::Replied(store, tag, reply) => Event::Replied(*store, *tag, reply),
            Self::TimedOut(store, tag) => Event::TimedOut(*store, *tag),
            Self::Woke(timer) => Event::Woke(*timer),
            Self::Asked(number, request) => Event::Asked(*number, request.clone()),
            Self::Withdrawn(number) => Event::Withdrawn(*number),
        }
    }
}

/// One step between an agent and its loop. What follows what it was told, up to what it is told next, is what it did
/// about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step<A: Laid> {
    /// It was told this.
    Told(Told<A>),
    /// It wanted a number.
    Drew {
        /// Below which.
        below: u64,
        /// The number that it was given.
        number: u64,
    },
    /// It wanted a ballot.
    Ballot {
        /// Above which.
        above: Option<Ballot>,
        /// The ballot that it was given, unless none is left.
        given: Option<Ballot>,
    },
    /// It asked a store for an operation.
    Asked {
        /// Which store.
        store: StoreId,
        /// The agent's name for the operation.
        tag: LaidTag,
        /// How often it asked for the same before.
        tries: u8,
        /// The operation.
        op: ObjectOp<ObjectName, Content<<A as Laid>::Body>>,
    },
    /// It set an alarm.
    Waits {
        /// Which.
        timer: LaidTimer<A::Timer>,
        /// For how long.
        pause: Pause,
    },
    /// It said something.
    Said(ObjectsSaid<A>),
}

/// One life of an agent, up to its end or to when it was looked at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Life<A: Laid> {
    /// What it knew before it started.
    pub setup: ObjectsSetup<A>,
    /// Its steps. Those before the first that it was told are its start.
    pub steps: Vec<Step<A>>,
}

/// Where the life of one agent is recorded; clones are the same recording. It outlives the agent, however that ends.
#[derive(Clone)]
pub struct Recording<A: Laid>(Arc<Mutex<Option<Life<A>>>>);

impl<A: Laid> Recording<A> {
    /// An empty one, for a life that is to begin.
    pub fn new() -> Self {
        Self(Arc::default())
    }

    /// What was recorded up to now; what comes later is not. Nothing if no life has begun here.
    pub fn take(&self) -> Option<Life<A>> {
        self.lock().take()
    }

    /// Whether a step like that was recorded up to now.
    pub fn any(&self, is: impl FnMut(&Step<A>) -> bool) -> bool {
        let life = self.lock();
        life.as_ref().is_some_and(|life| life.steps.iter().any(is))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Life<A>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<A: Laid> Default for Recording<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Laid> fmt::Debug for Recording<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.lock().as_ref().map(|life| life.steps.len());
        f.debug_struct("Recording").field("steps", &steps).finish()
    }
}

/// The loop's end of a recording, if there is one.
#[derive(Debug)]
pub(crate) struct Tape<A: Laid>(Option<Recording<A>>);

impl<A: Laid> Tape<A> {
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    pub(crate) fn of(recording: &Recording<A>) -> Self {
        Self(Some(recording.clone()))
    }

    pub(crate) fn begins(&self, setup: &ObjectsSetup<A>) {
        if let Some(recording) = &self.0 {
            *recording.lock() = Some(Life {
                setup: setup.clone(),
                steps: Vec::new(),
            });
        }
    }

    pub(crate) fn told(&self, event: &Event<'_, OnObjects<A>>) {
        self.step(|| Step::Told(Told::of(event)));
    }

    pub(crate) fn drew(&self, below: u64, number: u64) {
        self.step(|| Step::Drew { below, number });
    }

    pub(crate) fn given(&self, above: Option<Ballot>, given: Option<Ballot>) {
        self.step(|| Step::Ballot { above, given });
    }

    pub(crate) fn asked(&self, store: StoreId, tag: LaidTag, tries: u8, op: &Op<A::Body>) {
        self.step(|| Step::Asked {
            store,
            tag,
            tries,
            op: op.clone(),
        });
    }

    pub(crate) fn waits(&self, timer: LaidTimer<A::Timer>, pause: Pause) {
        self.step(|| Step::Waits { timer, pause });
    }

    pub(crate) fn said(&self, said: &ObjectsSaid<A>) {
        self.step(|| Step::Said(said.clone()));
    }

    /// Notes a step, made only where it is kept.
    fn step(&self, step: impl FnOnce() -> Step<A>) {
        if let Some(recording) = &self.0
            && let Some(life) = &mut *recording.lock()
        {
            life.steps.push(step());
        }
    }
}

/// A protocol of one decision about texts.
pub trait Decides:
    Laid<
        Body = BlockBody,
        Setup = Config,
        Op = BlockOp,
        Reply = BlockReply,
        Tag = BlockTag,
        Timer = DecreeTimer,
        Request = Infallible,
        Said = DecreeSaid,
    > + 'static
{
}

impl<A> Decides for A where
    A: Laid<
            Body = BlockBody,
            Setup = Config,
            Op = BlockOp,
            Reply = BlockReply,
            Tag = BlockTag,
            Timer = DecreeTimer,
            Request = Infallible,
            Said = DecreeSaid,
        > + 'static
{
}

/// As [`propose`](crate::propose), by the protocol `A`, which may be one that no command offers; the life of the agent
/// is recorded.
pub async fn propose<A: Decides>(
    options: Options,
    stores: Vec<Box<dyn DecisionStore>>,
    text: &str,
    clock: impl Clock,
    recording: &Recording<A>,
) -> Result<Decided, Error> {
    decide(options, stores, text, clock, Tape::of(recording)).await
}

/// The name of the object that stores keep under the text `name` in the folder `folder`, empty for what stands in none;
/// nothing for what is none of ours.
pub fn object_name(folder: &str, name: &str) -> Option<ObjectName> {
    parse(object_folder(folder)?, name)
}

/// The folder of that text, empty for what stands in none; nothing for one that is none of ours.
pub fn object_folder(folder: &str) -> Option<Folder> {
    match folder {
        "" => Some(Folder::Top),
        folder => folder_of(folder),
    }
}
