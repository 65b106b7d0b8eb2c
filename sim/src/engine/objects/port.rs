//! Where an agent of a run leaves what it wants, until it is carried out.

use bivalent_core::{
    AgentId, Ballot, Incarnation, LaidTag, ObjectsSaid, OnObjects, Pause, Port, StoreId, Want,
};

use super::{Engine, Objects, OpOf, Part, TimerOf, WantedOf};
use crate::engine::dice::{Dice, Purpose};

/// The port of one step of one agent.
pub(super) struct Outbox<'a, P: Part> {
    wanted: &'a mut Vec<WantedOf<P>>,
    dice: &'a mut Dice,
    agent: AgentId,
}

impl<P: Part> Engine<Objects<P>> {
    pub(super) fn port(&mut self, agent: AgentId) -> Outbox<'_, P> {
        Outbox {
            wanted: &mut self.system.wanted,
            dice: &mut self.net.dice,
            agent,
        }
    }
}

impl<P: Part> Port<OnObjects<P::Agent>> for Outbox<'_, P> {
    fn ask(&mut self, store: StoreId, tag: LaidTag, tries: u8, op: OpOf<P>) {
        self.wanted.push(Want::Ask {
            store,
            tag,
            tries,
            op,
        });
    }

    fn wake(&mut self, timer: TimerOf<P>, pause: Pause) {
        self.wanted.push(Want::Wake(timer, pause));
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.dice.below(Purpose::Pause, below)
    }

    /// The agent puts its own start in the place of this one.
    fn ballot(&mut self, above: Option<Ballot>) -> Option<Ballot> {
        Ballot::next(above, self.agent, Incarnation(0))
    }

    fn say(&mut self, said: ObjectsSaid<P::Agent>) {
        self.wanted.push(Want::Say(said));
    }
}
