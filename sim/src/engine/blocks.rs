//! Agents of one decision on stores of blocks: what a run of the engine means to them.
//!
//! Everything is reused from seed to seed: a run allocates nothing once the first few have warmed it up.

mod account;
pub(crate) mod ballots;
mod cover;
mod duel;
mod judge;
pub(crate) mod order;
#[cfg(feature = "planted-bugs")]
mod planted;
pub(crate) mod possible;
mod put;
mod read;
mod run;
pub(crate) mod seat;
mod solo;
mod system;
pub(crate) mod view;
mod witness;
mod write;

use std::sync::Arc;

use bivalent_core::{
    AgentId, Ballot, BlockTag, Config, DecreeEvent, DecreeTimer, Incarnation, Pause, Phase,
    SingleDecree, StoreId, Value,
};

use crate::{
    engine::{
        Engine, Status,
        dice::Purpose,
        event::Event,
        journal::What,
        net::{Milestone, Port},
    },
    judge::{coverage::Touched, oracle::Oracles, probe::Probe},
    protocol::{
        Agents,
        member::{Cast, Member, Role},
    },
    scenario::{
        Scenario,
        fault::{FaultKind, Happening},
        plan::Plan,
    },
    store::Stores,
};

use seat::Seat;

/// A simulator of one scenario of one decision on stores of blocks, to be run with many seeds.
pub type BlockEngine = Engine<Blocks>;

/// Stores of blocks, the judges of one decision, and the adversaries that order operations.
#[derive(Clone, Debug)]
pub struct Blocks {
    cast: Cast,
    stores: Stores,
    oracles: Oracles,
    decided: u32,
    /// A run is over with the first decision.
    /// Ticks of the decisions, in order.
    decisions: Vec<u64>,
    value: Option<Value>,
    /// The agent the duel lets run.
    runner: Option<AgentId>,
    duel: Option<(AgentId, AgentId)>,
    /// The adversary that picks operations.
    order: order::Order,
}

impl Engine<Blocks> {
    /// Works a scenario out and allocates what its runs need.
    pub fn new(scenario: &Scenario) -> Self {
        Self::with_cast(scenario, Cast::BuiltIn(scenario.cluster.protocol))
    }

    /// The same with agents of a user's protocol.
    ///
    /// # Panics
    ///
    /// If the adversary is one that explores, or a script: both know the core's agents alone.
    pub fn with_agents(scenario: &Scenario, agents: Agents) -> Self {
        let adversary = &scenario.schedule.adversary;
        assert!(
            Agents::bear(adversary),
            "{adversary:?} knows the core's agents alone"
        );
        Self::with_cast(scenario, Cast::Own(agents))
    }

    fn with_cast(scenario: &Scenario, cast: Cast) -> Self {
        let plan = Arc::new(Plan::new(scenario));
        let blocks = Blocks {
            cast,
            stores: Stores::new(plan.layout, plan.agents, plan.stores, plan.history),
            oracles: Oracles::new(&plan),
            decided: 0,
            decisions: Vec::with_capacity(plan.agents),
            value: None,
            runner: None,
            duel: None,
            order: order::Order::new(scenario),
        };
        let agent = |id| {
            let config = config(&plan, id);
            Member::begin(&Role { cast, config }, Incarnation(0)).0
        };
        Self::of(scenario.planted, Arc::clone(&plan), blocks, agent)
    }

    /// Plants a bug in the stores from the next run on: they take every fifth conditional write,
    /// whatever stands there.
    #[cfg(feature = "planted-bugs")]
    pub fn plant_in_conditions(&mut self, ignores_conditions: bool) {
        self.system.stores.ignores_conditions = ignores_conditions;
    }

    /// Plants a bug in the stores from the next run on: they lose every fifth write.
    #[cfg(feature = "planted-bugs")]
    pub fn plant_in_stores(&mut self, loses_writes: bool) {
        self.system.stores.loses_writes = loses_writes;
    }

    fn role(&self, id: AgentId) -> Role {
        Role {
            cast: self.system.cast,
            config: self.config(id),
        }
    }

    fn config(&self, id: AgentId) -> Config {
        let config = config(&self.plan, id);
        #[cfg(feature = "planted-bugs")]
        let config = config.with_bug(self.bug);
        config
    }

