//! How soon a campaign finds each planted bug, who finds it, and how small what was found becomes.
//!
//!     cargo bench -p bivalent-sim --features planted-bugs --bench planted-bugs
//!
//! A bug is hunted blind: on every ground of `scenarios/fuzz/` whose protocol can have it, in the order in which
//! `fuzz` goes. After `--`: `--campaigns N`, `--bug NAME`, `--only COLUMN`, `--steps MILLIONS` of a campaign,
//! `--jobs N`, `--folder DIR` for other grounds, and `--sound RUNS` to hunt agents without a bug instead.

#![expect(
    clippy::format_push_string,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a benchmark measures real time, reads its grounds and prints what it found"
)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bivalent_sim::{
    Bug,
    campaign::{
        fuzz::{Done, Effort, Finding, Findings, Hunt, Portfolio, Scheduler, Settings, Slice, Sum},
        guard::BuiltIn,
        trace::{Trace, replay},
    },
    scenario::{Protocol, Scenario, catalogue, planted::Planted},
};

/// Seeds from one campaign to the next.
const APART: u64 = 10_000_000;
/// Campaigns whose finding is made small.
const SHRUNK: u64 = 3;
/// All campaigns of a cell together end after so many campaigns' worth of steps: those that find nothing.
const FRUITLESS: u64 = 4;
const PATIENCE: Duration = Duration::from_secs(30);

struct Options {
    campaigns: u64,
    bugs: Vec<Bug>,
    only: Option<String>,
    steps: u64,
    jobs: usize,
    folder: PathBuf,
    sound: Option<u64>,
}

