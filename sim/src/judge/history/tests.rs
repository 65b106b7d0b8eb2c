//! What the readers take, and what they say of what they don't.

use proptest::prelude::*;

use super::{Format, Histories, parse};
use crate::judge::linear::models::{Act, Answer, NIL};

fn read(text: &str) -> Histories {
    parse(text.as_bytes()).unwrap_or_else(|e| panic!("{e}"))
}

/// What is wrong with a text, in one line.
fn refusal(text: &str) -> String {
    parse(text.as_bytes()).map_or_else(|e| e.to_string(), |_| "nothing".to_owned())
}

#[test]
fn a_log_of_a_register_is_read() {
    let read = read(
        "INFO  jepsen.util - 0\t:invoke\t:read\tnil\n\
         INFO  jepsen.util - 1 :invoke :write 4\r\n\
         \n\
         INFO  jepsen.util - :nemesis :info :start nil\n\
         INFO  jepsen.util - 0\t:ok\t:read\tnil\n\
         INFO  jepsen.util - 0\t:invoke\t:cas\t[4 2]\n\
         INFO  jepsen.util - 0\t:fail\t:cas\t[4 2]\n\
         INFO  jepsen.util - 0\t:invoke\t:read\tnil\n\
         INFO  jepsen.util - 0\t:fail\t:read\t:timed-out\n\
         INFO  jepsen.util - 1\t:info\t:write\t:timed-out\n",
    );

    assert_eq!(read.format, Format::Jepsen);
    let history = &read.histories[0];
    assert_eq!(history.name, None);
    assert_eq!(history.lines, [1, 2, 6]); // the read that failed says nothing
    let [get, put, cas] = &history.ops[..] else {
        panic!("{history:?}");
    };
    assert_eq!(get.answer, Some(Answer::Held(NIL)));
    assert_eq!((get.invoked, get.answered), (1, 3));
    assert_eq!((&put.answer, put.answered), (&None, u64::MAX));
    assert_eq!(cas.answer, Some(Answer::Swapped(false)));
    assert_eq!(read.call(put.call), "write 4");
    assert_eq!(read.call(cas.call), "cas 4 2");
}

