//! Planted bugs on the command line: there in builds that have them, refused by name in all others.

use std::fs;

use crate::{err, exits, folder, out, run};

#[test]
fn a_trace_is_seen_again_by_its_own_name() {
    let folder = folder();
    let args = ["explore", "two-by-one", "--lasso", "flp.trace"];
    exits(&run(folder.path(), &args), 0);

    let replayed = run(folder.path(), &["replay", "flp.trace", "--explain"]);
    let explained = run(folder.path(), &["explain", "flp.trace"]);

    // Its scenario has the name of another one, which has no script.
    for output in [&replayed, &explained] {
        let text = out(output);
        assert!(text.contains("bivalent replay flp.trace\n"), "{text}");
    }
}

/// No build has a bug of this name: what the simulator is built with beside the command does not matter.
#[test]
fn a_trace_says_which_bug_its_agents_had_if_the_build_has_not() {
    let folder = folder();
    let args = ["replay", "two-by-one@0x1", "-o", "fine.trace"];
    exits(&run(folder.path(), &args), 0);
    let fine = fs::read_to_string(folder.path().join("fine.trace")).unwrap();
    let text = fine.replacen("choices = ", "planted-bug = \"NoSuchBug\"\nchoices = ", 1);
    fs::write(folder.path().join("bug.trace"), text).unwrap();

    for command in ["replay", "explain"] {
        let output = run(folder.path(), &[command, "bug.trace"]);

        exits(&output, 65);
        let said = err(&output);
        assert!(said.contains("the planted bug `NoSuchBug`"), "{said}");
        assert!(said.contains("--features planted-bugs"), "{said}");
    }
}

#[cfg(not(feature = "planted-bugs"))]
#[test]
fn an_ordinary_build_has_no_option_for_bugs() {
    let folder = folder();
    for command in ["run", "replay", "explore", "explain"] {
        let output = run(folder.path(), &[command, "two-by-one", "--bug", "OwnInput"]);

        exits(&output, 2);
    }
}

#[cfg(feature = "planted-bugs")]
#[test]
fn an_explored_bug_is_kept_replayed_and_explained() {
    let folder = folder();
    let args = [
        "explore",
        "two-by-one-restart",
        "--bug",
        "ForgetsVote",
        "--trace",
        "bug.trace",
    ];

    let found = run(folder.path(), &args);

    exits(&found, 1);
    assert!(
        out(&found).contains("shortest  16 steps"),
        "{}",
        out(&found)
    );
    let replayed = run(folder.path(), &["replay", "bug.trace"]);
    exits(&replayed, 0);
    assert!(
        out(&replayed).contains("agreement broken"),
        "{}",
        out(&replayed)
    );
    exits(&run(folder.path(), &["explain", "bug.trace"]), 0);
    for command in ["replay", "explain"] {
        let twice = run(folder.path(), &[command, "bug.trace", "--bug", "OwnInput"]);
        exits(&twice, 2);
        assert!(
            err(&twice).contains("says itself which bug"),
            "{}",
            err(&twice)
        );
    }
}

#[cfg(feature = "planted-bugs")]
#[test]
fn a_run_with_a_bug_says_how_to_have_it_again() {
    let folder = folder();

    let output = run(
        folder.path(),
        &["run", "two-by-one", "--bug", "NoReread", "--trace", "."],
    );

    exits(&output, 1);
    let text = out(&output);
    let again = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Again      bivalent "))
        .unwrap_or_else(|| panic!("{text}"));
    assert!(again.ends_with(" --bug NoReread"), "{again}");
    let words: Vec<&str> = again.split(' ').collect();
    let replayed = run(folder.path(), &words);
    exits(&replayed, 0);
    assert!(out(&replayed).contains("FAIL"), "{}", out(&replayed));
    let traces = fs::read_dir(folder.path()).unwrap();
    assert!(traces.count() > 0);
    exits(
        &run(
            folder.path(),
            &["run", "two-by-one", "--bug", "StrictlyGreater"],
        ),
        0,
    );
    exits(
        &run(folder.path(), &["run", "two-by-one", "--bug", "NoSuchBug"]),
        2,
    );
}
