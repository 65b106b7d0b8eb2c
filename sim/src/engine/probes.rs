//! What agents of one decision come to, wherever their stores are: the probes of a run.

use bivalent_core::{AgentId, Phase, Value};

use super::{Engine, Participant, System, is_down};
use crate::{judge::probe::Probe, store::Service};

impl<S: System> Engine<S> {
    /// Phase 2 begins with a value: is it somebody else's, and is he still there?
    pub(crate) fn probe_adoption(&mut self, id: AgentId, value: Value) {
        if value.0 == self.plan.inputs[id.index()] {
            return;
        }
        self.net.hit(Probe::Adopted);
        let inputs = self.plan.inputs.iter().zip(&self.participants);
        let mut authors = inputs.filter(|&(&input, _)| input == value.0);
        if authors.any(|(_, seat)| is_down(seat.status)) {
            self.net.hit(Probe::AdoptedFromTheDead);
        }
    }

    /// A restarted agent has read back what it must.
    pub(crate) fn probe_recovery(&mut self, id: AgentId, voted: bool) {
        self.net.hit(if voted {
            Probe::RecoveredWithVote
        } else {
            Probe::RecoveredWithoutVote
        });
        let amid = |seat: &Participant<S>| seat.id != id && S::phase(seat) == Some(Phase::Two);
        if self
            .participants
            .iter()
            .any(|seat| amid(seat) && !is_down(seat.status))
        {
            self.net.hit(Probe::RecoveredAmidPhase2);
        }
    }

    /// An attempt ended by another one's ballot; it has been counted.
    pub(crate) fn probe_preemption(&mut self, before: Phase) {
        self.net.hit(match before {
            Phase::Two => Probe::PreemptedInPhase2,
            Phase::Waiting | Phase::Recovering | Phase::One | Phase::Decided => {
                Probe::PreemptedInPhase1
            }
        });
        if S::is_contended(self) {
            self.net.hit(Probe::Contended);
        }
    }

    /// An agent has decided, for the first time in its life.
    pub(crate) fn probe_decision(&mut self, id: AgentId) {
        self.net.hit(Probe::Decided);
        if self.service.iter().any(|&service| service != Service::Up) {
            self.net.hit(Probe::DecidedWithoutAStore);
        }
        if self.participants[id.index()].incarnation > 0 {
            self.net.hit(Probe::DecidedAfterRecovery);
        }
    }

    /// An agent is about to crash, with writes on their way or not.
    pub(crate) fn probe_crash(&mut self, id: AgentId, writes: bool) {
        if writes {
            self.net.hit(Probe::CrashedBetweenWrites);
        }
        if S::phase(&self.participants[id.index()]) == Some(Phase::Two) {
            self.net.hit(Probe::CrashedInPhase2);
        }
    }

    /// Whether an agent reads back what it must.
    pub(crate) fn recovers(&self, id: AgentId) -> bool {
        S::phase(&self.participants[id.index()]) == Some(Phase::Recovering)
    }
}
