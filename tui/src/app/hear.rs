//! What the worker answers.

use super::{App, Deed};
use crate::{keys::Mode, worker::Answer};

impl App {
    /// The worker has answered.
    pub fn hear(&mut self, answer: Answer) -> Vec<Deed> {
        match answer {
            Answer::Opened { title, names } => {
                self.title = title;
                self.names = names;
                self.ui.valence = None;
                self.ui.why = None;
            }
            Answer::Seen {
                view,
                coordinate,
                openable,
            } => {
                self.view = view;
                (self.coordinate, self.openable) = (coordinate, openable);
                if !self.is_moving() {
                    self.wanted = self.view.step;
                }
            }
            Answer::Page(step) => {
                self.ui.arriving = Some(step);
                self.owed = 0;
            }
            Answer::Ran(track) => {
                self.track = track;
                self.bound();
                return self.find_violation();
            }
            Answer::Valued(step, valence) => self.ui.valence = Some((step, valence)),
            Answer::Why(step, parts) => {
                self.ui.why = Some((step, parts));
                self.ui.scroll = 0;
            }
            Answer::Branched(branch) => self.ui.branch = branch,
            Answer::Game(Some(game)) => {
                let best = self.game.as_ref().map_or(0, |game| game.best);
                let mut game = *game;
                game.best = best.max(game.score.bivalent);
                self.ui.mode = Mode::Adversary;
                self.ui.chosen = self.ui.chosen.min(game.moves.len().saturating_sub(1));
                if let Some(best) = game.best_move.filter(|_| game.hints) {
                    self.ui.chosen = best;
                }
                self.game = Some(game);
            }
            Answer::Game(None) => {
                if self.ui.mode == Mode::Adversary {
                    self.ui.mode = Mode::Watch;
                }
                self.game = None;
                return self.seek(self.wanted);
            }
            Answer::Said(text) => self.ui.message = Some(text),
        }
        Vec::new()
    }
}
