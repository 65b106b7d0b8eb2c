//! What each protocol bears: every setting, fault and word that can change nothing under it, and why.
//!
//! A setting that stands in no row here, and is refused by no check of its own, changes some run:
//! `tests/settings.rs` goes over all of them.

use std::ops::Range;

use bivalent_core::Staleness;
use toml::de::{DeTable, DeValue};

use super::error::Notes;
use super::shape::Flaw;
use super::{Expected, Property, Protocol, Scenario, Schedule, StallKind};
use crate::fault::{Fault, FaultKind, FaultRule, Happening, Trigger};
use crate::workload::{Tuning, Workload};

use Protocol::{AcceptorRecords, DiskPaxos, PutIfAbsent, ReplicatedLog};

/// The code of what can't have an effect.
pub(super) const NO_EFFECT: &str = "bivalent::scenario::no_effect";

const SINGLE: &[Protocol] = &[DiskPaxos, AcceptorRecords, PutIfAbsent];
const RECORDS: &[Protocol] = &[AcceptorRecords, PutIfAbsent];
const LOG: &[Protocol] = &[ReplicatedLog];
const ONE_SHOT: &[Protocol] = &[PutIfAbsent];

/// Why something can't have an effect: what is so, and what to write instead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Why {
    fact: &'static str,
    help: &'static str,
}

impl Why {
    /// The flaw of `what`, named as the file names it, under a protocol.
    pub(super) fn flaw(self, what: &str, protocol: Protocol) -> Flaw {
        let message = format!(
            "`{what}` does nothing with `{}`: {}",
            protocol.name(),
            self.fact
        );
        Flaw::new(NO_EFFECT, message, "no effect here").help(self.help)
    }
}

/// A setting, as the path of its key with `*` for any one key, and the protocols under which it does nothing.
struct Setting {
    path: &'static str,
    under: &'static [Protocol],
    why: Why,
}

const fn setting(
    path: &'static str,
    under: &'static [Protocol],
    fact: &'static str,
    help: &'static str,
) -> Setting {
    Setting {
        path,
        under,
        why: Why { fact, help },
    }
}

const NO_REPLICAS: &str =
    "add protocol = \"replicated-log\" to [cluster], or leave the section out";
const LEAVE: &str = "leave it out";
const SPREAD: &str =
    "leave it out; `spread` in [replica] says how long a replica waits before it stands again";
const NO_PAUSE: &str = "leave it out; `timeout` says when an agent asks again";
const BEATEN: &str = "a replica that is beaten follows, and does not try again by itself";
const ONE_TRY: &str = "an agent has one attempt, which nothing aborts";

const SETTINGS: [Setting; 17] = [
    setting(
        "replica",
        SINGLE,
        "it is for replicas, and there are none",
        NO_REPLICAS,
    ),
    setting(
        "workload",
        SINGLE,
        "it is for clients of replicas, and there are none",
        NO_REPLICAS,
    ),
    setting(
        "cluster.block.size",
        LOG,
        "heads, votes and snapshots are kept whole, each under a key of its own",
        LEAVE,
    ),
    setting(
        "cluster.block.sector",
        LOG,
        "heads, votes and snapshots are kept whole, each under a key of its own",
        LEAVE,
    ),
    setting(
        "cluster.block.sector",
        RECORDS,
        "a conditional write takes effect as a whole or not at all",
        LEAVE,
    ),
    setting(
        "cluster.stale.per-reader",
        RECORDS,
        "a record that is lost is lost for every reader",
        "stale = 1",
    ),
    setting("schedule.retry", LOG, BEATEN, SPREAD),
    setting("schedule.retry", ONE_SHOT, ONE_TRY, NO_PAUSE),
    setting("fuzz.retry", LOG, BEATEN, SPREAD),
    setting("fuzz.retry", ONE_SHOT, ONE_TRY, NO_PAUSE),
    setting("price.retry", LOG, BEATEN, SPREAD),
    setting("price.retry", ONE_SHOT, ONE_TRY, NO_PAUSE),
    setting(
        "fault.crash.unfenced",
        LOG,
        "no incarnation of a replica waits for what a dead one has in flight",
        LEAVE,
    ),
    setting(
        "fault.crash.unfenced",
        RECORDS,
        "nobody waits for a dead incarnation's writes, since conditions refuse late ones",
        LEAVE,
    ),
    setting(
        "fault.torn-write.keep",
        LOG,
        "a torn block is no block to any reader, however much of it got through",
        LEAVE,
    ),
    setting(
        "fault.bit-rot.bits",
        LOG,
        "a rotten block is no block to any reader, however many bits are wrong",
        LEAVE,
    ),
    setting(
        "fault.misdirected-write.onto",
        LOG,
        "the write lands where its name does not fit, which is as good as nowhere",
        LEAVE,
    ),
];

