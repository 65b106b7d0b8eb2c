//! `bivalent check-history`: verdicts for people and programs, exit codes, folders, and what is refused.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::{bivalent, err, exits, folder, objects, out, run};

/// Two histories: a good one, and a read that comes back to a value that was overwritten.
const TWO: &str = "\
H good
I 0 0 put k 1
I 1 1 get k
O 1 nil
O 0 ok
H stale
I 0 0 put k 1
O 0 ok
I 1 1 put other 5
I 2 0 put k 2
O 2 ok
I 3 2 get k
O 3 1
";

/// A register whose write may or may not have happened.
const LOG: &str = "\
INFO  jepsen.util - 0\t:invoke\t:write\t4
INFO  jepsen.util - 0\t:info\t:write\t:timed-out
INFO  jepsen.util - 1\t:invoke\t:read\tnil
INFO  jepsen.util - 1\t:ok\t:read\tnil
INFO  jepsen.util - 1\t:invoke\t:read\tnil
INFO  jepsen.util - 1\t:ok\t:read\t4
";

const KV: &str = r#"{:process 0, :type :invoke, :f :append, :key "k", :value "x"}
{:process 0, :type :ok, :f :append, :key "k", :value "x"}
{:process 0, :type :invoke, :f :get, :key "k", :value nil}
{:process 0, :type :ok, :f :get, :key "k", :value "x"}
"#;

/// Calls that overlap so much, and can be told apart so well, that no order is found in a millisecond.
fn hard() -> String {
    let calls = (0..40).map(|i| format!("I {i} {i} append k v{i}\n"));
    let answers = (0..40).map(|i| format!("O {i} ok\n"));
    let appends: Vec<String> = calls.chain(answers).collect();
    format!(
        "H hard\n{}I 40 0 get k\nO 40 none-of-them\n",
        appends.concat()
    )
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
}

#[test]
fn every_line_of_jsonl_begins_with_the_fields_of_the_contract() {
    let here = folder();
    write(here.path(), &[("two.txt", TWO), ("etcd_7.log", LOG)]);

    let output = run(
        here.path(),
        &[
            "check-history",
            "two.txt",
            "etcd_7.log",
            "--format",
            "jsonl",
        ],
    );

    exits(&output, 1);
    let lines: Vec<_> = out(&output).lines().collect();
    let begins = [
        r#"{"file":"two.txt","history":"good","verdict":"linearizable","ops":2,"us":"#,
        r#"{"file":"two.txt","history":"stale","verdict":"not-linearizable","ops":4,"us":"#,
        r#"{"file":"etcd_7.log","history":"etcd_7","verdict":"linearizable","ops":3,"us":"#,
    ];
    assert_eq!(lines.len(), begins.len());
    for (line, begin) in lines.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line}");
    }
    let objects = objects(&output);
    assert_eq!(objects[0].as_object().unwrap().len(), 5);
    let stale = &objects[1];
    assert_eq!(stale["prefix_ops"], 2);
    assert_eq!(stale["stuck"]["line"], 12);
    assert_eq!(stale["stuck"]["call"], "get k");
    assert_eq!(stale["stuck"]["answer"], "1");
    let minimal = stale["minimal"].as_array().unwrap();
    let calls: Vec<_> = minimal
        .iter()
        .map(|op| op["call"].as_str().unwrap())
        .collect();
    assert_eq!(calls, ["put k 1", "put k 2", "get k"]);
}

#[test]
fn json_is_one_array_of_the_same_objects() {
    let here = folder();
    write(here.path(), &[("two.txt", TWO)]);
    let with = |format| {
        run(
            here.path(),
            &["check-history", "two.txt", "--format", format],
        )
    };
    let timeless = |mut objects: Vec<Value>| {
        for object in &mut objects {
            object["us"] = 0.into();
        }
        objects
    };

    let array: Vec<Value> = serde_json::from_str(out(&with("json"))).unwrap();

    assert_eq!(timeless(array), timeless(objects(&with("jsonl"))));
}

#[test]
fn people_read_what_is_wrong_call_by_call() {
    let here = folder();
    write(here.path(), &[("two.txt", TWO)]);

    let output = run(here.path(), &["check-history", "two.txt"]);

    exits(&output, 1);
    let text = out(&output);
    for wanted in [
        "ok      two.txt good   linearizable: 2 calls  ",
        "FAIL    two.txt stale  not linearizable: 4 calls, and no order gets past `get k` of line 12  ",
        "\n  2 calls, in an order that is legal so far\n",
        "\n  and then no place for\n    line 12  c2  get k    -> 1          [6, 7]\n",
        "\n  3 of the 4 calls contradict each other, whatever the others did\n",
        "\n    line 10  c0  put k 2  -> ok         [4, 5]\n",
        "\nFAIL    2 histories of 6 calls: 1 linearizable, 1 not  ",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is missing\n{text}");
    }
    assert_eq!(err(&output), "");
    let quiet = run(here.path(), &["check-history", "two.txt", "--quiet"]);
    assert!(
        out(&quiet).starts_with("FAIL    two.txt stale"),
        "{}",
        out(&quiet)
    );
}

