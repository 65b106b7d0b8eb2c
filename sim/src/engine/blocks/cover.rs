//! Features of a run: what happened out of the ordinary, with the agent and the store in outline.

use bivalent_core::{AgentId, Ballot, Place, SingleDecree, StoreId, Value};

use super::{Blocks, Engine};
use crate::{
    engine::event::{Event, ReadOp},
    judge::coverage::{self, Touched},
    store::Service,
};

impl Engine<Blocks> {
    /// Notes the feature of the step that has just been taken.
    #[cold]
    pub(super) fn note_feature(&mut self, bits: u64) {
        let touched = std::mem::take(&mut self.net.touched).0;
        let (agent, store) = self.concerned(bits);
        let phase = agent.map_or(0, |agent| {
            let seat = &self.participants[agent.index()];
            let aborts = u64::from(seat.own.aborts.min(3));
            let turned = u64::from(touched & Touched::TURNED != 0);
            1 + seat.agent.phase() as u64 + (aborts << 4) + (turned << 8)
        });
        let store = store.map_or(0, |store| self.outline(store, agent));
        self.net
            .coverage
            .add(coverage::feature(touched, phase, store));
    }

    /// Whose step it was, and on which store.
    fn concerned(&self, bits: u64) -> (Option<AgentId>, Option<StoreId>) {
        match Event::unpack(bits) {
            Event::Read(ReadOp { agent, store, .. })
            | Event::ReadTimeout(ReadOp { agent, store, .. })
            | Event::WriteTimeout { agent, store, .. } => (Some(agent), Some(store)),
            Event::Write { pending } => {
                // Let go by now, and not yet used again.
                let write = &self.net.pending[pending as usize];
                (Some(write.agent), Some(write.store))
            }
            Event::Start { agent, .. }
            | Event::Restart { agent, .. }
            | Event::Wake { agent, .. } => (Some(agent), None),
            Event::StoreUp { store, .. } | Event::StoreFast { store, .. } => (None, Some(store)),
            Event::Trigger { .. }
            | Event::TriggerEnd { .. }
            | Event::Heal
            | Event::StallCheck
            | Event::Op { .. }
            | Event::Due { .. }
            | Event::Client { .. } => (None, None),
        }
    }

    /// A store in outline: whether it answers, how many votes and how many different values stand there,
    /// whether the agent's promise is the greatest, whether something can't be read.
    fn outline(&self, store: StoreId, agent: Option<AgentId>) -> u64 {
        let mut votes = 0_u64;
        let mut value: Option<Value> = None;
        let mut mixed = false;
        let mut unreadable = false;
        let mut greatest: Option<Ballot> = None;
        // A record is that of the first: `RECORD`.
        let owners = if self.plan.protocol.is_conditional() {
            1
        } else {
            self.plan.agents
        };
        for owner in (0..owners as u16).map(AgentId) {
            let cell = self.system.stores.cell(Place { store, owner });
            unreadable |= cell.unreadable;
            if cell.block.mbal > greatest {
                greatest = cell.block.mbal;
            }
            if let Some(vote) = cell.block.vote {
                votes += 1;
                mixed |= value.is_some_and(|value| value != vote.inp);
                value = Some(vote.inp);
            }
        }
        let leads = agent.is_some_and(|agent| {
            greatest.is_some_and(|greatest| {
                self.participants[agent.index()].agent.block().mbal >= Some(greatest)
            })
        });
        let service = match self.service[store.index()] {
            Service::Up => 0,
            Service::Out => 1,
            Service::Lost => 2,
        };
        1 + service
            + (votes.min(2) << 2)
            + (u64::from(mixed) << 4)
            + (u64::from(unreadable) << 5)
            + (u64::from(leads) << 6)
    }
}
