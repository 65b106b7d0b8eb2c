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
const LEAST: (u16, u16) = (60, 16);
/// From here on the side panels fit.
const SMALL: (u16, u16) = (80, 24);
/// From here on all six panels do.
const FULL: (u16, u16) = (120, 36);
/// From here on there is a seventh.
const WIDE: u16 = 160;
/// Columns of the seventh.
const WHY: u16 = 44;

/// Draws a scene into a buffer, whatever its size.
pub fn draw(scene: &Scene<'_>, buffer: &mut Buffer) {
    let area = buffer.area;
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = format!(
            "needs {}x{}, have {}x{}; q quits",
            LEAST.0, LEAST.1, area.width, area.height
        );
        Pen::new(buffer, area, scene.look).put(0, 0, &text, Role::Strong);
        return;
    }
    let [head, body, message, foot] = Layout::vertical([
        Constraint::Length(3),
        Constraint::Fill(1),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(area);
    Panel::Header.draw(scene, head, buffer);
    panel::message(scene, message, buffer);
    panel::footer(scene, foot, buffer);
    let fits = |(width, height)| area.width >= width && area.height >= height;
    if scene.ui.zoomed {
        alone(scene, body, buffer);
    } else if fits(FULL) {
        full(scene, body, buffer);
    } else if fits(SMALL) {
        small(scene, body, buffer);
    } else {
        tiny(scene, body, buffer);
    }
    over(scene, body, buffer);
}

/// One panel alone.
fn alone(scene: &Scene<'_>, body: Rect, buffer: &mut Buffer) {
    let panel = Panel::of_number(scene.ui.focus);
    if scene.ui.mode == Mode::Watch {
        panel.draw(scene, body, buffer);
        return;
    }
    let [above, below] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(side(scene, 12))]).areas(body);
    panel.draw(scene, above, buffer);
    beside(scene).draw(scene, below, buffer);
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
fn full(scene: &Scene<'_>, body: Rect, buffer: &mut Buffer) {
    let body = if body.width >= WIDE {
        let [rest, why] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(WHY)]).areas(body);
        Panel::Why.draw(scene, why, buffer);
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
    Panel::Agents.draw(scene, left, buffer);
    Panel::Ballots.draw(scene, right, buffer);
    let [left, right] = Layout::horizontal(halves).areas(second);
    Panel::Store.draw(scene, left, buffer);
    Panel::Next.draw(scene, right, buffer);
    beside(scene).draw(scene, third, buffer);
    if scene.ui.mode == Mode::Watch {
        Panel::Timeline.draw(scene, last, buffer);
    }
}

/// Ballots stay; the others come alone, by their numbers.
fn small(scene: &Scene<'_>, body: Rect, buffer: &mut Buffer) {
    let agents = scene.names.agents.len() as u16;
    let matrix = (agents + 3).clamp(5, 8);
    if scene.ui.mode != Mode::Watch {
        let [first, second] = Layout::vertical([
            Constraint::Fill(1),
            Constraint::Length(side(scene, body.height / 2 + 2)),
        ])
        .areas(body);
        Panel::Ballots.draw(scene, first, buffer);
        beside(scene).draw(scene, second, buffer);
        return;
    }
    let [first, second, third] = Layout::vertical([
        Constraint::Fill(1),
        Constraint::Length(matrix),
        Constraint::Length(3),
    ])
    .areas(body);
    Panel::Ballots.draw(scene, first, buffer);
    // What has no place of its own here takes that of the agents and the stores.
    if matches!(scene.ui.focus, 4 | 5 | 7) {
        Panel::of_number(scene.ui.focus).draw(scene, second, buffer);
    } else {
        let halves = [Constraint::Percentage(50), Constraint::Fill(1)];
        let [left, right] = Layout::horizontal(halves).areas(second);
        Panel::Agents.draw(scene, left, buffer);
        Panel::Store.draw(scene, right, buffer);
    }
    Panel::Timeline.draw(scene, third, buffer);
}

/// Verdict, ballots, keys.
fn tiny(scene: &Scene<'_>, body: Rect, buffer: &mut Buffer) {
    if scene.ui.mode == Mode::Watch {
        Panel::Ballots.draw(scene, body, buffer);
    } else {
        beside(scene).draw(scene, body, buffer);
    }
}

fn over(scene: &Scene<'_>, body: Rect, buffer: &mut Buffer) {
    let (width, height) = match &scene.ui.over {
        Over::Nothing | Over::Goto(_) | Over::Filter(_) => return,
        Over::Help => (body.width, body.height),
        Over::Why => (body.width.min(110), body.height.min(20)),
        Over::Branches(_) => (body.width.min(90), body.height.min(8)),
    };
    let area = Rect {
        x: body.x + (body.width - width) / 2,
        y: body.y + (body.height - height) / 2,
        width,
        height,
    };
    Panel::Over.draw(scene, area, buffer);
}
