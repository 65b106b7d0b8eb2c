//! The verdict: what a run came to, judged against the scenario's own `[expect]`.

use std::collections::BTreeMap;

use bivalent_core::Value;
use hdrhistogram::Histogram;

use crate::{
    judge::{
        coverage::Coverage,
        report::{
            EnvelopeReport, Fairness, FaultCount, History, Latency, LogCounts, LogReport, Outcome,
            RunReport, Stall, Violation,
        },
    },
    scenario::{
        Adversary, Expect, Expected, Property, Scenario, StallKind, fault::FaultKind, script,
    },
};

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

/// A run that is over, of whatever kind: what a verdict is made of.
pub trait Finished {
    /// Events taken.
    fn steps(&self) -> u64;
    /// Reads and writes that arrived at a store.
    fn store_ops(&self) -> u64;
    /// Virtual time, nanoseconds.
    fn virtual_ns(&self) -> u64;
    /// A tick as nanoseconds.
    fn ns(&self, tick: u64) -> u64;
    /// How many agents, or slots, have decided.
    fn decided(&self) -> u32;
    /// The run's fingerprint.
    fn fingerprint(&self) -> u64;
    /// What the oracles found, one a property; names and values still to be put in.
    fn violations(&self) -> &[Violation];
    /// The stalls, in order.
    fn stalls(&self) -> &[Stall];
    /// What went beyond the envelope.
    fn exceeded(&self) -> Vec<String>;
    /// The faults of each kind that the scenario can inject.
    fn faults(&self) -> Vec<(FaultKind, FaultCount)>;
    /// How fair the schedule was.
    fn fairness(&self) -> Fairness;
    /// Times to decision, or from asking to the answer, nanoseconds.
    fn latencies(&self, each: &mut dyn FnMut(u64));
    /// Everyone who will ever take a step has what he wanted.
    fn is_done(&self) -> bool;
    /// Since when, nanoseconds from the start.
    fn done_ns(&self) -> Option<u64>;
    /// The first decision in words, if there is one and it is one value.
    fn value_in_words(&self) -> Option<String>;
    /// The proposals, by number - 1.
    fn values(&self) -> &[String];
    /// The probes that it came to, as a bit set of [`Probe::bit`](crate::judge::probe::Probe::bit).
    fn probes(&self) -> u64;
    /// Its features.
    fn coverage(&self) -> &Coverage;
    /// The entry of a script at which it stands.
    fn script_at(&self) -> Option<u64>;
    /// What it came to beside its verdict, if it is a log's.
    fn log(&self) -> Option<LogReport>;
    /// The same as bare counts, what its history was judged, and its batches' sizes.
    fn log_counts(&self) -> Option<(LogCounts, History, &Histogram<u64>)>;
}

/// The report of the run that an engine has just finished.
pub fn report(scenario: &Scenario, engine: &dyn Finished, seed: u64, end: End) -> RunReport {
    let armed = |violation: &&Violation| is_armed(&scenario.expect, violation.property);
    let violations: Vec<Violation> = engine
        .violations()
        .iter()
        .filter(armed)
        .map(|found| Violation {
            detail: spelled(scenario, engine, &found.detail),
            ..found.clone()
        })
        .collect();
    let mut stalls = engine.stalls().to_vec();
    for stall in &mut stalls {
        stall
            .agents
            .iter_mut()
            .for_each(|name| *name = spelled(scenario, engine, name));
    }
    let outcome = outcome(&violations, engine, end);
    let exceeded = engine.exceeded();
    let within = exceeded.is_empty();
    let mut times = latency_histogram();
    engine.latencies(&mut |ns| times.saturating_record(ns));
    let faults = engine
        .faults()
        .into_iter()
        .map(|(kind, count)| (kind.name(), count));
    RunReport {
        scenario: scenario.name.clone(),
        seed: format!("{seed:#x}"),
        coordinate: format!("{}@{seed:#x}", scenario.name),
        protocol: scenario.cluster.protocol.name(),
        agents: scenario.cluster.agents.len() as u32,
        stores: scenario.cluster.stores.len() as u32,
        outcome,
        expected: in_words(&scenario.expect),
        as_expected: as_expected(scenario, engine, outcome, &violations, within),
        steps: engine.steps(),
        store_ops: engine.store_ops(),
        virtual_ns: engine.virtual_ns(),
        decided: engine.decided(),
        fingerprint: format!("{:016x}", engine.fingerprint()),
        violations,
        stalls,
        fairness: engine.fairness(),
        script_stuck: stuck(scenario, engine, end),
        faults: faults.collect::<BTreeMap<_, _>>(),
        envelope: EnvelopeReport { within, exceeded },
        latency_ns: latency(&times),
        log: engine.log(),
    }
}

