//! The rules of what breaks: a trigger and a kind of fault each.

use std::ops::Range;

use bivalent_core::{AgentId, Layout};
use serde_spanned::Spanned;

use super::kinds::{Operations, operations};
use super::{Resolver, conflict};
use crate::scenario::bears;
use crate::scenario::error::line_of;
use crate::scenario::fault::{Condition, Fault, FaultKind, FaultRule, Happening, Span, Trigger};
use crate::scenario::shape::{Field, Flaw};
use crate::scenario::spec::{FaultSpec, WhenSpec};
use crate::scenario::units::Times;

/// More rules than these are no scenario.
const RULES_MAX: usize = 256;

pub(in crate::scenario) const HAPPENINGS: [(&str, Happening); 8] = [
    ("phase-1", Happening::Phase1),
    ("phase-2", Happening::Phase2),
    ("decided", Happening::Decided),
    ("aborted", Happening::Aborted),
    ("recovered", Happening::Recovered),
    ("read", Happening::Read),
    ("write", Happening::Write),
    ("vote", Happening::Vote),
];

/// A rule with the place of its trigger.
pub(super) struct Rule {
    /// Where its trigger stands.
    pub(super) trigger: Range<usize>,
    /// The rule.
    pub(super) rule: FaultRule,
}

impl Resolver<'_> {
    /// What breaks.
    pub(super) fn faults(
        &mut self,
        field: Option<Field<Vec<Field<FaultSpec>>>>,
        layout: Option<Layout>,
    ) -> Vec<Rule> {
        let Some(list) = self.read(field) else {
            return Vec::new();
        };
        let span = list.span();
        let list = list.into_inner();
        if list.len() > RULES_MAX {
            let flaw = Flaw::new(
                "bivalent::scenario::too_many",
                format!("there are {} faults", list.len()),
                "too many",
            );
            let help =
                format!("at most {RULES_MAX}; `chance` and `times` make one rule strike often");
            self.notes.add(span, flaw.help(help));
            return Vec::new();
        }
        let starts: Vec<usize> = list.iter().map(|fault| fault.span.start).collect();
        let ends = starts.into_iter().skip(1).chain([usize::MAX]);
        list.into_iter()
            .zip(ends)
            .filter_map(|(fault, end)| self.rule(fault, end, layout))
            .collect()
    }

    fn rule(
        &mut self,
        field: Field<FaultSpec>,
        end: usize,
        layout: Option<Layout>,
    ) -> Option<Rule> {
        let spec = self.read(Some(field))?;
        let place = spec.span();
        let mut spec = spec.into_inner();
        // A mistyped trigger or kind has been told already: it is not missing as well.
        let told = self.notes.has_unknown_key(place.start..end);
        let during = spec.during.is_some();
        let trigger = self.trigger(&mut spec, &place, told);
        let times = spec.times.take();
        let limited = times.is_some();
        let times = self.number("times", times, 1, u32::MAX.into());
        let fault = self.fault(spec, &place, told, during, layout);
        let (at, trigger) = trigger?;
        let once = trigger.strikes_once().then_some(1);
        let rule = FaultRule {
            trigger,
            times: if limited {
                Some(times?.into_inner() as u32)
            } else {
                once
            },
            fault: fault?,
            line: line_of(self.text, place.start) as u32,
        };
        if let (Some(protocol), Some(agents)) = (self.protocol, &self.agents)
            && let Some((key, flaw)) = bears::idle_rule(&rule, protocol, agents.len())
        {
            let end = end.min(self.text.len());
            let place = bears::place_of(self.text, &(place.start..end), key);
            self.notes.add(place, flaw);
        }
        Some(Rule { trigger: at, rule })
    }

    fn trigger(
        &mut self,
        spec: &mut FaultSpec,
        place: &Range<usize>,
        told: bool,
    ) -> Option<(Range<usize>, Trigger)> {
        let mut present: Vec<Range<usize>> = [
            spec.at.as_ref().map(|at| at.span.clone()),
            spec.during.as_ref().map(|during| during.span.clone()),
            spec.when.as_ref().map(|when| when.span.clone()),
            spec.chance.as_ref().map(|chance| chance.span.clone()),
            spec.nth.as_ref().map(|nth| nth.span.clone()),
        ]
        .into_iter()
        .flatten()
        .collect();
        present.sort_by_key(|span| span.start);
        if present.len() != 1 {
            let help = "a fault strikes at a time, during a range, when something happens, by \
                        chance, or by count: one of `at`, `during`, `when`, `chance`, `nth`";
            if let Some(second) = present.get(1) {
                let flaw = conflict("this fault has two triggers", "the second one");
                self.notes.add(second.clone(), flaw.help(help));
            } else if !told {
                let flaw = Flaw::new(
                    "bivalent::scenario::missing_key",
                    "this fault has no trigger",
                    "when does it strike?",
                );
                self.notes.add(place.clone(), flaw.help(help));
            }
        }
        let at = self.read(spec.at.take()).map(|at| {
            let ns = at.get_ref().0;
            (at.span(), Trigger::At(ns))
        });
        let during = self.read(spec.during.take());
        let during = during.and_then(|during| self.during(&during));
        let when = self.read(spec.when.take());
        let when = when.and_then(|when| {
            let span = when.span();
            let when = self.condition(when)?;
            Some((span, Trigger::When(when)))
        });
        let chance = self.read(spec.chance.take()).map(|chance| {
            let parts = chance.get_ref().0;
            (chance.span(), Trigger::Chance(parts))
        });
        let nth = self.number("nth", spec.nth.take(), 1, u32::MAX.into());
        let nth = nth.map(|nth| (nth.span(), Trigger::Nth(*nth.get_ref() as u32)));
        at.or(during).or(when).or(chance).or(nth)
    }

    fn during(&mut self, during: &Spanned<Times>) -> Option<(Range<usize>, Trigger)> {
        let Span { min, max } = during.get_ref().0;
        if min == max {
            let flaw = Flaw::new(
                "bivalent::scenario::bad_range",
                "`during` takes no time",
                "from when to when?",
            );
            let help = "a range like \"1s..2s\"; for one moment, use `at`";
            self.notes.add(during.span(), flaw.help(help));
            return None;
        }
        Some((during.span(), Trigger::During(min, max)))
    }

    fn condition(&mut self, when: Spanned<WhenSpec>) -> Option<Condition> {
        let place = when.span();
        let when = when.into_inner();
        let happens = self.required("happens", when.happens, &place);
        let words = HAPPENINGS.map(|(word, _)| word);
        let happens =
            happens.and_then(|word| Some((word.span(), self.word("event", &word, &words)?)));
        let agents = self.agent_set(when.agent);
        if let (Some(protocol), Some((span, index))) = (self.protocol, &happens)
            && let Some(why) = bears::happening(protocol, HAPPENINGS[*index].1)
        {
            let word = HAPPENINGS[*index].0;
            self.notes.add(span.clone(), why.flaw(word, protocol));
        }
        let happens = happens.map(|(_, index)| index);
        let on_store = happens.is_none_or(|index| {
            matches!(
                HAPPENINGS[index].1,
                Happening::Read | Happening::Write | Happening::Vote
            )
        });
        if let (Some(store), false) = (&when.store, on_store) {
            let flaw = conflict("this does not happen on a store", "no store takes part");
            let help = "`store` goes with read, write and vote";
            self.notes.add(store.span.clone(), flaw.help(help));
        }
        let stores = self.store_set(when.store);
        let nth = self.number("nth", when.nth, 1, u32::MAX.into());
        Some(Condition {
            happens: HAPPENINGS[happens?].1,
            agents,
            stores,
            nth: nth.map_or(1, Spanned::into_inner) as u32,
        })
    }

    /// The one kind of fault in a rule. Reads all that are there, for their errors.
    fn fault(
        &mut self,
        spec: FaultSpec,
        place: &Range<usize>,
        told: bool,
        during: bool,
        layout: Option<Layout>,
    ) -> Option<Fault> {
        let mut found: Vec<(Range<usize>, FaultKind, Option<Fault>)> = Vec::new();
        let mut keep = |span: Range<usize>, kind, fault| found.push((span, kind, fault));
        if let Some(field) = spec.crash {
            let span = field.span.clone();
            let fault = self.read(Some(field)).map(|crash| {
                let crash = crash.into_inner();
                Fault::Crash {
                    agents: self.agent_set(crash.agent),
                    restart: self.read(crash.restart).map(|span| span.get_ref().0),
                    unfenced: self.read(crash.unfenced).is_some_and(Spanned::into_inner),
                }
            });
            keep(span, FaultKind::Crash, fault);
        }
        if let Some(field) = spec.restart {
            let span = field.span.clone();
            let fault = self.read(Some(field)).map(|restart| Fault::Restart {
                agents: self.agent_set(restart.into_inner().agent),
            });
            keep(span, FaultKind::Restart, fault);
        }
        if let Some(field) = spec.pause {
            let span = field.span.clone();
            let fault = self.read(Some(field)).map(|pause| {
                let pause = pause.into_inner();
                Fault::Pause {
                    agents: self.agent_set(pause.agent),
                    span: self.lasting(pause.r#for, during),
                }
            });
            keep(span, FaultKind::Pause, fault);
        }
        if let Some(field) = spec.clock_skew {
            let span = field.span.clone();
            let fault = self.read(Some(field)).and_then(|skew| self.skew(skew));
            keep(span, FaultKind::ClockSkew, fault);
        }
        if let Some(field) = spec.outage {
            let span = field.span.clone();
            let fault = self.read(Some(field)).map(|outage| {
                let outage = outage.into_inner();
                Fault::Outage {
                    stores: self.store_set(outage.store),
                    span: self.lasting(outage.r#for, during),
                }
            });
            keep(span, FaultKind::Outage, fault);
        }
        if let Some(field) = spec.slow_store {
            let span = field.span.clone();
            let fault = self
                .read(Some(field))
                .and_then(|slow| self.slow(slow, during));
            keep(span, FaultKind::SlowStore, fault);
        }
        if let Some(field) = spec.amnesia {
            let span = field.span.clone();
            let fault = self.read(Some(field)).and_then(|amnesia| {
                let place = amnesia.span();
                let amnesia = amnesia.into_inner();
                let stores = self.store_set(amnesia.store);
                let versions = self.required("versions", amnesia.versions, &place)?;
                let versions = self.versions(versions)?;
                Some(Fault::Amnesia { stores, versions })
            });
            keep(span, FaultKind::Amnesia, fault);
        }
        if let Some(field) = spec.store_loss {
            let span = field.span.clone();
            let fault = self.read(Some(field)).map(|loss| Fault::StoreLoss {
                stores: self.store_set(loss.into_inner().store),
            });
            keep(span, FaultKind::StoreLoss, fault);
        }
        if let Some(field) = spec.delay {
            let span = field.span.clone();
            let fault = self.read(Some(field)).and_then(|delay| self.later(delay));
            let fault = fault.map(|(scope, by)| Fault::Delay { scope, by });
            keep(span, FaultKind::Delay, fault);
        }
        if let Some(field) = spec.reorder {
            let span = field.span.clone();
            let fault = self.plain(field).map(|scope| Fault::Reorder { scope });
            keep(span, FaultKind::Reorder, fault);
        }
        if let Some(field) = spec.lost_request {
            let span = field.span.clone();
            let fault = self.plain(field).map(|scope| Fault::LostRequest { scope });
            keep(span, FaultKind::LostRequest, fault);
        }
        if let Some(field) = spec.lost_ack {
            let span = field.span.clone();
            let fault = self.plain(field).map(|scope| Fault::LostAck { scope });
            keep(span, FaultKind::LostAck, fault);
        }
        if let Some(field) = spec.late_write {
            let span = field.span.clone();
            let fault = self.read(Some(field)).and_then(|late| {
                let place = late.span();
                let late = late.into_inner();
                let by = self.required("by", late.by, &place);
                let scope = self.writes(operations!(late, None));
                let by = by?.get_ref().0;
                Some(Fault::LateWrite { scope: scope?, by })
            });
            keep(span, FaultKind::LateWrite, fault);
        }
        if let Some(field) = spec.duplicate {
            let span = field.span.clone();
            let fault = self.read(Some(field)).and_then(|delay| self.later(delay));
            let fault = fault.map(|(scope, by)| Fault::Duplicate { scope, by });
            keep(span, FaultKind::Duplicate, fault);
        }
        if let Some(field) = spec.torn_write {
            let span = field.span.clone();
            let fault = self
                .read(Some(field))
                .and_then(|torn| self.torn(torn, layout));
            keep(span, FaultKind::TornWrite, fault);
        }
        if let Some(field) = spec.stale_read {
            let span = field.span.clone();
            let fault = self.read(Some(field)).and_then(|stale| self.stale(stale));
            keep(span, FaultKind::StaleRead, fault);
        }
        if let Some(field) = spec.stale_listing {
            let span = field.span.clone();
            let fault = self.read(Some(field)).and_then(|stale| self.listing(stale));
            keep(span, FaultKind::StaleListing, fault);
        }
        if let Some(field) = spec.bit_rot {
            let span = field.span.clone();
            let fault = self.read(Some(field)).and_then(|rot| self.rot(rot));
            keep(span, FaultKind::BitRot, fault);
        }
        if let Some(field) = spec.misdirected_write {
            let span = field.span.clone();
            let fault = self.read(Some(field)).and_then(|misdirected| {
                let misdirected = misdirected.into_inner();
                let onto = self.read(misdirected.onto);
                let known = self.agents.clone();
                let index = onto
                    .as_ref()
                    .and_then(|name| self.lookup("agent", name, known.as_ref()?));
                let scope = self.writes(operations!(misdirected, None))?;
                let onto = index.map(|index| AgentId(index as u16));
                Some(Fault::MisdirectedWrite { scope, onto })
            });
            keep(span, FaultKind::MisdirectedWrite, fault);
        }
        found.sort_by_key(|(span, ..)| span.start);
        for (span, kind, _) in &found {
            self.bearable(*kind, span);
        }
        if let [(_, first, _), (span, second, _), ..] = found.as_slice() {
            let message = format!(
                "this fault is both `{}` and `{}`",
                first.name(),
                second.name()
            );
            let flaw = conflict(message, "the second kind");
            let help = "one kind of fault to a [[fault]]: write another [[fault]] for it";
            self.notes.add(span.clone(), flaw.help(help));
        } else if found.is_empty() && !told {
            let flaw = Flaw::new(
                "bivalent::scenario::missing_key",
                "this fault does nothing",
                "no kind of fault",
            );
            let help = format!("one of {}", FaultKind::ALL.map(FaultKind::name).join(", "));
            self.notes.add(place.clone(), flaw.help(help));
        }
        found.into_iter().next().and_then(|(.., fault)| fault)
    }

    /// Notes a kind of fault that can't happen under the protocol.
    pub(super) fn bearable(&mut self, kind: FaultKind, span: &Range<usize>) {
        let Some(protocol) = self.protocol else {
            return;
        };
        if let Some(why) = bears::fault(protocol, kind) {
            self.notes
                .add(span.clone(), why.flaw(kind.name(), protocol));
        }
    }
}
