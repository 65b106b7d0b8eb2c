//! `bivalent explore` and `bivalent verify`: every schedule, and a certificate that holds or does not.

use std::fs;

use crate::{err, exits, folder, objects, out, run};

#[test]
fn a_small_system_is_told_with_its_lasso() {
    let folder = folder();

    let output = run(folder.path(), &["explore", "two-by-one"]);

    exits(&output, 0);
    for wanted in [
        "states    269 · 468 transitions · depth 20",
        "33 bivalent · 118 0-valent · 118 1-valent · initially {0,1}",
        "26 decisive steps · 0 critical states · 4 terminal states",
        "76 up to bisimulation, 14 of them bivalent",
        "2 steps, then 4 steps for ever; bivalent throughout",
    ] {
        assert!(out(&output).contains(wanted), "{wanted}\n{}", out(&output));
    }
}

#[test]
fn an_exploration_is_data_too() {
    let folder = folder();
    let args = [
        "explore",
        "two-by-one",
        "--ballots",
        "1",
        "--format",
        "jsonl",
    ];

    let output = run(folder.path(), &args);

    exits(&output, 0);
    let found = &objects(&output)[0];
    assert_eq!(found["conclusion"], "complete");
    assert_eq!(found["ballots"], 1);
    assert!(found["complete"]["critical"].is_u64());
}

#[test]
fn images_are_lines_in_the_order_of_their_bytes() {
    let folder = folder();
    let args = [
        "explore",
        "two-by-one",
        "--ballots",
        "2",
        "--images",
        "i.txt",
    ];

    exits(&run(folder.path(), &args), 0);

    let text = fs::read_to_string(folder.path().join("i.txt")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.is_sorted_by(|a, b| a.as_bytes() < b.as_bytes()));
    assert_eq!(lines[0], "s1a1=0.0.0 s1a2=0.0.0");
    assert!(text.ends_with('\n'));
    let alone = run(
        folder.path(),
        &["explore", "two-by-one", "--images", "i.txt"],
    );
    exits(&alone, 2);
}

#[test]
fn a_picture_is_a_graph_of_graphviz() {
    let folder = folder();

    exits(
        &run(folder.path(), &["explore", "two-by-one", "--dot", "v.dot"]),
        0,
    );

    let text = fs::read_to_string(folder.path().join("v.dot")).unwrap();
    assert!(text.starts_with("digraph"), "{text}");
    assert!(text.trim_end().ends_with('}'));
}

/// A certificate in a folder.
fn certificate() -> (tempfile::TempDir, String) {
    let folder = folder();
    let args = ["explore", "two-by-one", "--lasso", "flp.trace"];
    exits(&run(folder.path(), &args), 0);
    let text = fs::read_to_string(folder.path().join("flp.trace")).unwrap();
    (folder, text)
}

#[test]
fn a_certificate_holds_unrolls_and_replays() {
    let (folder, _) = certificate();

    let verified = run(folder.path(), &["verify", "flp.trace", "--steps", "100000"]);
    let replayed = run(folder.path(), &["replay", "flp.trace"]);
    let explained = run(folder.path(), &["explain", "flp.trace"]);

    exits(&verified, 0);
    assert!(
        out(&verified).starts_with("verified  flp.trace"),
        "{}",
        out(&verified)
    );
    exits(&replayed, 0);
    exits(&explained, 0);
    assert!(out(&explained).contains("the script says who does what"));
}

#[test]
fn forged_certificates_are_refused_with_the_reason() {
    let (folder, text) = certificate();
    let turn = text
        .lines()
        .find(|line| line.starts_with("turn = "))
        .unwrap();
    let forged = [
        ("turn = []", "no certificate"),
        (
            "turn = [\"a1 read s1 a2\", \"a1 write s1\"]",
            "is never served by",
        ),
        (
            "turn = [\"a1 read s1 a2\", \"a1 write s1\", \"a2 read s1 a1\", \"a2 write s1\", \"a1 crash\"]",
            "somebody crashes",
        ),
        (
            "turn = [\"a1 read s1 a2\", \"a2 write s1\"]",
            "no such operation is in flight",
        ),
    ];
    for (forgery, reason) in forged {
        fs::write(
            folder.path().join("forged.trace"),
            text.replace(turn, forgery),
        )
        .unwrap();

        let output = run(folder.path(), &["verify", "forged.trace"]);

        exits(&output, 65);
        let said = format!("{}{}", out(&output), err(&output));
        assert!(said.contains(reason), "{forgery}: {said}");
    }
}

#[test]
fn what_cannot_be_explored_is_refused_with_a_remedy() {
    let folder = folder();

    let many = run(folder.path(), &["explore", "fifty-agents-on-five-stores"]);
    let several = run(folder.path(), &["explore", "scenarios/explore"]);
    let too_deep = run(
        folder.path(),
        &[
            "explore",
            "three-by-one",
            "--depth",
            "5",
            "--memory",
            "1GiB",
        ],
    );

    exits(&many, 65);
    assert!(err(&many).contains("can't be explored"), "{}", err(&many));
    exits(&several, 2);
    exits(&too_deep, 6);
    assert!(out(&too_deep).contains("there are states further away"));
}

#[test]
fn where_no_fair_cycle_is_there_is_nothing_to_certify() {
    let folder = folder();
    let args = [
        "explore",
        "herlihy-one-reliable-store",
        "--lasso",
        "no.trace",
    ];

    let output = run(folder.path(), &args);

    exits(&output, 3);
    assert!(err(&output).contains("there is nothing to certify"));
    assert!(!folder.path().join("no.trace").exists());
}
