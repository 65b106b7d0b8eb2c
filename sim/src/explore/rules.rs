//! What an exploration takes from a scenario: who takes part, what may break, how ballots are chosen.

use bivalent_core::{
    AgentId, Ballot, Config, Envelope, Format, Incarnation, Overwrite, SingleDecree, StoreId, Value,
};

use crate::scenario::{
    Protocol, Scenario,
    fault::{Fault, FaultRule, Trigger},
    plan::Plan,
};

use super::{
    ExploreError, InFlight, Options,
    symmetry::{self, Places},
};
use crate::protocol::member::{Cast, Member, Role};

/// Agents and stores beyond this make graphs that fit nowhere.
pub(super) const AGENTS_MAX: usize = 8;
/// As above.
pub(super) const STORES_MAX: usize = 8;
/// Crashes beyond this, likewise.
const CRASHES_MAX: u32 = 15;

/// The rules of a small system.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) protocol: Protocol,
    pub(super) agents: usize,
    pub(super) stores: usize,
    pub(super) inputs: Vec<Value>,
    pub(super) envelope: Envelope,
    pub(super) in_flight: InFlight,
    /// Ballots an agent owns, if they are bounded.
    pub(super) ballots: Option<u64>,
    /// Who may crash, as a bit set.
    pub(super) mortal: u128,
    /// Crashes there may be, of all agents together.
    pub(super) crashes: u32,
    /// Who may start again after a crash.
    pub(super) restarts: u128,
    /// Who may change places with whom, if that is asked for.
    pub(super) places: Vec<Places>,
    /// Writes may be torn: until they are whole, their block is unreadable.
    pub(super) tears: bool,
    #[cfg(feature = "planted-bugs")]
    pub(super) bug: Option<bivalent_core::Bug>,
}

impl Rules {
    pub(super) fn new(scenario: &Scenario, options: &Options) -> Result<Self, ExploreError> {
        let plan = Plan::new(scenario);
        if plan.agents > AGENTS_MAX || plan.stores > STORES_MAX {
            return Err(ExploreError::TooLarge {
                agents: plan.agents,
                stores: plan.stores,
            });
        }
        let versioned = plan.layout.format().overwrite() == Overwrite::Versioned;
        if versioned && options.in_flight == InFlight::Keep {
            return Err(ExploreError::Versioned);
        }
        let mut rules = Self {
            protocol: plan.protocol,
            agents: plan.agents,
            stores: plan.stores,
            inputs: plan.inputs.iter().copied().map(Value).collect(),
            envelope: plan.envelope,
            in_flight: options.in_flight,
            ballots: options.ballots,
            mortal: 0,
            crashes: 0,
            restarts: 0,
            places: Vec::new(),
            tears: false,
            #[cfg(feature = "planted-bugs")]
            bug: options.planted.bug,
        };
        for rule in &scenario.faults {
            rules.allow(rule, plan.layout.format())?;
        }
        if options.symmetry {
            if rules.has_records() || rules.ballots.is_some() {
                return Err(ExploreError::NoSymmetry);
            }
            rules.places = symmetry::changes(&rules);
        }
        Ok(rules)
    }

    /// Adds what a fault rule makes possible: the explorer tries it at every moment.
    fn allow(&mut self, rule: &FaultRule, format: Format) -> Result<(), ExploreError> {
        match rule.fault {
            Fault::Crash {
                agents, restart, ..
            } => {
                let times = match rule.trigger {
                    Trigger::Chance(_) | Trigger::During(..) => rule
                        .times
                        .ok_or(ExploreError::CrashesWithoutEnd { line: rule.line })?,
                    Trigger::At(_) | Trigger::When(_) | Trigger::Nth(_) => rule.times.unwrap_or(1),
                };
                self.mortal |= agents;
                self.crashes = (self.crashes + times).min(CRASHES_MAX);
                if restart.is_some() {
                    self.restarts |= agents;
                }
                Ok(())
            }
            Fault::Restart { agents } => {
                self.restarts |= agents;
                Ok(())
            }
            Fault::TornWrite {
                acknowledged: false,
                ..
            } if format != Format::Raw => {
                // Of a dual or versioned block the last good version is left: as if it never came.
                self.tears |= format == Format::Checked;
                Ok(())
            }
            // These only choose among schedules, and all schedules are explored.
            Fault::Pause { .. }
            | Fault::ClockSkew { .. }
            | Fault::Outage { .. }
            | Fault::SlowStore { .. }
            | Fault::Delay { .. }
            | Fault::Reorder { .. } => Ok(()),
            Fault::Amnesia { .. }
            | Fault::StoreLoss { .. }
            | Fault::LostRequest { .. }
            | Fault::LostAck { .. }
            | Fault::LateWrite { .. }
            | Fault::Duplicate { .. }
            | Fault::TornWrite { .. }
            | Fault::StaleRead { .. }
            | Fault::StaleListing { .. }
            | Fault::BitRot { .. }
            | Fault::MisdirectedWrite { .. } => Err(ExploreError::Fault {
                kind: rule.fault.kind(),
                line: rule.line,
            }),
        }
    }

    pub(super) fn role(&self, id: AgentId) -> Role {
        // Dropped operations never land, so no write waits for an earlier one.
        let overwrite = match self.in_flight {
            InFlight::Keep => Overwrite::InPlace,
            InFlight::Drop => Overwrite::Versioned,
        };
        let input = self.inputs[id.index()];
        let config = Config::new(id, self.agents as u16, self.envelope, overwrite, input);
        #[cfg(feature = "planted-bugs")]
        let config = config.with_bug(self.bug);
        Role {
            cast: Cast::BuiltIn(self.protocol),
            config,
        }
    }

    /// An agent that has not run before.
    pub(super) fn fresh(&self, id: AgentId) -> Member {
        Member::begin(&self.role(id), Incarnation(0)).0
    }

    /// The first ballot of an agent: in agent order.
    pub(super) const fn first_ballot(id: AgentId) -> Ballot {
        Ballot::new(id.0 as u64 + 1, id, Incarnation(0))
    }

    /// The smallest ballot above `floor` of an agent that owns only a few: agent p of m owns p, p + m,
    /// and so on, from 1. None if it has none left.
    pub(super) fn next_own(
        &self,
        own: u64,
        id: AgentId,
        incarnation: Incarnation,
        floor: Option<Ballot>,
    ) -> Option<Ballot> {
        let agents = self.agents as u64;
        let first = u64::from(id.0) + 1;
        let floor = floor.map_or(0, Ballot::round);
        let turn = if floor < first {
            0
        } else {
            (floor - first) / agents + 1
        };
        (turn < own).then(|| Ballot::new(first + turn * agents, id, incarnation))
    }

    /// Whether each store has one record for all, instead of a block for each agent.
    pub(super) const fn has_records(&self) -> bool {
        self.protocol.is_conditional()
    }

    /// No fair turn without a decision has fewer steps. Every agent is served on every store. In Disk
    /// Paxos each aborts, by a read on a store on which it wrote in the same attempt, and the state comes
    /// back only if that write is part of the turn too.
    pub(super) const fn least_turn(&self) -> usize {
        match self.protocol {
            // A log is refused before.
            Protocol::DiskPaxos | Protocol::ReplicatedLog => self.agents * (self.stores + 1),
            Protocol::AcceptorRecords | Protocol::PutIfAbsent => self.agents * self.stores,
        }
    }

    pub(super) fn store_ids(&self) -> impl Iterator<Item = StoreId> + use<> {
        (0..self.stores as u8).map(StoreId)
    }
}
