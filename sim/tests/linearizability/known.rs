//! Histories with known verdicts: those beside this file, and those of a folder elsewhere if there is one.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use bivalent_sim::judge::history::{self, Format, Histories};
use bivalent_sim::judge::linear::{
    self, Budget, Judgement, Model, Verdict,
    models::{Answer, Call, Content, Kv, Register},
};

use crate::Plain;

/// Enough for every one of them, and few enough for a build without optimisation.
const STEPS: u64 = 20_000_000;

fn here() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/histories"))
}

fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn read(path: &Path) -> Histories {
    history::parse(&bytes(path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The rows of a table, without its heading.
fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = String::from_utf8(bytes(path)).unwrap();
    let row = |line: &str| line.split('\t').map(str::to_owned).collect();
    text.lines().skip(1).map(row).collect()
}

const fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Linearizable => "linearizable",
        Verdict::NotLinearizable(_) => "not-linearizable",
        Verdict::Unknown => "unknown",
    }
}

#[test]
fn histories_of_our_own_are_judged_as_is_known() {
    let mut files = BTreeMap::new();
    let mut judged = 0;
    for row in rows(&here().join("own/verdicts.tsv")) {
        let [file, name, ops, expected, ..] = &row[..] else {
            panic!("{row:?}");
        };
        let read = files
            .entry(file.clone())
            .or_insert_with(|| read(&here().join(file)));
        let found = read
            .histories
            .iter()
            .find(|one| one.name.as_ref() == Some(name));
        let history = found.unwrap_or_else(|| panic!("{file} has no {name}"));
        let model = Kv { texts: &read.texts };

        let verdict = linear::judge(&model, &history.ops, &mut Budget::of(STEPS));

        assert_eq!(history.ops.len().to_string(), *ops, "{name}");
        // One has no known verdict: two other checkers did not end within a minute.
        if expected != "unknown" {
            assert_eq!(word(&verdict), expected, "{file} {name}");
        }
        judged += 1;
    }
    assert_eq!(judged, 326);
}

#[test]
fn what_contradicts_what_is_a_handful_of_calls() {
    let read = read(&here().join("own/medium.txt"));
    let model = Kv { texts: &read.texts };
    let mut broken = 0;
    for history in &read.histories {
        let judged = linear::check(&model, &history.ops, &mut Budget::of(STEPS));
        if let Judgement::NotLinearizable(failure) = judged {
            let few = failure.minimal.len() <= 8;
            assert!(few, "{:?} {:?}", history.name, failure.minimal);
            broken += 1;
        }
    }
    assert_eq!(broken, 6);
}

#[test]
fn without_what_makes_it_fast_the_checker_may_not_know_but_is_not_wrong() {
    let mut unknown = 0;
    let verdicts = rows(&here().join("own/verdicts.tsv"));
    for row in verdicts.iter().filter(|row| row[0] != "own/large.txt") {
        let expected = &row[3];
        let read = read(&here().join(&row[0]));
        let found = read
            .histories
            .iter()
            .find(|one| one.name.as_ref() == Some(&row[1]));
        let model = Plain(Kv { texts: &read.texts });

        let verdict = linear::judge(&model, &found.unwrap().ops, &mut Budget::of(200_000));

        match word(&verdict) {
            "unknown" => unknown += 1,
            word => assert!(word == expected || expected == "unknown", "{row:?}: {word}"),
        }
    }
    assert!(unknown < 16, "{unknown} of 324 unknown");
}

/// A store with some of what is there for speed.
struct Partly<'a> {
    store: Kv<'a>,
    overwrites: bool,
    likeness: bool,
}

impl Model for Partly<'_> {
    type State = Content;
    type Call = Call;
    type Answer = Answer;

    fn initial(&self) -> Content {
        self.store.initial()
    }

    fn step(&self, state: &Content, call: &Call, answer: Option<&Answer>) -> Option<Content> {
        self.store.step(state, call, answer)
    }

    fn is_read(&self, call: &Call) -> bool {
        self.store.is_read(call)
    }

    fn changes_nothing(&self, call: &Call, answer: &Answer) -> bool {
        self.store.changes_nothing(call, answer)
    }

    fn overwrites(&self, call: &Call, answer: Option<&Answer>) -> bool {
        self.overwrites && self.store.overwrites(call, answer)
    }

    fn likeness(&self, call: &Call, answer: Option<&Answer>) -> Option<u64> {
        self.store.likeness(call, answer).filter(|_| self.likeness)
    }
}

#[test]
fn the_history_without_a_known_verdict_is_judged_alike_with_and_without_shortcuts() {
    let read = read(&here().join("own/hard.txt"));
    let history = &read.histories[5];
    assert_eq!(history.name.as_deref(), Some("v-h05"));
    for (overwrites, likeness) in [(true, true), (true, false), (false, true)] {
        let store = Kv { texts: &read.texts };
        let model = Partly {
            store,
            overwrites,
            likeness,
        };

        let verdict = linear::judge(&model, &history.ops, &mut Budget::of(STEPS));

        assert_eq!(
            word(&verdict),
            "not-linearizable",
            "{overwrites} {likeness}"
        );
    }
}

/// The folder with histories that are not ours to copy.
#[expect(
    clippy::disallowed_methods,
    reason = "the environment says where they are"
)]
fn elsewhere() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/histories");
    let named = std::env::var("BIVALENT_HISTORIES").map(PathBuf::from);
    let folder = named.unwrap_or(beside);
    folder.join("manifest.tsv").is_file().then_some(folder)
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the table is held against the folder"
)]
fn histories_of_others_are_judged_as_is_known() {
    let Some(folder) = elsewhere() else {
        // Not `eprintln`: what a test that passes says there is never shown.
        let said = "skipped histories of others: BIVALENT_HISTORIES names no folder of them\n";
        std::io::stderr().write_all(said.as_bytes()).unwrap();
        return;
    };
    let rows = rows(&folder.join("manifest.tsv"));
    for kind in ["etcd", "kv"] {
        // The table speaks of every file that there is.
        let files = fs::read_dir(folder.join(kind)).unwrap().count();
        let listed = rows.iter().filter(|row| row[0].starts_with(kind)).count();
        assert_eq!((files > 0, files), (true, listed), "{kind}");
    }
    for row in rows {
        let [file, model, expected, calls, ..] = &row[..] else {
            panic!("{row:?}");
        };
        let read = read(&folder.join(file));
        let ops = &read.histories[0].ops;
        assert_eq!(read.histories.len(), 1, "{file}");
        // What changes nothing and says nothing is left out: reads that failed, for one.
        let calls: usize = calls.parse().unwrap();
        assert!(
            !ops.is_empty() && ops.len() <= calls,
            "{file}: {}",
            ops.len()
        );

        let mut budget = Budget::of(STEPS);
        let verdict = match (&**model, read.format) {
            ("register", Format::Jepsen) => linear::judge(&Register, ops, &mut budget),
            ("kv", Format::Edn) => linear::judge(&Kv { texts: &read.texts }, ops, &mut budget),
            other => panic!("{file}: {other:?}"),
        };

        assert_eq!(word(&verdict), expected, "{file}");
    }
}
