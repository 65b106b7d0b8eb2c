//! Campaigns: run, interrupted, resumed, cut into parts, merged; what was found, kept and tried again.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::{FINE, bivalent, err, exits, folder, objects, out, run};

/// Two agents that undo each other for ever, and a promise that they don't.
pub(super) const DUEL: &str = r#"
title = "Duel"
summary = "It stalls, and promises not to."
[cluster]
agents = 3
stores = 3
[schedule]
adversary = { duel = ["a1", "a2"] }
retry = "0ms"
[limits]
stall-after = "50ms"
time = "200ms"
[expect]
outcome = "decide"
"#;

/// Everything may be added.
const WILD: &str = r#"
title = "Wild"
summary = "Safe whatever comes."
[cluster]
agents = 3
stores = 3
block = { format = "versioned" }
bucket = false
[expect]
outcome = "any"
[fuzz]
agents = "2..4"
faults = { add = ["crash", "delay", "lost-ack", "torn-write", "duplicate"], at-most = 3 }
"#;

fn with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = folder();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn summary(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("summary.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_campaign_that_finds_nothing_says_so_and_what_it_tested() {
    let folder = with(&[("wild.toml", WILD)]);

    let ran = run(folder.path(), &["fuzz", "wild.toml", "--runs", "3000"]);

    exits(&ran, 0);
    let text = out(&ran);
    assert!(
        text.starts_with("ok  3,000 runs of 1 scenario, 0 findings"),
        "{text}"
    );
    for word in ["uniform", "pct", "pos", "guided", "features", "fingerprint"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn the_number_of_threads_and_of_parts_does_not_show_in_the_sum() {
    let folder = with(&[("wild.toml", WILD), ("duel.toml", DUEL)]);
    let fuzz = |extra: &[&str]| {
        let mut args = vec!["fuzz", "wild.toml", "duel.toml", "--seeds", "100..2500"];
        args.extend(extra);
        run(folder.path(), &args)
    };

    exits(&fuzz(&["--out", "one", "--jobs", "1"]), 3);
    exits(&fuzz(&["--out", "two", "--jobs", "3"]), 3);
    for part in ["slice:1/3", "slice:2/3", "slice:3/3"] {
        fuzz(&["--out", "parts", "--partition", part]);
    }
    let merged = run(folder.path(), &["merge", "parts", "--out", "merged"]);

    exits(&merged, 3);
    let one = summary(&folder.path().join("one"));
    assert_eq!(one["runs"], 4800);
    assert_eq!(one, summary(&folder.path().join("two")));
    let mut whole = summary(&folder.path().join("merged"));
    // Where the coverage was at the end depends on nothing else either.
    assert_eq!(one, whole.take());
    for file in ["latency.hlog", "steps.hlog"] {
        let read = |of: &str| fs::read(folder.path().join(of).join(file)).unwrap();
        assert_eq!(read("one"), read("merged"), "{file}");
    }
}

#[test]
fn a_missing_part_is_told_and_so_are_parts_of_different_campaigns() {
    let folder = with(&[("wild.toml", WILD)]);
    let fuzz = |extra: &[&str]| {
        let mut args = vec!["fuzz", "wild.toml", "--out", "parts", "--seeds", "0..4096"];
        args.extend(extra);
        run(folder.path(), &args)
    };
    exits(&fuzz(&["--partition", "slice:1/2"]), 0);

    let half = run(folder.path(), &["merge", "parts"]);
    assert!(out(&half).contains("INCOMPLETE"), "{}", out(&half));
    exits(&fuzz(&["--partition", "slice:2/2", "--no-swarm"]), 0);
    let mixed = run(folder.path(), &["merge", "parts"]);

    exits(&half, 6);
    assert!(
        err(&half).contains("2,048 runs of the campaign are in none"),
        "{}",
        err(&half)
    );
    exits(&mixed, 2);
    assert!(
        err(&mixed).contains("different campaigns"),
        "{}",
        err(&mixed)
    );
    exits(&run(folder.path(), &["merge", "nowhere"]), 74);
    exits(&run(folder.path(), &["merge", "."]), 2);
}

#[test]
fn a_finding_is_kept_replays_and_reproduces_alone() {
    let folder = with(&[("duel.toml", DUEL)]);

    let ran = run(
        folder.path(),
        &[
            "fuzz",
            "duel.toml",
            "--runs",
            "64",
            "--out",
            "kept",
            "--format",
            "jsonl",
        ],
    );

    exits(&ran, 3);
    let found = &objects(&ran)[0];
    assert_eq!(found["kind"], "contention");
    assert!(found["steps_after"].as_u64() <= found["steps_before"].as_u64());
    let stem = format!("kept/findings/{}", found["file"].as_str().unwrap());
    let replayed = run(folder.path(), &["replay", &format!("{stem}.trace")]);
    exits(&replayed, 0);
    assert!(out(&replayed).contains("identical"));
    let alone = run(folder.path(), &["run", &format!("{stem}.toml")]);
    exits(&alone, 3);
    for file in ["junit.xml", "summary.md", "latency.hlog", "campaign.json"] {
        assert!(folder.path().join("kept").join(file).is_file(), "{file}");
    }
    let junit = fs::read_to_string(folder.path().join("kept/junit.xml")).unwrap();
    assert!(junit.contains("type=\"contention\""), "{junit}");

    // And it is what every campaign runs first.
    fs::create_dir(folder.path().join("regressions")).unwrap();
    let relapse = folder.path().join("regressions/duel.toml");
    fs::copy(folder.path().join(format!("{stem}.toml")), relapse).unwrap();
    fs::write(folder.path().join("wild.toml"), WILD).unwrap();
    let ran = run(folder.path(), &["fuzz", "wild.toml", "--runs", "2000"]);
    exits(&ran, 3);
    assert!(
        out(&ran).contains("1 regression run first: 1 relapse"),
        "{}",
        out(&ran)
    );
}

#[test]
fn a_relapse_is_in_the_results_of_its_part_and_of_the_merge() {
    let folder = with(&[("wild.toml", WILD)]);
    fs::create_dir(folder.path().join("regressions")).unwrap();
    for (name, text) in [("fine.toml", FINE), ("duel.toml", DUEL)] {
        fs::write(folder.path().join("regressions").join(name), text).unwrap();
    }
    for part in ["slice:1/2", "slice:2/2"] {
        let args = ["fuzz", "wild.toml", "--seeds", "0..4096", "--out", "parts"];
        let ran = run(
            folder.path(),
            &[&args[..], &["--partition", part][..]].concat(),
        );
        exits(&ran, 3);
        let text = out(&ran);
        assert!(text.contains("\nFAIL  2,048 runs"), "{text}");
    }

    let merged = run(folder.path(), &["merge", "parts", "--out", "whole"]);
    let told = run(folder.path(), &["merge", "parts", "--format", "github"]);

    exits(&merged, 3);
    let text = out(&merged);
    assert!(
        text.contains("FAIL  4,096 runs of 1 scenario, 1 relapse, 0 findings"),
        "{text}"
    );
    assert!(
        text.contains("relapse     contention  regressions/duel.toml"),
        "{text}"
    );
    for of in ["parts/part-1-of-2", "parts/part-2-of-2", "whole"] {
        let summary = summary(&folder.path().join(of));
        assert_eq!(summary["regressions"], 2, "{of}");
        assert_eq!(summary["relapses"].as_array().unwrap().len(), 1, "{of}");
        assert_eq!(summary["relapses"][0]["file"], "regressions/duel.toml");
        let junit = fs::read_to_string(folder.path().join(of).join("junit.xml")).unwrap();
        assert!(junit.contains("a relapse: stall"), "{of}: {junit}");
        assert!(junit.contains("regressions/fine.toml"), "{of}: {junit}");
        let page = fs::read_to_string(folder.path().join(of).join("summary.md")).unwrap();
        assert!(page.contains("`regressions/duel.toml`"), "{of}: {page}");
    }
    assert!(
        out(&told).contains("::error file=regressions/duel.toml,line=1,title=RELAPSE contention::"),
        "{}",
        out(&told)
    );
}

#[test]
fn a_campaign_that_is_killed_goes_on_and_loses_and_repeats_nothing() {
    let folder = with(&[("wild.toml", WILD)]);
    let args = ["fuzz", "wild.toml", "--seeds", "0..20000", "--out", "kept"];
    let whole = ["fuzz", "wild.toml", "--seeds", "0..20000", "--out", "whole"];
    exits(&run(folder.path(), &whole), 0);

    for ms in [150, 400, 700] {
        let mut child = bivalent(folder.path(), &args).spawn().unwrap();
        thread::sleep(Duration::from_millis(ms));
        // SIGKILL: nothing can be tidied up.
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // A line that a kill has cut is dropped, whatever is left of it.
    let log = folder.path().join("kept/blocks.log");
    if log.is_file() {
        let mut bytes = fs::read(&log).unwrap();
        bytes.extend_from_slice(b"0123456789abcdef {\"block\":\xff");
        fs::write(&log, bytes).unwrap();
    }
    let ran = run(folder.path(), &args);

    exits(&ran, 0);
    let [kept, whole] = ["kept", "whole"].map(|of| summary(&folder.path().join(of)));
    assert_eq!(kept, whole);
    assert_eq!(kept["runs"], 20_000);
    // Once more: nothing is left to do.
    let again = run(folder.path(), &args);
    exits(&again, 0);
    assert!(
        out(&again).contains("going on after 20 blocks, 20,000 runs"),
        "{}",
        out(&again)
    );
    // What was there before was not run in this time.
    assert!(out(&again).contains(" s, 0 runs/s"), "{}", out(&again));
}

/// Rewrites what a campaign's folder says it is.
fn forge(folder: &Path, from: &str, to: &str) {
    let file = folder.join("campaign.json");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{from}: {text}");
    fs::write(file, text.replace(from, to)).unwrap();
}

/// The build that a campaign's folder names.
fn build_of(folder: &Path) -> String {
    let text = fs::read_to_string(folder.join("campaign.json")).unwrap();
    let campaign: Value = serde_json::from_str(&text).unwrap();
    campaign["build"].as_str().unwrap().to_owned()
}

#[test]
fn a_folder_holds_one_campaign_and_says_what_differs_and_how_to_go_on() {
    let folder = with(&[("wild.toml", WILD), ("fine.toml", FINE)]);
    let begun = ["fuzz", "wild.toml", "--runs", "1500", "--out", "kept"];
    exits(&run(folder.path(), &begun), 0);
    let refused = |args: &[&str], words: &[&str]| {
        let all = [&["fuzz", "--out", "kept"], args].concat();
        let ran = run(folder.path(), &all);
        exits(&ran, 2);
        for word in words {
            assert!(err(&ran).contains(word), "{word}: {}", err(&ran));
        }
    };

    let wild = ["wild.toml", "--runs", "1500"];
    let none: [&str; 0] = [];
    refused(
        &["fine.toml", "--runs", "1500"],
        &["it has wild.toml", "add wild.toml to go on with it"],
    );
    refused(
        &["fine.toml", "wild.toml", "--runs", "1500"],
        &["it has no fine.toml", "leave out fine.toml"],
    );
    refused(
        &["wild.toml", "--seeds", "0..1501"],
        &[
            "it has 0..1500, this run has 0..1501",
            "give --seeds 0..1500",
        ],
    );
    for (extra, word) in [
        (["--portfolio", "pct=1"], "give --portfolio uniform=40,pct="),
        (
            ["--check-determinism", "2.5%"],
            "it has 0%, this run has 2.5%",
        ),
        (["--no-swarm", ""], "leave out --no-swarm"),
    ] {
        let extra: Vec<&str> = extra.into_iter().filter(|it| !it.is_empty()).collect();
        refused(
            &[&wild[..], &extra].concat(),
            &[word, "name another folder"],
        );
    }
    // The same name with another meaning, and another build of the same version.
    fs::write(
        folder.path().join("wild.toml"),
        WILD.replace("2..4", "2..3"),
    )
    .unwrap();
    refused(&wild, &["the scenario wild.toml has changed", "bring back"]);
    fs::write(folder.path().join("wild.toml"), WILD).unwrap();
    let build = build_of(&folder.path().join("kept"));
    assert!(build.contains('+'), "{build}");
    forge(
        &folder.path().join("kept"),
        &build,
        "0.1.0+0123456789abcdef",
    );
    refused(
        &wild,
        &[
            "the build of Bivalent differs: it has 0.1.0+0123456789abcdef",
            &build,
            "use build 0.1.0+0123456789abcdef to go on with it",
        ],
    );
    refused(&none, &["the build of Bivalent differs"]);
}

#[test]
fn a_campaign_of_another_format_is_refused_with_a_remedy() {
    let folder = with(&[("fine.toml", FINE)]);
    let args = ["fuzz", "fine.toml", "--runs", "300", "--out", "kept"];
    exits(&run(folder.path(), &args), 0);
    let kept = folder.path().join("kept");
    // Its own keys, and others.
    forge(&kept, "\"format\": 2", "\"format\": 1");
    for _ in 0..2 {
        let ran = run(folder.path(), &args);
        exits(&ran, 65);
        for word in ["campaign of format 1", "reads 2", "name another folder"] {
            assert!(err(&ran).contains(word), "{word}: {}", err(&ran));
        }
        let text = fs::read_to_string(kept.join("campaign.json")).unwrap();
        fs::write(
            kept.join("campaign.json"),
            text.replace("\"slice\"", "\"part\""),
        )
        .unwrap();
    }
}

#[test]
fn parts_of_other_builds_other_scenarios_or_another_number_are_not_merged() {
    let folder = with(&[("wild.toml", WILD)]);
    let part = |slice: &str| {
        let args = ["fuzz", "wild.toml", "--seeds", "0..4096", "--out", "parts"];
        exits(
            &run(
                folder.path(),
                &[&args[..], &["--partition", slice][..]].concat(),
            ),
            0,
        );
    };
    let refused = |word: &str| {
        let merged = run(folder.path(), &["merge", "parts"]);
        exits(&merged, 2);
        assert!(err(&merged).contains(word), "{word}: {}", err(&merged));
    };
    part("slice:1/2");
    part("slice:2/2");
    exits(&run(folder.path(), &["merge", "parts"]), 0);
    let [first, second] =
        ["part-1-of-2", "part-2-of-2"].map(|of| folder.path().join("parts").join(of));

    let (build, other) = (build_of(&second), "0.1.0+0123456789abcdef");
    forge(&second, &build, other);
    refused("the build of Bivalent differs");
    forge(&first, &build, other);
    refused("was run by build 0.1.0+0123456789abcdef, and this is build");
    forge(&first, other, &build);
    forge(&second, other, &build);
    forge(&second, "Safe whatever comes.", "Safe, come what may.");
    refused("the scenario wild.toml has changed");
    forge(&second, "Safe, come what may.", "Safe whatever comes.");
    exits(&run(folder.path(), &["merge", "parts"]), 0);
    part("slice:1/3");
    refused("the number of parts differs: the first has 2, the second has 3");
}

#[test]
fn a_folder_that_is_a_file_and_a_profile_that_is_nowhere_are_told_as_such() {
    let folder = with(&[("wild.toml", WILD), ("file", "")]);
    let out_of = run(
        folder.path(),
        &["fuzz", "wild.toml", "--runs", "9", "--out", "file"],
    );
    let profile = run(folder.path(), &["fuzz", "--profile", "ci"]);

    exits(&out_of, 74);
    let text = err(&out_of);
    assert!(
        text.contains("file is a file, and a folder is needed"),
        "{text}"
    );
    exits(&profile, 74);
    let text = err(&profile);
    assert!(text.contains("there is no bivalent.toml here"), "{text}");
    assert!(text.contains("--config FILE"), "{text}");
}

#[test]
fn a_campaign_that_tested_nothing_exits_with_four() {
    let never = WILD.replace("\"delay\"", "\"stale-read\"");
    let folder = with(&[("never.toml", &never)]);

    let ran = run(folder.path(), &["fuzz", "never.toml", "--runs", "500"]);

    exits(&ran, 4);
    assert!(
        out(&ran).contains("stale-read took effect in never.toml"),
        "{}",
        out(&ran)
    );
}

#[test]
fn a_share_of_the_runs_is_run_twice_and_compared() {
    let folder = with(&[("wild.toml", WILD)]);

    let ran = run(
        folder.path(),
        &[
            "fuzz",
            "wild.toml",
            "--runs",
            "1024",
            "--check-determinism",
            "50%",
        ],
    );

    exits(&ran, 0);
    assert!(out(&ran).contains("runs run twice"), "{}", out(&ran));
}

#[test]
fn a_profile_completes_what_was_typed_and_a_wrong_one_is_told_by_its_line() {
    let config = "[profile.ci]\nscenarios = [\"wild.toml\"]\nruns = 700\nportfolio = \"uniform\"\n";
    let folder = with(&[("wild.toml", WILD), ("bivalent.toml", config)]);

    let ran = run(
        folder.path(),
        &["fuzz", "--profile", "ci", "--format", "jsonl"],
    );
    let more = run(
        folder.path(),
        &[
            "fuzz",
            "--profile",
            "ci",
            "--runs",
            "800",
            "--format",
            "jsonl",
        ],
    );
    let wrong = format!("{config}\n[profile.bad]\nrnus = 1\n");
    fs::write(folder.path().join("bivalent.toml"), wrong).unwrap();
    let bad = run(folder.path(), &["fuzz", "--profile", "bad"]);

    exits(&ran, 0);
    assert_eq!(objects(&ran)[0]["runs"], 700);
    assert_eq!(objects(&more)[0]["runs"], 800);
    exits(&bad, 65);
    assert!(err(&bad).contains("bivalent.toml:7"), "{}", err(&bad));
    fs::write(folder.path().join("bivalent.toml"), "[profile.ci]\n").unwrap();
    let none = run(folder.path(), &["fuzz", "--profile", "night"]);
    exits(&none, 65);
    assert!(err(&none).contains("it has ci"), "{}", err(&none));
}

#[test]
fn a_fault_is_tried_on_every_operation() {
    let folder = with(&[("fine.toml", FINE)]);

    let ran = run(
        folder.path(),
        &[
            "fuzz",
            "fine.toml",
            "--nth-fault",
            "delay",
            "--format",
            "jsonl",
        ],
    );

    exits(&ran, 0);
    let told = &objects(&ran)[0];
    assert_eq!(
        (&told["fault"], &told["complete"]),
        (&"delay".into(), &true.into())
    );
    assert!(told["operations"].as_u64() > Some(10), "{told}");
}

#[test]
fn a_trace_that_fails_is_made_smaller_and_one_that_does_not_is_refused() {
    let folder = with(&[("duel.toml", DUEL), ("fine.toml", FINE)]);
    exits(
        &run(folder.path(), &["replay", "duel.toml@3", "-o", "big.trace"]),
        0,
    );

    let ran = run(
        folder.path(),
        &[
            "shrink",
            "big.trace",
            "-o",
            "small.trace",
            "--scenario",
            "small.toml",
        ],
    );

    exits(&ran, 0);
    let small = run(folder.path(), &["replay", "small.trace"]);
    exits(&small, 0);
    // As the live view copies it.
    let copied = run(folder.path(), &["replay", "small.trace#3"]);
    exits(&copied, 0);
    assert_eq!(out(&copied), out(&small));
    exits(&run(folder.path(), &["run", "small.toml"]), 3);
    let fine = run(folder.path(), &["shrink", "fine.toml@7", "-o", "x.trace"]);
    exits(&fine, 4);
    assert!(err(&fine).contains("does not fail"), "{}", err(&fine));
}

#[test]
fn wrong_arguments_are_usage() {
    let folder = with(&[("wild.toml", WILD)]);
    for args in [
        &["fuzz", "wild.toml", "--partition", "slice:4/3"][..],
        &["fuzz", "wild.toml", "--for", "10"],
        &["fuzz", "wild.toml", "--runs", "5", "--for", "1s"],
        &["fuzz", "wild.toml", "--runs", "5", "--seeds", "0..3"],
        &["fuzz", "wild.toml", "--portfolio", "luck=1"],
        &["fuzz", "wild.toml", "--nth-fault", "gremlin"],
        &["fuzz", "wild.toml@3"],
        &["fuzz", "wild.toml", "--config", "x.toml"],
    ] {
        exits(&run(folder.path(), args), 2);
    }
}
