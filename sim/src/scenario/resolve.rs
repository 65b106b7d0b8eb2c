//! From the text of a scenario file to its meaning, or to everything that is wrong with it.

mod adversary;
mod chances;
mod cluster;
mod expect;
mod faults;
mod fuzz;
mod kinds;
mod price;
mod schedule;
mod workload;

pub(super) use self::cluster::FORMATS;
pub(super) use self::faults::HAPPENINGS;
pub(super) use self::fuzz::FUZZ_FAULTS;

use std::cell::RefCell;
use std::ops::Range;

use serde::Deserialize;
use serde_spanned::Spanned;
use toml::de::DeTable;

use super::bears::{self, NO_EFFECT};
use super::error::{Notes, is_treacherous, printable};
use super::keys;
use super::shape::{Field, Flaw};
use super::spec::{Names, Spec};
use super::{Cluster, Protocol, Scenario, ScenarioErrors};
use crate::scenario::planted::Planted;

/// No file is larger, bytes.
const TEXT_MAX: usize = 16 << 20;
/// No file has more signs of structure: each may cost the parser a hundred bytes.
const SIGNS_MAX: usize = 200_000;
/// No title or summary is longer, bytes.
const SUMMARY_MAX: usize = 4096;

impl Scenario {
    /// Reads a scenario. `open` is given the path of a histogram, as it stands in the file, and
    /// answers with its text, or why there is none. All errors come at once.
    ///
    /// ```
    /// use bivalent_sim::scenario::Scenario;
    ///
    /// let text = r#"
    ///     title   = "Two agents"
    ///     summary = "They agree."
    ///     [cluster]
    ///     agents  = 2
    ///     stores  = 3
    /// "#;
    /// let none = |_: &str| Err("no file".to_owned());
    ///
    /// let scenario = Scenario::parse("two.toml", text, &none).unwrap();
    /// assert_eq!(scenario.cluster.envelope.quorum(), 2);
    ///
    /// let errors = Scenario::parse("two.toml", &text.replace("agents", "agnets"), &none).unwrap_err();
    /// assert_eq!(errors.errors()[0].label, "did you mean `agents`?");
    /// ```
    pub fn parse(
        name: &str,
        text: &str,
        open: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Self, ScenarioErrors> {
        let mut notes = Notes::default();
        if let Some(flaw) = unreadable(text) {
            notes.add(0..0, flaw);
            // Nobody wants to see a text like that.
            return Err(notes.into_errors(name, ""));
        }
        let mut document = match DeTable::parse(text) {
            Ok(document) => document,
            Err(error) => {
                notes.add(error.span().unwrap_or(0..0), syntax(error.message()));
                return Err(notes.into_errors(name, text));
            }
        };
        keys::prune(&mut document, &mut notes);
        bears::refuse(document.get_ref(), &mut notes);
        let spec = match Spec::deserialize(toml::de::Deserializer::from(document)) {
            Ok(spec) => spec,
            Err(error) => {
                notes.add(error.span().unwrap_or(0..0), syntax(error.message()));
                return Err(notes.into_errors(name, text));
            }
        };
        let files = RefCell::new(Vec::<(String, String)>::new());
        let keeping = |file: &str| {
            let text = open(file)?;
            let mut files = files.borrow_mut();
            if files.iter().all(|(known, _)| known != file) {
                files.push((file.to_owned(), text.clone()));
            }
            Ok(text)
        };
        let mut resolver = Resolver {
            text,
            open: &keeping,
            notes,
            protocol: None,
            buckets: false,
            agents: None,
            stores: None,
            chosen: false,
        };
        match resolver.scenario(name, spec) {
            Some(scenario) if resolver.notes.is_empty() => Ok(Self {
                files: files.take(),
                ..scenario
            }),
            Some(_) | None => Err(resolver.notes.into_errors(name, text)),
        }
    }
}

/// What makes a text not worth parsing.
fn unreadable(text: &str) -> Option<Flaw> {
    if text.len() > TEXT_MAX {
        let flaw = Flaw::new(
            "bivalent::scenario::too_large",
            format!("the file has {} bytes", text.len()),
            "",
        );
        return Some(flaw.help(format!("at most {} MiB are read", TEXT_MAX >> 20)));
    }
    let sign = |byte: &u8| {
        matches!(
            byte,
            b'\n' | b'=' | b',' | b'.' | b'[' | b'{' | b'"' | b'\''
        )
    };
    if text.bytes().filter(sign).count() > SIGNS_MAX {
        let flaw = Flaw::new(
            "bivalent::scenario::too_large",
            format!("the file has more than {SIGNS_MAX} lines, keys and values"),
            "",
        );
        return Some(flaw.help("a scenario has a few dozen"));
    }
    let junk = |c: char| c == '\0' || c == char::REPLACEMENT_CHARACTER;
    text.contains(junk).then(|| {
        Flaw::new(
            "bivalent::scenario::not_text",
            "this is not a text file",
            "",
        )
        .help("a scenario is TOML, in UTF-8")
    })
}

fn syntax(message: &str) -> Flaw {
    if message.contains("recursion limit") {
        return keys::too_deep();
    }
    let code = if message.contains("duplicate key") {
        "bivalent::scenario::duplicate_key"
    } else {
        "bivalent::scenario::syntax"
    };
    let flaw = Flaw::new(code, printable(message), "here");
    if code.ends_with("duplicate_key") {
        flaw.help("a key stands once in a table; an array of tables is written [[fault]]")
    } else {
        flaw.help("a scenario is TOML: https://toml.io/en/v1.1.0")
    }
}

/// The state of resolving: what is known of the names, and what was wrong so far.
struct Resolver<'a> {
    text: &'a str,
    open: &'a dyn Fn(&str) -> Result<String, String>,
    notes: Notes,
    /// The protocol; none if it is in doubt.
    protocol: Option<Protocol>,
    /// Stores are buckets.
    buckets: bool,
    /// The agents' names; none if they are in doubt, so that one error does not cause others.
    agents: Option<Vec<String>>,
    /// The stores' names, likewise.
    stores: Option<Vec<String>>,
    /// The schedule follows choices, so that all seeds are alike.
    chosen: bool,
}

