//! Single runs that were named, to be run again and told.

use bivalent_sim::campaign::trace::{self, ReplayError, Trace};
use bivalent_sim::scenario::Scenario;
use bivalent_sim::scenario::planted::Planted;
use bivalent_sim::story::explain;

use crate::cli::planted;
use crate::console::Console;
use crate::exit::{Exit, Failure};
use crate::render::escape;

/// One run.
pub(crate) struct Run {
    /// Its scenario.
    pub(crate) scenario: Scenario,
    /// Its seed.
    pub(crate) seed: u64,
    /// The bug its agents have, if any.
    pub(crate) planted: Planted,
    /// What `replay` takes, as a shell does.
    pub(crate) again: String,
    /// It is out of a trace.
    pub(crate) is_trace: bool,
}

/// Traces as they are, all else through the catalogue and the disk. Where no seed is named it is the
/// first one that brings what the scenario promises.
pub(crate) fn runs(
    what: &[String],
    planted: Planted,
    console: &Console,
) -> Result<Vec<Run>, Failure> {
    let mut runs = Vec::new();
    for word in what {
        let help = "`bivalent replay SCENARIO@SEED -o FILE` writes a trace";
        if let Some(trace) = super::trace(word, help)? {
            planted::not_with_trace(planted, word)?;
            runs.push(of_trace(word, &trace, console)?);
            continue;
        }
        for picked in super::scenarios(std::slice::from_ref(word), console)? {
            let seed = picked.seed;
            let seed = seed.unwrap_or_else(|| explain::seed_of(&picked.scenario));
            let run = format!("{}@{seed:#x}", picked.scenario.name);
            runs.push(Run {
                again: escape::shell(&run) + &planted::again(planted),
                scenario: picked.scenario,
                seed,
                planted,
                is_trace: false,
            });
        }
    }
    Ok(runs)
}

/// The one run that was named; `why` says why no more than one will do.
pub(crate) fn one(
    what: &str,
    planted: Planted,
    why: &str,
    console: &Console,
) -> Result<Run, Failure> {
    let mut runs = runs(&[what.to_owned()], planted, console)?;
    if runs.len() > 1 {
        let message = format!("{what} is a folder; {why}");
        return Err(Failure::new(Exit::Usage, message).help("name a trace or SCENARIO@SEED"));
    }
    runs.pop()
        .ok_or_else(|| Failure::new(Exit::Nothing, format!("{what} holds no scenario")))
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
        Err(ReplayError::NeedsBug(name)) => return Err(super::needs_bug(file, &name)),
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
        is_trace: true,
    })
}
