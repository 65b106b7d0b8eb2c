//! The command as a user, a script and a CI job meet it.

#![cfg(test)]

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

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
fn the_built_in_scenarios_all_keep_their_promise() {
    let here = folder();

    let human = run(here.path(), &["run"]);

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

#[test]
fn every_line_of_jsonl_is_a_run_with_the_fields_of_the_contract() {
    let here = folder();

    let output = run(here.path(), &["run", "--format", "jsonl"]);

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

    let lines = run(here.path(), &["run", "--format", "jsonl"]);
    let array = run(here.path(), &["run", "--format", "json"]);

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
        text.starts_with("::error file=duel.toml,line=10,title=STALL duel.toml@0x5eed"),
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
fn what_is_no_trace_is_refused() {
    let here = folder();
    fs::write(here.path().join("a.trace"), "hello\n").unwrap();
    fs::write(here.path().join("b.trace"), b"\xff\xfe\x00").unwrap();
    fs::write(here.path().join("c.trace"), "").unwrap();

    for name in ["a.trace", "b.trace", "c.trace"] {
        let output = run(here.path(), &["replay", name]);

        exits(&output, 65);
        assert!(err(&output).contains(name), "{}", err(&output));
    }
    exits(&run(here.path(), &["replay", "missing.trace"]), 74);
}

#[test]
fn bad_scenarios_are_refused_at_once_with_the_right_code() {
    let here = folder();
    let with = |from: &str, to: &str| {
        assert!(FINE.contains(from));
        FINE.replace(from, to).into_bytes()
    };
    let bad: &[(&str, Vec<u8>)] = &[
        ("empty.toml", Vec::new()),
        ("binary.toml", vec![0xff, 0x00, 0x9f, 0x0a]),
        ("crowd.toml", with("agents = 2", "agents = 1000000000")),
        ("below.toml", with("agents = 2", "agents = -1")),
        ("unknown.toml", with("title", "titel")),
        ("twice.toml", with("stores = 3", "stores = 3\nstores = 3")),
        ("delay.toml", with("5ms..50ms", "-5ms..50ms")),
        (
            "deep.toml",
            format!("x = {}{}\n", "[".repeat(50_000), "]".repeat(50_000)).into(),
        ),
        ("large.toml", vec![b'#'; (16 << 20) + 1]),
    ];
    for (name, bytes) in bad {
        fs::write(here.path().join(name), bytes).unwrap();

        for command in [&["run"][..], &["scenario", "check"]] {
            let began = Instant::now();
            let output = run(here.path(), &[command, &[name]].concat());

            exits(&output, 65);
            assert!(err(&output).contains(name), "{name}: {}", err(&output));
            assert_eq!(out(&output), "", "{name}");
            assert!(
                began.elapsed() < Duration::from_secs(5),
                "{name} took {:?}",
                began.elapsed()
            );
        }
    }
    for missing in [
        "nowhere",
        "nowhere/",
        "nowhere.toml",
        "nowhere.toml@0x7",
        "",
    ] {
        exits(&run(here.path(), &["run", missing]), 74);
    }
}

#[test]
fn all_errors_of_all_files_are_told_and_nothing_is_run() {
    let here = folder();
    fs::write(here.path().join("a.toml"), FINE.replace("title", "titel")).unwrap();
    fs::write(here.path().join("b.toml"), FINE.replace("stores", "disks")).unwrap();
    fs::write(here.path().join("c.toml"), FINE).unwrap();

    let output = run(here.path(), &["run", "."]);

    exits(&output, 65);
    let text = err(&output);
    assert!(text.contains("a.toml") && text.contains("titel"), "{text}");
    assert!(text.contains("b.toml") && text.contains("disks"), "{text}");
    assert!(text.trim_end().ends_with("nothing was run"), "{text}");
    assert_eq!(out(&output), "");
}

#[test]
fn nothing_selected_is_no_success() {
    let here = folder();

    exits(&run(here.path(), &["run", "."]), 4);
    exits(&run(here.path(), &["run", "--tag", "no-such-tag"]), 4);
    exits(&run(here.path(), &["run", "--seeds", "5..5"]), 2);
    exits(
        &run(here.path(), &["run", "--seeds", "0..2", "--seed", "1"]),
        2,
    );
}

#[test]
fn a_name_that_is_nearly_right_is_recognised() {
    let here = folder();
    let list = run(here.path(), &["scenario", "list", "--format", "jsonl"]);
    let name = objects(&list)[0]["name"].as_str().unwrap().to_owned();
    let stem = name
        .rsplit('/')
        .next()
        .unwrap()
        .trim_end_matches(".toml")
        .to_owned();
    let slip = format!("{stem}s");

    let output = run(here.path(), &["run", &slip]);

    exits(&output, 74);
    assert!(
        err(&output).contains(&format!("did you mean `{stem}`")),
        "{}",
        err(&output)
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
    for kind in bivalent_sim::fault::FaultKind::ALL {
        let starts = format!("{} ", kind.name());
        assert!(
            out(&faults).lines().any(|line| line.starts_with(&starts)),
            "{}",
            kind.name()
        );
    }
}

#[test]
fn a_title_cannot_steer_the_terminal() {
    let here = folder();
    let evil = DUEL.replace("\"Duel\"", r#""x\u001b]52;c;ZXZpbA==\u0007""#);
    fs::write(here.path().join("a\u{1b}]0;owned\u{7}.toml"), evil).unwrap();

    for args in [
        &["run", "."][..],
        &["run", ".", "--format", "github"],
        &["scenario", "check", "."],
    ] {
        let output = run(here.path(), args);

        for stream in [out(&output), err(&output)] {
            let steers = |c: char| c.is_control() && c != '\n';
            assert!(!stream.contains(steers), "{args:?}: {stream:?}");
        }
    }
}

#[test]
fn colour_is_for_terminals_or_on_request_and_changes_no_word() {
    let here = folder();
    fs::write(here.path().join("duel.toml"), DUEL).unwrap();
    let text = |output: Output| {
        let text = out(&output).to_owned();
        // The last line ends in the time it took.
        text.rsplit_once("  ").unwrap().0.to_owned()
    };

    let plain = text(run(here.path(), &["run", "duel.toml"]));
    let asked = text(run(here.path(), &["run", "duel.toml", "--color", "always"]));
    let no_color = bivalent(here.path(), &["run", "duel.toml"])
        .env("NO_COLOR", "1")
        .output();

    assert!(!plain.contains('\u{1b}'));
    assert!(asked.contains("\u{1b}["));
    assert_eq!(without_colour(&asked), plain);
    assert_eq!(text(no_color.unwrap()), plain);
}

fn without_colour(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain += before;
        rest = after.split_once('m').unwrap().1;
    }
    plain + rest
}

#[test]
fn quiet_says_nothing_when_all_is_well() {
    let here = folder();
    fs::write(here.path().join("fine.toml"), FINE).unwrap();

    let output = run(here.path(), &["run", "fine.toml", "--quiet"]);

    exits(&output, 0);
    assert_eq!((out(&output), err(&output)), ("", ""));
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let here = folder();
    fs::write(here.path().join("fine.toml"), FINE).unwrap();
    let args = [
        "run",
        "fine.toml",
        "--seeds",
        "0..2000",
        "--format",
        "jsonl",
    ];
    let mut child = bivalent(here.path(), &args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();

    let mut first = [0; 1];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();

    assert_eq!(first, *b"{");
    exits(&output, 141);
    assert_eq!(err(&output), "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_never_a_success() {
    let here = folder();
    let full = || {
        fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };

    for args in [
        &["run"][..],
        &["scenario", "list"],
        &["completions", "bash"],
    ] {
        let output = bivalent(here.path(), args).stdout(full()).output().unwrap();

        exits(&output, 74);
        assert!(
            err(&output).contains("can't be written"),
            "{}",
            err(&output)
        );
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_prints_the_summary_and_exits_with_130() {
    let here = folder();
    fs::write(here.path().join("fine.toml"), FINE).unwrap();
    let args = ["run", "fine.toml", "--seeds", "0..1000000000000"];
    let child = bivalent(here.path(), &args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(500));

    let id = child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &id]).status().unwrap();
    let output = child.wait_with_output().unwrap();

    assert!(killed.success());
    exits(&output, 130);
    let last = out(&output).lines().last().unwrap();
    assert!(last.starts_with("UNSURE  1 scenario in "), "{last}");
}

#[test]
fn help_starts_from_examples_and_lists_every_exit_code() {
    let here = folder();

    let short = run(here.path(), &["-h"]);
    let long = run(here.path(), &["--help"]);

    exits(&short, 0);
    assert!(
        out(&short).contains("Examples:\n  bivalent run"),
        "{}",
        out(&short)
    );
    for code in ["0", "1", "2", "3", "4", "5", "6", "65", "70", "74", "130"] {
        let starts = format!("  {code} ");
        assert!(
            out(&long).lines().any(|line| line.starts_with(&starts)),
            "{code} is missing"
        );
    }
    for command in ["run", "replay", "scenario", "completions", "man"] {
        let help = run(here.path(), &[command, "--help"]);

        exits(&help, 0);
        assert!(out(&help).contains("Example"), "{command}");
    }
    exits(&run(here.path(), &["frobnicate"]), 2);
}

#[test]
fn completions_and_manual_pages_are_there() {
    let here = folder();

    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(here.path(), &["completions", shell]);

        exits(&output, 0);
        assert!(out(&output).contains("bivalent"), "{shell}");
    }
    exits(&run(here.path(), &["man", "man1"]), 0);
    for page in ["bivalent.1", "bivalent-run.1", "bivalent-scenario-check.1"] {
        assert!(here.path().join("man1").join(page).is_file(), "{page}");
    }
}
