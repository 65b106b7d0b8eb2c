//! What lies over the panels, and the line at the foot.

use ratatui::{buffer::Buffer, layout::Rect};
use unicode_width::UnicodeWidthStr;

use super::why;
use crate::{
    keys::{self, Mode},
    legend::TERMS,
    pen::Pen,
    scene::{Branching, Over, Scene},
    theme::Role,
    words::{grouped, wrapped},
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
        Over::Terms => {
            pen.clear();
            terms(scene, pen);
        }
        Over::Branches(chosen) => {
            pen.clear();
            branches(scene, pen, *chosen);
        }
        Over::Futures(chosen) => {
            pen.clear();
            futures(scene, pen, *chosen);
        }
    }
}

/// Columns that a key and its words need, at least.
const KEY_COLUMN: usize = 36;

/// All keys of the mode; where they do not fit, from the first that is not scrolled away.
fn help(scene: &Scene<'_>, pen: Pen<'_>) {
    let mut pen = pen.framed(" Keys ", " ? what the words mean, Esc closes ", true);
    let told = keys::bindings(scene.ui.mode).filter(|binding| !binding.words.is_empty());
    let told: Vec<_> = told.collect();
    let rows = pen.height().max(1);
    let most = (pen.width() / KEY_COLUMN).max(1);
    let columns = told.len().div_ceil(rows).clamp(1, most);
    let width = pen.width() / columns;
    let first = scene
        .ui
        .scroll
        .min(told.len().saturating_sub(rows * columns));
    for (index, binding) in told[first..].iter().enumerate().take(rows * columns) {
        let (column, row) = (index / rows, index % rows);
        let x = column * width;
        let name = format!("{:>6} ", binding.name);
        let room = width.saturating_sub(8);
        let words = crate::words::cut(binding.words, room, pen.look.signs.more);
        pen.pieces(x, row, &[(&name, Role::Strong), (&words, Role::Text)]);
    }
    let left = told.len().saturating_sub(first + rows * columns);
    if left > 0 {
        pen.put_right(rows - 1, &format!("  {left} more below"), Role::Dim);
    }
}

/// What the words on the screen mean, from the first that is not scrolled away.
fn terms(scene: &Scene<'_>, pen: Pen<'_>) {
    let mut pen = pen.framed(" Words ", " up and down, Esc closes ", true);
    let label = TERMS.iter().map(|(term, _)| term.width()).max();
    let label = label.unwrap_or(0);
    let (width, height) = (pen.width(), pen.height());
    let mut rows: Vec<(&str, String)> = Vec::new();
    let mut starts = Vec::new();
    for (term, meaning) in TERMS {
        starts.push(rows.len());
        let lines = wrapped(meaning, width.saturating_sub(label + 3));
        let named = lines.into_iter().enumerate();
        rows.extend(named.map(|(nth, line)| (if nth == 0 { *term } else { "" }, line)));
    }
    let last = rows.len().saturating_sub(height);
    let first = starts.get(scene.ui.scroll).map_or(last, |&at| at.min(last));
    for (y, (term, line)) in rows[first..].iter().enumerate().take(height) {
        pen.put(1, y, term, Role::Strong);
        pen.put(label + 3, y, line, Role::Text);
    }
    let left = rows.len().saturating_sub(first + height);
    if left > 0 && height > 0 {
        pen.put_right(height - 1, &format!("  {left} more below"), Role::Dim);
    }
}

/// The futures that there are, and where each came from.
fn futures(scene: &Scene<'_>, pen: Pen<'_>, chosen: usize) {
    let Some(branch) = &scene.ui.branch else {
        return;
    };
    let mut pen = pen.framed(" Futures ", " Enter goes there, Esc closes ", true);
    let first = (chosen + 1).saturating_sub(pen.height());
    let rows = branch.rows.iter().enumerate().skip(first);
    for (y, (place, row)) in rows.enumerate() {
        let signs = pen.look.signs;
        let pointer = if place == chosen { signs.pointer } else { " " };
        let here = if place == branch.on { signs.run } else { " " };
        let x = pen.pieces(
            1,
            y,
            &[
                (pointer, Role::Strong),
                (" ", Role::Text),
                (here, Role::Good),
                (" ", Role::Text),
                (&format!("{:4} ", row.name), Role::Strong),
            ],
        );
        let from = row.from.as_ref();
        let from = from.map_or_else(String::new, |(parent, step)| {
            format!(", from {parent} at step {}", grouped(*step))
        });
        pen.put(x, y, &format!("{}{from}", row.what), Role::Dim);
    }
}

fn branches(scene: &Scene<'_>, pen: Pen<'_>, chosen: usize) {
    let title = format!(" Branch off at step {} ", grouped(scene.view.step));
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
            pen.put(1, 0, &about(branch), Role::Dim);
        }
        (_, None, None) => {}
    }
}

/// Where we are among several futures.
fn about(branch: &Branching) -> String {
    let (Some(on), Some(other)) = (branch.rows.get(branch.on), branch.rows.get(branch.other))
    else {
        return String::new();
    };
    let differs = branch.differs.map_or_else(
        || format!("the same as {} so far", other.name),
        |step| format!("differs from {} from step {} on", other.name, grouped(step)),
    );
    let from = on.from.as_ref();
    let from = from.map_or_else(String::new, |(parent, step)| {
        format!(" (from {parent} at step {}: {})", grouped(*step), on.what)
    });
    format!(
        "on {}{from}; {differs}. x flips, X goes on, B lists, J jumps there",
        on.name
    )
}

/// The last line: the keys that matter now, as many as there is room for; the last ones always.
pub(crate) fn footer(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let mut pen = Pen::new(buffer, area, scene.look);
    let typing = matches!(scene.ui.over, Over::Goto(_) | Over::Filter(_));
    if typing || matches!(scene.ui.over, Over::Branches(_) | Over::Futures(_)) {
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
