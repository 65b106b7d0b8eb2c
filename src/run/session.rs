//! One `bivalent run` while it lasts: what is printed when, in which format.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bivalent_sim::campaign::{Keep, Policy, run_seeds};
use bivalent_sim::judge::report::RunReport;
use bivalent_sim::scenario::Scenario;
use bivalent_sim::{campaign::trace::Trace, story};
use unicode_width::UnicodeWidthStr;

use super::Plan;
use super::verdict::{Tally, Tested, Verdict};
use crate::cli::{Format, RunArgs, planted};
use crate::console::{Console, Stream};
use crate::exit::Failure;
use crate::files::{self, Existing};
use crate::progress::Progress;
use crate::render::json::{Sequence, Shape};
use crate::render::table::Table;
use crate::render::{escape, faults, github, human, log, units, words};
use crate::{bug, coordinate, interrupt};

/// So many stories are told; the others have a line in the table.
const STORIES_MAX: usize = 5;
/// GitHub shows ten annotations of a step.
const ANNOTATIONS_MAX: usize = 10;

/// What a run of many scenarios needs to remember.
pub(super) struct Session<'a> {
    args: &'a RunArgs,
    console: &'a mut Console,
    jobs: usize,
    sequence: Option<Sequence>,
    talk: Stream,
    table: Table,
    single: bool,
    written: BTreeSet<String>,
}

