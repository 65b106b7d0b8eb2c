//! The story of a run: the steps that mattered, in words.

use bivalent_core::{AgentId, Ballot, Value, Vote};
use serde::Serialize;

use crate::{
    blocks::BlockEngine,
    fault::FaultKind,
    journal::{Journal, Note, What},
    log,
    planted::Planted,
    report::{Outcome, RunReport},
    runner::{Record, Runner},
    scenario::{Scenario, StallKind},
    verdict,
};

/// Lines told at most.
const LINES_MAX: usize = 40;

/// A run, told.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Story {
    /// What came of it, without verdict and coordinate.
    pub headline: String,
    /// The steps that mattered, in order.
    pub lines: Vec<StoryLine>,
    /// Why it came so.
    pub explanation: String,
    /// Where to find it again.
    pub coordinate: String,
}

/// A step that mattered.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct StoryLine {
    /// Its number.
    pub step: u64,
    /// Its virtual time, ns.
    pub time_ns: u64,
    /// An agent, a store, or `~` for a fault.
    pub who: String,
    /// What happened.
    pub what: String,
    /// Empty, or `first wrong step`.
    pub mark: &'static str,
}

/// Runs a seed again and tells it.
pub fn tell(scenario: &Scenario, seed: u64) -> Story {
    tell_planted(scenario, seed, scenario.planted)
}

/// The same of agents with a planted bug.
pub fn tell_planted(scenario: &Scenario, seed: u64, planted: Planted) -> Story {
    let mut runner = Runner::new(scenario);
    runner.plant_any(planted);
    let (end, _, record) = runner.run_recorded(seed);
    let report = runner.report(scenario, seed, end);
    of_any(scenario, &runner, &record, &report)
}

/// Tells a run of whichever engine.
pub(crate) fn of_any(
    scenario: &Scenario,
    runner: &Runner,
    record: &Record,
    report: &RunReport,
) -> Story {
    match (runner, record) {
        (Runner::Single(engine), Record::Single(journal)) => of(scenario, engine, journal, report),
        (_, Record::Log(journal)) => log::story::tell(scenario, runner, journal, report),
        (_, Record::Single(_)) => unreachable!("a log's engine leaves a log's record"),
    }
}

/// Every note of a record in words.
pub(crate) fn lines(scenario: &Scenario, runner: &Runner, record: &Record) -> Vec<StoryLine> {
    match (runner, record) {
        (Runner::Single(engine), Record::Single(journal)) => {
            let notes = journal.notes.iter();
            notes.map(|note| line(scenario, engine, note)).collect()
        }
        (_, Record::Log(journal)) => {
            let notes = journal.notes.iter();
            notes
                .map(|note| log::story::line(scenario, runner, note))
                .collect()
        }
        (_, Record::Single(_)) => Vec::new(),
    }
}

/// Tells a run that has been recorded.
pub(crate) fn of(
    scenario: &Scenario,
    engine: &BlockEngine,
    journal: &Journal,
    report: &RunReport,
) -> Story {
    let first_wrong = report.violations.first().map(|violation| violation.step);
    let headline = headline(report);
    let lines = choose(journal, first_wrong)
        .into_iter()
        .map(|note| {
            let mut line = line(scenario, engine, note);
            if Some(note.step) == first_wrong
                && matches!(note.what, What::Decided { .. } | What::Fault { .. })
            {
                line.mark = "first wrong step";
            }
            line
        })
        .collect();
    let explanation = explain(report, scenario);
    Story {
        headline,
        lines,
        explanation,
        coordinate: report.coordinate.clone(),
    }
}

/// What came of a run, in a line.
pub(crate) fn headline(report: &RunReport) -> String {
    if report.log.is_some() {
        return log::story::headline(report);
    }
    match report.outcome {
        Outcome::Unsafe => report
            .violations
            .first()
            .map_or_else(String::new, |violation| {
                format!(
                    "{} broken: {}",
                    violation.property.to_uppercase(),
                    violation.detail
                )
            }),
        Outcome::Stalled => report.stalls.first().map_or_else(String::new, |stall| {
            let agents = stall.agents.join(", ");
            format!(
                "no decision, {}: {agents}, ballots {} -> {}",
                stall.kind, stall.ballots[0], stall.ballots[1]
            )
        }),
        Outcome::Decided => format!("{} agents decided", report.decided),
        Outcome::Inconclusive => "the budget ended first".to_owned(),
    }
}

fn explain(report: &RunReport, scenario: &Scenario) -> String {
    if report.outcome == Outcome::Unsafe {
        return if report.envelope.within {
            "Every fault stayed inside what the protocol promises to survive: this is a bug in the core.".into()
        } else {
            format!(
                "Outside the envelope: {}.",
                report.envelope.exceeded.join("; ")
            )
        };
    }
    let Some(stall) = report.stalls.first() else {
        return String::new();
    };
    let kind = StallKind::ALL
        .into_iter()
        .find(|kind| kind.name() == stall.kind);
    match kind {
        Some(StallKind::Contention) => {
            "The agents pre-empt each other; nothing is broken. One agent running alone from here decides. \
             `bivalent explain` tries what would have helped."
        }
        Some(StallKind::NoQuorum) => {
            "Fewer stores answer than a quorum needs; with the stores back, an agent decides."
        }
        Some(StallKind::NoAgent) => "No undecided agent is up; a restarted one decides.",
        Some(StallKind::Starved) => {
            "An agent is up and a quorum answers, but what it waits for has not come; left alone it decides."
        }
        Some(StallKind::Wedged) => {
            "Even with all faults gone, an agent running alone from here does not decide: the store's \
             content, or an unanswered write that must not be overtaken, stands in its way."
        }
        None => return format!("{} did not finish.", scenario.name),
    }
    .to_owned()
}

