//! A scenario worked out for the engine: times in ticks, chances as lottery tickets.

use std::sync::Arc;

use bivalent_core::{AgentId, Contention, Envelope, Layout, StoreId};

use crate::scenario::{
    Adversary, BucketPlan, Protocol, Scenario,
    fault::{Delay, Fault, FaultKind, FaultRule, Scope, Span, StaleBound, Trigger},
};

/// Ticks that the event queue has a slot each for: see [`crate::engine::wheel`].
pub(crate) const SLOTS: u64 = 2048;
/// Epochs are packed into 24 bits of an event: each takes at least one step.
pub(crate) const STEPS_MAX: u64 = 1 << 24;

/// A chance in a lottery.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Ticket {
    /// The upper bound of its draws, out of 2^32; the ticket before it has the lower one.
    pub(crate) below: u64,
    /// The rule that strikes.
    pub(crate) rule: u8,
}

/// How an operation's delay is drawn, ticks.
#[derive(Clone, Debug)]
pub(crate) enum Draw {
    Range { min: u64, width: u64 },
    Table(Vec<u64>),
}

/// What the engine needs of a scenario.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// A tick is 2^shift nanoseconds.
    pub(crate) shift: u32,
    pub(crate) protocol: Protocol,
    pub(crate) agents: usize,
    pub(crate) stores: usize,
    /// Each agent's proposal, by number from 1; equal proposals have equal numbers.
    pub(crate) inputs: Vec<u64>,
    /// The proposals by number - 1.
    pub(crate) values: Vec<String>,
    pub(crate) envelope: Envelope,
    pub(crate) layout: Layout,
    pub(crate) read: Draw,
    pub(crate) write: Draw,
    pub(crate) retry: Contention,
    pub(crate) timeout: u64,
    pub(crate) start: u64,
    /// What every run follows, whatever its seed.
    pub(crate) choices: Option<Arc<[u32]>>,
    pub(crate) adversary: Adversary,
    /// Operations that may take effect while the adversary holds one back.
    pub(crate) patience: u64,
    /// Agents that it may crash.
    pub(crate) crashes: u32,
    pub(crate) rules: Vec<FaultRule>,
    /// Tickets of reads, of writes, then of listings; `odds[operation][agent * stores + store]` is a range here.
    pub(crate) tickets: Vec<Ticket>,
    pub(crate) odds: [Vec<(u16, u16)>; 3],
    /// The kinds that some rule can inject, as a bit set.
    pub(crate) kinds: u32,
    pub(crate) heal: Option<u64>,
    pub(crate) steps_max: u64,
    pub(crate) end: u64,
    pub(crate) stall: u64,
    /// How many earlier versions of each block a store remembers; of a bucket, how many changes of it.
    pub(crate) history: usize,
    /// What the stores are like, if they are buckets.
    pub(crate) bucket: BucketPlan,
}

/// The operation as an index into `odds`.
pub(crate) const READ: usize = 0;
/// The operation as an index into `odds`.
pub(crate) const WRITE: usize = 1;
/// The operation as an index into `odds`: a read of a folder of a bucket.
pub(crate) const LIST: usize = 2;
/// How many earlier versions are kept where staleness is bounded by age.
const HISTORY_BY_AGE: usize = 64;
/// How many changes of a bucket are kept where the age of its listings is bounded.
const HISTORY_OF_LISTINGS: usize = 1024;
/// A store that forgets everything needs no history beyond this to look empty.
const HISTORY_MAX: u32 = 64;

