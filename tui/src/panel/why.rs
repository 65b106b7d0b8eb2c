//! Why: what led to the newest event.

use super::{Panel, focused};
use crate::{pen::Pen, scene::Scene, theme::Role, words::wrapped};

pub(super) fn draw(scene: &Scene<'_>, pen: Pen<'_>) {
    let mut pen = pen.framed(" 7 Why ", "", focused(scene, Panel::Why));
    let lines = match &scene.ui.why {
        Some((step, lines)) if *step == scene.view.step && !lines.is_empty() => lines,
        Some((step, _)) if *step == scene.view.step => {
            pen.put(1, 0, "nothing is known to have led here", Role::Dim);
            return;
        }
        Some(_) | None => {
            pen.put(1, 0, "w: what led to the newest event", Role::Dim);
            return;
        }
    };
    let width = pen.width().saturating_sub(4);
    let mut y = 0;
    for line in lines {
        for (nth, part) in wrapped(line, width).into_iter().enumerate() {
            let sign = if nth == 0 { pen.look.signs.dot } else { " " };
            pen.pieces(
                1,
                y,
                &[(sign, Role::Dim), (" ", Role::Dim), (&part, Role::Text)],
            );
            y += 1;
        }
    }
}
