//! Values as they stand in a file: strings, durations, shares, lists.

use bivalent_core::Contention;

use crate::scenario::fault::{Delay, Span};
use crate::scenario::units::{CERTAIN, spelled};

/// A line that is longer is broken, characters.
const LINE_MAX: usize = 100;

/// A string in quotes; one of several lines between three of them.
pub(super) fn quoted(text: &str) -> String {
    let mut inner = String::new();
    for c in text.chars() {
        match c {
            '"' | '\\' => inner.extend(['\\', c]),
            '\n' => inner.push(c),
            // Nothing that a file can say has others.
            c if c.is_control() => inner.push(' '),
            c => inner.push(c),
        }
    }
    if text.contains('\n') {
        format!("\"\"\"\n{inner}\"\"\"")
    } else {
        format!("\"{inner}\"")
    }
}

/// A key, in quotes if it needs them.
pub(super) fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

/// A text without spaces, broken into lines if it is long.
pub(super) fn encoded(text: &str) -> String {
    if text.len() <= LINE_MAX {
        return quoted(text);
    }
    let mut lines = String::new();
    for (place, c) in text.chars().enumerate() {
        if place > 0 && place % LINE_MAX == 0 {
            lines.push('\n');
        }
        lines.push(c);
    }
    quoted(&format!("{lines}\n"))
}

/// A duration in nanoseconds, in the largest unit that is exact.
pub(super) fn duration(ns: u64) -> String {
    quoted(&spelled(ns))
}

/// A range of durations, or one.
pub(super) fn range(span: Span) -> String {
    if span.min == span.max {
        duration(span.min)
    } else {
        quoted(&format!("{}..{}", spelled(span.min), spelled(span.max)))
    }
}

/// How long operations take.
pub(super) fn delay(delay: &Delay) -> String {
    match delay {
        Delay::Range(span) => range(*span),
        Delay::Histogram(table) => format!("{{ histogram = {} }}", quoted(&table.file)),
    }
}

/// A pause after an abort.
pub(in crate::scenario) fn retry(retry: Contention) -> String {
    match retry {
        Contention::None => duration(0),
        Contention::Random { min, max } => range(Span { min, max }),
        Contention::Exponential { min, max } => {
            format!("{{ exponential = {} }}", range(Span { min, max }))
        }
    }
}

/// Bytes, in KiB if that is exact.
pub(super) fn size(bytes: u32) -> String {
    if bytes > 0 && bytes.is_multiple_of(1024) {
        format!("\"{}KiB\"", bytes / 1024)
    } else {
        format!("\"{bytes}B\"")
    }
}

/// A share or a chance in parts of 10^9.
pub(super) fn share(parts: u32) -> String {
    decimal(parts.into(), CERTAIN.into(), 9)
}

/// A factor in parts of 10^6.
pub(super) fn factor(millionths: u64) -> String {
    decimal(millionths, 1_000_000, 6)
}

/// A number with a point, without the zeros that say nothing.
fn decimal(parts: u64, one: u64, places: usize) -> String {
    let text = format!("{}.{:0places$}", parts / one, parts % one);
    let short = text.trim_end_matches('0');
    if short.ends_with('.') {
        format!("{short}0")
    } else {
        short.to_owned()
    }
}

/// Items between two brackets, broken into lines where they do not fit into one.
pub(super) fn in_lines(open: &str, items: impl IntoIterator<Item = String>, close: &str) -> String {
    let items: Vec<String> = items.into_iter().collect();
    let long = items.iter().map(|item| item.len() + 2).sum::<usize>() > LINE_MAX;
    if !long {
        return format!("{open}{}{close}", items.join(", "));
    }
    let mut text = open.trim_end().to_owned();
    let mut room = 0;
    for item in items {
        if item.len() + 2 > room {
            text = format!("{}\n    ", text.trim_end());
            room = LINE_MAX - 4;
        }
        room = room.saturating_sub(item.len() + 2);
        text += &item;
        text += ", ";
    }
    format!("{}\n{}", text.trim_end(), close.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_point_has_no_more_places_than_it_needs() {
        assert_eq!(share(10_000_000), "0.01");
        assert_eq!(share(1), "0.000000001");
        assert_eq!(share(CERTAIN), "1.0");
        assert_eq!(factor(2_500_000), "2.5");
        assert_eq!(factor(10_000_000), "10.0");
    }

    #[test]
    fn quotes_and_lines_of_a_text_are_kept() {
        let text = "one \"two\"\nthree \\ four'''\"\"\"";

        let read: toml::Table = toml::from_str(&format!("a = {}", quoted(text))).unwrap();

        assert_eq!(read["a"].as_str(), Some(text));
        assert_eq!(quoted("a \"b\""), "\"a \\\"b\\\"\"");
    }

    #[test]
    fn a_long_list_is_broken_into_lines_that_are_a_list() {
        let words: Vec<String> = (0..60).map(|i| format!("word-{i}")).collect();
        let text = in_lines("[", words.iter().map(|word| quoted(word)), "]");

        let read: toml::Table = toml::from_str(&format!("a = {text}")).unwrap();

        assert!(text.lines().all(|line| line.len() <= LINE_MAX), "{text}");
        let list = read["a"].as_array().unwrap().iter();
        assert!(list.map(|word| word.as_str().unwrap()).eq(words));
    }
}
