//! The engine: takes events in order, lets agents and stores act, and keeps the account.
//!
//! One run is one seed. Everything is reused from seed to seed: a run allocates nothing once the
//! first few have warmed it up.

mod account;
mod ballots;
mod cover;
mod duel;
mod judge;
mod liveness;
pub(crate) mod net;
pub(crate) mod order;
#[cfg(feature = "planted-bugs")]
mod planted;
pub(crate) mod possible;
mod put;
mod read;
pub(crate) mod remedy;
mod run;
pub(crate) mod seat;
pub(crate) mod strike;
pub(crate) mod view;
mod walk;
mod witness;
mod write;

use std::sync::Arc;

use bivalent_core::{
    AgentId, Ballot, BlockTag, Config, DecreeEvent, DecreeTimer, Incarnation, Pause, Phase,
    SingleDecree, StoreId, Value,
};

use crate::{
    coverage::Touched,
    dice::Purpose,
    event::{self, Event},
    fault::{FaultKind, Happening},
    fingerprint::Fingerprint,
    journal::{Journal, What},
    member::{Cast, Member, Role},
    oracle::Oracles,
    plan::Plan,
    planted::Planted,
    probe::Probe,
    protocol::Agents,
    scenario::Scenario,
    store::{Service, Stores},
};

use net::{Milestone, Net, Port};
use seat::{Seat, Status};
use strike::is_down;

/// How a run ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// Every agent that is up has decided.
    Decided,
    /// Virtual time was over.
    Time,
    /// The steps were used up.
    Steps,
    /// Nothing is left to happen.
    Quiet,
    /// The script asks for an operation that nobody has in flight.
    Misfit,
}

/// A simulator of one scenario, to be run with many seeds.
#[derive(Clone, Debug)]
pub struct Engine {
    plan: Arc<Plan>,
    cast: Cast,
    net: Net,
    seats: Vec<Seat>,
    stores: Stores,
    service: Vec<Service>,
    /// Requests that wait for a store to come back.
    waiting: Vec<Vec<u64>>,
    /// Tells one outage of a store from the next.
    outages: Vec<u16>,
    /// The same for its slowness: the two may overlap, and neither ends the other.
    slow_spells: Vec<u16>,
    oracles: Oracles,
    fingerprint: Fingerprint,
    journal: Option<Box<Journal>>,
    steps: u64,
    store_ops: u64,
    decided: u32,
    /// A run is over with the first decision.
    first_is_enough: bool,
    /// Ticks of the decisions, in order.
    decisions: Vec<u64>,
    value: Option<Value>,
    /// The agent the duel lets run.
    runner: Option<AgentId>,
    duel: Option<(AgentId, AgentId)>,
    /// The adversary that picks operations.
    order: order::Order,
    /// Only this agent takes steps: a solo probe.
    solo: Option<AgentId>,
    healed: bool,
    liveness: liveness::Liveness,
    /// Which happenings some rule waits for.
    awaited: u32,
    #[cfg(feature = "planted-bugs")]
    bug: Option<bivalent_core::Bug>,
}

