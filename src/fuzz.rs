//! `bivalent fuzz`: a campaign, from its arguments to its exit code.

mod difference;
mod failed;
pub(crate) mod merge;
mod nth;
pub(crate) mod partition;
mod profile;
mod progress;
pub(crate) mod regressions;
pub(crate) mod report;
pub(crate) mod results;
pub(crate) mod shrink;
pub(crate) mod store;

use std::cell::RefCell;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bivalent_sim::campaign::fuzz::{Close, Effort, Finding, Hunt, Settings, Slice, Sum};
use bivalent_sim::campaign::guard::BuiltIn;
use bivalent_sim::campaign::shrink::Limits;
use bivalent_sim::scenario::Scenario;

use crate::cli::fuzz::FuzzArgs;
use crate::cli::{Format, planted};
use crate::console::{Console, Stream};
use crate::exit::{Exit, Failure};
use crate::render::github;
use crate::render::json::{Sequence, Shape};
use crate::render::{escape, units};
use crate::{bug, interrupt, select};

use partition::Partition;
use progress::Line;
use regressions::Regressions;
use results::Summary;
use store::{Campaign, Store};

/// Runs of a campaign that is not told how many.
const RUNS: u64 = 20_000;
/// Seeds of a scenario in a campaign that runs until it is told to stop.
const SEEDS_MAX: u64 = 1 << 48;
/// A run without a sign of life for this long never ends.
const HANG: Duration = Duration::from_secs(60);
/// Findings that are told in full; the others have a line.
const TOLD_MAX: usize = 10;
/// GitHub shows ten annotations of a step.
const ANNOTATIONS_MAX: usize = 10;
/// How often blocks are made sure of.
const SETTLE: Duration = Duration::from_secs(1);

/// Runs a campaign.
pub(crate) fn fuzz(args: FuzzArgs, console: &mut Console) -> Result<Exit, Failure> {
    let interrupted = interrupt::listen();
    let args = profile::complete(args)?;
    let scenarios = scenarios(&args, console)?;
    if let Some(kind) = args.nth_fault {
        return nth::nth(kind, &scenarios, &args, console, interrupted);
    }
    let seeds = seeds(&args, scenarios.len());
    let settings = Settings {
        portfolio: args.portfolio.unwrap_or_default(),
        swarm: !args.no_swarm,
        compare_ppm: args.check_determinism.unwrap_or(0),
    };
    let slice = args.partition.map_or(Ok(Slice::WHOLE), Partition::slice)?;
    let open = args.r#for.is_some();
    let campaign = Campaign::new(&scenarios, &seeds, settings, slice, open);
    let hunt = Hunt {
        subject: Arc::new(BuiltIn),
        scenarios: scenarios.into_iter().map(Arc::new).collect(),
        seeds,
        settings,
        slice,
    };
    let talk = talk(args.format);
    // Before anything is run: a relapse is told first.
    let relapsed = regressions::run(&args, console, talk)?;
    let folder = args.out.as_ref().map(|out| folder(out, slice));
    let (store, done) = match &folder {
        None => (None, Vec::new()),
        Some(folder) => {
            let (store, done) = Store::open(folder, &campaign)?;
            // Whoever merges the parts runs nothing, and must hear of it even if this one is killed.
            relapsed.keep(folder)?;
            (Some(store), done)
        }
    };
    let mut session = Session {
        args: &args,
        console,
        talk,
        hunt: &hunt,
        sum: Sum::new(&hunt),
        told: 0,
        kept: folder.as_ref().map(|folder| folder.display().to_string()),
        before: 0,
    };
    let again = done.len() as u64;
    for done in &done {
        session.take(done)?;
    }
    session.before = session.sum.total.runs;
    if again > 0 {
        let blocks = units::counted(again, "block", "blocks");
        let runs = units::counted(session.sum.total.runs, "run", "runs");
        session.say(&format!("going on after {blocks}, {runs}\n"))?;
    }
    let (close, took) = session.run(store, interrupted)?;
    session.end(close, took, &relapsed, folder.as_deref())
}

/// Where talk goes: data has standard output to itself.
pub(crate) const fn talk(format: Format) -> Stream {
    match format {
        Format::Human => Stream::Out,
        Format::Json | Format::Jsonl | Format::Github => Stream::Err,
    }
}

/// A part of a campaign has a folder of its own in that of the whole.
fn folder(out: &Path, slice: Slice) -> PathBuf {
    if slice == Slice::WHOLE {
        out.to_owned()
    } else {
        out.join(format!("part-{}-of-{}", slice.number, slice.count))
    }
}

