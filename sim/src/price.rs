//! The price of blocking: how likely agreement is still open at a time, by who orders the operations and
//! how agents get out of each other's way.
//!
//! One cell is one adversary, one contention manager and one number of agents, run on many seeds. What is
//! measured is the time to the first decision of a run.

mod wilson;

use std::sync::atomic::{AtomicBool, Ordering};

use hdrhistogram::{
    Histogram,
    serialization::{Serializer, V2Serializer},
};
use serde::Serialize;

use crate::{
    engine::Engine,
    pool,
    report::Latency,
    scenario::{Scenario, ScenarioErrors},
    verdict,
};

pub use wilson::{Share, share};

/// A run ends by its time, not by its steps.
const STEPS_MAX: i64 = 16_000_000;
/// Runs that a thread takes at a time.
const CHUNK: u64 = 32;
/// Points of a survival curve: each a tenth of a decade after the one before.
const POINTS_PER_DECADE: usize = 10;

/// What is varied, as it stands in a scenario file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Matrix {
    /// Numbers of agents.
    pub agents: Vec<u8>,
    /// How many stores, if not as many as the scenario has.
    pub stores: Option<u8>,
    /// Adversaries: a word, or an inline table.
    pub adversaries: Vec<String>,
    /// Pauses after an abort: a range, or an inline table.
    pub retries: Vec<String>,
    /// When the share of undecided runs is asked for, nanoseconds, in order.
    pub at_ns: Vec<u64>,
}

/// One combination, ready to run.
#[derive(Clone, Debug)]
pub struct Variant {
    /// How many agents.
    pub agents: u8,
    /// The adversary, as it stands in a scenario file.
    pub adversary: String,
    /// The pause after an abort, likewise.
    pub retry: String,
    /// Its adversary looks at the run while it orders it.
    pub is_adaptive: bool,
    scenario: Result<Scenario, String>,
    at_ns: Vec<u64>,
}

impl Variant {
    /// Why there is no such system, if there is none: exact valences of twenty agents, a duel of one.
    pub fn impossible(&self) -> Option<&str> {
        self.scenario.as_ref().err().map(String::as_str)
    }
}

/// What the runs of one combination came to.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// How many agents.
    pub agents: u8,
    /// How many stores.
    pub stores: usize,
    /// The adversary, as it stands in a scenario file.
    pub adversary: String,
    /// The pause after an abort, likewise.
    pub retry: String,
    /// How many runs.
    pub runs: u64,
    /// Runs that broke a property before the first decision: none, or there is a bug.
    pub violations: u64,
    /// At each time asked for, the share of runs in which nobody had decided.
    pub undecided: Vec<Undecided>,
    /// The same at evenly spread times, as a curve.
    pub survival: Vec<Undecided>,
    /// Time to the first decision, over the runs that had one.
    pub first_decision_ns: Latency,
    /// The same, whole.
    #[serde(skip)]
    pub times: Histogram<u64>,
}

impl Cell {
    /// The times to decision as an HdrHistogram, serialised in its V2 form.
    pub fn histogram(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        V2Serializer::new()
            .serialize(&self.times, &mut bytes)
            .expect("a vector takes whatever is written");
        bytes
    }
}

/// How many runs were undecided at a time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Undecided {
    /// Virtual time, ns.
    pub at_ns: u64,
    /// Runs in which nobody had decided.
    pub runs: u64,
    /// Their share, with an interval.
    #[serde(flatten)]
    pub share: Share,
}

/// Works out every combination of a matrix on the system of `base`, whose expectation, healing and seeds
/// do not matter.
///
/// # Errors
///
/// An adversary or a pause that not even two agents on one store can have. What only larger systems
/// cannot have is a variant that is [impossible](Variant::impossible).
pub fn variants(base: &Scenario, matrix: &Matrix) -> Result<Vec<Variant>, ScenarioErrors> {
    let open = |named: &str| {
        let found = base.files.iter().find(|(name, _)| name == named);
        found
            .map(|(_, text)| text.clone())
            .ok_or_else(|| "no such file".to_owned())
    };
    let mut variants = Vec::new();
    for adversary in &matrix.adversaries {
        for retry in &matrix.retries {
            let parse = |agents: u8, stores: Option<u8>| {
                let text = text(base, agents, stores, adversary, retry, &matrix.at_ns);
                Scenario::parse(&base.name, &text, &open)
            };
            // What the smallest system cannot have is not too large for this one, but wrong.
            parse(2, Some(1))?;
            let parsed = matrix
                .agents
                .iter()
                .map(|&agents| parse(agents, matrix.stores));
            for (&agents, parsed) in matrix.agents.iter().zip(parsed) {
                variants.push(Variant {
                    agents,
                    adversary: adversary.clone(),
                    retry: retry.clone(),
                    is_adaptive: is_adaptive(adversary),
                    scenario: parsed.map_err(|errors| reason(&errors)),
                    at_ns: matrix.at_ns.clone(),
                });
            }
        }
    }
    // Stable: within one number of agents as the matrix has them.
    variants.sort_by_key(|variant| variant.agents);
    Ok(variants)
}

