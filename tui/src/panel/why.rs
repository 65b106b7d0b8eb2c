//! Why: what led to the newest event; of two decisions that clash, what led to each, and where it went wrong.

use bivalent_sim::engine::view::Why;

use super::{Panel, focused};
use crate::{pen::Pen, scene::Scene, theme::Role, words::wrapped};

/// From so many columns on two chains stand beside each other.
const BESIDE: usize = 100;

/// A line as it is drawn: its sign and its words.
type Row = (&'static str, String, Role);

pub(super) fn draw(scene: &Scene<'_>, pen: Pen<'_>) {
    let mut pen = pen.framed(" 7 Why ", "", focused(scene, Panel::Why));
    let parts = match &scene.ui.why {
        Some((step, parts)) if *step == scene.view.step && !parts.is_empty() => parts,
        Some((step, _)) if *step == scene.view.step => {
            pen.put(1, 0, "nothing is known to have led here", Role::Dim);
            return;
        }
        Some(_) | None => {
            pen.put(1, 0, "w: what led to the newest event", Role::Dim);
            return;
        }
    };
    if !beside(&mut pen, parts) {
        below(&mut pen, parts, scene.ui.scroll);
    }
}

/// A part in lines of so many columns.
fn rows(part: &Why, width: usize, dot: &'static str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    if !part.title.is_empty() {
        let title = wrapped(&part.title, width);
        rows.extend(title.into_iter().map(|it| ("", it, Role::Strong)));
    }
    for line in &part.lines {
        let words = wrapped(line, width.saturating_sub(2)).into_iter();
        let signed = words.enumerate().map(|(nth, words)| {
            let sign = if nth == 0 { dot } else { " " };
            (sign, words, Role::Text)
        });
        rows.extend(signed);
    }
    rows
}

fn put(pen: &mut Pen<'_>, x: usize, y: usize, (sign, words, role): &Row) {
    let gap = if sign.is_empty() { "" } else { " " };
    pen.pieces(x, y, &[(sign, Role::Dim), (gap, Role::Dim), (words, *role)]);
}

/// Two chains beside each other and below them what they come to; false: there is no room for that.
fn beside(pen: &mut Pen<'_>, parts: &[Why]) -> bool {
    let [one, other, rest] = parts else {
        return false;
    };
    let width = pen.width();
    if width < BESIDE {
        return false;
    }
    let half = width / 2;
    let dot = pen.look.signs.dot;
    let [one, other] = [one, other].map(|part| rows(part, half.saturating_sub(3), dot));
    let rest = rows(rest, width.saturating_sub(2), dot);
    // Both end in their decisions, on the same line.
    let deep = one.len().max(other.len());
    if deep + 1 + rest.len() > pen.height() {
        return false;
    }
    for (x, column) in [(1, &one), (half + 1, &other)] {
        for (y, row) in column.iter().enumerate() {
            put(pen, x, y, row);
        }
    }
    for (y, row) in rest.iter().enumerate() {
        put(pen, 1, deep + 1 + y, row);
    }
    true
}

/// All parts below each other, from a line on.
fn below(pen: &mut Pen<'_>, parts: &[Why], scroll: usize) {
    let width = pen.width().saturating_sub(2);
    let dot = pen.look.signs.dot;
    let mut all: Vec<Row> = Vec::new();
    for part in parts {
        if !all.is_empty() {
            all.push(("", String::new(), Role::Text));
        }
        all.extend(rows(part, width, dot));
    }
    let height = pen.height();
    let first = scroll.min(all.len().saturating_sub(height));
    for (y, row) in all[first..].iter().enumerate().take(height) {
        put(pen, 1, y, row);
    }
    let left = all.len().saturating_sub(first + height);
    if left > 0 && height > 0 {
        pen.put_right(height - 1, &format!("  {left} more below"), Role::Dim);
    }
}
