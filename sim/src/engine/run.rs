//! Runs: one seed, or one list of choices, from a fresh world to its end.

use std::sync::atomic::{AtomicU64, Ordering};

use bivalent_core::{Agent, AgentId, Config, DecreeEvent, Incarnation, SingleDecree};

use super::{
    End, Engine,
    net::{Milestone, Port},
};
use crate::{
    dice::{Dice, Purpose},
    event::Event,
    fingerprint::Fingerprint,
    journal::{Journal, Keeps},
    member::Member,
    scenario::Adversary,
    store::Service,
};

impl Engine {
    /// An agent begins its first life. Not all at once: the start is a choice of the run.
    fn start_agent(&mut self, id: AgentId) {
        let role = self.role(id);
        let mut port = Port {
            net: &mut self.net,
            agent: id,
            incarnation: 0,
            rate: 1_000_000,
        };
        let agent = Member::start(&role, Incarnation(0), &mut port);
        let seat = &mut self.seats[id.index()];
        seat.reset(agent);
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

    /// Runs one seed to its end.
    pub fn run(&mut self, seed: u64) -> End {
        self.start(self.plan.dice(seed), None);
        self.go(u64::MAX)
    }

    /// Runs one seed until somebody decides, or to its end.
    pub(crate) fn run_to_first_decision(&mut self, seed: u64) -> End {
        self.start(self.plan.dice(seed), None);
        self.first_is_enough = true;
        self.go(u64::MAX)
    }

    /// Runs one seed and keeps its choices, a digest of every step, and notes.
    pub(crate) fn run_recorded(&mut self, seed: u64) -> (End, Vec<u32>, Journal) {
        let journal = Journal {
            tells: true,
            ..Journal::default()
        };
        self.start(self.plan.dice_kept(seed), Some(Box::new(journal)));
        let end = self.go(u64::MAX);
        let choices = self.net.dice.take_choices();
        (end, choices, self.take_journal())
    }

    /// Runs one seed and keeps notes with clocks.
    pub(crate) fn run_told(&mut self, seed: u64, keeps: Keeps) -> (End, Journal) {
        let journal = Journal::with_clocks(self.plan.agents, keeps);
        self.start(self.plan.dice(seed), Some(Box::new(journal)));
        let end = self.go(u64::MAX);
        (end, self.take_journal())
    }

    /// Runs one seed and keeps its choices, and nothing else.
    pub(crate) fn run_kept(&mut self, seed: u64) -> End {
        self.run_dice(self.plan.dice_kept(seed))
    }

    /// Runs with these dice and nothing written down.
    pub(crate) fn run_dice(&mut self, dice: Dice) -> End {
        self.start(dice, None);
        self.go(u64::MAX)
    }

    /// Runs with these dice up to a step.
    pub(crate) fn run_dice_until(&mut self, dice: Dice, until: u64) {
        self.start(dice, None);
        self.go(until);
    }

    /// Runs with these dice, step by step; `taken` is told of each step that is over.
    pub(crate) fn run_step_by_step(&mut self, dice: Dice, taken: &AtomicU64) {
        self.start(dice, None);
        let mut step = 1;
        while self.go(step) == End::Steps && self.steps() >= step {
            taken.store(step, Ordering::Relaxed);
            step += 1;
        }
    }

    /// The choices that the dice have kept.
    pub(crate) fn take_choices(&mut self) -> Vec<u32> {
        self.net.dice.take_choices()
    }

    /// Runs a list of choices, at most to a step; none of the choices if they did not fit.
    pub(crate) fn run_choices(
        &mut self,
        choices: Vec<u32>,
        until: u64,
    ) -> (End, Journal, Option<usize>) {
        let journal = Journal {
            tells: true,
            ..Journal::default()
        };
        self.start(Dice::playing(choices), Some(Box::new(journal)));
        let end = self.go(until);
        let misfit = self.net.dice.misfit();
        (end, self.take_journal(), misfit)
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

    fn take_journal(&mut self) -> Journal {
        self.journal
            .take()
            .map(|journal| *journal)
            .unwrap_or_default()
    }

    pub(super) fn start(&mut self, dice: Dice, journal: Option<Box<Journal>>) {
        self.net.reset(dice);
        self.stores.reset();
        #[cfg(feature = "planted-bugs")]
        self.stores.plant(self.bug);
        self.service.fill(Service::Up);
        self.waiting.iter_mut().for_each(Vec::clear);
        self.outages.fill(0);
        self.slow_spells.fill(0);
        self.oracles.reset();
        self.fingerprint = Fingerprint::new();
        self.journal = journal;
        self.steps = 0;
        self.store_ops = 0;
        self.decided = 0;
        self.first_is_enough = false;
        self.decisions.clear();
        self.value = None;
        self.solo = None;
        self.healed = false;
        self.liveness.reset();
        self.duel = match *self.plan.adversary.at_first() {
            Adversary::Duel(a, b) => Some((AgentId(a), AgentId(b))),
            Adversary::Random
            | Adversary::Fair
            | Adversary::Pct { .. }
            | Adversary::Pos
            | Adversary::Oblivious
            | Adversary::ContentAware
            | Adversary::StateAware
            | Adversary::KeepBivalent
            | Adversary::Script(_) => None,
        };
        self.order.begin(&self.plan, &mut self.net.dice);
        self.runner = self.duel.map(|(first, _)| first);
        // Before the agents' first steps: a rule at 0 meets their first operations.
        self.set_triggers();
        for index in 0..self.seats.len() {
            self.start_agent(AgentId(index as u8));
        }
        if let Some(heal) = self.plan.heal {
            self.net.wheel.put(heal, Event::Heal.pack());
        }
        self.net
            .wheel
            .put(self.plan.stall, Event::StallCheck.pack());
        // Each rule's events once more. They change nothing (`on_time`), and once did: rules that may strike several times
        // struck twice. They stay because every event is a step and part of the fingerprint: without them no trace,
        // pinned run or step number of a scenario with such rules would be the same.
        self.set_triggers();
    }
}
