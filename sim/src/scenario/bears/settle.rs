//! Scenarios that were changed as values, without what can't have an effect any more.

use bivalent_core::{Envelope, Format, Staleness};

use super::{asks_for_value, has_valences, is_idle, pauses, property, stall};
use crate::scenario::fault::{Fault, FaultKind, FaultRule, StaleBound, Trigger};
use crate::scenario::workload::{Tuning, Workload};
use crate::scenario::{Adversary, Expected, Property, Protocol, Scenario, Schedule};

use Protocol::{DiskPaxos, PutIfAbsent, ReplicatedLog};

impl Scenario {
    /// Takes out what can't have an effect, since a file with it in is refused. Rules stay as many as they are:
    /// see [`Scenario::drop_idle_rules`].
    #[doc(hidden)]
    pub fn settle(&mut self) {
        let protocol = self.cluster.protocol;
        let usual = Schedule::usual(self.cluster.agents.len(), self.cluster.stores.len());
        if !pauses(protocol) {
            self.schedule.retry = usual.retry;
            self.fuzz.retry.clear();
            self.price.retries.clear();
        }
        if protocol == ReplicatedLog {
            self.expect.value = None;
            let agents = self.cluster.agents.iter_mut();
            agents.for_each(|agent| agent.proposal.clear());
            let load = &mut self.workload;
            load.skew *= u32::from(load.keys > 1);
            load.stale_reads *= u32::from(load.reads > 0);
        } else {
            (self.tuning, self.workload) = (Tuning::default(), Workload::default());
        }
        if let (true, Staleness::PerReader(stale)) =
            (protocol.is_conditional(), self.cluster.envelope.staleness())
        {
            let least =
                Envelope::with_staleness(self.cluster.envelope.stores(), Staleness::PerRun(stale));
            let quorum = self.cluster.envelope.quorum();
            let same = least.and_then(|least| least.quorum_of(quorum));
            self.cluster.envelope = same.unwrap_or(self.cluster.envelope);
        }
        if self.expect.always != Property::ALL {
            let buckets = self.cluster.bucket.is_some();
            let borne = |it: &Property| property(protocol, buckets, *it).is_none();
            self.expect.always.retain(borne);
        }
        if !matches!(self.expect.outcome, Expected::Stall { .. })
            || self
                .expect
                .stall
                .is_some_and(|it| stall(protocol, it).is_some())
        {
            self.expect.stall = None;
        }
        if !asks_for_value(self.expect.outcome) {
            self.expect.value = None;
        }
        let adversary = self.schedule.adversary.at_first();
        if matches!(adversary, Adversary::Script(_) | Adversary::KeepBivalent) {
            self.fuzz.add.clear();
            self.fuzz.at_most = 0;
        }
        let (names_agents, names_stores) = self.schedule.adversary.names();
        let staleness = self.cluster.envelope.staleness();
        let below = |least: u8, had: usize| usize::from(least) < had;
        let (had_agents, had_stores) = (self.cluster.agents.len(), self.cluster.stores.len());
        if names_agents {
            self.fuzz.agents = self.fuzz.agents.filter(|it| !below(it.0, had_agents));
        }
        self.fuzz.stores = self.fuzz.stores.filter(|it| {
            let is_safe = Envelope::with_staleness(it.0, staleness).is_ok();
            is_safe && !(names_stores && below(it.0, had_stores))
        });
        if *adversary == Adversary::KeepBivalent {
            let most = |counts: Option<(u8, u8)>, had| counts.map_or(had, |it| usize::from(it.1));
            let agents = most(self.fuzz.agents, had_agents);
            let stores = most(self.fuzz.stores, had_stores);
            if !has_valences(protocol, agents, stores) {
                (self.fuzz.agents, self.fuzz.stores) = (None, None);
            }
        }
        if self.cluster.bucket.is_none() && self.fuzz.add.contains(&FaultKind::StaleListing) {
            self.fuzz
                .add
                .retain(|kind| *kind != FaultKind::StaleListing);
            if self.fuzz.add.is_empty() {
                self.fuzz.at_most = 0;
            }
        }
        if protocol == ReplicatedLog {
            let usual = self.cluster.bucket.unwrap_or_default();
            self.cluster.bucket = Some(usual);
        }
        let format = self.cluster.layout.format();
        if let (true, Format::Checked, Some(usual)) =
            (protocol.is_conditional(), format, protocol.usual_layout())
        {
            self.cluster.layout = usual;
        }
        for rule in &mut self.faults {
            settle_rule(rule, protocol, format);
            if self.cluster.bucket.is_some() {
                settle_on_buckets(rule);
            } else if protocol == PutIfAbsent {
                settle_one_version(rule);
            }
        }
    }
}

