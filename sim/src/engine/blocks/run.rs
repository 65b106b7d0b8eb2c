//! Runs of one decision that are run for something else than their end.

use bivalent_core::{Agent, AgentId, Config, DecreeEvent, Incarnation, SingleDecree};

use super::{Blocks, Engine};
use crate::{
    engine::{
        dice::Purpose,
        event::Event,
        journal::Journal,
        net::{Milestone, Port},
    },
    protocol::member::Member,
};

impl Engine<Blocks> {
    /// An agent begins its first life. Not all at once: the start is a choice of the run.
    pub(super) fn start_agent(&mut self, id: AgentId) {
        let role = self.role(id);
        let mut port = Port {
            net: &mut self.net,
            agent: id,
            incarnation: 0,
            rate: 1_000_000,
        };
        let agent = Member::start(&role, Incarnation(0), &mut port);
        let seat = &mut self.participants[id.index()];
        seat.agent = agent;
        let alarm = match self.net.milestone.take() {
            Some(Milestone::Alarm(_)) => true,
            Some(Milestone::Over { alarm, .. }) => alarm.is_some(),
            Some(Milestone::Decided(_)) | None => false,
        };
        if alarm {
            let start = self.net.dice.within(Purpose::Pause, 0, self.plan.start);
            let event = Event::Start {
                agent: id,
                incarnation: 0,
                epoch: seat.agent.epoch() & 0xff_ffff,
            };
            self.net.wheel.put(start, event.pack());
        }
    }

    /// Runs one seed and returns every event that an agent was told, with the agent and its incarnation;
    /// no event stands for a restart. What a replay of the agents alone needs.
    pub fn run_taped(&mut self, seed: u64) -> Vec<(AgentId, u16, Option<DecreeEvent>)> {
        let journal = Journal {
            tapes: true,
            ..Journal::default()
        };
        self.start(self.plan.dice(seed), Some(Box::new(journal)));
        self.go(u64::MAX);
        self.take_journal().tape
    }

    /// How an agent starts its first incarnation.
    pub fn config_of(&self, id: AgentId) -> Config {
        self.config(id)
    }
}
