//! `bivalent shrink`: a smaller run that fails alike.

use std::sync::Arc;

use bivalent_sim::campaign::fuzz::Effort;
use bivalent_sim::campaign::guard::{self, BuiltIn, Guard, How, Subject};
use bivalent_sim::campaign::shrink::{self, Limits};
use bivalent_sim::campaign::trace::Trace;
use bivalent_sim::engine::runner::Rest;
use bivalent_sim::scenario::Scenario;

use crate::cli::fuzz::ShrinkArgs;
use crate::cli::planted;
use crate::console::{Console, Stream};
use crate::exit::{Exit, Failure};
use crate::files::{self, Existing};
use crate::render::{escape, units};
use crate::{bug, select};

/// Shrinks what was named.
pub(crate) fn shrink(args: &ShrinkArgs, console: &mut Console) -> Result<Exit, Failure> {
    let (scenario, seed, choices) = load(args, console)?;
    bug::while_running(format!("{}@{seed:#x}", scenario.name));
    let how = match &choices {
        Some(choices) => How::Following(choices.clone(), Rest::First),
        None => How::Kept(seed),
    };
    let own = scenario.clone();
    let run = guard::apart(super::HANG, move || {
        let mut guard = Guard::new(&BuiltIn, &own);
        let failure = guard.judge(how);
        (failure, guard.take_choices())
    });
    let Some((failure, list)) = run else {
        let message = format!("{} never comes to an end", args.what);
        let help = "a run that stops in the middle of a step can't be made smaller";
        return Err(Failure::new(Exit::Inconclusive, message).help(help));
    };
    let Some(failure) = failure else {
        let message = format!(
            "{} does not fail: there is nothing to keep while it gets smaller",
            args.what
        );
        let help = "a failure is a property broken inside the envelope, or a stall or wedge where none was promised";
        return Err(Failure::new(Exit::Nothing, message).help(help));
    };
    let limits = Limits {
        runs: args.tries,
        ..Limits::default()
    };
    let subject: Arc<dyn Subject> = Arc::new(BuiltIn);
    let effort = Effort::new(limits, super::HANG);
    let shrunk = shrink::shrink_watched(
        &subject,
        &scenario,
        &list,
        &failure,
        limits,
        effort.patience,
    );
    let shrunk = shrunk.ok_or_else(|| {
        Failure::new(
            Exit::Diverged,
            format!("{} does not fail like that again", args.what),
        )
    })?;
    let (before, after) = (shrunk.before, shrunk.after);
    let mut small = shrunk.scenario;
    small.schedule.choices = Some(shrunk.choices.clone().into());
    small.expect.seeds = None;
    small.text = String::new();
    small.text = small.to_toml();
    let trace = Trace::of_guarded(&BuiltIn, &small, seed, &shrunk.choices);
    files::write(&args.output, trace.to_text().as_bytes(), Existing::Replace)?;
    if let Some(file) = &args.scenario {
        files::write(file, small.text.as_bytes(), Existing::Replace)?;
    }
    let paint = console.paint(Stream::Out);
    let end = if shrunk.complete {
        "nothing single can be left out"
    } else {
        "the tries, or the steps they may take together, were used up"
    };
    let text = format!(
        "{}  {}\n  steps    {} -> {}\n  agents   {} -> {}\n  stores   {} -> {}\n  faults   {} -> {}\n  choices  {} -> {}\n  {}; {end}\n",
        paint.good("smaller"),
        escape::line(&failure.words()),
        units::count(before.steps),
        units::count(after.steps),
        before.agents,
        after.agents,
        before.stores,
        after.stores,
        before.faults,
        after.faults,
        units::count(before.choices),
        units::count(after.choices),
        units::counted(shrunk.tried, "try", "tries"),
    );
    console.put(Stream::Out, &text)?;
    let file = escape::shell(&args.output.display().to_string());
    console.put(Stream::Out, &format!("  Again    bivalent replay {file}\n"))?;
    Ok(Exit::Ok)
}

/// A scenario, a seed, and the choices of a trace.
fn load(
    args: &ShrinkArgs,
    console: &Console,
) -> Result<(Scenario, u64, Option<Vec<u32>>), Failure> {
    let help = "`bivalent replay SCENARIO@SEED -o FILE` writes a trace";
    let asked = args.planted.planted();
    if let Some(trace) = select::trace(&args.what, help)? {
        planted::not_with_trace(asked, &args.what)?;
        let invalid = |errors| {
            console.scenario_errors(&errors);
            Failure::new(
                Exit::Invalid,
                format!("{}: its scenario is invalid", args.what),
            )
        };
        let mut scenario = trace.scenario().map_err(invalid)?;
        scenario.planted = trace
            .planted()
            .map_err(|name| select::needs_bug(&args.what, name))?;
        scenario.schedule.choices = None;
        let list = trace.list().to_vec();
        return Ok((scenario, trace.seed(), Some(list)));
    }
    let run = select::run::one(&args.what, asked, "one run is shrunk", console)?;
    let mut scenario = run.scenario;
    scenario.planted = run.planted;
    let list = scenario.schedule.choices.take().map(|list| list.to_vec());
    Ok((scenario, run.seed, list))
}
