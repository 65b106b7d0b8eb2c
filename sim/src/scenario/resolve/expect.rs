//! What is promised, when everything heals, and where a run ends.

use serde_spanned::Spanned;

use super::faults::Rule;
use super::{Resolver, conflict, idle};
use crate::scenario::bears;
use crate::scenario::error::printable;
use crate::scenario::fault::Trigger;
use crate::scenario::shape::{Field, Flaw};
use crate::scenario::spec::{ExpectSpec, HealSpec, LimitsSpec, OutcomeSpec, OutcomeTable};
use crate::scenario::units::Counts;
use crate::scenario::{Expect, Expected, Limits, Property, Protocol, StallKind, keys};

const SECOND: u64 = 1_000_000_000;
const STEPS: u64 = 1_000_000;
const STEPS_MAX: u64 = 16_000_000;
const SEEDS_MAX: u64 = 10_000_000;
/// A run's time, unless heal or faults need more.
const TIME: u64 = 10 * SECOND;
/// How long everybody has after the heal, unless it is said.
const WITHIN: u64 = 5 * SECOND;

impl Limits {
    /// What holds where a file says nothing.
    pub(in crate::scenario) fn usual<'a>(
        heal_ns: Option<u64>,
        outcome: Expected,
        triggers: impl Iterator<Item = &'a Trigger>,
    ) -> Self {
        let within = match outcome {
            Expected::Stall { heals_within_ns } => heals_within_ns.unwrap_or(0),
            Expected::Any
            | Expected::Decide
            | Expected::Wedge
            | Expected::Unwedged
            | Expected::Violation(_)
            | Expected::ViolationOrWedge(_) => WITHIN,
        };
        let healed = heal_ns.map_or(0, |heal| heal + within + SECOND);
        let last = triggers.filter_map(times).map(|(_, to)| to).max();
        Self {
            steps: STEPS,
            // Time to see what the last fault leads to.
            time_ns: TIME.max(healed).max(last.unwrap_or(0) + TIME / 2),
            stall_ns: SECOND,
        }
    }
}

/// From when to when a rule strikes, if a time says so.
const fn times(trigger: &Trigger) -> Option<(u64, u64)> {
    match *trigger {
        Trigger::At(at) => Some((at, at)),
        Trigger::During(from, to) => Some((from, to)),
        Trigger::When(_) | Trigger::Chance(_) | Trigger::Nth(_) => None,
    }
}

