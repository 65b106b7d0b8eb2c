//! Why something happened: the chain of causes that leads to a step, in words.

use super::Playback;
use crate::{
    engine::{
        journal::{Journal, Keeps, Note},
        log::Entry,
        view::{Mark, MarkKind, Why},
    },
    judge::verdict,
    story::cause::{
        self,
        clash::{self, Clash, Side},
        ledger::{self, Line},
    },
};

/// Steps that are run again to look for causes.
const STEPS_MAX: u64 = 1 << 14;
/// Links of a log's chain at most.
const LINKS_MAX: usize = 16;

impl Playback {
    /// Why what was noted last at or before a step came about: it, then its cause, then the cause of that,
    /// a line each. Of a log, the latest events that could have influenced it. Where a property breaks, both
    /// decisions that clash, each from its beginning on, or what else an oracle objects to, and what misled one
    /// of those who did it. Empty if nothing was noted.
    pub fn why_at(&self, step: u64) -> Vec<Why> {
        let step = step.min(self.track.steps);
        let legs = self.snapshots.legs(step.saturating_sub(STEPS_MAX), step);
        let from = legs.first().map_or(0, |leg| leg.step);
        let ends = legs.iter().skip(1).map(|leg| leg.step).chain([step]);
        let mut notes: Vec<Note> = Vec::new();
        let mut ledger: Vec<Entry> = Vec::new();
        let broken = self.broken_at(step);
        for (leg, end) in legs.iter().zip(ends) {
            // Of a log the clocks say what could have come of what.
            let journal = if self.is_log {
                Journal::with_clocks(self.names.agents.len(), Keeps::Ends)
            } else {
                Journal::telling()
            };
            let mut world = leg.keeping(journal);
            if broken.is_some() {
                world.keep_ledger();
            }
            world.walk_to(end);
            ledger.extend(world.take_ledger());
            // Clocks begin anew with each copy.
            if self.is_log {
                notes.clear();
            }
            notes.extend(world.take_told().1);
        }
        // What was shown is entered when it is told.
        ledger.sort_by_key(|entry| entry.step);
        if self.is_log {
            let story = broken.map(|property| self.of_ledger(&ledger, property, step));
            let story = story.filter(|parts| !parts.is_empty());
            return story.unwrap_or_else(|| self.part(&notes, &influences(&notes), None, from));
        }
        let last = notes.last().map(|note| note.step);
        if last.is_some_and(|last| self.broken_at(last).is_some())
            && let Some(clash) = clash::of(&notes, self.scenario.cluster.protocol.is_conditional())
        {
            return self.clash(&notes, &clash);
        }
        let (at, rest) = cause::of_last(&notes).unwrap_or_default();
        self.part(&notes, &at, rest, from)
    }

