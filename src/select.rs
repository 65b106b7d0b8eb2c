//! From what was typed to scenarios: paths, folders, built-in names, coordinates.

pub(crate) mod run;

use std::path::Path;

use bivalent_sim::campaign::trace::{Trace, TraceError};
use bivalent_sim::scenario::Scenario;
use bivalent_sim::scenario::ScenarioErrors;
use bivalent_sim::scenario::catalogue::{self, Chapter};

use crate::console::Console;
use crate::coordinate;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::render::units;

/// A scenario that was named, and the seed that was named with it.
pub(crate) struct Picked {
    /// The scenario.
    pub(crate) scenario: Scenario,
    /// The seed of a coordinate.
    pub(crate) seed: Option<u64>,
}

/// A scenario's text and where it is from.
pub(crate) struct Source {
    /// Its name: a path, or a built-in one's name.
    pub(crate) name: String,
    /// `None`: the file is not text.
    pub(crate) text: Option<String>,
    /// It is in the binary, not in a file.
    pub(crate) built_in: bool,
    /// The seed of a coordinate.
    pub(crate) seed: Option<u64>,
}

/// Reads what was named, or the catalogue if nothing was. All errors of all files are told before
/// this gives up.
pub(crate) fn scenarios(what: &[String], console: &Console) -> Result<Vec<Picked>, Failure> {
    let (sources, unreadable) = sources(what);
    let mut picked = Vec::new();
    let mut errors = 0;
    for source in sources {
        match parse(&source) {
            Ok(scenario) => picked.push(Picked {
                scenario,
                seed: source.seed,
            }),
            Err(invalid) => {
                console.scenario_errors(&invalid);
                errors += (invalid.errors().len() as u64) + invalid.left_out() as u64;
            }
        }
    }
    if let Some((last, others)) = unreadable.split_last() {
        for failure in others {
            console.failure(failure);
        }
        if errors == 0 {
            return Err(Failure {
                exit: last.exit,
                message: last.message.clone(),
                help: last.help.clone(),
            });
        }
        console.failure(last);
    }
    if errors > 0 {
        let errors = units::counted(errors, "error", "errors");
        return Err(Failure::new(
            Exit::Invalid,
            format!("{errors}, nothing was run"),
        ));
    }
    Ok(picked)
}

/// The one scenario that was named; `why` says why no more than one will do.
pub(crate) fn one(what: &str, why: &str, console: &Console) -> Result<Scenario, Failure> {
    let mut picked = scenarios(&[what.to_owned()], console)?;
    if picked.len() > 1 {
        let message = format!("{what} is a folder; {why}");
        return Err(Failure::new(Exit::Usage, message).help("name one scenario"));
    }
    picked
        .pop()
        .map(|one| one.scenario)
        .ok_or_else(|| Failure::new(Exit::Nothing, format!("{what} holds no scenario")))
}

/// The trace in a file, if what was named is a file that is no scenario, with or without a `#STEP` as the live
/// view copies it. `help` says how to get one.
pub(crate) fn trace(what: &str, help: &str) -> Result<Option<Trace>, Failure> {
    let path = Path::new(without_step(what));
    if !path.is_file()
        || path
            .extension()
            .is_some_and(|extension| extension == "toml")
    {
        return Ok(None);
    }
    let text = files::read_trace(path)?.ok_or_else(|| {
        let message = format!("{what} is not a trace: it is not text");
        Failure::new(Exit::Invalid, message)
    })?;
    let invalid = |e: TraceError| Failure::new(Exit::Invalid, e.to_string()).help(help);
    Trace::parse(what, &text).map(Some).map_err(invalid)
}

/// A file's name without the step behind it, if it is none as a whole.
fn without_step(what: &str) -> &str {
    let named = what.rsplit_once('#');
    let named =
        named.filter(|(file, step)| step.parse::<u64>().is_ok() && Path::new(file).is_file());
    match named {
        Some((file, _)) if !Path::new(what).is_file() => file,
        Some(_) | None => what,
    }
}

