//! How long things take, who chooses, and what a campaign may vary.

use std::ops::Range;
use std::sync::Arc;

use bivalent_core::{Contention, MAX_AGENTS, MAX_STORES};
use serde_spanned::Spanned;

use super::{Resolver, conflict, idle, missing};
use crate::choices;
use crate::fault::{Delay, FaultKind, Span};
use crate::scenario::error::printable;
use crate::scenario::histogram::delay_table;
use crate::scenario::keys;
use crate::scenario::shape::{Field, Flaw};
use crate::scenario::spec::{DelaySpec, FuzzSpec, RetrySpec, ScheduleSpec};
use crate::scenario::units::{Counts, Duration};
use crate::scenario::{Adversary, Fuzz, Schedule};

const MS: u64 = 1_000_000;
/// Operations that may take effect while one is held back, at least.
const PATIENCE_MIN: u64 = 64;
/// The same, in rounds in which every agent writes to every store and reads every block there.
const PATIENCE_ROUNDS: u64 = 4;
/// Faults that a campaign adds, unless it says how many.
pub(in crate::scenario) const FUZZ_FAULTS: u64 = 3;

impl Schedule {
    /// What holds where a file says nothing.
    pub(in crate::scenario) fn usual(agents: usize, stores: usize) -> Self {
        let round = (agents * agents * stores) as u64;
        Self {
            seed: 0,
            adversary: Adversary::Random,
            read: range(MS / 2, 2 * MS),
            write: range(MS, 3 * MS),
            retry: Contention::Random {
                min: 5 * MS,
                max: 50 * MS,
            },
            timeout_ns: 50 * MS,
            patience: PATIENCE_MIN.max(PATIENCE_ROUNDS * round),
            crashes: 0,
            start_ns: 0,
            choices: None,
        }
    }
}