const OWNER: [Setting; 2] = [
    setting(
        "fault.*.owner",
        LOG,
        "an operation reads the blocks of all agents at once",
        "leave it out; `agent` says whose operations are hit",
    ),
    setting(
        "fault.*.owner",
        RECORDS,
        "there is one record a store, and it is nobody's own",
        "leave it out; `agent` says whose operations are hit",
    ),
];

const VALUE: [Setting; 1] = [setting(
    "expect.value",
    LOG,
    "it decides many commands, and none of them is a proposal",
    "leave it out; `linearizability` in `always` holds answers to commands",
)];

/// Notes each key of a file that does nothing under its protocol.
pub(super) fn refuse(document: &DeTable<'_>, notes: &mut Notes) {
    let Some(protocol) = protocol_of(document) else {
        return;
    };
    walk(document, &mut Vec::new(), protocol, notes);
}

/// The protocol that a file names; none if it is in doubt.
fn protocol_of(document: &DeTable<'_>) -> Option<Protocol> {
    let Some(cluster) = document.get("cluster") else {
        return Some(DiskPaxos);
    };
    let Some(word) = cluster.get_ref().as_table()?.get("protocol") else {
        return Some(DiskPaxos);
    };
    let word = word.get_ref().as_str()?;
    Protocol::ALL.into_iter().find(|known| known.name() == word)
}

fn walk<'a>(
    table: &'a DeTable<'_>,
    path: &mut Vec<&'a str>,
    protocol: Protocol,
    notes: &mut Notes,
) {
    for (key, value) in table {
        path.push(key.get_ref());
        if let Some(why) = unborne(path, protocol) {
            notes.add(key.span(), why.flaw(key.get_ref(), protocol));
        } else {
            within(value.get_ref(), path, protocol, notes);
        }
        path.pop();
    }
}

fn within<'a>(
    value: &'a DeValue<'_>,
    path: &mut Vec<&'a str>,
    protocol: Protocol,
    notes: &mut Notes,
) {
    match value {
        DeValue::Table(table) => walk(table, path, protocol, notes),
        DeValue::Array(array) => {
            for item in array {
                within(item.get_ref(), path, protocol, notes);
            }
        }
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => {}
    }
}

/// Why the key at a path does nothing under a protocol, if it does nothing.
fn unborne(path: &[&str], protocol: Protocol) -> Option<Why> {
    let is_at = |pattern: &str| {
        let mut parts = pattern.split('.');
        let all = path.iter().all(|key| {
            let part = parts.next();
            part == Some("*") || part == Some(key)
        });
        all && parts.next().is_none()
    };
    let all = SETTINGS.iter().chain(&OWNER).chain(&VALUE);
    let mut found = all.filter(|it| it.under.contains(&protocol) && is_at(it.path));
    found.next().map(|it| it.why)
}

/// Why a kind of fault can't happen under a protocol.
pub(super) const fn fault(protocol: Protocol, kind: FaultKind) -> Option<Why> {
    let fact = match kind {
        FaultKind::TornWrite => "a conditional write takes effect as a whole or not at all",
        FaultKind::MisdirectedWrite => "there is no other place for a write to land in",
        FaultKind::Crash
        | FaultKind::Restart
        | FaultKind::Pause
        | FaultKind::ClockSkew
        | FaultKind::Outage
        | FaultKind::SlowStore
        | FaultKind::Amnesia
        | FaultKind::StoreLoss
        | FaultKind::Delay
        | FaultKind::Reorder
        | FaultKind::LostRequest
        | FaultKind::LostAck
        | FaultKind::LateWrite
        | FaultKind::Duplicate
        | FaultKind::StaleRead
        | FaultKind::BitRot => return None,
    };
    let help = "leave it out, or use protocol = \"disk-paxos\"";
    if protocol.is_conditional() {
        Some(Why { fact, help })
    } else {
        None
    }
}

