//! The command as a user, a script and a CI job meet it.

#![cfg(test)]

mod agent;
mod explain;
mod explore;
mod export;
mod fuzz;
mod history;
mod planted;
mod price;
mod probe;
mod refusals;
mod streams;
mod watch;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The command in a folder of its own, deaf to the environment of whoever runs the tests.
fn bivalent(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bivalent"));
    command
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .env_remove("NO_COLOR")
        .env_remove("COLUMNS")
        .env("TERM", "xterm-256color");
    command
}

fn run(folder: &Path, args: &[&str]) -> Output {
    bivalent(folder, args).output().unwrap()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[track_caller]
fn exits(output: &Output, code: i32) {
    let (out, err) = (out(output), err(output));
    assert_eq!(
        output.status.code(),
        Some(code),
        "\nstdout: {out}\nstderr: {err}"
    );
    if code != 70 {
        assert!(!err.contains("bug in Bivalent"), "{err}");
    }
}

fn objects(output: &Output) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    out(output).lines().map(parse).collect()
}

/// Two agents, three stores, nothing that breaks: decides.
const FINE: &str = r#"
title = "Fine"
summary = "It decides."
[cluster]
agents = 2
stores = 3
[schedule]
seed = 7
retry = "5ms..50ms"
[expect]
outcome = "decide"
"#;

/// The adversary of the FLP theorem, and yet a decision is expected.
const DUEL: &str = r#"
title = "Duel"
summary = "It stalls."
[cluster]
agents = 2
stores = 3
[schedule]
seed = 0x5eed
adversary = { duel = ["a1", "a2"] }
retry = "0ms"
[expect]
outcome = "decide"
"#;

#[test]
fn built_in_scenarios_keep_their_promise_and_leave_nothing_behind() {
    let here = folder();

    let human = run(here.path(), &SOME);

    exits(&human, 0);
    let last = out(&human).lines().last().unwrap();
    assert!(last.starts_with("ok  "), "{last}");
    assert!(last.contains(" scenarios"), "{last}");
    assert_eq!(
        fs::read_dir(here.path()).unwrap().count(),
        0,
        "run left something behind"
    );
}

/// Chapters of every kind of run and outcome; that all of them keep their promise is tested where runs are made
/// (`sim/tests/catalogue.rs`).
const SOME: [&str; 5] = ["run", "basic", "bucket", "log/three-replicas", "regimes"];

#[test]
fn every_line_of_jsonl_is_a_run_with_the_fields_of_the_contract() {
    let here = folder();

    let output = run(here.path(), &[&SOME[..], &["--format", "jsonl"]].concat());

    exits(&output, 0);
    let runs = objects(&output);
    assert!(!runs.is_empty());
    let keys = [
        "scenario",
        "seed",
        "coordinate",
        "protocol",
        "agents",
        "stores",
        "outcome",
        "expected",
        "as_expected",
        "steps",
        "store_ops",
        "virtual_ns",
        "decided",
        "fingerprint",
        "violations",
        "stalls",
        "faults",
        "envelope",
        "latency_ns",
    ];
    for run in &runs {
        for key in keys {
            assert!(run.get(key).is_some(), "{key} is missing: {run}");
        }
        let seed = run["seed"].as_str().unwrap();
        let scenario = run["scenario"].as_str().unwrap();
        let coordinate = run["coordinate"].as_str().unwrap();
        assert!(seed.starts_with("0x"), "{seed}");
        assert!(
            coordinate.starts_with(&format!("{scenario}@{seed}")),
            "{coordinate}"
        );
        assert_eq!(run["fingerprint"].as_str().unwrap().len(), 16);
        assert_eq!(run["as_expected"], true, "{run}");
        let outcomes = ["decided", "stalled", "unsafe", "inconclusive"];
        assert!(
            outcomes.contains(&run["outcome"].as_str().unwrap()),
            "{run}"
        );
    }
}

#[test]
fn json_is_one_array_of_the_same_runs() {
    let here = folder();

    let lines = run(here.path(), &[&SOME[..], &["--format", "jsonl"]].concat());
    let array = run(here.path(), &[&SOME[..], &["--format", "json"]].concat());

    let array: Vec<Value> = serde_json::from_str(out(&array)).unwrap();
    assert_eq!(array, objects(&lines));
}

#[test]
fn a_run_does_not_depend_on_how_many_go_at_a_time() {
    let here = folder();
    fs::write(here.path().join("fine.toml"), FINE).unwrap();
    let with = |jobs| {
        let args = [
            "run",
            "fine.toml",
            "--seeds",
            "0..40",
            "--jobs",
            jobs,
            "--format",
            "jsonl",
        ];
        run(here.path(), &args)
    };

    let (one, four) = (with("1"), with("4"));

    exits(&one, 0);
    assert_eq!(out(&one), out(&four));
    let seeds: Vec<_> = objects(&one)
        .iter()
        .map(|run| run["seed"].clone())
        .collect();
    let in_order: Vec<_> = (0..40)
        .map(|seed| Value::from(format!("{seed:#x}")))
        .collect();
    assert_eq!(seeds, in_order);
}

