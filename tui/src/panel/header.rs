//! The header: where we are, which values are possible, what has come of it.

use bivalent_sim::engine::view::{Standing, Valence};
use unicode_width::UnicodeWidthStr;

use crate::{
    keys::Mode,
    pen::Pen,
    scene::Scene,
    theme::Role,
    words::{counted, cut, grouped, time},
};

/// Columns of the bar between two values.
const BAR: usize = 14;

pub(super) fn draw(scene: &Scene<'_>, mut pen: Pen<'_>) {
    first(scene, &mut pen);
    valence(scene, &mut pen);
    standing(scene, &mut pen);
}

fn first(scene: &Scene<'_>, pen: &mut Pen<'_>) {
    let (names, view, signs) = (scene.names, scene.view, pen.look.signs);
    let ui = scene.ui;
    let [play, pause] = signs.play;
    let state = match ui.mode {
        Mode::Adversary => format!("{pause} YOUR MOVE"),
        Mode::Watch | Mode::Tour if ui.playing || ui.arriving.is_some() => {
            format!("{play} PLAYING")
        }
        Mode::Watch | Mode::Tour
            if scene.track.over.is_some() && view.step >= scene.track.steps =>
        {
            format!("{pause} END")
        }
        Mode::Watch | Mode::Tour => format!("{pause} PAUSED"),
    };
    let speed = match ui.speed {
        0.. => format!("x{}", 1_u32 << ui.speed),
        less => format!("x1/{}", 1_u32 << -less),
    };
    let branch = ui.branch.as_ref();
    let branch = branch.and_then(|it| Some((it, it.rows.get(it.on)?)));
    let branch = branch.map_or_else(String::new, |(it, on)| {
        let (number, count) = (it.on + 1, it.rows.len());
        if pen.width() < 100 {
            format!("{} {number}/{count}  ", on.name)
        } else {
            format!("{}, {number} of {count} futures  ", on.name)
        }
    });
    let right = format!(
        "{branch}step {}  t {}  {speed}  {state} ",
        grouped(view.step),
        time(view.time_ns)
    );
    let room = pen.width().saturating_sub(right.width() + 2);
    // What a coordinate ends with says most.
    let short = scene.coordinate.rsplit('/').next().unwrap_or_default();
    let name = if scene.coordinate.width() <= room {
        scene.coordinate
    } else {
        short
    };
    let mut x = pen.put(1, 0, &cut(name, room, signs.more), Role::Strong);
    let shape = format!(" {}x{}", names.agents.len(), names.stores.len());
    if x + shape.width() < room {
        x = pen.put(x, 0, &shape, Role::Dim);
    }
    if x + scene.title.width() + 2 < room {
        pen.put(x + 2, 0, scene.title, Role::Dim);
    }
    pen.put_right(0, &right, Role::Strong);
}

fn valence(scene: &Scene<'_>, pen: &mut Pen<'_>) {
    if let Some(text) = log_words(scene, pen) {
        pen.put(1, 1, &text, Role::Text);
        return;
    }
    if let Standing::Broken { .. } = &scene.view.standing {
        pen.put(
            1,
            1,
            "a promise is broken: what is still possible means nothing",
            Role::Dim,
        );
        return;
    }
    let pieces = valence_words(scene, pen);
    let pieces: Vec<_> = pieces.iter().map(|(text, role)| (&**text, *role)).collect();
    let mut x = pen.pieces(1, 1, &pieces);
    let Some((_, known)) = known(scene) else {
        return;
    };
    let how = format!("{} ", how(known));
    let signs = pen.look.signs;
    if let Some((left, right)) = shares(known) {
        let full = filled(left, right);
        let bar = signs.bar[0].repeat(full) + &signs.bar[1].repeat(BAR - full);
        let (one, other) = (&known.values[0].0, &known.values[1].0);
        let bar = format!("{one} {bar} {other}");
        if x + bar.width() + how.width() + 4 < pen.width() {
            x = pen.put(x + 2, 1, &bar, Role::Dim);
        }
    }
    let room = pen.width().saturating_sub(x + 2);
    pen.put_right(1, &cut(&how, room, signs.more), Role::Dim);
}

/// The valence that is known, and of which step.
pub(super) fn known<'a>(scene: &Scene<'a>) -> Option<(u64, &'a Valence)> {
    match (scene.game, &scene.ui.valence) {
        (Some(game), _) => Some((scene.view.step, &game.valence)),
        (None, Some((step, valence))) => Some((*step, valence)),
        (None, None) => None,
    }
}

/// Which values are still possible, in words. What was so at another step is dim, and says that it was: it
/// must not be taken for what is.
pub(super) fn valence_words(scene: &Scene<'_>, pen: &Pen<'_>) -> Vec<(String, Role)> {
    let Some((step, known)) = known(scene) else {
        let later = if scene.ui.playing {
            "pause to see"
        } else {
            pen.look.signs.more
        };
        return vec![(format!("values still possible: {later}"), Role::Dim)];
    };
    let possible: Vec<&str> = known.possible().collect();
    let set = format!("{{{}}}", possible.join(","));
    let (word, role) = match possible.len() {
        0 if known.samples.is_some() => ("no copy decided", Role::Warn),
        0 => ("NOTHING CAN BE DECIDED", Role::Warn),
        1 if known.samples.is_none() => ("UNIVALENT", Role::Text),
        1 => ("one value seen, no proof", Role::Text),
        2 => ("BIVALENT", Role::Good),
        _ => ("MULTIVALENT", Role::Good),
    };
    if step != scene.view.step {
        let text = format!("was {set} {word} at step {}", grouped(step));
        return vec![(text, Role::Dim)];
    }
    vec![
        (set, Role::Strong),
        (" ".to_owned(), Role::Text),
        (word.to_owned(), role),
    ]
}

