//! Who chooses what happens next, and what it may do.

use std::sync::Arc;

use bivalent_core::{Layout, Overwrite};
use serde_spanned::Spanned;

use super::faults::Rule;
use super::{Resolver, conflict};
use crate::scenario::bears;
use crate::scenario::error::printable;
use crate::scenario::script::{self, Entry, Script};
use crate::scenario::shape::{Field, Flaw};
use crate::scenario::spec::{AdversarySpec, AdversaryTable, PctSpec, ScriptSpec};
use crate::scenario::{Adversary, Protocol, Schedule};

/// Where the valence of every state can be worked out.
pub(super) const SMALL: &str = "disk-paxos with 2 agents on 1 or 2 stores, or 3 agents on 1";

/// Adversaries that are a word.
pub(super) const WORDS: [&str; 8] = [
    "random",
    "fair",
    "duel",
    "oblivious",
    "pos",
    "content-aware",
    "state-aware",
    "keep-bivalent",
];
/// Depths beyond this are chance.
const PCT_MAX: u64 = 1000;
/// No run has more picks.
const WITHIN_MAX: u64 = 1_000_000_000;
/// An operation held back for longer than this is held back for ever.
const PATIENCE_MAX: u64 = 1_000_000_000;
/// Entries of a script, stem and turn each.
const ENTRIES_MAX: usize = 1_000_000;

/// No run has more steps.
const FROM_MAX: u64 = 1_000_000_000;

/// How long it may hold an operation back, and how many agents it may crash.
type Settings = (Option<Field<i128>>, Option<Field<i128>>);

