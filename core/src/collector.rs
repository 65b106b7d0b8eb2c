//! A port that keeps what an agent wants as a list, for tests, examples and whoever looks an agent over step by step.

use alloc::vec::Vec;
use core::fmt;

use crate::{Agent, Ballot, Pause, Port, StoreId};

/// One thing that an agent wants.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Want<O, T, M, S> {
    /// An operation.
    Ask {
        /// On which store.
        store: StoreId,
        /// The agent's name for it.
        tag: T,
        /// How often the same was asked before.
        tries: u8,
        /// What to do.
        op: O,
    },
    /// An alarm.
    Wake(M, Pause),
    /// To be heard.
    Say(S),
}

/// What an agent wants, one thing of it.
pub type Wanted<A> =
    Want<<A as Agent>::Op, <A as Agent>::Tag, <A as Agent>::Timer, <A as Agent>::Said>;

/// A port that collects; its numbers are drawn as 0, and its ballots are of the given choice.
pub struct Collector<A: Agent, B> {
    /// All that was wanted so far, in order.
    pub wants: Vec<Wanted<A>>,
    ballots: B,
}

impl<A: Agent, B: FnMut(Option<Ballot>) -> Option<Ballot>> Collector<A, B> {
    /// One that has collected nothing; `ballots` gives a ballot above another.
    pub const fn new(ballots: B) -> Self {
        Self {
            wants: Vec::new(),
            ballots,
        }
    }
}

impl<A: Agent, B: FnMut(Option<Ballot>) -> Option<Ballot>> Port<A> for Collector<A, B> {
    fn ask(&mut self, store: StoreId, tag: A::Tag, tries: u8, op: A::Op) {
        self.wants.push(Want::Ask {
            store,
            tag,
            tries,
            op,
        });
    }

    fn wake(&mut self, timer: A::Timer, pause: Pause) {
        self.wants.push(Want::Wake(timer, pause));
    }

    fn draw(&mut self, _: u64) -> u64 {
        0
    }

    fn ballot(&mut self, above: Option<Ballot>) -> Option<Ballot> {
        (self.ballots)(above)
    }

    fn say(&mut self, said: A::Said) {
        self.wants.push(Want::Say(said));
    }
}

impl<A: Agent, B> fmt::Debug for Collector<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = f.debug_struct("Collector");
        told.field("wants", &self.wants.len());
        told.finish_non_exhaustive()
    }
}
