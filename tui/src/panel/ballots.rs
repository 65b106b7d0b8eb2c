//! The staircase: ballots over time, a row each. A zigzag of two digits that climbs is a livelock; a line
//! that ends in a diamond is a decision.

use std::collections::BTreeMap;

use bivalent_sim::engine::view::{MarkKind, Rung, Stair, Turn};

use super::{Panel, focused};
use crate::{pen::Pen, scene::Scene, theme::Role};

/// Turns that are looked at, the latest ones: a run has millions.
const STAIRS_MAX: usize = 4096;

/// A ballot from its beginning to its end.
#[derive(Clone, Copy, Debug)]
struct Flight {
    ballot: Rung,
    from: u64,
    /// When it came to phase 2.
    voted: Option<u64>,
    until: Option<(u64, Turn)>,
}

pub(super) fn draw(scene: &Scene<'_>, pen: Pen<'_>) {
    let signs = pen.look.signs;
    let key = format!(
        " digit=agent {}phase 1 {}phase 2 {}aborted {}decided ",
        signs.phase1, signs.phase2, signs.abort, signs.decided
    );
    let mut pen = pen.framed(" 2 Ballots ", &key, focused(scene, Panel::Ballots));
    let rows = pen.height().saturating_sub(1);
    if rows == 0 || pen.width() < 12 {
        return;
    }
    let now = scene.view.step;
    let mut flights = flights(&scene.track.stairs, now);
    if flights.is_empty() {
        pen.put(1, 0, "no ballot has begun", Role::Dim);
        return;
    }
    // The latest that have begun, the greatest on top.
    let from = flights.len().saturating_sub(rows);
    let mut shown = flights.split_off(from);
    shown.sort_by_key(|flight| std::cmp::Reverse((flight.ballot.round, flight.ballot)));
    let start = if from == 0 {
        0
    } else {
        shown.iter().map(|flight| flight.from).min().unwrap_or(0)
    };
    let label = shown
        .iter()
        .map(|flight| flight.ballot.round.to_string().len())
        .max()
        .unwrap_or(1)
        .max(2);
    let left = label + 3;
    let scale = Scale {
        start,
        end: now.max(start + 1),
        left,
        columns: pen.width() - left,
    };
    for (y, flight) in shown.iter().enumerate() {
        row(scene, &mut pen, y, flight, &scale, label);
    }
    foot(scene, &mut pen, rows, &scale, label);
}

/// Steps as columns.
struct Scale {
    start: u64,
    end: u64,
    left: usize,
    columns: usize,
}

impl Scale {
    fn column(&self, step: u64) -> usize {
        let step = step.clamp(self.start, self.end) - self.start;
        let last = (self.columns - 1) as u64;
        self.left + (step * last / (self.end - self.start)) as usize
    }
}

/// Ballots that have begun by now, in the order in which they began.
fn flights(stairs: &[Stair], now: u64) -> Vec<Flight> {
    let until = stairs.partition_point(|stair| stair.step <= now);
    let mut flights: Vec<Flight> = Vec::new();
    // Where those are that have not ended: few of many.
    let mut open: BTreeMap<Rung, usize> = BTreeMap::new();
    // No panel has rows for more than those.
    for stair in &stairs[until.saturating_sub(STAIRS_MAX)..until] {
        let flight = open.get(&stair.ballot).map(|&at| &mut flights[at]);
        match (stair.turn, flight) {
            // The leader of a log begins no first phase for each slot.
            (Turn::Phase1 | Turn::Phase2, None) => {
                open.insert(stair.ballot, flights.len());
                flights.push(Flight {
                    ballot: stair.ballot,
                    from: stair.step,
                    voted: (stair.turn == Turn::Phase2).then_some(stair.step),
                    until: None,
                });
            }
            (Turn::Phase2, Some(flight)) => flight.voted = flight.voted.or(Some(stair.step)),
            (Turn::Aborted | Turn::Decided | Turn::Crashed, Some(flight)) => {
                flight.until = Some((stair.step, stair.turn));
                open.remove(&stair.ballot);
            }
            (Turn::Phase1 | Turn::Restarted, _)
            | (Turn::Aborted | Turn::Decided | Turn::Crashed, None) => {}
        }
    }
    flights
}

