//! `bivalent explain`: why a run came out as it did, and what would have helped.

use bivalent_sim::story::explain::{self, Explanation};
use bivalent_sim::story::influence;

use crate::cli::{ExplainArgs, TellingFormat};
use crate::console::{Console, Stream};
use crate::exit::{Exit, Failure};
use crate::render::explain::{markdown, tell};
use crate::render::influence::tell_past;
use crate::render::json::{Sequence, Shape};
use crate::render::units::count;
use crate::select::run::{Run, one, runs};
use crate::{bug, interrupt};

/// Explains the runs that were named.
pub(crate) fn explain(args: &ExplainArgs, console: &mut Console) -> Result<Exit, Failure> {
    if let Some(step) = args.influences {
        return influences(step, args, console);
    }
    let interrupted = interrupt::listen();
    let runs = runs(&args.what, args.planted.planted(), console)?;
    let mut sequence = as_data(args.format);
    let mut told = 0;
    let mut exit = Exit::Ok;
    for Run {
        scenario,
        seed,
        planted,
        again,
        ..
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

/// Tells all that could have influenced what happened at a step of one run.
fn influences(step: u64, args: &ExplainArgs, console: &mut Console) -> Result<Exit, Failure> {
    let [what] = &args.what[..] else {
        let message = "--influences asks for a step of one run, and several were named";
        return Err(Failure::new(Exit::Usage, message).help("name a trace or SCENARIO@SEED"));
    };
    if args.format == TellingFormat::Markdown {
        let message = "--influences has no Markdown";
        let help = "leave out --format, or take json or jsonl";
        return Err(Failure::new(Exit::Usage, message).help(help));
    }
    let why = "--influences asks for a step of one run";
    let run = one(what, args.planted.planted(), why, console)?;
    bug::while_running(format!("{}@{:#x}", run.scenario.name, run.seed));
    let told = influence::of_step(&run.scenario, run.seed, run.planted, step);
    let told = told.map_err(|missing| {
        let near = [missing.before, missing.after];
        let near = near.into_iter().flatten().map(count).collect::<Vec<_>>();
        let help = match near[..] {
            [] => "no agent does anything in this run".to_owned(),
            [..] => format!("the nearest steps with one: {}", near.join(" and ")),
        };
        Failure::new(Exit::Usage, missing.to_string()).help(help)
    })?;
    if let Some(mut sequence) = as_data(args.format) {
        let text = sequence.add(&told) + sequence.end();
        console.data(text.as_bytes())?;
    } else {
        let paint = console.paint(Stream::Out);
        let text = tell_past(&told, paint, Console::width(Stream::Out));
        console.put(Stream::Out, &text)?;
    }
    Ok(Exit::Ok)
}

const fn as_data(format: TellingFormat) -> Option<Sequence> {
    match format {
        TellingFormat::Human | TellingFormat::Markdown => None,
        TellingFormat::Json => Some(Sequence::new(Shape::Array)),
        TellingFormat::Jsonl => Some(Sequence::new(Shape::Lines)),
    }
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
