//! The way from agents to stores: operations are asked for here, and meet delays and fault rules.

mod port;

use std::{collections::VecDeque, sync::Arc};

use bivalent_core::{AgentId, Ballot, Block, Pause, StoreId, Value, Version};

use crate::engine::blocks::ballots::Ballots;
use crate::{
    engine::{
        dice::{Dice, Purpose},
        event::{Event, ReadOp, effect_of_write},
        wheel::Wheel,
    },
    judge::{
        coverage::{Coverage, Touched},
        probe::Probe,
        report::FaultCount,
    },
    scenario::{
        fault::{Fault, FaultKind, Span, Trigger},
        plan::{Draw, Plan, READ, WRITE, can_hit},
    },
};

pub(crate) use port::Port;

/// Rules above this number would not fit an event; a copy's rule is its rule plus this.
pub(crate) const COPY: u8 = 120;

/// A write in flight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) block: Block,
    pub(crate) version: Version,
    /// The version that must still stand there, if the write has a condition.
    pub(crate) expect: Option<Version>,
    pub(crate) epoch: u32,
    pub(crate) incarnation: u16,
    pub(crate) agent: AgentId,
    pub(crate) store: StoreId,
    pub(crate) attempt: u8,
    pub(crate) rule: Option<u8>,
    /// A restart waits for it.
    pub(crate) fences: bool,
}

/// How far a rule has got.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuleState {
    /// How often it may still strike.
    pub(crate) left: u32,
    /// How often its condition has come true, or how many opportunities it has had.
    pub(crate) seen: u32,
}

/// An operation in flight that waits to be picked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pooled {
    /// The event.
    pub(crate) bits: u64,
    /// Not before this tick.
    pub(crate) due: u64,
    /// How many operations had been picked when it was asked for.
    pub(crate) since: u64,
}

/// What an agent wanted in a step that is nothing of a store.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Milestone {
    /// An attempt or a recovery is over; the alarm for the next attempt, if it was set.
    Over {
        recovered: bool,
        above: Option<Ballot>,
        alarm: Option<Pause>,
    },
    /// An alarm for an attempt, and nothing said.
    Alarm(Pause),
    /// A decision.
    Decided(Value),
}

/// Everything between the agents and the stores.
#[derive(Clone, Debug)]
pub(crate) struct Net {
    pub(crate) plan: Arc<Plan>,
    pub(crate) wheel: Wheel,
    pub(crate) dice: Dice,
    pub(crate) pending: Vec<Pending>,
    free: Vec<u32>,
    /// Chances are drawn; off after the heal.
    pub(crate) lottery: bool,
    /// Rules of operations whose time or condition has come, and those that count their opportunities.
    pub(crate) armed: Vec<u8>,
    pub(crate) rules: Vec<RuleState>,
    /// Each store's delays in percent.
    pub(crate) percent: [u32; 16],
    pub(crate) slow: bool,
    /// Writes of each agent that a restart of it waits for.
    pub(crate) fences: Vec<u32>,
    /// Reads and writes held back by a reordering: store, tick.
    reordered: Vec<(StoreId, u64)>,
    pub(crate) counts: [FaultCount; FaultKind::ALL.len()],
    pub(crate) milestone: Option<Milestone>,
    pub(crate) ballots: Ballots,
    /// The probes that the run has come to, as a bit set.
    pub(crate) probes: u64,
    /// What has happened in this step that is out of the ordinary.
    pub(crate) touched: Touched,
    /// The features of the run.
    pub(crate) coverage: Coverage,
    /// An adversary picks each operation.
    pub(crate) picked: bool,
    /// What it can pick from, in the order in which it was asked for.
    pub(crate) pool: VecDeque<Pooled>,
    /// How many operations it has picked.
    pub(crate) picks: u64,
}

