//! Why something happened: the chain of causes that leads to a step, in words.

use super::{Playback, world::Noted};
use crate::{causality::Stamp, cause, journal::Note, log::LogNote};

/// Steps that are run again to look for causes.
const STEPS_MAX: u64 = 1 << 14;
/// Links of a log's chain at most.
const LINKS_MAX: usize = 16;

impl Playback {
    /// Why what was noted last at or before a step came about: it, then its cause, then the cause of that,
    /// a line each. Of a log, the latest events that could have influenced it. Empty if nothing was noted.
    pub fn why_at(&self, step: u64) -> Vec<String> {
        let step = step.min(self.track.steps);
        let legs = self.snapshots.legs(step.saturating_sub(STEPS_MAX), step);
        let from = legs.first().map_or(0, |leg| leg.step);
        let ends = legs.iter().skip(1).map(|leg| leg.step).chain([step]);
        let mut notes: Vec<Noted> = Vec::new();
        for (leg, end) in legs.iter().zip(ends) {
            let mut world = leg.listening();
            world.walk_to(end);
            // Clocks begin anew with each copy.
            if self.is_log {
                notes.clear();
            }
            notes.extend(world.take_told().1);
        }
        let (at, rest) = if self.is_log {
            (influences(&notes), None)
        } else {
            causes(&notes)
        };
        let line = |&at: &usize| {
            let line = self.head.line(&self.scenario, &notes[at]).line;
            format!("#{} {} {}", line.step, line.who, line.what)
        };
        let mut lines: Vec<String> = at.iter().map(line).collect();
        lines.extend(rest.map(str::to_owned));
        if rest.is_none() && from > 0 && !lines.is_empty() {
            lines.push(format!("and what came before step {from}"));
        }
        lines
    }
}

/// Places of the last note and its causes.
fn causes(notes: &[Noted]) -> (Vec<usize>, Option<&'static str>) {
    let single = |noted: &Noted| match noted {
        Noted::Single(note) => Some(note.clone()),
        Noted::Log(_) => None,
    };
    let notes: Vec<Note> = notes.iter().filter_map(single).collect();
    cause::of_last(&notes).unwrap_or_default()
}

/// Places of the last note and the latest ones that could have influenced it.
fn influences(notes: &[Noted]) -> Vec<usize> {
    let Some(last) = notes.len().checked_sub(1) else {
        return Vec::new();
    };
    let stamp = |at: usize| -> Option<&Stamp> {
        match &notes[at] {
            Noted::Log(LogNote { stamp, .. }) => stamp.as_ref(),
            Noted::Single(_) => None,
        }
    };
    let mut at = vec![last];
    if let Some(of) = stamp(last) {
        let before = (0..last).rev();
        let before = before.filter(|&at| stamp(at).is_some_and(|it| it.happens_before(of)));
        at.extend(before.take(LINKS_MAX - 1));
    }
    at
}
