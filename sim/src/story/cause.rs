//! Causes: from what happened back to why, link by link, through the reads that saw the writes.
//!
//! Agents learn of each other by reads alone, so a cause of a step is in what its agent had read before,
//! and the cause of that is the write that the read saw.

pub(crate) mod clash;
pub(crate) mod ledger;

use bivalent_core::{AgentId, Ballot, Block, Value};
use serde::Serialize;

use crate::{
    engine::journal::{Journal, Note, What},
    judge::{report::RunReport, verdict::Finished},
    scenario::{Scenario, fault::FaultKind},
    story::{self, StoryLine},
};

/// Links of a chain at most.
const LINKS_MAX: usize = 16;
/// Faults that are told beside the chains.
const FAULTS_MAX: usize = 8;

/// Why something happened.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Chain {
    /// What is explained, in words: `Why a2 DECIDED 1`, `Faults on the way`.
    pub title: String,
    /// It, then its cause, then the cause of that.
    pub links: Vec<StoryLine>,
    /// Why it ends there, if it does not end at an agent's own input or start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rest: Option<&'static str>,
}

/// The notes of a run, looked through backwards.
struct Past<'a> {
    notes: &'a [Note],
}

/// A chain of places in the notes.
struct Links {
    at: Vec<usize>,
    rest: Option<&'static str>,
}

/// The causes of what a run came to: its violations, its stalls, or else its first decision.
pub(crate) fn chains(
    scenario: &Scenario,
    engine: &dyn Finished,
    journal: &Journal,
    report: &RunReport,
) -> Vec<Chain> {
    let past = Past {
        notes: &journal.notes,
    };
    let mut told: Vec<(String, Links)> = Vec::new();
    if let Some(violation) = report.violations.first() {
        let ends = past.of_violation(violation.step);
        told.extend(ends.into_iter().map(|at| (String::new(), past.why(at))));
        let from = told
            .iter()
            .filter_map(|(_, links)| links.at.last())
            .min()
            .copied()
            .unwrap_or(0);
        let faults = past.faults(from, violation.step, |_| true);
        told.push(("Faults on the way".to_owned(), faults));
    } else if let Some(found) = journal.found.first() {
        told.extend(past.of_stall(found.step));
    } else if let Some(at) = past.first_decision() {
        told.push((String::new(), past.why(at)));
    }
    let tell = |(title, links): (String, Links)| {
        let lines: Vec<StoryLine> = links
            .at
            .iter()
            .map(|&at| story::line(scenario, engine, &past.notes[at]))
            .collect();
        let title = match lines.first() {
            Some(line) if title.is_empty() => format!("Why {} {}", line.who, line.what),
            Some(_) | None => title,
        };
        let rest = links.rest;
        Chain {
            title,
            links: lines,
            rest,
        }
    };
    told.into_iter()
        .filter(|(_, links)| !links.at.is_empty())
        .map(tell)
        .collect()
}

/// Places of the notes that a run came to: the two decisions that differ or what else broke, the last
/// abort before it stalled, or else its first decision.
pub(crate) fn ends(journal: &Journal, report: &RunReport) -> Vec<usize> {
    let past = Past {
        notes: &journal.notes,
    };
    if let Some(violation) = report.violations.first() {
        return past.of_violation(violation.step);
    }
    let end = match journal.found.first() {
        Some(found) => past.last_abort(found.step),
        None => past.first_decision(),
    };
    end.into_iter().collect()
}

/// The last of some notes and why it came about: it, then its cause, then the cause of that. A stall's is
/// the last abort before it. Says why it ends there, if it does not end at an agent's own input or start.
pub(crate) fn of_last(notes: &[Note]) -> Option<(Vec<usize>, Option<&'static str>)> {
    let past = Past { notes };
    let last = notes.len().checked_sub(1)?;
    if !matches!(notes[last].what, What::Stall { .. }) {
        let links = past.why(last);
        return Some((links.at, links.rest));
    }
    let mut at = vec![last];
    let abort = past.last_abort(notes[last].step);
    let links = abort.map(|abort| past.why(abort));
    let rest = links.as_ref().and_then(|links| links.rest);
    at.extend(links.into_iter().flat_map(|links| links.at));
    Some((at, rest))
}

