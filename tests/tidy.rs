//! House rules that neither rustc nor clippy can see.

#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bivalent_sim::scenario::catalogue;
use bivalent_sim::scenario::fault::FaultKind;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The files with an extension in and below a folder, as paths from the root, sorted.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(folder) else {
            return;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, extension, found);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), extension, &mut found);
    found.sort();
    found
}

fn sources() -> Vec<PathBuf> {
    let folders = ["src", "tests", "benches", "core", "driver", "sim", "tui"];
    let found: Vec<_> = folders
        .iter()
        .flat_map(|folder| files(folder, "rs"))
        .collect();
    assert!(found.len() > 20, "the walk has lost its way");
    found
}

fn text_of(path: &Path) -> String {
    read(path.to_str().unwrap())
}

#[test]
fn arrows_point_from_the_command_to_the_core_and_never_back() {
    // Cargo refuses circles of ordinary dependencies, but not of dev-dependencies.
    let forbidden = [
        (
            "core/Cargo.toml",
            &["bivalent-sim", "bivalent-tui", "bivalent-driver"][..],
        ),
        ("sim/Cargo.toml", &["bivalent-tui", "bivalent-driver"]),
        ("tui/Cargo.toml", &["bivalent-core", "bivalent-driver"]),
        ("Cargo.toml", &["bivalent-core.workspace"]),
    ];
    for (manifest, names) in forbidden {
        let text = read(manifest);
        for name in names {
            assert!(!text.contains(name), "{manifest} mentions {name}");
        }
        assert!(
            !text.contains("package = \"bivalent"),
            "{manifest} renames one of ours"
        );
    }
}

#[test]
fn every_member_takes_the_lints_of_the_workspace() {
    for manifest in [
        "Cargo.toml",
        "core/Cargo.toml",
        "driver/Cargo.toml",
        "sim/Cargo.toml",
        "sim/examples/own-machine/Cargo.toml",
        "tui/Cargo.toml",
    ] {
        assert!(
            read(manifest).contains("\n[lints]\nworkspace = true\n"),
            "{manifest}"
        );
    }
}

#[test]
fn core_and_sim_ban_the_same_things() {
    assert_eq!(read("core/clippy.toml"), read("sim/clippy.toml"));
}

#[test]
fn every_file_says_what_it_is_and_stays_short() {
    for path in sources() {
        let text = text_of(&path);
        let shown = path.display();
        assert!(
            text.starts_with("//! ") || text.starts_with("#!["),
            "{shown} has no first sentence"
        );
        let lines = text.lines().count();
        assert!(lines <= 600, "{shown} has {lines} lines");
        assert!(
            !path.ends_with("mod.rs"),
            "{shown}: a module's file has its name"
        );
    }
    assert!(
        read("src/main.rs").lines().count() <= 40,
        "src/main.rs calls, others do"
    );
}

#[test]
fn nothing_is_left_for_later() {
    // Put together here, or this file would find itself.
    let words = [
        ["FIX", "ME"],
        ["TO", "DO"],
        ["todo", "!("],
        ["unimpl", "emented!("],
    ]
    .map(|w| w.concat());
    for path in sources() {
        let text = text_of(&path);
        for word in &words {
            assert!(!text.contains(word), "{} has a {word}", path.display());
        }
    }
}

#[test]
fn the_core_does_without_the_standard_library() {
    let std = ["extern crate ", "std"].concat();
    for path in files("core/src", "rs") {
        assert!(!text_of(&path).contains(&std), "{}", path.display());
    }
    assert!(read("core/src/lib.rs").contains("#![no_std]"));
}

#[test]
fn every_kind_of_fault_has_a_scenario() {
    let texts: Vec<_> = files("scenarios", "toml")
        .iter()
        .map(|path| text_of(path))
        .collect();
    for kind in FaultKind::ALL {
        let shows = |text: &String| text.lines().any(|line| is_table_of(line, kind.name()));
        assert!(
            texts.iter().any(shows),
            "no scenario shows `{} = {{`",
            kind.name()
        );
    }
}

fn is_table_of(line: &str, kind: &str) -> bool {
    let rest = line.strip_prefix(kind).map(str::trim_start);
    let value = rest
        .and_then(|rest| rest.strip_prefix('='))
        .map(str::trim_start);
    value.is_some_and(|value| value.starts_with('{'))
}

#[test]
fn every_scenario_is_in_the_binary_as_it_is_on_disk() {
    let on_disk: BTreeSet<_> = files("scenarios", "toml")
        .iter()
        .map(|path| path.to_str().unwrap().to_owned())
        .collect();
    let embedded: BTreeSet<_> = catalogue::chapters()
        .iter()
        .map(|c| c.name.to_owned())
        .collect();

    assert_eq!(embedded, on_disk);
    for chapter in catalogue::chapters() {
        assert_eq!(chapter.text, read(chapter.name), "{}", chapter.name);
    }
}

/// The modules of the simulator; each uses those of the rows above its own.
const LAYERS: [&[&str]; 7] = [
    &["pool", "scenario", "store"],
    &["protocol"],
    &["explore", "judge"],
    &["engine"],
    &["story"],
    &["campaign"],
    &["watch"],
];

/// What a source names of its own crate outside its tests: the first word behind `crate::`, also in a list of many.
fn named(text: &str) -> BTreeSet<String> {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
    let text: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let word = |text: &str| -> String {
        let is_letter = |letter: &char| letter.is_alphanumeric() || *letter == '_';
        text.trim_start().chars().take_while(is_letter).collect()
    };
    let mut found = BTreeSet::new();
    for (at, place) in text.match_indices("crate::") {
        let rest = &text[at + place.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        found.insert(word(list));
        let mut depth = 0;
        for (at, letter) in list.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    found.insert(word(&list[at + 1..]));
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn modules_of_the_simulator_know_only_those_below_them() {
    assert_eq!(
        named(
            "use crate::{\n    a::{b, c},\n    d,\n};\nlet e = crate::f::g;\n// crate::h\n#[cfg(test)]\nmod tests {\n use crate::i;"
        ),
        ["", "a", "d", "f"].map(str::to_owned).into(),
    );
    let rank = |module: &str| LAYERS.iter().position(|layer| layer.contains(&module));
    let mut seen = BTreeSet::new();
    for path in files("sim/src", "rs") {
        let inside = path.strip_prefix("sim/src").unwrap();
        let top = inside.iter().next().unwrap().to_str().unwrap();
        let top = top.trim_end_matches(".rs").to_owned();
        let text = text_of(&path);
        if top == "lib" || text.contains("\n#![cfg(test)]\n") || path.ends_with("tests.rs") {
            continue;
        }
        let own = rank(&top).unwrap_or_else(|| panic!("{top} has no layer"));
        for other in named(&text) {
            let Some(below) = rank(&other).filter(|_| other != top) else {
                continue;
            };
            assert!(
                below < own,
                "{}: {top} must not know {other}",
                path.display()
            );
        }
        seen.insert(top);
    }
    assert_eq!(seen.len(), LAYERS.concat().len());
    assert!(
        seen.len() <= 12,
        "the simulator has too many modules at the top"
    );
}