/// A trace's agents had a bug that this build does not have.
pub(crate) fn needs_bug(trace: &str, name: &str) -> Failure {
    let message =
        format!("{trace}: its agents had the planted bug `{name}`, which this build has not");
    let help = "build it with `cargo build --release --features planted-bugs`";
    Failure::new(Exit::Invalid, message).help(help)
}

/// Finds what was named, and says what can't be found or read.
pub(crate) fn sources(what: &[String]) -> (Vec<Source>, Vec<Failure>) {
    if what.is_empty() {
        return (built_in(catalogue::chapters(), None), Vec::new());
    }
    let mut sources = Vec::new();
    let mut failures = Vec::new();
    for word in what {
        match find(word) {
            Ok(found) => sources.extend(found),
            Err(failure) => failures.push(failure),
        }
    }
    (sources, failures)
}

/// Gives a text its meaning.
pub(crate) fn parse(source: &Source) -> Result<Scenario, ScenarioErrors> {
    let Some(text) = &source.text else {
        return Err(ScenarioErrors::not_text(&source.name));
    };
    if source.built_in {
        return Scenario::parse(&source.name, text, &catalogue::open);
    }
    let path = Path::new(&source.name);
    Scenario::parse(&source.name, text, &|named| files::read_beside(path, named))
}

/// Finds one word's scenarios. A file that is there comes before a coordinate, and both before the
/// catalogue.
pub(crate) fn find(word: &str) -> Result<Vec<Source>, Failure> {
    if let Some(found) = on_disk(word, None)? {
        return Ok(found);
    }
    let split = coordinate::split(word);
    if let Some(found) = on_disk(split.name, split.seed)? {
        return Ok(found);
    }
    let matches = in_catalogue(split.name);
    match matches[..] {
        [] => Err(bad_coordinate(word).unwrap_or_else(|| unknown(split.name))),
        [_] => Ok(built_in(matches.iter().copied(), split.seed)),
        [..] if is_folder(split.name, &matches) => {
            Ok(built_in(matches.iter().copied(), split.seed))
        }
        [..] => {
            let names: Vec<_> = matches.iter().map(|chapter| chapter.name).collect();
            let message = format!("`{}` is the name of several scenarios", split.name);
            Err(Failure::new(Exit::File, message).help(format!("say which: {}", names.join(", "))))
        }
    }
}

fn on_disk(name: &str, seed: Option<u64>) -> Result<Option<Vec<Source>>, Failure> {
    let path = Path::new(name);
    if path.is_dir() {
        let files = files::scenarios_below(path)?;
        if files.is_empty() {
            let message = format!("no scenario (*.toml) in or below {name}");
            return Err(Failure::new(Exit::Nothing, message));
        }
        let read = |file: &std::path::PathBuf| from_file(&file.to_string_lossy(), file, seed);
        return files.iter().map(read).collect::<Result<_, _>>().map(Some);
    }
    // Not `exists`, which takes a folder we may not enter for a file that isn't there.
    if path.symlink_metadata().is_ok() {
        return Ok(Some(vec![from_file(name, path, seed)?]));
    }
    Ok(None)
}

fn from_file(name: &str, path: &Path, seed: Option<u64>) -> Result<Source, Failure> {
    Ok(Source {
        name: name.to_owned(),
        text: files::read_scenario(path)?,
        built_in: false,
        seed,
    })
}

fn built_in<'a>(chapters: impl IntoIterator<Item = &'a Chapter>, seed: Option<u64>) -> Vec<Source> {
    let source = |chapter: &Chapter| Source {
        name: chapter.name.to_owned(),
        text: Some(chapter.text.to_owned()),
        built_in: true,
        seed,
    };
    chapters.into_iter().map(source).collect()
}

