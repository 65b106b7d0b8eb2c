//! `bivalent export`: a run with its clocks, for other programs.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::{FINE, err, exits, folder, objects, out, run};

/// The clocks of events that have one.
fn clocks(events: &[Value]) -> Vec<BTreeMap<String, u64>> {
    let parse = |clock: &Value| serde_json::from_value(clock.clone()).unwrap();
    let clocks = events.iter().map(|event| &event["clock"]);
    clocks.filter(|clock| !clock.is_null()).map(parse).collect()
}

#[test]
fn every_line_is_an_event_with_its_clock() {
    let folder = folder();
    fs::write(folder.path().join("fine.toml"), FINE).unwrap();

    let output = run(folder.path(), &["export", "fine.toml@9", "--as", "jsonl"]);

    exits(&output, 0);
    assert_eq!(err(&output), "");
    let events = objects(&output);
    let keys = [
        "agent",
        "clock",
        "fault",
        "incarnation",
        "kind",
        "lamport",
        "step",
        "store",
        "text",
        "virtual_ns",
    ];
    for event in &events {
        let mut found: Vec<&String> = event.as_object().unwrap().keys().collect();
        found.sort();
        assert_eq!(found, keys, "{event}");
        let agent = event["agent"].as_str().unwrap();
        assert!(event["clock"][agent].as_u64() > Some(0), "{event}");
    }
    assert_eq!(events[0]["kind"], "phase-1");
    assert_eq!(events[0]["lamport"], 1);
    assert!(clocks(&events).iter().any(|clock| clock.len() == 2));
    let decided = events.iter().filter(|event| event["kind"] == "decided");
    assert_eq!(decided.count(), 2);
}

#[test]
fn a_log_for_shiviz_numbers_the_steps_of_each_agent_without_a_gap() {
    let folder = folder();
    let args = ["export", "fault/restart", "--as", "shiviz", "-o", "x.log"];

    let output = run(folder.path(), &args);

    exits(&output, 0);
    assert_eq!(out(&output), "");
    assert!(err(&output).starts_with("ok  "), "{}", err(&output));
    let log = fs::read_to_string(folder.path().join("x.log")).unwrap();
    let mut lines = log.lines();
    assert_eq!(
        lines.next(),
        Some(r"(?<host>\S*) (?<clock>\{.*\})\n#(?<step>\d+) (?<ns>\d+)ns (?<event>.*)")
    );
    assert_eq!(lines.next(), Some(""));
    let mut own: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let mut known: BTreeMap<String, u64> = BTreeMap::new();
    while let (Some(head), Some(told)) = (lines.next(), lines.next()) {
        let (host, clock) = head.split_once(' ').unwrap();
        let clock: BTreeMap<String, u64> = serde_json::from_str(clock).unwrap();
        assert!(told.starts_with('#') && told.contains("ns "), "{told}");
        own.entry(host.to_owned()).or_default().push(clock[host]);
        for (host, count) in clock {
            let most = known.entry(host).or_default();
            *most = count.max(*most);
        }
    }
    assert!(own.keys().any(|host| host.ends_with("'1")), "{own:?}");
    for (host, mut counts) in own {
        counts.sort_unstable();
        let all: Vec<u64> = (1..=counts.len() as u64).collect();
        assert_eq!(counts, all, "{host}");
        assert!(
            known
                .remove(&host)
                .is_some_and(|most| most <= counts.len() as u64)
        );
    }
    assert!(known.is_empty(), "nobody has such steps: {known:?}");
}

#[test]
fn a_trace_exports_as_its_coordinate_does_and_the_same_each_time() {
    let folder = folder();
    fs::write(folder.path().join("fine.toml"), FINE).unwrap();
    let keep = ["replay", "fine.toml@9", "-o", "fine.trace"];
    exits(&run(folder.path(), &keep), 0);

    for format in ["jsonl", "shiviz"] {
        let of = |what: &str| run(folder.path(), &["export", what, "--as", format]);
        let (trace, coordinate) = (of("fine.trace"), of("fine.toml@9"));

        exits(&trace, 0);
        assert_eq!(out(&trace), out(&coordinate));
        assert_eq!(out(&of("fine.trace")), out(&trace));
    }
}

#[test]
fn an_unknown_format_a_folder_and_a_lost_folder_are_refused() {
    let folder = folder();
    let fine = "basic/two-agents-agree";

    let unknown = run(folder.path(), &["export", fine, "--as", "hlog"]);
    let many = run(folder.path(), &["export", "flp", "--as", "jsonl"]);
    let lost = ["export", fine, "--as", "jsonl", "-o", "gone/x.jsonl"];
    let lost = run(folder.path(), &lost);

    exits(&unknown, 2);
    assert!(err(&unknown).contains("[possible values: jsonl, shiviz, svg, cast]"));
    exits(&many, 2);
    assert!(err(&many).contains("an export is of one run"));
    exits(&lost, 74);
    exits(&run(folder.path(), &["export", fine]), 2);
    exits(
        &run(folder.path(), &["export", "no-such-thing", "--as", "jsonl"]),
        74,
    );
}

/// docs/happens-before.md shows how an export begins.
#[test]
fn the_document_of_clocks_shows_what_its_command_prints() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let args = ["export", "basic/two-agents-agree@0", "--as", "shiviz"];

    let output = run(root, &args);

    exits(&output, 0);
    let document = fs::read_to_string(root.join("docs/happens-before.md")).unwrap();
    let shown = document.split("```").nth(1).unwrap();
    let shown = shown.strip_prefix("text\n").unwrap();
    let (_, log) = out(&output).split_once("\n\n").unwrap();
    assert!(
        log.starts_with(shown),
        "the document shows\n{shown}\nof\n{log}"
    );
}
