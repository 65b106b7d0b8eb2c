//! What stands on the stores: a block for each agent on each of them.

use bivalent_sim::engine::view::{Cell, StoreState};
use unicode_width::UnicodeWidthStr;

use super::{Panel, focused, round};
use crate::{pen::Pen, scene::Scene, theme::Role, words::counted};

pub(super) fn draw(scene: &Scene<'_>, pen: Pen<'_>) {
    let is_focused = focused(scene, Panel::Store);
    let Some(matrix) = &scene.view.blocks else {
        let _ = pen.framed(" 3 Store ", "", is_focused);
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
    let heads: Vec<String> = names
        .iter()
        .zip(&scene.view.stores)
        .map(|(name, store)| format!("{name} {}", sign(store.state, &pen)))
        .collect();
    // Within the frame, right of the owners.
    let room = pen.width().saturating_sub(label + 4);
    let texts_of = |votes| -> Vec<Vec<String>> {
        let rows = matrix.cells.iter();
        rows.map(|row| row.iter().map(|cell| written(cell, votes, &pen)).collect())
            .collect()
    };
    let mut texts = texts_of(true);
    let mut key = " mbal/bal:vote ";
    let mut columns = columns(&heads, &texts, room);
    if columns.is_none() {
        // Rather no votes than a store less.
        let short = texts_of(false);
        columns = self::columns(&heads, &short, room);
        if columns.is_some() {
            texts = short;
            key = " mbal/bal, no room for votes ";
        }
    }
    let mut pen = pen.framed(" 3 Store ", key, is_focused);
    let columns = columns.unwrap_or_else(|| vec![widest(&heads, &texts) + 2; names.len()]);
    let column = columns.first().copied().unwrap_or(1).max(1);
    let all = columns.iter().sum::<usize>() <= room + 2;
    let shown = if all {
        names.len()
    } else {
        (room / column).max(1).min(names.len())
    };
    // What the keys move through, if not all of it fits.
    let first = if focused(scene, Panel::Store) {
        scene.ui.chosen.min(names.len() - shown.min(names.len()))
    } else {
        0
    };
    let left_of = |place: usize| columns[first..first + place].iter().sum::<usize>();
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
        let x = pen.put(label + 2 + left_of(place), 0, head, role);
        if columns[first + place] > head.width() + word.len() + 2 {
            pen.put(x + 1, 0, word, Role::Dim);
        }
    }
    for (row, owner) in matrix.owners.iter().enumerate() {
        pen.put(1, row + 1, owner, Role::Agent(row as u16));
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
            pen.put(label + 2 + left_of(place), row + 1, text, role);
        }
    }
    if shown < names.len() {
        let hidden = counted((names.len() - shown) as u64, "more store");
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

/// How wide each store's column is, with the gap behind it: all alike if there is room for that, else each as
/// wide as it must be. None: not all of them fit.
fn columns(heads: &[String], texts: &[Vec<String>], room: usize) -> Option<Vec<usize>> {
    let alike = vec![widest(heads, texts); heads.len()];
    let own: Vec<usize> = heads
        .iter()
        .enumerate()
        .map(|(place, head)| {
            let cells = texts.iter().filter_map(|row| row.get(place));
            cells.map(|it| it.width()).fold(head.width(), usize::max)
        })
        .collect();
    [(&alike, 2), (&own, 2), (&own, 1)]
        .into_iter()
        .map(|(widths, gap)| widths.iter().map(|width| width + gap).collect::<Vec<_>>())
        .zip([2, 2, 1])
        .find(|(columns, gap)| columns.iter().sum::<usize>() <= room + gap)
        .map(|(columns, _)| columns)
}

fn widest(heads: &[String], texts: &[Vec<String>]) -> usize {
    let all = heads.iter().chain(texts.iter().flatten());
    all.map(|it| it.width()).max().unwrap_or(0)
}

fn written(cell: &Cell, votes: bool, pen: &Pen<'_>) -> String {
    let none = pen.look.signs.none;
    let mut text = if cell.unreadable {
        "torn".to_owned()
    } else if cell.mbal.is_none() {
        none.to_owned()
    } else {
        let vote = cell
            .inp
            .as_ref()
            .filter(|_| votes)
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
