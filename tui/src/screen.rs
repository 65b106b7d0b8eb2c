//! The screen: which panel goes where, for windows of every size.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
};

use crate::{
    keys::Mode,
    panel::{self, Panel},
    pen::Pen,
    scene::{Over, Scene},
    theme::Role,
};

/// Below this nothing can be told.
const LEAST: (u16, u16) = (30, 6);
/// From here on panels fit.
const TINY: (u16, u16) = (60, 16);
/// From here on the side panels fit.
const SMALL: (u16, u16) = (80, 24);
/// From here on all six panels do.
const FULL: (u16, u16) = (120, 36);
/// From here on there is a seventh.
const WIDE: u16 = 160;
/// Columns of the seventh.
const WHY: u16 = 44;

/// Panels and their places.
type Places = Vec<(Panel, Rect)>;

/// Draws a scene into a buffer, whatever its size.
pub fn draw(scene: &Scene<'_>, buffer: &mut Buffer) {
    let area = buffer.area;
    if !fits(area, LEAST) {
        let text = format!(
            "needs {}x{}, have {}x{}; q quits",
            LEAST.0, LEAST.1, area.width, area.height
        );
        Pen::new(buffer, area, scene.look).put(0, 0, &text, Role::Strong);
        return;
    }
    if !fits(area, TINY) {
        panel::brief(scene, area, buffer);
        return;
    }
    let [head, body, message, foot] = rows(area);
    Panel::Header.draw(scene, head, buffer);
    panel::message(scene, message, buffer);
    panel::footer(scene, foot, buffer);
    for (panel, place) in places(scene, area) {
        panel.draw(scene, place, buffer);
    }
    over(scene, body, buffer);
}

/// The panel at a place of a window, and where it is; none: there is none, or something lies over it.
pub(crate) fn at(scene: &Scene<'_>, window: Rect, (x, y): (u16, u16)) -> Option<(Panel, Rect)> {
    if !fits(window, TINY) || scene.ui.over != Over::Nothing {
        return None;
    }
    let mut places = places(scene, window).into_iter();
    places.find(|(_, place)| place.contains((x, y).into()))
}

const fn fits(area: Rect, (width, height): (u16, u16)) -> bool {
    area.width >= width && area.height >= height
}

/// How far help can be scrolled in a window.
pub(crate) fn help_end(scene: &Scene<'_>, window: Rect) -> usize {
    let body = if fits(window, TINY) {
        let [_, body, ..] = rows(window);
        body
    } else {
        panel::brief_body(window)
    };
    panel::scroll_end(scene, body)
}

/// Header, panels, the message, the keys.
fn rows(area: Rect) -> [Rect; 4] {
    Layout::vertical([
        Constraint::Length(3),
        Constraint::Fill(1),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(area)
}

/// Which panels a window of a size shows, and where.
fn places(scene: &Scene<'_>, area: Rect) -> Places {
    let [_, body, ..] = rows(area);
    if scene.ui.zoomed {
        alone(scene, body)
    } else if fits(area, FULL) {
        full(scene, body)
    } else if fits(area, SMALL) {
        small(scene, body)
    } else {
        tiny(scene, body)
    }
}

/// One panel alone.
fn alone(scene: &Scene<'_>, body: Rect) -> Places {
    let panel = Panel::of_number(scene.ui.focus);
    if scene.ui.mode == Mode::Watch {
        return vec![(panel, body)];
    }
    let [above, below] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(side(scene, 12))]).areas(body);
    vec![(panel, above), (beside(scene), below)]
}

/// What a mode needs beside the run itself.
const fn beside(scene: &Scene<'_>) -> Panel {
    match scene.ui.mode {
        Mode::Watch => Panel::Events,
        Mode::Adversary => Panel::Adversary,
        Mode::Tour => Panel::Tour,
    }
}

/// How many rows it needs, at most so many.
fn side(scene: &Scene<'_>, most: u16) -> u16 {
    let needed = match scene.ui.mode {
        Mode::Watch => most,
        Mode::Adversary => scene.game.map_or(7, |game| game.moves.len() as u16 + 7),
        Mode::Tour => 8,
    };
    needed.min(most)
}

