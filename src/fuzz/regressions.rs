//! Regressions: what was found once and must not come back, run before anything else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bivalent_sim::campaign::failure::Failure as Wrong;
use bivalent_sim::campaign::guard::{BuiltIn, Guard, How};
use bivalent_sim::engine::runner::Rest;
use bivalent_sim::scenario::Scenario;
use bivalent_sim::scenario::planted::Planted;
use serde::Serialize;

use super::failed;
use crate::cli::fuzz::FuzzArgs;
use crate::console::{Console, Stream};
use crate::exit::{Exit, Failure};
use crate::files::{self, Existing};
use crate::render::{escape, units};
use crate::select;

/// The folder that is looked for where none is named.
const FOLDER: &str = "regressions";

/// The file of a campaign's folder that says what came of them.
const RESULTS: &str = "regressions.json";

/// What came of the regressions: each file, and what is wrong with its run, if anything is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Regressions(BTreeMap<String, Option<Wrong>>);

/// A file of the regressions that fails again.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Relapse {
    pub(crate) file: String,
    pub(crate) kind: String,
    pub(crate) detail: String,
}

impl Regressions {
    /// How many were run.
    pub(crate) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// Each file, and what is wrong with its run.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, Option<&Wrong>)> {
        let all = self.0.iter();
        all.map(|(file, wrong)| (file.as_str(), wrong.as_ref()))
    }

    /// Those that fail again.
    pub(crate) fn relapses(&self) -> Vec<Relapse> {
        let relapse = |(file, wrong): (&str, Option<&Wrong>)| {
            wrong.map(|wrong| Relapse {
                file: file.to_owned(),
                kind: wrong.word().to_owned(),
                detail: wrong.words(),
            })
        };
        self.all().filter_map(relapse).collect()
    }

    /// What exit code they would be.
    pub(crate) fn exit(&self) -> Exit {
        let wrong = self.all().filter_map(|(_, wrong)| wrong);
        wrong.fold(Exit::Ok, |exit, wrong| exit.or_worse(failed::exit(wrong)))
    }

    /// Adds what another part came to. What fails anywhere fails.
    pub(crate) fn add(&mut self, other: Self) {
        for (file, wrong) in other.0 {
            let known = self.0.entry(file).or_default();
            *known = known.take().or(wrong);
        }
    }

    /// Writes them into a campaign's folder.
    pub(crate) fn keep(&self, folder: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(&self.0).unwrap_or_default();
        let text = format!("{}\n", escape::json(&text));
        files::write(&folder.join(RESULTS), text.as_bytes(), Existing::Replace)
    }

    /// What a campaign's folder says of them: nothing, if there were none.
    pub(crate) fn read(folder: &Path) -> Result<Self, Failure> {
        let file = folder.join(RESULTS);
        if file.symlink_metadata().is_err() {
            return Ok(Self::default());
        }
        let invalid =
            |why: String| Failure::new(Exit::Invalid, format!("{}: {why}", file.display()));
        let text = files::read_trace(&file)?.ok_or_else(|| invalid("it is not text".to_owned()))?;
        let read = serde_json::from_str(&text);
        read.map(Self)
            .map_err(|error| invalid(format!("no results of regressions: {error}")))
    }
}

/// Runs every trace and scenario of the folder.
pub(super) fn run(
    args: &FuzzArgs,
    console: &mut Console,
    talk: Stream,
) -> Result<Regressions, Failure> {
    let named = args.regressions.clone();
    let folder = named.clone().unwrap_or_else(|| PathBuf::from(FOLDER));
    let mut came = Regressions::default();
    if named.is_none() && !folder.is_dir() {
        return Ok(came);
    }
    for file in files::files_below(&folder)? {
        let Some((scenario, how)) = load(&file, args.planted.planted(), console)? else {
            continue;
        };
        let wrong = judge(&scenario, how, args);
        came.0.insert(file.display().to_string(), wrong.clone());
        let Some(wrong) = wrong else {
            continue;
        };
        let word = failed::word(&wrong, console.paint(talk));
        let shown = escape::shell(&file.display().to_string());
        let what = escape::line(&wrong.words());
        console.put(talk, &format!("{word}  {shown}   {what}\n"))?;
    }
    if came.count() > 0 {
        let all = units::counted(came.count(), "regression", "regressions");
        let how = match came.relapses().len() as u64 {
            0 => "all pass".to_owned(),
            some => units::counted(some, "relapse", "relapses"),
        };
        console.put(talk, &format!("{all} run first: {how}\n"))?;
        console.flush()?;
    }
    Ok(came)
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
    bivalent_sim::campaign::guard::apart(patience, move || {
        let mut guard = Guard::new(&BuiltIn, &scenario);
        guard.judge(how)
    })
    .unwrap_or(Some(Wrong::Endless))
}
