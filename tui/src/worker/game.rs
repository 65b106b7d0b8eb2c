//! Games: moves are made, and the world is shown as it is after them.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "questions that are not about moves do nothing here"
)]

use std::sync::Arc;

use bivalent_sim::{
    engine::view::Standing,
    scenario::{Expected, Scenario, planted::Planted},
    watch::{game::Game, playback::Playback},
};

use super::{Answer, Ask, Worker};
use crate::{
    scene::GameView,
    words::{counted, grouped},
};

impl Worker {
    pub(super) fn take_over(&mut self, step: u64) {
        let here = self.here();
        if here.forked_at().is_some() {
            return self.say(
                "this is a branch: only a scenario's own run is taken over (B goes back to main)",
            );
        }
        let (scenario, seed): (Scenario, u64) = (here.scenario().clone(), here.seed());
        self.reach(step);
        let standing = self.here().view_at(step).standing;
        if let Standing::Broken {
            property,
            step: broken,
            ..
        } = standing
        {
            self.say(format!(
                "{property} is broken since step {at}, so nothing is left to play for: p before step {at}",
                at = grouped(broken)
            ));
            return self.tell(Answer::Game(None));
        }
        match Game::take_over(&scenario, seed, step, self.planted) {
            Ok(game) => {
                self.game = Some(game);
                self.hints = false;
                self.saved = None;
                self.show_game();
            }
            Err(why) => {
                self.say(why);
                self.tell(Answer::Game(None));
            }
        }
    }

    pub(super) fn play(&mut self, ask: &Ask) {
        let Some(game) = &mut self.game else {
            return;
        };
        let last = game.last();
        let done = match ask {
            Ask::Take(index) => game.take(*index).map(|()| None),
            // The list of moves may look the same after it.
            Ask::Strike(strike, index) => game.strike(*strike, *index).map(|()| {
                let done = game.last().unwrap_or_default();
                Some(format!("move {}: {done}", game.score().moves))
            }),
            Ask::Undo if game.undo() => Ok(last.map(|last| format!("taken back: {last}"))),
            Ask::Undo => Err("there is no move to take back".to_owned()),
            Ask::Hint => {
                self.hints = !self.hints;
                Ok(None)
            }
            Ask::PlayOn(moves) => match game.play_on(*moves) {
                0 => Err("no move keeps more than one value possible".to_owned()),
                made if made < *moves => Ok(Some(format!(
                    "the machine made {} and stops before one that leaves one value",
                    counted(made, "move")
                ))),
                made => Ok(Some(format!("the machine made {}", counted(made, "move")))),
            },
            Ask::Save => return self.save(),
            _ => Ok(None),
        };
        match done {
            Ok(None) => {}
            Ok(Some(text)) | Err(text) => self.say(text),
        }
        self.show_game();
    }

    fn save(&mut self) {
        let Some(game) = &self.game else {
            return;
        };
        let name = game.scenario().name.clone();
        let stem = name
            .rsplit('/')
            .next()
            .unwrap_or("game")
            .trim_end_matches(".toml");
        let (file, text) = (format!("{stem}-by-hand.toml"), game.scenario_text());
        let fingerprint = game.fingerprint();
        let said = match (self.keep)(&file, &text) {
            Ok(path) => {
                let score = game.score();
                self.saved = Some((score.moves, score.undos));
                let seed = game.to_scenario().schedule.seed;
                format!(
                    "saved: bivalent replay {path}@{seed:#x} replays it, fingerprint {fingerprint:016x}"
                )
            }
            Err(why) => why,
        };
        self.say(said);
        self.show_game();
    }

    /// Shows the game as it is, at its newest step.
    fn show_game(&mut self) {
        let Some(game) = &mut self.game else {
            return;
        };
        let best_move = if self.hints { game.hint() } else { None };
        let score = game.score();
        let saved = score.moves == 0 || self.saved == Some((score.moves, score.undos));
        let view = GameView {
            moves: game.moves().to_vec(),
            saved,
            score,
            best: 0,
            budget: game.budget(),
            oldest: game
                .oldest()
                .map(|(text, age, bound)| (text.to_owned(), age, bound)),
            valence: game.valence().clone(),
            hints: self.hints,
            best_move,
        };
        let mut playback = watched(game, self.planted);
        let step = playback.track().steps;
        let seen = Arc::new(playback.view_at(step));
        let coordinate = playback.coordinate(step);
        let openable = playback.coordinate(step.min(game.from()));
        let openable = self.with_bug(openable);
        let track = Arc::new(playback.track().clone());
        // The game first: what is asked of other paused views it knows itself.
        self.tell(Answer::Game(Some(Box::new(view))));
        self.tell(Answer::Ran(track));
        self.tell(Answer::Seen {
            view: seen,
            coordinate,
            openable,
        });
    }
}

/// The game's run so far, to be looked at. What is saved of a game expects nothing, so that no property would
/// count as broken there that the scenario only expects to be broken.
fn watched(game: &Game, planted: Planted) -> Playback {
    let playback = game.playback();
    let outcome = game.scenario().expect.outcome;
    if !matches!(
        outcome,
        Expected::Violation(_) | Expected::ViolationOrWedge(_)
    ) {
        return playback;
    }
    let steps = playback.track().steps;
    let mut scenario = game.to_scenario();
    scenario.expect.outcome = outcome;
    let mut playback = Playback::of_seed(&scenario, scenario.schedule.seed, planted);
    while playback.track().steps < steps && playback.advance(steps - playback.track().steps) {}
    playback
}
