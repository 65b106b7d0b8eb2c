//! The adversary that has no choice: it follows a script, entry by entry.

use bivalent_core::SingleDecree;

use super::{Blocks, Engine, Mind, Order, Pick};
use crate::{
    engine::{
        event::{self, ReadOp},
        is_down,
        net::Pooled,
    },
    scenario::{
        Adversary,
        fault::FaultKind,
        script::{Deed, Entry},
    },
};

impl Order {
    /// A script is followed.
    pub(in crate::engine::blocks) const fn is_scripted(&self) -> bool {
        self.active && matches!(self.mind, Mind::Script(_))
    }
}

impl Engine<Blocks> {
    /// There is a script, which may crash agents and start them again.
    pub(in crate::engine::blocks) fn is_scripted(&self) -> bool {
        matches!(self.plan.adversary, Adversary::Script(_))
    }

    pub(super) fn pick_by_script(&mut self, at: u64) -> Pick {
        let Adversary::Script(script) = &self.plan.adversary else {
            unreachable!("the plan says so");
        };
        let Some(entry) = script.entry(at) else {
            // It is over: the rest is anybody's.
            self.stop_picking();
            self.judge_whether_over();
            return Pick::Made;
        };
        let Entry {
            agent,
            store,
            deed,
            gap,
        } = entry;
        self.net.ballots.gap = gap;
        let wanted = |pooled: &Pooled| match deed {
            Deed::Read { owner } if event::kind(pooled.bits) == event::KIND_READ => {
                let op = ReadOp::unpack(pooled.bits);
                (op.agent, op.store, op.owner) == (agent, store, owner)
            }
            Deed::Write | Deed::Tear => self
                .pooled_write(pooled.bits)
                .is_some_and(|write| (write.agent, write.store) == (agent, store)),
            Deed::Stale { owner } | Deed::Delay { owner: Some(owner) }
                if event::kind(pooled.bits) == event::KIND_READ =>
            {
                let op = ReadOp::unpack(pooled.bits);
                (op.agent, op.store, op.owner) == (agent, store, owner)
            }
            Deed::Delay { owner: None } => self
                .pooled_write(pooled.bits)
                .is_some_and(|write| (write.agent, write.store) == (agent, store)),
            Deed::Read { .. }
            | Deed::Stale { .. }
            | Deed::Delay { .. }
            | Deed::Crash
            | Deed::Restart => false,
        };
        match deed {
            // In the time until there is something to choose from nothing is chosen.
            _ if self.system.order.took_over && !self.has_choice() => return Pick::Made,
            Deed::Write | Deed::Read { .. } => {
                // What this phase asked for comes before what is left of an earlier one.
                if let Some(place) = self.net.pool.iter().rposition(wanted) {
                    self.system.order.mind = Mind::Script(at + 1);
                    self.commit(place);
                    return Pick::Made;
                }
            }
            Deed::Tear => {
                let place = self.net.pool.iter().rposition(wanted);
                let write = place.and_then(|place| self.pooled_write(self.net.pool[place].bits));
                if let Some(write) = write {
                    self.system.order.mind = Mind::Script(at + 1);
                    self.net.drawn(FaultKind::TornWrite);
                    return self.act(|engine| engine.half_land(write));
                }
            }
            Deed::Stale { .. } => {
                if let Some(place) = self.net.pool.iter().rposition(wanted) {
                    self.system.order.mind = Mind::Script(at + 1);
                    return self.act(|engine| engine.answer_stale(place));
                }
            }
            Deed::Delay { .. } => {
                if let Some(place) = self.net.pool.iter().rposition(wanted) {
                    self.system.order.mind = Mind::Script(at + 1);
                    return self.act(|engine| engine.delay_pooled(place));
                }
            }
            // Nobody crashes before all have started, as in an explorer's first state.
            Deed::Crash if self.somebody_has_not_started() => return Pick::Made,
            Deed::Crash if !is_down(self.participants[agent.index()].status) => {
                self.system.order.mind = Mind::Script(at + 1);
                self.net.drawn(FaultKind::Crash);
                return self.act(|engine| engine.crash(agent, None, false));
            }
            Deed::Restart if is_down(self.participants[agent.index()].status) => {
                self.system.order.mind = Mind::Script(at + 1);
                self.net.drawn(FaultKind::Restart);
                self.net.landed(FaultKind::Restart);
                return self.act(|engine| {
                    let seat = &mut engine.participants[agent.index()];
                    seat.decided = false;
                    let incarnation = seat.incarnation;
                    engine.on_restart(agent, incarnation, false);
                });
            }
            Deed::Crash | Deed::Restart => {}
        }
        if self.net.now() <= self.plan.start {
            // Somebody may not have started yet.
            return Pick::Made;
        }
        Pick::Misfit
    }

    /// The way of a script is not at its end: who has decided may still crash and start again.
    pub(in crate::engine::blocks) fn has_way_to_go(&self) -> bool {
        let Adversary::Script(script) = &self.plan.adversary else {
            return false;
        };
        let at = self.script_at();
        at.is_some_and(|at| at < script.stem.len() as u64)
    }

    fn somebody_has_not_started(&self) -> bool {
        let mut seats = self.participants.iter();
        self.net.now() <= self.plan.start && seats.any(|seat| seat.agent.epoch() == 0)
    }

    /// The number of the entry at which a script stands, from 0.
    pub fn script_at(&self) -> Option<u64> {
        if let Mind::Script(at) = self.system.order.mind {
            Some(at)
        } else {
            None
        }
    }
}
