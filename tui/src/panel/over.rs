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

/// Columns that a key and its words need, at least: in a narrower window they are listed below each other.
const KEY_COLUMN: usize = 58;

/// Something and what it means, as rows of so many columns; and in which row each of them begins.
struct Listed {
    rows: Vec<(String, String)>,
    starts: Vec<usize>,
    label: usize,
}

impl Listed {
    /// What help lists.
    fn of(scene: &Scene<'_>, width: usize) -> Self {
        let named: Vec<(&str, &str)> = if scene.ui.over == Over::Terms {
            TERMS.to_vec()
        } else {
            let told = told_keys(scene.ui.mode);
            told.map(|it| (it.name, it.words)).collect()
        };
        let label = named.iter().map(|(name, _)| name.width()).max();
        let mut listed = Self {
            rows: Vec::new(),
            starts: Vec::new(),
            label: label.unwrap_or(0),
        };
        for (name, words) in named {
            listed.starts.push(listed.rows.len());
            let lines = wrapped(words, width.saturating_sub(listed.label + 3));
            let lines = lines.into_iter().enumerate();
            let name_of = |nth| if nth == 0 { name } else { "" }.to_owned();
            listed
                .rows
                .extend(lines.map(|(nth, line)| (name_of(nth), line)));
        }
        listed
    }

    /// Draws from the first that is not scrolled away.
    fn draw(&self, pen: &mut Pen<'_>, scroll: usize) {
        let height = pen.height();
        let last = self.rows.len().saturating_sub(height);
        let first = self.starts.get(scroll).map_or(last, |&at| at.min(last));
        for (y, (name, line)) in self.rows[first..].iter().enumerate().take(height) {
            pen.put(1, y, name, Role::Strong);
            pen.put(self.label + 3, y, line, Role::Text);
        }
        let left = self.rows.len().saturating_sub(first + height);
        if left > 0 && height > 0 {
            pen.put_right(height - 1, &format!("  {left} more below"), Role::Dim);
        }
    }
}

/// How far help can be scrolled that has so much room.
pub(crate) fn scroll_end(scene: &Scene<'_>, area: Rect) -> usize {
    let (width, height) = (area.width.saturating_sub(2), area.height.saturating_sub(2));
    let listed = Listed::of(scene, width.into());
    let last = listed.rows.len().saturating_sub(height.into());
    let end = listed.starts.iter().position(|start| *start >= last);
    end.unwrap_or(listed.starts.len().saturating_sub(1))
}

fn told_keys(mode: Mode) -> impl Iterator<Item = &'static keys::Binding> {
    keys::bindings(mode).filter(|binding| !binding.words.is_empty())
}

/// All keys of the mode.
fn help(scene: &Scene<'_>, pen: Pen<'_>) {
    let mut pen = pen.framed(" Keys ", " ? what the words mean, Esc closes ", true);
    let told: Vec<_> = told_keys(scene.ui.mode).collect();
    let rows = pen.height().max(1);
    let columns = told.len().div_ceil(rows).max(2);
    let width = pen.width() / columns;
    if width < KEY_COLUMN {
        return Listed::of(scene, pen.width()).draw(&mut pen, scene.ui.scroll);
    }
    for (index, binding) in told.iter().enumerate() {
        let (column, row) = (index / rows, index % rows);
        let name = format!("{:>6} ", binding.name);
        let room = width.saturating_sub(8);
        let words = crate::words::cut(binding.words, room, pen.look.signs.more);
        let pieces = [(name.as_str(), Role::Strong), (&words, Role::Text)];
        pen.pieces(column * width, row, &pieces);
    }
}

/// What the words on the screen mean.
fn terms(scene: &Scene<'_>, pen: Pen<'_>) {
    let mut pen = pen.framed(" Words ", " up and down, Esc closes ", true);
    Listed::of(scene, pen.width()).draw(&mut pen, scene.ui.scroll);
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
            pen.put(
                1,
                0,
                &format!("only events with (nothing: all of them): {text}_"),
                Role::Strong,
            );
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