impl<'a> Session<'a> {
    /// Nothing run yet.
    pub(super) fn new(args: &'a RunArgs, console: &'a mut Console, plans: &[Plan]) -> Self {
        let (sequence, talk) = match args.format {
            Format::Human => (None, Stream::Out),
            Format::Json => (Some(Sequence::new(Shape::Array)), Stream::Err),
            Format::Jsonl => (Some(Sequence::new(Shape::Lines)), Stream::Err),
            Format::Github => (None, Stream::Err),
        };
        let scenarios = || plans.iter().map(|plan| &plan.scenario);
        let names = scenarios().map(|s| escape::line(&s.name).width()).max();
        let sizes = scenarios().map(|s| human::size(s).width()).max();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            args,
            console,
            jobs: args.jobs.map_or(cores, usize::from),
            sequence,
            talk,
            table: Table::new(
                names.unwrap_or_default(),
                sizes.unwrap_or_default(),
                Console::width(talk),
            ),
            single: plans.len() == 1,
            written: BTreeSet::new(),
        }
    }

    /// Only what went wrong is talked about: the rest is data, or unwanted.
    fn is_terse(&self) -> bool {
        self.args.quiet || self.sequence.is_some()
    }

    /// Before the first scenario.
    pub(super) fn begin(&mut self) -> Result<(), Failure> {
        if self.is_terse() {
            return Ok(());
        }
        let paint = self.console.paint(self.talk);
        let header = self.table.header();
        let header = format!("{}\n", paint.faint(header.trim_end_matches('\n')));
        self.console.put(self.talk, &header)
    }

    /// Runs one scenario and says what came of it.
    pub(super) fn test<'p>(
        &mut self,
        plan: &'p Plan,
        stop: &AtomicBool,
    ) -> Result<Tested<'p>, Failure> {
        let Plan {
            scenario,
            seeds,
            policy,
        } = plan;
        let total = seeds.end - seeds.start;
        bug::while_running(match total {
            1 => format!("{}@{:#x}", scenario.name, seeds.start),
            _ => format!("{}, seeds {}..{}", scenario.name, seeds.start, seeds.end),
        });
        let progress = Progress::new(&scenario.name, total, self.args.quiet);
        let mut tally = Tally::new(scenario);
        let every = *policy == Policy::All;
        let keep = if every && (self.sequence.is_some() || super::verdict::seeks(scenario)) {
            Keep::Every
        } else {
            Keep::Notable
        };
        let jobs = self.jobs;
        let mut closed = None;
        let mut each = |run: RunReport| {
            let wanted = every || tally.is_wrong(&run);
            if wanted && closed.is_none() {
                closed = self.emit(&run).err();
                if closed.is_some() {
                    interrupt::stop();
                }
            }
            tally.see(run);
        };
        let summary = run_seeds(
            scenario,
            seeds.clone(),
            jobs,
            *policy,
            keep,
            stop,
            &|runs| progress.done(runs),
            &mut each,
        );
        progress.clear();
        if let Some(failure) = closed {
            return Err(failure);
        }
        let tested = tally.judge(scenario, seeds.clone(), summary);
        if !every && let Some(run) = tested.found.as_ref().or(tested.last.as_ref()) {
            let told = tested.wrong.iter().any(|wrong| wrong.seed == run.seed);
            if !told {
                self.emit(run)?;
            }
        }
        self.say(&tested)?;
        self.keep_traces(&tested)?;
        self.console.flush()?;
        Ok(tested)
    }

    /// One run as data.
    fn emit(&mut self, run: &RunReport) -> Result<(), Failure> {
        match &mut self.sequence {
            Some(sequence) => {
                let text = sequence.add(run);
                self.console.data(text.as_bytes())
            }
            None => Ok(()),
        }
    }

    fn say(&mut self, tested: &Tested<'_>) -> Result<(), Failure> {
        if !tested.summary.interrupted {
            for kind in &tested.summary.never_landed {
                let runs = units::count(tested.summary.runs);
                self.console.warning(&format!(
                    "{}: `{kind}` was asked for and took effect in no run (of {runs})",
                    tested.scenario.name
                ));
            }
        }
        if self.is_terse() && tested.verdict == Verdict::Ok {
            return Ok(());
        }
        let paint = human::verdict(tested.verdict, self.console.paint(self.talk));
        let line = self.table.line(&human::row(tested), paint);
        self.console.put(self.talk, &line)
    }

    fn keep_traces(&mut self, tested: &Tested<'_>) -> Result<(), Failure> {
        let Some(folder) = self.args.trace.as_deref() else {
            return Ok(());
        };
        for run in tested.wrong.iter().chain(&tested.found) {
            if let Ok(seed) = coordinate::seed(&run.seed) {
                let path = self.keep_trace(folder, tested.scenario, seed)?;
                if !self.args.quiet {
                    let line = format!("trace of {} in {path}\n", run.coordinate);
                    self.console.put(Stream::Err, &escape::text(&line))?;
                }
            }
        }
        Ok(())
    }

    fn keep_trace(
        &mut self,
        dir: &Path,
        scenario: &Scenario,
        seed: u64,
    ) -> Result<String, Failure> {
        let stem = file_stem(&scenario.name);
        let mut name = format!("{stem}-{seed:#x}.trace");
        let mut copy = 2;
        while !self.written.insert(name.clone()) {
            name = format!("{stem}-{seed:#x}-{copy}.trace");
            copy += 1;
        }
        let path = dir.join(name);
        let text = Trace::record(scenario, seed).to_text();
        files::write(&path, text.as_bytes(), Existing::Replace)?;
        Ok(path.display().to_string())
    }

    /// After the last scenario.
    pub(super) fn end(
        &mut self,
        tested: &[Tested<'_>],
        selected: usize,
        took: Duration,
    ) -> Result<(), Failure> {
        if let Some(sequence) = &self.sequence {
            let end = sequence.end();
            self.console.data(end.as_bytes())?;
        } else {
            self.annotations(tested)?;
            let stories = self.stories(tested)?;
            let tables = self.fault_tables(tested)?;
            if stories || tables {
                self.console.put(self.talk, "\n")?;
            }
        }
        let fine = tested.len() == selected && tested.iter().all(|t| t.verdict == Verdict::Ok);
        if self.args.quiet && fine {
            return Ok(());
        }
        let total = human::total(tested, selected, took, self.console.paint(self.talk));
        self.console.put(self.talk, &total)
    }

    fn annotations(&mut self, tested: &[Tested<'_>]) -> Result<(), Failure> {
        if self.args.format != Format::Github {
            return Ok(());
        }
        let wrong = tested.iter().filter(|t| t.verdict != Verdict::Ok);
        for one in wrong.take(ANNOTATIONS_MAX) {
            let run = one.wrong.first();
            let place = run.map_or(&one.scenario.name, |run| &run.coordinate);
            let happened = one
                .shown()
                .map_or_else(|| "not run".to_owned(), words::outcome);
            let expected = words::expected(&one.scenario.expect);
            let mut message = format!("{happened}; expected: {expected}");
            if let Some(run) = run {
                let run = format!("{}@{}", one.scenario.name, run.seed);
                let bug = planted::again(one.scenario.planted);
                message += &format!("\nbivalent replay {}{bug}", escape::shell(&run));
            }
            let line = github::error(
                &one.scenario.name,
                github::line_of_expect(&one.scenario.text),
                &format!("{} {place}", one.verdict.word()),
                &message,
            );
            self.console.data(line.as_bytes())?;
        }
        Ok(())
    }

    /// Says whether there was one to tell.
    fn stories(&mut self, tested: &[Tested<'_>]) -> Result<bool, Failure> {
        let mut told = 0;
        for one in tested {
            let is_news = self.args.explain || self.single && one.found.is_some();
            let run = match one.verdict {
                Verdict::Ok if is_news && !self.args.quiet => one.shown(),
                Verdict::Ok => None,
                Verdict::Unsure | Verdict::Miss | Verdict::Stall | Verdict::Fail => {
                    one.wrong.first()
                }
            };
            let Some(run) = run else {
                continue;
            };
            if told == STORIES_MAX {
                let text = "\nMore went wrong: see the table. One at a time tells its story.\n";
                self.console.put(self.talk, text)?;
                break;
            }
            told += 1;
            self.story(one, run)?;
        }
        Ok(told > 0)
    }

    fn story(&mut self, tested: &Tested<'_>, run: &RunReport) -> Result<(), Failure> {
        let Ok(seed) = coordinate::seed(&run.seed) else {
            return Ok(());
        };
        let paint = self.console.paint(self.talk);
        let word = if tested.verdict == Verdict::Ok && tested.found.is_some() {
            "FOUND"
        } else {
            tested.verdict.word()
        };
        let run = format!("{}@{seed:#x}", tested.scenario.name);
        let run = escape::shell(&run) + &planted::again(tested.scenario.planted);
        let text = crate::render::story::tell(
            &human::verdict(tested.verdict, paint)(word),
            &story::tell(tested.scenario, seed),
            &run,
            paint,
            Console::width(self.talk),
        );
        self.console.put(self.talk, &format!("\n{text}"))
    }

    /// Says whether there was one to show.
    fn fault_tables(&mut self, tested: &[Tested<'_>]) -> Result<bool, Failure> {
        let mut any = false;
        for one in tested {
            if let Some(log) = one
                .summary
                .log
                .as_ref()
                .filter(|_| self.single && !self.args.quiet)
            {
                let name = escape::line(&one.scenario.name);
                let runs = units::counted(one.summary.runs, "run", "runs");
                let text = format!("\n  Log in {runs} of {name}\n{}", log::lines(log));
                self.console.put(self.talk, &text)?;
                any = true;
            }
            let many = one.seeds.end - one.seeds.start > 1;
            let wanted = self.args.faults || self.single && many && !self.args.quiet;
            if !wanted || one.summary.faults.is_empty() {
                continue;
            }
            let name = escape::line(&one.scenario.name);
            let runs = units::counted(one.summary.runs, "run", "runs");
            let text = format!(
                "\n  Faults in {runs} of {name}\n{}",
                faults::table(&one.summary.faults)
            );
            self.console.put(self.talk, &text)?;
            any = true;
        }
        Ok(any)
    }
}

/// A scenario's name as a part of a file's: no separators, nothing that a shell or a terminal
/// takes for more than a letter.
fn file_stem(name: &str) -> String {
    let name = name.strip_prefix("scenarios/").unwrap_or(name);
    let name = name.strip_suffix(".toml").unwrap_or(name);
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '_' {
            c
        } else {
            '-'
        }
    };
    let stem: String = name.chars().map(plain).collect();
    // The end of a long path tells more than its beginning.
    let stem = stem.trim_start_matches('-');
    stem[stem.len().saturating_sub(100)..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_never_leaves_its_folder() {
        assert_eq!(file_stem("scenarios/flp/duel.toml"), "flp-duel");
        assert_eq!(file_stem("/etc/../x.toml"), "etc----x");
        assert_eq!(file_stem("..\u{1b}[2J/ö"), "2J--");
        assert_eq!(file_stem(&"x".repeat(999)).len(), 100);
    }
}