    #[cold]
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a system takes its own events; all others are the engine's"
    )]
    fn on_rare(&mut self, bits: u64) {
        match Event::unpack(bits) {
            Event::Read(_) => self.on_read(bits),
            Event::Write { .. } => self.on_write(bits),
            Event::ReadTimeout(op) => {
                let silence = DecreeEvent::TimedOut(op.store, op.tag());
                self.deliver(op.agent, op.incarnation, silence);
            }
            Event::WriteTimeout {
                agent,
                incarnation,
                store,
                epoch,
                attempt,
            } => {
                let tag = BlockTag::Write { epoch, attempt };
                self.deliver(agent, incarnation, DecreeEvent::TimedOut(store, tag));
            }
            Event::Start {
                agent,
                incarnation,
                epoch,
            } => self.on_start(agent, incarnation, epoch),
            // Whoever has taken a run over is not stopped by the scenario's end of faults.
            Event::Heal if self.system.order.took_over => {}
            common => self.take_common(common),
        }
    }

    fn on_start(&mut self, agent: AgentId, incarnation: u16, epoch: u32) {
        let seat = &self.participants[agent.index()];
        let stale = seat.incarnation != incarnation || seat.agent.epoch() & 0xff_ffff != epoch;
        if stale || seat.agent.phase() != Phase::Waiting {
            return;
        }
        #[cfg(feature = "planted-bugs")]
        if self.waits_for_the_dead(agent) {
            self.start_later(agent, incarnation, epoch);
            return;
        }
        self.prepare_ballot();
        let alarm = DecreeEvent::Woke(DecreeTimer::Attempt);
        self.deliver(agent, incarnation, alarm);
    }

    /// Gives an answer to an agent, if it is still the one that asked.
    #[inline]
    fn deliver(&mut self, agent: AgentId, incarnation: u16, event: DecreeEvent) {
        let seat = &self.participants[agent.index()];
        if seat.incarnation == incarnation && seat.status == Status::Up {
            self.feed(agent, event);
        } else {
            self.deliver_odd(agent, incarnation, event);
        }
    }

    #[cold]
    fn deliver_odd(&mut self, agent: AgentId, incarnation: u16, event: DecreeEvent) {
        let seat = &mut self.participants[agent.index()];
        if seat.incarnation != incarnation || matches!(seat.status, Status::Down { .. }) {
            // Asked for by an incarnation that is no more.
            self.net.hit(Probe::AnswerToTheDead);
            self.net.observed(FaultKind::Crash);
            return;
        }
        seat.inbox.push(event);
        self.net.observed(FaultKind::Pause);
    }

    /// Lets an agent take one step.
    #[inline]
    fn feed(&mut self, id: AgentId, event: DecreeEvent) {
        if self.journal.is_some() {
            self.feed_witnessed(id, event);
            return;
        }
        let seat = &mut self.participants[id.index()];
        seat.steps += 1;
        let mut port = Port {
            net: &mut self.net,
            agent: id,
            incarnation: seat.incarnation,
            rate: seat.rate,
        };
        let (before, after) = seat.agent.step_over(event.told(), &mut port);
        if after != before || self.net.milestone.is_some() {
            self.turned(id, before);
        }
    }

    /// An agent has entered another phase, or said something.
    #[cold]
    fn turned(&mut self, id: AgentId, before: Phase) {
        let agent = &self.participants[id.index()].agent;
        let phase = agent.phase();
        let block = agent.block();
        let word = block.vote.map_or(0, |vote| vote.inp.0);
        self.net.touched.0 |= Touched::TURNED;
        self.fingerprint
            .ballot(block.mbal, word.rotate_left(8) ^ phase as u64);
        match self.net.milestone.take() {
            Some(Milestone::Over {
                recovered,
                above,
                alarm,
            }) => self.on_over(id, before, (recovered, above), alarm),
            Some(Milestone::Alarm(pause)) => {
                self.set_alarm(id, pause);
                self.begin_at_once(id);
            }
            Some(Milestone::Decided(value)) => self.on_decide(id, value),
            None => {}
        }
        match phase {
            Phase::One if before != Phase::One => {
                if let Some(ballot) = block.mbal {
                    self.note(What::Phase1 { agent: id, ballot });
                }
                self.liveness.started(block.mbal);
                self.happened(Happening::Phase1, id, None);
            }
            Phase::Two if before != Phase::Two => {
                if let Some(vote) = block.vote {
                    self.probe_adoption(id, vote.inp);
                    self.note(What::Phase2 {
                        agent: id,
                        ballot: vote.bal,
                        value: vote.inp,
                    });
                }
                self.check_votes(id);
                self.duel_turn(id);
                self.happened(Happening::Phase2, id, None);
            }
            Phase::Waiting | Phase::Recovering | Phase::One | Phase::Two | Phase::Decided => {}
        }
    }

    /// An attempt of an agent will begin after a pause, if it does not begin at once.
    fn set_alarm(&mut self, id: AgentId, pause: Pause) {
        let seat = &mut self.participants[id.index()];
        let (min, max) = match pause {
            Pause::Between { min, max } => (self.plan.ticks(min), self.plan.ticks(max)),
            Pause::Patience => (self.plan.timeout, self.plan.timeout),
            Pause::Backoff => {
                seat.own.aborts += 1;
                let (min, max) = self.plan.retry.pause(seat.own.aborts);
                (self.plan.ticks(min), self.plan.ticks(max))
            }
        };
        let rate = u64::from(seat.rate);
        let event = Event::Start {
            agent: id,
            incarnation: seat.incarnation,
            epoch: seat.agent.epoch() & 0xff_ffff,
        };
        let pause = self.net.dice.within(Purpose::Pause, min, max) * 1_000_000 / rate;
        if rate != 1_000_000 {
            self.net.observed(FaultKind::ClockSkew);
        }
        if !self.system.order.restarts_at_once() {
            self.net
                .wheel
                .put(self.net.now() + pause.max(1), event.pack());
        }
    }

    /// An attempt is over, or a recovery.
    fn on_over(
        &mut self,
        id: AgentId,
        before: Phase,
        (recovered, above): (bool, Option<Ballot>),
        alarm: Option<Pause>,
    ) {
        let seat = &mut self.participants[id.index()];
        #[cfg(feature = "planted-bugs")]
        {
            seat.own.above = above;
        }
        let block = seat.agent.block();
        if let Some(pause) = alarm {
            self.set_alarm(id, pause);
        }
        if recovered {
            self.net.observed(FaultKind::Restart);
            let vote = block.vote.map(|vote| vote.inp);
            self.probe_recovery(id, vote.is_some());
            self.note(What::Recovered {
                agent: id,
                floor: above,
                vote,
            });
            self.happened(Happening::Recovered, id, None);
        } else {
            self.liveness.contention += 1;
            self.probe_preemption(before);
            if let Some(journal) = &mut self.journal {
                journal.preempted(id, above);
            }
            self.note(What::Aborted {
                agent: id,
                ballot: block.mbal,
                above,
            });
            self.happened(Happening::Aborted, id, None);
        }
        if alarm.is_some() {
            self.begin_at_once(id);
        }
    }

    /// An agent that has set its alarm begins in the same step, where an adversary has it so.
    fn begin_at_once(&mut self, id: AgentId) {
        if self.system.order.restarts_at_once() {
            let seat = &self.participants[id.index()];
            let (incarnation, epoch) = (seat.incarnation, seat.agent.epoch() & 0xff_ffff);
            self.on_start(id, incarnation, epoch);
        }
    }

    fn on_decide(&mut self, id: AgentId, value: Value) {
        let seat = &mut self.participants[id.index()];
        let who = (id, seat.incarnation);
        let first = !seat.decided;
        seat.decided = true;
        seat.own.aborts = 0;
        let found = self.system.oracles.decisions.decided(who, value);
        for (property, detail) in found.into_iter().flatten() {
            self.found(property, detail);
        }
        self.system.value.get_or_insert(value);
        self.note(What::Decided { agent: id, value });
        if !first {
            return;
        }
        self.system.decided += 1;
        self.probe_decision(id);
        self.system.decisions.push(self.net.now());
        self.check_decision(id);
        // A duellist who has decided has nothing left to be undone.
        self.pass_duel_on(id);
        self.progressed();
        self.happened(Happening::Decided, id, None);
        self.judge_whether_over();
    }
}

fn config(plan: &Plan, id: AgentId) -> Config {
    let overwrite = plan.layout.format().overwrite();
    let input = Value(plan.inputs[id.index()]);
    Config::new(id, plan.agents as u16, plan.envelope, overwrite, input)
}

/// A store's id, by index.
const fn store_id(index: usize) -> StoreId {
    StoreId(index as u8)
}