fn scenarios(args: &FuzzArgs, console: &Console) -> Result<Vec<Scenario>, Failure> {
    let mut scenarios = Vec::new();
    for picked in select::scenarios(&args.what, console)? {
        if picked.seed.is_some() {
            let message = format!("{} is one run; a campaign needs many", picked.scenario.name);
            let help = "leave out what follows the @, or `bivalent run` it";
            return Err(Failure::new(Exit::Usage, message).help(help));
        }
        let mut scenario = picked.scenario;
        scenario.planted = args.planted.planted();
        scenarios.push(scenario);
    }
    Ok(scenarios)
}

fn seeds(args: &FuzzArgs, scenarios: usize) -> Vec<Range<u64>> {
    if let Some(seeds) = &args.seeds {
        return vec![seeds.clone(); scenarios];
    }
    if args.r#for.is_some() {
        return vec![0..SEEDS_MAX; scenarios];
    }
    let (runs, count) = (args.runs.unwrap_or(RUNS), scenarios as u64);
    let share = |number: u64| runs / count + u64::from(number < runs % count);
    (0..count).map(|number| 0..share(number)).collect()
}

/// A campaign while it lasts.
struct Session<'a> {
    args: &'a FuzzArgs,
    console: &'a mut Console,
    talk: Stream,
    hunt: &'a Hunt,
    sum: Sum,
    told: usize,
    /// The folder, as text.
    kept: Option<String>,
    /// Runs that were there before this one began.
    before: u64,
}

impl Session<'_> {
    fn say(&mut self, text: &str) -> Result<(), Failure> {
        self.console.put(self.talk, text)?;
        self.console.flush()
    }

    /// Adds a block, and tells what is new.
    fn take(&mut self, done: &bivalent_sim::campaign::fuzz::Done) -> Result<bool, Failure> {
        let effort = Effort::new(Limits::default(), self.args.hang_after.unwrap_or(HANG));
        let new = self.sum.take(self.hunt, done, effort);
        for at in new {
            let finding = self.sum.findings.list[at].clone();
            self.found(&finding)?;
        }
        let most = self.args.stop_after.unwrap_or(u64::MAX);
        Ok((self.sum.findings.list.len() as u64) < most)
    }

    fn found(&mut self, finding: &Finding) -> Result<(), Failure> {
        if let Some(kept) = &self.kept {
            results::keep_finding(Path::new(kept), finding)?;
        }
        self.told += 1;
        if self.told > TOLD_MAX {
            return Ok(());
        }
        let paint = self.console.paint(self.talk);
        let text = report::finding(finding, paint, self.kept.as_deref());
        self.say(&format!("{text}\n"))
    }

    /// Runs what is left.
    fn run(
        &mut self,
        mut store: Option<Store>,
        interrupted: &'static AtomicBool,
    ) -> Result<(Close, Duration), Failure> {
        let began = Instant::now();
        let jobs = self.args.jobs.map_or_else(
            || std::thread::available_parallelism().map_or(1, usize::from),
            usize::from,
        );
        let stop = Arc::new(AtomicBool::new(false));
        let deadline = self.args.r#for.map(|time| began + time);
        bug::while_running("a campaign");
        let patience = self.args.hang_after.unwrap_or(HANG);
        let line = RefCell::new(Line::new(self.hunt, began, &self.sum));
        let known = store.as_ref().map(|store| {
            let hunt = self.hunt;
            let blocks = hunt.blocks().take_while(|block| store.has(block));
            blocks.count()
        });
        // Blocks are kept in their order: those that are there are the first ones.
        let skipped = RefCell::new(known.unwrap_or(0));
        let mut settled = Instant::now();
        let mut failure = None;
        let hunt = self.hunt;
        let close = hunt.run(
            jobs,
            patience,
            &stop,
            &|_| {
                let mut left = skipped.borrow_mut();
                let skip = *left > 0;
                *left = left.saturating_sub(1);
                skip
            },
            &mut |run| {
                let late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
                if late || interrupted.load(Ordering::SeqCst) {
                    stop.store(true, Ordering::SeqCst);
                }
                let mut line = line.borrow_mut();
                if let Some(tally) = run {
                    line.block(tally);
                }
                line.tick();
            },
            &mut |done| {
                line.borrow_mut().clear();
                let kept = store.as_mut().map_or(Ok(()), |store| store.add(&done));
                let taken = kept.and_then(|()| self.take(&done));
                line.borrow_mut().findings(&self.sum);
                if settled.elapsed() > SETTLE {
                    settled = Instant::now();
                    store.iter().for_each(Store::settle);
                }
                taken.unwrap_or_else(|why| {
                    failure = Some(why);
                    false
                })
            },
        );
        line.borrow_mut().clear();
        store.iter().for_each(Store::settle);
        match failure {
            Some(failure) => Err(failure),
            None => Ok((close, began.elapsed())),
        }
    }

    /// Tells what it came to, writes it down, and says how to exit.
    fn end(
        &mut self,
        close: Close,
        took: Duration,
        relapsed: &Regressions,
        folder: Option<&Path>,
    ) -> Result<Exit, Failure> {
        let stopped = interrupt_asked(close, self.args);
        // Who is told for how long has run all there is when the time is over.
        let complete = match close {
            Close::Complete => true,
            Close::Stopped => !stopped,
            Close::Enough | Close::Lost => false,
        };
        let summary = Summary::new(self.hunt, &self.sum, relapsed, complete);
        if let Some(folder) = folder {
            results::keep(folder, self.hunt, &self.sum, relapsed, &summary, took)?;
        }
        let told = Told {
            hunt: self.hunt,
            sum: &self.sum,
            summary: &summary,
            took: Some((took, self.sum.total.runs - self.before)),
            kept: self.kept.as_deref(),
        };
        tell(&told, self.args.format, self.console)?;
        if close == Close::Lost {
            self.console
                .warning("too many steps never came to an end: the campaign was given up");
        }
        if stopped && let Some(folder) = folder {
            let words: Vec<String> = std::env::args().map(|word| escape::shell(&word)).collect();
            let folder = folder.display();
            self.say(&format!(
                "kept in {folder}; go on with: {}\n",
                words.join(" ")
            ))?;
        }
        let verdict = exit(&self.sum, &summary, self.hunt.slice == Slice::WHOLE);
        let code = verdict.or_worse(relapsed.exit());
        if stopped && code.or_worse(Exit::Inconclusive) == Exit::Inconclusive {
            return Ok(Exit::Interrupted);
        }
        Ok(code)
    }
}