/// Why something never happens under a protocol, as a trigger.
pub(super) const fn happening(protocol: Protocol, what: Happening) -> Option<Why> {
    let (fact, help) = match (protocol, what) {
        (PutIfAbsent, Happening::Phase2) => (
            "an agent decides in its one phase",
            "happens = \"phase-1\", \"write\" or \"decided\"",
        ),
        (PutIfAbsent, Happening::Aborted) => {
            (ONE_TRY, "happens = \"phase-1\", \"write\" or \"decided\"")
        }
        (ReplicatedLog, Happening::Recovered) => (
            "a replica that starts again reads its blocks while it already follows",
            "happens = \"read\" with `agent`, or \"phase-1\" when it stands for leader",
        ),
        (
            DiskPaxos | AcceptorRecords | PutIfAbsent | ReplicatedLog,
            Happening::Phase1
            | Happening::Phase2
            | Happening::Decided
            | Happening::Aborted
            | Happening::Recovered
            | Happening::Read
            | Happening::Write
            | Happening::Vote,
        ) => return None,
    };
    Some(Why { fact, help })
}

/// Why a property can't be broken under a protocol: nothing looks at it.
pub(super) const fn property(protocol: Protocol, property: Property) -> Option<Why> {
    let single = "agreement, validity, integrity, store-model, invariants";
    let log = "agreement, invariants, replicas, exactly-once, durability, linearizability, machine";
    let (fact, help) = match (protocol, property) {
        (
            DiskPaxos | AcceptorRecords | PutIfAbsent,
            Property::Replicas
            | Property::ExactlyOnce
            | Property::Durability
            | Property::Linearizability
            | Property::Machine,
        ) => ("it is a promise of replicas to their clients", single),
        (PutIfAbsent, Property::Invariants) => (
            "it has no ballots that an invariant could be about",
            "agreement, validity, integrity, store-model",
        ),
        (ReplicatedLog, Property::Validity | Property::Integrity) => (
            "agents propose nothing of their own; `exactly-once` and `replicas` say it of commands",
            log,
        ),
        (ReplicatedLog, Property::StoreModel) => (
            "the store model is one of blocks that are written in place",
            log,
        ),
        (
            DiskPaxos | AcceptorRecords | PutIfAbsent | ReplicatedLog,
            Property::Agreement
            | Property::Validity
            | Property::Integrity
            | Property::StoreModel
            | Property::Invariants
            | Property::Replicas
            | Property::ExactlyOnce
            | Property::Durability
            | Property::Linearizability
            | Property::Machine,
        ) => return None,
    };
    Some(Why { fact, help })
}

/// Why a kind of stall never comes under a protocol.
pub(super) const fn stall(protocol: Protocol, kind: StallKind) -> Option<Why> {
    match (protocol, kind) {
        (PutIfAbsent, StallKind::Contention) => Some(Why {
            fact: "agents can't pre-empt each other",
            help: "outcome = \"wedge\": a split never ends",
        }),
        (
            DiskPaxos | AcceptorRecords | PutIfAbsent | ReplicatedLog,
            StallKind::Contention
            | StallKind::NoQuorum
            | StallKind::NoAgent
            | StallKind::Starved
            | StallKind::Wedged,
        ) => None,
    }
}

/// Whether an agent pauses after an abort.
pub(crate) const fn pauses(protocol: Protocol) -> bool {
    match protocol {
        DiskPaxos | AcceptorRecords => true,
        PutIfAbsent | ReplicatedLog => false,
    }
}

