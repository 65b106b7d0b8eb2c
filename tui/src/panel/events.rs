//! What happened, the latest at the bottom.

use bivalent_sim::engine::view::EventLine;

use super::{Panel, focused};
use crate::{
    pen::Pen,
    scene::Scene,
    theme::Role,
    words::{grouped, time},
};

pub(super) fn draw(scene: &Scene<'_>, pen: Pen<'_>) {
    let filter = &scene.ui.filter;
    let right = if filter.is_empty() {
        String::new()
    } else {
        format!(" only with `{filter}`; / Enter shows all ")
    };
    let mut pen = pen.framed(" 5 Events ", &right, focused(scene, Panel::Events));
    let events: Vec<&EventLine> = scene
        .view
        .events
        .iter()
        .filter(|event| has(event, filter))
        .collect();
    if events.is_empty() {
        let text = if filter.is_empty() {
            "nothing to tell".to_owned()
        } else {
            format!("no event has `{filter}`; / Enter shows all")
        };
        pen.put(1, 0, &text, Role::Dim);
        return;
    }
    let rows = pen.height();
    // Keys move back from the latest.
    let back = if focused(scene, Panel::Events) {
        scene
            .ui
            .chosen
            .min(events.len().saturating_sub(rows.max(1)))
    } else {
        0
    };
    let end = events.len() - back;
    let start = end.saturating_sub(rows);
    for (y, event) in events[start..end].iter().enumerate() {
        let line = &event.line;
        let is_now = line.step == scene.view.step;
        let pointer = if is_now { pen.look.signs.pointer } else { " " };
        let when = format!("{:>9} #{:<7} ", time(line.time_ns), grouped(line.step));
        let x = pen.pieces(0, y, &[(pointer, Role::Strong), (&when, Role::Dim)]);
        let whose = event.agent.map_or(Role::Warn, Role::Agent);
        let x = pen.put(x, y, &format!("{:4} ", line.who), whose);
        let role = match event.kind {
            "fault" | "stall" => Role::Warn,
            "decided" => Role::Good,
            _ if line.mark.is_empty() => Role::Text,
            _ => Role::Bad,
        };
        let x = pen.put(x, y, &line.what, role);
        if !line.mark.is_empty() {
            pen.put(x + 2, y, line.mark, Role::Bad);
        }
    }
}

/// Whether an event has a word in it, small letters or great.
fn has(event: &EventLine, filter: &str) -> bool {
    if filter.is_empty() {
        return true;
    }
    let filter = filter.to_lowercase();
    let line = &event.line;
    let kind = event
        .fault
        .map_or(event.kind, bivalent_sim::scenario::fault::FaultKind::name);
    [line.who.as_str(), line.what.as_str(), kind]
        .into_iter()
        .any(|text| text.to_lowercase().contains(&filter))
}
