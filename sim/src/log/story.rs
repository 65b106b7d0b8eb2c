//! The story of a log's run: who led, what broke, what went wrong, in words.

use super::{LogJournal, LogNote};
use crate::{
    report::{Outcome, RunReport},
    runner::Runner,
    scenario::Scenario,
    story::{Story, StoryLine},
    verdict,
};

/// Lines told at most.
const LINES_MAX: usize = 40;
/// Of a slot's decisions that are told, those nearest to the end.
const DECISIONS: &str = "decides slot";

/// A note in words.
pub(crate) fn line(scenario: &Scenario, runner: &Runner, note: &LogNote) -> StoryLine {
    let spelled = |text: &str| verdict::spelled(scenario, runner.finished(), text);
    let (who, what) = (spelled(&note.who), spelled(&note.what));
    let (who, what) = if note.fault && who != "~" {
        ("~".to_owned(), format!("{who} {what}"))
    } else {
        (who, what)
    };
    StoryLine {
        step: note.step,
        time_ns: runner.ns(note.tick),
        who,
        what,
        mark: "",
    }
}

/// Tells a run that has been recorded.
pub(crate) fn tell(
    scenario: &Scenario,
    runner: &Runner,
    journal: &LogJournal,
    report: &RunReport,
) -> Story {
    let wrong = report.violations.first();
    let until = wrong.map_or(u64::MAX, |violation| violation.step);
    let past = journal.notes.iter().filter(|note| note.step <= until);
    let notes: Vec<&LogNote> = past.collect();
    let decisions = notes.iter().filter(|note| is_decision(note)).count();
    // Of the slots' decisions only the last few matter; of all else the beginning and the end.
    let mut skip = decisions.saturating_sub(LINES_MAX / 4);
    let kept: Vec<&LogNote> = notes
        .into_iter()
        .filter(|note| {
            let skipped = is_decision(note) && skip > 0;
            skip -= usize::from(skipped);
            !skipped
        })
        .collect();
    let head = LINES_MAX / 4;
    let tail = kept.len().saturating_sub(LINES_MAX - head);
    let chosen = kept
        .iter()
        .enumerate()
        .filter(|&(at, _)| at < head || at >= tail.max(head));
    let lines = chosen
        .map(|(_, note)| {
            let mut line = line(scenario, runner, note);
            if wrong.is_some_and(|wrong| wrong.step == note.step) {
                line.mark = "first wrong step";
            }
            line
        })
        .collect();
    Story {
        headline: headline(report),
        lines,
        explanation: explanation(report),
        coordinate: report.coordinate.clone(),
    }
}

/// What came of a run, in a line.
pub(crate) fn headline(report: &RunReport) -> String {
    let log = report
        .log
        .as_ref()
        .map(|log| log.counts)
        .unwrap_or_default();
    match (
        report.outcome,
        report.violations.first(),
        report.stalls.first(),
    ) {
        (Outcome::Unsafe, Some(wrong), _) => {
            format!("{} broken: {}", wrong.property.to_uppercase(), wrong.detail)
        }
        (Outcome::Stalled, _, Some(stall)) => format!("no answer, {}", stall.kind),
        (Outcome::Decided, ..) => format!(
            "{} commands and {} queries in {} slots, {} leaders",
            log.commands, log.queries, log.slots, log.leaders
        ),
        _ => "the budget ended first".to_owned(),
    }
}

fn is_decision(note: &LogNote) -> bool {
    note.what.starts_with(DECISIONS)
}

fn explanation(report: &RunReport) -> String {
    match (report.outcome, report.envelope.within) {
        (Outcome::Unsafe, true) => {
            "Every fault stayed inside what the protocol promises to survive: this is a bug in the core."
                .to_owned()
        }
        (Outcome::Unsafe, false) => format!(
            "Outside the envelope: {}.",
            report.envelope.exceeded.join("; ")
        ),
        (Outcome::Stalled, _) => report.stalls.first().map_or_else(String::new, |stall| {
            if stall.heals {
                "With all faults gone, one agent running alone from here answers its clients.".to_owned()
            } else {
                "Even with all faults gone, no agent running alone from here answers a client.".to_owned()
            }
        }),
        (Outcome::Decided | Outcome::Inconclusive, _) => String::new(),
    }
}