/// The built-in scenarios that a name can mean: one by its path, with or without `scenarios/` and
/// `.toml`; else those below a folder; else those with that stem.
fn in_catalogue(name: &str) -> Vec<&'static Chapter> {
    let name = bare(name);
    let chapters = || catalogue::chapters().iter();
    if let Some(chapter) = chapters().find(|chapter| bare(chapter.name) == name) {
        return vec![chapter];
    }
    let below: Vec<_> = chapters()
        .filter(|chapter| is_below(chapter, name))
        .collect();
    if !below.is_empty() {
        return below;
    }
    chapters()
        .filter(|chapter| stem(chapter.name) == name)
        .collect()
}

fn is_folder(name: &str, matches: &[&Chapter]) -> bool {
    matches.iter().all(|chapter| is_below(chapter, bare(name)))
}

fn is_below(chapter: &Chapter, folder: &str) -> bool {
    let rest = match folder {
        "scenarios" => chapter.name.strip_prefix(folder),
        _ => bare(chapter.name).strip_prefix(folder),
    };
    !folder.is_empty() && rest.is_some_and(|rest| rest.starts_with('/'))
}

fn bare(name: &str) -> &str {
    let name = name
        .strip_prefix("./")
        .unwrap_or(name)
        .trim_end_matches('/');
    let name = name.strip_prefix("scenarios/").unwrap_or(name);
    name.strip_suffix(".toml").unwrap_or(name)
}

fn stem(name: &str) -> &str {
    let name = bare(name);
    name.rsplit_once('/').map_or(name, |(_, stem)| stem)
}

/// The name is right, what follows it is not.
fn bad_coordinate(word: &str) -> Option<Failure> {
    let (name, why) = coordinate::slip(word)?;
    let is_there = Path::new(name).exists() || !in_catalogue(name).is_empty();
    let help = format!(
        "a seed follows `@`, and a step of its run `#`, such as {name}@0x5eed or {name}@0x5eed#1284"
    );
    let message = format!("{word} is no coordinate: {why}");
    is_there.then_some(Failure::new(Exit::Usage, message).help(help))
}

fn unknown(name: &str) -> Failure {
    let near = nearest(name);
    let help = if near.is_empty() {
        "`bivalent scenario list` shows the built-in scenarios".to_owned()
    } else {
        format!(
            "did you mean {}?  `bivalent scenario list` shows the built-in scenarios",
            near.iter()
                .map(|near| format!("`{near}`"))
                .collect::<Vec<_>>()
                .join(" or ")
        )
    };
    let message = format!("{name} can't be read: no such file, and no built-in scenario's name");
    Failure::new(Exit::File, message).help(help)
}

/// The stems that look like a name, nearest first.
fn nearest(name: &str) -> Vec<&'static str> {
    let name = stem(name);
    let mut near: Vec<(f64, &str)> = catalogue::chapters()
        .iter()
        .map(|chapter| stem(chapter.name))
        .map(|stem| (strsim::jaro_winkler(name, stem), stem))
        .filter(|(likeness, _)| *likeness > 0.85)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    near.dedup_by_key(|(_, stem)| *stem);
    near.into_iter().map(|(_, stem)| stem).take(3).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_built_in_scenario_answers_to_its_path_with_and_without_trimmings() {
        for chapter in catalogue::chapters() {
            for name in [
                chapter.name,
                bare(chapter.name),
                &format!("{}.toml", bare(chapter.name)),
            ] {
                let found = in_catalogue(name);

                assert_eq!(found.len(), 1, "{name}");
                assert_eq!(found[0].name, chapter.name);
            }
        }
    }

    #[test]
    fn a_folder_of_the_catalogue_is_all_that_lies_below_it() {
        let all = catalogue::chapters().len();

        assert_eq!(in_catalogue("scenarios").len(), all);
        assert_eq!(in_catalogue("scenarios/").len(), all);
        assert!(in_catalogue("").is_empty());
    }

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        let stem = stem(catalogue::chapters()[0].name);
        let slipped = format!("{}x", &stem[..stem.len() - 1]);

        assert!(nearest(&slipped).contains(&stem), "{slipped}");
        assert!(nearest("qqqqqqqq").is_empty());
    }
}
