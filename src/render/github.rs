//! Annotations for GitHub Actions.

use super::escape;

/// One `::error` line.
pub(crate) fn error(file: &str, line: u32, title: &str, message: &str) -> String {
    format!(
        "::error file={},line={line},title={}::{}\n",
        property(file),
        property(title),
        data(message)
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
