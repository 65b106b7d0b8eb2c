//! A port that keeps what an agent wants in a list: for tests, and for whoever looks at one step at a time.

use alloc::vec::Vec;

use crate::{Agent, AgentId, Ballot, Incarnation, Pause, Port, StoreId, Want, Wanted};

/// A port that keeps what an agent wants, in order. Its ballots are the lowest there are
/// ([`Ballot::next`]), its draws all 0.
pub struct Collected<A: Agent> {
    agent: AgentId,
    start: Incarnation,
    /// What was left and nobody has taken.
    pub wanted: Vec<Wanted<A>>,
}

impl<A: Agent> Collected<A> {
    /// An empty one for the `start`-th life of an agent.
    pub const fn new(agent: AgentId, start: Incarnation) -> Self {
        Self {
            agent,
            start,
            wanted: Vec::new(),
        }
    }

    /// Takes out all that was left.
    #[must_use]
    pub fn take(&mut self) -> Vec<Wanted<A>> {
        core::mem::take(&mut self.wanted)
    }
}

impl<A: Agent> Port<A> for Collected<A> {
    fn ask(&mut self, store: StoreId, tag: A::Tag, tries: u8, op: A::Op) {
        self.wanted.push(Want::Ask {
            store,
            tag,
            tries,
            op,
        });
    }

    fn wake(&mut self, timer: A::Timer, pause: Pause) {
        self.wanted.push(Want::Wake(timer, pause));
    }

    fn draw(&mut self, _: u64) -> u64 {
        0
    }

    fn ballot(&mut self, above: Option<Ballot>) -> Option<Ballot> {
        Ballot::next(above, self.agent, self.start)
    }

    fn say(&mut self, said: A::Said) {
        self.wanted.push(Want::Say(said));
    }
}