impl Plan {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let schedule = &scenario.schedule;
        let widest = reach(&schedule.read).max(reach(&schedule.write));
        let mut shift = 0;
        // The ordinary delay fits the wheel; only rare ones go to the heap.
        while (widest >> shift) + 2 >= SLOTS {
            shift += 1;
        }
        let agents = scenario.cluster.agents.len();
        let stores = scenario.cluster.stores.len();
        let mut values: Vec<String> = Vec::new();
        let inputs = scenario
            .cluster
            .agents
            .iter()
            .map(|agent| {
                let known = values.iter().position(|value| *value == agent.proposal);
                known.unwrap_or_else(|| {
                    values.push(agent.proposal.clone());
                    values.len() - 1
                }) as u64
                    + 1
            })
            .collect();
        let mut plan = Self {
            shift,
            protocol: scenario.cluster.protocol,
            agents,
            stores,
            inputs,
            values,
            envelope: scenario.cluster.envelope,
            layout: scenario.cluster.layout,
            read: draw(&schedule.read, shift, schedule.adversary.at_first()),
            write: draw(&schedule.write, shift, schedule.adversary.at_first()),
            retry: schedule.retry,
            timeout: ticks(schedule.timeout_ns, shift).max(1),
            start: ticks(schedule.start_ns, shift),
            choices: schedule.choices.clone(),
            adversary: schedule.adversary.clone(),
            patience: schedule.patience,
            crashes: schedule.crashes,
            rules: scenario.faults.clone(),
            tickets: Vec::new(),
            odds: [Vec::new(), Vec::new(), Vec::new()],
            kinds: 0,
            heal: scenario.heal_ns.map(|ns| ticks(ns, shift)),
            steps_max: scenario.limits.steps.min(STEPS_MAX),
            end: ticks(scenario.limits.time_ns, shift),
            stall: ticks(scenario.limits.stall_ns, shift).max(1),
            history: 0,
            bucket: scenario.cluster.bucket.unwrap_or_default(),
        };
        for rule in &plan.rules {
            plan.kinds |= 1 << rule.fault.kind().index();
            plan.history = plan.history.max(history(&rule.fault));
        }
        if let Adversary::Script(script) = &plan.adversary
            && script.looks_back()
        {
            plan.history = plan.history.max(1);
        }
        if plan.crashes > 0 {
            plan.kinds |= 1 << FaultKind::Crash.index();
        }
        plan.sell_tickets();
        plan
    }

    fn sell_tickets(&mut self) {
        for operation in [READ, WRITE, LIST] {
            for agent in 0..self.agents {
                for store in 0..self.stores {
                    let first = self.tickets.len();
                    let mut below = 0;
                    for (index, rule) in self.rules.iter().enumerate() {
                        let Trigger::Chance(parts) = rule.trigger else {
                            continue;
                        };
                        let (agent, store) = (AgentId(agent as u16), StoreId(store as u8));
                        if can_hit(&rule.fault, operation, agent, store) {
                            below += (u64::from(parts) << 32) / 1_000_000_000;
                            self.tickets.push(Ticket {
                                below,
                                rule: index as u8,
                            });
                        }
                    }
                    self.odds[operation].push((first as u16, self.tickets.len() as u16));
                }
            }
        }
    }

    /// Nanoseconds as ticks, rounded up.
    pub(crate) const fn ticks(&self, ns: u64) -> u64 {
        ticks(ns, self.shift)
    }

    /// Ticks as nanoseconds.
    pub(crate) const fn ns(&self, ticks: u64) -> u64 {
        ticks << self.shift
    }
}

