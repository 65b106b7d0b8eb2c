//! Files that are no scenarios: each must give exactly the message that lies beside it.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "these tests are about files")]

use std::path::{Path, PathBuf};
use std::{env, fs};

use bivalent_sim::scenario::{Scenario, ScenarioErrors, render};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken")
}

/// Reads a scenario as the command does: bytes first, histograms beside it.
fn parse(path: &Path) -> Result<Scenario, ScenarioErrors> {
    let name = path.file_name().unwrap().to_str().unwrap();
    let bytes = fs::read(path).unwrap();
    let Ok(text) = str::from_utf8(&bytes) else {
        return Err(ScenarioErrors::not_text(name));
    };
    let open = |file: &str| {
        let path = path.with_file_name(file);
        fs::read_to_string(path).map_err(|_| "no such file".to_owned())
    };
    Scenario::parse(name, text, &open)
}

/// `BLESS=1` writes what is said now: read the difference before committing it.
#[test]
fn every_broken_file_says_exactly_what_is_wrong() {
    let mut files: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    files.sort();
    assert!(files.len() >= 20, "{} broken files", files.len());

    let mut wrong = Vec::new();
    for path in files {
        let said = match parse(&path) {
            Ok(_) => panic!("{} is no broken scenario", path.display()),
            Err(errors) => render(&errors),
        };
        let beside = path.with_extension("txt");
        if env::var("BLESS").is_ok() {
            fs::write(&beside, &said).unwrap();
        }
        let expected = fs::read_to_string(&beside).unwrap_or_default();
        if said != expected {
            wrong.push(format!(
                "{}\n-- expected\n{expected}-- said\n{said}",
                path.display()
            ));
        }
    }

    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn three_errors_have_three_places() {
    let errors = parse(&folder().join("three-errors.toml")).unwrap_err();

    let places: Vec<_> = errors
        .errors()
        .iter()
        .map(|error| (error.line(), error.column()))
        .collect();

    assert_eq!(places, [(4, 1), (10, 19), (11, 29)]);
}
