//! The price of blocking as tables: for people, and in Markdown.

use std::time::Duration;

use bivalent_sim::campaign::price::{Cell, Undecided};
use bivalent_sim::scenario::Scenario;

use super::escape;
use super::paint::Paint;
use super::table::pad;
use super::units::{count, counted, time};

/// Blocks of a curve, the lowest first; what is below all of them is a dot.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Every which point of a survival curve is drawn.
const EVERY: usize = 2;
const GAP: &str = "  ";

/// A row's texts; those of a combination that can't be are dashes.
fn row(cell: &Cell) -> Vec<String> {
    let mut row = vec![label(&cell.adversary), pause(&cell.retry)];
    if cell.impossible.is_some() {
        row.push("-".to_owned());
        row.extend(cell.undecided.iter().map(|_| "-".to_owned()));
        row.extend(["-".to_owned(), String::new()]);
        return row;
    }
    row.push(count(cell.runs));
    row.extend(cell.undecided.iter().map(|at| share(at, cell.runs)));
    row.push(if cell.first_decision_ns.count == 0 {
        "-".to_owned()
    } else {
        let [p50, p99] = [cell.first_decision_ns.p50, cell.first_decision_ns.p99].map(time);
        format!("{p50} / {p99}")
    });
    row.push(curve(cell));
    row
}

fn header(cell: &Cell) -> Vec<String> {
    let mut header = ["adversary", "pause", "runs"].map(str::to_owned).to_vec();
    let at = |at: &Undecided| format!("open at {}", time_of(at.at_ns));
    header.extend(cell.undecided.iter().map(at));
    header.push("decided p50 / p99".to_owned());
    header.push(
        cell.survival
            .first()
            .zip(cell.survival.last())
            .map_or_else(String::new, |(first, last)| {
                format!("open, {} to {}", time_of(first.at_ns), time_of(last.at_ns))
            }),
    );
    header
}

/// A time that somebody has chosen: without digits that say nothing.
fn time_of(ns: u64) -> String {
    let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
    let unit = units.into_iter().find(|(unit, _)| ns.is_multiple_of(*unit));
    unit.map_or_else(
        || format!("{ns}ns"),
        |(unit, name)| format!("{}{name}", ns / unit),
    )
}

/// An adversary or a pause without the punctuation of its file.
fn label(text: &str) -> String {
    let words = text.split(|c: char| " {}[]=\",".contains(c));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    escape::line(&words.join(" "))
}

fn pause(retry: &str) -> String {
    match retry {
        "0ms" => "none".to_owned(),
        _ => label(retry),
    }
}

/// A share with its interval, in percent.
fn share(at: &Undecided, runs: u64) -> String {
    let all = match at.runs {
        0 => "0".to_owned(),
        open if open == runs => "100".to_owned(),
        _ => percent(at.share.share),
    };
    let low = if at.runs == 0 {
        "0".to_owned()
    } else {
        percent(at.share.low)
    };
    let high = if at.runs == runs {
        "100".to_owned()
    } else {
        percent(at.share.high)
    };
    format!("{all}% [{low}, {high}]")
}

/// Percent of what is neither none nor all, and never looks as if it were.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 0.005 {
        "<0.01".to_owned()
    } else if percent > 99.995 {
        ">99.99".to_owned()
    } else if !(1.0..=99.0).contains(&percent) {
        format!("{percent:.2}")
    } else {
        format!("{percent:.1}")
    }
}

/// The survival curve, one character a fifth of a decade; a dot where nothing is left.
fn curve(cell: &Cell) -> String {
    let points = cell.survival.iter().step_by(EVERY);
    points
        .map(|point| {
            let eighths = (point.runs * HEIGHTS.len() as u64).div_ceil(cell.runs.max(1));
            let below = |eighths: u64| usize::try_from(eighths - 1).unwrap_or(0);
            match eighths {
                0 => '·',
                _ => HEIGHTS[below(eighths).min(HEIGHTS.len() - 1)],
            }
        })
        .collect()
}

/// The cells of one number of agents after the other.
fn groups(cells: &[Cell]) -> impl Iterator<Item = &[Cell]> {
    cells.chunk_by(|one, next| one.agents == next.agents)
}