impl Net {
    pub(crate) fn new(plan: Arc<Plan>) -> Self {
        let rules = Vec::with_capacity(plan.rules.len());
        let fences = vec![0; plan.agents];
        let mut net = Self {
            plan,
            wheel: Wheel::new(),
            dice: Dice::new(0),
            pending: Vec::with_capacity(64),
            free: Vec::with_capacity(64),
            lottery: false,
            armed: Vec::new(),
            rules,
            percent: [100; 16],
            slow: false,
            fences,
            reordered: Vec::new(),
            counts: [FaultCount::default(); FaultKind::ALL.len()],
            milestone: None,
            ballots: Ballots::default(),
            probes: 0,
            touched: Touched::default(),
            coverage: Coverage::default(),
            picked: false,
            pool: VecDeque::new(),
            picks: 0,
        };
        net.reset(Dice::new(0));
        net
    }

    pub(crate) fn reset(&mut self, dice: Dice) {
        self.wheel.reset();
        self.dice = dice;
        self.pending.clear();
        self.free.clear();
        self.lottery = !self.plan.tickets.is_empty();
        self.armed.clear();
        self.rules.clear();
        let states = self.plan.rules.iter();
        self.rules.extend(states.map(|r| RuleState {
            left: r.times.unwrap_or(u32::MAX),
            seen: 0,
        }));
        // Rules that count are armed from the start: runs without armed rules stay as fast as they are.
        let counts = self.plan.rules.iter().zip(0..);
        let counts = counts.filter(|(rule, _)| matches!(rule.trigger, Trigger::Nth(_)));
        self.armed.extend(counts.map(|(_, index)| index));
        self.percent = [100; 16];
        self.slow = false;
        self.fences.fill(0);
        self.reordered.clear();
        self.counts = [FaultCount::default(); FaultKind::ALL.len()];
        self.milestone = None;
        self.ballots.begin(&self.plan);
        self.probes = 0;
        self.touched = Touched::default();
        self.coverage.clear();
        self.picked = self.plan.adversary.at_first().picks();
        self.pool.clear();
        self.picks = 0;
    }

    /// Lets an operation take effect at a tick, or when the adversary picks it.
    #[inline]
    fn send(&mut self, due: u64, bits: u64) {
        if self.picked {
            let since = self.picks;
            self.pool.push_back(Pooled { bits, due, since });
        } else {
            self.wheel.put(due, bits);
        }
    }

    /// One of so many that a fault can hit; none if there is none. Of one there is nothing to draw.
    pub(crate) fn pick_victim(&mut self, count: usize) -> Option<usize> {
        match count {
            0 => None,
            1 => Some(0),
            _ => Some(self.dice.below(Purpose::Fault, count as u64) as usize),
        }
    }

    pub(crate) const fn now(&self) -> u64 {
        self.wheel.now()
    }

    pub(crate) fn drawn(&mut self, kind: FaultKind) {
        self.counts[kind.index()].drawn += 1;
        self.touched.0 |= Touched::struck(kind);
    }

    pub(crate) fn landed(&mut self, kind: FaultKind) {
        self.counts[kind.index()].landed += 1;
        self.touched.0 |= Touched::struck(kind);
    }

    pub(crate) fn observed(&mut self, kind: FaultKind) {
        self.counts[kind.index()].observed += 1;
        self.touched.0 |= Touched::met(kind);
    }

    /// The run has come to a moment worth having been at.
    #[inline]
    pub(crate) const fn hit(&mut self, probe: Probe) {
        self.probes |= probe.bit();
    }

    /// A span as ticks, at least one.
    pub(crate) fn span(&mut self, span: Span) -> u64 {
        let (min, max) = (self.plan.ticks(span.min), self.plan.ticks(span.max));
        self.dice.within(Purpose::Fault, min, max.max(min)).max(1)
    }

    /// Which rule an operation meets, if any.
    #[inline]
    fn strike(&mut self, op: usize, agent: AgentId, store: StoreId, owners: u128) -> Option<u8> {
        if !self.armed.is_empty()
            && let Some(rule) = self.strike_armed(op, agent, store, owners)
        {
            return Some(rule);
        }
        if !self.lottery {
            return None;
        }
        let (from, to) = self.plan.odds[op][agent.index() * self.plan.stores + store.index()];
        if from == to {
            return None;
        }
        let rule = self
            .dice
            .lottery(&self.plan.tickets[from as usize..to as usize])?;
        self.take(rule, owners)
    }