/// Whether a run that an engine has just finished is what its scenario expects, without the report.
pub(crate) fn judge(scenario: &Scenario, engine: &dyn Finished, end: End) -> (Outcome, bool) {
    let armed = |violation: &&Violation| is_armed(&scenario.expect, violation.property);
    let violations: Vec<Violation> = engine.violations().iter().filter(armed).cloned().collect();
    let outcome = outcome(&violations, engine, end);
    let within = violations.is_empty() || engine.exceeded().is_empty();
    (
        outcome,
        as_expected(scenario, engine, outcome, &violations, within),
    )
}

/// The entry at which a script could not go on.
fn stuck(scenario: &Scenario, engine: &dyn Finished, end: End) -> Option<String> {
    let Adversary::Script(script) = &scenario.schedule.adversary else {
        return None;
    };
    let at = engine.script_at().filter(|_| end == End::Misfit)?;
    let entry = script.entry(at)?;
    let words = script::words(scenario, entry);
    Some(format!("entry {}: {words}", at + 1))
}

fn outcome(violations: &[Violation], engine: &dyn Finished, end: End) -> Outcome {
    if !violations.is_empty() {
        Outcome::Unsafe
    } else if end == End::Misfit {
        // What came of it is not what was asked for.
        Outcome::Inconclusive
    } else if !engine.stalls().is_empty() {
        Outcome::Stalled
    } else if end == End::Decided || (engine.decided() > 0 && engine.is_done()) {
        Outcome::Decided
    } else {
        Outcome::Inconclusive
    }
}

/// Invariants count as one property in files and as two in reports.
fn is_property(property: Property, found: &str) -> bool {
    match property {
        Property::Invariants => found.starts_with("invariant-"),
        Property::Agreement
        | Property::Validity
        | Property::Integrity
        | Property::StoreModel
        | Property::Replicas
        | Property::ExactlyOnce
        | Property::Durability
        | Property::Linearizability
        | Property::Machine => found == property.name(),
    }
}

pub(crate) fn is_armed(expect: &Expect, found: &str) -> bool {
    let wanted = match expect.outcome {
        Expected::Violation(property) | Expected::ViolationOrWedge(property) => Some(property),
        Expected::Any
        | Expected::Decide
        | Expected::Stall { .. }
        | Expected::Wedge
        | Expected::Unwedged => None,
    };
    expect
        .always
        .iter()
        .copied()
        .chain(wanted)
        .any(|property| is_property(property, found))
}

