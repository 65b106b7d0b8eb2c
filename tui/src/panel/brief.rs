//! The whole screen in a few lines, where there is no room for panels: what came of it, what is possible,
//! the agents, the step.

use bivalent_sim::engine::view::{AgentRow, Standing};
use ratatui::{buffer::Buffer, layout::Rect};
use unicode_width::UnicodeWidthStr;

use super::{Panel, adversary, agents, header, over, round};
use crate::{
    keys::Mode,
    pen::Pen,
    scene::{Over, Scene},
    theme::Role,
    words::{counted, cut, grouped, wrapped},
};

/// Rows above the body: the verdict and what is possible.
const HEAD: u16 = 2;

/// Between the head and the last line.
pub(crate) fn body(area: Rect) -> Rect {
    Rect {
        y: area.y + HEAD.min(area.height),
        height: area.height.saturating_sub(HEAD + 1),
        ..area
    }
}

pub(crate) fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let head = Rect {
        height: HEAD.min(area.height),
        ..area
    };
    let foot = Rect {
        y: area.bottom().saturating_sub(1),
        height: 1,
        ..area
    };
    let body = body(area);
    let mut pen = Pen::new(buffer, head, scene.look);
    verdict(scene, &mut pen);
    second(scene, &mut pen);
    let typing = matches!(scene.ui.over, Over::Goto(_) | Over::Filter(_));
    if typing || scene.ui.message.is_some() {
        over::message(scene, foot, buffer);
    } else {
        over::footer(scene, foot, buffer);
    }
    let is_covered = scene.ui.over != Over::Nothing && !typing;
    if is_covered {
        Panel::Over.draw(scene, body, buffer);
    } else if scene.ui.zoomed {
        Panel::of_number(scene.ui.focus).draw(scene, body, buffer);
    } else {
        let mut pen = Pen::new(buffer, body, scene.look);
        match scene.ui.mode {
            Mode::Watch => watched(scene, &mut pen),
            Mode::Adversary => played(scene, &mut pen),
            Mode::Tour => told(scene, &mut pen),
        }
    }
}

/// What came of it, and at which step we are.
fn verdict(scene: &Scene<'_>, pen: &mut Pen<'_>) {
    let (view, signs) = (scene.view, pen.look.signs);
    let (text, role) = match (&view.standing, &view.stall) {
        (Standing::Broken { property, step, .. }, _) => {
            let property = property.to_uppercase();
            let text = format!("{} {property} BROKEN at {}", signs.broken, grouped(*step));
            (text, Role::Bad)
        }
        (_, Some(stall)) => {
            let agents = stall.agents.join(signs.against);
            let text = format!("{} STALL, {}: {agents}", signs.stall, stall.kind);
            (text, Role::Warn)
        }
        (Standing::Decided { count, .. }, None) if view.log.is_some() => {
            let slots = counted(u64::from(*count), "slot");
            (format!("{} {slots} decided", signs.decided), Role::Good)
        }
        (Standing::Decided { value, count }, None) => {
            let of = scene.names.agents.len();
            let text = format!("{} DECIDED {value} by {count} of {of}", signs.decided);
            (text, Role::Good)
        }
        (Standing::Undecided, None) => (format!("{} nothing decided", signs.idle), Role::Dim),
    };
    let right = format!("#{}", grouped(view.step));
    let room = pen.width().saturating_sub(right.width() + 1);
    pen.put(0, 0, &cut(&text, room, signs.more), role);
    pen.put_right(0, &right, Role::Strong);
}

/// What is possible; of a broken promise how it is broken, of a log who leads, of the tour which page.
fn second(scene: &Scene<'_>, pen: &mut Pen<'_>) {
    if let Some(page) = &scene.page {
        let title = format!("{} of {}  {}", page.chapter, page.chapters, page.title);
        pen.put(0, 1, &title, Role::Strong);
        let right = format!(" page {} of {}", page.number, page.pages);
        pen.put_right(1, &right, Role::Dim);
        return;
    }
    if let Standing::Broken { detail, .. } = &scene.view.standing {
        pen.put(0, 1, detail, Role::Text);
        return;
    }
    if let Some(text) = header::log_words(scene, pen) {
        pen.put(0, 1, &text, Role::Text);
        return;
    }
    let pieces = header::valence_words(scene, pen);
    let pieces: Vec<_> = pieces.iter().map(|(text, role)| (&**text, *role)).collect();
    let x = pen.pieces(0, 1, &pieces);
    let Some((_, known)) = header::known(scene) else {
        return;
    };
    let how = known.samples;
    let how = how.map_or_else(|| "exact".to_owned(), |n| format!("n={n}"));
    if x + how.width() < pen.width() {
        pen.put_right(1, &how, Role::Dim);
    }
}

