//! What replicas say of themselves: into the oracles' book, the counters, and the story.

use bivalent_core::{AgentId, Ballot, Batch, LogOp, LogSaid, Replica, Slot, Standing, StoreId};

use super::{Deed, LogEngine, Seat, ledger::digest, machines::Load, replica};
use crate::{
    engine::{is_down, journal::What},
    judge::{coverage::Touched, oracle::name, probe::Probe},
    scenario::fault::Happening,
};

impl<L: Load> LogEngine<L> {
    /// A replica says something of itself.
    pub(super) fn on_said(&mut self, id: AgentId, said: LogSaid<L::Machine>) {
        match said {
            LogSaid::Answer { ticket, outcome } => self.on_answer(ticket, outcome),
            LogSaid::Chosen { slot, batch } => self.on_chosen(id, slot, &batch),
            LogSaid::Applied { slot } => self.on_applied(id, slot),
            LogSaid::Installed { slot } => self.on_installed(id, slot),
            LogSaid::Leads { ballot, from } => self.on_leads(id, ballot, from),
            LogSaid::Follows { above } => self.on_follows(id, above),
        }
    }

    /// A replica asks a store for something.
    pub(super) fn on_asked(&mut self, id: AgentId, op: &LogOp<L::Machine>) {
        if let LogOp::WriteHead { head, .. } = op {
            self.enter(|_| Deed::Vowed {
                agent: id,
                promise: head.mbal,
                floor: head.floor,
            });
            let said = self.system.part.vows.said(id, head);
            for (property, detail) in said.into_iter().flatten() {
                self.found(property, detail);
            }
            if let Some(ballot) = head.mbal {
                self.started(id, ballot);
            }
        }
        self.clock_write(id, op);
    }

    /// A replica's write has come to a store.
    pub(super) fn on_landed(&mut self, id: AgentId, store: StoreId, op: &LogOp<L::Machine>) {
        let log = &mut self.system.part;
        let ops = &mut log.tally.ops;
        match op {
            LogOp::WriteHead { version, head } => {
                ops.heads += 1;
                let start = version.incarnation();
                log.vows.taken(id, start, store, head);
            }
            LogOp::WriteVote(_) => ops.votes += 1,
            LogOp::WriteSnapshot { .. } => ops.snapshots += 1,
            LogOp::Drop { .. } => ops.drops += 1,
            LogOp::ReadHeads | LogOp::Scan { .. } | LogOp::ReadSnapshot { .. } => {}
        }
        self.enter_write(id, store, op);
    }

    fn on_chosen(&mut self, id: AgentId, slot: Slot, batch: &Batch<L::Machine>) {
        let replica = self.replica(id);
        let leads = replica.filter(|it| it.standing() == Standing::Leading);
        let ballot = leads.and_then(Replica::ballot);
        self.enter(|_| Deed::Chosen {
            agent: id,
            slot,
            batch: digest(batch),
            requests: batch.len(),
            ballot,
        });
        let fresh = match self.system.part.book.chosen(slot, batch, ballot, &name(id)) {
            Ok(fresh) => fresh,
            Err((property, detail)) => {
                self.found(property, detail);
                false
            }
        };
        if fresh {
            self.fingerprint.mix(slot.0, batch.len() as u64);
            self.net.hit(Probe::Decided);
            self.net.touched.0 |= Touched::TURNED;
            if batch.len() > 1 {
                self.net.hit(Probe::Batched);
            }
            if !batch.is_empty() {
                self.system
                    .part
                    .tally
                    .batches
                    .saturating_record(batch.len() as u64);
            }
            self.note(What::Chosen {
                agent: id,
                slot,
                requests: batch.len(),
            });
            self.happened(Happening::Decided, id, None);
        }
    }

    fn on_applied(&mut self, id: AgentId, slot: Slot) {
        // Several slots may be applied in one step; the state is that after the last.
        if let Some(state) = self.judge_state(id, slot.next()) {
            let machine = self.replica(id).map(Replica::machine);
            let load = &self.system.part.load;
            if let Some(Err(why)) = machine.map(|machine| load.check(machine)) {
                let detail = format!("{} after slot {}: {why}", name(id), slot.0);
                self.found("machine", detail);
            }
            self.enter_state(id, slot.next(), state);
        }
        self.judge_whether_over();
    }

    fn on_installed(&mut self, id: AgentId, slot: Slot) {
        self.system.part.tally.installs += 1;
        self.enter(|_| Deed::Installed { agent: id, slot });
        self.net.hit(Probe::Installed);
        if self.participants[id.index()].incarnation > 0 {
            self.net.hit(Probe::InstalledAfterRestart);
        }
        if let Some(state) = self.judge_state(id, slot) {
            self.enter_state(id, slot, state);
        }
        self.note(What::Installed { agent: id, slot });
    }

    /// Judges the state of a replica that has applied every slot below this one, and no more; a hash of it.
    fn judge_state(&mut self, id: AgentId, slot: Slot) -> Option<u64> {
        let agent = &self.participants[id.index()].agent;
        let replica = replica(agent).filter(|it| it.applied() == slot)?;
        let (machine, sessions) = (replica.machine(), replica.sessions());
        let book = &mut self.system.part.book;
        let (state, breaches) = book.applied(slot, machine, sessions, &name(id));
        for (property, detail) in breaches.into_iter().flatten() {
            self.found(property, detail);
        }
        Some(state)
    }

    fn enter_state(&mut self, agent: AgentId, slot: Slot, state: u64) {
        self.enter(|_| Deed::Applied { agent, slot, state });
    }

    /// A head with a ballot is on its way: is the ballot new?
    fn started(&mut self, id: AgentId, ballot: Ballot) {
        let last = &mut self.system.part.own[id.index()].ballot;
        if ballot.agent() == id && Some(ballot) > *last {
            *last = Some(ballot);
            self.liveness.started(Some(ballot));
            self.system.part.tally.ballots += 1;
            self.enter(|_| Deed::Stands { agent: id, ballot });
            self.note(What::Stands { agent: id, ballot });
            self.happened(Happening::Phase1, id, None);
        }
    }

    fn on_leads(&mut self, id: AgentId, ballot: Ballot, from: Slot) {
        if self.system.part.tally.leaders > 0 {
            self.net.hit(Probe::LeaderReplaced);
        }
        let leads = |seat: &Seat<L>| {
            let replica = replica(&seat.agent);
            replica.is_some_and(|it| it.standing() == Standing::Leading)
        };
        let mut others = self.participants.iter().filter(|seat| seat.id != id);
        if others.any(|seat| leads(seat) && !is_down(seat.status)) {
            self.net.hit(Probe::TwoLeaders);
        }
        self.net.touched.0 |= Touched::TURNED;
        self.system.part.tally.leaders += 1;
        self.liveness.contention += 1;
        self.fingerprint.ballot(Some(ballot), from.0);
        self.enter(|_| Deed::Leads {
            agent: id,
            ballot,
            from,
        });
        let breach = self.system.part.book.leads(ballot, from, &name(id));
        if let Some((property, detail)) = breach {
            self.found(property, detail);
        }
        self.note(What::Leads {
            agent: id,
            ballot,
            from,
        });
        self.happened(Happening::Phase2, id, None);
    }

    fn on_follows(&mut self, id: AgentId, above: Option<Ballot>) {
        self.enter(|_| Deed::Follows { agent: id });
        if above.is_some() {
            self.net.hit(Probe::LeaderDeposed);
            self.net.touched.0 |= Touched::TURNED;
        }
        self.note(What::Follows { agent: id, above });
        self.happened(Happening::Aborted, id, None);
    }
}
