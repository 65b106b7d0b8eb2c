//! What each protocol bears: every setting, fault and word that can change nothing under it, and why.
//!
//! A setting that stands in no row here, and is refused by no check of its own, changes some run:
//! `tests/settings.rs` goes over all of them.

mod settle;

use std::ops::Range;

use bivalent_core::{Format, Layout};
use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::bears_buckets;
use super::error::Notes;
use super::resolve::FORMATS;
use super::shape::Flaw;
use super::{Expected, Property, Protocol, StallKind};
use crate::scenario::fault::{Fault, FaultKind, FaultRule, Happening, Trigger};

use Protocol::{AcceptorRecords, DiskPaxos, PutIfAbsent, ReplicatedLog};

/// The code of what can't have an effect.
pub(super) const NO_EFFECT: &str = "bivalent::scenario::no_effect";

pub(super) const SINGLE: &[Protocol] = &[DiskPaxos, AcceptorRecords, PutIfAbsent];
const RECORDS: &[Protocol] = &[AcceptorRecords, PutIfAbsent];
pub(super) const ALL: &[Protocol] = &Protocol::ALL;
const LOG: &[Protocol] = &[ReplicatedLog];
const ONE_SHOT: &[Protocol] = &[PutIfAbsent];

/// Why something can't have an effect: what is so, and what to write instead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Why {
    pub(super) fact: &'static str,
    pub(super) help: &'static str,
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

/// Whether a system is so small that the valence of each of its states is worked out before the first run.
pub(super) const fn has_valences(protocol: Protocol, agents: usize, stores: usize) -> bool {
    matches!(
        (protocol, agents, stores),
        (DiskPaxos, 1, 1..=3) | (DiskPaxos, 2, 1 | 2) | (DiskPaxos, 3, 1)
    )
}

/// A setting, as the path of its key with `*` for any one key, and the protocols under which it does nothing.
pub(super) struct Setting {
    path: &'static str,
    under: &'static [Protocol],
    why: Why,
}

pub(super) const fn setting(
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
pub(super) const LEAVE: &str = "leave it out";
/// Whose operations a fault hits where objects have no owner.
pub(super) const ASKER: &str = "leave it out; `agent` says whose operations are hit";
const SPREAD: &str =
    "leave it out; `spread` in [replica] says how long a replica waits before it stands again";
const NO_PAUSE: &str = "leave it out; `timeout` says when an agent asks again";
const BEATEN: &str = "a replica that is beaten follows, and does not try again by itself";
const ONE_TRY: &str = "an agent has one attempt, which nothing aborts";

const SETTINGS: [Setting; 12] = [
    setting(
        "price.adaptive-runs",
        LOG,
        "no adversary that looks at the run orders a log's operations",
        LEAVE,
    ),
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
        RECORDS,
        "nobody waits for a dead incarnation's writes, since conditions refuse late ones",
        LEAVE,
    ),
];

const OWNER: [Setting; 1] = [setting(
    "fault.*.owner",
    RECORDS,
    "there is one record a store, and it is nobody's own",
    ASKER,
)];

const VALUE: [Setting; 1] = [setting(
    "expect.value",
    LOG,
    "it decides many commands, and none of them is a proposal",
    "leave it out; `linearizability` in `always` holds answers to commands",
)];

/// What a file is of, as far as settings depend on it.
#[derive(Clone, Copy)]
struct System {
    protocol: Protocol,
    /// The block format, if it is not in doubt.
    format: Option<Format>,
    /// Stores are buckets.
    buckets: bool,
}

/// Notes each key of a file that does nothing under its protocol.
pub(super) fn refuse(document: &DeTable<'_>, notes: &mut Notes) {
    let Some(protocol) = protocol_of(document) else {
        return;
    };
    let buckets = bears_buckets::are_buckets(document, protocol);
    let format = if buckets && protocol != ReplicatedLog {
        bears_buckets::refuse_adversary(document, protocol, notes);
        Some(bears_buckets::FORMAT)
    } else {
        format_of(document, protocol)
    };
    let system = System {
        protocol,
        format,
        buckets,
    };
    walk(document, &mut Vec::new(), system, notes);
}

