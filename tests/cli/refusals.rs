//! What is refused, with which code, and how fast.

use std::fs;
use std::time::{Duration, Instant};

use crate::{DUEL, FINE, err, exits, folder, objects, out, run};

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