/// Whether an operation is an opportunity for a fault.
pub(crate) fn can_hit(fault: &Fault, operation: usize, agent: AgentId, store: StoreId) -> bool {
    let any_store = Scope {
        agents: u128::MAX,
        ..Scope::ALL
    };
    let scope = match *fault {
        Fault::Crash { agents, .. }
        | Fault::Pause { agents, .. }
        | Fault::ClockSkew { agents, .. } => Scope {
            agents,
            ..any_store
        },
        Fault::Restart { .. } => any_store,
        Fault::Outage { stores, .. }
        | Fault::SlowStore { stores, .. }
        | Fault::Amnesia { stores, .. }
        | Fault::StoreLoss { stores } => Scope {
            stores,
            ..any_store
        },
        Fault::Delay { scope, .. }
        | Fault::Reorder { scope }
        | Fault::LostRequest { scope }
        | Fault::LostAck { scope }
        | Fault::Duplicate { scope, .. }
        | Fault::BitRot { scope, .. } => scope,
        Fault::LateWrite { scope, .. }
        | Fault::TornWrite { scope, .. }
        | Fault::MisdirectedWrite { scope, .. } => Scope {
            reads: false,
            ..scope
        },
        Fault::StaleRead { scope, .. } | Fault::StaleListing { scope, .. } => Scope {
            writes: false,
            ..scope
        },
    };
    let asked = match operation {
        WRITE => scope.writes,
        LIST => scope.reads,
        // No block has a listing.
        _ => scope.reads && !matches!(fault, Fault::StaleListing { .. }),
    };
    asked && scope.agents & agent.bit() != 0 && scope.stores & store.bit() != 0
}

/// How many earlier versions a fault needs of each block.
fn history(fault: &Fault) -> usize {
    let versions = match *fault {
        Fault::StaleRead {
            bound: StaleBound::Age(_),
            ..
        } => return HISTORY_BY_AGE,
        Fault::StaleListing {
            bound: StaleBound::Age(_),
            ..
        } => return HISTORY_OF_LISTINGS,
        Fault::StaleRead {
            bound: StaleBound::Versions(versions),
            ..
        }
        | Fault::StaleListing {
            bound: StaleBound::Versions(versions),
            ..
        }
        | Fault::Amnesia { versions, .. } => versions,
        // A dual block's image has the version before in its other slot.
        Fault::TornWrite { .. }
        | Fault::BitRot { .. }
        | Fault::MisdirectedWrite { .. }
        | Fault::LateWrite { .. }
        | Fault::Duplicate { .. }
        | Fault::Crash { .. } => 1,
        Fault::Restart { .. }
        | Fault::Pause { .. }
        | Fault::ClockSkew { .. }
        | Fault::Outage { .. }
        | Fault::SlowStore { .. }
        | Fault::StoreLoss { .. }
        | Fault::Delay { .. }
        | Fault::Reorder { .. }
        | Fault::LostRequest { .. }
        | Fault::LostAck { .. } => 0,
    };
    versions.min(HISTORY_MAX) as usize
}

const fn ticks(ns: u64, shift: u32) -> u64 {
    (ns >> shift) + (ns & ((1 << shift) - 1) != 0) as u64
}

/// The delay that all but one operation in a thousand stays below, ns.
fn reach(delay: &Delay) -> u64 {
    match delay {
        Delay::Range(Span { max, .. }) => *max,
        Delay::Histogram(table) => {
            let values = &table.values;
            values[values.len().saturating_sub(1 + values.len() / 1000)]
        }
    }
}

fn draw(delay: &Delay, shift: u32, adversary: &Adversary) -> Draw {
    let draw = match delay {
        Delay::Range(Span { min, max }) => {
            let (min, max) = (ticks(*min, shift).max(1), ticks(*max, shift).max(1));
            Draw::Range {
                min,
                width: max - min + 1,
            }
        }
        Delay::Histogram(table) => Draw::Table(
            table
                .values
                .iter()
                .map(|&ns| ticks(ns, shift).max(1))
                .collect(),
        ),
    };
    match adversary {
        Adversary::Random
        | Adversary::Duel(..)
        | Adversary::Pct { .. }
        | Adversary::Pos
        | Adversary::Oblivious
        | Adversary::ContentAware
        | Adversary::StateAware
        | Adversary::KeepBivalent
        | Adversary::Script(_) => draw,
        Adversary::Fair => {
            let mean = match &draw {
                Draw::Range { min, width } => min + (width - 1) / 2,
                Draw::Table(values) => values.iter().sum::<u64>() / values.len() as u64,
            };
            Draw::Range {
                min: mean,
                width: 1,
            }
        }
    }
}
