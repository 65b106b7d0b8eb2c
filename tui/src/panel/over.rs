//! What lies over the panels, and the line at the foot.

use ratatui::{buffer::Buffer, layout::Rect};
use unicode_width::UnicodeWidthStr;

use super::why;
use crate::{
    keys::{self, Mode},
    pen::Pen,
    scene::{Over, Scene},
    theme::Role,
    worker::BRANCHES,
};

pub(super) fn draw(scene: &Scene<'_>, mut pen: Pen<'_>) {
    match &scene.ui.over {
        Over::Nothing | Over::Goto(_) | Over::Filter(_) => {}
        Over::Why => {
            pen.clear();
            why::draw(scene, pen);
        }
        Over::Help => {
            pen.clear();
            help(scene, pen);
        }
        Over::Branches(chosen) => {
            pen.clear();
            branches(scene, pen, *chosen);
        }
    }
}

fn help(scene: &Scene<'_>, pen: Pen<'_>) {
    let mut pen = pen.framed(" Keys ", " Esc closes ", true);
    let told = keys::bindings(scene.ui.mode).filter(|binding| !binding.words.is_empty());
    let told: Vec<_> = told.collect();
    let rows = pen.height().max(1);
    let columns = told.len().div_ceil(rows).max(1);
    let width = pen.width() / columns;
    for (index, binding) in told.iter().enumerate() {
        let (column, row) = (index / rows, index % rows);
        let x = column * width;
        let name = format!("{:>6} ", binding.name);
        let room = width.saturating_sub(8);
        let words = crate::words::cut(binding.words, room, pen.look.signs.more);
        pen.pieces(x, row, &[(&name, Role::Strong), (&words, Role::Text)]);
    }
}

fn branches(scene: &Scene<'_>, pen: Pen<'_>, chosen: usize) {
    let title = format!(
        " Branch off at step {} ",
        crate::words::grouped(scene.view.step)
    );
    let mut pen = pen.framed(&title, " Enter takes it, Esc closes ", true);
    let first = (chosen + 1).saturating_sub(pen.height());
    for (y, (place, (name, words, _))) in BRANCHES.iter().enumerate().skip(first).enumerate() {
        let pointer = if place == chosen {
            pen.look.signs.pointer
        } else {
            " "
        };
        let x = pen.pieces(
            1,
            y,
            &[
                (pointer, Role::Strong),
                (" ", Role::Text),
                (name, Role::Strong),
            ],
        );
        pen.put(x + 2, y, words, Role::Dim);
    }
}

/// The last line but one: what is being typed, or what the user should know.
pub(crate) fn message(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let mut pen = Pen::new(buffer, area, scene.look);
    match (&scene.ui.over, &scene.ui.message, &scene.ui.branch) {
        (Over::Goto(text), ..) => {
            pen.put(
                1,
                0,
                &format!("go to step or time (1284, 1.5s): {text}_"),
                Role::Strong,
            );
        }
        (Over::Filter(text), ..) => {
            pen.put(1, 0, &format!("only events with: {text}_"), Role::Strong);
        }
        (_, Some(message), _) => {
            pen.put(1, 0, message, Role::Strong);
        }
        (_, None, Some(branch)) => {
            let differs = branch.differs.map_or_else(
                || "the same so far".to_owned(),
                |step| format!("differs from step {} on", crate::words::grouped(step)),
            );
            let text = if branch.on_branch {
                format!(
                    "on the branch: {}; {differs}. x flips, J jumps there",
                    branch.what
                )
            } else {
                format!(
                    "on the run that the branch came from; the branch {differs} ({}). x flips",
                    branch.what
                )
            };
            pen.put(1, 0, &text, Role::Dim);
        }
        (_, None, None) => {}
    }
}

/// The last line: the keys that matter now, as many as there is room for; the last ones always.
pub(crate) fn footer(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let mut pen = Pen::new(buffer, area, scene.look);
    let typing = matches!(scene.ui.over, Over::Goto(_) | Over::Filter(_));
    if typing || matches!(scene.ui.over, Over::Branches(_)) {
        pen.pieces(
            1,
            0,
            &[
                ("Enter", Role::Strong),
                (" take it  ", Role::Dim),
                ("Esc", Role::Strong),
                (" close", Role::Dim),
            ],
        );
        return;
    }
    let mode: Mode = scene.ui.mode;
    let all: Vec<_> = keys::bindings(mode)
        .filter(|binding| !binding.short.is_empty())
        .collect();
    let last = all.len().saturating_sub(2);
    let cost = |binding: &keys::Binding| binding.name.width() + binding.short.width() + 3;
    let always: usize = all[last..].iter().map(|binding| cost(binding)).sum();
    let room = pen.width().saturating_sub(1);
    let mut x = 1;
    for (place, binding) in all.iter().enumerate() {
        let reserved = if place < last { always } else { 0 };
        if x + cost(binding) + reserved > room + 2 {
            continue;
        }
        x = pen.pieces(
            x,
            0,
            &[
                (binding.name, Role::Strong),
                (" ", Role::Dim),
                (binding.short, Role::Dim),
            ],
        ) + 2;
    }
}
