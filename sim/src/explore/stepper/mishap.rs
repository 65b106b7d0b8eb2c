//! What can go wrong between two steps: a block tears, an agent crashes or comes back.

use bivalent_core::{AgentId, SingleDecree, StoreId};

use super::super::{
    InFlight,
    moves::{Act, Move},
    part::{Op, Part, Seat},
};
use super::{Acting, Step, Stepper};

impl Stepper<'_> {
    pub(super) fn tear(
        &mut self,
        state: &[u32],
        id: AgentId,
        store: StoreId,
        take: &mut impl FnMut(Step<'_>),
    ) {
        let entry = self.image(state, store);
        if entry.part.blocks[id.index()].is_none() {
            return;
        }
        let mut image = entry.part.clone();
        image.blocks[id.index()] = None;
        let acting = Acting::new(self.tables.parts.get(state[id.index()]).part.clone());
        let taken = Move {
            agent: id,
            store,
            act: Act::Tear,
            gap: None,
            top: false,
            earlier: false,
        };
        self.settle(state, taken, acting, Some(&(store, image)), take);
    }

    pub(super) fn crash_or_restart(
        &mut self,
        state: &[u32],
        id: AgentId,
        part: &Part,
        take: &mut impl FnMut(Step<'_>),
    ) {
        let rules = self.rules;
        let taken = |act| Move {
            agent: id,
            store: StoreId(0),
            act,
            gap: None,
            top: false,
            earlier: false,
        };
        let acting = Acting::new;
        match &part.seat {
            Seat::Up(agent) => {
                let crashed = state.get(rules.agents + rules.stores).copied();
                let may = crashed.is_some_and(|crashed| crashed < rules.crashes);
                if !may || rules.mortal & id.bit() == 0 {
                    return;
                }
                let mut down = part.clone();
                down.seat = Seat::Down {
                    next: agent.incarnation().0 as u16 + 1,
                };
                let drops = rules.in_flight == InFlight::Drop;
                down.ops
                    .retain(|op| !drops && matches!(op, Op::Write { .. }));
                self.settle(state, taken(Act::Crash), acting(down), None, take);
            }
            // A new incarnation of an agent that overwrites in place waits for the dead one's writes.
            Seat::Down { next }
                if rules.restarts & id.bit() != 0
                    && (rules.has_records() || !part.has_writes()) =>
            {
                let mut again = acting(part.clone());
                again.start(rules, id, *next);
                self.finish(state, taken(Act::Restart), again, None, take);
            }
            Seat::Down { .. } | Seat::Stopped => {}
        }
    }
}
