//! Influence: which earlier events could have brought an event about, and which could not.
//!
//! It is read off the clocks. A write is told where it was read on the way to the event, or is its
//! author's own; that it stands somewhere unread influences nobody. Faults of stores have no clock and
//! are not told here.

use std::collections::{BTreeMap, BTreeSet};

use bivalent_core::{Ballot, Block, StoreId, Vote};
use serde::Serialize;

use crate::{
    engine::{
        causality::Stamp,
        journal::{Journal, Keeps, Note, What},
        runner::Runner,
    },
    judge::verdict::Finished,
    scenario::{Scenario, planted::Planted},
    story::{self, StoryLine, timeline},
};

/// What could have influenced one event of a run.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Influences {
    /// Where to find the run again.
    pub coordinate: String,
    /// The event.
    pub of: StoryLine,
    /// How many earlier events could have influenced it, its own agent's among them.
    pub could: u64,
    /// Of each other agent the latest of them, in the order of the run.
    pub newest: Vec<StoryLine>,
    /// The other agents' earlier events that could not have.
    pub could_not: Vec<Apart>,
    /// An event that is told beside this one, if neither could have influenced the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apart_from: Option<StoryLine>,
    /// All of those that could have, in the order of the run, where a step was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub past: Vec<StoryLine>,
    /// Events that were dropped from the middle of a long run: how many is not known to be complete.
    pub dropped: u64,
}

/// Events of one process that came before an event and could not have influenced it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Apart {
    /// The process: an agent, or a later incarnation of it.
    pub who: String,
    /// How many.
    pub events: u64,
    /// The step of the first.
    pub from_step: u64,
    /// The step of the last.
    pub to_step: u64,
}

/// No agent did or met anything at a step.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no agent's event is told of step {step}")]
pub struct NoEvent {
    /// The step that was asked for.
    pub step: u64,
    /// The last step before it at which one did.
    pub before: Option<u64>,
    /// The first step after it.
    pub after: Option<u64>,
}

/// Runs a seed again, of agents with a planted bug if there is one, and tells all that could have
/// influenced what happened at a step.
///
/// # Errors
/// If no agent did or met anything at that step.
pub fn of_step(
    scenario: &Scenario,
    seed: u64,
    planted: Planted,
    step: u64,
) -> Result<Influences, NoEvent> {
    let mut runner = Runner::new(scenario);
    runner.plant_any(planted);
    let (end, journal) = runner.run_told(seed, Keeps::Ends);
    let report = runner.report(scenario, seed, end);
    // A write that lands is no step of its author's: what else there is comes first.
    let told = |note: &&Note| note.stamp.is_some();
    let acts = |note: &Note| !matches!(note.what, What::Wrote { .. });
    let at = (0..journal.notes.len()).filter(|&at| {
        let note = &journal.notes[at];
        note.step == step && told(&note)
    });
    let at = at.max_by_key(|&at| (acts(&journal.notes[at]), at));
    let teller = Teller {
        scenario,
        engine: runner.finished(),
        journal: &journal,
        coordinate: report.coordinate,
    };
    let steps = || journal.notes.iter().filter(told).map(|note| note.step);
    let missing = NoEvent {
        step,
        before: steps().rev().find(|&other| other < step),
        after: steps().find(|&other| other > step),
    };
    let (mut influences, past) = at.and_then(|at| teller.tell(at)).ok_or(missing)?;
    influences.past = past.into_iter().map(|at| teller.line(at)).collect();
    Ok(influences)
}

/// What could have influenced the notes at some places of a journal.
pub(crate) fn of_notes(
    scenario: &Scenario,
    engine: &dyn Finished,
    journal: &Journal,
    coordinate: &str,
    places: &[usize],
) -> Vec<Influences> {
    let teller = Teller {
        scenario,
        engine,
        journal,
        coordinate: coordinate.to_owned(),
    };
    let mut told: Vec<Influences> = places
        .iter()
        .filter_map(|&at| teller.tell(at))
        .map(|(influences, _)| influences)
        .collect();
    if let ([one, other], [first, ..]) = (places, &mut told[..]) {
        let stamp = |at: usize| journal.notes[at].stamp.as_ref();
        let apart = stamp(*one).zip(stamp(*other));
        if apart.is_some_and(|(one, other)| one.is_concurrent_with(other)) {
            first.apart_from = Some(teller.line(*other));
        }
    }
    told
}