/// The agents, as many as fit, and the step: done, and due if there is room; above it what was before.
fn watched(scene: &Scene<'_>, pen: &mut Pen<'_>) {
    let rows = pen.height();
    let count = scene.view.agents.len();
    let below = if rows >= count + 2 { 2 } else { 1 };
    let used = rows_of_agents(scene, pen, rows.saturating_sub(below));
    let (now, before): (Vec<_>, Vec<_>) = scene
        .view
        .events
        .iter()
        .map(|event| &event.line)
        .partition(|line| line.step == scene.view.step);
    let done = now.last();
    let next = scene.view.next.first().map(|next| {
        let name = next.agent.and_then(|it| {
            let names = &scene.names.agents;
            names.get(usize::from(it))
        });
        format!("{} {}", name.map_or("~", String::as_str), next.text)
    });
    let next = next.unwrap_or_else(|| "nothing is left to happen".to_owned());
    let last = usize::from(done.is_some()) + usize::from(done.is_none() || below == 2);
    let spare = rows.saturating_sub(used + last);
    let before = &before[before.len().saturating_sub(spare)..];
    let mut y = used;
    for line in before {
        let text = format!("     {} {}", line.who, line.what);
        pen.put(0, y, &text, Role::Dim);
        y += 1;
    }
    if let Some(done) = done {
        let text = format!("{} {}", done.who, done.what);
        pen.pieces(0, y, &[("now  ", Role::Dim), (&text, Role::Text)]);
        y += 1;
    }
    if y < rows && (done.is_none() || below == 2) {
        pen.pieces(0, y, &[("next ", Role::Dim), (&next, Role::Text)]);
    }
}

/// Draws the agents into so many rows; how many it took.
fn rows_of_agents(scene: &Scene<'_>, pen: &mut Pen<'_>, rows: usize) -> usize {
    let agents = &scene.view.agents;
    let shown = if agents.len() <= rows {
        agents.len()
    } else {
        rows.saturating_sub(1)
    };
    let names = &scene.names.agents;
    let width = names.iter().map(|it| it.width()).max().unwrap_or(2).min(8);
    for (y, row) in agents.iter().enumerate().take(shown) {
        let name = names.get(y).map_or("?", String::as_str);
        let x = pen.put(
            0,
            y,
            &format!("{name:width$.width$} "),
            Role::Agent(y as u16),
        );
        let (sign, word) = agents::sign(row, pen);
        let text = format!("{sign} {word:6} {}", doing(row, pen.look.signs.none));
        pen.put(x, y, &text, agents::role(row));
    }
    if shown < agents.len() && rows > 0 {
        let more = format!("+{} more", agents.len() - shown);
        pen.put(0, shown, &more, Role::Dim);
        return shown + 1;
    }
    shown
}

fn doing(row: &AgentRow, none: &str) -> String {
    if let Some(value) = &row.decided {
        return format!("decided {value}");
    }
    let vote = row.inp.as_ref();
    let vote = vote.map_or_else(String::new, |vote| format!("  vote {vote}"));
    let ballot = round(row.mbal, none);
    if row.phase.len() > 2 {
        return format!("{}, ballot {ballot}{vote}", row.phase);
    }
    format!("ph {}  ballot {ballot}{vote}", row.phase)
}

/// The moves around the chosen one, and as many agents as there is room for.
fn played(scene: &Scene<'_>, pen: &mut Pen<'_>) {
    let Some(game) = scene.game else {
        return;
    };
    let rows = pen.height();
    if let Some(over) = &game.score.over {
        let lines = wrapped(&format!("The game is over: {over}."), pen.width());
        for (y, line) in lines.iter().enumerate() {
            pen.put(0, y, line, Role::Strong);
        }
        pen.put(0, lines.len(), "u takes the last move back", Role::Dim);
        return;
    }
    let count = game.moves.len();
    let agents = scene.view.agents.len().min(rows.saturating_sub(count + 1));
    let used = if agents > 1 {
        rows_of_agents(scene, pen, agents)
    } else {
        0
    };
    let best = format!(
        "{} kept bivalent, your best {}",
        counted(game.score.bivalent, "move"),
        game.best
    );
    let list = rows.saturating_sub(used + 1).max(1);
    let chosen = scene.ui.chosen.min(count.saturating_sub(1));
    let first = chosen.saturating_sub(list - 1);
    let moves = game.moves.iter().enumerate().skip(first).take(list);
    for (line, (index, it)) in moves.enumerate() {
        let pointer = if index == chosen {
            pen.look.signs.pointer
        } else {
            " "
        };
        let number = if index < 9 {
            (index + 1).to_string()
        } else {
            " ".to_owned()
        };
        let role = if it.refused.is_some() {
            Role::Dim
        } else {
            Role::Agent(it.entry.agent.0)
        };
        let y = used + line;
        let mut room = pen.width().saturating_sub(3);
        if game.hints {
            // What a move leaves possible says more than the end of its words.
            let (after, role) = adversary::told(it.after.as_ref(), pen.look.signs.more);
            room = room.saturating_sub(after.width() + 1);
            pen.put_right(y, &after, role);
        }
        let text = cut(&it.text, room, pen.look.signs.more);
        let pieces = [
            (pointer, Role::Strong),
            (&number, Role::Strong),
            (" ", Role::Text),
            (&text, role),
        ];
        pen.pieces(0, y, &pieces);
    }
    pen.put(0, rows.saturating_sub(1), &best, Role::Dim);
}

/// The caption, from the sentence that is chosen.
fn told(scene: &Scene<'_>, pen: &mut Pen<'_>) {
    let Some(page) = &scene.page else {
        return;
    };
    let sentences = crate::tour::sentences(page.text);
    let from = scene.ui.chosen.min(sentences.len().saturating_sub(1));
    let lines = wrapped(&sentences[from..].join(" "), pen.width());
    let rows = pen.height();
    for (y, line) in lines.iter().enumerate().take(rows) {
        pen.put(0, y, line, Role::Text);
    }
    if lines.len() > rows && rows > 0 {
        pen.put_right(
            rows - 1,
            &format!(" {} down", pen.look.signs.more),
            Role::Dim,
        );
    }
}
