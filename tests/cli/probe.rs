//! `bivalent probe`: a real store measured, and its delays in a scenario.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use bivalent_sim::scenario::Scenario;
use bivalent_sim::scenario::fault::Delay;
use bivalent_sim::scenario::planted::Planted;
use bivalent_sim::story::timeline;
use serde_json::Value;

use crate::{bivalent, err, exits, folder, objects, out, run};

const KINDS: [&str; 7] = ["read", "write", "put", "get", "list", "create", "replace"];

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn probe(folder: &Path, more: &[&str]) -> Output {
    run(folder, &[&["probe"], more].concat())
}

#[test]
fn a_store_in_memory_does_it_all() {
    let here = folder();

    let lines = probe(
        here.path(),
        &[
            "memory:",
            "--operations",
            "40",
            "--concurrency",
            "3",
            "--format",
            "jsonl",
        ],
    );

    exits(&lines, 0);
    assert_eq!(err(&lines), "");
    let kinds = objects(&lines);
    let seen: Vec<_> = kinds
        .iter()
        .map(|kind| kind["kind"].as_str().unwrap())
        .collect();
    assert_eq!(seen, KINDS);
    for kind in &kinds {
        let latency = &kind["latency_ns"];
        let order = ["p50", "p90", "p99", "p999", "max"].map(|key| latency[key].as_u64().unwrap());
        assert!(order[0] > 0 && order.is_sorted(), "{kind}");
        assert_eq!(latency["count"], 40);
        assert_eq!((&kind["errors"], &kind["timeouts"]), (&0.into(), &0.into()));
        assert_eq!(
            (&kind["size"], &kind["concurrency"]),
            (&512.into(), &3.into())
        );
        assert_eq!(kind["supported"], true);
        assert_eq!(kind["file"], Value::Null);
    }
    let array = probe(
        here.path(),
        &["memory:", "--operations", "1", "--format", "json"],
    );
    exits(&array, 0);
    let array: Vec<Value> = serde_json::from_str(out(&array)).unwrap();
    assert_eq!(array.len(), KINDS.len());
    assert!(names(here.path()).is_empty());
}

#[test]
fn a_directory_is_measured_and_left_as_it_was() {
    let here = folder();
    fs::create_dir(here.path().join("store")).unwrap();
    fs::write(here.path().join("store/mine.txt"), "mine").unwrap();
    // A path that leads up again is a path.
    let args = [
        "store/../store",
        "--operations",
        "20",
        "--size",
        "4096",
        "-o",
        "logs.d/delays.hlog",
    ];

    let early = probe(here.path(), &args);
    fs::create_dir(here.path().join("logs.d")).unwrap();
    let output = probe(here.path(), &args);

    exits(&early, 74);
    assert!(
        err(&early).contains("make the folder first"),
        "{}",
        err(&early)
    );
    exits(&output, 0);
    let text = out(&output);
    for wanted in [
        "store/../store  blocks of 4,096 bytes, 1 at a time, ",
        "  kind     n ",
        "\n  read    20 ",
        "no conditional replace",
        "\n\n  [schedule]\n  read  = { histogram = \"delays-read.hlog\" }\n  write = { histogram = \"delays-write.hlog\" }\n",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is missing\n{text}");
    }
    assert_eq!(names(&here.path().join("store")), ["mine.txt"]);
    let files = ["create", "get", "list", "put", "read", "write"];
    assert_eq!(
        names(&here.path().join("logs.d")),
        files.map(|kind| format!("delays-{kind}.hlog"))
    );
    let log = fs::read_to_string(here.path().join("logs.d/delays-read.hlog")).unwrap();
    let said = "#bivalent probe of a directory: read, 4096 bytes, 1 at a time, synced\n";
    assert!(log.starts_with(said), "{log}");
}

/// One agent of four that runs, on one store: nothing but delays, one after the other.
const ALONE: &str = r#"
title = "As measured"
summary = "One agent is left, alone with one store."
[cluster]
agents = 4
stores = 1
[schedule]
read  = { histogram = "delays-read.hlog" }
write = { histogram = "delays-write.hlog" }
[[fault]]
at = "0ms"
crash = { agent = "a2" }
[[fault]]
at = "0ms"
crash = { agent = "a3" }
[[fault]]
at = "0ms"
crash = { agent = "a4" }
[expect]
outcome = "decide"
seeds = "0..100"
"#;

fn alone(folder: &Path) -> Scenario {
    let open = |name: &str| fs::read_to_string(folder.join(name)).map_err(|e| e.to_string());
    Scenario::parse("alone.toml", ALONE, &open).unwrap()
}

/// The middle of what was measured, from the 45th to the 55th percentile: where disks are now quick and now
/// slow, a median may lie on the step between the two.
fn middle(delay: &Delay) -> [u64; 2] {
    let Delay::Histogram(table) = delay else {
        panic!("it was not measured");
    };
    [45, 55].map(|percent| table.values[table.values.len() * percent / 100])
}