#[test]
fn the_key_value_format_is_read() {
    let read = read(
        r#"{:process 3, :type :invoke, :f :append, :key "k", :value "a \"b\""}
           {:index 7 :process 3, :type :ok, :f :append, :key "k", :value "a \"b\""}
           {:process 3, :type :invoke, :f :get, :key "k", :value nil}
           {:process 3, :type :ok, :f :get, :key "k", :value ""}"#,
    );

    let ops = &read.histories[0].ops;
    assert_eq!(read.call(ops[0].call), r#"append k "a "b"""#);
    assert_eq!(ops[0].answer, Some(Answer::Done));
    assert_eq!(ops[1].answer, Some(Answer::Held(NIL)));
    assert_eq!(read.answer(ops[1].answer), r#""""#);
}

#[test]
fn many_histories_are_read_from_one_file() {
    let read = read(
        "H one\nI 0 0 put k 5\nI 1 1 cas k nil 6\nO 1 true\nO 0 ok\nI 2 0 get k\nH two\nI 0 0 del k\n",
    );

    let [one, two] = &read.histories[..] else {
        panic!("{read:?}");
    };
    assert_eq!(one.name.as_deref(), Some("one"));
    assert_eq!(read.call(one.ops[1].call), "cas k nil 6");
    assert_eq!((one.ops[1].invoked, one.ops[1].answered), (2, 3));
    assert_eq!((one.ops[2].call.act, one.ops[2].answer), (Act::Get, None));
    assert_eq!((two.ops.len(), two.lines[0]), (1, 8));
    assert_eq!(read.answer(one.ops[2].answer), "?");
}

#[test]
fn a_file_without_content_has_no_history() {
    assert!(read("").histories.is_empty());
    assert!(read("\n  \n").histories.is_empty());
}

#[test]
fn an_error_names_its_line_and_a_remedy() {
    let jepsen = |lines: &[&str]| {
        let line = |line: &&str| format!("INFO  jepsen.util - {line}\n");
        refusal(&lines.iter().map(line).collect::<String>())
    };
    let cases = [
        (
            refusal("hello\n"),
            "line 1: no format of histories begins with `hello`; expected `H name`",
        ),
        (
            refusal("I 0 0 get k\n"),
            "line 1: this belongs to no history; begin with `H name`",
        ),
        (
            refusal("H a\nH a\n"),
            "line 2: history `a` is there already, on line 1; give each",
        ),
        (
            refusal("H a\nO 4 ok\n"),
            "line 2: there is no call 4; an answer comes after the `I` line",
        ),
        (
            refusal("H a\nI 0 0 get k\nI 1 0 get k\n"),
            "line 3: process 0 calls again while its call of line 2 is open; a",
        ),
        (
            refusal("H a\nI 0 0 get k\nI 0 1 get k\n"),
            "line 3: call 0 is there already; give",
        ),
        (
            refusal("H a\nI 0 0 get k\nO 0 1\nO 0 1\n"),
            "line 4: call 0 is answered again; a call",
        ),
        (
            refusal("H a\nI 0 0 get k 1\n"),
            "line 2: get has too many arguments; expected",
        ),
        (
            refusal("H a\nI 0 0 cas k 1\n"),
            "line 2: cas needs two values; expected",
        ),
        (
            refusal("H a\nI 0 0 put k nil\n"),
            "line 2: nil is no value that a key can be given; `del`",
        ),
        (
            refusal("H a\nI 0 0 put k 1\nO 0 true\n"),
            "line 3: `true` answers no such call; it is `ok`",
        ),
        (
            refusal("H a\nI 0 -1 get k\n"),
            "line 2: `-1` is no number; ids",
        ),
        (
            refusal("H a\nI 0 4294967296 get k\n"),
            "line 2: the client's number is too large; expected",
        ),
        (
            refusal("H a\nX\n"),
            "line 2: `X` is no event; lines begin with",
        ),
        (
            jepsen(&["0 :ok :read 3"]),
            "line 1: process 0 is answered, but has no call open; is the",
        ),
        (
            jepsen(&["0 :invoke :read nil", "0 :invoke :read nil"]),
            "line 2: process 0 calls again while its call of line 1 is open; a process makes",
        ),
        (
            jepsen(&[
                "0 :invoke :write 1",
                "0 :info :write :timed-out",
                "0 :invoke :read nil",
            ]),
            "line 3: process 0 calls again after its :info on line 2; a process whose",
        ),
        (
            jepsen(&["0 :invoke :write 1", "0 :ok :write 2"]),
            "line 2: process 0 is answered with other arguments than it called with; an",
        ),
        (
            jepsen(&["0 :invoke :write 1", "0 :ok :read 2"]),
            "line 2: process 0 called :write, and is answered :read; an",
        ),
        (
            jepsen(&["0 :invoke :cas 1 2"]),
            "line 1: `0 :invoke :cas 1 2` is no event; expected",
        ),
        (
            jepsen(&["x :invoke :read nil"]),
            "line 1: `x` is no process; a process is a number",
        ),
        (
            refusal("{:process 0}"),
            "line 1: `{:process 0}` is no event; expected `{:process N",
        ),
        (
            refusal("{:process 0, :type :invoke, :f :get, :key \"k\n"),
            "line 1: `{:process 0, :type :invoke, :f :get, :key \"k` is no event; expected",
        ),
    ];
    for (said, expected) in cases {
        assert!(said.starts_with(expected), "{said}\n{expected}");
    }
    let binary = parse(b"H a\nI 0 0 get \xff\n").unwrap_err();
    assert_eq!((binary.line, &*binary.message), (2, "this is not UTF-8"));
}

/// Lines that are nearly right.
fn lines() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("INFO  jepsen.util -".to_owned()),
        Just("{:process 0, :type :invoke, :f :get, :key \"k\"}".to_owned()),
        Just("H".to_owned()),
        Just("I".to_owned()),
        Just("O".to_owned()),
        Just(":invoke :read nil".to_owned()),
        Just(":ok :cas [1 2]".to_owned()),
        Just(":info".to_owned()),
        Just("get k".to_owned()),
        Just("put k 1".to_owned()),
        Just("\n".to_owned()),
        "[0-3]",
        "[\\[\\]{}\"\\\\:]{1,3}",
        "\\PC{0,4}",
    ];
    prop::collection::vec(word, 0..40).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
        let _ = parse(&[b"H a\n", &bytes[..]].concat());
        let _ = parse(&[b"{:process 0, ", &bytes[..]].concat());
        let _ = parse(&[b"INFO jepsen.util - ", &bytes[..]].concat());
    }

    #[test]
    fn no_near_miss_makes_a_reader_panic(text in lines()) {
        for begin in ["", "H a\n", "INFO jepsen.util - 0 :invoke :read nil\n"] {
            if let Err(error) = parse(format!("{begin}{text}").as_bytes()) {
                prop_assert!(error.line > 0 && !error.help.is_empty());
            }
        }
    }
}
