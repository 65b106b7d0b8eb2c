//! The log of a test of one register: `INFO jepsen.util - PROC :invoke|:ok|:fail|:info :read|:write|:cas ARG`.

use super::recorder::Recorder;
use super::{Histories, HistoryError, shown};
use crate::judge::linear::models::{Act, Answer, Call, NIL, Texts, Value};

/// What every line has in front.
pub(super) const LOGGER: &str = "jepsen.util - ";

/// Reads one history.
pub(super) fn read<'a>(
    lines: impl Iterator<Item = (u32, &'a str)>,
    into: &mut Histories,
) -> Result<(), HistoryError> {
    let mut recorder = Recorder::new(None);
    for (line, text) in lines {
        let event = text
            .trim_start()
            .strip_prefix("INFO")
            .and_then(|rest| rest.trim_start().strip_prefix(LOGGER))
            .ok_or_else(|| odd(line, text))?;
        read_event(line, event, &mut recorder, &mut into.texts)?;
    }
    into.histories.push(recorder.finish());
    Ok(())
}

fn odd(line: u32, text: &str) -> HistoryError {
    HistoryError::new(
        line,
        format!("`{}` is no event", shown(text)),
        "expected `INFO jepsen.util - PROC :invoke|:ok|:fail|:info :read|:write|:cas ARG`",
    )
}

fn read_event(
    line: u32,
    text: &str,
    recorder: &mut Recorder,
    texts: &mut Texts,
) -> Result<(), HistoryError> {
    let mut words = text.split_ascii_whitespace();
    let (Some(process), Some(kind), Some(name)) = (words.next(), words.next(), words.next()) else {
        return Err(odd(line, text));
    };
    if process == ":nemesis" {
        return Ok(()); // Who breaks things makes no calls.
    }
    let process: u32 = process.parse().map_err(|_| {
        let message = format!("`{}` is no process", shown(process));
        HistoryError::new(line, message, "a process is a number from 0 to 4294967295")
    })?;
    let arguments: Vec<&str> = words.collect();
    if kind == ":invoke" {
        let act = act(name, &arguments, texts).ok_or_else(|| odd(line, text))?;
        recorder.call(line, process, Call { key: 0, act })?;
        return Ok(());
    }
    let (_, call) = recorder.open(line, process)?;
    let timed_out = arguments == [":timed-out"];
    let called = match call.act {
        Act::Get => ":read",
        Act::Cas(..) => ":cas",
        Act::Put(_) | Act::Append(_) | Act::Del => ":write",
    };
    if called != name {
        return Err(HistoryError::new(
            line,
            format!(
                "process {process} called {called}, and is answered {}",
                shown(name)
            ),
            "an answer names the call that it answers",
        ));
    }
    // An answer repeats what was asked, except to a read.
    let mut said = || act(name, &arguments, texts);
    match (kind, call.act) {
        (":ok", Act::Get) => {
            let [held] = arguments[..] else {
                return Err(odd(line, text));
            };
            let held = value(held, texts);
            recorder.answer(process, Answer::Held(held));
        }
        (":fail", Act::Get) => recorder.fail(process),
        // Refused, or out of time: a test that says :fail should know that nothing was changed, but to
        // believe that of a call out of time could make a good history look bad.
        (":fail", _) if timed_out => recorder.leave_open(process),
        (":ok" | ":fail", asked) => {
            if said().ok_or_else(|| odd(line, text))? != asked {
                return Err(HistoryError::new(
                    line,
                    format!(
                        "process {process} is answered with other arguments than it called with"
                    ),
                    "an answer repeats the arguments of its call",
                ));
            }
            match (kind, asked) {
                (":ok", Act::Cas(..)) => recorder.answer(process, Answer::Swapped(true)),
                (":ok", _) => recorder.answer(process, Answer::Done),
                (_, Act::Cas(..)) => recorder.answer(process, Answer::Swapped(false)),
                _ => recorder.fail(process),
            }
        }
        (":info", _) => recorder.forget(line, process),
        _ => return Err(odd(line, text)),
    }
    Ok(())
}

fn act(name: &str, arguments: &[&str], texts: &mut Texts) -> Option<Act> {
    match (name, arguments) {
        (":read", ["nil"] | []) => Some(Act::Get),
        (":write", [new]) => Some(Act::Put(value(new, texts))),
        (":cas", [from, to]) => {
            let (from, to) = (from.strip_prefix('[')?, to.strip_suffix(']')?);
            Some(Act::Cas(value(from, texts), value(to, texts)))
        }
        _ => None,
    }
}

fn value(text: &str, texts: &mut Texts) -> Value {
    match text {
        "nil" => NIL,
        text => texts.number(text),
    }
}