impl Engine {
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
        let seats = (0..plan.agents as u8).map(|index| {
            let id = AgentId(index);
            let config = config(&plan, id);
            Seat::new(id, Member::begin(&Role { cast, config }, Incarnation(0)).0)
        });
        Self {
            seats: seats.collect(),
            cast,
            stores: Stores::new(plan.layout, plan.agents, plan.stores, plan.history),
            service: vec![Service::Up; plan.stores],
            waiting: vec![Vec::new(); plan.stores],
            outages: vec![0; plan.stores],
            slow_spells: vec![0; plan.stores],
            oracles: Oracles::new(&plan),
            fingerprint: Fingerprint::new(),
            journal: None,
            steps: 0,
            store_ops: 0,
            decided: 0,
            first_is_enough: false,
            decisions: Vec::with_capacity(plan.agents),
            value: None,
            runner: None,
            duel: None,
            order: order::Order::new(scenario),
            solo: None,
            healed: false,
            liveness: liveness::Liveness::default(),
            awaited: strike::awaited(&plan),
            net: Net::new(Arc::clone(&plan)),
            plan,
            #[cfg(feature = "planted-bugs")]
            bug: scenario.planted.bug,
        }
    }

    /// Gives every agent, its blocks and its driver a planted bug from the next run on.
    #[cfg(feature = "planted-bugs")]
    pub fn plant(&mut self, bug: Option<bivalent_core::Bug>) {
        self.bug = bug;
    }

    /// Gives every agent the bug, if there is one, instead of the scenario's, from the next run on.
    #[cfg(feature = "planted-bugs")]
    pub(crate) fn plant_any(&mut self, planted: Planted) {
        self.bug = planted.bug.or(self.bug);
    }

    /// Does nothing: this build has no bugs.
    #[cfg(not(feature = "planted-bugs"))]
    #[expect(clippy::unused_self, reason = "as where there are bugs")]
    pub(crate) const fn plant_any(&mut self, _: Planted) {}

    /// Plants a bug in the stores from the next run on: they take every fifth conditional write,
    /// whatever stands there.
    #[cfg(feature = "planted-bugs")]
    pub fn plant_in_conditions(&mut self, ignores_conditions: bool) {
        self.stores.ignores_conditions = ignores_conditions;
    }

    /// Plants a bug in the stores from the next run on: they lose every fifth write.
    #[cfg(feature = "planted-bugs")]
    pub fn plant_in_stores(&mut self, loses_writes: bool) {
        self.stores.loses_writes = loses_writes;
    }

    fn role(&self, id: AgentId) -> Role {
        Role {
            cast: self.cast,
            config: self.config(id),
        }
    }

    fn config(&self, id: AgentId) -> Config {
        let config = config(&self.plan, id);
        #[cfg(feature = "planted-bugs")]
        let config = config.with_bug(self.bug);
        config
    }

    fn go(&mut self, until: u64) -> End {
        let end = self.run_on(until);
        self.close_stall();
        end
    }

    /// The same, and an open stall stays open.
    fn run_on(&mut self, until: u64) -> End {
        let until = until.min(self.plan.steps_max);
        loop {
            let end = self.go_on(until.min(self.order.takes_over));
            if end != End::Steps || self.steps >= until {
                break end;
            }
            self.take_over();
        }
    }

    fn go_on(&mut self, until: u64) -> End {
        loop {
            if self.steps >= until {
                break End::Steps;
            }
            if self.net.picked {
                match self.pick() {
                    order::Pick::Made => {}
                    order::Pick::Acted => continue,
                    order::Pick::Misfit => break End::Misfit,
                }
            }
            let Some(bits) = self.net.wheel.pop() else {
                break End::Quiet;
            };
            if self.net.now() > self.plan.end {
                break End::Time;
            }
            if let Some(end) = self.step(bits) {
                break end;
            }
        }
    }

    /// Takes one event.
    #[inline]
    fn step(&mut self, bits: u64) -> Option<End> {
        self.steps += 1;
        self.fingerprint.mix(self.net.now(), bits);
        if self.net.picked {
            self.picked_takes_effect(bits);
        }
        match event::kind(bits) {
            event::KIND_READ => self.on_read(bits),
            event::KIND_WRITE => self.on_write(bits),
            _ => self.on_rare(bits),
        }
        if self.net.touched.0 != 0 {
            self.cover(bits);
        }
        if let Some(journal) = &mut self.journal {
            journal.digests.push(self.fingerprint.value() as u16);
        }
        self.liveness.over.then_some(End::Decided)
    }

    #[cold]
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
            Event::Restart {
                agent,
                incarnation,
                unfenced,
            } => {
                self.on_restart(agent, incarnation, unfenced);
            }
            Event::Wake { agent, count } => {
                if self.seats[agent.index()].pauses == count {
                    self.wake(agent);
                }
            }
            Event::StoreUp { store, count } => {
                if self.outages[store.index()] == count {
                    self.store_up(store);
                }
            }
            Event::StoreFast { store, count } => {
                if self.slow_spells[store.index()] == count {
                    self.net.percent[store.index()] = 100;
                }
            }
            Event::Trigger { rule } => self.on_time(rule),
            Event::TriggerEnd { rule } => self.on_trigger_end(rule),
            // Whoever has taken a run over is not stopped by the scenario's end of faults.
            Event::Heal if self.order.took_over => {}
            Event::Heal => self.heal(),
            Event::StallCheck => self.check_stall(),
        }
    }

    fn on_start(&mut self, agent: AgentId, incarnation: u16, epoch: u32) {
        let seat = &self.seats[agent.index()];
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
        let seat = &self.seats[agent.index()];
        if seat.incarnation == incarnation && seat.status == Status::Up {
            self.feed(agent, event);
        } else {
            self.deliver_odd(agent, incarnation, event);
        }
    }

    #[cold]
    fn deliver_odd(&mut self, agent: AgentId, incarnation: u16, event: DecreeEvent) {
        let seat = &mut self.seats[agent.index()];
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
        let seat = &mut self.seats[id.index()];
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
        let agent = &self.seats[id.index()].agent;
        let phase = agent.phase();
        let block = agent.block();
        let word = block.vote.map_or(0, |vote| vote.inp.0);
        self.net.touched.0 |= Touched::TURNED;
        let ballot = block.mbal.map_or(0, Ballot::to_bits);
        self.fingerprint.mix(ballot, word << 8 | phase as u64);
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
                    if vote.inp.0 != self.plan.inputs[id.index()] {
                        self.net.hit(Probe::Adopted);
                        self.probe_author(vote.inp);
                    }
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
        let seat = &mut self.seats[id.index()];
        let (min, max) = match pause {
            Pause::Between { min, max } => (self.plan.ticks(min), self.plan.ticks(max)),
            Pause::Patience => (self.plan.timeout, self.plan.timeout),
            Pause::Backoff => {
                seat.aborts += 1;
                let (min, max) = self.plan.retry.pause(seat.aborts);
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
        if !self.order.restarts_at_once() {
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
        let seat = &mut self.seats[id.index()];
        #[cfg(feature = "planted-bugs")]
        {
            seat.above = above;
        }
        let block = seat.agent.block();
        if let Some(pause) = alarm {
            self.set_alarm(id, pause);
        }
        if recovered {
            self.net.observed(FaultKind::Restart);
            let vote = block.vote.map(|vote| vote.inp);
            self.net.hit(if vote.is_some() {
                Probe::RecoveredWithVote
            } else {
                Probe::RecoveredWithoutVote
            });
            let amid = |seat: &Seat| seat.id != id && seat.agent.phase() == Phase::Two;
            if self
                .seats
                .iter()
                .any(|seat| amid(seat) && !is_down(seat.status))
            {
                self.net.hit(Probe::RecoveredAmidPhase2);
            }
            self.note(What::Recovered {
                agent: id,
                floor: above,
                vote,
            });
            self.happened(Happening::Recovered, id, None);
        } else {
            self.liveness.aborted(id);
            self.net.hit(match before {
                Phase::Two => Probe::PreemptedInPhase2,
                Phase::Waiting | Phase::Recovering | Phase::One | Phase::Decided => {
                    Probe::PreemptedInPhase1
                }
            });
            if self.liveness.is_contended() {
                self.net.hit(Probe::Contended);
            }
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
        if self.order.restarts_at_once() {
            let seat = &self.seats[id.index()];
            let (incarnation, epoch) = (seat.incarnation, seat.agent.epoch() & 0xff_ffff);
            self.on_start(id, incarnation, epoch);
        }
    }

    /// Whether the value that somebody takes over is that of an agent that is down.
    fn probe_author(&mut self, value: Value) {
        let inputs = self.plan.inputs.iter().zip(&self.seats);
        let mut authors = inputs.filter(|&(&input, _)| input == value.0);
        if authors.any(|(_, seat)| is_down(seat.status)) {
            self.net.hit(Probe::AdoptedFromTheDead);
        }
    }

    fn on_decide(&mut self, id: AgentId, value: Value) {
        let seat = &mut self.seats[id.index()];
        let who = (id, seat.incarnation);
        let first = !seat.decided;
        seat.decided = true;
        seat.aborts = 0;
        self.oracles.decided(self.steps, who, value);
        self.value.get_or_insert(value);
        self.note(What::Decided { agent: id, value });
        if !first {
            return;
        }
        self.decided += 1;
        self.net.hit(Probe::Decided);
        if self.service.iter().any(|&service| service != Service::Up) {
            self.net.hit(Probe::DecidedWithoutAStore);
        }
        if who.1 > 0 {
            self.net.hit(Probe::DecidedAfterRecovery);
        }
        self.decisions.push(self.net.now());
        self.check_decision(id);
        // A duellist who has decided has nothing left to be undone.
        self.pass_duel_on(id);
        self.progressed();
        self.happened(Happening::Decided, id, None);
        self.see_whether_over();
        self.liveness.over |= self.first_is_enough;
    }
}

fn config(plan: &Plan, id: AgentId) -> Config {
    let overwrite = plan.layout.format().overwrite();
    let input = Value(plan.inputs[id.index()]);
    Config::new(id, plan.agents as u8, plan.envelope, overwrite, input)
}

/// A store's id, by index.
const fn store_id(index: usize) -> StoreId {
    StoreId(index as u8)
}
