//! Profiles: settings of a campaign by name, in `bivalent.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bivalent_sim::campaign::fuzz::Portfolio;
use serde::Deserialize;

use super::partition::Partition;
use crate::cli::fuzz::{FuzzArgs, duration, share};
use crate::coordinate;
use crate::exit::{Exit, Failure};
use crate::files;

/// The file that is read where none is named.
const FILE: &str = "bivalent.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    profile: BTreeMap<String, Profile>,
}

/// What a profile says; each key is an option of the same name.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Profile {
    scenarios: Option<Vec<String>>,
    runs: Option<u64>,
    seeds: Option<String>,
    r#for: Option<String>,
    jobs: Option<u16>,
    stop_after: Option<u64>,
    out: Option<PathBuf>,
    partition: Option<String>,
    regressions: Option<PathBuf>,
    portfolio: Option<String>,
    swarm: Option<bool>,
    check_determinism: Option<String>,
    hang_after: Option<String>,
}

/// Completes what was typed with what the profile says that was named, if one was.
pub(crate) fn complete(mut args: FuzzArgs) -> Result<FuzzArgs, Failure> {
    let Some(name) = args.profile.clone() else {
        return Ok(args);
    };
    let file = args.config.clone().unwrap_or_else(|| FILE.into());
    if args.config.is_none() && !file.exists() {
        let message = format!("there is no {FILE} here, which would say what `{name}` is");
        let help = "run it where that file is, or name another one: --config FILE";
        return Err(Failure::new(Exit::File, message).help(help));
    }
    let profile = read(&file, &name)?;
    let key = |key: &str, why: String| {
        let message = format!("{}: `{key}` of [profile.{name}]: {why}", file.display());
        Failure::new(Exit::Invalid, message)
    };
    if args.what.is_empty() {
        args.what = profile.scenarios.unwrap_or_default();
    }
    // One of the three; an option replaces whichever of them the profile has.
    if args.runs.is_none() && args.seeds.is_none() && args.r#for.is_none() {
        args.runs = profile.runs;
        if let Some(text) = profile.seeds {
            let seeds = coordinate::seeds(&text);
            args.seeds = Some(seeds.map_err(|why| key("seeds", why))?);
        }
        if let Some(text) = profile.r#for {
            args.r#for = Some(duration(&text).map_err(|why| key("for", why))?);
        }
        if args.runs.is_some() && (args.seeds.is_some() || args.r#for.is_some()) {
            let why = "`runs` says how many, and so do `seeds` and `for`".to_owned();
            return Err(key("runs", why));
        }
    }
    args.jobs = args.jobs.or(profile.jobs.filter(|&jobs| jobs > 0));
    args.stop_after = args.stop_after.or(profile.stop_after);
    args.out = args.out.or(profile.out);
    args.regressions = args.regressions.or(profile.regressions);
    if let (None, Some(text)) = (args.partition, profile.partition) {
        args.partition = Some(Partition::parse(&text).map_err(|why| key("partition", why))?);
    }
    if let (None, Some(text)) = (args.portfolio, profile.portfolio) {
        args.portfolio = Some(Portfolio::parse(&text).map_err(|why| key("portfolio", why))?);
    }
    if let (None, Some(text)) = (args.check_determinism, profile.check_determinism) {
        let share = share(&text).map_err(|why| key("check-determinism", why))?;
        args.check_determinism = Some(share);
    }
    if let (None, Some(text)) = (args.hang_after, profile.hang_after) {
        args.hang_after = Some(duration(&text).map_err(|why| key("hang-after", why))?);
    }
    args.no_swarm |= profile.swarm == Some(false);
    Ok(args)
}

fn read(file: &Path, name: &str) -> Result<Profile, Failure> {
    let shown = file.display();
    let invalid = |message: String| Failure::new(Exit::Invalid, message);
    let text = files::read_scenario(file)?
        .ok_or_else(|| invalid(format!("{shown} is not a text file")))?;
    let config: Config = toml::from_str(&text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let before = text.get(..at).unwrap_or_default();
        let line = 1 + before.matches('\n').count();
        let help = "keys are scenarios, runs, seeds, for, jobs, stop-after, out, partition, regressions, \
                    portfolio, swarm, check-determinism, hang-after";
        invalid(format!("{shown}:{line}: {}", error.message().trim())).help(help)
    })?;
    let known: Vec<String> = config.profile.keys().cloned().collect();
    let mut profiles = config.profile;
    profiles.remove(name).ok_or_else(|| {
        let message = format!("{shown} has no profile `{name}`");
        let help = if known.is_empty() {
            format!("add one: [profile.{name}]")
        } else {
            format!("it has {}", known.join(", "))
        };
        invalid(message).help(help)
    })
}