impl Resolver<'_> {
    fn scenario(&mut self, name: &str, spec: Spec) -> Option<Scenario> {
        let top = 0..0;
        let title = self.text_of("title", spec.title, &top, keys::NAME_MAX);
        let summary = self.text_of("summary", spec.summary, &top, SUMMARY_MAX);
        let tags = self.tags(spec.tags);
        let cluster = self.cluster(spec.cluster);
        let schedule = self.schedule(spec.schedule);
        let layout = cluster.as_ref().map(|cluster| cluster.layout);
        let rules = self.faults(spec.fault, layout);
        if let Some(schedule) = &schedule {
            self.sole_schedule(schedule, &rules, layout);
        }
        let proposals = cluster.as_ref().map(proposals);
        self.chances(&rules);
        let heal = self.heal(spec.heal);
        let expect = self.expect(spec.expect, heal.as_ref(), proposals);
        let heal_ns = heal.map(Spanned::into_inner);
        let limits = self.limits(spec.limits, heal_ns, expect.outcome, &rules);
        let fuzz = self.fuzz(spec.fuzz, schedule.as_ref(), cluster.as_ref());
        let price = self.price(spec.price);
        let tuning = self.tuning(spec.replica);
        let workload = self.workload(spec.workload);
        Some(Scenario {
            name: name.to_owned(),
            text: self.text.to_owned(),
            files: Vec::new(),
            title: title?,
            summary: summary?,
            tags,
            cluster: cluster?,
            schedule: schedule?,
            faults: rules.into_iter().map(|rule| rule.rule).collect(),
            heal_ns,
            limits,
            expect,
            fuzz,
            tuning,
            workload,
            price,
            planted: Planted::default(),
        })
    }

    /// What stands there, if it is right; if it is wrong, that is noted.
    fn read<T>(&mut self, field: Option<Field<T>>) -> Option<Spanned<T>> {
        let field = field?;
        match field.value {
            Ok(value) => Some(Spanned::new(field.span, value)),
            Err(flaw) => {
                self.notes.add(field.span, flaw);
                None
            }
        }
    }

    /// The same for a key that can't be left out of the table at `place`.
    fn required<T>(
        &mut self,
        key: &str,
        field: Option<Field<T>>,
        place: &Range<usize>,
    ) -> Option<Spanned<T>> {
        // A mistyped key has been told already: it is not missing as well.
        if field.is_none() && !self.notes.has_told(key) {
            self.notes.add(place.clone(), missing(key));
        }
        self.read(field)
    }

    /// A whole number between two bounds.
    fn number(
        &mut self,
        key: &str,
        field: Option<Field<i128>>,
        least: u64,
        most: u64,
    ) -> Option<Spanned<u64>> {
        let number = self.read(field)?;
        self.bounded(key, &number, least, most)
    }

    fn bounded(
        &mut self,
        key: &str,
        number: &Spanned<i128>,
        least: u64,
        most: u64,
    ) -> Option<Spanned<u64>> {
        let (span, number) = (number.span(), *number.get_ref());
        match u64::try_from(number) {
            Ok(fits) if (least..=most).contains(&fits) => Some(Spanned::new(span, fits)),
            Ok(_) | Err(_) => {
                let flaw = Flaw::new(
                    "bivalent::scenario::out_of_range",
                    format!("`{key}` is {number}"),
                    "out of range",
                );
                let help = if most == u64::MAX {
                    format!("`{key}` is a whole number of at least {least}")
                } else {
                    format!("`{key}` is a whole number from {least} to {most}")
                };
                self.notes.add(span, flaw.help(help));
                None
            }
        }
    }

    /// A word out of a list, as its position.
    fn word(&mut self, what: &str, word: &Spanned<String>, known: &[&str]) -> Option<usize> {
        let found = known.iter().position(|name| name == word.get_ref());
        if found.is_none() {
            let known = if self.notes.is_full() { &[] } else { known };
            let flaw = Flaw::new(
                "bivalent::scenario::unknown_word",
                format!("unknown {what} `{}`", printable(word.get_ref())),
                keys::guess(word.get_ref(), known),
            );
            let help = format!("{what}: {}", keys::list(known));
            self.notes.add(word.span(), flaw.help(help));
        }
        found
    }

    fn text_of(
        &mut self,
        key: &str,
        field: Option<Field<String>>,
        place: &Range<usize>,
        longest: usize,
    ) -> Option<String> {
        let text = self.required(key, field, place)?;
        self.checked(key, text, longest, key == "summary")
    }

    /// A text that a table or a terminal can bear.
    fn checked(
        &mut self,
        what: &str,
        text: Spanned<String>,
        longest: usize,
        lines: bool,
    ) -> Option<String> {
        let (span, text) = (text.span(), text.into_inner());
        let problem = if text.trim().is_empty() {
            Some("is empty".to_owned())
        } else if text.len() > longest {
            Some(format!("is longer than {longest} bytes"))
        } else {
            text.chars()
                .find(|&c| is_treacherous(c) && !(lines && c == '\n'))
                .map(|c| format!("holds the character {}", c.escape_unicode()))
        };
        let Some(problem) = problem else {
            return Some(text);
        };
        let flaw = Flaw::new(
            "bivalent::scenario::bad_name",
            format!("{what} {problem}"),
            "not a usable text",
        );
        let help = format!("1 to {longest} bytes, no control or invisible characters");
        self.notes.add(span, flaw.help(help));
        None
    }

    fn tags(&mut self, field: Option<Field<Vec<Field<String>>>>) -> Vec<String> {
        let mut tags = Vec::new();
        for tag in self.read(field).map_or_else(Vec::new, Spanned::into_inner) {
            let tag = self.read(Some(tag));
            tags.extend(tag.and_then(|tag| self.checked("the tag", tag, keys::NAME_MAX, false)));
        }
        tags
    }

    /// The agents that are named, as a set; all, if none is.
    fn agent_set(&mut self, field: Option<Field<Names>>) -> u128 {
        let known = self.agents.clone();
        self.set("agent", field, known)
    }

    /// The stores that are named, as a set; all, if none is.
    fn store_set(&mut self, field: Option<Field<Names>>) -> u16 {
        let known = self.stores.clone();
        self.set("store", field, known) as u16
    }

    fn set(&mut self, what: &str, field: Option<Field<Names>>, known: Option<Vec<String>>) -> u128 {
        let Some(names) = self.read(field) else {
            return u128::MAX;
        };
        let span = names.span();
        let names = match names.into_inner() {
            Names::One(name) => vec![Spanned::new(span, name)],
            Names::Many(list) if list.is_empty() => {
                self.notes.add(
                    span,
                    Flaw::new(
                        "bivalent::scenario::bad_name",
                        format!("no {what} is named"),
                        "an empty list",
                    )
                    .help(format!("leave `{what}` out to mean any")),
                );
                Vec::new()
            }
            Names::Many(list) => list
                .into_iter()
                .filter_map(|name| self.read(Some(name)))
                .collect(),
        };
        let Some(known) = known else { return u128::MAX };
        names
            .iter()
            .filter_map(|name| self.lookup(what, name, &known))
            .fold(0, |set, index| set | 1 << index)
    }

    /// The index of a name; an unknown one is noted.
    fn lookup(&mut self, what: &str, name: &Spanned<String>, known: &[String]) -> Option<usize> {
        let found = known.iter().position(|known| known == name.get_ref());
        if found.is_none() {
            let known = if self.notes.is_full() { &[] } else { known };
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let flaw = Flaw::new(
                if what == "store" {
                    "bivalent::scenario::unknown_store"
                } else {
                    "bivalent::scenario::unknown_agent"
                },
                format!("there is no {what} `{}`", printable(name.get_ref())),
                keys::guess(name.get_ref(), &known),
            );
            let help = format!("{what}s are {}", keys::list(&known));
            self.notes.add(name.span(), flaw.help(help));
        }
        found
    }
}

fn missing(key: &str) -> Flaw {
    Flaw::new(
        "bivalent::scenario::missing_key",
        format!("the key `{key}` is missing"),
        format!("`{key}` is missing"),
    )
}

fn conflict(message: impl Into<String>, label: &str) -> Flaw {
    Flaw::new("bivalent::scenario::conflict", message, label)
}

/// The flaw of what can't have an effect beside something else.
fn idle(message: impl Into<String>) -> Flaw {
    Flaw::new(NO_EFFECT, message, "no effect here")
}

fn proposals(cluster: &Cluster) -> Vec<String> {
    let mut proposals: Vec<String> = Vec::new();
    for agent in &cluster.agents {
        if !proposals.contains(&agent.proposal) {
            proposals.push(agent.proposal.clone());
        }
    }
    proposals
}
