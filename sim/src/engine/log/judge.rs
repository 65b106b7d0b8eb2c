//! The clients' view: their history is held against the machine alone, without the log.

use bivalent_core::StateMachine;

use super::{Call, Seen, machines::Load};
use crate::judge::linear::{Model, Op};

/// A load's machine as a model of what may be answered.
pub(super) struct MachineModel<'a, L>(pub(super) &'a L);

impl<L: Load> Model for MachineModel<'_, L> {
    type State = L::Machine;
    type Call = Call<L::Machine>;
    type Answer = <L::Machine as StateMachine>::Answer;

    fn initial(&self) -> L::Machine {
        self.0.machine()
    }

    fn step(
        &self,
        state: &L::Machine,
        call: &Self::Call,
        answer: Option<&Self::Answer>,
    ) -> Option<L::Machine> {
        let mut next = state.clone();
        let given = match call {
            Call::Run(command) => next.apply(command),
            Call::Query(query) => next.query(query),
        };
        answer.is_none_or(|answer| *answer == given).then_some(next)
    }

    fn key(&self, call: &Self::Call) -> u64 {
        self.0.key(call)
    }

    fn changes_nothing(&self, call: &Self::Call, answer: &Self::Answer) -> bool {
        self.is_read(call) || self.0.changes_nothing(call, answer)
    }

    fn overwrites(&self, call: &Self::Call, answer: Option<&Self::Answer>) -> bool {
        // An unconditional command has one answer: it is allowed everywhere.
        let _ = answer;
        self.0.overwrites(call)
    }

    fn is_read(&self, call: &Self::Call) -> bool {
        matches!(call, Call::Query(_))
    }
}

/// A history as the checker takes it.
pub(super) fn ops<M: StateMachine>(history: &[Seen<M>]) -> Vec<Op<Call<M>, M::Answer>> {
    let op = |seen: &Seen<M>| Op {
        client: seen.client,
        call: seen.call.clone(),
        answer: seen.answer.clone(),
        invoked: seen.invoked,
        answered: seen.answered,
    };
    history.iter().map(op).collect()
}
