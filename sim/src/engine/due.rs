//! What is to come in every run, whatever its system: whom it is about, and in words.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a system takes its own events; all others are the engine's"
)]

use bivalent_core::{AgentId, StoreId};

use super::{Engine, Status, System, is_down};
use crate::{
    engine::{
        blocks::view::{requests_wait, time},
        event::Event,
        view::Act,
    },
    scenario::Scenario,
    store::Service,
};

/// Whom and which store an event is about, if it is about one.
pub(crate) type About = (Option<AgentId>, Option<StoreId>);

impl<S: System> Engine<S> {
    /// Whom an event is about that is none of the system's own, and is due at a tick; none if it means nothing any more.
    pub(crate) fn about(&self, event: Event, tick: Option<u64>) -> Option<About> {
        match event {
            Event::Restart {
                agent, incarnation, ..
            } => {
                let participant = &self.participants[agent.index()];
                let this = participant.incarnation == incarnation;
                (this && is_down(participant.status)).then_some((Some(agent), None))
            }
            Event::Wake { agent, count } => {
                let participant = &self.participants[agent.index()];
                let sleeps = participant.status == Status::Paused && participant.pauses == count;
                sleeps.then_some((Some(agent), None))
            }
            Event::StoreUp { store, count } => {
                let out = self.service[store.index()] == Service::Out;
                let this = self.outages[store.index()] == count;
                (out && this).then_some((None, Some(store)))
            }
            Event::StoreFast { store, count } => {
                let slow = self.net.percent[store.index()] != 100;
                let this = self.slow_spells[store.index()] == count;
                (slow && this).then_some((None, Some(store)))
            }
            Event::Trigger { rule } | Event::TriggerEnd { rule } => {
                let left = self.net.rules[rule as usize].left > 0;
                (left && !self.healed).then_some((None, None))
            }
            Event::Heal => Some((None, None)),
            Event::StallCheck => {
                let late = tick? >= self.liveness.since + self.plan.stall;
                (late && !self.liveness.open).then_some((None, None))
            }
            own => unreachable!("an event of a system: {own:?}"),
        }
    }

    /// The same event in words, with a note.
    pub(crate) fn to_come(&self, scenario: &Scenario, event: Event) -> (Act, String, String) {
        let store = |store: StoreId| scenario.cluster.stores[store.index()].as_str();
        let rule = |rule: u8| {
            let rule = &self.plan.rules[rule as usize];
            format!("{} (line {})", rule.fault.kind().name(), rule.line)
        };
        let mut note = String::new();
        let (act, text) = match event {
            Event::Restart { .. } => (Act::Restart, "starts again".to_owned()),
            Event::Wake { .. } => (Act::Wake, "goes on".to_owned()),
            Event::StoreUp { store: at, .. } => {
                note = format!("{} for it", requests_wait(self.waiting[at.index()].len()));
                (Act::Store, format!("{} answers again", store(at)))
            }
            Event::StoreFast { store: at, .. } => {
                (Act::Store, format!("{} is as fast as before", store(at)))
            }
            Event::Trigger { rule: it } => (Act::Rule, rule(it)),
            Event::TriggerEnd { rule: it } => (Act::Rule, format!("{} ends", rule(it))),
            Event::Heal => (Act::Heal, "faults end".to_owned()),
            Event::StallCheck => {
                let waited = time(self.plan.ns(self.plan.stall));
                let (what, without) = S::AWAITED;
                (
                    Act::Check,
                    format!("a stall, if {what}: {waited} without {without}"),
                )
            }
            own => unreachable!("an event of a system: {own:?}"),
        };
        (act, text, note)
    }
}
