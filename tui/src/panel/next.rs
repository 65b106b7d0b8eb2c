//! What is due: the next steps in the order in which they come.

use bivalent_sim::engine::view::Valence;
use unicode_width::UnicodeWidthStr as _;

use super::{Panel, focused};
use crate::{pen::Pen, scene::Scene, theme::Role, words::time};

/// The widest set of values that is told: of many agents' values only some fit.
const WIDEST: usize = 11;

/// Which values are still possible after each of the next steps, as far as that is known of this very step.
fn sets_after(scene: &Scene<'_>) -> Vec<String> {
    let known = scene.ui.valence_next.as_ref();
    let Some((_, valences)) = known.filter(|(step, _)| *step == scene.view.step) else {
        return Vec::new();
    };
    let set = |valence: &Valence| {
        let values: Vec<&str> = valence.possible().collect();
        // Of samples, one value is what was seen and no proof that there is no other.
        let doubt = if valence.samples.is_some() && values.len() == 1 {
            "?"
        } else {
            ""
        };
        let set = format!("{{{}}}{doubt}", values.join(","));
        if set.width() <= WIDEST {
            set
        } else {
            format!("{{{} of {}}}", values.len(), valence.values.len())
        }
    };
    valences.iter().map(set).collect()
}

pub(super) fn draw(scene: &Scene<'_>, pen: Pen<'_>) {
    let count = scene.view.next.len();
    let sets = sets_after(scene);
    let title = if sets.is_empty() {
        format!(" {count} in flight or due ")
    } else {
        format!(" {count} due, {{what is possible}} after each ")
    };
    let mut pen = pen.framed(" 4 Next steps ", &title, focused(scene, Panel::Next));
    let rows = pen.height();
    let is_ours = focused(scene, Panel::Next);
    let chosen = if is_ours {
        scene.ui.chosen.min(count.saturating_sub(1))
    } else {
        0
    };
    let first = chosen.saturating_sub(rows.saturating_sub(1));
    let widest = sets.iter().map(|set| set.width()).max().unwrap_or(0);
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
        let x = if widest > 0 {
            let after = sets.get(index).map_or("", String::as_str);
            pen.put(x, y, &format!("{after:widest$} "), Role::Dim)
        } else {
            x
        };
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
