//! Every chapter of the catalogue is as it says, and the list of chapters is the folder.

#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may look at the folder")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use bivalent_sim::{
    campaign::{Keep, Policy, run_seeds},
    scenario::{Expected, Scenario, catalogue, fault::FaultKind},
};

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            found.push(path);
        }
    }
}

fn scenario(chapter: &catalogue::Chapter) -> Scenario {
    Scenario::parse(chapter.name, chapter.text, &catalogue::open)
        .unwrap_or_else(|errors| panic!("{}", bivalent_sim::scenario::render(&errors)))
}

#[test]
fn the_catalogue_is_the_folder() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    files_below(&root.join("scenarios"), &mut files);
    // By the whole name, as the list is: `x-y.toml` before `x.toml`.
    files.sort_by_key(|path| path.to_string_lossy().into_owned());

    let listed: Vec<PathBuf> = catalogue::chapters()
        .iter()
        .map(|chapter| root.join(chapter.name))
        .collect();

    assert_eq!(listed, files);
}

#[test]
fn every_chapter_is_as_expected_and_none_of_its_faults_stays_away() {
    for chapter in catalogue::chapters() {
        let scenario = scenario(chapter);
        let seed = scenario.schedule.seed;
        let (from, to) = scenario.expect.seeds.unwrap_or((seed, seed + 1));
        let policy = match scenario.expect.outcome {
            Expected::Violation(property) => Policy::UntilViolation(property),
            Expected::ViolationOrWedge(property) => Policy::UntilViolationOrWedge(property),
            Expected::Any
            | Expected::Decide
            | Expected::Stall { .. }
            | Expected::Wedge
            | Expected::Unwedged => Policy::All,
        };
        let mut reports = Vec::new();

        let summary = run_seeds(
            &scenario,
            from..to,
            1,
            policy,
            Keep::Notable,
            &AtomicBool::new(false),
            &|_| (),
            &mut |report| reports.push(report),
        );

        let searched = policy != Policy::All;
        let found = summary.found.is_some();
        let expected = if searched {
            found
        } else {
            summary.as_expected == summary.runs
        };
        assert!(
            expected,
            "{}: {summary:?} {:?}",
            chapter.name,
            reports.first()
        );
        assert_eq!(summary.never_landed, [""; 0], "{}", chapter.name);
    }
}

#[test]
fn every_kind_of_fault_has_a_chapter() {
    for kind in FaultKind::ALL {
        let shown = catalogue::chapters().iter().any(|chapter| {
            scenario(chapter)
                .faults
                .iter()
                .any(|rule| rule.fault.kind() == kind)
        });
        assert!(shown, "no chapter shows {}", kind.name());
    }
}
