//! How long things take, and who chooses.

use std::sync::Arc;

use bivalent_core::Contention;
use serde_spanned::Spanned;

use super::{Resolver, conflict};
use crate::scenario::choices;
use crate::scenario::error::printable;
use crate::scenario::fault::{Delay, Span};
use crate::scenario::histogram::delay_table;
use crate::scenario::keys;
use crate::scenario::shape::{Field, Flaw};
use crate::scenario::spec::{DelaySpec, RetrySpec, ScheduleSpec};
use crate::scenario::units::Duration;
use crate::scenario::{Adversary, Schedule};

const MS: u64 = 1_000_000;
/// Operations that may take effect while one is held back, at least.
const PATIENCE_MIN: u64 = 64;
/// The same, in rounds in which every agent writes to every store and reads every block there.
const PATIENCE_ROUNDS: u64 = 4;

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
}

const fn range(min: u64, max: u64) -> Delay {
    Delay::Range(Span { min, max })
}
