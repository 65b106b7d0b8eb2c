//! Traces: what is needed to run it again, and to find the first step that differs.
//!
//! A trace is a TOML file. It carries the scenario's text and the files it names, so that it needs
//! nothing else; the choices, so that it outlives changes of the generators; and a digest of every
//! step, so that a replay can say where it went another way.

mod ended;

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

pub(crate) use ended::before_the_end;

use crate::{
    engine::{fingerprint, journal::Journal, runner::Runner},
    judge::report::RunReport,
    scenario::{Scenario, ScenarioErrors, choices, planted::Planted},
    story,
};

/// The version of the format; another one is refused.
const FORMAT: u32 = 2;
/// A choice list longer than this is refused before it is decoded, bytes.
const LIST_MAX: usize = 256 << 20;

/// A run, kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trace {
    file: TraceFile,
    choices: Vec<u32>,
    digests: Vec<u16>,
}

/// What every format begins with.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Stamp {
    bivalent_trace: u32,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TraceFile {
    bivalent_trace: u32,
    build: String,
    scenario: String,
    seed: String,
    steps: u64,
    fingerprint: String,
    scenario_text: String,
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// How the run stops short: a panic at a place, or a step that does not end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    /// The planted bug that its agents had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    planted_bug: Option<String>,
    choices: String,
    digests: String,
}

/// Why a text is no trace. Nothing was run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// It is not TOML of the expected shape.
    #[error("{file}:{line}: not a trace: {why}")]
    Shape {
        /// The file.
        file: String,
        /// Its line, from 1.
        line: usize,
        /// What is wrong, in the parser's words.
        why: String,
    },
    /// It is of another format.
    #[error(
        "{file}: trace format {found}, and this build reads {FORMAT}: replay it with the build that wrote it, \
         or record the run again from its scenario"
    )]
    Format {
        /// The file.
        file: String,
        /// Its format.
        found: u32,
    },
    /// A part of it can't be decoded.
    #[error("{file}: its {part} can't be decoded: the file was cut or changed")]
    Damaged {
        /// The file.
        file: String,
        /// The key.
        part: &'static str,
    },
}

impl Trace {
    /// Runs a seed and keeps it.
    pub fn record(scenario: &Scenario, seed: u64) -> Self {
        Self::record_planted(scenario, seed, scenario.planted)
    }

    /// The same of agents with a planted bug.
    pub fn record_planted(scenario: &Scenario, seed: u64, planted: Planted) -> Self {
        let mut runner = Runner::new(scenario);
        runner.plant_any(planted);
        let (_, choices, journal) = runner.run_recorded(seed);
        Self::of_run(scenario, seed, planted, &runner, choices, &journal)
    }

    /// Runs a list of choices that fits, and keeps it; `seed` is where the list came from, for the record.
    ///
    /// # Panics
    ///
    /// If the run does.
    pub fn of_choices(scenario: &Scenario, seed: u64, choices: &[u32]) -> Self {
        let planted = scenario.planted;
        let mut runner = Runner::new(scenario);
        let choices = choices.to_vec();
        let (_, journal, _) = runner.run_choices(choices.clone(), u64::MAX);
        Self::of_run(scenario, seed, planted, &runner, choices, &journal)
    }

    fn of_run(
        scenario: &Scenario,
        seed: u64,
        planted: Planted,
        runner: &Runner,
        choices: Vec<u32>,
        journal: &Journal,
    ) -> Self {
        let digests = journal.digests.clone();
        let fingerprint = format!("{:016x}", runner.finished().fingerprint());
        Self::of_digests(scenario, (seed, planted, fingerprint), choices, digests)
    }