#[test]
fn all_formats_are_read_from_a_folder_and_other_files_are_left_out() {
    let here = folder();
    fs::create_dir(here.path().join("below")).unwrap();
    let good = TWO.split_once("H stale").unwrap().0;
    write(
        here.path(),
        &[
            ("b.txt", good),
            ("a.log", LOG),
            ("below/c.edn", KV),
            ("notes.md", "# Notes\n"),
        ],
    );

    let output = run(here.path(), &["check-history", ".", "--format", "jsonl"]);

    exits(&output, 0);
    let names: Vec<_> = objects(&output)
        .iter()
        .map(|object| object["history"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["a", "good", "c"]);
    let said = err(&output);
    assert_eq!(
        said,
        "warning: ./notes.md is left out: it holds no histories\n"
    );
}

#[test]
fn standard_input_is_a_file_too() {
    let here = folder();
    let mut child = bivalent(here.path(), &["check-history", "-", "--format", "jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();

    child
        .stdin
        .take()
        .unwrap()
        .write_all(KV.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();

    exits(&output, 0);
    let begin = r#"{"file":"-","history":"stdin","verdict":"linearizable","ops":2,"us":"#;
    assert!(out(&output).starts_with(begin), "{}", out(&output));
}

#[test]
fn what_is_not_known_in_time_is_unknown_and_a_violation_beats_it() {
    let here = folder();
    write(here.path(), &[("hard.txt", &hard()), ("two.txt", TWO)]);
    let check = |files: &[&str]| {
        let args = [
            &["check-history", "--timeout", "1ms", "--format", "jsonl"],
            files,
        ]
        .concat();
        run(here.path(), &args)
    };

    let unknown = check(&["hard.txt"]);
    let both = check(&["hard.txt", "two.txt"]);

    exits(&unknown, 6);
    assert_eq!(objects(&unknown)[0]["verdict"], "unknown");
    exits(&both, 1);
    assert_eq!(objects(&both).len(), 3);
}

#[test]
fn a_bad_file_is_refused_with_its_line_and_the_others_are_judged() {
    let here = folder();
    let twice = "H a\nI 0 0 get k\nI 1 0 get k\n";
    write(here.path(), &[("bad.txt", twice), ("kv.edn", KV)]);
    fs::write(here.path().join("binary.txt"), b"H a\nI 0 0 get \xff\n").unwrap();

    let bad = run(here.path(), &["check-history", "bad.txt", "kv.edn"]);
    let binary = run(here.path(), &["check-history", "binary.txt"]);
    let missing = run(here.path(), &["check-history", "missing.txt"]);

    exits(&bad, 65);
    let said = err(&bad);
    assert!(
        said.starts_with(
            "error: bad.txt, line 3: process 0 calls again while its call of line 2 is"
        ),
        "{said}"
    );
    assert!(said.contains("\n  help: "), "{said}");
    assert!(out(&bad).starts_with("ok      kv.edn"), "{}", out(&bad));
    exits(&binary, 65);
    assert!(err(&binary).contains("binary.txt, line 2: this is not UTF-8"));
    exits(&missing, 74);
}

#[test]
fn nothing_to_check_is_not_a_success() {
    let here = folder();
    fs::create_dir(here.path().join("empty")).unwrap();
    write(
        here.path(),
        &[("empty.txt", ""), ("named.txt", "H a\nH b\n")],
    );

    for what in ["empty", "empty.txt", "named.txt"] {
        let output = run(here.path(), &["check-history", what]);

        exits(&output, 4);
        assert!(err(&output).starts_with("error: the"), "{}", err(&output));
    }
    exits(&run(here.path(), &["check-history"]), 2);
    exits(
        &run(
            here.path(),
            &["check-history", "empty.txt", "--timeout", "60"],
        ),
        2,
    );
}

#[test]
fn a_register_has_no_keys_and_a_store_reads_a_register() {
    let here = folder();
    write(
        here.path(),
        &[("two.txt", TWO), ("kv.edn", KV), ("a.log", LOG)],
    );
    let with = |file, model| run(here.path(), &["check-history", file, "--model", model]);

    let keys = with("two.txt", "register");
    let appends = with("kv.edn", "register");

    exits(&keys, 65);
    assert!(err(&keys).contains("history stale is no history of a register: it has 2 keys"));
    exits(&appends, 65);
    assert!(err(&appends).contains("it appends"), "{}", err(&appends));
    assert!(err(&appends).contains("help: use --model kv"));
    exits(&with("a.log", "register"), 0);
    exits(&with("a.log", "kv"), 0);
}

#[test]
fn a_violation_is_an_annotation_on_github() {
    let here = folder();
    write(here.path(), &[("two.txt", TWO)]);

    let output = run(
        here.path(),
        &["check-history", "two.txt", "--format", "github"],
    );

    exits(&output, 1);
    let begin = "::error file=two.txt,line=12,title=FAIL stale::not linearizable: 4 calls";
    assert!(out(&output).starts_with(begin), "{}", out(&output));
    assert_eq!(out(&output).lines().count(), 1);
    assert!(err(&output).contains("contradict each other"));
}

#[test]
fn a_value_cannot_steer_the_terminal() {
    let here = folder();
    let text = "H a\u{1b}[2J\nI 0 0 get k\u{1b}]0;x\u{7}\nO 0 \u{202e}1\n";
    write(here.path(), &[("a.txt", text)]);

    for format in ["human", "jsonl", "github"] {
        let output = run(here.path(), &["check-history", "a.txt", "--format", format]);

        exits(&output, 1);
        let all = [out(&output), err(&output)].concat();
        assert!(!all.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{all:?}");
    }
}
