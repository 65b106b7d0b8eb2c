//! `bivalent explain`: why a run came out as it did, and what would have helped.

use bivalent_sim::explain::{self, Explanation};
use bivalent_sim::planted::Planted;
use bivalent_sim::scenario::Scenario;
use bivalent_sim::trace::{self, ReplayError, Trace};

use crate::cli::{ExplainArgs, TellingFormat, planted};
use crate::console::{Console, Stream};
use crate::exit::{Exit, Failure};
use crate::render::escape;
use crate::render::explain::{markdown, tell};
use crate::render::json::{Sequence, Shape};
use crate::{bug, interrupt, select};

/// One run to explain.
struct Run {
    scenario: Scenario,
    seed: u64,
    planted: Planted,
    /// What `replay` takes, as a shell does.
    again: String,
}

/// Explains the runs that were named.
pub(crate) fn explain(args: &ExplainArgs, console: &mut Console) -> Result<Exit, Failure> {
    let interrupted = interrupt::listen();
    let runs = runs(&args.what, args.planted.planted(), console)?;
    let mut sequence = match args.format {
        TellingFormat::Human | TellingFormat::Markdown => None,
        TellingFormat::Json => Some(Sequence::new(Shape::Array)),
        TellingFormat::Jsonl => Some(Sequence::new(Shape::Lines)),
    };
    let mut told = 0;
    let mut exit = Exit::Ok;
    for Run {
        scenario,
        seed,
        planted,
        again,
    } in &runs
    {
        if interrupted.load(std::sync::atomic::Ordering::Relaxed) {
            exit = Exit::Interrupted;
            break;
        }
        bug::while_running(format!("{}@{seed:#x}", scenario.name));
        let explained = explain::explain_planted(scenario, *seed, *planted);
        if args.stalled && explained.stalls.is_empty() {
            continue;
        }
        told += 1;
        match (&mut sequence, args.format) {
            (Some(sequence), _) => console.data(sequence.add(&explained).as_bytes())?,
            (None, TellingFormat::Markdown) => {
                console.put(Stream::Out, &markdown(scenario, &explained))?;
            }
            (None, _) => human(told, &explained, again, console)?,
        }
    }
    if let Some(sequence) = &sequence {
        console.data(sequence.end().as_bytes())?;
    }
    if told == 0 && exit == Exit::Ok {
        return Err(Failure::new(Exit::Nothing, "none of these runs stalls"));
    }
    Ok(exit)
}

fn human(
    number: usize,
    explained: &Explanation,
    again: &str,
    console: &mut Console,
) -> Result<(), Failure> {
    let gap = if number > 1 { "\n" } else { "" };
    let paint = console.paint(Stream::Out);
    let text = tell(explained, again, paint, Console::width(Stream::Out));
    console.put(Stream::Out, &format!("{gap}{text}"))
}

/// Traces as they are, all else through the catalogue and the disk.
fn runs(what: &[String], planted: Planted, console: &Console) -> Result<Vec<Run>, Failure> {
    let mut runs = Vec::new();
    for word in what {
        let help = "`bivalent replay SCENARIO@SEED -o FILE` writes a trace";
        if let Some(trace) = select::trace(word, help)? {
            planted::not_with_trace(planted, word)?;
            runs.push(of_trace(word, &trace, console)?);
            continue;
        }
        for picked in select::scenarios(std::slice::from_ref(word), console)? {
            let seed = picked.seed;
            let seed = seed.unwrap_or_else(|| explain::seed_of(&picked.scenario));
            let run = format!("{}@{seed:#x}", picked.scenario.name);
            runs.push(Run {
                again: escape::shell(&run) + &planted::again(planted),
                scenario: picked.scenario,
                seed,
                planted,
            });
        }
    }
    Ok(runs)
}

/// A trace's run, if it is the same again.
fn of_trace(file: &str, trace: &Trace, console: &Console) -> Result<Run, Failure> {
    let invalid = |why: &str| Failure::new(Exit::Invalid, why);
    match trace::replay(trace, None) {
        Ok(_) => {}
        Err(ReplayError::Invalid(errors)) => {
            console.scenario_errors(&errors);
            return Err(invalid(&format!("{file}: its scenario is invalid")));
        }
        Err(ReplayError::NeedsBug(name)) => return Err(select::needs_bug(file, &name)),
        Err(ReplayError::Diverged { step, .. }) => {
            let message = format!("{file}: this build does not repeat it, from step {step} on");
            let help = format!("`bivalent replay {file}` says how it differs");
            return Err(Failure::new(Exit::Diverged, message).help(help));
        }
    }
    let scenario = trace
        .scenario()
        .map_err(|_| invalid(&format!("{file}: its scenario is invalid")))?;
    let seed = trace.seed();
    let planted = trace.planted().unwrap_or_default();
    Ok(Run {
        again: escape::shell(file),
        scenario,
        seed,
        planted,
    })
}
