//! What replicas say of themselves: into the oracles' book, the counters, and the story.

use bivalent_core::{AgentId, Ballot, Batch, Slot, Standing};

use super::{Deed, LogEngine, Seat, ledger::digest, liveness::is_down, machines::Load};
use crate::{coverage::Touched, fault::Happening, oracle::name, probe::Probe};

impl<L: Load> LogEngine<L> {
    pub(super) fn on_chosen(&mut self, id: AgentId, slot: Slot, batch: &Batch<L::Machine>) {
        let replica = &self.seats[id.index()].replica;
        let leads = replica.standing() == Standing::Leading;
        let ballot = replica.ballot().filter(|_| leads);
        self.enter(|_| Deed::Chosen {
            agent: id,
            slot,
            batch: digest(batch),
            requests: batch.len(),
            ballot,
        });
        let fresh = self.book.chosen(self.steps, slot, batch, ballot, &name(id));
        if fresh {
            self.fingerprint.mix(slot.0, batch.len() as u64);
            self.net.hit(Probe::Decided);
            self.net.touched.0 |= Touched::TURNED;
            if batch.len() > 1 {
                self.net.hit(Probe::Batched);
            }
            if !batch.is_empty() {
                self.tally.batches.saturating_record(batch.len() as u64);
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
            self.happens(Happening::Decided, id, None);
        }
    }

    pub(super) fn on_applied(&mut self, id: AgentId, slot: Slot) {
        let replica = &self.seats[id.index()].replica;
        // Several slots may be applied in one step; the state is that after the last.
        if replica.applied() == slot.next() {
            let (machine, sessions) = (replica.machine(), replica.sessions());
            let who = name(id);
            let state = self
                .book
                .applied(self.steps, slot.next(), machine, sessions, &who);
            if let Err(why) = self.load.check(machine) {
                let detail = format!("{who} after slot {}: {why}", slot.0);
                self.book.found(self.steps, "machine", detail);
            }
            self.enter_state(id, slot.next(), state);
        }
        self.see_whether_over();
    }

    pub(super) fn on_installed(&mut self, id: AgentId, slot: Slot) {
        self.tally.installs += 1;
        self.enter(|_| Deed::Installed { agent: id, slot });
        self.net.hit(Probe::Installed);
        if self.seats[id.index()].incarnation > 0 {
            self.net.hit(Probe::InstalledAfterRestart);
        }
        let replica = &self.seats[id.index()].replica;
        if replica.applied() == slot {
            let (machine, sessions) = (replica.machine(), replica.sessions());
            let state = self
                .book
                .applied(self.steps, slot, machine, sessions, &name(id));
            self.enter_state(id, slot, state);
        }
        self.note_agent(
            id,
            "installed",
            format_args!("goes on from a snapshot before slot {}", slot.0),
        );
    }

    fn enter_state(&mut self, agent: AgentId, slot: Slot, state: u64) {
        self.enter(|_| Deed::Applied { agent, slot, state });
    }

    /// A head with a ballot is on its way: is the ballot new?
    pub(super) fn started(&mut self, id: AgentId, ballot: Ballot) {
        let last = &mut self.seats[id.index()].ballot;
        if ballot.agent() == id && Some(ballot) > *last {
            *last = Some(ballot);
            if self.rounds.0 == 0 {
                self.rounds.0 = ballot.round();
            }
            self.rounds.1 = self.rounds.1.max(ballot.round());
            self.tally.ballots += 1;
            self.enter(|_| Deed::Stands { agent: id, ballot });
            self.note_ballot(
                id,
                "stands",
                ballot,
                format_args!("stands for leader in ballot {ballot:?}"),
            );
            self.happens(Happening::Phase1, id, None);
        }
    }

    pub(super) fn on_leads(&mut self, id: AgentId, ballot: Ballot, from: Slot) {
        if self.tally.leaders > 0 {
            self.net.hit(Probe::LeaderReplaced);
        }
        let leads = |seat: &Seat<L::Machine>| seat.replica.standing() == Standing::Leading;
        let mut others = self.seats.iter().filter(|seat| seat.id != id);
        if others.any(|seat| leads(seat) && !is_down(seat.status)) {
            self.net.hit(Probe::TwoLeaders);
        }
        self.net.touched.0 |= Touched::TURNED;
        self.tally.leaders += 1;
        self.leaders_since += 1;
        self.fingerprint.mix(ballot.to_bits(), from.0);
        self.enter(|_| Deed::Leads {
            agent: id,
            ballot,
            from,
        });
        self.book.leads(self.steps, ballot, from, &name(id));
        self.note_ballot(
            id,
            "leads",
            ballot,
            format_args!("leads in ballot {ballot:?} from slot {} on", from.0),
        );
        self.happens(Happening::Phase2, id, None);
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
        self.happens(Happening::Aborted, id, None);
    }
}
