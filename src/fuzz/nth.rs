//! The n-th operation fails: a fault at the first operation of each scenario, at the second, and so on, until a
//! run has no such operation. Systematic, where chance is not.

use std::sync::atomic::{AtomicBool, Ordering};

use bivalent_sim::campaign::fuzz::nth::{Nth, nth_faults};
use bivalent_sim::scenario::Scenario;
use bivalent_sim::scenario::fault::FaultKind;
use serde::Serialize;

use super::failed;
use crate::cli::Format;
use crate::cli::fuzz::FuzzArgs;
use crate::console::Console;
use crate::exit::{Exit, Failure};
use crate::progress::Progress;
use crate::render::escape;
use crate::render::json::{Sequence, Shape};
use crate::render::units::{count, counted};

/// Operations of a scenario that are tried at most.
const OPERATIONS_MAX: u64 = 1_000_000;

/// What came of one scenario, as other programs read it.
#[derive(Debug, Serialize)]
struct Told<'a> {
    scenario: &'a str,
    fault: &'static str,
    operations: u64,
    landed: u64,
    failures: Vec<ToldFailure>,
    complete: bool,
}

#[derive(Debug, Serialize)]
struct ToldFailure {
    operation: u64,
    kind: String,
    detail: String,
}

/// Tries a kind of fault on every operation of every scenario.
pub(super) fn nth(
    kind: FaultKind,
    scenarios: &[Scenario],
    args: &FuzzArgs,
    console: &mut Console,
    stop: &'static AtomicBool,
) -> Result<Exit, Failure> {
    let talk = super::talk(args.format);
    let mut sequence = match args.format {
        Format::Human | Format::Github => None,
        Format::Json => Some(Sequence::new(Shape::Array)),
        Format::Jsonl => Some(Sequence::new(Shape::Lines)),
    };
    let (mut exit, mut runs, mut landed, mut skipped) = (Exit::Ok, 0, 0, 0);
    for scenario in scenarios {
        let line = Progress::new(&scenario.name, OPERATIONS_MAX, false);
        let found = nth_faults(scenario, kind, OPERATIONS_MAX, &mut |operation| {
            line.done(operation);
            !stop.load(Ordering::SeqCst)
        });
        line.clear();
        let Some(found) = found else {
            skipped += 1;
            continue;
        };
        runs += found.operations;
        landed += found.landed;
        if let Some(sequence) = &mut sequence {
            console.data(sequence.add(&told(scenario, kind, &found)).as_bytes())?;
        }
        for (_, failure) in &found.failures {
            exit = exit.or_worse(failed::exit(failure));
        }
        let text = row(scenario, &found, console, talk);
        console.put(talk, &text)?;
        if stop.load(Ordering::SeqCst) {
            exit = exit.or_worse(Exit::Interrupted);
            break;
        }
    }
    if let Some(sequence) = &sequence {
        console.data(sequence.end().as_bytes())?;
    }
    let name = kind.name();
    let more = if skipped > 0 {
        format!(
            "; {} can't have it",
            counted(skipped, "scenario", "scenarios")
        )
    } else {
        String::new()
    };
    let text = format!(
        "{} with `{name}` at one operation each, {} took effect{more}\n",
        counted(runs, "run", "runs"),
        count(landed)
    );
    console.put(talk, &text)?;
    if landed == 0 && exit == Exit::Ok {
        return Ok(Exit::Nothing);
    }
    Ok(exit)
}

fn told<'a>(scenario: &'a Scenario, kind: FaultKind, found: &Nth) -> Told<'a> {
    let failures = found.failures.iter();
    Told {
        scenario: &scenario.name,
        fault: kind.name(),
        operations: found.operations,
        landed: found.landed,
        failures: failures
            .map(|(operation, failure)| ToldFailure {
                operation: *operation,
                kind: failure.word().to_owned(),
                detail: failure.words(),
            })
            .collect(),
        complete: found.complete,
    }
}

fn row(
    scenario: &Scenario,
    found: &Nth,
    console: &Console,
    talk: crate::console::Stream,
) -> String {
    let paint = console.paint(talk);
    let name = escape::line(&scenario.name);
    let operations = counted(found.operations, "operation", "operations");
    let Some((operation, failure)) = found.failures.first() else {
        let word = if found.complete {
            paint.good("ok")
        } else {
            paint.odd("UNSURE")
        };
        return format!(
            "{word}  {name}  {operations}, {} took effect\n",
            count(found.landed)
        );
    };
    let word = failed::word(failure, paint);
    format!(
        "{word}  {name}  {} of {operations}: at {} {}\n      Again  add to a copy of it:  [[fault]] nth = {operation}, and the fault\n",
        counted(found.failures.len() as u64, "failure", "failures"),
        count(*operation),
        escape::line(&failure.words()),
    )
}