    #[cold]
    fn strike_armed(
        &mut self,
        op: usize,
        agent: AgentId,
        store: StoreId,
        owners: u128,
    ) -> Option<u8> {
        let rules = &self.plan.rules;
        let mut first = None;
        for &index in &self.armed {
            let rule = &rules[index as usize];
            if !can_hit(&rule.fault, op, agent, store) {
                continue;
            }
            if let Trigger::Nth(nth) = rule.trigger {
                if !is_meant(&rule.fault, owners) {
                    continue;
                }
                // Each one counts for itself, whichever of them strikes.
                let state = &mut self.rules[index as usize];
                state.seen = state.seen.saturating_add(1);
                if state.seen < nth {
                    continue;
                }
            }
            first = first.or(Some(index));
        }
        let rule = self.take(first?, owners)?;
        if self.rules[rule as usize].left == 0 {
            self.armed.retain(|&armed| armed != rule);
        }
        Some(rule)
    }

    #[cold]
    fn take(&mut self, rule: u8, owners: u128) -> Option<u8> {
        let fault = &self.plan.rules[rule as usize].fault;
        let state = &mut self.rules[rule as usize];
        if state.left == 0 || !is_meant(fault, owners) {
            return None;
        }
        state.left -= 1;
        let kind = fault.kind();
        self.drawn(kind);
        Some(rule)
    }

    /// How long an operation takes, ticks.
    #[inline]
    fn delay(&mut self, op: usize, store: StoreId) -> u64 {
        let draw = if op == WRITE {
            &self.plan.write
        } else {
            &self.plan.read
        };
        let ticks = match draw {
            Draw::Range { min, width: 1 } => *min,
            Draw::Range { min, width } => min + self.dice.below(Purpose::Delay, *width),
            Draw::Table(values) => {
                values[self.dice.below(Purpose::Delay, values.len() as u64) as usize]
            }
        };
        if self.slow {
            self.delay_slowed(store, ticks)
        } else {
            ticks
        }
    }

    #[cold]
    fn delay_slowed(&mut self, store: StoreId, ticks: u64) -> u64 {
        let percent = self.percent[store.index()];
        if percent == 100 {
            return ticks;
        }
        self.observed(FaultKind::SlowStore);
        (ticks * u64::from(percent) / 100).max(1)
    }

    /// How much later an operation comes because of the rule it met.
    #[cold]
    fn held_up(&mut self, rule: u8, store: StoreId, ticks: u64) -> (u64, bool) {
        let by = match self.plan.rules[rule as usize].fault {
            Fault::Delay { by, .. } => {
                self.landed(FaultKind::Delay);
                self.span(by)
            }
            Fault::LateWrite { by, .. } => return (self.span(by), false),
            Fault::Reorder { .. } => {
                let by = 1 + self.dice.below(Purpose::Fault, 2 * ticks);
                self.reordered.push((store, self.now() + ticks + by));
                by
            }
            Fault::Crash { .. }
            | Fault::Restart { .. }
            | Fault::Pause { .. }
            | Fault::ClockSkew { .. }
            | Fault::Outage { .. }
            | Fault::SlowStore { .. }
            | Fault::Amnesia { .. }
            | Fault::StoreLoss { .. }
            | Fault::LostRequest { .. }
            | Fault::LostAck { .. }
            | Fault::Duplicate { .. }
            | Fault::TornWrite { .. }
            | Fault::StaleRead { .. }
            | Fault::StaleListing { .. }
            | Fault::BitRot { .. }
            | Fault::MisdirectedWrite { .. } => 0,
        };
        (by, true)
    }