    /// A run whose steps have these digests: its seed, its planted bug, its fingerprint.
    pub(crate) fn of_digests(
        scenario: &Scenario,
        (seed, planted, fingerprint): (u64, Planted, String),
        choices: Vec<u32>,
        digests: Vec<u16>,
    ) -> Self {
        let file = TraceFile {
            bivalent_trace: FORMAT,
            build: build(&scenario.text),
            scenario: scenario.name.clone(),
            seed: format!("{seed:#x}"),
            steps: digests.len() as u64,
            fingerprint,
            scenario_text: scenario.text.clone(),
            files: scenario.files.iter().cloned().collect(),
            ended: None,
            planted_bug: planted.name(),
            choices: choices::encode(&choices),
            digests: BASE64_STANDARD.encode(
                digests
                    .iter()
                    .flat_map(|digest| digest.to_le_bytes())
                    .collect::<Vec<u8>>(),
            ),
        };
        Self {
            file,
            choices,
            digests,
        }
    }

    /// The trace as a file's text.
    pub fn to_text(&self) -> String {
        toml::to_string(&self.file).expect("strings and numbers are always TOML")
    }

    /// Reads a trace; `name` is for its errors.
    pub fn parse(name: &str, text: &str) -> Result<Self, TraceError> {
        let other_format = |found| TraceError::Format {
            file: name.to_owned(),
            found,
        };
        let file: TraceFile = toml::from_str(text).map_err(|error| {
            // Another format has other keys: that is why, and not the first that is unknown.
            let stamp = toml::from_str(text).ok();
            let stamp = stamp.filter(|stamp: &Stamp| stamp.bivalent_trace != FORMAT);
            if let Some(stamp) = stamp {
                return other_format(stamp.bivalent_trace);
            }
            let at = error.span().map_or(0, |span| span.start);
            let line = 1 + text
                .get(..at)
                .map_or(0, |before| before.matches('\n').count());
            TraceError::Shape {
                file: name.to_owned(),
                line,
                why: error.message().to_owned(),
            }
        })?;
        if file.bivalent_trace != FORMAT {
            return Err(other_format(file.bivalent_trace));
        }
        let damaged = |part| TraceError::Damaged {
            file: name.to_owned(),
            part,
        };
        let bytes = |text: &str| {
            (text.len() <= LIST_MAX)
                .then(|| BASE64_STANDARD.decode(text).ok())
                .flatten()
        };
        let short = file.choices.len() <= LIST_MAX;
        let choices = short.then(|| choices::decode(&file.choices)).flatten();
        let choices = choices.ok_or_else(|| damaged("choices"))?;
        let digests = bytes(&file.digests).ok_or_else(|| damaged("digests"))?;
        let digests: Vec<u16> = digests
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        if digests.len() as u64 != file.steps {
            return Err(damaged("digests"));
        }
        if parse_seed(&file.seed).is_none() {
            return Err(damaged("seed"));
        }
        Ok(Self {
            file,
            choices,
            digests,
        })
    }

    /// The scenario's name.
    pub fn scenario_name(&self) -> &str {
        &self.file.scenario
    }

    /// The scenario it carries.
    pub fn scenario(&self) -> Result<Scenario, ScenarioErrors> {
        let open = |named: &str| {
            self.file
                .files
                .get(named)
                .cloned()
                .ok_or_else(|| "the trace does not carry it".to_owned())
        };
        Scenario::parse(&self.file.scenario, &self.file.scenario_text, &open)
    }

    /// The planted bug that its agents had.
    ///
    /// # Errors
    ///
    /// The bug's name, if this build does not have it.
    pub fn planted(&self) -> Result<Planted, &str> {
        match self.file.planted_bug.as_deref() {
            None => Ok(Planted::default()),
            Some(name) => Planted::named(name).ok_or(name),
        }
    }

    /// The seed it was made from.
    pub fn seed(&self) -> u64 {
        parse_seed(&self.file.seed).unwrap_or(0)
    }

    /// How many steps it has.
    pub fn steps(&self) -> u64 {
        self.file.steps
    }

    /// How the run stops short, if it does: a panic at a place, or a step that does not end.
    pub fn ended(&self) -> Option<&str> {
        self.file.ended.as_deref()
    }

    /// The choices of the run.
    pub fn list(&self) -> &[u32] {
        &self.choices
    }

    /// How many choices it has.
    pub fn choices(&self) -> usize {
        self.choices.len()
    }

    /// The build that made it.
    pub fn build(&self) -> &str {
        &self.file.build
    }
}