/// How much of the bar is the first value's. One that was seen is never drawn as none at all.
fn filled(left: usize, right: usize) -> usize {
    let least = usize::from(left > 0);
    let most = BAR - usize::from(right > 0);
    (BAR * left / (left + right).max(1)).clamp(least, most)
}

/// How often each of two values was decided.
fn shares(valence: &Valence) -> Option<(usize, usize)> {
    let [(_, one), (_, other)] = &valence.values[..] else {
        return None;
    };
    valence.samples?;
    (one + other > 0).then_some((*one as usize, *other as usize))
}

/// How it is known: exactly, or from how many samples.
pub(super) fn how(valence: &Valence) -> String {
    let Some(samples) = valence.samples else {
        return match valence.states {
            0 | 1 => "exact".to_owned(),
            states => format!("exact, {} states", grouped(states)),
        };
    };
    let counts: Vec<String> = valence
        .values
        .iter()
        .map(|(_, count)| count.to_string())
        .collect();
    format!(
        "sampled {}, none {}, of n={samples}",
        counts.join("/"),
        valence.none
    )
}

/// Of a log, who leads it and how far it is.
pub(super) fn log_words(scene: &Scene<'_>, pen: &Pen<'_>) -> Option<String> {
    let log = scene.view.log.as_ref()?;
    let leader = log
        .leader
        .and_then(|leader| scene.names.agents.get(usize::from(leader)));
    let leader = leader.map_or("nobody leads".to_owned(), |name| format!("{name} leads"));
    let several = if log.leaders > 1 {
        format!(", {} think they do", log.leaders)
    } else {
        String::new()
    };
    Some(format!(
        "{leader}{several} {dot} slot {} {dot} {} answered {dot} {} waiting",
        grouped(log.applied),
        grouped(log.answered),
        grouped(log.waiting),
        dot = pen.look.signs.dot
    ))
}

/// Whether the run is the scenario's own. What it expects of its runs it does not expect of a game or a branch.
fn is_own(scene: &Scene<'_>) -> bool {
    scene.game.is_none() && scene.ui.branch.as_ref().is_none_or(|it| it.on == 0)
}

fn standing(scene: &Scene<'_>, pen: &mut Pen<'_>) {
    let signs = pen.look.signs;
    if let Standing::Broken {
        property,
        detail,
        step,
    } = &scene.view.standing
    {
        let text = format!(
            "{} {} BROKEN at step {}: {detail}",
            signs.broken,
            property.to_uppercase(),
            grouped(*step)
        );
        pen.put(1, 2, &text, Role::Bad);
        return;
    }
    if let Some(stall) = &scene.view.stall {
        let agents = stall.agents.join(&format!(" {} ", signs.against));
        let expected = match (is_own(scene), stall.expected) {
            (false, _) => "",
            (true, true) => "expected",
            (true, false) => "NOT expected",
        };
        let text = format!(
            "{} STALL, {}: {agents}, ballots {}{}{}, nothing since {}",
            signs.stall,
            stall.kind,
            stall.rounds[0],
            signs.to,
            stall.rounds[1],
            time(stall.since_ns)
        );
        let x = pen.put(1, 2, &text, Role::Warn);
        if pen.width() > x + expected.len() + 8 {
            pen.put_right(2, &format!("{expected}  w why "), Role::Dim);
        }
        return;
    }
    match &scene.view.standing {
        Standing::Decided { value, count } if scene.view.log.is_none() => {
            let of = scene.names.agents.len();
            let text = format!("{} DECIDED {value} by {count} of {of}", signs.decided);
            pen.put(1, 2, &text, Role::Good);
        }
        Standing::Decided { count, .. } => {
            let slots = counted(u64::from(*count), "slot");
            pen.put(
                1,
                2,
                &format!("{} {slots} decided", signs.decided),
                Role::Good,
            );
        }
        Standing::Undecided | Standing::Broken { .. } => {
            pen.put(1, 2, &format!("{} nothing decided", signs.idle), Role::Dim);
        }
    }
    let Some(over) = &scene.track.over else {
        return;
    };
    if scene.view.step >= scene.track.steps {
        let decided = matches!(scene.view.standing, Standing::Decided { .. });
        // What came of it stands on the left already.
        let text = match over.rsplit_once("; ") {
            Some(_) if decided && !is_own(scene) => "the run is over ".to_owned(),
            Some((_, verdict)) if decided => format!("the run is over: {verdict} "),
            Some((what, verdict)) if !is_own(scene) && verdict.contains("expected") => {
                format!("the run is over: {what} ")
            }
            Some(_) | None => format!("the run is over: {over} "),
        };
        let room = pen.width().saturating_sub(36);
        pen.put_right(2, &cut(&text, room, signs.more), Role::Dim);
    }
}

#[cfg(test)]
mod tests {
    use super::{BAR, filled};

    #[test]
    fn both_values_that_were_seen_are_drawn() {
        assert_eq!((filled(0, 9), filled(9, 0)), (0, BAR));
        assert_eq!((filled(1, 127), filled(127, 1)), (1, BAR - 1));
        assert_eq!(filled(64, 64), BAR / 2);
    }
}
