//! The agents: who runs, in which phase, with which ballot and vote.

use bivalent_sim::engine::view::{AgentRow, AgentState};

use super::{Panel, focused, round};
use crate::{pen::Pen, scene::Scene, theme::Role};

pub(super) fn draw(scene: &Scene<'_>, pen: Pen<'_>) {
    let mut pen = pen.framed(" 1 Agents ", "", focused(scene, Panel::Agents));
    let names = &scene.names.agents;
    let width = names
        .iter()
        .map(String::len)
        .max()
        .unwrap_or(2)
        .clamp(2, 10);
    let wide = pen.width() > width + 48;
    let is_log = scene.view.log.is_some();
    let head = if is_log {
        format!("{:width$} state   part     ballot  doing", "id")
    } else if wide {
        format!("{:width$} state    ph   mbal   bal  vote    doing", "id")
    } else {
        format!("{:width$} state ph mbal  bal vote doing", "id")
    };
    pen.put(1, 0, &head, Role::Dim);
    let rows = pen.height().saturating_sub(1);
    let count = scene.view.agents.len();
    // Around the chosen one, if they are too many.
    let chosen = if focused(scene, Panel::Agents) {
        scene.ui.chosen.min(count.saturating_sub(1))
    } else {
        0
    };
    let first = chosen
        .saturating_sub(rows.saturating_sub(1))
        .min(count.saturating_sub(rows));
    for (line, (index, row)) in scene
        .view
        .agents
        .iter()
        .enumerate()
        .skip(first)
        .take(rows)
        .enumerate()
    {
        let name = names.get(index).map_or("?", String::as_str);
        let (sign, word) = sign(row, &pen);
        let none = pen.look.signs.none;
        let vote = row.inp.as_deref().unwrap_or(none);
        let (mbal, bal) = (round(row.mbal, none), round(row.bal, none));
        let doing = doing(row);
        let y = line + 1;
        if focused(scene, Panel::Agents) && index == chosen {
            pen.put(0, y, pen.look.signs.pointer, Role::Strong);
        }
        let x = pen.put(1, y, &format!("{name:width$} "), Role::Agent(index as u16));
        let text = if is_log {
            format!("{sign} {word:6} {:8} {mbal:>6}  {doing}", row.phase)
        } else if wide {
            format!(
                "{sign} {word:7}{:>3} {mbal:>6} {bal:>5}  {vote:7.7} {doing}",
                row.phase
            )
        } else {
            format!(
                "{sign} {word:4.4}{:>2.2} {mbal:>4} {bal:>4} {vote:4.4} {doing}",
                row.phase
            )
        };
        pen.put(x, y, &text, role(row));
    }
    if first + rows < count && rows > 0 {
        let left = format!("{} more", count - first - rows);
        pen.put_right(rows, &left, Role::Dim);
    }
    let y = count + 2;
    if y < pen.height() {
        detail(scene, &mut pen, chosen, y);
    }
}

/// How a row is painted.
pub(super) const fn role(row: &AgentRow) -> Role {
    match row.state {
        AgentState::Down | AgentState::Lost => Role::Dim,
        AgentState::Decided => Role::Good,
        AgentState::Paused => Role::Warn,
        AgentState::Running | AgentState::Idle => Role::Text,
    }
}

/// An agent's state as a sign and a word.
pub(super) fn sign(row: &AgentRow, pen: &Pen<'_>) -> (&'static str, &'static str) {
    let signs = pen.look.signs;
    match row.state {
        AgentState::Running => (signs.run, "run"),
        AgentState::Idle => (signs.idle, "idle"),
        AgentState::Paused => (signs.slow, "paused"),
        AgentState::Down => (signs.down, "down"),
        AgentState::Lost => (signs.down, "gone"),
        AgentState::Decided => (signs.decided, "done"),
    }
}

fn doing(row: &AgentRow) -> String {
    match (&row.decided, row.doing.is_empty()) {
        (Some(value), _) => format!("decided {value}"),
        (None, false) => row.doing.clone(),
        (None, true) => String::new(),
    }
}

/// More about one of them.
fn detail(scene: &Scene<'_>, pen: &mut Pen<'_>, chosen: usize, y: usize) {
    let (Some(row), Some(name)) = (
        scene.view.agents.get(chosen),
        scene.names.agents.get(chosen),
    ) else {
        return;
    };
    let mut facts = Vec::new();
    if let Some(value) = &row.proposes {
        facts.push(format!("proposes {value}"));
    }
    if row.incarnation > 0 {
        facts.push(format!("start {}", row.incarnation + 1));
    }
    if row.aborts > 0 {
        facts.push(format!(
            "{} in a row",
            crate::words::counted(row.aborts.into(), "abort")
        ));
    }
    if let Some(missing) = row.missing {
        facts.push(format!("{missing} from deciding"));
    }
    if facts.is_empty() {
        return;
    }
    let dot = format!(" {} ", pen.look.signs.dot);
    let x = pen.put(1, y, &format!("{name} "), Role::Agent(chosen as u16));
    pen.put(x, y, &facts.join(&dot), Role::Dim);
}