impl Resolver<'_> {
    /// When everything heals.
    pub(super) fn heal(&mut self, field: Option<Field<HealSpec>>) -> Option<Spanned<u64>> {
        let heal = self.read(field)?;
        let place = heal.span();
        let at = self.required("at", heal.into_inner().at, &place)?;
        Some(Spanned::new(at.span(), at.get_ref().0))
    }

    /// What is promised.
    pub(super) fn expect(
        &mut self,
        field: Option<Field<ExpectSpec>>,
        heal: Option<&Spanned<u64>>,
        proposals: Option<Vec<String>>,
    ) -> Expect {
        let mut expect = Expect {
            always: Property::ALL.to_vec(),
            outcome: Expected::Decide,
            stall: None,
            seeds: None,
            value: None,
        };
        let Some(spec) = self.read(field) else {
            return expect;
        };
        let spec = spec.into_inner();
        if let Some(always) = self.read(spec.always) {
            expect.always.clear();
            for word in always.into_inner() {
                let property = self
                    .read(Some(word))
                    .and_then(|word| self.property(&word))
                    .filter(|property| !expect.always.contains(property));
                expect.always.extend(property);
            }
        }
        let known = spec.outcome.is_none() || {
            let outcome = self.read(spec.outcome);
            let outcome = outcome.and_then(|outcome| self.outcome(outcome, heal));
            expect.outcome = outcome.unwrap_or(Expected::Any);
            outcome.is_some()
        };
        if let Some(word) = self.read(spec.stall) {
            if known {
                self.of_a_stall(expect.outcome, &word);
            }
            let words = StallKind::ALL.map(StallKind::name);
            let index = self.word("stall", &word, &words);
            expect.stall = index.map(|index| StallKind::ALL[index]);
            if let (Some(protocol), Some(kind)) = (self.protocol, expect.stall)
                && let Some(why) = bears::stall(protocol, kind)
            {
                self.notes.add(word.span(), why.flaw(kind.name(), protocol));
            }
        }
        expect.seeds = self.seeds(spec.seeds);
        let said = spec.value.as_ref().map(|value| value.span.clone());
        if let Some(span) = said.filter(|_| known && !bears::asks_for_value(expect.outcome)) {
            let flaw = idle("`value` does nothing here: no decision is expected");
            let help = "leave it out, or outcome = \"decide\"";
            self.notes.add(span, flaw.help(help));
        }
        if self.protocol != Some(Protocol::ReplicatedLog) {
            expect.value = self.value(spec.value, proposals);
        }
        expect
    }

    /// Notes the kind of a stall where none is expected, or where the outcome says which.
    fn of_a_stall(&mut self, outcome: Expected, word: &Spanned<String>) {
        let flaw = match outcome {
            Expected::Stall { .. } => return,
            Expected::Wedge | Expected::ViolationOrWedge(_) => {
                let flaw = idle("`stall` does nothing here: the stall expected is a wedge");
                flaw.help("leave it out, or outcome = \"stall\"")
            }
            Expected::Any | Expected::Decide | Expected::Unwedged | Expected::Violation(_) => {
                let flaw = conflict("no stall is expected here", "of which stall?");
                flaw.help("`stall` goes with outcome = \"stall\"")
            }
        };
        self.notes.add(word.span(), flaw);
    }

    fn property(&mut self, word: &Spanned<String>) -> Option<Property> {
        let words = Property::ALL.map(Property::name);
        let index = self.word("property", word, &words)?;
        let property = Property::ALL[index];
        if let Some(protocol) = self.protocol
            && let Some(why) = bears::property(protocol, self.buckets, property)
        {
            let flaw = why.flaw(property.name(), protocol);
            self.notes.add(word.span(), flaw);
        }
        Some(property)
    }

    fn outcome(
        &mut self,
        outcome: Spanned<OutcomeSpec>,
        heal: Option<&Spanned<u64>>,
    ) -> Option<Expected> {
        let span = outcome.span();
        let table = match outcome.into_inner() {
            OutcomeSpec::Word(word) => {
                let word = Spanned::new(span, word);
                let words = ["decide", "any", "stall", "wedge", "unwedged"];
                let index = self.word("outcome", &word, &words)?;
                let nothing = Expected::Stall {
                    heals_within_ns: None,
                };
                let meant = [
                    Expected::Decide,
                    Expected::Any,
                    nothing,
                    Expected::Wedge,
                    Expected::Unwedged,
                ];
                return Some(meant[index]);
            }
            OutcomeSpec::Table(table) => *table,
        };
        let healing = table.before_heal.is_some() || table.after_heal.is_some();
        if let (Some(within), false) = (&table.within, healing) {
            let flaw = idle("`within` does nothing here: it is counted from the heal");
            let help = "leave it out, or say what comes before-heal and after-heal";
            self.notes.add(within.span.clone(), flaw.help(help));
        }
        match (table.violation, table.violation_or_wedge, healing) {
            (Some(word), None, false) => {
                let word = self.read(Some(word))?;
                self.property(&word).map(Expected::Violation)
            }
            (None, Some(word), false) => {
                let word = self.read(Some(word))?;
                self.property(&word).map(Expected::ViolationOrWedge)
            }
            (None, None, true) => {
                let table = OutcomeTable {
                    violation: None,
                    violation_or_wedge: None,
                    ..table
                };
                self.before_and_after(table, &span, heal)
            }
            _ => {
                let flaw = conflict("an outcome is one thing", "which one?");
                let help = "one of { violation = .. }, { violation-or-wedge = .. } and \
                            { before-heal = \"stall\", after-heal = \"decide\", within = \"5s\" }";
                self.notes.add(span, flaw.help(help));
                None
            }
        }
    }

    fn before_and_after(
        &mut self,
        table: OutcomeTable,
        place: &std::ops::Range<usize>,
        heal: Option<&Spanned<u64>>,
    ) -> Option<Expected> {
        if heal.is_none() {
            let flaw = conflict("nothing heals in this scenario", "which heal?");
            let help = "add a section [heal] with a time: at = \"60s\"";
            self.notes.add(place.clone(), flaw.help(help));
        }
        if let Some(word) = self.required("before-heal", table.before_heal, place) {
            if word.get_ref() == "decide" {
                let flaw = conflict(
                    "a decision before the heal leaves nothing to expect after it",
                    "not meaningful",
                );
                let help = "write outcome = \"decide\", or before-heal = \"stall\"";
                self.notes.add(word.span(), flaw.help(help));
                return None;
            }
            self.word("outcome before the heal", &word, &["stall"])?;
        }
        let decides = match self.read(table.after_heal) {
            None => true,
            Some(word) => {
                let words = ["decide", "any"];
                self.word("outcome after the heal", &word, &words)? == 0
            }
        };
        let within = self.positive("within", table.within);
        if let (Some(within), false) = (&within, decides) {
            let flaw = conflict("no decision is expected after the heal", "of what?");
            let help = "leave `within` out, or write after-heal = \"decide\"";
            self.notes.add(within.span(), flaw.help(help));
        }
        let within = within.map_or(WITHIN, Spanned::into_inner);
        Some(Expected::Stall {
            heals_within_ns: decides.then_some(within),
        })
    }

    fn seeds(&mut self, field: Option<Field<Counts>>) -> Option<(u64, u64)> {
        let seeds = self.read(field)?;
        if self.chosen {
            let flaw = conflict("with `choices`, every seed is the same run", "of one run");
            let help = "leave `seeds` out, or `choices` in [schedule]";
            self.notes.add(seeds.span(), flaw.help(help));
            return None;
        }
        let Counts { from, to } = *seeds.get_ref();
        let count = to.map(|to| to - from);
        if let (Some(1..=SEEDS_MAX), Some(to)) = (count, to) {
            return Some((from, to));
        }
        let flaw = Flaw::new(
            "bivalent::scenario::bad_range",
            count.map_or_else(
                || "one seed is no range of seeds".to_owned(),
                |count| format!("these are {count} seeds"),
            ),
            "not a usable range",
        );
        let help = format!("\"0..2000\" is 0 to 1999; at most {SEEDS_MAX} seeds");
        self.notes.add(seeds.span(), flaw.help(help));
        None
    }

    fn value(
        &mut self,
        field: Option<Field<String>>,
        proposals: Option<Vec<String>>,
    ) -> Option<String> {
        let value = self.read(field)?;
        let proposals = proposals?;
        if proposals.contains(value.get_ref()) {
            return Some(value.into_inner());
        }
        let known: Vec<&str> = proposals.iter().map(String::as_str).collect();
        let flaw = Flaw::new(
            "bivalent::scenario::unknown_word",
            format!("nobody proposes `{}`", printable(value.get_ref())),
            keys::guess(value.get_ref(), &known),
        );
        let help = format!("proposals are {}", keys::list(&known));
        self.notes.add(value.span(), flaw.help(help));
        None
    }

    /// Where a run ends; checks that faults and heal come before that.
    pub(super) fn limits(
        &mut self,
        field: Option<Field<LimitsSpec>>,
        heal_ns: Option<u64>,
        outcome: Expected,
        rules: &[Rule],
    ) -> Limits {
        let triggers = rules.iter().map(|rule| &rule.rule.trigger);
        let mut limits = Limits::usual(heal_ns, outcome, triggers);
        if let Some(spec) = self.read(field) {
            let spec = spec.into_inner();
            if let Some(steps) = self.number("steps", spec.steps, 1, STEPS_MAX) {
                limits.steps = steps.into_inner();
            }
            if let Some(time) = self.positive("time", spec.time) {
                limits.time_ns = *time.get_ref();
                if heal_ns.is_some_and(|heal| heal >= limits.time_ns) {
                    let flaw = conflict("the run ends before it heals", "too early");
                    let help = "a later `time`, or an earlier heal";
                    self.notes.add(time.span(), flaw.help(help));
                }
            }
            if let Some(stall) = self.positive("stall-after", spec.stall_after) {
                limits.stall_ns = stall.into_inner();
            }
        }
        let end = limits.time_ns.min(heal_ns.unwrap_or(u64::MAX));
        let late = |rule: &&Rule| times(&rule.rule.trigger).is_some_and(|(from, _)| from >= end);
        for rule in rules.iter().filter(late) {
            let message = if end == limits.time_ns {
                "this fault never strikes: the run is over by then"
            } else {
                "this fault never strikes: all is healed by then"
            };
            let flaw = Flaw::new("bivalent::scenario::never_strikes", message, "too late");
            let help = "an earlier time for the fault, or a later end";
            self.notes.add(rule.trigger.clone(), flaw.help(help));
        }
        limits
    }
}
