//! Games: moves are made, and the world is shown as it is after them.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "questions that are not about moves do nothing here"
)]

use std::sync::Arc;

use bivalent_sim::{game::Game, scenario::Scenario};

use super::{Answer, Ask, Worker};
use crate::scene::GameView;

impl Worker {
    pub(super) fn take_over(&mut self, step: u64) {
        let here = self.here();
        if here.forked_at().is_some() {
            return self
                .say("this is a branch: only a scenario's own run is taken over (x flips back)");
        }
        let (scenario, seed): (Scenario, u64) = (here.scenario().clone(), here.seed());
        match Game::take_over(&scenario, seed, step, self.planted) {
            Ok(game) => {
                self.game = Some(game);
                self.hints = false;
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
        let done = match ask {
            Ask::Take(index) => game.take(*index),
            Ask::Strike(strike, index) => game.strike(*strike, *index),
            Ask::Undo if game.undo() => Ok(()),
            Ask::Undo => Err("there is no move to take back".to_owned()),
            Ask::Hint => {
                self.hints = !self.hints;
                Ok(())
            }
            Ask::PlayOn(moves) => match game.play_on(*moves) {
                0 => Err("no move keeps more than one value possible".to_owned()),
                _ => Ok(()),
            },
            Ask::Save => return self.save(),
            _ => Ok(()),
        };
        if let Err(why) = done {
            self.say(why);
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
                format!("saved: bivalent run {path} replays it, fingerprint {fingerprint:016x}")
            }
            Err(why) => why,
        };
        self.say(said);
    }

    /// Shows the game as it is, at its newest step.
    fn show_game(&mut self) {
        let Some(game) = &mut self.game else {
            return;
        };
        let best_move = if self.hints { game.hint() } else { None };
        let view = GameView {
            moves: game.moves().to_vec(),
            score: game.score(),
            best: 0,
            budget: game.budget(),
            oldest: game
                .oldest()
                .map(|(text, age, bound)| (text.to_owned(), age, bound)),
            valence: game.valence().clone(),
            hints: self.hints,
            best_move,
        };
        let mut playback = game.playback();
        let step = playback.track().steps;
        let seen = Arc::new(playback.view_at(step));
        let coordinate = playback.coordinate(step);
        let track = Arc::new(playback.track().clone());
        self.tell(Answer::Ran(track));
        self.tell(Answer::Seen {
            view: seen,
            coordinate,
        });
        self.tell(Answer::Game(Some(Box::new(view))));
    }
}
