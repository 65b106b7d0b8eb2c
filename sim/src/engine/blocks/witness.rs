//! Runs that are written down: what is noted of each step, and with which clock.

use bivalent_core::{
    AgentId, Ballot, BlockOp, BlockReply, BlockTag, DecreeEvent, DecreeSaid, DecreeTimer, Explored,
    Pause, Place, Port as Door, SingleDecree, StoreId,
};

use super::{Blocks, Engine};
use crate::engine::net::{Pending, Port};
use crate::{
    engine::{
        journal::{Note, What, Written},
        nearness::nearness,
    },
    protocol::member::Member,
};

/// An agent's door to the net, and somebody who writes down what is asked for.
struct Witness<'a> {
    port: Port<'a>,
    asked: Vec<Written>,
}

impl Door<Member> for Witness<'_> {
    fn ask(&mut self, store: StoreId, tag: BlockTag, tries: u8, op: BlockOp) {
        self.asked
            .extend(Written::asked(self.port.agent, store, op));
        Door::<Member>::ask(&mut self.port, store, tag, tries, op);
    }

    fn wake(&mut self, timer: DecreeTimer, pause: Pause) {
        Door::<Member>::wake(&mut self.port, timer, pause);
    }

    fn draw(&mut self, below: u64) -> u64 {
        Door::<Member>::draw(&mut self.port, below)
    }

    fn ballot(&mut self, above: Option<Ballot>) -> Option<Ballot> {
        Door::<Member>::ballot(&mut self.port, above)
    }

    fn say(&mut self, said: DecreeSaid) {
        Door::<Member>::say(&mut self.port, said);
    }
}

impl Engine<Blocks> {
    /// Lets an agent take one step, and writes down what it takes, asks for and says. A path of its
    /// own, so that runs without a journal do not pay for this one.
    #[cold]
    pub(super) fn feed_witnessed(&mut self, id: AgentId, event: DecreeEvent) {
        self.witness(id, event);
        let seat = &mut self.participants[id.index()];
        seat.steps += 1;
        let mut port = Witness {
            port: Port {
                net: &mut self.net,
                agent: id,
                incarnation: seat.incarnation,
                rate: seat.rate,
            },
            asked: Vec::new(),
        };
        let (before, after) = seat.agent.step_over(event.told(), &mut port);
        let asked = port.asked;
        if let Some(journal) = &mut self.journal {
            journal.asks(id, asked);
        }
        if after != before || self.net.milestone.is_some() {
            self.turned(id, before);
        }
    }

    /// Takes note of an event that an agent is about to be told.
    fn witness(&mut self, id: AgentId, event: DecreeEvent) {
        let Some(journal) = &mut self.journal else {
            return;
        };
        let seat = &self.participants[id.index()];
        journal.took(id, seat.incarnation, Some(event));
        if let Some(now) = nearness(&seat.agent, &self.plan) {
            journal.came_near(now);
        }
        match event {
            DecreeEvent::Replied(
                store,
                tag @ BlockTag::Read { owner, epoch },
                BlockReply::Block { block, version },
            ) => {
                let current = seat.agent.epoch() & 0xff_ffff == epoch;
                if current || seat.agent.awaits(store, tag) {
                    let place = Place { store, owner };
                    journal.reads(id, &[Written::new(place, version, block)]);
                    self.note(What::Read {
                        agent: id,
                        store,
                        owner,
                        block,
                    });
                    return;
                }
            }
            DecreeEvent::Replied(
                store,
                tag @ BlockTag::Write { epoch, attempt },
                BlockReply::Refused,
            ) => {
                if seat.agent.awaits(store, tag) {
                    journal.is_refused((id, store, epoch, attempt));
                    self.note(What::Refused { agent: id, store });
                    return;
                }
            }
            DecreeEvent::Replied(..) | DecreeEvent::TimedOut(..) | DecreeEvent::Woke(_) => {}
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
        let cell = self.system.stores.cell(place);
        let found = Written::new(place, cell.applied, cell.block);
        if let Some(journal) = &mut self.journal {
            let refusal = (write.agent, write.store, write.epoch, write.attempt);
            journal.refuses(refusal, found);
        }
    }
}

fn written(write: Pending) -> Written {
    Written::new(Engine::place_of(write), write.version, write.block)
}
