//! The price of blocking, for people: who can hold a decision off, and for how long.

use bivalent_sim::price::{Cell, Undecided, Variant};

use super::escape;
use super::units::{count, counted, time};

/// Heights of a curve's points, from nobody to everybody.
const HEIGHTS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Points of a curve that are drawn.
const POINTS: usize = 10;

/// What a combination is called.
pub(crate) fn name(variant: &Variant) -> String {
    format!(
        "{} agents, {}, pause {}",
        variant.agents,
        plain(&variant.adversary),
        plain(&variant.retry)
    )
}

/// An inline table without its brackets and quotes: `pct 3`, `duel a1 a2`.
fn plain(text: &str) -> String {
    let kept = text.replace(['{', '}', '[', ']', '"', '=', ','], " ");
    let words: Vec<&str> = kept.split_whitespace().collect();
    escape::line(&words.join(" "))
}

/// One line a cell; without intervals where there is no room for them.
pub(crate) fn table(
    scenario: &str,
    cells: &[Cell],
    impossible: &[&Variant],
    width: Option<usize>,
) -> String {
    let mut rows = vec![head(cells, time)];
    rows.extend(cells.iter().map(|cell| row(cell, &interval)));
    let mut text = aligned(&rows);
    let widest = text.lines().map(|line| line.chars().count()).max();
    let narrow = width.is_some_and(|width| widest > Some(width));
    if narrow {
        let only = |at: &Undecided| percent(at.share.share);
        rows.truncate(1);
        rows.extend(cells.iter().map(|cell| row(cell, &only)));
        text = aligned(&rows);
    }
    let stores = cells.first().map_or(0, |cell| cell.stores as u64);
    let stores = counted(stores, "store", "stores");
    let note = if narrow {
        " (a wider terminal shows 95 % intervals)"
    } else {
        ", with 95 % Wilson intervals"
    };
    let mut out = format!(
        "{}  {stores}; % of runs undecided at a time{note}\n\n{text}",
        escape::line(scenario)
    );
    for line in missing(impossible) {
        out += &format!("\n  {line}");
    }
    if !impossible.is_empty() {
        out += "\n";
    }
    out
}

/// The same as a Markdown table.
pub(crate) fn markdown(cells: &[Cell], impossible: &[&Variant]) -> String {
    let head = head(cells, time);
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for cell in cells {
        text += &format!("| {} |\n", row(cell, &interval).join(" | "));
    }
    for line in missing(impossible) {
        text += &format!("\n{line}.\n");
    }
    text
}

fn head(cells: &[Cell], time: impl Fn(u64) -> String) -> Vec<String> {
    let mut head: Vec<String> = ["agents", "adversary", "pause", "runs"]
        .map(str::to_owned)
        .to_vec();
    if let Some(cell) = cells.first() {
        head.extend(cell.undecided.iter().map(|at| time(at.at_ns)));
    }
    head.extend(["median", "curve"].map(str::to_owned));
    head
}

fn row(cell: &Cell, share: &dyn Fn(&Undecided) -> String) -> Vec<String> {
    let mut row = vec![
        cell.agents.to_string(),
        plain(&cell.adversary),
        plain(&cell.retry),
        count(cell.runs),
    ];
    row.extend(cell.undecided.iter().map(share));
    // Of all runs: where fewer than half have decided there is none.
    let most = cell.first_decision_ns.count * 2 >= cell.runs && cell.runs > 0;
    row.push(if most { median(cell) } else { "-".to_owned() });
    row.push(curve(&cell.survival));
    row
}

/// The time by which half of all runs had decided.
fn median(cell: &Cell) -> String {
    let half = cell.runs.div_ceil(2);
    let decided = cell.first_decision_ns.count;
    // The quantile of those that decided at which half of all is reached.
    let at = (0..=1000_u64)
        .find(|thousandth| decided * thousandth >= half * 1000)
        .unwrap_or(1000);
    let quantile = f64::from(u32::try_from(at).unwrap_or(1000)) / 1000.0;
    time(cell.times.value_at_quantile(quantile))
}

/// `43.2 [42.2-44.2]`, in percent.
fn interval(at: &Undecided) -> String {
    format!(
        "{} [{}-{}]",
        percent(at.share.share),
        percent(at.share.low),
        percent(at.share.high)
    )
}

/// A share in percent; one that is neither none nor all does not look so.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.1 {
        return format!("{percent:.3}");
    }
    if percent < 100.0 && percent > 99.9 {
        return "99.9".to_owned();
    }
    format!("{percent:.1}")
}

/// How many were undecided, over the log of time.
fn curve(survival: &[Undecided]) -> String {
    let step = survival.len().div_ceil(POINTS).max(1);
    let point = |at: &Undecided| {
        let eighths = at.share.share * 8.0;
        let height = (0..8_u8)
            .filter(|&height| eighths > f64::from(height))
            .count();
        HEIGHTS[height.min(8)]
    };
    // From the end, so that the last time is always there.
    let mut drawn: Vec<char> = survival.iter().rev().step_by(step).map(point).collect();
    drawn.reverse();
    drawn.into_iter().collect()
}

/// The combinations that do not exist, and why.
fn missing(impossible: &[&Variant]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for variant in impossible {
        let why = variant.impossible().unwrap_or_default();
        let line = format!(
            "no {} with {} agents: {}",
            plain(&variant.adversary),
            variant.agents,
            escape::line(why).replace('`', "")
        );
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// Rows with their columns under each other.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let wide = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(wide).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths);
        let line: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        text += &format!("  {}\n", line.join("  ").trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use bivalent_sim::price::share;

    use super::*;

    fn undecided(runs: u64) -> Undecided {
        Undecided {
            at_ns: 1,
            runs,
            share: share(runs, 1000),
        }
    }

    #[test]
    fn a_curve_falls_from_everybody_to_nobody() {
        let survival: Vec<Undecided> = (0..=40).map(|n| undecided(1000 - n * 25)).collect();

        let drawn = curve(&survival);

        assert!(drawn.ends_with(' '), "{drawn:?}");
        assert!(drawn.starts_with('█'), "{drawn:?}");
        assert!(drawn.chars().rev().is_sorted(), "{drawn:?}");
    }

    #[test]
    fn one_in_many_is_not_none_and_all_but_one_are_not_all() {
        assert_eq!(percent(0.0), "0.0");
        assert_eq!(percent(0.000_1), "0.010");
        assert_eq!(percent(0.999_9), "99.9");
        assert_eq!(percent(1.0), "100.0");
    }

    #[test]
    fn what_stands_in_a_file_is_told_without_its_brackets() {
        assert_eq!(plain("{ duel = [\"a1\", \"a2\"] }"), "duel a1 a2");
        assert_eq!(plain("5ms..50ms"), "5ms..50ms");
    }
}
