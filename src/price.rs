//! `bivalent price`: how likely agreement is still open, by adversary, contention manager and size.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use bivalent_sim::price::{self, Cell, Matrix, Variant};

use crate::cli::{PriceArgs, TellingFormat};
use crate::console::{Console, Stream};
use crate::exit::{Exit, Failure};
use crate::files::{self, Existing};
use crate::progress::Progress;
use crate::render::json::{Sequence, Shape};
use crate::render::price as text;
use crate::{bug, interrupt, select};

/// The adversaries of a price list, the weakest first.
const ADVERSARIES: [&str; 8] = [
    "random",
    "fair",
    "oblivious",
    "{ pct = 3 }",
    "{ duel = [\"a1\", \"a2\"] }",
    "content-aware",
    "state-aware",
    "keep-bivalent",
];
/// The contention managers: none, a random pause, a pause that grows.
const RETRIES: [&str; 3] = ["0ms", "5ms..50ms", "{ exponential = \"1ms..100ms\" }"];
/// One run of an adversary that looks at it, for so many of one that does not.
const ADAPTIVE_SHARE: u64 = 50;

/// Fills the matrix.
pub(crate) fn price(args: &PriceArgs, console: &mut Console) -> Result<Exit, Failure> {
    let stop = interrupt::listen();
    let base = select::one(&args.what, "one base scenario is varied", console)?;
    bug::while_running(&*base.name);
    let or = |given: &[String], usual: &[&str]| -> Vec<String> {
        if given.is_empty() {
            usual.iter().map(|&word| word.to_owned()).collect()
        } else {
            given.to_vec()
        }
    };
    let mut at_ns = args.at.clone();
    at_ns.sort_unstable();
    at_ns.dedup();
    let matrix = Matrix {
        agents: args.agents.clone(),
        stores: args.stores,
        adversaries: or(&args.adversary, &ADVERSARIES),
        retries: or(&args.retry, &RETRIES),
        at_ns,
    };
    let variants = price::variants(&base, &matrix).map_err(|errors| {
        console.scenario_errors(&errors);
        let help = "--adversary and --retry take what stands in a scenario file";
        Failure::new(Exit::Invalid, "this matrix makes no valid scenario").help(help)
    })?;
    if let Some(folder) = &args.histograms {
        files::make_folder(folder)?;
    }
    let jobs = args.jobs.map_or_else(
        || std::thread::available_parallelism().map_or(1, usize::from),
        usize::from,
    );
    let runs = |variant: &Variant| {
        let fewer = args.runs.div_ceil(ADAPTIVE_SHARE);
        if variant.is_adaptive {
            args.adaptive_runs.unwrap_or(fewer)
        } else {
            args.runs
        }
    };
    let mut cells: Vec<Cell> = Vec::new();
    let mut impossible: Vec<&Variant> = Vec::new();
    let mut exit = Exit::Ok;
    for (number, variant) in variants.iter().enumerate() {
        if variant.impossible().is_some() {
            impossible.push(variant);
            continue;
        }
        let label = format!(
            "{} of {}: {}",
            number + 1,
            variants.len(),
            text::name(variant)
        );
        let progress = Progress::new(&label, runs(variant), false);
        let counted = AtomicU64::new(0);
        let done = |more: u64| progress.done(counted.fetch_add(more, Ordering::Relaxed) + more);
        let cell = price::fill(variant, runs(variant), jobs, stop, &done);
        progress.clear();
        let Some(cell) = cell else {
            exit = Exit::Interrupted;
            break;
        };
        if let Some(folder) = &args.histograms {
            write_histogram(folder, &cell)?;
        }
        cells.push(cell);
    }
    tell(args, &base.name, &cells, &impossible, console)?;
    if cells.iter().any(|cell| cell.violations > 0) {
        exit = Exit::Unsafe;
    }
    Ok(exit)
}

fn tell(
    args: &PriceArgs,
    name: &str,
    cells: &[Cell],
    impossible: &[&Variant],
    console: &mut Console,
) -> Result<(), Failure> {
    let width = Console::width(Stream::Out);
    match args.format {
        TellingFormat::Human => {
            let table = text::table(name, cells, impossible, width);
            console.put(Stream::Out, &table)
        }
        TellingFormat::Markdown => console.put(Stream::Out, &text::markdown(cells, impossible)),
        TellingFormat::Json => as_data(cells, Shape::Array, console),
        TellingFormat::Jsonl => as_data(cells, Shape::Lines, console),
    }
}

fn as_data(cells: &[Cell], shape: Shape, console: &mut Console) -> Result<(), Failure> {
    let mut sequence = Sequence::new(shape);
    for cell in cells {
        console.data(sequence.add(cell).as_bytes())?;
    }
    console.data(sequence.end().as_bytes())
}

/// A cell's times to decision as a V2 histogram, in a file named after the cell.
fn write_histogram(folder: &Path, cell: &Cell) -> Result<(), Failure> {
    let word = |text: &str| {
        let kept = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let kept: String = text.chars().map(kept).collect();
        let parts: Vec<&str> = kept.split('-').filter(|part| !part.is_empty()).collect();
        parts.join("-")
    };
    let (adversary, retry) = (word(&cell.adversary), word(&cell.retry));
    let (agents, stores) = (cell.agents, cell.stores);
    let file = folder.join(format!("{agents}x{stores}-{adversary}-{retry}.hist"));
    files::write(&file, &cell.histogram(), Existing::Replace)
}

/// A time with its unit, in nanoseconds.
pub(crate) fn time(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match &text[digits.len()..] {
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        _ => return Err("a time is a number and us, ms or s, like 200ms".to_owned()),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| "a time is a whole number and us, ms or s, like 200ms".to_owned())?;
    number
        .checked_mul(unit)
        .filter(|ns| (1..=3_600_000_000_000).contains(ns))
        .ok_or_else(|| "is not between 1us and 3600s".to_owned())
}