/// The ways of hunting that are compared; the last one is what `fuzz` does.
fn columns() -> [(&'static str, Settings); 5] {
    let of = |portfolio, swarm| Settings {
        portfolio,
        swarm,
        ..Settings::default()
    };
    [
        ("random", of(Portfolio::only(Scheduler::Uniform), false)),
        ("pct", of(Portfolio::only(Scheduler::Pct), false)),
        ("swarm", of(Portfolio::only(Scheduler::Uniform), true)),
        ("guided", of(Portfolio::only(Scheduler::Guided), true)),
        ("portfolio", Settings::default()),
    ]
}

/// A campaign that found something.
struct Found {
    /// Runs up to the first that failed, itself included.
    seeds: u64,
    seconds: f64,
    scheduler: Scheduler,
    word: String,
    hunt: Hunt,
    done: Done,
}

fn main() {
    let options = options();
    let grounds = grounds(&options.folder);
    if let Some(runs) = options.sound {
        sound(&options, &grounds, runs);
        return;
    }
    let mut head = "| bug | row".to_owned();
    let mut line = "|---|---".to_owned();
    for (name, _) in columns() {
        head += &format!(" | {name}");
        line += "|---";
    }
    println!("{head} | seconds | found by | as | steps, small | replays |");
    println!("{line}|---|---|---|---|---|");
    for &bug in &options.bugs {
        println!("{}", row(&options, &grounds, bug));
    }
}

fn row(options: &Options, grounds: &[Scenario], bug: Bug) -> String {
    let number = bug
        .row()
        .map_or_else(|| "-".to_owned(), |row| row.to_string());
    let mut text = format!("| `{}` | {number}", bug.name());
    let grounds = planted(grounds, bug);
    for (name, settings) in columns() {
        if options.only.as_deref().is_some_and(|only| only != name) {
            text += " | ";
            continue;
        }
        let (found, tried) = cell(options, &grounds, settings);
        let mut seeds: Vec<u64> = found.iter().map(|found| found.seeds).collect();
        text += &format!(
            " | {}/{tried} {}",
            found.len(),
            median(&mut seeds, tried).map_or_else(|| "-".to_owned(), grouped)
        );
        if name == "portfolio" {
            text += &details(&found, tried);
        }
    }
    text + " |"
}

/// Campaigns of one way of hunting for one bug: those that found it, and how many there were.
fn cell(options: &Options, grounds: &[Arc<Scenario>], settings: Settings) -> (Vec<Found>, u64) {
    let (mut found, mut tried, mut wasted) = (Vec::new(), 0, 0);
    for number in 0..options.campaigns {
        if wasted >= FRUITLESS {
            break;
        }
        tried += 1;
        match campaign(options, grounds, settings, number) {
            Some(it) => found.push(it),
            None => wasted += 1,
        }
    }
    (found, tried)
}

fn campaign(
    options: &Options,
    grounds: &[Arc<Scenario>],
    settings: Settings,
    number: u64,
) -> Option<Found> {
    let hunt = hunt(grounds, settings, number * APART..(number + 1) * APART);
    let (mut runs, mut steps, mut found) = (0, 0, None);
    let stop = Arc::new(AtomicBool::new(false));
    let start = Instant::now();
    hunt.run(
        options.jobs,
        PATIENCE,
        &stop,
        &|_| false,
        &mut |_| (),
        &mut |done| {
            let first = done.tally.failures.iter().min_by_key(|failed| failed.seed);
            if let Some(first) = first {
                let seeds = runs + first.seed - done.block.seeds.start + 1;
                let (scheduler, word) = (first.scheduler, first.failure.word().to_owned());
                found = Some((seeds, scheduler, word, done));
                return false;
            }
            runs += done.tally.runs;
            steps += done.tally.steps;
            steps < options.steps
        },
    );
    let seconds = start.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    let (seeds, scheduler, word, done) = found?;
    Some(Found {
        seeds,
        seconds,
        scheduler,
        word,
        hunt,
        done,
    })
}

fn hunt(grounds: &[Arc<Scenario>], settings: Settings, seeds: std::ops::Range<u64>) -> Hunt {
    Hunt {
        subject: Arc::new(BuiltIn),
        scenarios: grounds.to_vec(),
        seeds: vec![seeds; grounds.len()],
        settings,
        slice: Slice::WHOLE,
    }
}

/// Seconds, who found it and as what, and what became of the first findings.
fn details(found: &[Found], tried: u64) -> String {
    let mut micros: Vec<u64> = found.iter().map(|it| (it.seconds * 1e6) as u64).collect();
    let seconds = median(&mut micros, tried)
        .map_or_else(|| "-".to_owned(), |us| format!("{:.2}", us as f64 / 1e6));
    let schedulers = counted(found.iter().map(|it| it.scheduler.name()));
    let words = counted(found.iter().map(|it| it.word.as_str()));
    let (mut before, mut after, mut replayed, mut shrunk) = (Vec::new(), Vec::new(), 0, 0);
    for it in found.iter().take(SHRUNK as usize) {
        let mut findings = Findings::default();
        findings.take(&it.hunt, &it.done, Effort::default());
        let Some(first) = findings.list.first() else {
            continue;
        };
        shrunk += 1;
        before.push(first.small.before.steps);
        after.push(first.small.after.steps);
        replayed += u64::from(replays(first));
    }
    let sizes = median(&mut before, shrunk).zip(median(&mut after, shrunk));
    let sizes = sizes.map_or_else(
        || "-".to_owned(),
        |(before, after)| format!("{}, {}", grouped(before), grouped(after)),
    );
    format!(" | {seconds} | {schedulers} | {words} | {sizes} | {replayed}/{shrunk}")
}

/// Whether the small run's trace can be read, runs the same again, and fails alike.
fn replays(finding: &Finding) -> bool {
    let Ok(trace) = Trace::parse("finding", &finding.small.trace) else {
        return false;
    };
    let Ok(again) = replay(&trace, None) else {
        return false;
    };
    let word = finding.failure.word();
    let report = &again.report;
    report.violations.iter().any(|it| it.property == word)
        || (word == "wedge" && report.stalls.iter().any(|stall| stall.kind == "wedged"))
}

/// A campaign of agents that have no bug.
fn sound(options: &Options, grounds: &[Scenario], runs: u64) {
    let grounds: Vec<Arc<Scenario>> = grounds.iter().cloned().map(Arc::new).collect();
    let hunt = hunt(&grounds, Settings::default(), 0..APART);
    let mut sum = Sum::new(&hunt);
    let effort = Effort::default();
    let start = Instant::now();
    hunt.run(
        options.jobs,
        PATIENCE,
        &Arc::new(AtomicBool::new(false)),
        &|_| false,
        &mut |_| (),
        &mut |done| {
            for failed in &done.tally.failures {
                let (name, words) = (&grounds[done.block.scenario].name, failed.failure.words());
                let Done { block, .. } = &done;
                println!("{name} {:?} seed {}: {words}", block.seeds, failed.seed);
            }
            let new = sum.take(&hunt, &done, effort);
            for index in new {
                println!("{}", sum.findings.list[index].small.toml);
            }
            sum.total.runs < runs
        },
    );
    let seconds = start.elapsed().as_secs_f64();
    for (scenario, tally) in grounds.iter().zip(&sum.scenarios) {
        println!(
            "{}: {} runs, {} decided, {} stalled, {} broken, {} beyond, {} steps a run",
            scenario.name,
            tally.runs,
            tally.decided,
            tally.stalled,
            tally.broken,
            tally.beyond,
            tally.steps / tally.runs.max(1)
        );
    }
    for untested in sum.untested(&hunt) {
        println!("untested: {} {}", untested.scenario, untested.what);
    }
    let total = &sum.total;
    println!(
        "{} runs, {} steps, {} findings, {seconds:.1} s",
        total.runs,
        total.steps,
        sum.findings.list.len()
    );
}

/// The grounds of the protocols that can have a bug, their agents having it.
fn planted(grounds: &[Scenario], bug: Bug) -> Vec<Arc<Scenario>> {
    let disk = [
        &Bug::DISK_PAXOS[..],
        &Bug::EQUIVALENT,
        &Bug::BLOCKS,
        &Bug::DRIVERS,
    ];
    let can_have = |protocol| match protocol {
        Protocol::DiskPaxos => disk.iter().any(|list| list.contains(&bug)),
        Protocol::AcceptorRecords => {
            Bug::ACCEPTOR_RECORDS.contains(&bug) || bug == Bug::WaitsForTheDead
        }
        Protocol::PutIfAbsent => Bug::PUT_IF_ABSENT.contains(&bug),
        Protocol::ReplicatedLog => Bug::REPLICATED_LOG.contains(&bug),
    };
    let having = |scenario: &Scenario| {
        Arc::new(Scenario {
            planted: Planted::from(Some(bug)),
            ..scenario.clone()
        })
    };
    let concerned = grounds.iter().filter(|it| can_have(it.cluster.protocol));
    concerned.map(having).collect()
}

fn grounds(folder: &Path) -> Vec<Scenario> {
    let files = fs::read_dir(folder).expect("the folder of the grounds");
    let mut files: Vec<PathBuf> = files.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a ground");
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        Scenario::parse(&name, &text, &catalogue::open)
            .unwrap_or_else(|errors| panic!("{}", bivalent_sim::scenario::render(&errors)))
    };
    files.into_iter().map(read).collect()
}