/// The first error, in one line.
fn reason(errors: &ScenarioErrors) -> String {
    let first = errors.errors().first();
    first.map_or_else(String::new, |error| error.message.clone())
}

/// Whether an adversary, as it stands in a file, looks at the run.
fn is_adaptive(adversary: &str) -> bool {
    let blind = ["random", "fair", "oblivious", "pct"];
    !blind.iter().any(|word| adversary.contains(word))
}

/// The base scenario's text with another number of agents, adversary and pause.
fn text(
    base: &Scenario,
    agents: u8,
    stores: Option<u8>,
    adversary: &str,
    retry: &str,
    at_ns: &[u64],
) -> String {
    let mut table: toml::Table = toml::from_str(&base.text).unwrap_or_default();
    table.remove("expect");
    table.remove("heal");
    table.remove("fuzz");
    let section = |table: &mut toml::Table, name: &str| match table.remove(name) {
        Some(toml::Value::Table(section)) => section,
        _ => toml::Table::new(),
    };
    let mut cluster = section(&mut table, "cluster");
    cluster.insert("agents".into(), toml::Value::Integer(agents.into()));
    if let Some(stores) = stores {
        cluster.insert("stores".into(), toml::Value::Integer(stores.into()));
    }
    table.insert("cluster".into(), toml::Value::Table(cluster));
    let mut schedule = section(&mut table, "schedule");
    schedule.insert("adversary".into(), value(adversary));
    schedule.insert("retry".into(), value(retry));
    table.insert("schedule".into(), toml::Value::Table(schedule));
    let mut limits = section(&mut table, "limits");
    let end = at_ns.iter().max().copied().unwrap_or(1).saturating_add(1);
    limits.insert("time".into(), toml::Value::String(format!("{end}ns")));
    limits.insert(
        "stall-after".into(),
        toml::Value::String(format!("{end}ns")),
    );
    limits.insert("steps".into(), toml::Value::Integer(STEPS_MAX));
    table.insert("limits".into(), toml::Value::Table(limits));
    toml::to_string(&table).expect("a table of strings and numbers is always TOML")
}

/// A value as it stands in a file: an inline table, or else a string.
fn value(text: &str) -> toml::Value {
    let wrapped = format!("it = {text}");
    let table: Option<toml::Table> = toml::from_str(&wrapped).ok();
    match table.and_then(|mut table| table.remove("it")) {
        Some(value @ toml::Value::Table(_)) => value,
        _ => toml::Value::String(text.to_owned()),
    }
}

/// Runs of a chunk: times of first decisions, and runs without.
struct Chunk {
    times: Vec<Option<u64>>,
    violations: u64,
}

/// Runs the seeds `0..runs` of a combination, each to its first decision. Nothing it returns depends on
/// `jobs`; none if `stop` was set before the end, or if there is no such system. `done` hears, from any
/// thread, of so many more runs.
pub fn fill(
    variant: &Variant,
    runs: u64,
    jobs: usize,
    stop: &AtomicBool,
    done: &(dyn Fn(u64) + Sync),
) -> Option<Cell> {
    let scenario = variant.scenario.as_ref().ok()?;
    let work = |engine: &mut Engine, number: u64| {
        let from = number * CHUNK;
        let mut chunk = Chunk {
            times: Vec::new(),
            violations: 0,
        };
        for seed in from..runs.min(from + CHUNK) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            chunk.times.push(engine.time_to_decision(seed));
            chunk.violations += u64::from(!engine.violations().is_empty());
            done(1);
        }
        chunk
    };
    let (mut times, mut violations) = (Vec::new(), 0);
    let take = |chunk: Chunk| {
        times.extend(chunk.times);
        violations += chunk.violations;
        !stop.load(Ordering::Relaxed)
    };
    let chunks = runs.div_ceil(CHUNK);
    pool::in_order(chunks, jobs, || Engine::new(scenario), work, take);
    if times.len() as u64 != runs {
        return None;
    }
    let stores = scenario.cluster.stores.len();
    Some(cell(variant, stores, &times, violations))
}