    /// Has an operation asked for just now passed one that was held back?
    #[cold]
    fn pass(&mut self, store: StoreId, tick: u64) {
        let now = self.now();
        self.reordered.retain(|&(_, held)| held > now);
        let passed = self
            .reordered
            .iter()
            .filter(|&&(at, held)| at == store && held > tick)
            .count();
        self.counts[FaultKind::Reorder.index()].landed += passed as u64;
        self.reordered
            .retain(|&(at, held)| at != store || held <= tick);
    }

    #[inline]
    fn ask_read(&mut self, mut op: ReadOp, rate: u32) {
        op.rule = self.strike(READ, op.agent, op.store, op.owner.bit());
        let mut ticks = self.delay(READ, op.store);
        if let Some(rule) = op.rule {
            ticks += self.held_up(rule, op.store, ticks).0;
        } else if !self.reordered.is_empty() {
            self.pass(op.store, self.now() + ticks);
        }
        let now = self.now();
        self.send(now + ticks, op.effect());
        let patience = by_clock(self.plan.timeout, rate);
        if ticks > patience {
            self.wheel.put(now + patience, op.time_out());
        }
    }

    #[inline]
    fn ask_write(&mut self, mut write: Pending, rate: u32) {
        write.rule = self.strike(WRITE, write.agent, write.store, write.agent.bit());
        let mut ticks = self.delay(WRITE, write.store);
        if let Some(rule) = write.rule {
            let (by, fences) = self.held_up(rule, write.store, ticks);
            ticks += by;
            write.fences &= fences;
        } else if !self.reordered.is_empty() {
            self.pass(write.store, self.now() + ticks);
        }
        let now = self.now();
        self.fences[write.agent.index()] += u32::from(write.fences);
        let pending = self.keep(write);
        self.send(now + ticks, effect_of_write(pending));
        let patience = by_clock(self.plan.timeout, rate);
        if ticks > patience {
            self.time_out_write(&write, now + patience);
        }
    }

    pub(crate) fn time_out_write(&mut self, write: &Pending, at: u64) {
        let Pending {
            agent,
            incarnation,
            store,
            epoch,
            attempt,
            ..
        } = *write;
        let event = Event::WriteTimeout {
            agent,
            incarnation,
            store,
            epoch,
            attempt,
        };
        self.wheel.put(at, event.pack());
    }

    /// Which rule an operation meets, and when it takes effect: for an engine that keeps its
    /// operations itself.
    pub(crate) fn ask(
        &mut self,
        op: usize,
        agent: AgentId,
        store: StoreId,
        owners: u128,
    ) -> (Option<u8>, u64) {
        let rule = self.strike(op, agent, store, owners);
        let mut ticks = self.delay(op, store);
        if let Some(rule) = rule {
            ticks += self.held_up(rule, store, ticks).0;
        } else if !self.reordered.is_empty() {
            self.pass(store, self.now() + ticks);
        }
        (rule, ticks)
    }

    /// Puts a write into the slab.
    #[inline]
    pub(crate) fn keep(&mut self, write: Pending) -> u32 {
        if let Some(index) = self.free.pop() {
            self.pending[index as usize] = write;
            return index;
        }
        self.pending.push(write);
        self.pending.len() as u32 - 1
    }

    /// Takes a write out of the slab.
    #[inline]
    pub(crate) fn release(&mut self, index: u32) -> Pending {
        self.free.push(index);
        self.pending[index as usize]
    }
}

/// How many ticks pass while so many do on a clock of this rate: own nanoseconds in a million true ones.
#[inline]
pub(crate) const fn by_clock(ticks: u64, rate: u32) -> u64 {
    if rate == 1_000_000 {
        return ticks;
    }
    let true_ones = (ticks as u128 * 1_000_000 / rate as u128) as u64;
    if true_ones == 0 { 1 } else { true_ones }
}

/// Whether a fault means operations on what these agents own: on one's block, or on what is all agents'.
fn is_meant(fault: &Fault, owners: u128) -> bool {
    let scope = fault.scope();
    scope.is_none_or(|scope| scope.owners & owners == owners)
}
