//! The duel: an adversary that lets two agents run in turn, so that each undoes the other's attempt.
//!
//! It only holds operations back and lets them go; each is answered in the end, nobody crashes.

use bivalent_core::AgentId;

use super::{Blocks, Engine, seat::Held};
use crate::engine::Status;

impl Engine<Blocks> {
    /// Lets the other of two duellists run, once this one has a ballot that undoes his attempt.
    pub(super) fn duel_turn(&mut self, id: AgentId) {
        let Some((a, b)) = self.system.duel else {
            return;
        };
        if self.system.runner != Some(id) {
            return;
        }
        let other = if id == a { b } else { a };
        let (this, that) = (
            &self.participants[id.index()],
            &self.participants[other.index()],
        );
        // Who stands still undoes nothing; but he runs on if this one can't.
        let this_runs = this.status == Status::Up && !this.decided;
        let stands_still = that.status == Status::Paused && this_runs;
        if matches!(that.status, Status::Down { .. }) || that.decided || stands_still {
            return;
        }
        self.system.runner = Some(other);
        let held = std::mem::take(&mut self.participants[other.index()].own.held);
        for &Held { bits, tick, ops } in &held {
            let now = self.net.now();
            self.net.wheel.put(now + 1, bits);
            self.system
                .order
                .waited(self.store_ops - ops, now + 1 - tick);
        }
        self.participants[other.index()].own.held = held;
        self.participants[other.index()].own.held.clear();
    }

    /// Holds an operation back.
    pub(super) fn hold(&mut self, agent: AgentId, bits: u64) {
        let held = Held {
            bits,
            tick: self.net.now(),
            ops: self.store_ops,
        };
        self.participants[agent.index()].own.held.push(held);
    }

    /// Whether the adversary holds an agent's operations back now.
    #[inline]
    pub(super) fn holds(&self, agent: AgentId) -> bool {
        match self.system.duel {
            None => false,
            Some((a, b)) => (agent == a || agent == b) && self.system.runner != Some(agent),
        }
    }

    /// Nobody is held back any more.
    pub(super) fn end_duel(&mut self) {
        let Some((a, b)) = self.system.duel.take() else {
            return;
        };
        self.system.runner = None;
        for id in [a, b] {
            self.let_go(id);
        }
    }

    /// Lets everything go that was held back of an agent.
    pub(super) fn let_go(&mut self, id: AgentId) {
        let mut held = std::mem::take(&mut self.participants[id.index()].own.held);
        for held in held.drain(..) {
            self.net.wheel.put(self.net.now() + 1, held.bits);
        }
        self.participants[id.index()].own.held = held;
    }

    /// A duel needs two: when one is down, or done, the other runs.
    pub(super) fn pass_duel_on(&mut self, id: AgentId) {
        if self.system.runner == Some(id) {
            self.duel_turn(id);
        }
    }
}
