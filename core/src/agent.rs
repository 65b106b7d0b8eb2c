//! The contract between an agent and whoever runs it: what it is told, what it asks for, what it says.
//!
//! An agent owns no clock, no dice and no wire. It is started, is told what happens, and leaves what it wants in a
//! [`Port`]; given the same events and the same draws it takes the same steps. A simulator, an explorer, a recording
//! and a driver of real stores are four ports.

use core::{fmt::Debug, hash::Hash};

use crate::{Ballot, Incarnation, Renaming, StoreId};

/// An agent of some protocol on passive stores.
pub trait Agent: Sized {
    /// What it knows before it starts.
    type Setup;
    /// One operation on one store.
    type Op;
    /// What a store answers.
    type Reply;
    /// The agent's own name for an operation that it asked for; its answer and its time-out carry it.
    type Tag: Copy + Debug + Eq;
    /// Its name for an alarm.
    type Timer: Copy + Debug + Eq;
    /// What clients ask of it.
    type Request;
    /// What it says that is not for a store: to clients, to oracles, to whoever looks on.
    type Said;

    /// The first step of an agent's `start`-th life. After the first life it has forgotten everything, and what it
    /// must know of its past it has to read.
    fn start(setup: &Self::Setup, start: Incarnation, port: &mut impl Port<Self>) -> Self;

    /// Takes one step. An event that it does not wait for (any more) changes nothing.
    fn on(&mut self, event: Event<'_, Self>, port: &mut impl Port<Self>);
}

/// What an agent is told. Past tense: it has happened.
#[derive(Debug)]
pub enum Event<'a, A: Agent> {
    /// A store has answered.
    Replied(StoreId, A::Tag, &'a A::Reply),
    /// An operation has had no answer for as long as the runner waits. Its fate is unknown: it may have taken effect,
    /// may do so later, or never; an answer may still come.
    TimedOut(StoreId, A::Tag),
    /// An alarm went off.
    Woke(A::Timer),
    /// A client asks for something, under a number that this life of the agent has not had: 0, 1, 2, …
    Asked(u64, A::Request),
    /// The client with that number does not wait for an answer any more.
    Withdrawn(u64),
}

impl<'a, A: Agent> Event<'a, A> {
    /// The same, told to an agent of another type that has the same names for everything: one that is a case of this
    /// one, or that wraps it.
    #[inline]
    pub fn retold<B>(self) -> Event<'a, B>
    where
        B: Agent<Reply = A::Reply, Tag = A::Tag, Timer = A::Timer, Request = A::Request>,
    {
        match self {
            Self::Replied(store, tag, reply) => Event::Replied(store, tag, reply),
            Self::TimedOut(store, tag) => Event::TimedOut(store, tag),
            Self::Woke(timer) => Event::Woke(timer),
            Self::Asked(number, request) => Event::Asked(number, request),
            Self::Withdrawn(number) => Event::Withdrawn(number),
        }
    }
}

/// Where an agent leaves what it wants, in order.
///
/// Generic wherever it is taken, so that an engine can queue an operation without a list in between.
pub trait Port<A: Agent> {
    /// Asks a store for an operation. `tries`: how often the same was asked before; a runner waits longer each time
    /// before it says [`Event::TimedOut`].
    fn ask(&mut self, store: StoreId, tag: A::Tag, tries: u8, op: A::Op);

    /// Sets an alarm.
    fn wake(&mut self, timer: A::Timer, pause: Pause);

    /// A number below `below`, which is at least 1. A choice of the run: recorded, and replayed.
    fn draw(&mut self, below: u64) -> u64;

    /// A ballot of this life of the agent above `above`. A choice like any other: an explorer takes every gap there
    /// is above, a driver the next round. None is left once rounds are used up ([`Ballot::ROUND_MAX`]).
    fn ballot(&mut self, above: Option<Ballot>) -> Option<Ballot>;

    /// Says something.
    fn say(&mut self, said: A::Said);
}

impl<A: Agent, P: Port<A> + ?Sized> Port<A> for &mut P {
    #[inline]
    fn ask(&mut self, store: StoreId, tag: A::Tag, tries: u8, op: A::Op) {
        (**self).ask(store, tag, tries, op);
    }

    #[inline]
    fn wake(&mut self, timer: A::Timer, pause: Pause) {
        (**self).wake(timer, pause);
    }

    #[inline]
    fn draw(&mut self, below: u64) -> u64 {
        (**self).draw(below)
    }

    #[inline]
    fn ballot(&mut self, above: Option<Ballot>) -> Option<Ballot> {
        (**self).ballot(above)
    }

    #[inline]
    fn say(&mut self, said: A::Said) {
        (**self).say(said);
    }
}

/// How long until an alarm goes off. Times in nanoseconds by the agent's own clock.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Pause {
    /// A time drawn from this range, both ends included.
    Between {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// As long as the runner waits for an answer.
    Patience,
    /// As the contention manager says, after an attempt that came to nothing: the runner counts them, in a row
    /// ([`Contention`](crate::Contention)).
    Backoff,
}

impl Pause {
    /// No pause at all.
    pub const NONE: Self = Self::Between { min: 0, max: 0 };
}

/// What exploring needs of an agent beyond running it: to be copied, compared, and told under other names.
pub trait Explored: Agent + Clone + Eq + Hash {
    /// Whether an answer to this operation could still change anything.
    fn awaits(&self, store: StoreId, tag: Self::Tag) -> bool;

    /// Says every ballot in its state, some perhaps twice.
    fn ballots(&self, each: &mut impl FnMut(Ballot));

    /// The same state under other names, in its one spelling: of two states that differ only in what can have no
    /// effect any more, the renamed ones are equal.
    #[must_use]
    fn renamed(&self, names: &impl Renaming) -> Self;
}
