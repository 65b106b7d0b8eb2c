//! One decision on stores of blocks: what its protocols have in common, whichever they are.

use alloc::vec::Vec;
use core::convert::Infallible;

use crate::{
    Agent, AgentId, Ballot, Block, BlockOp, BlockReply, BlockTag, Collector, Config, Event,
    Incarnation, Phase, StoreId, Value, Want,
};

/// An alarm of an agent that takes part in one decision.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DecreeTimer {
    /// Begin the next attempt, or the first.
    Attempt,
    /// Ask again: the answer that came was none. The agent does what it does when that operation has timed out, so
    /// that a runner may as well say [`Event::TimedOut`] then.
    Retry(StoreId, BlockTag),
}

/// What an agent says that takes part in one decision.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DecreeSaid {
    /// The attempt is over, nothing new is asked for.
    Preempted {
        /// The greatest ballot met, none if there was none.
        above: Option<Ballot>,
    },
    /// It has started again, and knows what it must know of its past.
    Recovered {
        /// The greatest ballot met, none if there was none.
        above: Option<Ballot>,
    },
    /// Final. A life of an agent says this at most once.
    Decided(Value),
}

/// An [`Event`] of one decision, as a value of its own: what can be kept, queued and told again.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DecreeEvent {
    /// A store has answered.
    Replied(StoreId, BlockTag, BlockReply),
    /// An operation has had no answer for as long as the runner waits.
    TimedOut(StoreId, BlockTag),
    /// An alarm went off.
    Woke(DecreeTimer),
}

impl DecreeEvent {
    /// The event.
    #[inline]
    pub const fn told<A: SingleDecree>(&self) -> Event<'_, A> {
        match self {
            Self::Replied(store, tag, reply) => Event::Replied(*store, *tag, reply),
            Self::TimedOut(store, tag) => Event::TimedOut(*store, *tag),
            Self::Woke(timer) => Event::Woke(*timer),
        }
    }
}

/// What an agent wants that takes part in one decision.
pub type DecreeWant = Want<BlockOp, BlockTag, DecreeTimer, DecreeSaid>;

/// An agent that takes part in one decision, and can be looked at.
///
/// It begins in [`Phase::Waiting`] with an alarm for its first attempt, or it first recovers.
pub trait SingleDecree:
    Agent<
        Op = BlockOp,
        Reply = BlockReply,
        Tag = BlockTag,
        Timer = DecreeTimer,
        Request = Infallible,
        Said = DecreeSaid,
    >
{
    /// Its place in the system.
    fn config(&self) -> &Config;

    /// Which start of it this is.
    fn incarnation(&self) -> Incarnation;

    /// Where it stands.
    fn phase(&self) -> Phase;

    /// Its block in memory: its last ballot, and its vote.
    fn block(&self) -> Block;

    /// The number of its phase: answers that carry another are stale, or nearly all of them.
    fn epoch(&self) -> u32;

    /// The value it decided, if it has.
    fn decision(&self) -> Option<Value>;

    /// Who this is.
    #[inline]
    fn id(&self) -> AgentId {
        self.config().id()
    }

    /// What it proposes if it is free to choose.
    #[inline]
    fn input(&self) -> Value {
        self.config().input()
    }

    /// The first step of a life and what the agent then wants, for tests and readers.
    fn begin(setup: &Self::Setup, start: Incarnation) -> (Self, Vec<DecreeWant>) {
        let mut port = Collector::new(|_| None);
        let agent = Self::start(setup, start, &mut port);
        (agent, port.wants)
    }

    /// Takes one step and returns what the agent then wants, for tests and readers. A ballot is the next one there is.
    fn step(&mut self, event: DecreeEvent) -> Vec<DecreeWant> {
        let (id, incarnation) = (self.id(), self.incarnation());
        let mut port = Collector::new(|above| Ballot::next(above, id, incarnation));
        self.on(event.told(), &mut port);
        port.wants
    }

    /// Begins an attempt with this ballot, if the agent waits for one: [`SingleDecree::step`] with a choice.
    fn attempt(&mut self, ballot: Ballot) -> Vec<DecreeWant> {
        let mut port = Collector::new(|_| Some(ballot));
        self.on(Event::Woke(DecreeTimer::Attempt), &mut port);
        port.wants
    }
}