fn cell(variant: &Variant, stores: usize, times: &[Option<u64>], violations: u64) -> Cell {
    let mut histogram = verdict::latency_histogram();
    let mut decided: Vec<u64> = times.iter().flatten().copied().collect();
    decided.sort_unstable();
    for &time in &decided {
        histogram.saturating_record(time);
    }
    let runs = times.len() as u64;
    let undecided = |&at_ns: &u64| {
        let by_then = decided.partition_point(|&time| time <= at_ns) as u64;
        Undecided {
            at_ns,
            runs: runs - by_then,
            share: share(runs - by_then, runs),
        }
    };
    let last = variant.at_ns.last().copied().unwrap_or(1);
    Cell {
        agents: variant.agents,
        stores,
        adversary: variant.adversary.clone(),
        retry: variant.retry.clone(),
        runs,
        violations,
        undecided: variant.at_ns.iter().map(undecided).collect(),
        survival: spread(last).iter().map(undecided).collect(),
        first_decision_ns: verdict::latency(&histogram),
        times: histogram,
    }
}

/// Times up to `last`, evenly spread on a log scale over four decades, in whole nanoseconds.
fn spread(last: u64) -> Vec<u64> {
    // Tenths of a decade, in parts of a thousand: no float has a say in which times are asked for.
    const TENTHS: [u64; POINTS_PER_DECADE] =
        [1000, 1259, 1585, 1995, 2512, 3162, 3981, 5012, 6310, 7943];
    let decades = [10_000, 1000, 100, 10].map(|divisor| last / divisor);
    let mut times: Vec<u64> = decades
        .iter()
        .flat_map(|decade| TENTHS.map(|tenth| decade * tenth / 1000))
        .chain([last])
        .filter(|&time| time > 0)
        .collect();
    times.dedup();
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "title = \"t\"\nsummary = \"s\"\n[cluster]\nagents = 2\nstores = 3\n[heal]\nat = \"1s\"\n[expect]\noutcome = \"decide\"\n";

    fn matrix() -> Matrix {
        Matrix {
            agents: vec![2],
            stores: None,
            adversaries: vec!["random".into(), "{ duel = [\"a1\", \"a2\"] }".into()],
            retries: vec!["0ms".into()],
            at_ns: vec![10_000_000, 100_000_000],
        }
    }

    fn cells(jobs: usize) -> Vec<Cell> {
        let base = Scenario::parse("t.toml", BASE, &|_| unreachable!("no files")).unwrap();
        let variants = variants(&base, &matrix()).unwrap();
        let go = AtomicBool::new(false);
        let fill = |variant| fill(variant, 100, jobs, &go, &|_| ()).unwrap();
        variants.iter().map(fill).collect()
    }

    #[test]
    fn a_duel_holds_off_every_run_and_chance_does_not() {
        let cells = cells(1);

        let [random, duel] = &cells[..] else {
            panic!("two adversaries");
        };
        assert_eq!(duel.undecided[1].runs, 100);
        assert!(random.undecided[1].runs < 50);
        assert!(random.undecided[0].runs >= random.undecided[1].runs);
        assert_eq!(
            random.first_decision_ns.count,
            100 - random.undecided[1].runs
        );
    }

    #[test]
    fn the_number_of_threads_does_not_show() {
        let tell = |cells: Vec<Cell>| serde_json::to_string(&cells).unwrap();

        assert_eq!(tell(cells(1)), tell(cells(3)));
    }

    #[test]
    fn a_survival_curve_never_rises_and_ends_at_the_last_time() {
        let curve = &cells(1)[0].survival;

        assert!(curve.is_sorted_by(|a, b| a.at_ns < b.at_ns && a.runs >= b.runs));
        assert_eq!(curve.last().unwrap().at_ns, 100_000_000);
    }

    #[test]
    fn an_agent_that_is_not_there_is_an_error() {
        let base = Scenario::parse("t.toml", BASE, &|_| unreachable!("no files")).unwrap();
        let nobody = Matrix {
            adversaries: vec!["{ duel = [\"a1\", \"a7\"] }".into()],
            ..matrix()
        };

        assert!(variants(&base, &nobody).is_err());
    }

    #[test]
    fn what_some_numbers_of_agents_cannot_have_is_impossible_for_those() {
        let base = Scenario::parse("t.toml", BASE, &|_| unreachable!("no files")).unwrap();
        let exact = Matrix {
            agents: vec![5, 2],
            stores: Some(1),
            adversaries: vec!["keep-bivalent".into()],
            ..matrix()
        };

        let variants = variants(&base, &exact).unwrap();

        assert_eq!((variants[0].agents, variants[1].agents), (2, 5));
        assert_eq!(variants[0].impossible(), None);
        assert!(variants[1].impossible().unwrap().contains("too many"));
    }
}
