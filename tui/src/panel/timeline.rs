//! All of the run's time on one line, with what happened where.

use bivalent_sim::engine::view::MarkKind;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{Panel, focused};
use crate::{
    pen::Pen,
    scene::Scene,
    theme::Role,
    words::{counted, time},
};

/// What stands to the left of the rail.
const START: &str = "0s ";

pub(super) fn draw(scene: &Scene<'_>, pen: Pen<'_>) {
    let mut pen = pen.framed(" 6 Timeline ", "", focused(scene, Panel::Timeline));
    line(scene, &mut pen);
    if pen.height() < 2 {
        return;
    }
    let count = |which: fn(MarkKind) -> bool| {
        scene
            .track
            .marks
            .iter()
            .filter(|mark| which(mark.kind))
            .count() as u64
    };
    let decided = if scene.view.log.is_some() {
        (scene.track.slots, "decided slot")
    } else {
        let decisions = count(|kind| matches!(kind, MarkKind::Decision));
        (decisions, "decision")
    };
    let facts = [
        (count(|kind| matches!(kind, MarkKind::Fault(_))), "fault"),
        (count(|kind| matches!(kind, MarkKind::Stall)), "stall"),
        decided,
        (
            count(|kind| matches!(kind, MarkKind::Violation)),
            "violation",
        ),
    ];
    let facts = facts.map(|(count, word)| counted(count, word)).join(", ");
    let facts = format!("{facts} in {}", counted(scene.track.steps, "step"));
    pen.put(1, 1, &facts, Role::Dim);
}

/// The rail: its first column, how many it has, and what stands to the right of it.
fn rail(scene: &Scene<'_>, width: usize) -> Option<(usize, usize, String, &'static str)> {
    let track = scene.track;
    let end = time(track.time_ns);
    let more = if track.over.is_some() {
        ""
    } else {
        scene.look.signs.more
    };
    let left = 1 + START.width() + scene.look.signs.ends[0].width();
    let right = end.len() + more.len().min(2) + 3;
    let columns = width.checked_sub(left + right).filter(|&it| it > 0)?;
    Some((left, columns, end, more))
}

/// The step that a place of the screen stands for, if it is on the rail of the panel.
pub(crate) fn step_at(scene: &Scene<'_>, panel: Rect, (x, y): (u16, u16)) -> Option<u64> {
    let width = usize::from(panel.width.saturating_sub(2));
    let (left, columns, ..) = rail(scene, width)?;
    let column = usize::from(x.checked_sub(panel.x + 1)?).checked_sub(left)?;
    if y != panel.y + 1 || column >= columns {
        return None;
    }
    let last = (columns as u64 - 1).max(1);
    Some(scene.track.steps * column as u64 / last)
}

fn line(scene: &Scene<'_>, pen: &mut Pen<'_>) {
    let signs = pen.look.signs;
    let (track, view) = (scene.track, scene.view);
    pen.pieces(1, 0, &[(START, Role::Dim), (signs.ends[0], Role::Dim)]);
    let Some((left, columns, end, more)) = rail(scene, pen.width()) else {
        return;
    };
    for x in 0..columns {
        pen.put(left + x, 0, signs.rail, Role::Dim);
    }
    let steps = track.steps.max(1);
    let column = |step: u64| left + (step.min(steps) * (columns as u64 - 1) / steps) as usize;
    // The most important mark of a column is drawn last.
    let mut drawn: Vec<(u8, usize, &str, Role)> = track
        .marks
        .iter()
        .map(|mark| {
            let (weight, sign, role) = match mark.kind {
                MarkKind::Fault(_) => (0, signs.fault, Role::Warn),
                MarkKind::Healed => (1, signs.healed, Role::Good),
                MarkKind::Decision => (2, signs.decided, Role::Good),
                MarkKind::Stall => (3, signs.stall, Role::Warn),
                MarkKind::Violation => (4, signs.broken, Role::Bad),
            };
            (weight, column(mark.step), sign, role)
        })
        .collect();
    drawn.sort_by_key(|&(weight, x, ..)| (x, weight));
    drawn.dedup_by(|next, kept| {
        let same = next.1 == kept.1;
        if same {
            *kept = *next;
        }
        same
    });
    for (_, x, sign, role) in drawn {
        pen.put(x, 0, sign, role);
    }
    pen.put(column(view.step), 0, signs.cursor, Role::Strong);
    let x = left + columns;
    pen.pieces(
        x,
        0,
        &[
            (signs.ends[1], Role::Dim),
            (" ", Role::Dim),
            (&end, Role::Dim),
            (more, Role::Dim),
        ],
    );
}