#[test]
fn a_coordinate_names_the_same_run_as_seed() {
    let here = folder();
    fs::write(here.path().join("fine.toml"), FINE).unwrap();
    let of = |args: &[&str]| {
        let args = [&["run", "--format", "jsonl"], args].concat();
        out(&run(here.path(), &args)).to_owned()
    };

    let by_option = of(&["fine.toml", "--seed", "255"]);

    assert!(by_option.contains(r#""seed":"0xff""#), "{by_option}");
    assert_eq!(of(&["fine.toml@0xff"]), by_option);
    assert_eq!(of(&["fine.toml@255#3"]), by_option);
    assert_eq!(of(&["./fine.toml@0xff"]).replace("./", ""), by_option);
}

#[test]
fn a_built_in_scenario_answers_to_short_names() {
    let here = folder();
    let list = run(here.path(), &["scenario", "list", "--format", "jsonl"]);
    let name = objects(&list)[0]["name"].as_str().unwrap().to_owned();
    let bare = name
        .trim_start_matches("scenarios/")
        .trim_end_matches(".toml");
    let first = run(here.path(), &["run", &name, "--format", "jsonl"]);
    exits(&first, 0);

    for short in [bare, bare.rsplit('/').next().unwrap()] {
        let output = run(here.path(), &["run", short, "--format", "jsonl"]);

        assert_eq!(out(&output), out(&first), "{short}");
    }
}

#[test]
fn an_unexpected_stall_is_told_and_exits_with_three() {
    let here = folder();
    fs::write(here.path().join("duel.toml"), DUEL).unwrap();

    let output = run(here.path(), &["run", "duel.toml"]);

    exits(&output, 3);
    let text = out(&output);
    assert!(text.contains("\nSTALL  duel.toml@0x5eed"), "{text}");
    assert!(
        text.contains("bivalent replay duel.toml@0x5eed\n"),
        "{text}"
    );
    assert!(
        text.lines()
            .last()
            .unwrap()
            .starts_with("STALL  1 scenario, 0 as expected"),
        "{text}"
    );
}

#[test]
fn a_failure_is_an_annotation_on_github_and_talk_goes_to_stderr() {
    let here = folder();
    fs::write(here.path().join("duel.toml"), DUEL).unwrap();

    let output = run(here.path(), &["run", "duel.toml", "--format", "github"]);

    exits(&output, 3);
    let text = out(&output);
    assert!(
        text.starts_with("::error file=duel.toml,line=11,title=STALL duel.toml@0x5eed"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(err(&output).contains("STALL"), "{}", err(&output));
}

#[test]
fn the_trace_of_what_went_wrong_replays_identically() {
    let here = folder();
    fs::write(here.path().join("duel.toml"), DUEL).unwrap();

    let output = run(here.path(), &["run", "duel.toml", "--trace", "found"]);
    let replayed = run(here.path(), &["replay", "found/duel-0x5eed.trace"]);

    exits(&output, 3);
    exits(&replayed, 0);
    assert!(
        out(&replayed).starts_with("identical:  "),
        "{}",
        out(&replayed)
    );
    assert_eq!(fs::read_dir(here.path().join("found")).unwrap().count(), 1);
}

#[test]
fn a_coordinate_replays_and_leaves_a_trace_that_replays() {
    let here = folder();
    fs::write(here.path().join("fine.toml"), FINE).unwrap();

    let args = [
        "replay",
        "fine.toml@9",
        "-o",
        "fine.trace",
        "--format",
        "jsonl",
    ];
    let recorded = run(here.path(), &args);
    let again = run(here.path(), &["replay", "fine.trace", "--format", "jsonl"]);
    let ran = run(here.path(), &["run", "fine.toml@9", "--format", "jsonl"]);

    exits(&recorded, 0);
    exits(&again, 0);
    assert_eq!(out(&again), out(&recorded));
    assert_eq!(out(&ran), out(&recorded));
}

#[test]
fn a_replay_can_stop_early() {
    let here = folder();
    fs::write(here.path().join("fine.toml"), FINE).unwrap();

    let output = run(here.path(), &["replay", "fine.toml@9", "--until", "4"]);

    exits(&output, 0);
    assert!(
        out(&output).starts_with("identical:  the first 4 steps of "),
        "{}",
        out(&output)
    );
}

#[test]
fn a_new_scenario_checks_runs_and_is_never_overwritten() {
    let here = folder();

    let made = run(here.path(), &["scenario", "new", "mine.toml"]);
    let text = fs::read_to_string(here.path().join("mine.toml")).unwrap();
    let again = run(here.path(), &["scenario", "new", "mine.toml"]);

    exits(&made, 0);
    exits(&again, 74);
    assert!(err(&again).contains("already there"), "{}", err(&again));
    exits(&run(here.path(), &["scenario", "check", "mine.toml"]), 0);
    exits(&run(here.path(), &["run", "mine.toml", "--strict"]), 0);
    assert_eq!(
        fs::read_to_string(here.path().join("mine.toml")).unwrap(),
        text
    );
}

#[test]
fn a_scenario_can_start_from_a_built_in_one() {
    let here = folder();
    let list = run(here.path(), &["scenario", "list", "--format", "jsonl"]);

    for (i, entry) in objects(&list).iter().enumerate() {
        let (name, file) = (entry["name"].as_str().unwrap(), format!("{i}.toml"));
        let shown = run(here.path(), &["scenario", "show", name]);

        exits(
            &run(here.path(), &["scenario", "new", &file, "--from", name]),
            0,
        );

        let text = fs::read_to_string(here.path().join(&file)).unwrap();
        assert_eq!(text, out(&shown));
    }
}

#[test]
fn the_schema_is_json_and_every_kind_of_fault_is_described() {
    let here = folder();

    let schema = run(here.path(), &["scenario", "schema"]);
    let faults = run(here.path(), &["scenario", "show", "faults"]);

    exits(&schema, 0);
    serde_json::from_str::<Value>(out(&schema)).unwrap();
    for kind in bivalent_sim::scenario::fault::FaultKind::ALL {
        let starts = format!("{} ", kind.name());
        assert!(
            out(&faults).lines().any(|line| line.starts_with(&starts)),
            "{}",
            kind.name()
        );
    }
}
