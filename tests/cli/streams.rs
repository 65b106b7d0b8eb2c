//! The two streams and the terminal: colour, closed pipes, full disks, Ctrl-C, help.

use std::fs;
use std::io::Read;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::{DUEL, FINE, bivalent, err, exits, folder, out, run};

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
    for command in ["run", "replay", "price", "scenario", "completions", "man"] {
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
