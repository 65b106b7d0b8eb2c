//! What replicas say of themselves: into the oracles' book, the counters, and the story.

use bivalent_core::{AgentId, Ballot, Batch, Slot, Standing};

use super::{Deed, LogEngine, Seat, ledger::digest, machines::Load};
use crate::{coverage::Touched, engine::is_down, fault::Happening, oracle::name, probe::Probe};

impl<L: Load> LogEngine<L> {
    pub(super) fn on_chosen(&mut self, id: AgentId, slot: Slot, batch: &Batch<L::Machine>) {
        let replica = &self.participants[id.index()].agent;
        let leads = replica.standing() == Standing::Leading;
        let ballot = replica.ballot().filter(|_| leads);
        self.enter(|_| Deed::Chosen {
            agent: id,
            slot,
            batch: digest(batch),
            requests: batch.len(),
            ballot,
        });
        let fresh = match self.system.book.chosen(slot, batch, ballot, &name(id)) {
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
                    .tally
                    .batches
                    .saturating_record(batch.len() as u64);
            }
            self.note_agent(
                id,
                "decided",
                format_args!(
                    "decides slot {}: {} request{}",
                    slot.0,
                    batch.len(),
                    if batch.len() == 1 { "" } else { "s" }
                ),
            );
            self.happened(Happening::Decided, id, None);
        }
    }

    pub(super) fn on_applied(&mut self, id: AgentId, slot: Slot) {
        // Several slots may be applied in one step; the state is that after the last.
        if let Some(state) = self.judge_state(id, slot.next()) {
            let machine = self.participants[id.index()].agent.machine();
            if let Err(why) = self.system.load.check(machine) {
                let detail = format!("{} after slot {}: {why}", name(id), slot.0);
                self.found("machine", detail);
            }
            self.enter_state(id, slot.next(), state);
        }
        self.judge_whether_over();
    }

    pub(super) fn on_installed(&mut self, id: AgentId, slot: Slot) {
        self.system.tally.installs += 1;
        self.enter(|_| Deed::Installed { agent: id, slot });
        self.net.hit(Probe::Installed);
        if self.participants[id.index()].incarnation > 0 {
            self.net.hit(Probe::InstalledAfterRestart);
        }
        if let Some(state) = self.judge_state(id, slot) {
            self.enter_state(id, slot, state);
        }
        self.note_agent(
            id,
            "installed",
            format_args!("goes on from a snapshot before slot {}", slot.0),
        );
    }

    /// Judges the state of a replica that has applied every slot below this one, and no more; a hash of it.
    fn judge_state(&mut self, id: AgentId, slot: Slot) -> Option<u64> {
        let replica = &self.participants[id.index()].agent;
        if replica.applied() != slot {
            return None;
        }
        let (machine, sessions) = (replica.machine(), replica.sessions());
        let book = &mut self.system.book;
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
    pub(super) fn started(&mut self, id: AgentId, ballot: Ballot) {
        let last = &mut self.participants[id.index()].own.ballot;
        if ballot.agent() == id && Some(ballot) > *last {
            *last = Some(ballot);
            self.liveness.started(Some(ballot));
            self.system.tally.ballots += 1;
            self.enter(|_| Deed::Stands { agent: id, ballot });
            self.note_ballot(
                id,
                "stands",
                ballot,
                format_args!("stands for leader in ballot {ballot:?}"),
            );
            self.happened(Happening::Phase1, id, None);
        }
    }

    pub(super) fn on_leads(&mut self, id: AgentId, ballot: Ballot, from: Slot) {
        if self.system.tally.leaders > 0 {
            self.net.hit(Probe::LeaderReplaced);
        }
        let leads = |seat: &Seat<L>| seat.agent.standing() == Standing::Leading;
        let mut others = self.participants.iter().filter(|seat| seat.id != id);
        if others.any(|seat| leads(seat) && !is_down(seat.status)) {
            self.net.hit(Probe::TwoLeaders);
        }
        self.net.touched.0 |= Touched::TURNED;
        self.system.tally.leaders += 1;
        self.liveness.contention += 1;
        self.fingerprint.mix(ballot.to_bits(), from.0);
        self.enter(|_| Deed::Leads {
            agent: id,
            ballot,
            from,
        });
        let breach = self.system.book.leads(ballot, from, &name(id));
        if let Some((property, detail)) = breach {
            self.found(property, detail);
        }
        self.note_ballot(
            id,
            "leads",
            ballot,
            format_args!("leads in ballot {ballot:?} from slot {} on", from.0),
        );
        self.happened(Happening::Phase2, id, None);
    }

    pub(super) fn on_follows(&mut self, id: AgentId, above: Option<Ballot>) {
        self.enter(|_| Deed::Follows { agent: id });
        match above {
            Some(above) => {
                self.net.hit(Probe::LeaderDeposed);
                self.net.touched.0 |= Touched::TURNED;
                self.note_agent(
                    id,
                    "follows",
                    format_args!("steps down: ballot {above:?} was met"),
                );
            }
            None => self.note_agent(
                id,
                "follows",
                format_args!("does not lead: something decided is nowhere to be found"),
            ),
        }
        self.happened(Happening::Aborted, id, None);
    }
}