fn as_expected(
    scenario: &Scenario,
    engine: &dyn Finished,
    outcome: Outcome,
    violations: &[Violation],
    within: bool,
) -> bool {
    let expect = &scenario.expect;
    let wedged = || {
        engine
            .stalls()
            .iter()
            .any(|stall| stall.kind == StallKind::Wedged.name())
    };
    let broken = |property| {
        violations
            .iter()
            .any(|found| is_property(property, found.property))
    };
    match expect.outcome {
        // A violation that the envelope promises not to happen is never what is expected.
        Expected::Violation(property) => outcome == Outcome::Unsafe && !within && broken(property),
        Expected::ViolationOrWedge(property) if outcome == Outcome::Unsafe => {
            !within && broken(property)
        }
        Expected::ViolationOrWedge(_) => wedged(),
        _ if outcome == Outcome::Unsafe => false,
        Expected::Any => true,
        Expected::Unwedged => !wedged(),
        Expected::Decide => outcome == Outcome::Decided && has_value(expect, engine),
        Expected::Wedge => wedged(),
        Expected::Stall { heals_within_ns } => {
            let kind = |kind: StallKind| {
                engine
                    .stalls()
                    .iter()
                    .any(|stall| stall.kind == kind.name())
            };
            let came = match expect.stall {
                Some(wanted) => kind(wanted),
                None => !engine.stalls().is_empty(),
            };
            let healed = heals_within_ns.is_none_or(|within| {
                let by = scenario.heal_ns.unwrap_or(0).saturating_add(within);
                engine.is_done() && engine.done_ns().is_some_and(|last| last <= by)
            });
            came && healed && (heals_within_ns.is_none() || has_value(expect, engine))
        }
    }
}

fn has_value(expect: &Expect, engine: &dyn Finished) -> bool {
    let Some(wanted) = &expect.value else {
        return true;
    };
    engine.value_in_words().as_ref() == Some(wanted)
}

fn in_words(expect: &Expect) -> String {
    match expect.outcome {
        Expected::Any => "safe".into(),
        Expected::Decide => "decide".into(),
        Expected::Wedge => "wedge".into(),
        Expected::Unwedged => "no wedge".into(),
        Expected::Violation(property) => format!("violation of {}", property.name()),
        Expected::ViolationOrWedge(property) => {
            format!("violation of {} or wedge", property.name())
        }
        Expected::Stall { heals_within_ns } => {
            let kind = expect
                .stall
                .map_or_else(String::new, |kind| format!(" ({})", kind.name()));
            let then = if heals_within_ns.is_some() {
                ", then decide"
            } else {
                ""
            };
            format!("stall{kind}{then}")
        }
    }
}

/// Puts the scenario's names and values where the oracles left numbers.
pub(crate) fn spelled(scenario: &Scenario, engine: &dyn Finished, text: &str) -> String {
    let mut spelled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        spelled.push_str(&rest[..start]);
        let Some(length) = rest[start..].find('}') else {
            break;
        };
        let word = &rest[start + 1..start + length];
        let number = word.get(1..).and_then(|digits| digits.parse::<u64>().ok());
        let known = number.and_then(|number| match word.as_bytes()[0] {
            b'a' => scenario
                .cluster
                .agents
                .get(number as usize)
                .map(|agent| agent.name.clone()),
            b's' => scenario.cluster.stores.get(number as usize).cloned(),
            b'v' => Some(value_in_words(engine, Value(number))),
            _ => None,
        });
        match known {
            Some(name) => spelled.push_str(&name),
            None => spelled.push_str(&rest[start..=start + length]),
        }
        rest = &rest[start + length + 1..];
    }
    spelled.push_str(rest);
    spelled
}

/// A proposal as the scenario spells it; bits that are no proposal, as such.
pub(crate) fn value_in_words(engine: &dyn Finished, value: Value) -> String {
    let number = value.0.checked_sub(1);
    let known = number.and_then(|index| engine.values().get(index as usize));
    known
        .cloned()
        .unwrap_or_else(|| format!("#{:x} (which nobody proposed)", value.0))
}

/// A histogram for times to decision: a day in nanoseconds, three digits.
pub(crate) fn latency_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 86_400_000_000_000, 3).expect("these bounds are valid")
}

/// The percentiles that reports name.
pub(crate) fn latency(times: &Histogram<u64>) -> Latency {
    if times.is_empty() {
        return Latency::default();
    }
    Latency {
        count: times.len(),
        p50: times.value_at_quantile(0.50),
        p90: times.value_at_quantile(0.90),
        p99: times.value_at_quantile(0.99),
        max: times.max(),
    }
}