/// What it takes to tell influences.
struct Teller<'a> {
    scenario: &'a Scenario,
    engine: &'a dyn Finished,
    journal: &'a Journal,
    coordinate: String,
}

impl Teller<'_> {
    fn line(&self, at: usize) -> StoryLine {
        story::line(self.scenario, self.engine, &self.journal.notes[at])
    }

    /// Tells one event, and the places of the notes that could have influenced it; nothing if it has no
    /// clock.
    fn tell(&self, at: usize) -> Option<(Influences, Vec<usize>)> {
        let notes = &self.journal.notes;
        let of = notes[at].stamp.as_ref()?;
        let past = past(notes, at);
        let mut newest: BTreeMap<usize, usize> = BTreeMap::new();
        for &before in &past {
            let process = notes[before].stamp.as_ref()?.process();
            if process != of.process() {
                newest.insert(process, before);
            }
        }
        let mut newest: Vec<usize> = newest.into_values().collect();
        newest.sort_unstable();
        let names = timeline::names(self.scenario, self.journal.processes());
        let mut apart: BTreeMap<usize, Apart> = BTreeMap::new();
        for note in &notes[..at] {
            let Some(stamp) = note.stamp.as_ref().filter(|s| s.is_concurrent_with(of)) else {
                continue;
            };
            let apart = apart.entry(stamp.process()).or_insert_with(|| Apart {
                who: names[stamp.process()].clone(),
                events: 0,
                from_step: note.step,
                to_step: note.step,
            });
            apart.events += 1;
            apart.to_step = note.step;
        }
        let influences = Influences {
            coordinate: self.coordinate.clone(),
            of: self.line(at),
            could: past.len() as u64,
            newest: newest.into_iter().map(|at| self.line(at)).collect(),
            could_not: apart.into_values().collect(),
            apart_from: None,
            past: Vec::new(),
            dropped: self.journal.dropped,
        };
        Some((influences, past))
    }
}

/// What stands on a store, to be compared.
const fn content(store: StoreId, block: &Block) -> (StoreId, Option<Ballot>, Option<Vote>) {
    (store, block.mbal, block.vote)
}

/// The places of the notes that could have influenced the one at a place, in order.
fn past(notes: &[Note], at: usize) -> Vec<usize> {
    let Some(of) = &notes[at].stamp else {
        return Vec::new();
    };
    // In one step of an agent, what is told first comes first.
    let before = notes[..at].iter().enumerate().filter(|(_, note)| {
        let stamp = note.stamp.as_ref();
        stamp.is_some_and(|stamp| stamp.happens_before(of) || stamp.is_same_event(of))
    });
    let before: Vec<(usize, &Note)> = before.collect();
    let mut read = BTreeSet::new();
    for (_, note) in before.iter().copied().chain([(at, &notes[at])]) {
        if let What::Read { store, block, .. } = &note.what {
            read.insert(content(*store, block));
        }
    }
    let tells = |note: &Note| {
        let own = note.stamp.as_ref().map(Stamp::process) == Some(of.process());
        match &note.what {
            What::Wrote { store, block, .. } => own || read.contains(&content(*store, block)),
            What::Phase1 { .. }
            | What::Phase2 { .. }
            | What::Aborted { .. }
            | What::Recovered { .. }
            | What::Decided { .. }
            | What::Refused { .. }
            | What::Read { .. }
            | What::Stands { .. }
            | What::Leads { .. }
            | What::Follows { .. }
            | What::Chosen { .. }
            | What::Installed { .. }
            | What::Fault { .. }
            | What::Told { .. }
            | What::Stall { .. }
            | What::Healed => true,
        }
    };
    let told = before.into_iter().filter(|(_, note)| tells(note));
    told.map(|(place, _)| place).collect()
}
