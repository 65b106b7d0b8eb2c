//! Annotations for GitHub Actions.

use super::escape;
use crate::exit::Failure;
use crate::files;

/// The summary of a step, bytes.
const SUMMARY_MAX: usize = 1_000_000;

/// One `::error` line.
pub(crate) fn error(file: &str, line: u32, title: &str, message: &str) -> String {
    format!(
        "::error file={},line={line},title={}::{}\n",
        property(file),
        property(title),
        data(message)
    )
}

/// Adds to the summary of the step, where there is one.
pub(crate) fn step_summary(markdown: &str) -> Result<(), Failure> {
    let Some(file) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()) else {
        return Ok(());
    };
    // One step takes a mebibyte; what is more is refused as a whole.
    let end = (0..=markdown.len().min(SUMMARY_MAX))
        .rev()
        .find(|&end| markdown.is_char_boundary(end));
    files::append(
        std::path::Path::new(&file),
        &markdown.as_bytes()[..end.unwrap_or(0)],
    )
}

/// The line of a scenario's `[expect]`, which is what a failure contradicts.
pub(crate) fn line_of_expect(text: &str) -> u32 {
    let found = text
        .lines()
        .position(|line| line.trim_start().starts_with("[expect]"));
    found.map_or(1, |index| index as u32 + 1)
}

fn data(text: &str) -> String {
    escape::text(text).replace('%', "%25").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_start_a_second_command() {
        let line = error("a,b.toml", 3, "STALL x@0x1", "100% of\n::error::no");

        assert_eq!(
            line,
            "::error file=a%2Cb.toml,line=3,title=STALL x@0x1::100%25 of%0A::error::no\n"
        );
    }

    #[test]
    fn a_failure_points_at_the_expectation() {
        assert_eq!(line_of_expect("title = \"x\"\n\n[expect]\n"), 3);
        assert_eq!(line_of_expect("title = \"x\"\n"), 1);
    }
}