/// The matrix for people. On a narrow terminal, the last columns go.
pub(crate) fn tell(
    scenario: &Scenario,
    cells: &[Cell],
    width: Option<usize>,
    paint: Paint,
) -> String {
    let mut text = format!(
        "{}  {} on {}: runs in which nobody has decided, with 95% intervals\n",
        escape::line(&scenario.name),
        scenario.cluster.protocol.name(),
        counted(scenario.cluster.stores.len() as u64, "store", "stores"),
    );
    let Some(first) = cells.first() else {
        return text;
    };
    let header = header(first);
    let rows: Vec<Vec<String>> = cells.iter().map(row).collect();
    let wide = |column: usize| {
        let all = rows.iter().chain([&header]);
        all.map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(wide).collect();
    let mut shown = header.len();
    let needs = |shown: usize| {
        let columns = widths[..shown].iter();
        columns.map(|width| width + GAP.len()).sum::<usize>()
    };
    while width.is_some_and(|width| needs(shown) > width) && shown > 4 {
        shown -= 1;
    }
    let line = |row: &[String]| {
        let columns = row[..shown].iter().zip(&widths);
        let text: String = columns
            .map(|(text, &width)| format!("{GAP}{}", pad(text, width)))
            .collect();
        format!("{}\n", text.trim_end())
    };
    for group in groups(cells) {
        let agents = counted(group[0].agents.into(), "agent", "agents");
        text += &format!("\n{agents}\n{}", paint.faint(&line(&header)));
        for cell in group {
            text += &line(&row(cell));
        }
    }
    let reasons = reasons(cells);
    if !reasons.is_empty() {
        text.push('\n');
    }
    for reason in reasons {
        text += &format!("{reason}\n");
    }
    for word in warnings(cells) {
        text += &format!("{}\n", paint.bad(&word));
    }
    text
}

/// The matrix as Markdown, one table a number of agents.
pub(crate) fn markdown(cells: &[Cell]) -> String {
    let mut text = String::new();
    for group in groups(cells) {
        let agents = counted(group[0].agents.into(), "agent", "agents");
        let header = header(&group[0]);
        let rule: String = header.iter().map(|_| "---|").collect();
        text += &format!("### {agents}\n\n| {} |\n|{rule}\n", header.join(" | "));
        for cell in group {
            let row: Vec<String> = row(cell)
                .iter()
                .map(|text| text.replace('|', "\\|"))
                .collect();
            text += &format!("| {} |\n", row.join(" | "));
        }
        text.push('\n');
    }
    for reason in reasons(cells) {
        text += &format!("{reason}\n\n");
    }
    for word in warnings(cells) {
        text += &format!("**{word}**\n\n");
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// Why some combinations can't be, each reason once.
fn reasons(cells: &[Cell]) -> Vec<String> {
    let mut known: Vec<(&str, Vec<&Cell>)> = Vec::new();
    for cell in cells {
        let Some(why) = cell.impossible.as_deref() else {
            continue;
        };
        match known.iter_mut().find(|(reason, _)| *reason == why) {
            Some((_, those)) => those.push(cell),
            None => known.push((why, vec![cell])),
        }
    }
    let told = |(why, those): (&str, Vec<&Cell>)| {
        let mut who: Vec<String> = Vec::new();
        for cell in those {
            let agents = counted(cell.agents.into(), "agent", "agents");
            let name = format!("{} with {agents}", label(&cell.adversary));
            if !who.contains(&name) {
                who.push(name);
            }
        }
        format!("- : {}: {}", who.join(", "), escape::line(why))
    };
    known.into_iter().map(told).collect()
}

/// What must not be overlooked.
fn warnings(cells: &[Cell]) -> Vec<String> {
    let sum = |of: fn(&Cell) -> u64| cells.iter().map(of).sum::<u64>();
    let (broken, cut) = (sum(|cell| cell.violations), sum(|cell| cell.cut));
    let mut words = Vec::new();
    if broken > 0 {
        let runs = counted(broken, "run", "runs");
        words.push(format!("SAFETY broken in {runs}: `bivalent run` tells how"));
    }
    if cut > 0 {
        let runs = counted(cut, "run", "runs");
        words.push(format!(
            "{runs} ran out of steps before the last time, and count as undecided"
        ));
    }
    words
}

/// The last line.
pub(crate) fn total(cells: &[Cell], planned: usize, took: Duration) -> String {
    let runs = cells.iter().map(|cell| cell.runs).sum();
    let done = if cells.len() < planned {
        format!("{} of {}", count(cells.len() as u64), count(planned as u64))
    } else {
        count(planned as u64)
    };
    let tenths = took.as_millis() / 100;
    format!(
        "\n{done} {} in {}  {}.{}s\n",
        if planned == 1 { "cell" } else { "cells" },
        counted(runs, "run", "runs"),
        tenths / 10,
        tenths % 10,
    )
}

/// A file's name for a cell: words, numbers and hyphens.
pub(crate) fn file_stem(cell: &Cell) -> String {
    let words = format!("{} {}", label(&cell.adversary), pause(&cell.retry));
    let words = words.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    format!("{}-agents-{}", cell.agents, words.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_that_is_not_none_and_not_all_never_looks_so() {
        let seen = [0.000_01, 0.000_4, 0.012_34, 0.5, 0.994_2, 0.999_99].map(percent);

        assert_eq!(seen, ["<0.01", "0.04", "1.2", "50.0", "99.42", ">99.99"]);
    }

    #[test]
    fn a_label_has_no_punctuation_of_its_file() {
        let seen = [
            "{ duel = [\"a1\", \"a2\"] }",
            "{ pct = 3 }",
            "{ exponential = \"1ms..100ms\" }",
            "fair",
        ]
        .map(label);

        assert_eq!(
            seen,
            ["duel a1 a2", "pct 3", "exponential 1ms..100ms", "fair"]
        );
        assert_eq!(time_of(300_000_000), "300ms");
    }
}
