//! `bivalent price`: the matrix as a table and as data, options, and combinations that can't be.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::{DUEL, bivalent, err, exits, folder, objects, out, run};

/// A small matrix in the file itself.
const MATRIX: &str = r#"
title = "Matrix"
summary = "Two agents, and who orders what they do."
[cluster]
agents = 2
stores = 3
[price]
agents = [2, 3]
adversary = ["random", { duel = ["a1", "a2"] }, "keep-bivalent"]
retry = ["0ms", "5ms..50ms"]
at = ["100ms", "10ms"]
runs = 64
adaptive-runs = 8
"#;

fn price(folder: &Path, more: &[&str]) -> Output {
    fs::write(folder.join("matrix.toml"), MATRIX).unwrap();
    run(folder, &[&["price", "matrix.toml"], more].concat())
}

#[test]
fn the_matrix_of_the_file_is_a_table_with_reasons_for_its_gaps() {
    let here = folder();

    let output = price(here.path(), &[]);

    exits(&output, 0);
    let text = out(&output);
    for wanted in [
        "disk-paxos on 3 stores",
        "\n2 agents\n",
        "\n3 agents\n",
        "open at 10ms",
        "open at 100ms",
        "duel a1 a2     none       8     100% [67.6, 100]",
        "keep-bivalent  none       -     - ",
        "\n- : keep-bivalent with 2 agents, keep-bivalent with 3 agents: `keep-bivalent` needs",
        "\n12 cells in 288 runs  ",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is missing\n{text}");
    }
    assert_eq!(err(&output), "");
}

#[test]
fn a_cell_is_data_whose_shares_lie_in_their_intervals() {
    let here = folder();

    let lines = price(here.path(), &["--format", "jsonl"]);
    let array = price(here.path(), &["--format", "json"]);

    exits(&lines, 0);
    let cells = objects(&lines);
    let whole: Value = serde_json::from_str(out(&array)).unwrap();
    assert_eq!(whole, Value::from(cells.clone()));
    assert_eq!(cells.len(), 12);
    assert_eq!(cells[0]["adversary"], "random");
    assert_eq!(cells[0]["retry"], "0ms");
    assert_eq!(cells[0]["undecided"][0]["at_ns"], 10_000_000);
    for cell in &cells {
        assert_eq!((&cell["violations"], &cell["cut"]), (&0.into(), &0.into()));
        assert_eq!(cell["stores"], 3);
        let impossible = cell["adversary"] == "keep-bivalent";
        assert_eq!(cell.get("impossible").is_some(), impossible, "{cell}");
        for at in cell["survival"].as_array().unwrap() {
            let [low, share, high] = ["low", "share", "high"].map(|key| at[key].as_f64().unwrap());
            assert!(0.0 <= low && low <= share && share <= high && high <= 1.0);
        }
    }
}

