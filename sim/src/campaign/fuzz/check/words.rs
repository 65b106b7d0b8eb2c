//! What a test says when it fails: what is broken, how it happened, and how to see it again.

use std::{fmt::Write as _, thread};

use super::said::{RUNS, SEED};
use crate::{
    campaign::{
        failure::Failure,
        fuzz::Finding,
        guard::{Ended, Guard, How, Subject, caught},
        shrink::Size,
    },
    engine::runner::Rest,
    judge::report::RunReport,
    scenario::{Scenario, words::grouped},
    story::{self, StoryLine},
};

/// Of a longer story the first and the last lines are told.
const HEAD: usize = 6;
/// See [`HEAD`].
const TAIL: usize = 18;

/// A run that fails.
pub(super) struct Broken<'a> {
    pub(super) subject: &'a dyn Subject,
    /// It carries its choices, if they are not too many.
    pub(super) scenario: &'a Scenario,
    pub(super) failure: &'a Failure,
}

impl Broken<'_> {
    /// The message about a finding.
    pub(super) fn found(&self, finding: &Finding, kept: Option<Result<String, String>>) -> String {
        let Finding {
            from,
            seed,
            scheduler,
            small,
            ..
        } = finding;
        let mut text = self.what();
        let run = grouped(seed.saturating_add(1));
        let ordered = scheduler.name();
        say(
            &mut text,
            "Seed",
            &format!("{from}@{seed:#x}: run {run}, scheduler {ordered}"),
        );
        if small.tried > 0 {
            let (before, after) = (small.before, small.after);
            say(&mut text, "Made small", &sizes(before, after));
        }
        let name = test_name();
        let again = format!("{SEED}={seed:#x} cargo test{name}");
        say(&mut text, "Again", &again);
        match kept {
            Some(Ok(path)) => say(&mut text, "Kept", &format!("{path}, run first from now on")),
            Some(Err(why)) => say(&mut text, "Not kept", &why),
            None => say(&mut text, "Keep it", ".keep(\"FOLDER\") before .run()"),
        }
        let more = format!("{RUNS}=100000 cargo test{name}");
        say(&mut text, "More runs", &more);
        text
    }

    /// The message about a run whose choices were kept.
    pub(super) fn again(&self, file: Option<&str>) -> String {
        let mut text = self.what();
        if let Some(file) = file {
            say(&mut text, "Kept in", file);
        }
        let again = format!("cargo test{}", test_name());
        say(&mut text, "Again", &again);
        text
    }

    /// What is broken, and how it came to that.
    fn what(&self) -> String {
        let mut text = self.failure.words();
        let told = self.told();
        if let Some((report, _)) = &told
            && let Failure::Violation { property } = self.failure
            && let Some(found) = report.violations.iter().find(|it| it.property == property)
        {
            let _ = write!(text, ": {}", found.detail);
        }
        text.push_str("\n\n");
        if *self.failure == Failure::Differs {
            text.push_str(
                "  What is tested depends on more than its inputs: a clock, a random number, the order of a hash map.\n\n",
            );
        }
        if let Some((_, lines)) = told.filter(|(_, lines)| !lines.is_empty()) {
            text.push_str("  How it happened\n");
            tell(&mut text, &lines);
            text.push('\n');
        }
        text
    }

    /// The run again, with a record; of one that panics up to there.
    fn told(&self) -> Option<(RunReport, Vec<StoryLine>)> {
        if matches!(self.failure, Failure::Endless | Failure::Differs) {
            return None;
        }
        let choices = self.scenario.schedule.choices.as_ref()?.to_vec();
        let mut guard = Guard::new(self.subject, self.scenario);
        let until = match guard.run(How::Following(choices.clone(), Rest::First)) {
            Ended::Run(_) => u64::MAX,
            Ended::Panicked { .. } => guard.runner().finished().steps().saturating_sub(1),
        };
        let mut runner = self.subject.runner(self.scenario);
        let recorded = caught(|| {
            let (end, journal, _) = runner.run_choices(choices, until);
            (end, journal)
        });
        let (end, journal) = recorded.ok()?;
        let report = runner.report(self.scenario, 0, end);
        let story = story::of(self.scenario, runner.finished(), &journal, &report);
        Some((report, story.lines))
    }
}

/// The message about runs that tested too little.
pub(super) fn untested(name: &str, runs: u64, missing: &[&str]) -> String {
    let mut text = format!(
        "too little was tested: none of {} runs of {name} came to this\n\n",
        grouped(runs)
    );
    for what in missing {
        let _ = writeln!(text, "    {what}");
    }
    text.push('\n');
    let more = format!("{RUNS}=100000 cargo test{}", test_name());
    say(&mut text, "More runs", &more);
    say(&mut text, "Or", "a scenario that asks for less");
    text
}

/// A scenario's title as a name.
pub(super) fn slug(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    words.join("-")
}

fn say(text: &mut String, what: &str, how: &str) {
    let _ = writeln!(text, "  {what:<10}  {how}");
}

/// The test that is running, as `cargo test` takes it, with a blank before it; nothing if it can't be known.
fn test_name() -> String {
    let thread = thread::current();
    let name = thread.name().filter(|name| *name != "main");
    name.map_or_else(String::new, |name| format!(" {name}"))
}

fn sizes(before: Size, after: Size) -> String {
    let mut parts = vec![change(before.steps, after.steps, "step")];
    parts.push(change(before.agents, after.agents, "agent"));
    parts.push(change(before.stores, after.stores, "store"));
    parts.push(change(before.faults, after.faults, "fault"));
    if before.requests > 0 {
        parts.push(change(before.requests, after.requests, "request"));
    }
    parts.join(", ")
}

fn change(before: u64, after: u64, what: &str) -> String {
    let ending = if after == 1 { "" } else { "s" };
    if before == after {
        return format!("{} {what}{ending}", grouped(after));
    }
    format!("{} -> {} {what}{ending}", grouped(before), grouped(after))
}

fn tell(text: &mut String, lines: &[StoryLine]) {
    let left_out = lines.len().saturating_sub(HEAD + TAIL);
    let who = lines.iter().map(|line| line.who.chars().count()).max();
    let who = who.unwrap_or(0).min(12);
    for (at, line) in lines.iter().enumerate() {
        if left_out > 0 && (HEAD..HEAD + left_out).contains(&at) {
            if at == HEAD {
                let _ = writeln!(text, "    ... {left_out} lines left out");
            }
            continue;
        }
        let (ms, us) = (line.time_ns / 1_000_000, line.time_ns / 1_000 % 1_000);
        let step = format!("#{}", line.step);
        let mark = if line.mark.is_empty() {
            String::new()
        } else {
            format!("   <- {}", line.mark)
        };
        let _ = writeln!(
            text,
            "    {step:>5}  {ms:>4}.{us:03} ms  {:<who$}  {}{mark}",
            line.who, line.what
        );
    }
}
