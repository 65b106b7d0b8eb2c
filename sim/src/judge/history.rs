//! Recorded histories of key-value stores, read from three text formats.
//!
//! Which format a text has is seen from its first line: `H name` is the format of many histories,
//! `{:process 0, …}` the key-value format, `INFO jepsen.util - 0 :invoke …` the log of a register.
//! `docs/checking-histories.md` describes them.

mod edn;
mod jepsen;
mod many;
mod recorder;

use std::fmt;

use crate::judge::linear::{
    Op,
    models::{Act, Answer, Call, Texts},
};

/// More calls than this in a file are refused: indexes have 32 bits, and sets of calls cost memory.
const OPS_MAX: usize = 50_000_000;

/// How histories are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// The log of a test of one register, a line an event.
    Jepsen,
    /// A map in braces a line, with keys.
    Edn,
    /// Many histories, told apart by `H name`.
    Many,
}

/// One history.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct History {
    /// Its name, where the format gives it one.
    pub name: Option<String>,
    /// Its calls; those that are known to have failed without effect are left out.
    pub ops: Vec<Op<Call, Answer>>,
    /// The line on which each was called, from 1.
    pub lines: Vec<u32>,
    /// All calls, those that are left out included.
    pub calls: usize,
}

/// The histories of one file.
#[derive(Clone, Debug)]
pub struct Histories {
    /// How they were written.
    pub format: Format,
    /// What numbers of values mean.
    pub texts: Texts,
    /// What numbers of keys mean.
    pub keys: Texts,
    /// The histories.
    pub histories: Vec<History>,
}

/// What is wrong with a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HistoryError {
    /// The line, from 1.
    pub line: u32,
    /// What is wrong with it.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl HistoryError {
    fn new(line: u32, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            line,
            message: message.into(),
            help: help.into(),
        }
    }
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}; {}", self.line, self.message, self.help)
    }
}

impl std::error::Error for HistoryError {}

/// The format of a file, as far as its first line of content says.
pub fn format(bytes: &[u8]) -> Option<Format> {
    let mut lines = bytes.split(|&byte| byte == b'\n');
    let line = lines.find(|line| !line.trim_ascii().is_empty())?;
    format_of(std::str::from_utf8(line).ok()?)
}

/// Reads histories in any of the formats. A file without a line of content has none.
pub fn parse(bytes: &[u8]) -> Result<Histories, HistoryError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = before.split(|&byte| byte == b'\n').count() as u32;
        HistoryError::new(line, "this is not UTF-8", "histories are plain text")
    })?;
    let mut lines = (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty())
        .peekable();
    let mut read = Histories {
        format: Format::Many,
        texts: Texts::default(),
        keys: Texts::default(),
        histories: Vec::new(),
    };
    let Some(&(number, first)) = lines.peek() else {
        return Ok(read);
    };
    read.format = format_of(first).ok_or_else(|| {
        HistoryError::new(
            number,
            format!("no format of histories begins with `{}`", shown(first)),
            "expected `H name`, `{:process 0, …}` or `INFO jepsen.util - 0 :invoke …`",
        )
    })?;
    match read.format {
        Format::Jepsen => jepsen::read(lines, &mut read)?,
        Format::Edn => edn::read(lines, &mut read)?,
        Format::Many => many::read(lines, &mut read)?,
    }
    Ok(read)
}

fn format_of(line: &str) -> Option<Format> {
    let line = line.trim_start();
    let word = line.split_ascii_whitespace().next()?;
    if line.starts_with('{') {
        Some(Format::Edn)
    } else if line.contains(jepsen::LOGGER) {
        Some(Format::Jepsen)
    } else {
        matches!(word, "H" | "I" | "O").then_some(Format::Many)
    }
}

/// The beginning of a text, for messages.
fn shown(text: &str) -> String {
    const SHOWN_MAX: usize = 60;
    let mut shown: String = text.trim().chars().take(SHOWN_MAX).collect();
    if text.trim().chars().nth(SHOWN_MAX).is_some() {
        shown.push('…');
    }
    shown
}

impl Histories {
    /// A call in words: `cas k0 1 2`.
    pub fn call(&self, call: Call) -> String {
        let key = self.keys.text(call.key).unwrap_or_default();
        let gap = if key.is_empty() { "" } else { " " };
        let register = self.format == Format::Jepsen;
        let value = |value| self.value(value);
        match call.act {
            Act::Get if register => "read".to_owned(),
            Act::Get => format!("get{gap}{key}"),
            Act::Put(new) if register => format!("write {}", value(new)),
            Act::Put(new) => format!("put{gap}{key} {}", value(new)),
            Act::Append(more) => format!("append{gap}{key} {}", value(more)),
            Act::Del => format!("del{gap}{key}"),
            Act::Cas(from, to) => format!("cas{gap}{key} {} {}", value(from), value(to)),
        }
    }

    /// An answer in words.
    pub fn answer(&self, answer: Option<Answer>) -> String {
        match answer {
            None => "?".to_owned(),
            Some(Answer::Held(value)) => self.value(value),
            Some(Answer::Done) => "ok".to_owned(),
            Some(Answer::Swapped(swapped)) => swapped.to_string(),
        }
    }

    fn value(&self, value: u32) -> String {
        match (self.texts.text(value), self.format) {
            (Some(text), Format::Edn) => format!("\"{text}\""),
            (Some(text), Format::Jepsen | Format::Many) => text.to_owned(),
            (None, Format::Edn) => "\"\"".to_owned(),
            (None, Format::Jepsen | Format::Many) => "nil".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
