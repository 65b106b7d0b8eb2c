//! `bivalent price`: the share of undecided runs, by adversary, pause and number of agents.

use std::fs;

use crate::{FINE, err, exits, folder, objects, out, run};

const SMALL: [&str; 10] = [
    "price",
    "fine.toml",
    "--agents",
    "2,3",
    "--runs",
    "64",
    "--at",
    "20ms,200ms",
    "--retry",
    "0ms",
];

fn fine() -> tempfile::TempDir {
    let folder = folder();
    fs::write(folder.path().join("fine.toml"), FINE).unwrap();
    folder
}

#[test]
fn every_cell_has_a_line_with_intervals_and_a_curve() {
    let folder = fine();
    let args = [
        &SMALL[..],
        &["--adversary", "random", "--adversary", "state-aware"],
    ]
    .concat();

    let output = run(folder.path(), &args);

    exits(&output, 0);
    let lines: Vec<&str> = out(&output).lines().skip(3).collect();
    assert_eq!(lines.len(), 4, "{}", out(&output));
    assert!(lines[0].starts_with("  2       random "), "{}", lines[0]);
    assert!(lines[1].contains("100.0 ["), "{}", lines[1]);
    assert!(lines[1].contains("  2     "), "fewer runs: {}", lines[1]);
}

#[test]
fn cells_are_data_and_do_not_depend_on_how_many_threads_there_are() {
    let folder = fine();
    let with = |jobs| {
        let rest = [
            "--adversary",
            "oblivious",
            "--format",
            "jsonl",
            "--jobs",
            jobs,
        ];
        run(folder.path(), &[&SMALL[..], &rest].concat())
    };

    let (one, three) = (with("1"), with("3"));

    exits(&one, 0);
    assert_eq!(out(&one), out(&three));
    let cell = &objects(&one)[0];
    assert_eq!(cell["runs"], 64);
    assert_eq!(cell["violations"], 0);
    let at = &cell["undecided"][1];
    assert_eq!(at["at_ns"], 200_000_000);
    assert!(at["low"].as_f64().unwrap() <= at["share"].as_f64().unwrap());
    assert!(cell["survival"].as_array().unwrap().len() > 10);
}

#[test]
fn what_has_too_many_states_is_left_out_and_said() {
    let folder = fine();
    let rest = ["--adversary", "keep-bivalent", "--stores", "1"];
    let mut args = [&SMALL[..], &rest].concat();
    args[3] = "2,5";

    let output = run(folder.path(), &args);

    exits(&output, 0);
    assert!(
        out(&output).contains("no keep-bivalent with 5 agents: "),
        "{}",
        out(&output)
    );
}

#[test]
fn a_matrix_that_makes_no_scenario_is_refused_before_anything_runs() {
    let folder = fine();
    for wrong in [["--adversary", "stateaware"], ["--retry", "soon"]] {
        let output = run(folder.path(), &[&SMALL[..], &wrong].concat());

        exits(&output, 65);
        assert_eq!(out(&output), "");
        assert!(err(&output).contains("this matrix makes no valid scenario"));
    }
    let output = run(folder.path(), &["price", "fine.toml", "--at", "soon"]);
    exits(&output, 2);
}

#[test]
fn each_cell_leaves_a_histogram() {
    let folder = fine();
    let rest = ["--adversary", "random", "--histograms", "cells"];

    exits(&run(folder.path(), &[&SMALL[..], &rest].concat()), 0);

    let file = folder.path().join("cells/2x3-random-0ms.hist");
    let bytes = fs::read(file).unwrap();
    // The cookie of an uncompressed V2 histogram.
    assert_eq!(bytes[..4], [0x1c, 0x84, 0x93, 0x13]);
}