impl Past<'_> {
    /// The last note before a place that fits.
    fn last(&self, before: usize, fits: impl Fn(&What) -> bool) -> Option<usize> {
        self.notes[..before]
            .iter()
            .rposition(|note| fits(&note.what))
    }

    /// How many notes there are up to a step, itself included.
    fn until(&self, step: u64) -> usize {
        self.notes.partition_point(|note| note.step <= step)
    }

    fn first_decision(&self) -> Option<usize> {
        self.notes
            .iter()
            .position(|note| matches!(note.what, What::Decided { .. } | What::Chosen { .. }))
    }

    /// What a violation is about: two decisions that differ, or what happened at its step.
    fn of_violation(&self, step: u64) -> Vec<usize> {
        let end = self.until(step);
        let decision = |note: &Note| {
            let What::Decided { agent, value } = note.what else {
                return None;
            };
            Some((agent, value))
        };
        let Some((last, value)) = (0..end).rev().find_map(|at| {
            let (_, value) = decision(&self.notes[at])?;
            (self.notes[at].step == step).then_some((at, value))
        }) else {
            let acts = |what: &What| !matches!(what, What::Fault { .. } | What::Healed);
            return self.last(end, acts).into_iter().collect();
        };
        let differs = |note: &Note| decision(note).is_some_and(|(_, other)| other != value);
        let mut ends = vec![last];
        ends.extend(self.notes[..last].iter().rposition(differs));
        ends
    }

    fn last_abort(&self, step: u64) -> Option<usize> {
        let end = self.until(step);
        self.last(end, |what| {
            matches!(what, What::Aborted { .. } | What::Follows { .. })
        })
    }

    /// The last abort before a stall was found, and the faults that still keep agents or stores away.
    fn of_stall(&self, step: u64) -> Vec<(String, Links)> {
        let mut told = Vec::new();
        if let Some(at) = self.last_abort(step) {
            told.push((String::new(), self.why(at)));
        }
        let lasting = |kind: FaultKind| {
            matches!(
                kind,
                FaultKind::Crash
                    | FaultKind::Pause
                    | FaultKind::Outage
                    | FaultKind::StoreLoss
                    | FaultKind::LostAck
                    | FaultKind::LostRequest
                    | FaultKind::TornWrite
            )
        };
        told.push(("Faults before it".to_owned(), self.faults(0, step, lasting)));
        told
    }

    /// The latest faults between a place and a step.
    fn faults(&self, from: usize, step: u64, tells: impl Fn(FaultKind) -> bool) -> Links {
        let end = self.until(step);
        let is_fault =
            |at: &usize| matches!(self.notes[*at].what, What::Fault { kind, .. } if tells(kind));
        let mut at: Vec<usize> = (from..end).filter(is_fault).collect();
        let more = at.len() > FAULTS_MAX;
        at.drain(..at.len().saturating_sub(FAULTS_MAX));
        let rest = more.then_some("only the latest are told");
        Links { at, rest }
    }

    /// Follows causes back from a note.
    fn why(&self, from: usize) -> Links {
        let mut at = vec![from];
        let mut last = from;
        while let Some(cause) = self.cause(last) {
            if at.len() == LINKS_MAX {
                let rest = Some("and so on, back to the start");
                return Links { at, rest };
            }
            at.push(cause);
            last = cause;
        }
        Links { at, rest: None }
    }

    /// What made a note happen.
    fn cause(&self, at: usize) -> Option<usize> {
        match self.notes[at].what {
            What::Decided { agent, value } => self.last(
                at,
                |what| matches!(*what, What::Phase2 { agent: a, value: v, .. } if a == agent && v == value),
            ),
            What::Phase2 {
                agent,
                ballot,
                value,
            } => self.adopted(at, agent, ballot, value),
            What::Read {
                store,
                owner,
                block,
                ..
            } => {
                let writer = block.mbal.map_or(owner, Ballot::agent);
                let written = self.last(
                    at,
                    |what| matches!(what, What::Wrote { agent, store: s, block: b } if *agent == writer && *s == store && *b == block),
                );
                // Nobody wrote that: the store, or the way to it, has made it.
                written.or_else(|| self.last_damage(at))
            }
            What::Wrote { agent, block, .. } => {
                let voted = block.vote.filter(|vote| Some(vote.bal) == block.mbal);
                if let Some(vote) = voted {
                    let phase2 = |what: &What| matches!(*what, What::Phase2 { agent: a, ballot, .. } if a == agent && ballot == vote.bal);
                    return self.last(at, phase2);
                }
                self.last(
                    at,
                    |what| matches!(*what, What::Phase1 { agent: a, ballot } if a == agent && Some(ballot) == block.mbal),
                )
            }
            // What an attempt began for: the one before it ended, or its agent had recovered.
            What::Phase1 { agent, .. } => self.last(
                at,
                |what| matches!(*what, What::Aborted { agent: a, .. } | What::Recovered { agent: a, .. } if a == agent),
            ),
            What::Aborted { agent, above, .. } => self.met(at, agent, above?),
            What::Recovered { agent, .. } => self.last(
                at,
                |what| matches!(what, What::Fault { kind: FaultKind::Crash, agent: Some(a), .. } if *a == agent),
            ),
            What::Refused { store, .. } => self.last(
                at,
                |what| matches!(*what, What::Wrote { store: s, .. } if s == store),
            ),
            What::Chosen { agent, .. } => self.last(
                at,
                |what| matches!(*what, What::Leads { agent: a, .. } if a == agent),
            ),
            What::Leads { agent, ballot, .. } => self.stood(at, agent, ballot),
            What::Stands { agent, .. } => self.last(
                at,
                |what| matches!(*what, What::Follows { agent: a, .. } if a == agent),
            ),
            What::Follows { above, .. } => above.and_then(|above| self.stood(at, above.agent(), above)),
            What::Installed { .. }
            | What::Fault { .. }
            | What::Told { .. }
            | What::Stall { .. }
            | What::Healed => None,
        }
    }

    /// Where a replica stood for leader in a ballot.
    fn stood(&self, at: usize, agent: AgentId, ballot: Ballot) -> Option<usize> {
        self.last(
            at,
            |what| matches!(*what, What::Stands { agent: a, ballot: b } if a == agent && b == ballot),
        )
    }

    /// The last fault before a read that changed the block that it returned, or hid it from its reader.
    fn last_damage(&self, read: usize) -> Option<usize> {
        let What::Read {
            agent,
            store,
            owner,
            ..
        } = self.notes[read].what
        else {
            return None;
        };
        self.last(read, |what| {
            let What::Fault {
                kind,
                agent: whose,
                store: Some(at),
                blocks,
                ..
            } = *what
            else {
                return false;
            };
            // An old answer misleads nobody but its reader.
            let lies = matches!(kind, FaultKind::StaleRead | FaultKind::StaleListing);
            let meets = !lies || whose == Some(agent);
            meets && at == store && blocks & owner.bit() != 0
        })
    }

    /// The read in which an agent saw the vote that it adopted; its own start if it saw none.
    fn adopted(&self, at: usize, agent: AgentId, ballot: Ballot, value: Value) -> Option<usize> {
        let start = self.last(
            at,
            |what| matches!(*what, What::Phase1 { agent: a, ballot: b } if a == agent && b == ballot),
        );
        let from = start.unwrap_or(0);
        let votes = (from..at).filter_map(|place| {
            let What::Read {
                agent: a, block, ..
            } = &self.notes[place].what
            else {
                return None;
            };
            let vote = block.vote.filter(|vote| *a == agent && vote.inp == value)?;
            Some((vote.bal, place))
        });
        votes.max().map(|(_, place)| place).or(start)
    }

    /// The read in which an agent met a ballot.
    fn met(&self, at: usize, agent: AgentId, above: Ballot) -> Option<usize> {
        let meets = |block: &Block| {
            let voted = block.vote.map(|vote| vote.bal);
            block.mbal == Some(above) || voted == Some(above)
        };
        self.last(
            at,
            |what| matches!(what, What::Read { agent: a, block, .. } if *a == agent && meets(block)),
        )
    }
}