impl Scenario {
    /// Takes out the rules in which something can't have an effect.
    #[doc(hidden)]
    pub fn drop_idle_rules(&mut self) {
        let (protocol, agents) = (self.cluster.protocol, self.cluster.agents.len());
        let lists = self.cluster.bucket.is_some();
        self.faults.retain(|rule| {
            !is_idle(rule, protocol, agents)
                && (lists || rule.fault.kind() != FaultKind::StaleListing)
        });
    }
}

/// What does nothing where stores are buckets: see `bears_buckets`.
fn settle_on_buckets(rule: &mut FaultRule) {
    if let Fault::Crash { unfenced, .. } = &mut rule.fault {
        *unfenced = false;
    }
    if let Fault::TornWrite { keep, scope, .. } = &mut rule.fault {
        *keep = None;
        scope.owners = u128::MAX;
    }
    if let Fault::BitRot { bits, .. } = &mut rule.fault {
        *bits = 1;
    }
}

/// Where a record is written once, and in one operation: it has no older version than none.
fn settle_one_version(rule: &mut FaultRule) {
    if let Fault::Amnesia { versions, .. } = &mut rule.fault {
        *versions = u32::MAX;
    }
    if let Fault::StaleRead {
        bound: StaleBound::Versions(versions),
        ..
    } = &mut rule.fault
    {
        *versions = 1;
    }
}

fn settle_rule(rule: &mut FaultRule, protocol: Protocol, format: Format) {
    let during = matches!(rule.trigger, Trigger::During(..));
    let log = protocol == ReplicatedLog;
    if rule.fault.scope().is_none() {
        match rule.trigger {
            Trigger::At(_) => rule.times = Some(1),
            Trigger::During(..) => rule.times = None,
            Trigger::When(_) | Trigger::Chance(_) | Trigger::Nth(_) => {}
        }
    }
    if protocol != DiskPaxos
        && let Some(scope) = rule.fault.scope_mut()
    {
        scope.owners = u128::MAX;
    }
    match &mut rule.fault {
        Fault::Crash {
            restart, unfenced, ..
        } => {
            if during {
                *restart = None;
            }
            *unfenced &= protocol == DiskPaxos && (during || restart.is_some());
        }
        Fault::TornWrite { keep, .. } if log => *keep = None,
        Fault::BitRot { bits, .. } if format != Format::Raw => *bits = 1,
        Fault::MisdirectedWrite { onto, .. } if log => *onto = None,
        Fault::Restart { .. }
        | Fault::Pause { .. }
        | Fault::ClockSkew { .. }
        | Fault::Outage { .. }
        | Fault::SlowStore { .. }
        | Fault::Amnesia { .. }
        | Fault::StoreLoss { .. }
        | Fault::Delay { .. }
        | Fault::Reorder { .. }
        | Fault::LostRequest { .. }
        | Fault::LostAck { .. }
        | Fault::LateWrite { .. }
        | Fault::Duplicate { .. }
        | Fault::TornWrite { .. }
        | Fault::StaleRead { .. }
        | Fault::StaleListing { .. }
        | Fault::BitRot { .. }
        | Fault::MisdirectedWrite { .. } => {}
    }
}
