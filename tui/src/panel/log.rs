//! A replicated log: who leads, who lags.

use super::{Panel, focused};
use crate::{pen::Pen, scene::Scene, theme::Role, words::grouped};

pub(super) fn draw(scene: &Scene<'_>, pen: Pen<'_>) {
    let mut pen = pen.framed(" 3 Log ", "", focused(scene, Panel::Store));
    let Some(log) = &scene.view.log else {
        return;
    };
    pen.put(1, 0, "id       slots  lag  floor  in flight", Role::Dim);
    let most = log.applied.max(1);
    for (index, row) in log.replicas.iter().enumerate() {
        let name = scene.names.agents.get(index).map_or("?", String::as_str);
        let y = index + 1;
        let leads = log.leader == Some(index as u16);
        let sign = if leads { pen.look.signs.pointer } else { " " };
        let x = pen.pieces(
            0,
            y,
            &[
                (sign, Role::Strong),
                (&format!("{name:5}"), Role::Agent(index as u16)),
            ],
        );
        let text = format!(
            "{:>9} {:>4} {:>6} {:>10}  ",
            grouped(row.next),
            grouped(row.lag),
            grouped(row.floor),
            row.in_flight
        );
        let role = if row.lag > 0 { Role::Warn } else { Role::Text };
        let x = pen.put(x, y, &text, role);
        let room = pen.width().saturating_sub(x + 1).min(40) as u64;
        let full = (row.next.min(most) * room / most) as usize;
        let [block, empty] = pen.look.signs.bar;
        let bar = block.repeat(full) + &empty.repeat(room as usize - full);
        pen.put(x, y, &bar, Role::Agent(index as u16));
    }
    let y = log.replicas.len() + 2;
    if y < pen.height() {
        let stores: Vec<String> = scene
            .names
            .stores
            .iter()
            .zip(&scene.view.stores)
            .map(|(name, store)| format!("{name} {:?}", store.state).to_lowercase())
            .collect();
        pen.put(1, y, &stores.join("  "), Role::Dim);
    }
}
