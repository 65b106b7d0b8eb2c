//! Verdicts for people: a line a scenario, a line for all.

use std::time::Duration;

use bivalent_sim::judge::report::{Outcome, RunReport};
use bivalent_sim::scenario::Scenario;

use super::paint::Paint;
use super::table::Row;
use super::{escape, units, words};
use crate::run::verdict::{Tested, Verdict};

/// A scenario's size as the table shows it.
pub(crate) fn size(scenario: &Scenario) -> String {
    format!(
        "{}x{}",
        scenario.cluster.agents.len(),
        scenario.cluster.stores.len()
    )
}

/// The line for a scenario.
pub(crate) fn row(tested: &Tested<'_>) -> Row {
    let latency = tested.summary.latency;
    Row {
        verdict: tested.verdict.word().to_owned(),
        scenario: escape::line(&tested.scenario.name),
        size: size(tested.scenario),
        outcome: outcome(tested),
        time: match latency.count {
            0 => "-".to_owned(),
            1 => units::time(latency.p50),
            _ => format!(
                "{} / {}",
                units::time(latency.p50),
                units::time(latency.p99)
            ),
        },
        ops: units::count(tested.summary.store_ops),
        note: note(tested),
        // A place to copy, or all that explains a verdict.
        keep_note: tested.verdict != Verdict::Ok || tested.found.is_some(),
    }
}

/// The line for one run.
pub(crate) fn row_of_run(scenario: &str, run: &RunReport) -> Row {
    Row {
        verdict: Verdict::of(run).word().to_owned(),
        scenario: escape::line(scenario),
        size: format!("{}x{}", run.agents, run.stores),
        outcome: words::outcome(run),
        time: match run.latency_ns.count {
            0 => "-".to_owned(),
            _ => units::time(run.latency_ns.p50),
        },
        ops: units::count(run.store_ops),
        ..Row::default()
    }
}

/// The verdict's word in its colour.
pub(crate) fn verdict(verdict: Verdict, paint: Paint) -> impl Fn(&str) -> String {
    move |word| match verdict {
        Verdict::Ok => paint.good(word),
        Verdict::Unsure | Verdict::Miss | Verdict::Stall => paint.odd(word),
        Verdict::Fail => paint.bad(word),
    }
}

fn outcome(tested: &Tested<'_>) -> String {
    let sum = &tested.summary;
    if let Some(run) = &tested.found
        && tested.wrong.is_empty()
        && sum.unsafe_ <= 1
    {
        return words::outcome(run);
    }
    if sum.runs <= 1 {
        return tested
            .last
            .as_ref()
            .map_or("not run".to_owned(), words::outcome);
    }
    let parts = [
        (sum.unsafe_, "unsafe"),
        (sum.stalled, "stalled"),
        (sum.inconclusive, "unsure"),
        (sum.decided, "decided"),
    ];
    let told = parts.iter().filter(|(n, _)| *n > 0);
    let told: Vec<_> = told
        .map(|(n, word)| format!("{} {word}", units::count(*n)))
        .collect();
    told.join(", ")
}

fn note(tested: &Tested<'_>) -> String {
    let runs = tested.summary.runs;
    let coordinate = tested
        .wrong
        .first()
        .or(tested.found.as_ref())
        .map(|run| escape::line(&run.coordinate));
    match coordinate {
        Some(coordinate) if runs > 1 => {
            format!(
                "{coordinate}, {} of {} runs",
                kth(tested),
                units::count(runs)
            )
        }
        Some(coordinate) => coordinate,
        None if tested.verdict == Verdict::Miss && tested.seeks => format!(
            "promised: {}; not in {}",
            words::expected(&tested.scenario.expect),
            units::counted(runs, "run", "runs")
        ),
        None if runs > 1 => format!("{} runs", units::count(runs)),
        None => tested.last.as_ref().map_or(String::new(), stall),
    }
}

/// In how many runs it showed.
fn kth(tested: &Tested<'_>) -> String {
    let sum = &tested.summary;
    let times = match tested.verdict {
        Verdict::Fail => sum.unsafe_,
        Verdict::Ok if tested.seeks => sum.unsafe_.max(1),
        Verdict::Ok | Verdict::Unsure | Verdict::Miss | Verdict::Stall => {
            sum.runs.saturating_sub(sum.as_expected)
        }
    };
    units::count(times)
}

fn stall(run: &RunReport) -> String {
    match run.stalls.last() {
        Some(stall) if stall.ballots[0] < stall.ballots[1] => {
            format!("ballots {} -> {}", stall.ballots[0], stall.ballots[1])
        }
        Some(_) | None => String::new(),
    }
}

/// The line for all of them.
pub(crate) fn total(
    tested: &[Tested<'_>],
    selected: usize,
    took: Duration,
    paint: Paint,
) -> String {
    let worst = tested
        .iter()
        .map(|t| t.verdict)
        .max()
        .unwrap_or(Verdict::Ok);
    let held = tested.iter().filter(|t| t.verdict == Verdict::Ok).count();
    let worst = if tested.len() < selected {
        worst.max(Verdict::Unsure)
    } else {
        worst
    };
    let runs: u64 = tested.iter().map(|t| t.summary.runs).sum();
    let mut text = format!(
        "{}  {}",
        verdict(worst, paint)(worst.word()),
        units::counted(selected as u64, "scenario", "scenarios")
    );
    if tested.len() < selected {
        text += &format!(" ({} not run)", selected - tested.len());
    }
    if runs > tested.len() as u64 {
        text += &format!(" in {} runs", units::count(runs));
    }
    text += &format!(", {held} as expected");
    let details = if held == tested.len() {
        kinds(tested)
    } else {
        faults(tested)
    };
    if !details.is_empty() {
        text += &format!(" ({details})");
    }
    let tenths = took.as_millis() / 100;
    text += &format!("  {}.{}s\n", tenths / 10, tenths % 10);
    text
}

fn kinds(tested: &[Tested<'_>]) -> String {
    let (mut decide, mut stall, mut broken, mut other) = (0, 0, 0, 0);
    for one in tested {
        let outcome = one.shown().map(|run| run.outcome);
        match outcome {
            Some(Outcome::Unsafe) => broken += 1,
            Some(Outcome::Stalled) => stall += 1,
            Some(Outcome::Decided) => decide += 1,
            Some(Outcome::Inconclusive) | None => other += 1,
        }
    }
    listed(&[
        (decide, "decide"),
        (stall, "stall"),
        (broken, "break outside their envelope"),
        (other, "inconclusive"),
    ])
}

fn faults(tested: &[Tested<'_>]) -> String {
    let of = |verdict| tested.iter().filter(|t| t.verdict == verdict).count();
    listed(&[
        (of(Verdict::Fail), "unsafe"),
        (of(Verdict::Stall), "stalled"),
        (of(Verdict::Miss), "without what was promised"),
        (of(Verdict::Unsure), "unsure"),
    ])
}

fn listed(parts: &[(usize, &str)]) -> String {
    let some = parts.iter().filter(|(n, _)| *n > 0);
    some.map(|(n, word)| format!("{n} {word}"))
        .collect::<Vec<_>>()
        .join(", ")
}
