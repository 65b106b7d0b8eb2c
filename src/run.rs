//! `bivalent run`: scenarios, each judged against its own expectation.

mod session;
pub(crate) mod verdict;

use std::ops::Range;
use std::time::Instant;

use bivalent_sim::campaign::Policy;
use bivalent_sim::scenario::{Expected, Scenario};

use crate::cli::RunArgs;
use crate::console::Console;
use crate::exit::{Exit, Failure};
use crate::select::{self, Picked};
use crate::{files, interrupt};
use session::Session;
use verdict::Tested;

/// A scenario and how to run it.
pub(crate) struct Plan {
    /// The scenario.
    pub(crate) scenario: Scenario,
    /// The seeds to run.
    pub(crate) seeds: Range<u64>,
    /// When to stop.
    pub(crate) policy: Policy,
}

/// Runs what was named.
pub(crate) fn run(args: &RunArgs, console: &mut Console) -> Result<Exit, Failure> {
    let began = Instant::now();
    let stop = interrupt::listen();
    let plans = plans(args, console)?;
    if let Some(folder) = &args.trace {
        files::make_folder(folder)?;
    }
    let mut session = Session::new(args, console, &plans);
    session.begin()?;
    let mut tested: Vec<Tested<'_>> = Vec::new();
    for plan in &plans {
        if stop.load(std::sync::atomic::Ordering::SeqCst) {
            break;
        }
        tested.push(session.test(plan, stop)?);
    }
    session.end(&tested, plans.len(), began.elapsed())?;
    let interrupted = tested.len() < plans.len() || tested.iter().any(|t| t.summary.interrupted);
    Ok(exit(&tested, interrupted, args.strict))
}

fn exit(tested: &[Tested<'_>], interrupted: bool, strict: bool) -> Exit {
    if interrupted {
        return Exit::Interrupted;
    }
    let untested = strict && tested.iter().any(|t| !t.summary.never_landed.is_empty());
    let least = if untested { Exit::Nothing } else { Exit::Ok };
    tested
        .iter()
        .fold(least, |exit, t| exit.or_worse(t.verdict.exit()))
}

fn plans(args: &RunArgs, console: &Console) -> Result<Vec<Plan>, Failure> {
    let picked = select::scenarios(&args.what, console)?;
    let mut plans = Vec::new();
    for one in picked {
        let tagged = |tag: &String| one.scenario.tags.contains(tag);
        if args.tag.as_ref().is_none_or(tagged) {
            let mut plan = plan(one, args)?;
            plan.scenario.planted = args.planted.planted();
            plans.push(plan);
        }
    }
    if plans.is_empty() {
        let tag = args.tag.as_deref().unwrap_or_default();
        let failure = Failure::new(Exit::Nothing, format!("no scenario has the tag `{tag}`"));
        return Err(failure.help("`bivalent scenario list` shows the tags of the built-in ones"));
    }
    Ok(plans)
}

fn plan(picked: Picked, args: &RunArgs) -> Result<Plan, Failure> {
    let Picked { scenario, seed } = picked;
    let asked = args.seed.map(one).or(args.seeds.clone());
    if seed.is_some() && asked.is_some() {
        let message = format!(
            "{} is given a seed twice: after @ and by an option",
            scenario.name
        );
        return Err(Failure::new(Exit::Usage, message));
    }
    let promised = scenario.expect.seeds.map(|(from, to)| from..to);
    let (seeds, policy) = match seed.map(one).or(asked) {
        Some(seeds) => (seeds, Policy::All),
        None => (
            promised.unwrap_or_else(|| one(scenario.schedule.seed)),
            policy(scenario.expect.outcome),
        ),
    };
    Ok(Plan {
        scenario,
        seeds,
        policy,
    })
}

/// `coordinate::seed` refuses the greatest number, and a scenario can't write it.
const fn one(seed: u64) -> Range<u64> {
    seed..seed.saturating_add(1)
}

const fn policy(expected: Expected) -> Policy {
    match expected {
        Expected::Violation(property) => Policy::UntilViolation(property),
        Expected::ViolationOrWedge(property) => Policy::UntilViolationOrWedge(property),
        Expected::Any
        | Expected::Decide
        | Expected::Stall { .. }
        | Expected::Wedge
        | Expected::Unwedged => Policy::All,
    }
}