    /// The property that breaks at a step, if one does of which the scenario asks.
    fn broken_at(&self, step: u64) -> Option<&'static str> {
        let breaks = |mark: &Mark| mark.kind == MarkKind::Violation && mark.step == step;
        if !self.track.marks.iter().any(breaks) {
            return None;
        }
        let mut found = self.head.finished().violations().iter();
        let found = found
            .find(|it| it.step == step && verdict::is_armed(&self.scenario.expect, it.property));
        found.map(|it| it.property)
    }

    /// What a log's ledger says of a property that broke at a step.
    fn of_ledger(&self, entries: &[Entry], property: &str, step: u64) -> Vec<Why> {
        let accused = self.head.accused();
        let stores = self.names.stores.len();
        let parts = ledger::of(entries, property, step, stores, &accused);
        let spelled = |text: &str| verdict::spelled(&self.scenario, self.head.finished(), text);
        let line = |line: &Line| match line.step {
            Some(step) => format!("#{step} {}", spelled(&line.text)),
            None => spelled(&line.text),
        };
        let parts = parts.iter().map(|part| Why {
            title: spelled(&part.title),
            lines: part.lines.iter().map(line).collect(),
        });
        parts.collect()
    }

    fn told(&self, note: &Note) -> String {
        let line = self.head.line(&self.scenario, note).line;
        format!("#{} {} {}", line.step, line.who, line.what)
    }

    /// One chain alone.
    fn part(&self, notes: &[Note], at: &[usize], rest: Option<&str>, from: u64) -> Vec<Why> {
        let mut lines: Vec<String> = at.iter().map(|&at| self.told(&notes[at])).collect();
        if lines.is_empty() {
            return Vec::new();
        }
        lines.extend(rest.map(str::to_owned));
        if rest.is_none() && from > 0 {
            lines.push(format!("and what came before step {from}"));
        }
        vec![Why {
            title: String::new(),
            lines,
        }]
    }

    /// Two chains that end in decisions that clash, and what misled one of them.
    fn clash(&self, notes: &[Note], clash: &Clash) -> Vec<Why> {
        let mut parts: Vec<Why> = clash
            .sides
            .iter()
            .map(|side| self.side(notes, side))
            .collect();
        let (mut lines, title) = match &clash.wrong {
            None => {
                let nothing = "every block that they read was what had been written there: no store misled \
                               them, their quorums or their rules did";
                (vec![nothing.to_owned()], "Both stand: no fault is to blame")
            }
            Some(_) => (
                Vec::new(),
                "Both can't be: this is where one of them was misled",
            ),
        };
        if let Some(wrong) = &clash.wrong {
            if let Some(stood) = wrong.stood {
                lines.push(self.told(&notes[stood]));
            }
            if let Some(fault) = wrong.fault {
                let fault = self.told(&notes[fault]);
                let but = if wrong.read.is_none() {
                    ": the vote that was answered for does not stand there"
                } else {
                    ""
                };
                lines.push(format!("{fault}{but}"));
            }
            if let Some(read) = wrong.read {
                let read = self.told(&notes[read]);
                let but = if wrong.forged {
                    ": nobody had ever written that there as a whole"
                } else {
                    ": that is older than what had been written"
                };
                lines.push(format!("{read}{but}"));
            }
            // In the order in which they came, told by the steps that they begin with.
            lines.sort_by_key(|line| step_of(line));
        }
        parts.push(Why {
            title: title.to_owned(),
            lines,
        });
        parts
    }

    fn side(&self, notes: &[Note], side: &Side) -> Why {
        let event = |at: usize| self.head.line(&self.scenario, &notes[at]);
        let decision = side.links.first().map_or_else(String::new, |&at| {
            let it = event(at).line;
            format!("{} {} at step {}", it.who, it.what, it.step)
        });
        let stores = &self.names.stores;
        let votes: Vec<String> = side
            .votes
            .iter()
            .map(|&at| {
                let it = event(at);
                let name = it.store.and_then(|store| stores.get(usize::from(store)));
                let name = name.map_or("?", String::as_str);
                format!("{name} (#{})", it.line.step)
            })
            .collect();
        let rests = if votes.is_empty() {
            "without any vote of its own on a store".to_owned()
        } else {
            format!(
                "its vote on {} of {} stores",
                votes.join(", "),
                stores.len()
            )
        };
        let causes = side.links.iter().rev();
        let mut lines: Vec<String> = side.rest.map(str::to_owned).into_iter().collect();
        lines.extend(causes.map(|&at| self.told(&notes[at])));
        Why {
            title: format!("{decision}, {rests}"),
            lines,
        }
    }
}

/// The step that a line begins with.
fn step_of(line: &str) -> Option<u64> {
    line.strip_prefix('#')?.split_once(' ')?.0.parse().ok()
}

/// Places of the last note and the latest ones that could have influenced it.
fn influences(notes: &[Note]) -> Vec<usize> {
    let Some(last) = notes.len().checked_sub(1) else {
        return Vec::new();
    };
    let stamp = |at: usize| notes[at].stamp.as_ref();
    let mut at = vec![last];
    if let Some(of) = stamp(last) {
        let before = (0..last).rev();
        let before = before.filter(|&at| stamp(at).is_some_and(|it| it.happens_before(of)));
        at.extend(before.take(LINKS_MAX - 1));
    }
    at
}
