//! `bivalent explore`: every schedule of a small system.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bivalent_sim::campaign::trace::{self, Replayed, Trace};
use bivalent_sim::explore::certificate;
use bivalent_sim::explore::report::{ExploreReport, Findings};
use bivalent_sim::explore::{self, Conclusion, Exploration, InFlight, Move, Options, Planted};
use bivalent_sim::judge::report::Outcome;
use bivalent_sim::scenario::Scenario;
use bivalent_sim::scenario::script::{Entry, Script};

use crate::cli::{self, ExploreArgs, PlainFormat};
use crate::console::{Console, Stream};
use crate::exit::{Exit, Failure};
use crate::files::{self, Existing};
use crate::render::explore as text;
use crate::render::json::{Sequence, Shape};
use crate::{bug, interrupt, progress, select};

/// Steps of the run that a certificate carries.
const LASSO_STEPS: u64 = 10_000;

/// Explores what was named.
pub(crate) fn explore(args: &ExploreArgs, console: &mut Console) -> Result<Exit, Failure> {
    let stop = interrupt::listen();
    let scenario = select::one(&args.what, "one system is explored at a time", console)?;
    bug::while_running(&*scenario.name);
    let options = Options {
        in_flight: match args.in_flight {
            cli::InFlight::Keep => InFlight::Keep,
            cli::InFlight::Drop => InFlight::Drop,
        },
        ballots: args.ballots,
        jobs: jobs(args.jobs),
        memory: args.memory,
        depth: args.depth,
        symmetry: args.symmetry,
        planted: args.planted.planted(),
    };
    if args.lasso.is_some() && options.in_flight == InFlight::Drop {
        let message = "a certificate answers every operation, and dropped ones never are";
        return Err(Failure::new(Exit::Usage, message).help("leave out `--in-flight drop`"));
    }
    let began = Instant::now();
    let line = progress::Exploring::new(&scenario.name);
    let explored = explore::explore(&scenario, &options, &mut |at| {
        line.at(&at);
        if stop.load(Ordering::SeqCst) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    line.clear();
    let explored =
        explored.map_err(|why| Failure::new(Exit::Invalid, format!("{}: {why}", scenario.name)))?;
    let searched = began.elapsed();
    let findings = explored.findings();
    let report = explored.report(&scenario, &findings);
    write_files(args, &scenario, &explored, &report, &findings, console)?;
    match args.format {
        PlainFormat::Human => {
            let paint = console.paint(Stream::Out);
            let text = text::tell(&report, searched, paint);
            console.put(Stream::Out, &text)?;
        }
        PlainFormat::Json => as_data(&report, Shape::Array, console)?,
        PlainFormat::Jsonl => as_data(&report, Shape::Lines, console)?,
    }
    Ok(match report.conclusion {
        "complete" => Exit::Ok,
        "violation" => Exit::Unsafe,
        "interrupted" => Exit::Interrupted,
        _ => Exit::Inconclusive,
    })
}

fn jobs(asked: Option<u16>) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    asked.map_or_else(cores, usize::from)
}

fn write_files(
    args: &ExploreArgs,
    scenario: &Scenario,
    explored: &Exploration,
    report: &ExploreReport,
    findings: &Findings,
    console: &Console,
) -> Result<(), Failure> {
    if let Some(file) = &args.images {
        let mut lines = String::new();
        for line in explored.images() {
            lines += &line;
            lines.push('\n');
        }
        files::write(file, lines.as_bytes(), Existing::Replace)?;
    }
    if let Some(file) = &args.dot {
        let dot = explored.dot(scenario).ok_or_else(|| {
            let states = crate::render::units::count(report.states as u64);
            Failure::new(
                Exit::Usage,
                format!("{states} states make no picture, or not all of them were seen"),
            )
            .help("try fewer agents or stores, or --ballots 1")
        })?;
        files::write(file, dot.as_bytes(), Existing::Replace)?;
    }
    if let Some(file) = &args.lasso {
        let lasso = findings.lasso.as_ref().ok_or_else(|| {
            let message = if report.conclusion == "complete" {
                "no fair schedule holds a decision off for ever: there is nothing to certify"
            } else {
                "no fair cycle was found among the states seen"
            };
            Failure::new(Exit::Liveness, message)
        })?;
        let script = Script {
            stem: entries(&lasso.stem),
            turn: entries(&lasso.turn),
            ..Script::default()
        };
        let title = "A fair run that never decides";
        let summary = "A way and a cycle: nobody crashes, every operation is answered, and nothing is ever \
                       decided. `bivalent verify` checks it.";
        write_trace(
            (file, args.planted.planted()),
            scenario,
            &script,
            LASSO_STEPS,
            (title, summary),
            "stall",
            console,
        )?;
    }
    if let (Some(file), Conclusion::Broken { path, .. }) = (&args.trace, explored.conclusion()) {
        let script = Script {
            stem: entries(&path),
            turn: Vec::new(),
            ..Script::default()
        };
        let steps = script.stem.len() as u64 + LASSO_STEPS;
        let said = (
            "A shortest way to a violation",
            "Found by exploring every schedule.",
        );
        let trace = write_trace(
            (file, args.planted.planted()),
            scenario,
            &script,
            steps,
            said,
            "any",
            console,
        )?;
        let shows = |replayed: &Replayed| replayed.report.outcome == Outcome::Unsafe;
        if !trace::replay(&trace, None).as_ref().is_ok_and(shows) {
            // Of two writes of one agent to one record, a script can't say which.
            let message =
                "the simulator does not go this way to its end: the trace shows no violation";
            console.warning(message);
        }
    }
    Ok(())
}

fn entries(moves: &[Move]) -> Vec<Entry> {
    moves.iter().map(|taken| taken.entry()).collect()
}

fn write_trace(
    (file, planted): (&Path, Planted),
    base: &Scenario,
    script: &Script,
    steps: u64,
    said: (&str, &str),
    outcome: &str,
    console: &Console,
) -> Result<Trace, Failure> {
    let scripted = certificate::scripted(base, script, steps, said, outcome);
    let scenario = scripted.map_err(|errors| {
        console.scenario_errors(&errors);
        Failure::new(Exit::Bug, "the script makes no valid scenario")
    })?;
    let trace = Trace::record_planted(&scenario, 0, planted);
    files::write(file, trace.to_text().as_bytes(), Existing::Replace)?;
    Ok(trace)
}

fn as_data(report: &ExploreReport, shape: Shape, console: &mut Console) -> Result<(), Failure> {
    let mut sequence = Sequence::new(shape);
    let text = sequence.add(report) + sequence.end();
    console.data(text.as_bytes())
}

/// A size with its unit, in bytes.
pub(crate) fn memory(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: usize = match &text[digits.len()..] {
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err("a size is a number and MiB or GiB, like 4GiB".to_owned()),
    };
    let number: usize = digits
        .parse()
        .map_err(|_| "a size is a whole number and MiB or GiB, like 4GiB".to_owned())?;
    number
        .checked_mul(unit)
        .filter(|&bytes| bytes > 0)
        .ok_or_else(|| "is out of range".to_owned())
}
