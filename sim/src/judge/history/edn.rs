//! The key-value format: `{:process 0, :type :invoke, :f :append, :key "k", :value "v"}` a line.

use std::borrow::Cow;

use super::recorder::Recorder;
use super::{Histories, HistoryError, shown};
use crate::judge::linear::models::{Act, Answer, Call, NIL, Texts, Value};

/// What a line says.
#[derive(Default)]
struct Event<'a> {
    process: Option<&'a str>,
    kind: Option<&'a str>,
    name: Option<&'a str>,
    key: Option<Cow<'a, str>>,
    value: Option<Cow<'a, str>>,
}

/// A word or a text.
enum Token<'a> {
    Word(&'a str),
    Text(Cow<'a, str>),
}

/// Reads one history.
pub(super) fn read<'a>(
    lines: impl Iterator<Item = (u32, &'a str)>,
    into: &mut Histories,
) -> Result<(), HistoryError> {
    let mut recorder = Recorder::new(None);
    for (line, text) in lines {
        let event = event(text).ok_or_else(|| odd(line, text))?;
        record(line, text, &event, &mut recorder, into)?;
    }
    into.histories.push(recorder.finish());
    Ok(())
}

fn odd(line: u32, text: &str) -> HistoryError {
    HistoryError::new(
        line,
        format!("`{}` is no event", shown(text)),
        "expected `{:process N, :type :invoke|:ok|:fail|:info, :f :get|:put|:append, :key \"K\", \
         :value \"V\"|nil}`",
    )
}

fn record(
    line: u32,
    text: &str,
    event: &Event<'_>,
    recorder: &mut Recorder,
    into: &mut Histories,
) -> Result<(), HistoryError> {
    let (Some(process), Some(kind), Some(name), Some(key)) =
        (event.process, event.kind, event.name, &event.key)
    else {
        return Err(odd(line, text));
    };
    let process: u32 = process.parse().map_err(|_| {
        let message = format!("`{}` is no process", shown(process));
        HistoryError::new(line, message, "a process is a number from 0 to 4294967295")
    })?;
    let value = event
        .value
        .as_deref()
        .map(|text| number(text, &mut into.texts));
    let key = into.keys.number(key);
    if kind == ":invoke" {
        let act = match (name, value) {
            (":get", None) => Act::Get,
            (":put", Some(value)) => Act::Put(value),
            (":append", Some(value)) => Act::Append(value),
            _ => return Err(odd(line, text)),
        };
        recorder.call(line, process, Call { key, act })?;
        return Ok(());
    }
    let (_, call) = recorder.open(line, process)?;
    let called = match call.act {
        Act::Get => ":get",
        Act::Append(_) => ":append",
        Act::Put(_) | Act::Del | Act::Cas(..) => ":put",
    };
    let same = called == name && call.key == key;
    match (kind, call.act) {
        _ if !same => {
            return Err(HistoryError::new(
                line,
                format!("process {process} called {called} of another key, or something else"),
                "an answer repeats :f and :key of its call",
            ));
        }
        (":ok", Act::Get) => match value {
            Some(held) => recorder.answer(process, Answer::Held(held)),
            None => recorder.answer(process, Answer::Held(NIL)),
        },
        (":ok", Act::Put(asked) | Act::Append(asked)) => {
            if value.is_some_and(|said| said != asked) {
                return Err(HistoryError::new(
                    line,
                    format!("process {process} is answered with another value than it called with"),
                    "an answer to :put or :append repeats the :value of its call",
                ));
            }
            recorder.answer(process, Answer::Done);
        }
        (":fail", _) => recorder.fail(process),
        (":info", _) => recorder.forget(line, process),
        _ => return Err(odd(line, text)),
    }
    Ok(())
}

/// In this format a key that is not there holds the empty text.
fn number(text: &str, texts: &mut Texts) -> Value {
    if text.is_empty() {
        NIL
    } else {
        texts.number(text)
    }
}

fn event(text: &str) -> Option<Event<'_>> {
    let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut event = Event::default();
    loop {
        rest = rest.trim_start_matches(gap);
        if rest.is_empty() {
            return Some(event);
        }
        let name;
        (name, rest) = word(rest);
        let (token, after) = token(rest.trim_start_matches(gap))?;
        rest = after;
        match (name, token) {
            (":process", Token::Word(word)) => event.process = Some(word),
            (":type", Token::Word(word)) => event.kind = Some(word),
            (":f", Token::Word(word)) => event.name = Some(word),
            (":key", Token::Text(text)) => event.key = Some(text),
            (":key", Token::Word(word)) => event.key = Some(Cow::Borrowed(word)),
            (":value", Token::Text(text)) => event.value = Some(text),
            (":value", Token::Word("nil")) => event.value = None,
            (":value", Token::Word(word)) => event.value = Some(Cow::Borrowed(word)),
            // Times and indexes: the order of lines says the same.
            (name, _) if name.len() > 1 && name.starts_with(':') => {}
            _ => return None,
        }
    }
}

const fn gap(c: char) -> bool {
    c == ',' || c.is_ascii_whitespace()
}

fn word(text: &str) -> (&str, &str) {
    let end = text.find(|c| gap(c) || c == '"').unwrap_or(text.len());
    text.split_at(end)
}

fn token(text: &str) -> Option<(Token<'_>, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (word, rest) = word(text);
        return (!word.is_empty()).then_some((Token::Word(word), rest));
    };
    let end = quoted.find(['"', '\\'])?;
    if quoted.as_bytes()[end] == b'"' {
        let text = Cow::Borrowed(&quoted[..end]);
        return Some((Token::Text(text), &quoted[end + 1..]));
    }
    let mut unescaped = String::new();
    let mut chars = quoted.char_indices();
    loop {
        match chars.next()? {
            (at, '"') => return Some((Token::Text(unescaped.into()), &quoted[at + 1..])),
            (_, '\\') => unescaped.push(match chars.next()?.1 {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                c @ ('"' | '\\') => c,
                _ => return None,
            }),
            (_, c) => unescaped.push(c),
        }
    }
}