fn options() -> Options {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/fuzz");
    let mut options = Options {
        campaigns: 20,
        bugs: Bug::ALL
            .into_iter()
            .filter(|bug| bug.row().is_some())
            .collect(),
        only: None,
        steps: 50_000_000,
        jobs: 2,
        folder,
        sound: None,
    };
    options.bugs.sort_by_key(|bug| bug.row());
    let mut named = Vec::new();
    let mut words = env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let value = words.next().unwrap_or_default();
        let number = || value.parse::<u64>().expect("a number");
        match word.as_str() {
            "--campaigns" => options.campaigns = number(),
            "--bug" => named.push(Bug::named(&value).expect("the name of a bug")),
            "--only" => options.only = Some(value),
            "--steps" => options.steps = number() * 1_000_000,
            "--jobs" => options.jobs = number() as usize,
            "--folder" => options.folder = PathBuf::from(value),
            "--sound" => options.sound = Some(number()),
            _ => panic!("no such option: {word}"),
        }
    }
    if !named.is_empty() {
        options.bugs = named;
    }
    options
}

/// The one in the middle of `count`, those that are missing being greater than all others.
fn median(values: &mut [u64], count: u64) -> Option<u64> {
    values.sort_unstable();
    values.get(count as usize / 2).copied()
}

/// How often each word comes, the most frequent first.
fn counted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut counts: Vec<(u32, &str)> = Vec::new();
    for word in words {
        match counts.iter_mut().find(|(_, known)| *known == word) {
            Some((count, _)) => *count += 1,
            None => counts.push((1, word)),
        }
    }
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let each: Vec<String> = counts
        .iter()
        .map(|(n, word)| format!("{word} {n}"))
        .collect();
    each.join(", ")
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
