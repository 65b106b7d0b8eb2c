//! Where a replica of a run leaves what it wants, until it is carried out.

use bivalent_core::{
    AgentId, Ballot, Incarnation, LogOp, LogSaid, Pause, Port, Replica, StateMachine, StoreId,
    Timer, Want, Wanted,
};

use crate::dice::{Dice, Purpose};

/// The port of one step of one replica.
pub(super) struct Outbox<'a, M: StateMachine + 'a> {
    pub(super) wanted: &'a mut Vec<Wanted<Replica<M>>>,
    pub(super) dice: &'a mut Dice,
    pub(super) agent: AgentId,
    pub(super) start: Incarnation,
}

impl<M: StateMachine> Port<Replica<M>> for Outbox<'_, M> {
    fn ask(&mut self, store: StoreId, tag: u64, tries: u8, op: LogOp<M>) {
        self.wanted.push(Want::Ask {
            store,
            tag,
            tries,
            op,
        });
    }

    fn wake(&mut self, timer: Timer, pause: Pause) {
        self.wanted.push(Want::Wake(timer, pause));
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.dice.below(Purpose::Pause, below)
    }

    fn ballot(&mut self, above: Option<Ballot>) -> Option<Ballot> {
        Ballot::next(above, self.agent, self.start)
    }

    fn say(&mut self, said: LogSaid<M>) {
        self.wanted.push(Want::Say(said));
    }
}