/// All panels.
fn full(scene: &Scene<'_>, body: Rect) -> Places {
    let mut places = Places::new();
    let is_wide = body.width >= WIDE;
    let body = if is_wide {
        let [rest, why] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(WHY)]).areas(body);
        places.push((Panel::Why, why));
        rest
    } else {
        body
    };
    let agents = scene.names.agents.len() as u16;
    let matrix = (agents + 5).clamp(7, 12);
    let last = match scene.ui.mode {
        Mode::Watch => Constraint::Length(4),
        Mode::Adversary | Mode::Tour => Constraint::Length(0),
    };
    let third = match scene.ui.mode {
        Mode::Watch => Constraint::Length((body.height / 4).max(6)),
        Mode::Adversary | Mode::Tour => Constraint::Length(side(scene, (body.height / 2).max(10))),
    };
    let [first, second, third, last] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(matrix), third, last])
            .areas(body);
    let halves = [Constraint::Percentage(42), Constraint::Fill(1)];
    let [left, right] = Layout::horizontal(halves).areas(first);
    places.extend([(Panel::Agents, left), (Panel::Ballots, right)]);
    let [left, right] = Layout::horizontal(halves).areas(second);
    places.extend([(Panel::Store, left), (Panel::Next, right)]);
    // The seventh has no place of its own here: while it is looked at, it takes that of the events.
    let third_is_why = scene.ui.focus == 7 && !is_wide && scene.ui.mode == Mode::Watch;
    let beside = if third_is_why {
        Panel::Why
    } else {
        beside(scene)
    };
    places.push((beside, third));
    if scene.ui.mode == Mode::Watch {
        places.push((Panel::Timeline, last));
    }
    places
}

/// Ballots stay; the others come alone, by their numbers.
fn small(scene: &Scene<'_>, body: Rect) -> Places {
    let agents = scene.names.agents.len() as u16;
    let matrix = (agents + 3).clamp(5, 8);
    if scene.ui.mode != Mode::Watch {
        let [first, second] = Layout::vertical([
            Constraint::Fill(1),
            Constraint::Length(side(scene, body.height / 2 + 2)),
        ])
        .areas(body);
        return vec![(Panel::Ballots, first), (beside(scene), second)];
    }
    let [first, second, third] = Layout::vertical([
        Constraint::Fill(1),
        Constraint::Length(matrix),
        Constraint::Length(3),
    ])
    .areas(body);
    let mut places = vec![(Panel::Ballots, first)];
    // What has no place of its own here takes that of the agents and the stores.
    if matches!(scene.ui.focus, 4 | 5 | 7) {
        places.push((Panel::of_number(scene.ui.focus), second));
    } else {
        let halves = [Constraint::Percentage(50), Constraint::Fill(1)];
        let [left, right] = Layout::horizontal(halves).areas(second);
        places.extend([(Panel::Agents, left), (Panel::Store, right)]);
    }
    places.push((Panel::Timeline, third));
    places
}

/// One panel, by its number; at first the ballots.
fn tiny(scene: &Scene<'_>, body: Rect) -> Places {
    let panel = if scene.ui.mode == Mode::Watch {
        Panel::of_number(scene.ui.focus)
    } else {
        beside(scene)
    };
    vec![(panel, body)]
}

fn over(scene: &Scene<'_>, body: Rect, buffer: &mut Buffer) {
    let (width, height) = match &scene.ui.over {
        Over::Nothing | Over::Goto(_) | Over::Filter(_) => return,
        Over::Help | Over::Terms => (body.width, body.height),
        // Two chains and what they come to need all the room there is.
        Over::Why
            if scene
                .ui
                .why
                .as_ref()
                .is_some_and(|(_, parts)| parts.len() > 1) =>
        {
            (body.width, body.height)
        }
        Over::Why => (body.width.min(110), body.height.min(20)),
        Over::Branches(_) => (body.width.min(90), body.height.min(8)),
        Over::Futures(_) => {
            let rows = scene.ui.branch.as_ref().map_or(0, |it| it.rows.len());
            (body.width.min(90), body.height.min(rows as u16 + 2))
        }
    };
    let area = Rect {
        x: body.x + (body.width - width) / 2,
        y: body.y + (body.height - height) / 2,
        width,
        height,
    };
    Panel::Over.draw(scene, area, buffer);
}
