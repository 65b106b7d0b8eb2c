//! `bivalent price`: how likely agreement is still open at a time, by who orders the operations.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bivalent_sim::campaign::price::{self, Cell};
use bivalent_sim::scenario::{Protocol, Scenario};

use crate::cli::{PriceArgs, TellingFormat};
use crate::console::{Console, Stream};
use crate::exit::{Exit, Failure};
use crate::files::{self, Existing};
use crate::progress::Progress;
use crate::render::json::{Sequence, Shape};
use crate::render::price as text;
use crate::render::units::counted;
use crate::{bug, interrupt, select};

/// Fills the matrix.
pub(crate) fn price(args: &PriceArgs, console: &mut Console) -> Result<Exit, Failure> {
    let began = Instant::now();
    let stop = interrupt::listen();
    let scenario = one(&args.what, console)?;
    bug::while_running(&*scenario.name);
    let matrix = args.matrix().or(&scenario.price);
    let variants = price::variants(&scenario, &matrix);
    if let Some(folder) = &args.histograms {
        files::make_folder(folder)?;
    }
    let jobs = args.jobs.map_or_else(
        || std::thread::available_parallelism().map_or(1, usize::from),
        usize::from,
    );
    let total = variants.iter().map(|variant| variant.runs).sum();
    let line = Progress::new(&scenario.name, total, false);
    let mut sequence = match args.format {
        TellingFormat::Human | TellingFormat::Markdown => None,
        TellingFormat::Json => Some(Sequence::new(Shape::Array)),
        TellingFormat::Jsonl => Some(Sequence::new(Shape::Lines)),
    };
    let (mut cells, mut runs) = (Vec::new(), 0);
    for variant in &variants {
        let mut done = |more| {
            runs += more;
            line.done(runs);
        };
        let Some(cell) = price::fill(variant, jobs, stop, &mut done) else {
            break;
        };
        if let Some(folder) = &args.histograms
            && cell.impossible.is_none()
        {
            let written = write_log(folder, &cell);
            if written.is_err() {
                line.clear();
            }
            written?;
        }
        if let Some(sequence) = &mut sequence {
            console.data(sequence.add(&cell).as_bytes())?;
        }
        cells.push(cell);
    }
    line.clear();
    match (&sequence, args.format) {
        (Some(sequence), _) => console.data(sequence.end().as_bytes())?,
        (None, TellingFormat::Markdown) => console.put(Stream::Out, &text::markdown(&cells))?,
        (None, _) => {
            let (paint, width) = (console.paint(Stream::Out), Console::width(Stream::Out));
            let mut told = text::tell(&scenario, &cells, width, paint);
            told += &text::total(&cells, variants.len(), began.elapsed());
            console.put(Stream::Out, &told)?;
        }
    }
    end(
        &cells,
        stop.load(Ordering::SeqCst) && cells.len() < variants.len(),
    )
}

/// The exit code.
fn end(cells: &[Cell], interrupted: bool) -> Result<Exit, Failure> {
    let broken: u64 = cells.iter().map(|cell| cell.violations).sum();
    if interrupted {
        return Ok(Exit::Interrupted);
    }
    if broken > 0 {
        return Ok(Exit::Unsafe);
    }
    if cells.iter().all(|cell| cell.impossible.is_some()) {
        let cells = counted(cells.len() as u64, "cell", "cells");
        let failure = Failure::new(
            Exit::Nothing,
            format!("{cells}, and none of them can be run"),
        );
        return Err(failure.help("the reasons are above; try other --agents or --adversary"));
    }
    Ok(Exit::Ok)
}

/// The one scenario that was named.
fn one(what: &str, console: &Console) -> Result<Scenario, Failure> {
    let mut picked = select::scenarios(&[what.to_owned()], console)?;
    let message = match picked.pop() {
        Some(one)
            if picked.is_empty()
                && one.seed.is_none()
                && one.scenario.cluster.protocol == Protocol::ReplicatedLog =>
        {
            let message =
                format!("{what} has a log; the price of blocking is that of one decision");
            return Err(Failure::new(Exit::Usage, message).help("name a scenario of one decision"));
        }
        Some(one)
            if picked.is_empty() && one.seed.is_none() && one.scenario.cluster.bucket.is_some() =>
        {
            let message = format!(
                "{what} is on buckets; the price of blocking is one of adversaries, which order reads and writes of \
                 blocks"
            );
            let help = "add bucket = false to [cluster] for the same protocol on stores of blocks";
            return Err(Failure::new(Exit::Usage, message).help(help));
        }
        Some(one) if picked.is_empty() && one.seed.is_none() => return Ok(one.scenario),
        Some(_) if picked.is_empty() => format!("{what} is one run; a price needs many"),
        Some(_) | None => format!("{what} is a folder; one system is varied at a time"),
    };
    Err(Failure::new(Exit::Usage, message).help("name one scenario"))
}

fn write_log(folder: &Path, cell: &Cell) -> Result<(), Failure> {
    let file = folder.join(format!("{}.hlog", text::file_stem(cell)));
    files::write(&file, cell.log().as_bytes(), Existing::Replace)
}
