//! The table of verdicts: one line a scenario, as wide as the terminal bears.

use unicode_width::UnicodeWidthStr;

const VERDICT: usize = 6;
const OUTCOME: usize = 26;
const TIME: usize = 16;
const OPS: usize = 10;
const GAP: usize = 2;

/// One line.
#[derive(Debug, Default)]
pub(crate) struct Row {
    /// `ok`, `FAIL`, ...
    pub(crate) verdict: String,
    /// The scenario's name.
    pub(crate) scenario: String,
    /// Agents x stores.
    pub(crate) size: String,
    /// What happened.
    pub(crate) outcome: String,
    /// Time to decision.
    pub(crate) time: String,
    /// Operations on stores.
    pub(crate) ops: String,
    /// Where to look.
    pub(crate) note: String,
    /// The note is shown even where there is no room beside the rest.
    pub(crate) keep_note: bool,
}

/// Which columns there are, and how wide.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    name: usize,
    size: usize,
    time: bool,
    ops: bool,
    width: Option<usize>,
}

impl Table {
    /// A table for scenarios with these names and sizes. On a narrow terminal, columns go.
    pub(crate) fn new(names: usize, sizes: usize, width: Option<usize>) -> Self {
        let mut table = Self {
            name: names.max("scenario".len()),
            size: sizes.max("size".len()),
            time: true,
            ops: true,
            width,
        };
        let Some(width) = width else {
            return table;
        };
        if table.needs() > width {
            table.ops = false;
        }
        if table.needs() > width {
            table.time = false;
        }
        if table.needs() > width {
            table.size = 0;
        }
        if let Some(over) = table.needs().checked_sub(width) {
            table.name = table.name.saturating_sub(over).max(8);
        }
        table
    }

    fn needs(self) -> usize {
        let column = |there: bool, width: usize| if there { GAP + width } else { 0 };
        VERDICT
            + column(true, self.name)
            + column(self.size > 0, self.size)
            + column(true, OUTCOME)
            + column(self.time, TIME)
            + column(self.ops, OPS)
    }

    /// The names of the columns.
    pub(crate) fn header(self) -> String {
        self.line(
            &Row {
                scenario: "scenario".to_owned(),
                size: "size".to_owned(),
                outcome: "outcome".to_owned(),
                time: "p50 / p99".to_owned(),
                ops: "store ops".to_owned(),
                ..Row::default()
            },
            str::to_owned,
        )
    }

    /// One line, or two if the note has no room beside the rest. `paint` colours the verdict.
    pub(crate) fn line(self, row: &Row, paint: impl Fn(&str) -> String) -> String {
        let mut rest = format!("  {}", pad(&shorten(&row.scenario, self.name), self.name));
        if self.size > 0 {
            rest += &format!("  {}", pad(&row.size, self.size));
        }
        rest += &format!("  {}", pad(&row.outcome, OUTCOME));
        if self.time {
            rest += &format!("  {}", pad(&row.time, TIME));
        }
        if self.ops {
            rest += &format!("  {:>OPS$}", row.ops);
        }
        let used = VERDICT + rest.width();
        let fits = self
            .width
            .is_none_or(|w| used + GAP + row.note.width() <= w);
        let padding = " ".repeat(VERDICT.saturating_sub(row.verdict.width()));
        let mut text = format!("{}{padding}{}", paint(&row.verdict), rest);
        if !row.note.is_empty() && fits {
            text += &format!("  {}", row.note);
        }
        text.truncate(text.trim_end().len());
        if row.keep_note && !fits {
            text += &format!("\n{}{}", " ".repeat(VERDICT + GAP), row.note);
        }
        text.push('\n');
        text
    }
}

/// Fills up with blanks.
pub(crate) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// Cuts the front off a name that is too long: its end tells it apart.
fn shorten(name: &str, width: usize) -> String {
    if name.width() <= width {
        return name.to_owned();
    }
    let mut rest = name;
    while rest.width() + 1 > width {
        let mut chars = rest.chars();
        if chars.next().is_none() {
            break;
        }
        rest = chars.as_str();
    }
    format!("…{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            verdict: "ok".to_owned(),
            scenario: "scenarios/flp/dueling-agents.toml".to_owned(),
            size: "2x3".to_owned(),
            outcome: "stall: contention, heals".to_owned(),
            time: "9.11ms / 41.2ms".to_owned(),
            ops: "1,284".to_owned(),
            note: "scenarios/flp/dueling-agents.toml@0x5eed".to_owned(),
            keep_note: true,
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_except_for_a_place_to_copy() {
        for width in 44..200 {
            let table = Table::new(33, 3, Some(width));

            let text = table.header() + &table.line(&row(), str::to_owned);

            for line in text.lines().filter(|l| !l.contains('@')) {
                assert!(line.width() <= width, "{} > {width}: {line}", line.width());
            }
            assert!(text.contains("@0x5eed"), "{text}");
        }
    }

    #[test]
    fn off_a_terminal_everything_is_on_one_line() {
        let table = Table::new(33, 3, None);

        let text = table.line(&row(), str::to_owned);

        assert_eq!(
            text,
            "ok      scenarios/flp/dueling-agents.toml  2x3   stall: contention, heals    9.11ms \
             / 41.2ms        1,284  scenarios/flp/dueling-agents.toml@0x5eed\n"
        );
    }
}