/// A run that was the same again.
#[derive(Debug)]
pub struct Replayed {
    /// What it came to.
    pub report: RunReport,
    /// How many steps were compared.
    pub compared: u64,
}

/// A run that was not.
#[derive(Debug)]
pub enum ReplayError {
    /// Some step differs.
    Diverged {
        /// The first one, from 1.
        step: u64,
        /// How many the trace has.
        total: u64,
        /// What the trace says of it.
        recorded: String,
        /// What happened now.
        found: String,
        /// The build that made the trace.
        trace_build: String,
        /// This build.
        this_build: String,
    },
    /// The scenario it carries is not valid for this build.
    Invalid(ScenarioErrors),
    /// Its agents had a planted bug that this build does not have, by name.
    NeedsBug(String),
}

/// Runs a trace's choices again and compares every step, at most to step `until`.
pub fn replay(trace: &Trace, until: Option<u64>) -> Result<Replayed, ReplayError> {
    let scenario = trace.scenario().map_err(ReplayError::Invalid)?;
    let needs = |name: &str| ReplayError::NeedsBug(name.to_owned());
    let planted = trace.planted().map_err(needs)?;
    let mut runner = Runner::new(&scenario);
    runner.plant_any(planted);
    let last = if trace.file.ended.is_some() {
        // The step after that would not come to an end.
        trace.steps()
    } else {
        u64::MAX
    };
    let bound = until.unwrap_or(u64::MAX).min(last);
    let (end, journal, misfit) = runner.run_choices(trace.choices.clone(), bound);
    let wanted = trace
        .digests
        .len()
        .min(usize::try_from(bound).unwrap_or(usize::MAX));
    let now = &journal.digests[..];
    let same = trace
        .digests
        .iter()
        .zip(now)
        .take_while(|(a, b)| a == b)
        .count();
    let whole = until.is_none_or(|until| until >= trace.steps());
    let fingerprint = format!("{:016x}", runner.finished().fingerprint());
    let cut = trace.file.ended.is_some();
    let fits = !whole || cut || (misfit.is_none() && fingerprint == trace.file.fingerprint);
    if same < wanted || now.len() != wanted || !fits {
        let digest = |list: &[u16]| {
            list.get(same).map_or_else(
                || "the end".to_owned(),
                |digest| format!("digest {digest:04x}"),
            )
        };
        let recorded = digest(&trace.digests);
        let mut found = digest(now);
        if let Some(told) = told_at(&scenario, &runner, &journal, same as u64 + 1) {
            found = format!("{found} ({told})");
        }
        if same == wanted && now.len() == wanted {
            found = match misfit {
                Some(at) => format!("choice {at} of {} does not fit", trace.choices.len()),
                None => format!("fingerprint {fingerprint}"),
            };
        }
        return Err(ReplayError::Diverged {
            step: same as u64 + 1,
            total: trace.steps(),
            recorded,
            found,
            trace_build: trace.build().to_owned(),
            this_build: build(&scenario.text),
        });
    }
    if let Some(ended) = trace.file.ended.as_ref().filter(|_| whole) {
        let mut planted_scenario = scenario.clone();
        planted_scenario.planted = planted;
        if let Some(found) = ended::differs(&planted_scenario, &trace.choices, ended) {
            return Err(ReplayError::Diverged {
                step: trace.steps() + 1,
                total: trace.steps() + 1,
                recorded: ended.clone(),
                found,
                trace_build: trace.build().to_owned(),
                this_build: build(&scenario.text),
            });
        }
    }
    let report = runner.report(&scenario, trace.seed(), end);
    Ok(Replayed {
        report,
        compared: wanted as u64,
    })
}

fn told_at(scenario: &Scenario, runner: &Runner, journal: &Journal, step: u64) -> Option<String> {
    story::lines(scenario, runner.finished(), journal)
        .into_iter()
        .find(|line| line.step == step)
        .map(|line| line.what)
}

fn build(scenario_text: &str) -> String {
    let scenario = fingerprint::of_text(scenario_text) >> 48;
    format!("bivalent {} (scenario {scenario:04x})", crate::BUILD)
}

fn parse_seed(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}
