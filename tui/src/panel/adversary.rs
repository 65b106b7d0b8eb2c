//! You are the adversary: the moves, what they leave possible, what may be broken.

use bivalent_sim::engine::view::Valence;
use unicode_width::UnicodeWidthStr;

use super::header::how;
use crate::{
    pen::Pen,
    scene::{GameView, Scene},
    theme::Role,
    words::{counted, cut, wrapped},
};

pub(super) fn draw(scene: &Scene<'_>, pen: Pen<'_>) {
    let Some(game) = scene.game else {
        return;
    };
    let score = &game.score;
    let dot = pen.look.signs.dot;
    let (title, right) = frame(game, pen.width(), dot);
    let mut pen = pen.framed(title, &right, true);
    let rows = pen.height();
    if let Some(over) = &score.over {
        end_card(&mut pen, over, score.lost_by.as_ref());
        return;
    }
    let count = game.moves.len();
    let list = rows.saturating_sub(4).max(1);
    let chosen = scene.ui.chosen.min(count.saturating_sub(1));
    let first = chosen.saturating_sub(list - 1);
    pen.put(4, 0, "the next step is yours", Role::Dim);
    let texts = game
        .moves
        .iter()
        .skip(first)
        .take(list)
        .map(|it| it.text.width());
    let after = (texts.max().unwrap_or(0) + 6).clamp(28, pen.width().saturating_sub(34).max(28));
    if game.hints {
        pen.put(after, 0, "after it", Role::Dim);
    }
    for (line, (index, it)) in game
        .moves
        .iter()
        .enumerate()
        .skip(first)
        .take(list)
        .enumerate()
    {
        let y = line + 1;
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
        let x = pen.pieces(
            0,
            y,
            &[
                (pointer, Role::Strong),
                (&number, Role::Strong),
                ("  ", Role::Text),
            ],
        );
        let mut note = it.note.clone();
        let role = if it.refused.is_some() {
            Role::Dim
        } else {
            Role::Agent(it.entry.agent.0)
        };
        if let Some(why) = &it.refused {
            note.clone_from(why);
        } else if it.age > 0 {
            note = format!("{note}  age {}", it.age);
        }
        let text = if game.hints {
            cut(&it.text, after.saturating_sub(x + 1), pen.look.signs.more)
        } else {
            it.text.clone()
        };
        let mut x = pen.put(x, y, &text, role);
        if game.hints {
            let (text, role) = told(it.after.as_ref(), pen.look.signs.more);
            let star = if game.best_move == Some(index) {
                " <- best"
            } else {
                ""
            };
            x = pen.put(after.max(x + 2), y, &format!("{text}{star}"), role);
        }
        pen.put(x + 2, y, &note, Role::Dim);
    }
    if rows > 4 {
        let y = rows - 3;
        let left = count.saturating_sub(first + list);
        if left > 0 {
            pen.put_right(y, &format!("{left} more below"), Role::Dim);
        }
        let budget: Vec<String> = game
            .budget
            .iter()
            .map(|(name, left)| format!("{name} {left}"))
            .collect();
        pen.pieces(
            1,
            y,
            &[("left    ", Role::Dim), (&budget.join("  "), Role::Text)],
        );
        let oldest = game
            .oldest
            .as_ref()
            .map_or_else(String::new, |(text, age, bound)| {
                format!("nothing may wait for ever; the oldest has waited {age} of {bound}: {text}")
            });
        pen.pieces(1, y + 1, &[("rules   ", Role::Dim), (&oldest, Role::Text)]);
        let so_far = score.lost_by.as_ref().map_or_else(
            || {
                let known = how(&game.valence);
                if game.valence.is_bivalent() {
                    format!("more than one value is possible ({known})")
                } else if game.valence.samples.is_none() {
                    format!("only one value is possible ({known})")
                } else {
                    format!("only one value is seen ({known}): no proof that there is no other")
                }
            },
            |(number, by)| format!("lost by move {number}, {by}: u takes it back"),
        );
        let role = if score.lost_by.is_some() {
            Role::Warn
        } else {
            Role::Good
        };
        pen.pieces(1, y + 2, &[("so far  ", Role::Dim), (&so_far, role)]);
    }
}

/// Title and score, in as many words as a frame has room for.
fn frame(game: &GameView, width: usize, dot: &str) -> (&'static str, String) {
    let score = &game.score;
    let (kept, best, undos) = (score.bivalent, game.best, score.undos);
    let long = format!(
        " {} bivalent {dot} your best {best} {dot} undos {undos} ",
        counted(kept, "move")
    );
    let title = " YOU ARE THE ADVERSARY   keep it bivalent ";
    let short = " YOU ARE THE ADVERSARY ";
    // As the frame counts: its corners, and one column between the two.
    let fits = |title: &str, right: &str| title.width() + right.width() + 3 < width;
    if fits(title, &long) {
        (title, long)
    } else if fits(short, &long) {
        (short, long)
    } else {
        (
            short,
            format!(" kept {kept} {dot} best {best} {dot} undos {undos} "),
        )
    }
}

/// What a move leaves possible.
pub(super) fn told(after: Option<&Valence>, more: &str) -> (String, Role) {
    let Some(after) = after else {
        return (more.to_owned(), Role::Dim);
    };
    let set: Vec<&str> = after.possible().collect();
    let set = format!("{{{}}}", set.join(","));
    let n = after
        .samples
        .map_or_else(String::new, |n| format!(" n={n}"));
    if after.is_bivalent() {
        (format!("{set:8} safe{n}"), Role::Good)
    } else if after.samples.is_some() {
        (format!("{set:8} seems to lose{n}"), Role::Warn)
    } else {
        (format!("{set:8} LOSES"), Role::Warn)
    }
}

/// The game is over.
fn end_card(pen: &mut Pen<'_>, over: &str, lost_by: Option<&(u64, String)>) {
    pen.put(2, 0, &format!("The game is over: {over}."), Role::Strong);
    let text = match lost_by {
        Some((number, by)) => format!(
            "What decided it was move {number}: {by}. Until then both values were possible, and some move \
             would have kept them so: that there always is one is what Fischer, Lynch and Paterson proved."
        ),
        None => "More than one value was never known to be possible in this game.".to_owned(),
    };
    for (line, part) in wrapped(&text, pen.width().saturating_sub(4))
        .into_iter()
        .enumerate()
    {
        pen.put(2, line + 1, &part, Role::Text);
    }
    let y = pen.height().saturating_sub(1);
    pen.put(
        2,
        y,
        "u take the last move back   ^S save as a scenario   Esc give the schedule back",
        Role::Dim,
    );
}
