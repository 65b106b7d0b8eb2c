//! Regressions: what was found once and must not come back, run before anything else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bivalent_sim::failure::Failure as Wrong;
use bivalent_sim::guard::{BuiltIn, Guard, How};
use bivalent_sim::planted::Planted;
use bivalent_sim::runner::Rest;
use bivalent_sim::scenario::Scenario;

use crate::cli::fuzz::FuzzArgs;
use crate::console::{Console, Stream};
use crate::exit::{Exit, Failure};
use crate::files;
use crate::render::{escape, units};
use crate::select;

/// The folder that is looked for where none is named.
const FOLDER: &str = "regressions";

/// Runs every trace and scenario of the folder; says what exit code that would be.
pub(super) fn run(args: &FuzzArgs, console: &mut Console, talk: Stream) -> Result<Exit, Failure> {
    let named = args.regressions.clone();
    let folder = named.clone().unwrap_or_else(|| PathBuf::from(FOLDER));
    if named.is_none() && !folder.is_dir() {
        return Ok(Exit::Ok);
    }
    let mut exit = Exit::Ok;
    let mut count = 0;
    for file in files::files_below(&folder)? {
        let Some((scenario, how)) = load(&file, args.planted.planted(), console)? else {
            continue;
        };
        count += 1;
        let Some(wrong) = judge(&scenario, how, args) else {
            continue;
        };
        let word = if wrong.is_unsafe() {
            exit = exit.or_worse(Exit::Unsafe);
            console.paint(talk).bad("FAIL")
        } else {
            exit = exit.or_worse(Exit::Liveness);
            console.paint(talk).odd("STALL")
        };
        let shown = escape::shell(&file.display().to_string());
        let what = escape::line(&wrong.words());
        console.put(talk, &format!("{word}  {shown}   {what}\n"))?;
    }
    if count > 0 {
        let all = units::counted(count, "regression", "regressions");
        let how = if exit == Exit::Ok {
            "all pass"
        } else {
            "a relapse"
        };
        console.put(talk, &format!("{all} run first: {how}\n"))?;
        console.flush()?;
    }
    Ok(exit)
}

/// A run that a file stands for; none if the file is neither a trace nor a scenario.
fn load(
    file: &Path,
    planted: Planted,
    console: &Console,
) -> Result<Option<(Scenario, How)>, Failure> {
    let name = file.display().to_string();
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => {
            let mut scenario = select::one(&name, "a regression is one file", console)?;
            scenario.planted = planted;
            let seed = scenario.schedule.seed;
            Ok(Some((scenario, How::Seed(seed))))
        }
        Some("trace") => {
            let help = "a trace is what `bivalent replay -o` or a campaign writes";
            let Some(trace) = select::trace(&name, help)? else {
                return Ok(None);
            };
            let mut scenario = trace.scenario().map_err(|errors| {
                console.scenario_errors(&errors);
                Failure::new(Exit::Invalid, format!("{name}: its scenario is invalid"))
            })?;
            // The agents of this build, not those of the build that failed.
            scenario.planted = planted;
            let list = trace.list().to_vec();
            Ok(Some((scenario, How::Following(list, Rest::First))))
        }
        Some(_) | None => Ok(None),
    }
}

/// What is wrong with a run, if anything is; one that does not come back is not waited for.
fn judge(scenario: &Scenario, how: How, args: &FuzzArgs) -> Option<Wrong> {
    let scenario = Arc::new(scenario.clone());
    let patience = args.hang_after.unwrap_or(super::HANG);
    bivalent_sim::guard::apart(patience, move || {
        let mut guard = Guard::new(&BuiltIn, &scenario);
        guard.judge(how)
    })
    .unwrap_or(Some(Wrong::Endless))
}