/// Whether somebody has asked to stop before it was over.
fn interrupt_asked(close: Close, args: &FuzzArgs) -> bool {
    close == Close::Stopped && (args.r#for.is_none() || interrupt::was_asked())
}

/// What there is to tell at the end.
#[derive(Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) hunt: &'a Hunt,
    pub(crate) sum: &'a Sum,
    pub(crate) summary: &'a Summary,
    /// How long it took, and how many runs were run in that time; none where others have run it.
    pub(crate) took: Option<(Duration, u64)>,
    /// The folder in which findings are kept.
    pub(crate) kept: Option<&'a str>,
}

/// What a campaign came to, in the format that was asked for.
pub(crate) fn tell(told: &Told<'_>, format: Format, console: &mut Console) -> Result<(), Failure> {
    let talk = talk(format);
    let sequence = match format {
        Format::Human | Format::Github => None,
        Format::Json => Some(Sequence::new(Shape::Array)),
        Format::Jsonl => Some(Sequence::new(Shape::Lines)),
    };
    if let Some(mut sequence) = sequence {
        for finding in &told.summary.findings {
            console.data(sequence.add(finding).as_bytes())?;
        }
        console.data(sequence.add(told.summary).as_bytes())?;
        console.data(sequence.end().as_bytes())?;
    }
    if format == Format::Github {
        let relapses = told.summary.relapses.iter().map(|relapse| {
            let title = format!("RELAPSE {}", relapse.kind);
            github::error(&relapse.file, 1, &title, &relapse.detail)
        });
        let findings = told.sum.findings.list.iter();
        let lines = relapses.chain(findings.map(|finding| annotation(told, finding)));
        for line in lines.take(ANNOTATIONS_MAX) {
            console.data(line.as_bytes())?;
        }
        github::step_summary(&report::markdown(told.sum, told.summary))?;
    }
    let paint = console.paint(talk);
    let text = report::total(told, paint);
    console.put(talk, &text)
}

fn annotation(told: &Told<'_>, finding: &Finding) -> String {
    let scenario = &told.hunt.scenarios[finding.scenario];
    let title = format!(
        "{} {}@{:#x}",
        finding.failure.word(),
        finding.from,
        finding.seed
    );
    let bug = planted::again(scenario.planted);
    let mut message = finding.failure.words();
    if let Some(kept) = told.kept {
        let file = format!("{kept}/findings/{}.toml", finding.file_stem());
        message += &format!("\nbivalent run {}{bug}", escape::shell(&file));
    }
    let line = github::line_of_expect(&scenario.text);
    github::error(&scenario.name, line, &title, &message)
}

/// The exit code. A part of a campaign leaves what it has not tested to whoever merges it.
pub(crate) fn exit(sum: &Sum, summary: &Summary, whole: bool) -> Exit {
    let untested = summary.untested.iter().any(|it| it.required);
    let nothing = whole && (untested || sum.total.runs == 0);
    let least = if nothing { Exit::Nothing } else { Exit::Ok };
    sum.findings.list.iter().fold(least, |exit, finding| {
        exit.or_worse(failed::exit(&finding.failure))
    })
}