impl Resolver<'_> {
    /// The adversary and its settings.
    pub(super) fn adversary(
        &mut self,
        spec: Spanned<AdversarySpec>,
        (patience, crashes): Settings,
        schedule: &mut Schedule,
    ) {
        let span = spec.span();
        let most = (self.agents.as_ref().map_or(1, Vec::len) as u64).saturating_sub(1);
        let patience = self.number("patience", patience, 1, PATIENCE_MAX);
        let crashes = self.number("crashes", crashes, 0, most);
        let adversary = match spec.into_inner() {
            AdversarySpec::Word(word) => self.adversary_word(&Spanned::new(span.clone(), word)),
            AdversarySpec::Table(table) => self.adversary_table(*table, &span),
        };
        let Some(adversary) = adversary else {
            return;
        };
        self.no_picking(&adversary, span);
        let at_first = adversary.at_first();
        if let Some(patience) = patience {
            if at_first.has_patience() {
                schedule.patience = patience.into_inner();
            } else {
                self.needs(
                    &patience.span(),
                    "`patience` is for adversaries that pick operations",
                );
            }
        }
        if let Some(crashes) = crashes {
            let kills = matches!(at_first, Adversary::ContentAware | Adversary::StateAware);
            if kills || *crashes.get_ref() == 0 {
                schedule.crashes = crashes.into_inner() as u32;
            } else {
                self.needs(
                    &crashes.span(),
                    "only `content-aware` and `state-aware` crash agents",
                );
            }
        }
        schedule.adversary = adversary;
    }

    /// Notes an adversary that picks operations where those are a log's: it knows single decisions only.
    fn no_picking(&mut self, adversary: &Adversary, span: std::ops::Range<usize>) {
        let fits = matches!(adversary, Adversary::Random | Adversary::Fair);
        if self.protocol == Some(Protocol::ReplicatedLog) && !fits {
            let flaw = conflict(
                "this adversary orders the operations of one decision, not of a log",
                "not for a replicated log",
            );
            let help = "adversary = \"random\" or \"fair\"; faults like pause and delay reorder operations too";
            self.notes.add(span, flaw.help(help));
        }
    }

    /// A script is the whole schedule, and exact valences know of no faults: neither bears fault rules.
    pub(super) fn sole_schedule(
        &mut self,
        schedule: &Schedule,
        rules: &[Rule],
        layout: Option<Layout>,
    ) {
        let (what, help) = match schedule.adversary.at_first() {
            Adversary::Script(_) => ("a script", "write crashes into the script: \"a1 crash\""),
            Adversary::KeepBivalent => ("`keep-bivalent`", "use \"state-aware\" beside faults"),
            Adversary::Random
            | Adversary::Fair
            | Adversary::Duel(..)
            | Adversary::Pct { .. }
            | Adversary::Pos
            | Adversary::Oblivious
            | Adversary::ContentAware
            | Adversary::StateAware => return,
        };
        if let Some(rule) = rules.first() {
            let flaw = conflict(format!("{what} bears no faults beside it"), "not with it");
            self.notes.add(rule.trigger.clone(), flaw.help(help));
        }
        let versioned = layout.is_some_and(|l| l.format().overwrite() == Overwrite::Versioned);
        if versioned && schedule.adversary == Adversary::KeepBivalent {
            let flaw = conflict(
                "`keep-bivalent` knows blocks that are overwritten in place",
                "",
            );
            self.notes.add(
                0..0,
                flaw.help("block = { format = \"raw\" }, checked or dual"),
            );
        }
    }

    fn needs(&mut self, span: &std::ops::Range<usize>, why: &str) {
        let flaw = conflict(why, "not for this adversary");
        self.notes
            .add(span.clone(), flaw.help("adversary = \"state-aware\""));
    }

    fn adversary_word(&mut self, word: &Spanned<String>) -> Option<Adversary> {
        match self.word("adversary", word, &WORDS)? {
            0 => Some(Adversary::Random),
            1 => Some(Adversary::Fair),
            2 => {
                let flaw = conflict("a duel needs two agents", "who with whom?");
                let help = "adversary = { duel = [\"a1\", \"a2\"] }";
                self.notes.add(word.span(), flaw.help(help));
                None
            }
            3 => Some(Adversary::Oblivious),
            4 => Some(Adversary::Pos),
            5 => Some(Adversary::ContentAware),
            6 => Some(Adversary::StateAware),
            _ => self.keep_bivalent(word),
        }
    }

    /// Exact valences are worked out before the first run, so that the system must be small.
    fn keep_bivalent(&mut self, word: &Spanned<String>) -> Option<Adversary> {
        let agents = self.agents.as_ref()?.len();
        let stores = self.stores.as_ref()?.len();
        if bears::has_valences(self.protocol?, agents, stores) {
            return Some(Adversary::KeepBivalent);
        }
        let flaw = conflict(
            "`keep-bivalent` needs the valence of every state, and there are too many",
            "for small systems",
        );
        let help = format!("{SMALL}; else \"state-aware\"");
        self.notes.add(word.span(), flaw.help(help));
        None
    }

    fn adversary_table(
        &mut self,
        table: AdversaryTable,
        span: &std::ops::Range<usize>,
    ) -> Option<Adversary> {
        let AdversaryTable { duel, pct, script } = table;
        let given = [duel.is_some(), pct.is_some(), script.is_some()];
        if given.into_iter().filter(|&it| it).count() > 1 {
            let flaw = conflict("there is one adversary", "more than one");
            let help =
                "one of duel = [\"a1\", \"a2\"], pct = 3 and script = { stem = [..], turn = [..] }";
            self.notes.add(span.clone(), flaw.help(help));
            return None;
        }
        if pct.is_some() {
            let (depth, within) = self.pct(pct)?;
            return Some(Adversary::Pct { depth, within });
        }
        if let Some(script) = self.read(script) {
            return self.script(script.into_inner());
        }
        self.duel(duel, span)
    }

    /// How often priorities change, and within how many picks.
    pub(super) fn pct(&mut self, field: Option<Field<PctSpec>>) -> Option<(u32, Option<u64>)> {
        let pct = self.read(field)?;
        let span = pct.span();
        let table = match pct.into_inner() {
            PctSpec::Depth(depth) => {
                let depth = self.bounded("pct", &Spanned::new(span, depth), 1, PCT_MAX)?;
                return Some((depth.into_inner() as u32, None));
            }
            PctSpec::Table(table) => *table,
        };
        let limited = table.within.is_some();
        let within = self.number("within", table.within, 1, WITHIN_MAX);
        let depth = self.required("depth", table.depth, &span)?;
        let depth = self.bounded("depth", &depth, 1, PCT_MAX)?;
        let within = within.map(Spanned::into_inner);
        (within.is_some() == limited).then(|| (depth.into_inner() as u32, within))
    }

    fn duel(
        &mut self,
        duel: Option<Field<Vec<Field<String>>>>,
        span: &std::ops::Range<usize>,
    ) -> Option<Adversary> {
        let duel = self.required("duel", duel, span)?;
        let span = duel.span();
        let names: Vec<Spanned<String>> = duel
            .into_inner()
            .into_iter()
            .filter_map(|name| self.read(Some(name)))
            .collect();
        let known = self.agents.clone()?;
        let found: Vec<usize> = names
            .iter()
            .filter_map(|name| self.lookup("agent", name, &known))
            .collect();
        if found.len() < names.len() {
            return None;
        }
        match found[..] {
            [one, other] if one != other => Some(Adversary::Duel(one as u16, other as u16)),
            _ => {
                let flaw = conflict(
                    format!("a duel is between two agents, not {}", named(&names)),
                    "two different agents",
                );
                self.notes.add(span, flaw.help("duel = [\"a1\", \"a2\"]"));
                None
            }
        }
    }

    fn script(&mut self, spec: ScriptSpec) -> Option<Adversary> {
        let limited = spec.from.is_some();
        let from = self.number("from", spec.from, 0, FROM_MAX);
        let named = spec.before.is_some();
        let before = self.before(spec.before);
        if named && before.is_none() {
            return None;
        }
        let stem = self.entries("stem", spec.stem);
        let turn = self.entries("turn", spec.turn);
        let (stem, turn) = stem.zip(turn)?;
        if from.is_none() && limited {
            return None;
        }
        let from = from.map_or(0, Spanned::into_inner);
        if let Some(before) = before.as_ref().filter(|_| from == 0) {
            let flaw = conflict(
                "there is nobody before a script that begins at once",
                "never heard",
            );
            self.notes.add(
                before.span(),
                flaw.help("from = 12, the step after which it takes over"),
            );
            return None;
        }
        let before = before.map(|before| Box::new(before.into_inner()));
        Some(Adversary::Script(Arc::new(Script {
            from,
            before,
            stem,
            turn,
        })))
    }

    /// Who chooses before a script takes over.
    fn before(&mut self, spec: Option<Field<AdversarySpec>>) -> Option<Spanned<Adversary>> {
        let spec = self.read(spec)?;
        let span = spec.span();
        let before = match spec.into_inner() {
            AdversarySpec::Word(word) => self.adversary_word(&Spanned::new(span.clone(), word))?,
            AdversarySpec::Table(table) if table.script.is_some() => {
                let flaw = conflict("no script comes before a script", "one script");
                self.notes
                    .add(span, flaw.help("write its entries into the stem"));
                return None;
            }
            AdversarySpec::Table(table) => self.adversary_table(*table, &span)?,
        };
        Some(Spanned::new(span, before))
    }

    fn entries(
        &mut self,
        key: &str,
        field: Option<Field<Vec<Field<String>>>>,
    ) -> Option<Vec<Entry>> {
        let Some(list) = self.read(field) else {
            return Some(Vec::new());
        };
        if list.get_ref().len() > ENTRIES_MAX {
            let flaw = conflict(format!("`{key}` is longer than any script"), "too long");
            let help = format!("at most {ENTRIES_MAX} entries; what repeats belongs into the turn");
            self.notes.add(list.span(), flaw.help(help));
            return None;
        }
        let (agents, stores) = (self.agents.clone()?, self.stores.clone()?);
        let conditional = self.protocol.is_some_and(Protocol::is_conditional);
        let mut entries = Vec::new();
        let mut whole = true;
        for field in list.into_inner() {
            let Some(text) = self.read(Some(field)) else {
                whole = false;
                continue;
            };
            match script::parse(text.get_ref(), &agents, &stores, conditional) {
                Ok(entry) => entries.push(entry),
                Err(why) => {
                    whole = false;
                    let said = format!("`{}` {why}", printable(text.get_ref()));
                    let said = if why.starts_with("is none") {
                        said
                    } else {
                        why
                    };
                    let flaw = Flaw::new("bivalent::scenario::bad_entry", said, "not an entry");
                    let help = if conditional {
                        "entries are like \"a1 write s1\", \"a1 read s1\", \"a1 crash\", \"a1 restart\""
                    } else {
                        "entries are like \"a1 write s1\", \"a1 read s1 a2\", \"a1 crash\", \"a1 restart\""
                    };
                    self.notes.add(text.span(), flaw.help(help));
                }
            }
        }
        whole.then_some(entries)
    }
}

fn named(names: &[Spanned<String>]) -> String {
    match names {
        [] => "nobody".to_owned(),
        [one] => format!("`{}` alone", printable(one.get_ref())),
        [one, other] if one.get_ref() == other.get_ref() => {
            format!("`{}` and itself", printable(one.get_ref()))
        }
        more => format!("{}", more.len()),
    }
}