/// The block format that a file names; none if it is in doubt.
fn format_of(document: &DeTable<'_>, protocol: Protocol) -> Option<Format> {
    let cluster = document.get("cluster").map(Spanned::get_ref);
    let block = cluster.and_then(|cluster| cluster.as_table()?.get("block"));
    let block = block.and_then(|block| block.get_ref().as_table());
    let Some(word) = block.and_then(|block| block.get("format")) else {
        return protocol.usual_layout().map(Layout::format);
    };
    let word = word.get_ref().as_str()?;
    let known = FORMATS.iter().find(|(known, _)| *known == word);
    known.map(|(_, format)| *format)
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

fn walk<'a>(table: &'a DeTable<'_>, path: &mut Vec<&'a str>, system: System, notes: &mut Notes) {
    for (key, value) in table {
        path.push(key.get_ref());
        let why = unborne(path, system).or_else(|| unborne_by_format(path, system));
        if let Some(why) = why {
            notes.add(key.span(), why.flaw(key.get_ref(), system.protocol));
        } else {
            within(value.get_ref(), path, system, notes);
        }
        path.pop();
    }
}

fn within<'a>(value: &'a DeValue<'_>, path: &mut Vec<&'a str>, system: System, notes: &mut Notes) {
    match value {
        DeValue::Table(table) => walk(table, path, system, notes),
        DeValue::Array(array) => {
            for item in array {
                within(item.get_ref(), path, system, notes);
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
fn unborne(path: &[&str], of: System) -> Option<Why> {
    let is_at = |pattern: &str| {
        let mut parts = pattern.split('.');
        let all = path.iter().all(|key| {
            let part = parts.next();
            part == Some("*") || part == Some(key)
        });
        all && parts.next().is_none()
    };
    let all = SETTINGS.iter().chain(&OWNER).chain(&VALUE);
    let mut found = all
        .chain(bears_buckets::of(of.buckets))
        .filter(|it| it.under.contains(&of.protocol) && is_at(it.path));
    found.next().map(|it| it.why)
}

/// Why the key at a path does nothing on blocks of a format.
fn unborne_by_format(path: &[&str], system: System) -> Option<Why> {
    let (protocol, format) = (system.protocol, system.format?);
    match path {
        ["fault", "bit-rot", "bits"] if format != Format::Raw => Some(Why {
            fact: "one wrong bit is as good as eight where a block has a checksum",
            help: "leave it out, or block = { format = \"raw\" }",
        }),
        ["cluster", "block", "size"] if protocol.is_conditional() && format == Format::Checked => {
            Some(Why {
                fact: "a checked record is read as a whole or not at all, however long it is",
                help: "leave it out, or block = { format = \"raw\" }",
            })
        }
        _ => None,
    }
}

/// Why a number of versions does nothing under a protocol; on buckets it counts changes of all that stands there.
pub(super) const fn versions(protocol: Protocol, buckets: bool) -> Option<Why> {
    match protocol {
        PutIfAbsent if !buckets => Some(Why {
            fact: "a record is written once, and has no older version than none",
            help: "versions = \"all\" of `amnesia`, versions = 1 of `stale-read`",
        }),
        PutIfAbsent | DiskPaxos | AcceptorRecords | ReplicatedLog => None,
    }
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
        | FaultKind::StaleListing
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
pub(super) const fn property(protocol: Protocol, buckets: bool, property: Property) -> Option<Why> {
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
            "the store model is one of blocks that are read and written in one operation",
            log,
        ),
        (DiskPaxos | AcceptorRecords | PutIfAbsent, Property::StoreModel) if buckets => (
            "the store model is one of blocks that are read and written in one operation",
            "agreement, validity, integrity, invariants; or add bucket = false to [cluster]",
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
        | Fault::StaleListing { .. }
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
