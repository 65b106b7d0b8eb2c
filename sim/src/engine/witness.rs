//! Runs that are written down: what is noted of each step, and with which clock.

use bivalent_core::{AgentId, Effect, Input, Operation, Place, Sink, StoreId};

use super::{
    Engine,
    net::{Pending, Port},
};
use crate::{
    fault::FaultKind,
    journal::{Note, What, Written},
};

impl Engine {
    /// Lets an agent take one step, and writes down what it takes, asks for and says. A path of its
    /// own, so that runs without a journal do not pay for this one.
    #[cold]
    pub(super) fn feed_witnessed(&mut self, id: AgentId, input: Input) {
        self.witness(id, input);
        let seat = &mut self.seats[id.index()];
        seat.steps += 1;
        let mut port = Port {
            net: &mut self.net,
            agent: id,
            incarnation: seat.incarnation,
            rate: seat.rate,
        };
        let mut asked = Vec::new();
        let mut out = |effect: Effect| {
            asked.extend(Written::asked(id, &effect));
            port.push(effect);
        };
        let (before, after) = seat.agent.on(input, &mut out);
        if let Some(journal) = &mut self.journal {
            journal.asks(id, asked);
        }
        if after != before || self.net.milestone.is_some() {
            self.turned(id, before);
        }
    }

    /// Takes note of an input that an agent is about to take.
    fn witness(&mut self, id: AgentId, input: Input) {
        let Some(journal) = &mut self.journal else {
            return;
        };
        let seat = &self.seats[id.index()];
        journal.took(id, seat.incarnation, Some(input));
        if let Some(now) = seat.nearness(&self.plan) {
            journal.came_near(now);
        }
        let waits_for = |epoch: u32, operation: Operation| {
            seat.agent.epoch() & 0xff_ffff == epoch || seat.agent.awaits(operation)
        };
        match input {
            Input::Read {
                store,
                owner,
                epoch,
                block,
                version,
            } => {
                let operation = Operation::Read {
                    store,
                    owner,
                    epoch,
                };
                if waits_for(epoch, operation) {
                    let place = Place { store, owner };
                    journal.reads(id, Written::new(place, version, block));
                    self.note(What::Read {
                        agent: id,
                        store,
                        owner,
                        block,
                    });
                    return;
                }
            }
            Input::Refused {
                store,
                epoch,
                attempt,
            } => {
                let operation = Operation::Write {
                    store,
                    epoch,
                    attempt,
                };
                if seat.agent.awaits(operation) {
                    journal.is_refused((id, store, epoch, attempt));
                    self.note(What::Refused { agent: id, store });
                    return;
                }
            }
            Input::Start { .. }
            | Input::Wrote { .. }
            | Input::Unreadable { .. }
            | Input::TimedOut { .. } => {}
        }
        journal.begins(id);
    }

    /// A write has taken effect.
    #[cold]
    pub(super) fn note_write(&mut self, write: Pending) {
        let Pending {
            agent,
            store,
            block,
            ..
        } = write;
        if let Some(journal) = &mut self.journal {
            let stamp = journal.lands(written(write));
            journal.keep(Note {
                step: self.steps,
                tick: self.net.wheel.now(),
                what: What::Wrote {
                    agent,
                    store,
                    block,
                },
                stamp,
            });
        }
    }

    /// A write has taken effect in part.
    pub(super) fn note_torn(&mut self, write: Pending) {
        if let Some(journal) = &mut self.journal {
            journal.lands(written(write));
        }
    }

    /// A write has taken effect at a place that it was not meant for.
    pub(super) fn note_astray(&mut self, write: Pending, hit: Place) {
        if let Some(journal) = &mut self.journal {
            journal.goes_astray(written(write), hit);
        }
    }

    /// A conditional write has found something else.
    #[cold]
    pub(super) fn note_refusal(&mut self, write: Pending) {
        let place = Self::place_of(write);
        let cell = self.stores.cell(place);
        let found = Written::new(place, cell.applied, cell.block);
        if let Some(journal) = &mut self.journal {
            let refusal = (write.agent, write.store, write.epoch, write.attempt);
            journal.refuses(refusal, found);
        }
    }

    /// Takes note of what happened.
    pub(super) fn note(&mut self, what: What) {
        if let Some(journal) = &mut self.journal {
            journal.note(self.steps, self.net.wheel.now(), what);
        }
    }

    /// Takes note of a fault for the story.
    pub(super) fn note_fault(
        &mut self,
        kind: FaultKind,
        agent: Option<AgentId>,
        store: Option<StoreId>,
        detail: std::fmt::Arguments<'_>,
    ) {
        self.note_fault_on(kind, agent, (store, 0), detail);
    }

    /// The same of a fault that changed blocks on a store, or hid them: `blocks` has the bits of their owners.
    pub(super) fn note_fault_on(
        &mut self,
        kind: FaultKind,
        agent: Option<AgentId>,
        (store, blocks): (Option<StoreId>, u128),
        detail: std::fmt::Arguments<'_>,
    ) {
        if self.journal.is_some() {
            self.note(What::Fault {
                kind,
                agent,
                store,
                blocks,
                detail: detail.to_string(),
            });
        }
    }
}

fn written(write: Pending) -> Written {
    Written::new(Engine::place_of(write), write.version, write.block)
}