/// A flaw of a rule, and the key in which it lies.
type Idle = (&'static str, &'static str, &'static str);

/// What in a rule can't have an effect, whatever comes: the key, the reason and the remedy.
fn idle(rule: &FaultRule, protocol: Protocol, agents: usize) -> Option<Idle> {
    let during = matches!(rule.trigger, Trigger::During(..));
    let timed = during || matches!(rule.trigger, Trigger::At(_));
    let strikes_at_once = rule.fault.scope().is_none();
    if timed && strikes_at_once && rule.times.is_some_and(|times| times > 1) {
        return Some((
            "times",
            "a time comes once, and such a fault strikes when it does",
            "leave `times` out, or write another [[fault]] with a time of its own",
        ));
    }
    match rule.fault {
        Fault::Restart { .. } | Fault::Amnesia { .. } | Fault::StoreLoss { .. } if during => {
            Some((
                "during",
                "this fault takes no time, so that nothing ends with it",
                "at = \"1s\", the moment at which it strikes",
            ))
        }
        Fault::Crash {
            restart: Some(_), ..
        } if during => Some((
            "restart",
            "`during` already says when the agent starts again",
            "leave `restart` out, or begin the fault with `at`",
        )),
        Fault::Crash {
            restart: None,
            unfenced: true,
            ..
        } if !during => Some((
            "unfenced",
            "the agent does not start again by this fault, and a `restart` waits",
            "add restart = \"5ms..50ms\" to the crash",
        )),
        Fault::MisdirectedWrite { .. } if protocol == DiskPaxos && agents == 1 => Some((
            "misdirected-write",
            "there is one agent, and no other block for its writes to land in",
            "add another agent, or leave the fault out",
        )),
        Fault::MisdirectedWrite {
            scope,
            onto: Some(onto),
        } if scope.agents == onto.bit() => Some((
            "onto",
            "whose block is hit and whose write it is are the same",
            "another agent's name",
        )),
        Fault::LateWrite { scope, .. }
        | Fault::TornWrite { scope, .. }
        | Fault::MisdirectedWrite { scope, .. }
        | Fault::Delay { scope, .. }
        | Fault::Reorder { scope }
        | Fault::LostRequest { scope }
        | Fault::LostAck { scope }
        | Fault::Duplicate { scope, .. }
        | Fault::BitRot { scope, .. }
            if !scope.reads && scope.agents & scope.owners == 0 =>
        {
            Some((
                "owner",
                "an agent writes no block but its own, so that no write is hit",
                "leave `owner` or `agent` out",
            ))
        }
        Fault::Crash { .. }
        | Fault::Restart { .. }
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
        | Fault::BitRot { .. }
        | Fault::MisdirectedWrite { .. } => None,
    }
}

/// Whether something in a rule can't have an effect.
pub(crate) fn is_idle(rule: &FaultRule, protocol: Protocol, agents: usize) -> bool {
    idle(rule, protocol, agents).is_some()
}

/// The flaw of a rule in which something can't have an effect, and the key it is about.
pub(super) fn idle_rule(
    rule: &FaultRule,
    protocol: Protocol,
    agents: usize,
) -> Option<(&'static str, Flaw)> {
    let (key, fact, help) = idle(rule, protocol, agents)?;
    let message = format!("`{key}` does nothing here: {fact}");
    Some((
        key,
        Flaw::new(NO_EFFECT, message, "no effect here").help(help),
    ))
}

/// The place of a key in a part of the text, or the part's own.
pub(super) fn place_of(text: &str, part: &Range<usize>, key: &str) -> Range<usize> {
    let written = text.get(part.clone()).unwrap_or_default();
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let mut found = written.match_indices(key).filter(|(at, _)| {
        let (before, after) = (&written[..*at], &written[at + key.len()..]);
        let line = before.rsplit('\n').next().unwrap_or_default();
        after.trim_start().starts_with('=') && !before.ends_with(is_name) && !line.contains('#')
    });
    found.next().map_or_else(
        || part.clone(),
        |(at, _)| part.start + at..part.start + at + key.len(),
    )
}

impl Scenario {
    /// Takes out what can't have an effect, as a file with it in would be refused. Rules stay as many as they
    /// are; one that can never strike is for [`Scenario::to_toml`] to say, and for whoever reads that to refuse.
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
            let least = bivalent_core::Envelope::with_staleness(
                self.cluster.envelope.stores(),
                Staleness::PerRun(stale),
            );
            let quorum = self.cluster.envelope.quorum();
            let same = least.and_then(|least| least.quorum_of(quorum));
            self.cluster.envelope = same.unwrap_or(self.cluster.envelope);
        }
        if self.expect.always != Property::ALL {
            let borne = |it: &Property| property(protocol, *it).is_none();
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
        for rule in &mut self.faults {
            settle_rule(rule, protocol);
        }
    }
}

/// Whether what is decided matters to an outcome.
pub(super) const fn asks_for_value(outcome: Expected) -> bool {
    match outcome {
        Expected::Decide
        | Expected::Stall {
            heals_within_ns: Some(_),
        } => true,
        Expected::Any
        | Expected::Stall {
            heals_within_ns: None,
        }
        | Expected::Wedge
        | Expected::Unwedged
        | Expected::Violation(_)
        | Expected::ViolationOrWedge(_) => false,
    }
}

fn settle_rule(rule: &mut FaultRule, protocol: Protocol) {
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
        Fault::BitRot { bits, .. } if log => *bits = 1,
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
        | Fault::BitRot { .. }
        | Fault::MisdirectedWrite { .. } => {}
    }
}
