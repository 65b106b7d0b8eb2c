//! What stands on the stores: a block for each agent on each of them.

use bivalent_sim::view::{Cell, StoreState};
use unicode_width::UnicodeWidthStr;

use super::{Panel, focused, round};
use crate::{pen::Pen, scene::Scene, theme::Role};

pub(super) fn draw(scene: &Scene<'_>, pen: Pen<'_>) {
    let mut pen = pen.framed(" 3 Store ", " mbal/bal:vote ", focused(scene, Panel::Store));
    let Some(matrix) = &scene.view.blocks else {
        return;
    };
    let names = &scene.names.stores;
    let label = matrix
        .owners
        .iter()
        .map(|it| it.width())
        .max()
        .unwrap_or(2)
        .min(10);
    let texts: Vec<Vec<String>> = matrix
        .cells
        .iter()
        .map(|row| row.iter().map(|cell| written(cell, &pen)).collect())
        .collect();
    let widest = texts
        .iter()
        .flatten()
        .map(|it| it.width())
        .max()
        .unwrap_or(0);
    let heads: Vec<String> = names
        .iter()
        .zip(&scene.view.stores)
        .map(|(name, store)| format!("{name} {}", sign(store.state, &pen)))
        .collect();
    let head = heads.iter().map(|it| it.width()).max().unwrap_or(0);
    let column = widest.max(head) + 2;
    let room = pen.width().saturating_sub(label + 2);
    let shown = (room / column.max(1)).max(1).min(names.len());
    // What the keys move through, if not all of it fits.
    let first = if focused(scene, Panel::Store) {
        scene.ui.chosen.min(names.len() - shown.min(names.len()))
    } else {
        0
    };
    for (place, (head, store)) in heads
        .iter()
        .zip(&scene.view.stores)
        .skip(first)
        .take(shown)
        .enumerate()
    {
        let role = match store.state {
            StoreState::Up => Role::Strong,
            StoreState::Slow => Role::Warn,
            StoreState::Down | StoreState::Lost => Role::Dim,
        };
        let word = word(store.state);
        let x = pen.put(label + 2 + place * column, 0, head, role);
        if column > head.width() + word.len() + 2 {
            pen.put(x + 1, 0, word, Role::Dim);
        }
    }
    for (row, owner) in matrix.owners.iter().enumerate() {
        pen.put(1, row + 1, owner, Role::Agent(row as u8));
        let cells = texts[row].iter().zip(&matrix.cells[row]);
        for (place, (text, cell)) in cells.skip(first).take(shown).enumerate() {
            let role = if cell.unreadable {
                Role::Bad
            } else if cell.stale || cell.damaged {
                Role::Warn
            } else if cell.mbal.is_none() {
                Role::Dim
            } else {
                Role::Text
            };
            pen.put(label + 2 + place * column, row + 1, text, role);
        }
    }
    if shown < names.len() {
        let hidden = format!("{} more stores", names.len() - shown);
        pen.put_right(matrix.owners.len() + 1, &hidden, Role::Dim);
    }
    let y = matrix.owners.len() + 2;
    if y < pen.height() {
        pen.put(
            1,
            pen.height() - 1,
            "* in flight  ! torn  ? old  # damaged",
            Role::Dim,
        );
    }
}

fn written(cell: &Cell, pen: &Pen<'_>) -> String {
    let none = pen.look.signs.none;
    let mut text = if cell.unreadable {
        "torn".to_owned()
    } else if cell.mbal.is_none() {
        none.to_owned()
    } else {
        let vote = cell
            .inp
            .as_ref()
            .map_or_else(String::new, |inp| format!(":{inp:.8}"));
        format!("{}/{}{vote}", round(cell.mbal, none), round(cell.bal, none))
    };
    for (marked, sign) in [
        (cell.in_flight > 0, '*'),
        (cell.unreadable, '!'),
        (cell.stale, '?'),
        (cell.damaged, '#'),
    ] {
        if marked {
            text.push(sign);
        }
    }
    text
}

fn sign(state: StoreState, pen: &Pen<'_>) -> &'static str {
    let signs = pen.look.signs;
    match state {
        StoreState::Up => signs.run,
        StoreState::Slow => signs.slow,
        StoreState::Down | StoreState::Lost => signs.down,
    }
}

const fn word(state: StoreState) -> &'static str {
    match state {
        StoreState::Up => "",
        StoreState::Slow => "slow",
        StoreState::Down => "out",
        StoreState::Lost => "lost",
    }
}
