//! What a probe came to: a table for people, objects for programs, lines to paste.

use std::path::{Path, PathBuf};

use bivalent_driver::{KindReport, ProbeEnd, ProbeKind, ProbeReport};
use serde::Serialize;

use super::escape;
use super::paint::Paint;
use super::units::{count, counted, time};
use crate::cli::ProbeArgs;

const HEADER: [&str; 9] = [
    "kind", "n", "p50", "p90", "p99", "p99.9", "max", "errors", "timeouts",
];

/// One kind for other programs.
#[derive(Debug, Serialize)]
pub(crate) struct Object<'a> {
    kind: &'static str,
    size: u32,
    concurrency: u8,
    /// The store can do it.
    supported: bool,
    latency_ns: Latency,
    errors: u64,
    timeouts: u64,
    last_error: Option<&'a str>,
    /// Where its delays were written.
    file: Option<String>,
}

/// Percentiles of the delays, ns.
#[derive(Debug, Serialize)]
struct Latency {
    count: u64,
    p50: u64,
    p90: u64,
    p99: u64,
    p999: u64,
    max: u64,
}

impl Latency {
    fn of(kind: &KindReport) -> Self {
        let latencies = &kind.latencies;
        // A step of the histogram reaches beyond the greatest value in it.
        let at = |quantile| latencies.value_at_quantile(quantile).min(latencies.max());
        Self {
            count: latencies.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: latencies.max(),
        }
    }
}

/// One kind as an object.
pub(crate) fn object<'a>(
    args: &ProbeArgs,
    kind: &'a KindReport,
    file: Option<&Path>,
) -> Object<'a> {
    Object {
        kind: kind.kind.name(),
        size: args.size,
        concurrency: args.concurrency,
        supported: !kind.unsupported,
        latency_ns: Latency::of(kind),
        errors: kind.errors,
        timeouts: kind.timeouts,
        last_error: kind.last_error.as_deref(),
        file: file.map(|path| path.display().to_string()),
    }
}

fn row(kind: &KindReport) -> Vec<String> {
    let latency = Latency::of(kind);
    let mut row = vec![kind.kind.name().to_owned(), count(latency.count)];
    if latency.count == 0 {
        row.extend(["-"; 5].map(str::to_owned));
    } else {
        let Latency {
            p50,
            p90,
            p99,
            p999,
            max,
            ..
        } = latency;
        row.extend([p50, p90, p99, p999, max].map(time));
    }
    row.extend([kind.errors, kind.timeouts].map(count));
    row
}

/// The table. On a narrow terminal, columns before the last two go.
pub(crate) fn tell(
    args: &ProbeArgs,
    report: &ProbeReport,
    width: Option<usize>,
    paint: Paint,
) -> String {
    let ended = match report.ended {
        ProbeEnd::Done => "",
        ProbeEnd::Stopped => ", interrupted",
        ProbeEnd::GaveUp => ", given up",
    };
    let took = u64::try_from(report.took.as_nanos()).unwrap_or(u64::MAX);
    let mut text = format!(
        "{}  blocks of {}, {} at a time, {}{ended}\n",
        escape::line(&args.store),
        counted(args.size.into(), "byte", "bytes"),
        args.concurrency,
        time(took),
    );
    let (known, unknown): (Vec<_>, Vec<_>) =
        report.kinds.iter().partition(|kind| !kind.unsupported);
    let mut rows = vec![HEADER.map(str::to_owned).to_vec()];
    rows.extend(known.into_iter().map(row));
    while width.is_some_and(|width| widths(&rows).iter().map(|w| w + 2).sum::<usize>() > width)
        && rows[0].len() > 5
    {
        // The rarest percentile first.
        let column = rows[0].len() - 4;
        for row in &mut rows {
            row.remove(column);
        }
    }
    let widths = widths(&rows);
    for (number, row) in rows.iter().enumerate() {
        let mut line = format!("  {:<1$}", row[0], widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            line += &format!("  {cell:>width$}");
        }
        line.push('\n');
        text += &if number == 0 {
            paint.faint(&line)
        } else {
            line
        };
    }
    for kind in unknown {
        text += &if kind.kind == ProbeKind::Replace {
            "  no conditional replace: the store can't put over what was seen\n".to_owned()
        } else {
            format!("  no {}: the store can't do it\n", kind.kind)
        };
    }
    text
}

fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.first().map_or(0, Vec::len);
    let wide = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    (0..columns).map(wide).collect()
}

/// Where the delays are, and the lines of a scenario that name them.
pub(crate) fn to_paste(files: &[(ProbeKind, PathBuf)]) -> String {
    if files.is_empty() {
        return String::new();
    }
    let names: Vec<_> = files
        .iter()
        .map(|(_, path)| escape::line(&path.display().to_string()))
        .collect();
    let mut text = format!("\nwritten: {}\n", names.join(", "));
    let lines: Vec<_> = [ProbeKind::Read, ProbeKind::Write]
        .into_iter()
        .filter_map(|kind| {
            let (_, path) = files.iter().find(|(of, _)| *of == kind)?;
            // A scenario names files of its own folder.
            let name = path.file_name()?.to_str()?;
            let name = toml::Value::from(name);
            Some(format!("  {:<5} = {{ histogram = {name} }}\n", kind.name()))
        })
        .collect();
    if !lines.is_empty() {
        text += &format!(
            "in a scenario beside them:\n\n  [schedule]\n{}",
            lines.concat()
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_quotes_is_still_a_name_in_a_scenario() {
        let path = PathBuf::from("elsewhere/it's \"mine\"-read.hlog");
        let text = to_paste(&[(ProbeKind::Read, path)]);

        let pasted = text.split_once("beside them:\n").unwrap().1;
        let table: toml::Table = toml::from_str(pasted).unwrap();

        let name = table["schedule"]["read"]["histogram"].as_str();
        assert_eq!(name, Some("it's \"mine\"-read.hlog"));
    }
}
