//! Where the replica leaves what it wants, until the loop carries it out.

use bivalent_core::{
    AgentId, Ballot, Incarnation, LogOp, LogSaid, Pause, Port, Replica, StateMachine, StoreId,
    Timer, Wanted,
};

use crate::dice::Dice;

/// The port of one step.
pub(super) struct Outbox<'a, M: StateMachine> {
    pub(super) wanted: &'a mut Vec<Wanted<Replica<M>>>,
    pub(super) dice: &'a mut Dice,
    pub(super) agent: AgentId,
    pub(super) start: Incarnation,
}

impl<M: StateMachine> Port<Replica<M>> for Outbox<'_, M> {
    fn ask(&mut self, store: StoreId, tag: u64, tries: u8, op: LogOp<M>) {
        self.wanted.push(Wanted::Ask {
            store,
            tag,
            tries,
            op,
        });
    }

    fn wake(&mut self, timer: Timer, pause: Pause) {
        self.wanted.push(Wanted::Wake { timer, pause });
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.dice.between(0, below - 1)
    }

    fn ballot(&mut self, above: Option<Ballot>) -> Option<Ballot> {
        Ballot::checked_above(above, self.agent, self.start)
    }

    fn say(&mut self, said: LogSaid<M>) {
        self.wanted.push(Wanted::Say(said));
    }
}
