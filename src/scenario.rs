//! `bivalent scenario`: scenarios as files, without running them.

use std::path::Path;

use bivalent_sim::scenario::{Scenario, json_schema};
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::cli::{PlainFormat, ScenarioCommand};
use crate::console::{Console, Stream};
use crate::exit::{Exit, Failure};
use crate::files::{self, Existing};
use crate::render::json::{Sequence, Shape};
use crate::render::table::pad;
use crate::render::{escape, faults, units, words};
use crate::select::{self, Source};

/// What `scenario new` writes.
const TEMPLATE: &str = include_str!("scenario/template.toml");

/// Does one of the subcommands.
pub(crate) fn scenario(command: &ScenarioCommand, console: &mut Console) -> Result<Exit, Failure> {
    match command {
        ScenarioCommand::List { tag, format } => list(tag.as_deref(), *format, console),
        ScenarioCommand::Show { name } => show(name, console),
        ScenarioCommand::Check { what } => check(what, console),
        ScenarioCommand::Schema => {
            console.data(format!("{}\n", json_schema().trim_end()).as_bytes())?;
            Ok(Exit::Ok)
        }
        ScenarioCommand::New { file, from } => new(file, from.as_deref(), console),
    }
}

/// A line of the list, as data.
#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    title: &'a str,
    summary: &'a str,
    tags: &'a [String],
    expected: String,
}

fn list(tag: Option<&str>, format: PlainFormat, console: &mut Console) -> Result<Exit, Failure> {
    let mut scenarios: Vec<Scenario> = select::scenarios(&[], console)?
        .into_iter()
        .map(|picked| picked.scenario)
        .collect();
    if let Some(tag) = tag {
        scenarios.retain(|scenario| scenario.tags.iter().any(|t| t == tag));
        if scenarios.is_empty() {
            let message = format!("no built-in scenario has the tag `{tag}`");
            return Err(Failure::new(Exit::Nothing, message));
        }
    }
    let shape = match format {
        PlainFormat::Human => {
            console.put(Stream::Out, &table(&scenarios))?;
            return Ok(Exit::Ok);
        }
        PlainFormat::Json => Shape::Array,
        PlainFormat::Jsonl => Shape::Lines,
    };
    let mut sequence = Sequence::new(shape);
    for scenario in &scenarios {
        let text = sequence.add(&Entry {
            name: &scenario.name,
            title: &scenario.title,
            summary: &scenario.summary,
            tags: &scenario.tags,
            expected: words::expected(&scenario.expect),
        });
        console.data(text.as_bytes())?;
    }
    console.data(sequence.end().as_bytes())?;
    Ok(Exit::Ok)
}

fn table(scenarios: &[Scenario]) -> String {
    let rows: Vec<[String; 4]> = scenarios
        .iter()
        .map(|scenario| {
            [
                escape::line(&scenario.name),
                escape::line(&scenario.title),
                words::expected(&scenario.expect),
                escape::line(&scenario.tags.join(" ")),
            ]
        })
        .collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].width())
            .max()
            .unwrap_or(0)
    };
    let widths = [0, 1, 2].map(width);
    let mut text = String::new();
    for [name, title, expected, tags] in &rows {
        let line = format!(
            "{}  {}  {}  {tags}",
            pad(name, widths[0]),
            pad(title, widths[1]),
            pad(expected, widths[2])
        );
        text += &format!("{}\n", line.trim_end());
    }
    text
}

fn show(name: &str, console: &mut Console) -> Result<Exit, Failure> {
    if name == "faults" {
        console.put(Stream::Out, &faults::kinds())?;
        return Ok(Exit::Ok);
    }
    let source = one(name)?;
    let Some(text) = source.text else {
        return Err(Failure::new(Exit::Invalid, format!("{name} is not text")));
    };
    // A program gets the file as it is; a terminal would obey what it says.
    let text = if Console::is_terminal(Stream::Out) {
        escape::text(&text)
    } else {
        text
    };
    console.put(Stream::Out, &text)?;
    Ok(Exit::Ok)
}

fn one(name: &str) -> Result<Source, Failure> {
    let mut sources = select::find(name)?;
    match sources.pop() {
        Some(source) if sources.is_empty() => Ok(source),
        Some(_) | None => {
            let message = format!("{name} is a folder of scenarios; one is wanted");
            Err(Failure::new(Exit::Usage, message).help("`bivalent scenario list` names them"))
        }
    }
}

fn check(what: &[String], console: &mut Console) -> Result<Exit, Failure> {
    let (sources, unreadable) = select::sources(what);
    let (mut errors, mut invalid) = (0, 0);
    for source in &sources {
        if let Err(found) = select::parse(source) {
            console.scenario_errors(&found);
            errors += (found.errors().len() as u64) + found.left_out() as u64;
            invalid += 1;
        }
    }
    for failure in &unreadable {
        console.failure(failure);
    }
    let files = units::counted(sources.len() as u64, "file", "files");
    if errors > 0 {
        let errors = units::counted(errors, "error", "errors");
        return Err(Failure::new(
            Exit::Invalid,
            format!("{errors} in {invalid} of {files}"),
        ));
    }
    let worst = unreadable
        .iter()
        .fold(Exit::Ok, |exit, f| exit.or_worse(f.exit));
    if worst == Exit::Ok {
        console.put(Stream::Out, &format!("ok  {files}\n"))?;
    }
    Ok(worst)
}

fn new(file: &Path, from: Option<&str>, console: &mut Console) -> Result<Exit, Failure> {
    let text = match from {
        None => TEMPLATE.to_owned(),
        Some(name) => {
            let source = one(name)?;
            source
                .text
                .ok_or_else(|| Failure::new(Exit::Invalid, format!("{name} is not text")))?
        }
    };
    files::write(file, text.as_bytes(), Existing::Keep)?;
    let name = escape::line(&file.to_string_lossy());
    let word = escape::shell(&file.to_string_lossy());
    let text = format!(
        "wrote {name}\n  Check it   bivalent scenario check {word}\n  Run it     bivalent run {word}\n"
    );
    console.put(Stream::Err, &text)?;
    Ok(Exit::Ok)
}
