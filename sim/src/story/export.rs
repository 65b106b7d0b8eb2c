//! Exports: a run's history in formats that other programs read.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::story::timeline::{Event, Timeline};

/// How `ShiViz` is to take a log apart: what it wants in the first line of a file. Beside the host, its
/// clock and the event it finds the step and the virtual time.
const SHIVIZ_PARSER: &str =
    r"(?<host>\S*) (?<clock>\{.*\})\n#(?<step>\d+) (?<ns>\d+)ns (?<event>.*)";

/// One JSON object a line, an event each.
pub fn jsonl(history: &Timeline) -> String {
    let mut text = String::new();
    for event in &history.events {
        text += &serde_json::to_string(event).expect("plain data serialises");
        text.push('\n');
    }
    text
}

/// A log for `ShiViz`, which draws processes side by side and a line from each write to who read it.
///
/// Two lines an event: process and vector clock; step, virtual time and text. A process's steps are
/// numbered from 1 without a gap, as `ShiViz` wants them, so that all there is to say of one step of an
/// agent stands in one event: what it read, what it did, and where what it asked for landed. What has
/// no clock is left out.
pub fn shiviz(history: &Timeline) -> String {
    // The second line would tell one run from the next; there is one.
    let mut text = format!("{SHIVIZ_PARSER}\n\n");
    let mut steps: Vec<Vec<&Event>> = Vec::new();
    let mut places: BTreeMap<(&str, u32), usize> = BTreeMap::new();
    for event in &history.events {
        let Some(clock) = &event.clock else {
            continue;
        };
        let next = steps.len();
        let at = *places.entry((clock.host(), clock.count())).or_insert(next);
        if at == next {
            steps.push(Vec::new());
        }
        steps[at].push(event);
    }
    for step in &steps {
        let Some((first, clock)) = step.first().and_then(|e| Some((e, e.clock.as_ref()?))) else {
            continue;
        };
        let entries = clock.entries();
        let entries = entries.map(|(name, count)| format!("{}:{count}", json(&word(name))));
        let entries: Vec<String> = entries.collect();
        let told = step.iter().map(|event| {
            if event.step == first.step {
                event.text.clone()
            } else {
                format!("{} (#{})", event.text, event.step)
            }
        });
        let told: Vec<String> = told.collect();
        let host = word(clock.host());
        let (clock, told) = (entries.join(","), told.join("; "));
        let (number, ns) = (first.step, first.virtual_ns);
        let _ = write!(text, "{host} {{{clock}}}\n#{number} {ns}ns {told}\n");
    }
    text
}

/// A name in one word, different from that of every other name.
fn word(name: &str) -> String {
    let mut word = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_whitespace() || c == '%' {
            let _ = write!(word, "%{:02x}", u32::from(c));
        } else {
            word.push(c);
        }
    }
    word
}

fn json(text: &str) -> String {
    serde_json::to_string(text).expect("text serialises")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_one_word_and_stays_itself() {
        assert_eq!(word("a1'2"), "a1'2");
        assert_eq!(word("new york"), "new%20york");
        assert_ne!(word("a%20b"), word("a b"));
    }
}
