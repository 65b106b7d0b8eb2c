//! `bivalent explain`: causes, stalls, and what would have helped.

use std::fs;

use crate::{DUEL, FINE, bivalent, err, exits, folder, objects, out, run};

#[test]
fn a_stall_is_told_with_what_would_have_helped() {
    let folder = folder();
    fs::write(folder.path().join("duel.toml"), DUEL).unwrap();

    let output = run(folder.path(), &["explain", "duel.toml"]);

    exits(&output, 0);
    let text = out(&output);
    for wanted in [
        "STALLED  duel.toml@0x",
        "  How it happened\n",
        "  Why a",
        "read s",
        "  The stall: contention",
        "it heals: an agent left alone decides",
        "a2 pre-empts a1 ",
        "nearest to a decision: a",
        "nothing: other luck",
        "    64 of 64  ",
        "the schedule turns fair\n",
        "(every store answers)\n",
        "How fair the run was: no operation was passed over by more than ",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is missing\n{text}");
    }
}

#[test]
fn an_explanation_is_data_too() {
    let folder = folder();
    fs::write(folder.path().join("duel.toml"), DUEL).unwrap();

    let output = run(
        folder.path(),
        &["explain", "duel.toml", "--format", "jsonl"],
    );

    exits(&output, 0);
    let explained = &objects(&output)[0];
    let stall = &explained["stalls"][0];
    assert_eq!(stall["kind"], "contention");
    assert_eq!(stall["remedies"][0]["remedy"], "nothing");
    assert_eq!(stall["remedies"][0]["tried"], 64);
    assert_eq!(explained["report"]["outcome"], "stalled");
    assert!(explained["causes"][0]["links"].as_array().unwrap().len() > 3);
}

#[test]
fn a_trace_is_explained_like_its_coordinate() {
    let folder = folder();
    fs::write(folder.path().join("fine.toml"), FINE).unwrap();
    exits(
        &run(
            folder.path(),
            &["replay", "fine.toml@0x9", "-o", "fine.trace"],
        ),
        0,
    );

    let by_trace = run(folder.path(), &["explain", "fine.trace"]);
    let by_coordinate = run(folder.path(), &["explain", "fine.toml@0x9"]);

    exits(&by_trace, 0);
    let told = |output| {
        let (told, again) = out(output).split_once("\n  Again").unwrap();
        (told.to_owned(), again.to_owned())
    };
    let (trace, coordinate) = (told(&by_trace), told(&by_coordinate));
    assert_eq!(trace.0, coordinate.0);
    assert!(trace.1.contains("replay fine.trace\n"), "{}", trace.1);
    assert!(out(&by_trace).starts_with("DECIDED  fine.toml@0x9"));
}

#[test]
fn a_trace_that_this_build_does_not_repeat_is_not_explained() {
    let folder = folder();
    fs::write(folder.path().join("fine.toml"), FINE).unwrap();
    exits(
        &run(folder.path(), &["replay", "fine.toml", "-o", "fine.trace"]),
        0,
    );
    let file = folder.path().join("fine.trace");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("agents = 2", "agents = 3")).unwrap();

    let output = run(folder.path(), &["explain", "fine.trace"]);

    exits(&output, 5);
    assert!(
        err(&output).contains("does not repeat it"),
        "{}",
        err(&output)
    );
}

#[test]
fn nothing_that_stalls_is_nothing_to_tell() {
    let folder = folder();
    fs::write(folder.path().join("fine.toml"), FINE).unwrap();

    let output = run(folder.path(), &["explain", "fine.toml", "--stalled"]);

    exits(&output, 4);
    assert!(err(&output).contains("none of these runs stalls"));
}

#[test]
fn what_cannot_be_found_is_said_and_nothing_is_told() {
    let folder = folder();

    let output = run(folder.path(), &["explain", "no-such-thing"]);

    exits(&output, 74);
    assert_eq!(out(&output), "");
}

#[test]
fn two_decisions_that_differ_could_not_have_influenced_each_other() {
    let folder = folder();

    let output = run(folder.path(), &["explain", "fault/stale-reads-outside@0"]);

    exits(&output, 0);
    let text = out(&output);
    for wanted in [
        "What could have influenced #65, a1 DECIDED v2: ",
        "#41, a3 DECIDED v3 is not among them, nor the reverse\n",
        "What could have influenced #41, a3 DECIDED v3: ",
        "could not, though earlier: ",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is missing\n{text}");
    }
}

#[test]
fn the_past_of_a_step_is_told_in_order_and_as_data() {
    let folder = folder();
    fs::write(folder.path().join("fine.toml"), FINE).unwrap();
    let args = ["explain", "fine.toml@0x9", "--influences"];
    let of = |step: &str, more: &[&str]| {
        let args = [&args[..], &[step], more].concat();
        run(folder.path(), &args)
    };
    let jsonl = ["--format", "jsonl"];
    let exported = run(folder.path(), &["export", "fine.toml@0x9", "--as", "jsonl"]);
    let events = objects(&exported);
    let decided = events.iter().rfind(|e| e["kind"] == "decided").unwrap();
    let step = decided["step"].to_string();

    let (human, data) = (of(&step, &[]), of(&step, &jsonl));

    exits(&human, 0);
    let told = &objects(&data)[0];
    assert_eq!(told["of"]["step"], decided["step"]);
    let past = told["past"].as_array().unwrap();
    let steps: Vec<u64> = past.iter().map(|l| l["step"].as_u64().unwrap()).collect();
    assert!(steps.is_sorted() && steps.len() > 5, "{steps:?}");
    assert_eq!(told["could"], steps.len());
    let lines = out(&human).lines().filter(|l| l.trim().starts_with('#'));
    assert_eq!(lines.count(), steps.len() + 1);
    assert!(out(&human).contains("<- this\n"), "{}", out(&human));
}

#[test]
fn a_step_at_which_no_agent_does_anything_has_no_past() {
    let folder = folder();
    fs::write(folder.path().join("fine.toml"), FINE).unwrap();

    let output = run(
        folder.path(),
        &["explain", "fine.toml@9", "--influences", "1000000"],
    );

    exits(&output, 2);
    let text = err(&output);
    assert!(
        text.contains("no agent's event is told of step 1000000"),
        "{text}"
    );
    assert!(text.contains("the nearest steps with one: "), "{text}");
    let two = ["explain", "fine.toml", "fine.toml", "--influences", "1"];
    exits(&run(folder.path(), &two), 2);
    let args = ["explain", "fine.toml", "--influences", "1", "--format"];
    exits(&run(folder.path(), &[&args[..], &["markdown"]].concat()), 2);
}

/// docs/stalls.md says what its command prints.
#[test]
fn the_document_of_stalls_is_what_its_command_prints() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let args = ["explain", "scenarios", "--stalled", "--format", "markdown"];

    let output = bivalent(root, &args).output().unwrap();

    exits(&output, 0);
    let document = fs::read_to_string(root.join("docs/stalls.md")).unwrap();
    let made = document.find("## ").map_or("", |at| &document[at..]);
    assert!(
        made == out(&output),
        "docs/stalls.md is out of date: end it with what `bivalent {}` prints",
        args.join(" ")
    );
}
