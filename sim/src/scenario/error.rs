//! Everything wrong with a scenario file at once, each error with its exact place.

use std::fmt;
use std::ops::Range;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError};
use miette::{MietteSpanContents, Severity, SourceCode, SourceSpan, SpanContents};
use thiserror::Error;

use super::shape::Flaw;

/// The code of a key that is not known.
pub(super) const UNKNOWN_KEY: &str = "bivalent::scenario::unknown_key";
/// More errors than these are counted, not shown: nobody reads on.
const SHOWN_MAX: usize = 50;
/// A line longer than this is not quoted.
const LINE_MAX: usize = 400;

/// One thing wrong with a scenario file.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{message}")]
pub struct ScenarioError {
    /// The kind of error, as `bivalent::scenario::unknown_key`.
    pub code: &'static str,
    /// What is wrong: names the thing.
    pub message: String,
    /// Where, in bytes of the file.
    pub span: Range<usize>,
    /// A few words for beneath the place.
    pub label: String,
    /// The remedy, or the names that are valid.
    pub help: Option<String>,
    line: usize,
    column: usize,
    quoted: bool,
}

impl ScenarioError {
    /// The line of the place, from 1.
    pub const fn line(&self) -> usize {
        self.line
    }

    /// The column of the place in characters, from 1.
    pub const fn column(&self) -> usize {
        self.column
    }
}

impl Diagnostic for ScenarioError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<Severity> {
        Some(Severity::Error)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if !self.quoted {
            return None;
        }
        let label = Some(self.label.clone()).filter(|label| !label.is_empty());
        let label = LabeledSpan::new_primary_with_span(label, self.span.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

/// Everything wrong with one scenario file, in the order of the file.
#[derive(Clone, Debug)]
pub struct ScenarioErrors {
    name: String,
    source: Source,
    errors: Vec<ScenarioError>,
    left_out: usize,
}

impl ScenarioErrors {
    /// The error of a file that is not UTF-8 text.
    pub fn not_text(name: &str) -> Self {
        let mut notes = Notes::default();
        let flaw = Flaw::new(
            "bivalent::scenario::not_text",
            "this is not a text file",
            "",
        )
        .help("a scenario is TOML, in UTF-8");
        notes.add(0..0, flaw);
        notes.into_errors(name, "")
    }

    /// The file's name, as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file's text, as far as it may be shown: what a terminal would obey is replaced, byte
    /// for byte.
    pub fn text(&self) -> &str {
        &self.source.text
    }

    /// The errors, in the order of the file; never empty.
    pub fn errors(&self) -> &[ScenarioError] {
        &self.errors
    }

    /// How many more errors there are than are listed.
    pub const fn left_out(&self) -> usize {
        self.left_out
    }
}

impl fmt::Display for ScenarioErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is no valid scenario: ", printable(&self.name))?;
        counted(self.errors.len() + self.left_out, f)
    }
}

impl std::error::Error for ScenarioErrors {}

impl Diagnostic for ScenarioErrors {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(
            self.errors.iter().map(|error| error as &dyn Diagnostic),
        ))
    }
}

/// All errors of a file as plain text, 100 columns wide, without colour.
pub fn render(errors: &ScenarioErrors) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none())
        .with_width(100)
        .with_links(false)
        .with_context_lines(1);
    let mut text = String::new();
    for error in &errors.errors {
        if !text.is_empty() {
            text.push('\n');
        }
        let one = One {
            error,
            text: &errors.source,
        };
        if handler.render_report(&mut text, &one).is_err() {
            text.push_str(&error.message);
        }
    }
    let mut end = String::new();
    let told = counted(errors.errors.len() + errors.left_out, &mut end);
    debug_assert!(told.is_ok(), "writing to a string failed");
    if errors.left_out > 0 {
        end = format!("{end} ({} of them not shown)", errors.left_out);
    }
    let mut lines = String::with_capacity(text.len());
    for line in text.lines() {
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines + "\n" + &end + ", nothing was run.\n"
}

fn counted(count: usize, f: &mut impl fmt::Write) -> fmt::Result {
    match count {
        1 => f.write_str("1 error"),
        _ => write!(f, "{count} errors"),
    }
}

/// One error with the text it is about.
#[derive(Debug, Error)]
#[error("{error}")]
struct One<'a> {
    error: &'a ScenarioError,
    text: &'a Source,
}

impl Diagnostic for One<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.error.code()
    }

    fn severity(&self) -> Option<Severity> {
        self.error.severity()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.error.help()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.error.labels()
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.text)
    }
}

/// A file's text, quoted by whole lines.
#[derive(Clone, Debug)]
struct Source {
    name: String,
    text: String,
}

impl SourceCode for Source {
    /// Without context, just the place; with any, the line it is in.
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (start, end) = (span.offset(), span.offset() + span.len());
        let place = self.text.get(start..end).ok_or(MietteError::OutOfBounds)?;
        let (line_start, line_end) = line_around(&self.text, start);
        let line = line_of(&self.text, start) - 1;
        let column = self.text[line_start..start].chars().count();
        let (quoted, span, column) = if before + after == 0 {
            (place, *span, column)
        } else {
            let whole = SourceSpan::from(line_start..line_end.max(end));
            (&self.text[line_start..line_end.max(end)], whole, 0)
        };
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            quoted.as_bytes(),
            span,
            line,
            column,
            1,
        )))
    }
}