impl Resolver<'_> {
    /// How long things take, and who chooses.
    pub(super) fn schedule(&mut self, field: Option<Field<ScheduleSpec>>) -> Option<Schedule> {
        let count = |names: Option<&Vec<String>>| names.map_or(1, Vec::len);
        let mut schedule =
            Schedule::usual(count(self.agents.as_ref()), count(self.stores.as_ref()));
        let Some(field) = field else {
            return Some(schedule);
        };
        let spec = self.read(Some(field))?.into_inner();
        if let Some(seed) = self.number("seed", spec.seed, 0, u64::MAX) {
            schedule.seed = seed.into_inner();
        }
        let settings = (spec.patience, spec.crashes);
        if let Some(adversary) = self.read(spec.adversary) {
            self.adversary(adversary, settings, &mut schedule);
        } else if let Some(field) = settings.0.or(settings.1) {
            let span = self.read(Some(field)).map_or(0..0, |field| field.span());
            let flaw = conflict("there is no adversary to be given this", "for an adversary");
            self.notes
                .add(span, flaw.help("adversary = \"state-aware\""));
        }
        if let Some(read) = self.read(spec.read) {
            schedule.read = self.delay(read).unwrap_or(schedule.read);
        }
        if let Some(write) = self.read(spec.write) {
            schedule.write = self.delay(write).unwrap_or(schedule.write);
        }
        if let Some(retry) = self.read(spec.retry) {
            schedule.retry = self.retry(retry).unwrap_or(schedule.retry);
        }
        if let Some(timeout) = self.positive("timeout", spec.timeout) {
            schedule.timeout_ns = timeout.into_inner();
        }
        if let Some(start) = self.read(spec.start) {
            schedule.start_ns = start.get_ref().0;
        }
        if let Some(text) = self.read(spec.choices) {
            self.chosen = true;
            schedule.choices = self.choices(&text);
        }
        Some(schedule)
    }

    /// A list of choices out of its text.
    fn choices(&mut self, text: &Spanned<String>) -> Option<Arc<[u32]>> {
        let said = text.get_ref();
        let (problem, help) = if said.len() > choices::TEXT_MAX {
            let help = format!("at most {} MiB are read", choices::TEXT_MAX >> 20);
            (format!("`choices` has {} bytes", said.len()), help)
        } else {
            let bare: String = said.split_ascii_whitespace().collect();
            match choices::decode(&bare) {
                Some(list) if list.len() <= choices::LONGEST => return Some(list.into()),
                Some(list) => {
                    let help = format!("at most {} are followed", choices::LONGEST);
                    (format!("there are {} choices", list.len()), help)
                }
                None => {
                    let help =
                        "base64 of a run's choices, as a trace has them; they were cut or changed";
                    ("`choices` can't be decoded".to_owned(), help.to_owned())
                }
            }
        };
        // Its beginning: nobody wants to see all of it.
        let start = text.span().start;
        let flaw = Flaw::new("bivalent::scenario::choices", problem, "no list of choices");
        self.notes.add(start..start + 1, flaw.help(help));
        None
    }

    /// A duration that must not be nothing.
    pub(super) fn positive(
        &mut self,
        key: &str,
        field: Option<Field<Duration>>,
    ) -> Option<Spanned<u64>> {
        let duration = self.read(field)?;
        if duration.get_ref().0 == 0 {
            let flaw = Flaw::new(
                "bivalent::scenario::out_of_range",
                format!("`{key}` is nothing"),
                "must be more than 0",
            );
            let help = format!("the least `{key}` is 1ns");
            self.notes.add(duration.span(), flaw.help(help));
            return None;
        }
        Some(Spanned::new(duration.span(), duration.get_ref().0))
    }

    fn delay(&mut self, spec: Spanned<DelaySpec>) -> Option<Delay> {
        let place = spec.span();
        let file = match spec.into_inner() {
            DelaySpec::Range(times) => return Some(Delay::Range(times.0)),
            DelaySpec::Table(table) => self.required("histogram", table.histogram, &place)?,
        };
        let span = file.span();
        let file = self.checked("the file name", file, 4 * keys::NAME_MAX, false)?;
        let problem = match (self.open)(&file) {
            Ok(text) => match delay_table(&file, &text) {
                Ok(table) => return Some(Delay::Histogram(Arc::new(table))),
                Err(error) => error.to_string(),
            },
            Err(why) => format!("{}: {}", printable(&file), printable(&why)),
        };
        let flaw = Flaw::new("bivalent::scenario::histogram", problem, "can't be used");
        let help = "a histogram is an HdrHistogram log of nanoseconds, as `bivalent probe` writes";
        self.notes.add(span, flaw.help(help));
        None
    }

    /// How long an agent pauses after an abort.
    pub(super) fn retry(&mut self, spec: Spanned<RetrySpec>) -> Option<Contention> {
        let place = spec.span();
        match spec.into_inner() {
            RetrySpec::Range(times) => Some(match times.0 {
                Span { min: 0, max: 0 } => Contention::None,
                Span { min, max } => Contention::Random { min, max },
            }),
            RetrySpec::Table(table) => {
                let times = self.required("exponential", table.exponential, &place)?;
                let Span { min, max } = times.get_ref().0;
                if max == 0 {
                    let flaw = conflict("a pause of nothing does not grow", "0ms");
                    let help = "write retry = \"0ms\", or a range like \"1ms..100ms\"";
                    self.notes.add(times.span(), flaw.help(help));
                    return None;
                }
                Some(Contention::Exponential { min, max })
            }
        }
    }

    /// What a campaign may vary.
    pub(super) fn fuzz(
        &mut self,
        field: Option<Field<FuzzSpec>>,
        schedule: Option<&Schedule>,
        buckets: bool,
    ) -> Fuzz {
        let mut fuzz = Fuzz::default();
        let Some(spec) = self.read(field) else {
            return fuzz;
        };
        let spec = spec.into_inner();
        fuzz.agents = self.counts("agents", spec.agents, MAX_AGENTS as u64);
        fuzz.stores = self.counts("stores", spec.stores, MAX_STORES as u64);
        let retries = self.read(spec.retry);
        for retry in retries.map_or_else(Vec::new, Spanned::into_inner) {
            let retry = self.read(Some(retry));
            fuzz.retry.extend(retry.and_then(|retry| self.retry(retry)));
        }
        if let Some(faults) = self.read(spec.faults) {
            let place = faults.span();
            let faults = faults.into_inner();
            if let Some(schedule) = schedule {
                self.no_adding(schedule, &place);
            }
            if faults.add.is_none() {
                self.notes
                    .add(place, missing("add").help("add = [\"crash\", \"delay\"]"));
            }
            let kinds = FaultKind::ALL.map(FaultKind::name);
            let add = self.read(faults.add);
            for kind in add.map_or_else(Vec::new, Spanned::into_inner) {
                if let Some(word) = self.read(Some(kind))
                    && let Some(index) = self.word("fault", &word, &kinds)
                    && !fuzz.add.contains(&FaultKind::ALL[index])
                {
                    self.bearable(FaultKind::ALL[index], &word.span());
                    if FaultKind::ALL[index] == FaultKind::StaleListing && !buckets {
                        let flaw = idle("a store of blocks lists nothing");
                        let help = "add bucket = {} to [cluster], or leave the fault out";
                        self.notes.add(word.span(), flaw.help(help));
                    }
                    fuzz.add.push(FaultKind::ALL[index]);
                }
            }
            let most = self.number("at-most", faults.at_most, 1, 256);
            fuzz.at_most = most.map_or(FUZZ_FAULTS, Spanned::into_inner) as u32;
        }
        fuzz
    }

    /// Notes faults to be added where the adversary bears none.
    fn no_adding(&mut self, schedule: &Schedule, span: &Range<usize>) {
        let alone = matches!(
            schedule.adversary.at_first(),
            Adversary::Script(_) | Adversary::KeepBivalent
        );
        if alone {
            let flaw = idle("no faults are added here: the adversary bears none beside it");
            let help = "leave `faults` out, or use another adversary";
            self.notes.add(span.clone(), flaw.help(help));
        }
    }

    fn counts(&mut self, key: &str, field: Option<Field<Counts>>, most: u64) -> Option<(u8, u8)> {
        let counts = self.read(field)?;
        let Counts { from, to } = *counts.get_ref();
        let to = to.unwrap_or(from);
        if from == 0 || to > most {
            let flaw = Flaw::new(
                "bivalent::scenario::out_of_range",
                format!("`{key}` is {from}..{to}"),
                "out of range",
            );
            let help = format!("`{key}` lies within 1..{most}, both included");
            self.notes.add(counts.span(), flaw.help(help));
            return None;
        }
        Some((from as u8, to as u8))
    }
}

const fn range(min: u64, max: u64) -> Delay {
    Delay::Range(Span { min, max })
}
