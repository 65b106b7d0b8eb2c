//! What is due: the next steps in the order in which they come.

use super::{Panel, focused};
use crate::{pen::Pen, scene::Scene, theme::Role, words::time};

pub(super) fn draw(scene: &Scene<'_>, pen: Pen<'_>) {
    let count = scene.view.next.len();
    let title = format!(" {count} in flight or due ");
    let mut pen = pen.framed(" 4 Next steps ", &title, focused(scene, Panel::Next));
    let rows = pen.height();
    let is_ours = focused(scene, Panel::Next);
    let chosen = if is_ours {
        scene.ui.chosen.min(count.saturating_sub(1))
    } else {
        0
    };
    let first = chosen.saturating_sub(rows.saturating_sub(1));
    for (y, (index, step)) in scene
        .view
        .next
        .iter()
        .enumerate()
        .skip(first)
        .take(rows)
        .enumerate()
    {
        let due = match (step.due_ns, step.age) {
            (Some(due), _) => format!("+{}", time(due.saturating_sub(scene.view.time_ns))),
            (None, Some(age)) => format!("age {age}"),
            (None, None) => String::new(),
        };
        let pointer = if is_ours && index == chosen {
            pen.look.signs.pointer
        } else {
            " "
        };
        let x = pen.pieces(
            0,
            y,
            &[(pointer, Role::Strong), (&format!("{due:>10} "), Role::Dim)],
        );
        let name = step
            .agent
            .and_then(|it| scene.names.agents.get(usize::from(it)));
        let role = step.agent.map_or(Role::Dim, Role::Agent);
        let x = pen.put(
            x,
            y,
            &format!("{:4}", name.map_or("~", String::as_str)),
            role,
        );
        let x = pen.put(x + 1, y, &step.text, Role::Text);
        pen.put(x + 2, y, &step.note, Role::Dim);
    }
    if count == 0 {
        pen.put(1, 0, "nothing is left to happen", Role::Dim);
    }
}
