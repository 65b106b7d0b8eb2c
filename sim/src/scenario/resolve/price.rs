//! What is varied to find the price of blocking: who orders, how agents pause, and how many there are.

use bivalent_core::{Contention, MAX_AGENTS};
use serde_spanned::Spanned;

use super::adversary::WORDS;
use super::{Resolver, conflict};
use crate::scenario::Matrix;
use crate::scenario::keys;
use crate::scenario::shape::{Field, Flaw};
use crate::scenario::spec::{AdversarySpec, AdversaryTable, PriceSpec};
use crate::scenario::units::spelled;
use crate::scenario::write::words;

/// No cell has more runs.
const RUNS_MAX: u64 = 100_000_000;
/// Nobody asks for more times.
const TIMES_MAX: usize = 16;
/// The last time that can be asked for: what the histogram of times holds.
const LAST_NS: u64 = 24 * 3600 * 1_000_000_000;
/// No matrix has more cells.
const CELLS_MAX: usize = 10_000;

impl Resolver<'_> {
    /// The matrix; what is not said stays empty.
    pub(super) fn price(&mut self, field: Option<Field<PriceSpec>>) -> Matrix {
        let Some(spec) = self.read(field) else {
            return Matrix::default();
        };
        let span = spec.span();
        let spec = spec.into_inner();
        let mut matrix = Matrix::default();
        for agents in self.list("agents", spec.agents) {
            let agents = self.bounded("agents", &agents, 1, MAX_AGENTS as u64);
            add(&mut matrix.agents, agents.map(|it| *it.get_ref() as u8));
        }
        for adversary in self.list("adversary", spec.adversary) {
            let text = self.adversary_in_words(adversary);
            add(&mut matrix.adversaries, text);
        }
        for retry in self.list("retry", spec.retry) {
            let retry = self.retry(retry);
            add(&mut matrix.retries, retry.map(in_words));
        }
        for at in self.list("at", spec.at) {
            let at_ns = self.time(&at.span(), at.get_ref().0);
            add(&mut matrix.at_ns, at_ns);
        }
        matrix.at_ns.sort_unstable();
        let cells = matrix.agents.len() * matrix.adversaries.len() * matrix.retries.len();
        if cells > CELLS_MAX || matrix.at_ns.len() > TIMES_MAX {
            let times = matrix.at_ns.len();
            let flaw = Flaw::new(
                "bivalent::scenario::too_many",
                format!("the matrix has {cells} cells at {times} times"),
                "too many",
            );
            let help = format!("at most {CELLS_MAX} cells at {TIMES_MAX} times are filled");
            self.notes.add(span, flaw.help(help));
        }
        let runs = self.number("runs", spec.runs, 1, RUNS_MAX);
        matrix.runs = runs.map(Spanned::into_inner);
        let most = matrix.runs.unwrap_or(RUNS_MAX);
        let adaptive = self.number("adaptive-runs", spec.adaptive_runs, 1, most);
        matrix.adaptive_runs = adaptive.map(Spanned::into_inner);
        matrix
    }

    /// The items of a list that can be read; an empty list is noted.
    fn list<T>(&mut self, key: &str, field: Option<Field<Vec<Field<T>>>>) -> Vec<Spanned<T>> {
        let Some(list) = self.read(field) else {
            return Vec::new();
        };
        if list.get_ref().is_empty() {
            let flaw = Flaw::new(
                "bivalent::scenario::out_of_range",
                format!("`{key}` is empty"),
                "nothing to vary",
            );
            let help = format!("leave `{key}` out to have the usual ones");
            self.notes.add(list.span(), flaw.help(help));
        }
        let items = list.into_inner().into_iter();
        items.filter_map(|item| self.read(Some(item))).collect()
    }

    fn time(&mut self, span: &std::ops::Range<usize>, ns: u64) -> Option<u64> {
        if (1..=LAST_NS).contains(&ns) {
            return Some(ns);
        }
        let flaw = Flaw::new(
            "bivalent::scenario::out_of_range",
            format!("`at` has the time {}", spelled(ns)),
            "out of range",
        );
        let help = "times lie within 1ns..24h after the start";
        self.notes.add(span.clone(), flaw.help(help));
        None
    }

    /// An adversary as a file would say it. Whether it fits a system is found out for each cell.
    fn adversary_in_words(&mut self, spec: Spanned<AdversarySpec>) -> Option<String> {
        let span = spec.span();
        let table = match spec.into_inner() {
            AdversarySpec::Word(word) => {
                let word = Spanned::new(span, word);
                let index = self.word("adversary", &word, &WORDS)?;
                if WORDS[index] == "duel" {
                    let flaw = conflict("a duel needs two agents", "who with whom?");
                    let help = "{ duel = [\"a1\", \"a2\"] }";
                    self.notes.add(word.span(), flaw.help(help));
                    return None;
                }
                return Some(word.into_inner());
            }
            AdversarySpec::Table(table) => *table,
        };
        let AdversaryTable { duel, pct, script } = table;
        match (duel, pct, script) {
            (Some(duel), None, None) => self.duel_in_words(duel),
            (None, Some(pct), None) => {
                let (depth, within) = self.pct(Some(pct))?;
                Some(within.map_or_else(
                    || format!("{{ pct = {depth} }}"),
                    |within| format!("{{ pct = {{ depth = {depth}, within = {within} }} }}"),
                ))
            }
            (None, None, Some(_)) => {
                let flaw = conflict("a script is one schedule, with no chance in it", "one run");
                let help = "`bivalent run` runs it; here are adversaries to be counted over seeds";
                self.notes.add(span, flaw.help(help));
                None
            }
            _ => {
                let flaw = conflict("there is one adversary a cell", "not one");
                let help = "a word, { duel = [\"a1\", \"a2\"] } or { pct = 3 }";
                self.notes.add(span, flaw.help(help));
                None
            }
        }
    }

    fn duel_in_words(&mut self, duel: Field<Vec<Field<String>>>) -> Option<String> {
        let duel = self.read(Some(duel))?;
        let span = duel.span();
        let names: Vec<String> = duel
            .into_inner()
            .into_iter()
            .filter_map(|name| {
                let name = self.read(Some(name))?;
                self.checked("the agent's name", name, keys::NAME_MAX, false)
            })
            .collect();
        match &names[..] {
            [one, other] if one != other => {
                let [one, other] = [one, other].map(|name| toml::Value::String(name.clone()));
                Some(format!("{{ duel = [{one}, {other}] }}"))
            }
            _ => {
                let flaw = conflict("a duel is between two agents", "two different agents");
                self.notes
                    .add(span, flaw.help("{ duel = [\"a1\", \"a2\"] }"));
                None
            }
        }
    }
}

/// Once is enough.
fn add<T: PartialEq>(list: &mut Vec<T>, item: Option<T>) {
    list.extend(item.filter(|item| !list.contains(item)));
}

/// A pause as a file would say it, a range without its quotes.
fn in_words(retry: Contention) -> String {
    let said = words::retry(retry);
    said.trim_matches('"').to_owned()
}
