//! The line protocol of `agent serve`: a command a line, an answer a line.

use std::fmt::Write;

/// The word for "nothing stands there".
const NIL: &str = "nil";
/// The longest line, bytes.
pub(super) const LINE_MAX: usize = 1 << 20;

pub(super) const HELP: &str =
    "put KEY VALUE | get KEY | cas KEY OLD NEW (OLD may be nil) | del KEY | status | digest | quit";

/// What a client asks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Line {
    Put(String, String),
    Get(String),
    Cas(String, Option<String>, String),
    Del(String),
    Status,
    Digest,
    Help,
    Quit,
}

/// A word of a line: quoted or not.
#[derive(Debug)]
struct Word {
    text: String,
    quoted: bool,
}

impl Word {
    /// What it stands for as a value that may be missing.
    fn or_nil(self) -> Option<String> {
        (self.quoted || self.text != NIL).then_some(self.text)
    }

    /// What it stands for as a value that is there.
    fn value(self) -> Result<String, String> {
        self.or_nil()
            .ok_or_else(|| "nil is no value; the word itself is \"nil\"".to_owned())
    }
}

/// Reads a line; the error is for the client.
pub(super) fn parse(line: &str) -> Result<Line, String> {
    let mut words = words(line)?.into_iter();
    let command = words.next().map(|word| word.text).unwrap_or_default();
    let rest: Vec<Word> = words.collect();
    let count = rest.len();
    let mut rest = rest.into_iter();
    let mut next = || rest.next().ok_or_else(String::new);
    match (command.to_ascii_lowercase().as_str(), count) {
        ("put", 2) => Ok(Line::Put(next()?.text, next()?.value()?)),
        ("get", 1) => Ok(Line::Get(next()?.text)),
        ("cas", 3) => Ok(Line::Cas(next()?.text, next()?.or_nil(), next()?.value()?)),
        ("del", 1) => Ok(Line::Del(next()?.text)),
        ("status", 0) => Ok(Line::Status),
        ("digest", 0) => Ok(Line::Digest),
        ("help", 0) => Ok(Line::Help),
        ("quit", 0) => Ok(Line::Quit),
        ("put", _) => Err("put takes a key and a value".to_owned()),
        ("get", _) => Err("get takes a key".to_owned()),
        ("cas", _) => Err("cas takes a key, what must stand there and what shall".to_owned()),
        ("del", _) => Err("del takes a key".to_owned()),
        ("status" | "digest" | "help" | "quit", _) => Err(format!("{command} takes nothing")),
        ("", _) => Err(format!("an empty line; {HELP}")),
        _ => Err(format!("{command} is no command; {HELP}")),
    }
}

fn words(line: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let end = if rest.starts_with('"') {
            let mut texts = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let Some(Ok(text)) = texts.next() else {
                return Err("a quoted word that does not end".to_owned());
            };
            words.push(Word { text, quoted: true });
            texts.byte_offset()
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            words.push(Word {
                text: rest[..end].to_owned(),
                quoted: false,
            });
            end
        };
        let after = &rest[end..];
        if !after.is_empty() && !after.starts_with(char::is_whitespace) {
            return Err("a quoted word ends in the middle of a word".to_owned());
        }
        rest = after.trim_start();
    }
    Ok(words)
}

/// A value as an answer: as it is if that can't be mistaken, else quoted.
pub(super) fn shown(value: Option<&str>) -> String {
    let Some(value) = value else {
        return NIL.to_owned();
    };
    let plain = !value.is_empty()
        && value != NIL
        && !value.starts_with("error")
        && !value.starts_with('"')
        && !value.contains(|c: char| c.is_whitespace() || c.is_control());
    if plain {
        return value.to_owned();
    }
    let mut quoted = String::new();
    // Writing to a string never fails, nor does a text as JSON.
    let _ = write!(quoted, "{}", serde_json::Value::from(value));
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn commands_are_read() {
        assert_eq!(parse("put k v"), Ok(Line::Put(owned("k"), owned("v"))));
        assert_eq!(
            parse(" PUT  \"a key\"\t\"a \\\"value\\\"\" "),
            Ok(Line::Put(owned("a key"), owned("a \"value\"")))
        );
        assert_eq!(parse("get \"nil\""), Ok(Line::Get(owned("nil"))));
        let cas = |old, new| Ok(Line::Cas(owned("k"), old, owned(new)));
        assert_eq!(parse("cas k nil 1"), cas(None, "1"));
        assert_eq!(parse("cas k \"nil\" 1"), cas(Some(owned("nil")), "1"));
        assert_eq!(parse("status"), Ok(Line::Status));
    }

    #[test]
    fn what_is_no_command_is_told_what_would_be_one() {
        for line in [
            "",
            "put",
            "put k",
            "put k v w",
            "get",
            "put k nil",
            "sett k v",
            "get \"k",
            "get \"k\"x",
            "quit now",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert!(parse("sett").unwrap_err().contains("put KEY VALUE"));
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for value in [
            "v",
            "",
            "nil",
            "two words",
            "error",
            "line\nbreak",
            "\"q\"",
            "ünï",
        ] {
            let line = format!("put k {}", shown(Some(value)));
            assert_eq!(
                parse(&line),
                Ok(Line::Put(owned("k"), owned(value))),
                "{line}"
            );
        }
        assert_eq!(shown(None), "nil");
    }
}
