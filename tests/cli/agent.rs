//! `bivalent agent`: processes that agree through directories and disks.

mod s3;
pub(crate) mod torment;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use crate::{bivalent, err, exits, folder, out, run};

use torment::{Plan, System};

fn propose(folder: &Path, id: &str, more: &[&str], value: &str) -> Output {
    let args = ["agent", "propose", "--id", id, "--agents", "3", "--no-sync"];
    run(folder, &[&args, more, &[value]].concat())
}

#[test]
fn whoever_proposes_gets_what_was_decided() {
    let here = folder();

    let first = propose(here.path(), "1", &[], "blue");
    exits(&first, 0);
    assert_eq!((out(&first), err(&first)), ("blue\n", ""));
    for id in ["0", "2", "1"] {
        let later = propose(here.path(), id, &[], "green");
        exits(&later, 0);
        assert_eq!(out(&later), "blue\n");
    }
    let other = propose(here.path(), "0", &["--name", "other"], "green");
    assert_eq!(out(&other), "green\n");
}

#[test]
fn many_at_once_decide_one() {
    let here = folder();
    let children: Vec<_> = ["0", "1", "2"]
        .iter()
        .map(|id| {
            let args = [
                "agent",
                "propose",
                "--no-sync",
                "--id",
                id,
                "--agents",
                "3",
                id,
            ];
            let mut command = bivalent(here.path(), &args);
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let said: Vec<_> = children
        .into_iter()
        .map(|child| child.wait_with_output().unwrap())
        .collect();

    for one in &said {
        exits(one, 0);
        assert_eq!(out(one), out(&said[0]));
    }
}

#[test]
fn disks_decide_as_directories_do() {
    let here = folder();
    let disks = ["--store", "disk:a.disk", "disk:b.disk", "disk:c.disk"];
    let stores = [&disks[..], &["--timeout", "60s"]].concat();

    let first = propose(here.path(), "0", &stores, "blue");
    exits(&first, 0);
    fs::remove_file(here.path().join("b.disk")).unwrap();
    let second = propose(here.path(), "1", &stores, "green");

    assert_eq!((out(&first), out(&second)), ("blue\n", "blue\n"));
}

#[test]
fn what_can_t_be_is_told_at_once() {
    let here = folder();
    let refused = |more: &[&str], code, words: &str| {
        let said = propose(here.path(), "0", more, "v");
        exits(&said, code);
        assert!(err(&said).contains(words), "{}", err(&said));
    };

    refused(
        &["--store", "a", "b", "s4://x", "--name", "n"],
        2,
        "names no store",
    );
    refused(&["--name", "a/b"], 2, "is no name");
    refused(&["--store", "disk:x", "--name", "n"], 2, "no --name");
    refused(&["--store", "a", "b", "a", "--name", "n"], 2, "named twice");
    refused(
        &["--store", "memory:", "--name", "n"],
        2,
        "gone with this process",
    );
    refused(&["--protocol", "records"], 2, "no conditional writes");
    let said = run(
        here.path(),
        &["agent", "propose", "--id", "3", "--agents", "3", "v"],
    );
    exits(&said, 2);
    exits(&propose(here.path(), "0", &[], "v"), 0);
    let said = run(
        here.path(),
        &["agent", "propose", "--id", "0", "--agents", "4", "v"],
    );
    exits(&said, 2);
    assert!(err(&said).contains("another system"), "{}", err(&said));

    let serve = |more: &[&str]| {
        let args = ["agent", "serve", "--id", "0", "--agents", "1"];
        run(here.path(), &[&args, more].concat())
    };
    let said = serve(&["--listen", "0.0.0.0:7400"]);
    exits(&said, 2);
    assert!(err(&said).contains("other machines"), "{}", err(&said));
    let said = serve(&["--store", "disk:x"]);
    exits(&said, 2);
    assert!(err(&said).contains("no log"), "{}", err(&said));
}

/// Names and contents of another format are not looked at, let alone taken for nothing.
#[test]
fn stores_of_another_build_are_refused_and_left_as_they_are() {
    let here = folder();
    exits(&propose(here.path(), "0", &[], "blue"), 0);
    let charter = |store: &str| {
        let data = here.path().join("bivalent-data");
        data.join(store).join("decision/charter")
    };
    for store in ["a", "b", "c"] {
        let text = fs::read_to_string(charter(store)).unwrap();
        assert!(text.starts_with("bivalent 2: "), "{text}");
        fs::write(charter(store), text.replacen('2', "1", 1)).unwrap();
    }

    let said = propose(here.path(), "1", &[], "red");
    exits(&said, 2);
    for words in ["another build: bivalent 1", "writes format 2", "new ones"] {
        assert!(err(&said).contains(words), "{}", err(&said));
    }
    for store in ["a", "b", "c"] {
        let text = fs::read_to_string(charter(store)).unwrap();
        fs::write(charter(store), text.replacen('1', "2", 1)).unwrap();
    }
    let said = propose(here.path(), "1", &[], "red");
    exits(&said, 0);
    assert_eq!(out(&said), "blue\n");
}

/// A directory that was emptied has forgotten its promises: it is not one that was never written.
#[test]
fn an_emptied_store_is_not_taken_for_a_new_one() {
    let here = folder();
    exits(&propose(here.path(), "0", &[], "blue"), 0);
    for store in ["a", "b"] {
        fs::remove_dir_all(here.path().join("bivalent-data").join(store)).unwrap();
    }

    let said = propose(here.path(), "1", &[], "green");

    exits(&said, 74);
    assert!(
        err(&said).contains("has lost what it held"),
        "{}",
        err(&said)
    );
}

/// Made, it would be another store than the one that a mount will bring back.
#[test]
fn a_directory_that_is_not_there_is_not_made() {
    let here = folder();
    fs::create_dir(here.path().join("x")).unwrap();
    fs::create_dir(here.path().join("y")).unwrap();

    let said = propose(
        here.path(),
        "0",
        &["--store", "x", "y", "z", "--name", "n"],
        "v",
    );

    exits(&said, 74);
    assert!(
        err(&said).contains("z: there is no such directory"),
        "{}",
        err(&said)
    );
    assert!(!here.path().join("z").exists());
}

#[test]
fn a_server_ends_when_told_and_starts_again_from_the_stores() {
    let here = folder();
    let binary = Path::new(env!("CARGO_BIN_EXE_bivalent"));
    {
        let system = System::start_with(binary, here.path(), 1, 3, &["--no-sync"]);
        let mut line = system.connect(0).expect("it listens");
        assert_eq!(line.ask("put k v").as_deref(), Some("ok"));
        assert_eq!(line.ask("cas k v w").as_deref(), Some("true"));
        let mut dies = system.connect(0).expect("it listens");
        dies.output.write_all(b"put k va").unwrap();
        dies.output.shutdown(Shutdown::Write).unwrap();
        let mut said = String::new();
        dies.input.read_line(&mut said).unwrap();
        assert_eq!(said, "error the line has no end: nothing was done\n");
        assert_eq!(
            line.ask("nonsense").map(|said| said.starts_with("error")),
            Some(true)
        );
    }
    let system = System::start_with(binary, here.path(), 1, 3, &["--no-sync"]);
    let mut line = system.connect(0).expect("it listens");
    assert_eq!(line.ask("get k").as_deref(), Some("w"));
}

/// A mount whose server is gone answers nobody, for ever: the other directories are a majority.
#[cfg(unix)]
#[test]
fn a_directory_that_hangs_holds_nothing_up() {
    let here = folder();
    let binary = Path::new(env!("CARGO_BIN_EXE_bivalent"));
    let start = || System::start_with(binary, here.path(), 1, 3, &["--no-sync"]);
    let system = start();
    let mut line = system.connect(0).expect("it listens");
    assert_eq!(line.ask("put k v").as_deref(), Some("ok"));

    // Who opens it waits until somebody writes to it.
    let charter = here.path().join("store-0/kv/charter");
    fs::remove_file(&charter).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&charter).status();
    if !made.is_ok_and(|made| made.success()) {
        eprintln!("skipped: there is no mkfifo");
        return;
    }
    // As many operations as a pool of threads for all directories would have.
    for value in 0..600 {
        let said = line.ask(&format!("put k {value}"));
        assert_eq!(said.as_deref(), Some("ok"), "{value}");
    }
    drop(system);

    let system = start();
    let mut line = system.connect(0).expect("it listens");
    assert_eq!(line.ask("get k").as_deref(), Some("599"));
}

#[cfg(unix)]
#[test]
fn a_term_signal_ends_a_server_in_order() {
    let here = folder();
    let args = [
        "agent",
        "serve",
        "--id",
        "0",
        "--agents",
        "1",
        "--no-sync",
        "--listen",
        "unix:s",
    ];
    let mut child = bivalent(here.path(), &args)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "listening on unix:s\n");
    assert!(here.path().join("s").exists());

    let pid = child.id().to_string();
    std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status()
        .unwrap();

    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!here.path().join("s").exists());
}

/// Five processes, three directories, deaths and absences: what clients saw is linearizable, and replicas agree.
#[test]
fn five_processes_outlive_kills_and_a_directory_that_goes_away() {
    let here = folder();
    let plan = Plan {
        agents: 5,
        stores: 3,
        clients: 4,
        lasts: Duration::from_secs(4),
        seed: 7,
    };
    let report = torment::torment(Path::new(env!("CARGO_BIN_EXE_bivalent")), here.path(), plan);

    let file = here.path().join("history.txt");
    fs::write(&file, &report.history).unwrap();
    let judged = run(here.path(), &["check-history", "history.txt"]);
    exits(&judged, 0);
    eprintln!(
        "{} answered, {} of unknown outcome",
        report.answered, report.unknown
    );
    assert!(
        report.answered > 0 && report.kills > 0 && report.outages > 0,
        "{report:?}"
    );
    assert_eq!(report.digests.len(), plan.agents);
    assert!(
        report
            .digests
            .iter()
            .all(|digest| *digest == report.digests[0]),
        "{report:?}"
    );
}
