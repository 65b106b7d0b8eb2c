//! `bivalent replay`: a run again, every step compared.

use bivalent_sim::campaign::trace::{self, ReplayError, Trace};
use bivalent_sim::judge::report::RunReport;
use bivalent_sim::scenario::Scenario;
use bivalent_sim::story;
use unicode_width::UnicodeWidthStr;

use crate::cli::{PlainFormat, ReplayArgs, planted};
use crate::console::{Console, Stream};
use crate::exit::{Exit, Failure};
use crate::files::{self, Existing};
use crate::render::json::{Sequence, Shape};
use crate::render::table::Table;
use crate::render::{escape, human, units};
use crate::run::verdict::Verdict;
use crate::{bug, select};

/// Replays what was named.
pub(crate) fn replay(args: &ReplayArgs, console: &mut Console) -> Result<Exit, Failure> {
    let (trace, scenario) = load(args, console)?;
    let run = format!("{}@{:#x}", trace.scenario_name(), trace.seed());
    bug::while_running(&*run);
    if let Some(file) = &args.output {
        files::write(file, trace.to_text().as_bytes(), Existing::Replace)?;
    }
    match trace::replay(&trace, args.until) {
        Ok(replayed) => {
            match args.format {
                PlainFormat::Human => {
                    identical(&run, &replayed.report, replayed.compared, &trace, console)?;
                }
                PlainFormat::Json => as_data(&replayed.report, Shape::Array, console)?,
                PlainFormat::Jsonl => as_data(&replayed.report, Shape::Lines, console)?,
            }
            if args.explain {
                explain(&run, &replayed.report, &trace, scenario, args, console)?;
            }
            Ok(Exit::Ok)
        }
        Err(ReplayError::Invalid(errors)) => {
            console.scenario_errors(&errors);
            let message = format!("{}: its scenario is invalid", args.what);
            Err(Failure::new(Exit::Invalid, message))
        }
        Err(ReplayError::NeedsBug(name)) => Err(select::needs_bug(&args.what, &name)),
        Err(ReplayError::Diverged {
            step,
            total,
            recorded,
            found,
            trace_build,
            this_build,
        }) => {
            if args.format == PlainFormat::Json {
                console.data(Sequence::new(Shape::Array).end().as_bytes())?;
            }
            let paint = console.paint(Stream::Err);
            let mut text = format!(
                "{} at step {} of {}: recorded \"{}\", now \"{}\"\n",
                paint.bad("DIVERGED"),
                units::count(step),
                units::count(total),
                escape::line(&recorded),
                escape::line(&found),
            );
            text += &format!(
                "  trace made by {}; this is {}\n",
                escape::line(&trace_build),
                escape::line(&this_build)
            );
            if step > 1 {
                let last = step - 1;
                let file = escape::shell(&args.what);
                text += &format!("  Steps 1-{last} are identical.");
                text += &format!(" Look: bivalent replay {file} --until {last} --explain\n");
            }
            console.put(Stream::Err, &text)?;
            Ok(Exit::Diverged)
        }
    }
}

/// A trace out of a file, or one made from a coordinate, then with its scenario.
fn load(args: &ReplayArgs, console: &Console) -> Result<(Trace, Option<Scenario>), Failure> {
    let ReplayArgs { what, planted, .. } = args;
    let planted = planted.planted();
    let help = "`bivalent replay SCENARIO@SEED -o FILE` writes a trace";
    if let Some(trace) = select::trace(what, help)? {
        planted::not_with_trace(planted, what)?;
        return Ok((trace, None));
    }
    let mut picked = select::scenarios(std::slice::from_ref(what), console)?;
    if picked.len() > 1 {
        let message = format!("{what} is a folder; a replay takes one run");
        return Err(Failure::new(Exit::Usage, message).help("name a trace or SCENARIO@SEED"));
    }
    let Some(one) = picked.pop() else {
        return Err(Failure::new(Exit::Nothing, "nothing to replay"));
    };
    let seed = one.seed.unwrap_or(one.scenario.schedule.seed);
    bug::while_running(format!("{}@{seed:#x}", one.scenario.name));
    let mut scenario = one.scenario;
    scenario.planted = planted;
    let trace = Trace::record(&scenario, seed);
    Ok((trace, Some(scenario)))
}

fn identical(
    run: &str,
    report: &RunReport,
    compared: u64,
    trace: &Trace,
    console: &mut Console,
) -> Result<(), Failure> {
    let paint = console.paint(Stream::Out);
    let steps = units::counted(compared, "step", "steps");
    if compared < trace.steps() {
        let total = units::count(trace.steps());
        let text = format!(
            "{}  the first {steps} of {total}\n",
            paint.good("identical:")
        );
        return console.put(Stream::Out, &text);
    }
    let fingerprint = &report.fingerprint;
    let text = format!(
        "{}  {steps}, fingerprint {fingerprint}\n",
        paint.good("identical:")
    );
    console.put(Stream::Out, &text)?;
    let name = escape::line(run);
    let table = Table::new(name.width(), 3, Console::width(Stream::Out));
    let verdict = human::verdict(Verdict::of(report), paint);
    let line = table.line(&human::row_of_run(run, report), verdict);
    console.put(Stream::Out, &line)
}

fn as_data(report: &RunReport, shape: Shape, console: &mut Console) -> Result<(), Failure> {
    let mut sequence = Sequence::new(shape);
    let text = sequence.add(report) + sequence.end();
    console.data(text.as_bytes())
}

fn explain(
    run: &str,
    report: &RunReport,
    trace: &Trace,
    scenario: Option<Scenario>,
    args: &ReplayArgs,
    console: &mut Console,
) -> Result<(), Failure> {
    // A trace carries a scenario that need not be the one of that name.
    let (scenario, run) = match scenario {
        Some(scenario) => (scenario, run),
        None => match trace.scenario() {
            Ok(scenario) => (scenario, &*args.what),
            // It has just been replayed.
            Err(_) => return Ok(()),
        },
    };
    // It has just been replayed.
    let planted_bug = trace.planted().unwrap_or_default();
    let talk = match args.format {
        PlainFormat::Human => Stream::Out,
        PlainFormat::Json | PlainFormat::Jsonl => Stream::Err,
    };
    let paint = console.paint(talk);
    let verdict = Verdict::of(report);
    let text = crate::render::story::tell(
        &human::verdict(verdict, paint)(verdict.word()),
        &story::tell_planted(&scenario, trace.seed(), planted_bug),
        &(escape::shell(run) + &planted::again(scenario.planted)),
        paint,
        Console::width(talk),
    );
    console.put(talk, &format!("\n{text}"))
}