fn row(
    scene: &Scene<'_>,
    pen: &mut Pen<'_>,
    y: usize,
    flight: &Flight,
    scale: &Scale,
    label: usize,
) {
    let signs = pen.look.signs;
    let agent = flight.ballot.agent;
    let number = format!("{:>label$} {}", flight.ballot.round, signs.axes[3]);
    pen.put(0, y, &number, Role::Dim);
    let from = scale.column(flight.from);
    let until = scale.column(flight.until.map_or(scale.end, |(step, _)| step));
    let voted = flight.voted.map_or(usize::MAX, |step| scale.column(step));
    for x in from..=until {
        let line = if x >= voted {
            signs.phase2
        } else {
            signs.phase1
        };
        pen.put(x, y, line, Role::Agent(agent));
    }
    if let Some((_, turn)) = flight.until {
        let (sign, role) = match turn {
            Turn::Decided => (signs.decided, Role::Good),
            Turn::Crashed => (signs.down, Role::Warn),
            Turn::Aborted | Turn::Phase1 | Turn::Phase2 | Turn::Restarted => {
                (signs.abort, Role::Dim)
            }
        };
        pen.put(until, y, sign, role);
    }
    // Last, so that the shortest flight still says whose it is.
    pen.put(from, y, &digit(scene, agent), Role::Agent(agent));
}

/// An agent in one column: the last letter of its name.
fn digit(scene: &Scene<'_>, agent: u16) -> String {
    let name = scene.names.agents.get(usize::from(agent));
    let letter = name.and_then(|name| name.chars().next_back());
    letter.map_or_else(|| "?".to_owned(), |letter| letter.to_string())
}

/// The axis, with what befell whom when.
fn foot(scene: &Scene<'_>, pen: &mut Pen<'_>, y: usize, scale: &Scale, label: usize) {
    let signs = pen.look.signs;
    let blank = " ".repeat(label + 1);
    pen.put(0, y, &format!("{blank}{}", signs.axes[2]), Role::Dim);
    for x in scale.left - 1..scale.left + scale.columns {
        pen.put(x, y, signs.axes[1], Role::Dim);
    }
    let marks = &scene.track.marks;
    let first = marks.partition_point(|mark| mark.step < scale.start);
    let last = marks.partition_point(|mark| mark.step <= scale.end);
    let mut taken = 0;
    for mark in &marks[first..last] {
        let x = scale.column(mark.step);
        if x < taken {
            continue;
        }
        let names = scene.names;
        let agent = mark.agent.and_then(|it| names.agents.get(usize::from(it)));
        let store = mark.store.and_then(|it| names.stores.get(usize::from(it)));
        let (sign, whose, role) = match mark.kind {
            MarkKind::Fault(_) => (signs.fault, agent.or(store), Role::Warn),
            MarkKind::Stall => (signs.stall, None, Role::Warn),
            MarkKind::Healed => (signs.healed, None, Role::Good),
            MarkKind::Decision => (signs.decided, None, Role::Good),
            MarkKind::Violation => (signs.broken, None, Role::Bad),
        };
        let text = format!("{sign}{}", whose.map_or("", String::as_str));
        // Of a crowd only the first is named.
        taken = pen.put(x, y, &text, role) + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn stair(step: u64, round: u64, agent: u16, turn: Turn) -> Stair {
        let ballot = Rung {
            round,
            agent,
            incarnation: 0,
        };
        Stair {
            step,
            time_ns: step,
            ballot,
            turn,
        }
    }

    #[test]
    fn a_ballot_flies_from_its_beginning_to_its_end() {
        let stairs = [
            stair(1, 1, 0, Turn::Phase1),
            stair(4, 1, 0, Turn::Phase2),
            stair(5, 2, 1, Turn::Phase1),
            stair(7, 1, 0, Turn::Aborted),
            stair(9, 2, 1, Turn::Decided),
        ];
        let all = flights(&stairs, 9);
        assert_eq!(all.len(), 2);
        assert_eq!(
            (all[0].voted, all[0].until),
            (Some(4), Some((7, Turn::Aborted)))
        );
        assert_eq!(all[1].until, Some((9, Turn::Decided)));
        let early = flights(&stairs, 5);
        assert_eq!(
            (early.len(), early[0].until),
            (2, None),
            "the future is not shown"
        );
    }

    #[test]
    fn what_has_ended_does_not_end_again_and_may_begin_again() {
        let stairs = [
            stair(1, 1, 0, Turn::Phase1),
            stair(2, 1, 0, Turn::Crashed),
            stair(3, 1, 0, Turn::Aborted),
            stair(4, 1, 0, Turn::Phase2),
            stair(5, 1, 0, Turn::Phase1),
        ];
        let all = flights(&stairs, 9);
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].until, Some((2, Turn::Crashed)));
        let again = (all[1].from, all[1].voted, all[1].until);
        assert_eq!(again, (4, Some(4), None));
    }

    #[test]
    fn columns_stay_on_the_panel() {
        let scale = Scale {
            start: 10,
            end: 1_000_000,
            left: 4,
            columns: 30,
        };
        assert_eq!((scale.column(0), scale.column(10)), (4, 4));
        assert_eq!(scale.column(u64::MAX), 33);
    }
}
