//! What the head has told goes into the track: turns of ballots, moments to jump to.

use bivalent_core::AgentId;

use super::{Playback, cursor::remember, world::World};
use crate::{
    engine::{
        blocks::view::rung,
        journal::{Note, What as Happened},
        view::{Mark, MarkKind, Rung, Stair, Turn},
    },
    judge::verdict,
    scenario::fault::FaultKind,
};

/// The slots that are decided in a log's world.
pub(super) fn slots(world: &World, is_log: bool) -> u64 {
    if is_log {
        u64::from(world.finished().decided())
    } else {
        0
    }
}

impl Playback {
    /// Takes what the head has told since this was done last.
    pub(super) fn drain(&mut self) {
        let (digests, notes) = self.head.take_told();
        self.digests.extend(digests);
        if self.list.is_none() {
            let made = self.head.dice_mut().take_choices();
            self.choices.extend(made);
        }
        self.track.steps = self.head.steps();
        self.track.time_ns = self.head.time_ns();
        self.track.slots = slots(&self.head, self.is_log);
        let mut marks = Vec::new();
        for note in &notes {
            self.take_note(note, &mut marks);
        }
        self.mark_violations(&notes, &mut marks);
        // Of one step, in the order in which they came.
        marks.sort_by_key(|mark| mark.step);
        self.track.marks.extend(marks);
        remember(&mut self.latest, notes);
    }

    fn take_note(&mut self, note: &Note, marks: &mut Vec<Mark>) {
        let (turn, agent, ballot) = match note.what {
            Happened::Phase1 { agent, ballot } | Happened::Stands { agent, ballot } => {
                (Turn::Phase1, agent, Some(ballot))
            }
            Happened::Phase2 { agent, ballot, .. } | Happened::Leads { agent, ballot, .. } => {
                (Turn::Phase2, agent, Some(ballot))
            }
            Happened::Aborted { agent, ballot, .. } => (Turn::Aborted, agent, ballot),
            Happened::Follows { agent, .. } => (Turn::Aborted, agent, None),
            Happened::Decided { agent, .. } => {
                self.mark(MarkKind::Decision, note, marks);
                (Turn::Decided, agent, None)
            }
            Happened::Fault { kind, agent, .. } => {
                self.mark(MarkKind::Fault(kind), note, marks);
                let turn = if kind == FaultKind::Crash {
                    Some(Turn::Crashed)
                } else {
                    (kind == FaultKind::Restart).then_some(Turn::Restarted)
                };
                let Some((turn, agent)) = turn.zip(agent) else {
                    return;
                };
                (turn, agent, None)
            }
            Happened::Stall { .. } => return self.mark(MarkKind::Stall, note, marks),
            Happened::Healed => return self.mark(MarkKind::Healed, note, marks),
            Happened::Recovered { .. }
            | Happened::Chosen { .. }
            | Happened::Installed { .. }
            | Happened::Told { .. }
            | Happened::Wrote { .. }
            | Happened::Refused { .. }
            | Happened::Read { .. } => return,
        };
        let ballot = ballot.map(rung);
        self.stair(note.step, note.tick, turn, agent, ballot);
    }

    fn stair(&mut self, step: u64, tick: u64, turn: Turn, agent: AgentId, ballot: Option<Rung>) {
        let last = &mut self.ballots[agent.index()];
        if turn == Turn::Phase1 {
            *last = ballot.or(*last);
        }
        let none = Rung {
            round: 0,
            agent: agent.0,
            incarnation: 0,
        };
        let ballot = ballot.or(*last).unwrap_or(none);
        self.track.stairs.push(Stair {
            step,
            time_ns: self.head.ns(tick),
            ballot,
            turn,
        });
    }

    fn mark(&self, kind: MarkKind, note: &Note, marks: &mut Vec<Mark>) {
        let event = self.head.line(&self.scenario, note);
        let text = match (kind, event.line.who.as_str()) {
            (MarkKind::Decision, who) => format!("{who} {}", event.line.what),
            (_, _) => event.line.what,
        };
        marks.push(Mark {
            step: event.line.step,
            time_ns: event.line.time_ns,
            kind,
            agent: event.agent,
            store: event.store,
            text,
        });
    }

    /// What oracles have found; a property that the scenario does not ask about is none of its marks.
    fn mark_violations(&mut self, notes: &[Note], marks: &mut Vec<Mark>) {
        let found = self.head.finished();
        let all = found.violations();
        for violation in &all[self.violations.min(all.len())..] {
            if !verdict::is_armed(&self.scenario.expect, violation.property) {
                continue;
            }
            // What breaks a property is noted, as a rule.
            let cause = notes.iter().rfind(|it| it.step == violation.step);
            let time_ns = cause.map_or(self.track.time_ns, |cause| {
                self.head.line(&self.scenario, cause).line.time_ns
            });
            let detail = verdict::spelled(&self.scenario, found, &violation.detail);
            marks.push(Mark {
                step: violation.step,
                time_ns,
                kind: MarkKind::Violation,
                agent: None,
                store: None,
                text: format!("{} broken: {detail}", violation.property),
            });
        }
        self.violations = all.len();
    }
}