/// Where the line of a place begins and ends.
fn line_around(text: &str, at: usize) -> (usize, usize) {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
    (start, end)
}

/// Errors while they are being collected.
#[derive(Debug, Default)]
pub(super) struct Notes {
    found: Vec<(Range<usize>, Flaw)>,
    /// Keys that were there, but wrong, and have been told.
    dropped: Vec<String>,
    left_out: usize,
}

impl Notes {
    /// Keeps one more.
    pub(super) fn add(&mut self, span: Range<usize>, flaw: Flaw) {
        if self.is_full() {
            self.left_out += 1;
        } else {
            self.found.push((span, flaw));
        }
    }

    /// Whether one more would only be counted: no need to find words for it.
    pub(super) fn is_full(&self) -> bool {
        // Far more than are shown, so that the first in the file are among them.
        self.found.len() >= 20 * SHOWN_MAX
    }

    /// Remembers a key that was there, so that it is not told to be missing.
    pub(super) fn drop_key(&mut self, key: &str) {
        if !self.is_full() {
            self.dropped.push(key.to_owned());
        }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether an unknown key was found in a part of the file.
    pub(super) fn has_unknown_key(&self, part: Range<usize>) -> bool {
        self.found
            .iter()
            .any(|(span, flaw)| flaw.code == UNKNOWN_KEY && part.contains(&span.start))
    }

    /// Whether `key` was there, but mistyped, or with a value that could not stay.
    pub(super) fn has_told(&self, key: &str) -> bool {
        let label = format!("did you mean `{key}`?");
        self.dropped.iter().any(|dropped| dropped == key)
            || self
                .found
                .iter()
                .any(|(_, flaw)| flaw.code == UNKNOWN_KEY && flaw.label == label)
    }

    /// All of them, in the order of the file.
    pub(super) fn into_errors(mut self, name: &str, text: &str) -> ScenarioErrors {
        self.found.sort_by_key(|(span, _)| (span.start, span.end));
        let left_out = self.left_out + self.found.len().saturating_sub(SHOWN_MAX);
        self.found.truncate(SHOWN_MAX);
        let errors = self
            .found
            .into_iter()
            .map(|(span, flaw)| placed(span, flaw, name, text))
            .collect();
        ScenarioErrors {
            name: name.to_owned(),
            source: Source {
                name: printable(name),
                text: harmless(text),
            },
            errors,
            left_out,
        }
    }
}

/// The line of a place in `text`, from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or(text);
    before.bytes().filter(|&byte| byte == b'\n').count() + 1
}

fn placed(span: Range<usize>, flaw: Flaw, name: &str, text: &str) -> ScenarioError {
    let start = floor(text, span.start);
    let (line_start, line_end) = line_around(text, start);
    // A place that runs over several lines is told by its first.
    let end = floor(text, span.end).clamp(start, line_end);
    let line = line_of(text, start);
    let column = text[line_start..start].chars().count() + 1;
    let long = line_end - line_start > LINE_MAX;
    let quoted = !long && !text.is_empty();
    let mut message = flaw.message;
    if !quoted {
        message = format!("{message} [{}:{line}:{column}]", printable(name));
    }
    ScenarioError {
        code: flaw.code,
        message,
        span: start..end,
        label: flaw.label,
        help: flaw.help,
        line,
        column,
        quoted,
    }
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Whether a terminal might obey the character, or show nothing for it.
pub(super) fn is_treacherous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Text as it may go to a terminal or into a message: what a terminal might obey is escaped, and
/// what goes on for too long is cut.
pub fn printable(text: &str) -> String {
    const LONGEST: usize = 128;
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == LONGEST {
            shown.push_str("..");
            break;
        }
        if is_treacherous(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// The same text with as many bytes, and nothing in it that a terminal might obey.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let line_end = c == '\n' || (c == '\r' && chars.peek() == Some(&'\n'));
        if line_end || c == '\t' || !is_treacherous(c) {
            shown.push(c);
        } else {
            shown.push_str(match c.len_utf8() {
                1 => "?",
                2 => "\u{bf}",
                3 => "\u{fffd}",
                _ => "\u{fffd}?",
            });
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_replaced_byte_for_byte() {
        let text = "a\u{1b}]52;c\u{7}\u{9b}b\u{202e}c\u{200b}\u{e0041}\r\n\td";

        let shown = harmless(text);

        assert_eq!(shown.len(), text.len());
        assert!(
            shown
                .chars()
                .all(|c| !is_treacherous(c) || "\r\n\t".contains(c))
        );
    }

    #[test]
    fn a_name_in_a_message_is_escaped_and_cut() {
        assert_eq!(printable("a\u{1b}[2J"), "a\\u{1b}[2J");
        assert_eq!(printable(&"x".repeat(1000)).len(), 130);
    }

    #[test]
    fn a_place_is_told_by_line_and_column() {
        let mut notes = Notes::default();
        notes.add(7..9, Flaw::new("code", "second", ""));
        notes.add(0..1, Flaw::new("code", "first", ""));

        let errors = notes.into_errors("x.toml", "äb\nc\u{fc}d\n");

        let places: Vec<_> = errors
            .errors()
            .iter()
            .map(|error| (error.message.as_str(), error.line(), error.column()))
            .collect();
        assert_eq!(places, [("first", 1, 1), ("second", 2, 3)]);
    }
}