/// The median delays of reads and of writes that agent a1 met, ns.
fn simulated(scenario: &Scenario) -> [u64; 2] {
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    for seed in 0..1_000 {
        // All reads of a phase are asked for when its write has come back, and that when the phase begins.
        let mut asked = 0;
        for event in timeline::of(scenario, seed, Planted::default()).events {
            match event.kind {
                "phase-1" | "phase-2" => asked = event.virtual_ns,
                "wrote" => {
                    writes.push(event.virtual_ns - asked);
                    asked = event.virtual_ns;
                }
                "read" => reads.push(event.virtual_ns - asked),
                _ => {}
            }
        }
    }
    assert_eq!((writes.len(), reads.len()), (2_000, 6_000));
    [reads, writes].map(|mut delays| {
        delays.sort_unstable();
        delays[delays.len() / 2]
    })
}

#[test]
fn simulated_delays_are_those_that_were_measured() {
    let here = folder();
    fs::create_dir(here.path().join("store")).unwrap();
    fs::write(here.path().join("alone.toml"), ALONE).unwrap();
    let args = [
        "store",
        "--operations",
        "300",
        "-o",
        "delays.hlog",
        "--format",
        "jsonl",
    ];

    let output = probe(here.path(), &args);
    let ran = run(here.path(), &["run", "alone.toml"]);

    exits(&output, 0);
    exits(&ran, 0);
    let kinds = objects(&output);
    let of = |kind: usize, key: &str| kinds[kind]["latency_ns"][key].as_u64().unwrap();
    let scenario = alone(here.path());
    let middles = [&scenario.schedule.read, &scenario.schedule.write].map(middle);
    // A virtual tick is about a thousandth of the longest ordinary delay.
    let tick = of(0, "p999").max(of(1, "p999")) / 1_000;
    for (kind, simulated) in simulated(&scenario).into_iter().enumerate() {
        let measured = of(kind, "p50");
        eprintln!(
            "{}: measured {measured} ns, simulated {simulated} ns",
            KINDS[kind]
        );
        let [low, high] = middles[kind];
        assert!(
            (low.min(measured) * 9 / 10..=high.max(measured) * 11 / 10 + tick).contains(&simulated),
            "{}: measured {measured} ns, simulated {simulated} ns, tick {tick} ns",
            KINDS[kind]
        );
    }
}

#[test]
fn what_cannot_be_measured_is_told_with_a_remedy() {
    let here = folder();
    fs::write(here.path().join("file"), "").unwrap();
    for (store, code, told) in [
        ("s4://bucket", 2, "is no kind of store"),
        ("missing", 74, "make the directory first"),
        ("file", 74, "make the directory first"),
    ] {
        let output = probe(here.path(), &[store, "-o", "x.hlog"]);

        exits(&output, code);
        assert!(err(&output).contains(told), "{}", err(&output));
        assert_eq!(out(&output), "");
    }
    for wrong in [
        &["memory:", "--operations", "0"][..],
        &["memory:", "--concurrency", "0"],
        &["memory:", "--size", "0"],
        &["memory:", "--timeout", "5"],
        &["memory:", "-o", "."],
    ] {
        exits(&probe(here.path(), wrong), 2);
    }
    assert_eq!(names(here.path()), ["file"]);
}

#[test]
fn a_bucket_out_of_reach_is_told_what_to_look_at() {
    let here = folder();

    let output = bivalent(here.path(), &["probe", "s3://bucket/x", "--timeout", "1s"])
        .env("AWS_ENDPOINT", "http://127.0.0.1:1")
        .env("AWS_ALLOW_HTTP", "true")
        .env("AWS_ACCESS_KEY_ID", "nobody")
        .env("AWS_SECRET_ACCESS_KEY", "nothing")
        .env("AWS_REGION", "nowhere-1")
        .output()
        .unwrap();

    exits(&output, 74);
    assert!(
        err(&output).contains("error: s3://bucket/x "),
        "{}",
        err(&output)
    );
    assert!(err(&output).contains("AWS_REGION"), "{}", err(&output));
}

/// How many blocks the probe's first agent has written so far.
#[cfg(unix)]
fn blocks_written(store: &Path) -> u64 {
    let found = names(store)
        .into_iter()
        .filter_map(|name| fs::read_dir(store.join(name).join("agents")).ok())
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let counts = found.filter_map(|name| {
        let (_, count) = name.strip_prefix("0000-")?.split_once('-')?;
        u64::from_str_radix(count, 16).ok()
    });
    counts.max().unwrap_or(0)
}

#[cfg(unix)]
#[test]
fn an_interrupt_keeps_what_was_measured_and_cleans_up() {
    let here = folder();
    let store = here.path().join("store");
    fs::create_dir(&store).unwrap();
    let args = ["probe", "store", "--seconds", "600", "-o", "delays"];
    let mut child = bivalent(here.path(), &args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first few are not counted.
    while blocks_written(&store) < 20 {
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
        sleep(Duration::from_millis(20));
    }

    let id = child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &id]).status().unwrap();
    let output = child.wait_with_output().unwrap();

    assert!(killed.success());
    exits(&output, 130);
    let text = out(&output);
    assert!(
        text.lines().next().unwrap().ends_with(", interrupted"),
        "{text}"
    );
    assert!(names(&store).is_empty());
    assert!(here.path().join("delays-read.hlog").is_file());
}