/// The notes to tell: all if they are few; else faults, decisions, and the end.
fn choose(journal: &Journal, first_wrong: Option<u64>) -> Vec<&Note> {
    let telling = |note: &&Note| {
        !matches!(
            note.what,
            What::Wrote { .. } | What::Refused { .. } | What::Read { .. }
        )
    };
    let until = first_wrong.unwrap_or(u64::MAX);
    let notes: Vec<&Note> = journal
        .notes
        .iter()
        .filter(telling)
        .filter(|note| note.step <= until)
        .collect();
    if notes.len() <= LINES_MAX {
        return notes;
    }
    let head = LINES_MAX / 4;
    let tail = notes.len() - LINES_MAX / 2;
    let important = |note: &Note| {
        matches!(
            note.what,
            What::Decided { .. } | What::Healed | What::Stall { .. }
        )
    };
    let mut middle = LINES_MAX - head - LINES_MAX / 2;
    let mut chosen = Vec::new();
    for (index, note) in notes.into_iter().enumerate() {
        if index < head || index >= tail {
            chosen.push(note);
        } else if important(note) && middle > 0 {
            middle -= 1;
            chosen.push(note);
        }
    }
    chosen
}

/// A note in words.
pub(crate) fn line(scenario: &Scenario, engine: &BlockEngine, note: &Note) -> StoryLine {
    let agent = |id: AgentId| scenario.cluster.agents[id.index()].name.clone();
    let value = |value: Value| verdict::value_in_words(engine, value);
    let ballot = |ballot: Option<Ballot>| {
        ballot.map_or_else(
            || "none".to_owned(),
            |ballot| {
                let owner = scenario.cluster.agents.get(ballot.agent().index());
                format!(
                    "{} of {}",
                    ballot.round(),
                    owner.map_or("nobody", |owner| &owner.name)
                )
            },
        )
    };
    let voted = |vote: Option<Vote>| {
        vote.map_or_else(String::new, |vote| {
            format!(", vote {} of ballot {}", value(vote.inp), vote.bal.round())
        })
    };
    let (who, what) = match &note.what {
        What::Phase1 {
            agent: id,
            ballot: b,
        } => (agent(*id), format!("phase 1, ballot {}", b.round())),
        What::Phase2 {
            agent: id,
            ballot: b,
            value: v,
        } => (
            agent(*id),
            format!("phase 2, ballot {}, value {}", b.round(), value(*v)),
        ),
        What::Aborted {
            agent: id,
            ballot: b,
            above,
        } => (
            agent(*id),
            format!(
                "aborts ballot {}: met ballot {}",
                b.map_or(0, Ballot::round),
                ballot(*above)
            ),
        ),
        What::Recovered {
            agent: id,
            floor,
            vote,
        } => {
            let vote = vote.map_or_else(
                || "no vote".to_owned(),
                |vote| format!("a vote for {}", value(vote)),
            );
            (
                agent(*id),
                format!("has recovered: ballot {}, {vote}", ballot(*floor)),
            )
        }
        What::Decided {
            agent: id,
            value: v,
        } => (agent(*id), format!("DECIDED {}", value(*v))),
        What::Wrote {
            agent: id,
            store,
            block,
        } => {
            let vote = voted(block.vote);
            let store = &scenario.cluster.stores[store.index()];
            (
                agent(*id),
                format!(
                    "wrote {store}: ballot {}{vote}",
                    block.mbal.map_or(0, Ballot::round)
                ),
            )
        }
        What::Read {
            agent: id,
            store,
            owner,
            block,
        } => {
            let store = &scenario.cluster.stores[store.index()];
            let place = if scenario.cluster.protocol.is_conditional() {
                store.clone()
            } else {
                format!("{store}[{}]", agent(*owner))
            };
            let vote = voted(block.vote);
            let saw = ballot(block.mbal);
            (agent(*id), format!("read {place}: ballot {saw}{vote}"))
        }
        What::Refused { agent: id, store } => {
            let store = &scenario.cluster.stores[store.index()];
            (agent(*id), format!("refused by {store}: another wrote"))
        }
        What::Fault {
            kind,
            agent: id,
            store,
            detail,
            ..
        } => {
            let place = store.map(|store| scenario.cluster.stores[store.index()].clone());
            let agent = id.map(agent);
            let text = verdict::spelled(scenario, engine, detail);
            let what = match (kind, agent, place) {
                (
                    FaultKind::Crash | FaultKind::Restart | FaultKind::Pause | FaultKind::ClockSkew,
                    Some(agent),
                    _,
                ) => {
                    format!("{agent} {text}")
                }
                (_, _, Some(place)) => format!("{place}: {text}"),
                (_, _, None) => text,
            };
            ("~".to_owned(), format!("{}: {what}", kind.name()))
        }
        What::Stall { kind, heals } => {
            let heals = if *heals {
                "a solo run from here decides"
            } else {
                "no solo run from here decides"
            };
            ("~".to_owned(), format!("stall, {kind}: {heals}"))
        }
        What::Healed => ("~".to_owned(), "healed: no faults from here on".to_owned()),
    };
    StoryLine {
        step: note.step,
        time_ns: engine.ns(note.tick),
        who,
        what,
        mark: "",
    }
}