#[test]
fn markdown_has_a_table_for_each_number_of_agents() {
    let here = folder();

    let output = price(here.path(), &["--format", "markdown", "--agents", "3,2"]);

    exits(&output, 0);
    let text = out(&output);
    assert!(text.starts_with("### 3 agents\n\n| adversary | pause | runs |"));
    assert!(text.contains("\n\n### 2 agents\n\n"), "{text}");
    let row = "| duel a1 a2 | none | 8 | 100% [67.6, 100] | 100% [67.6, 100] | - | ";
    assert!(text.contains(row), "{text}");
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let here = folder();

    for format in ["markdown", "json"] {
        let [one, two] = ["1", "2"].map(|jobs| {
            let logs = format!("logs-{jobs}");
            let args = ["--format", format, "--jobs", jobs, "--histograms", &logs];
            let output = price(here.path(), &args);
            exits(&output, 0);
            output.stdout
        });
        assert_eq!(one, two, "{format}");
    }

    let names = |folder: &str| {
        let entries = fs::read_dir(here.path().join(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names("logs-1"), names("logs-2"));
    assert_eq!(names("logs-1").len(), 8);
    for name in names("logs-1") {
        let [one, two] = ["logs-1", "logs-2"].map(|folder| {
            let file = here.path().join(folder).join(&name);
            fs::read(file).unwrap()
        });
        assert_eq!(one, two, "{name}");
    }
}

#[test]
fn a_log_of_times_can_be_a_delay_of_another_scenario() {
    let here = folder();
    let logs = here.path().join("logs");
    exits(&price(here.path(), &["--histograms", "logs"]), 0);
    assert!(logs.join("3-agents-random-5ms-50ms.hlog").is_file());
    let again = format!(
        "{MATRIX}[schedule]\nread = {{ histogram = \"logs/3-agents-random-5ms-50ms.hlog\" }}\n"
    );
    fs::write(here.path().join("again.toml"), again).unwrap();

    let output = run(here.path(), &["scenario", "check", "again.toml"]);

    exits(&output, 0);
}

#[test]
fn an_option_comes_before_the_file_and_a_wrong_one_is_told_its_remedy() {
    let here = folder();

    let options = [
        "--agents",
        "2",
        "--adversary",
        "{ pct = 3 }",
        "--retry",
        "1ms",
    ];
    let more = ["--runs", "5", "--at", "20ms", "--format", "jsonl"];
    let chosen = price(here.path(), &[&options[..], &more].concat());

    exits(&chosen, 0);
    let cells = objects(&chosen);
    assert_eq!(cells.len(), 1);
    assert_eq!(cells[0]["adversary"], "{ pct = 3 }");
    assert_eq!(cells[0]["retry"], "1ms");
    assert_eq!(cells[0]["runs"], 5);
    for (option, value, remedy) in [
        ("--adversary", "rnadom", "did you mean `random`?"),
        ("--adversary", "duel", "{ duel = [\"a1\", \"a2\"] }"),
        ("--retry", "5", "write \"5ms\""),
        ("--agents", "500", "from 1 to 128"),
        ("--at", "0ms", "1ns..24h"),
        ("--runs", "0", "1..=100000000"),
    ] {
        let output = price(here.path(), &[option, value]);
        exits(&output, 2);
        assert!(err(&output).contains(remedy), "{}", err(&output));
        assert_eq!(out(&output), "");
    }
}

#[test]
fn a_file_without_a_matrix_has_the_usual_one_and_needs_a_system_that_can_be() {
    let here = folder();
    fs::write(here.path().join("duel.toml"), DUEL).unwrap();
    let price = |more: &[&str]| {
        let args = [&["price", "duel.toml", "--runs", "2", "--at", "9ms"], more].concat();
        run(here.path(), &args)
    };

    let usual = price(&["--format", "jsonl"]);
    let alone = price(&[
        "--agents",
        "1",
        "--adversary",
        "{ duel = [\"a1\", \"a2\"] }",
    ]);
    let one = run(here.path(), &["price", ".", "--runs", "1", "--at", "9ms"]);
    fs::write(here.path().join("other.toml"), DUEL).unwrap();
    let several = run(here.path(), &["price", "."]);
    let coordinate = run(here.path(), &["price", "duel.toml@7"]);

    exits(&usual, 0);
    assert_eq!(objects(&usual).len(), 63);
    exits(&alone, 4);
    assert!(
        out(&alone).contains("there is no agent `a2`"),
        "{}",
        out(&alone)
    );
    exits(&one, 0);
    exits(&several, 2);
    exits(&coordinate, 2);
    assert!(err(&coordinate).contains("a price needs many"));
}

#[test]
fn the_document_says_what_the_command_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/price-of-blocking.md");
    let page = fs::read_to_string(page).unwrap();
    let here = folder();
    let who = ["--adversary", "fair", "--adversary", "{ pct = 3 }"];
    let what = [
        "--retry",
        "5ms..50ms",
        "--agents",
        "2,5",
        "--format",
        "markdown",
    ];

    let output = run(
        here.path(),
        &[&["price", "price-of-blocking"], &who[..], &what].concat(),
    );

    exits(&output, 0);
    // A few cells that are cheap; the others are made by the same command.
    for line in out(&output).lines() {
        assert!(page.contains(&format!("{line}\n")), "{line}");
    }
}

#[test]
fn an_interrupt_prints_what_is_filled() {
    let here = folder();
    fs::write(here.path().join("matrix.toml"), MATRIX).unwrap();
    let more = ["--adversary", "keep-bivalent", "--adversary", "random"];
    let args = [&["price", "matrix.toml", "--runs", "100000000"][..], &more].concat();
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
    assert!(last.starts_with("2 of 8 cells in 0 runs  "), "{last}");
}
