//! The story of a run: the steps that mattered, in words.

pub mod cause;
pub mod explain;
pub mod export;
pub mod influence;
pub mod timeline;

use bivalent_core::{AgentId, Ballot, Value, Vote};
use serde::Serialize;

use crate::{
    engine::{
        journal::{Journal, Note, What},
        runner::Runner,
    },
    judge::{
        report::{Outcome, RunReport},
        verdict::{self, Finished},
    },
    scenario::{Scenario, StallKind, fault::FaultKind, planted::Planted},
};

pub use crate::engine::view::StoryLine;

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

/// Runs a seed again and tells it.
pub fn tell(scenario: &Scenario, seed: u64) -> Story {
    tell_planted(scenario, seed, scenario.planted)
}

/// The same of agents with a planted bug.
pub fn tell_planted(scenario: &Scenario, seed: u64, planted: Planted) -> Story {
    let mut runner = Runner::new(scenario);
    runner.plant_any(planted);
    let (end, _, journal) = runner.run_recorded(seed);
    let report = runner.report(scenario, seed, end);
    of(scenario, runner.finished(), &journal, &report)
}

/// Every note of a run in words.
pub(crate) fn lines(scenario: &Scenario, run: &dyn Finished, journal: &Journal) -> Vec<StoryLine> {
    let notes = journal.notes.iter();
    notes.map(|note| line(scenario, run, note)).collect()
}

/// Tells a run that has been recorded.
pub(crate) fn of(
    scenario: &Scenario,
    engine: &dyn Finished,
    journal: &Journal,
    report: &RunReport,
) -> Story {
    let first_wrong = report.violations.first().map(|violation| violation.step);
    let headline = headline(report);
    let lines = choose(journal, first_wrong)
        .into_iter()
        .map(|note| {
            let mut line = line(scenario, engine, note);
            if Some(note.step) == first_wrong && may_be_wrong(&note.what) {
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
            if report.log.is_some() {
                return format!("no answer, {}", stall.kind);
            }
            let agents = stall.agents.join(", ");
            format!(
                "no decision, {}: {agents}, ballots {} -> {}",
                stall.kind, stall.ballots[0], stall.ballots[1]
            )
        }),
        Outcome::Decided => match &report.log {
            Some(log) => format!(
                "{} commands and {} queries in {} slots, {} leaders",
                log.counts.commands, log.counts.queries, log.counts.slots, log.counts.leaders
            ),
            None => format!("{} agents decided", report.decided),
        },
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
    if report.log.is_some() {
        return if stall.heals {
            "With all faults gone, one agent running alone from here answers its clients."
        } else {
            "Even with all faults gone, no agent running alone from here answers a client."
        }
        .to_owned();
    }
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

/// Whether something may be what breaks a property, and not what led to it in the same step.
const fn may_be_wrong(what: &What) -> bool {
    matches!(
        what,
        What::Decided { .. }
            | What::Fault { .. }
            | What::Stands { .. }
            | What::Leads { .. }
            | What::Follows { .. }
            | What::Chosen { .. }
            | What::Installed { .. }
            | What::Told { .. }
    )
}

/// The notes to tell: all if they are few; else faults, decisions, and the end. Of the slots of a log the last that
/// are decided.
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
    let is_slot = |note: &&Note| matches!(note.what, What::Chosen { .. });
    let slots = notes.iter().filter(|note| is_slot(note)).count();
    let mut skip = slots.saturating_sub(LINES_MAX / 4);
    let notes: Vec<&Note> = notes
        .into_iter()
        .filter(|note| {
            let skipped = is_slot(note) && skip > 0;
            skip -= usize::from(skipped);
            !skipped
        })
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
pub(crate) fn line(scenario: &Scenario, engine: &dyn Finished, note: &Note) -> StoryLine {
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
        What::Told {
            agent: id, text, ..
        } => (agent(*id), verdict::spelled(scenario, engine, text)),
        What::Stands { agent: id, ballot } => (
            agent(*id),
            format!("stands for leader in ballot {ballot:?}"),
        ),
        What::Leads {
            agent: id,
            ballot,
            from,
        } => (
            agent(*id),
            format!("leads in ballot {ballot:?} from slot {} on", from.0),
        ),
        What::Follows {
            agent: id,
            above: Some(above),
        } => (agent(*id), format!("steps down: ballot {above:?} was met")),
        What::Follows {
            agent: id,
            above: None,
        } => (
            agent(*id),
            "does not lead: something decided is nowhere to be found".to_owned(),
        ),
        What::Chosen {
            agent: id,
            slot,
            requests,
        } => {
            let s = if *requests == 1 { "" } else { "s" };
            (
                agent(*id),
                format!("decides slot {}: {requests} request{s}", slot.0),
            )
        }
        What::Installed { agent: id, slot } => (
            agent(*id),
            format!("goes on from a snapshot before slot {}", slot.0),
        ),
        What::Stall { kind, heals } => {
            let solo = if *heals { "a" } else { "no" };
            let comes_to = if engine.log_counts().is_some() {
                "answers a client"
            } else {
                "decides"
            };
            let text = format!("stall, {kind}: {solo} solo run from here {comes_to}");
            ("~".to_owned(), text)
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
