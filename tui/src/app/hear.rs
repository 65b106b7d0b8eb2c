//! What the worker answers.

use super::{App, Deed};
use crate::{
    keys::Mode,
    scene::Over,
    worker::{Answer, Ask},
};

impl App {
    /// The worker has answered.
    pub fn hear(&mut self, answer: Answer) -> Vec<Deed> {
        match answer {
            Answer::Opened { title, names } => {
                self.title = title;
                self.names = names;
                self.ui.valence = None;
                self.ui.valence_next = None;
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
                return self.about_paused();
            }
            Answer::Page(from, step) => {
                self.wanted = from;
                self.ui.arriving = Some(step);
                self.owed = 0;
            }
            Answer::Ran(track) => {
                self.track = track;
                self.bound();
                return self.find_violation();
            }
            Answer::Valued(step, valence) => self.ui.valence = Some((step, valence)),
            Answer::ValuedNext(step, valences) => self.ui.valence_next = Some((step, valences)),
            Answer::Why(step, parts) => {
                self.ui.why = Some((step, parts));
                self.ui.scroll = 0;
            }
            Answer::Branched(branch) => {
                self.ui.branch = branch;
                // Of another future: its steps have the same numbers.
                self.ui.valence = None;
            }
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
                    self.ui.mode = self.mode_without_game();
                }
                self.game = None;
                if let Some((chapter, page)) = self.page {
                    return self.turn_to(chapter, page, false);
                }
                return self.seek(self.wanted);
            }
            Answer::Said(text) => self.ui.message = Some(text),
        }
        Vec::new()
    }

    /// What is asked of every step at which somebody stays, however he came there; a game knows it itself.
    fn about_paused(&self) -> Vec<Deed> {
        if self.is_moving() || self.ui.mode == Mode::Adversary {
            return Vec::new();
        }
        let step = self.view.step;
        let mut deeds = vec![Deed::Ask(Ask::Value(step))];
        if self.ui.over == Over::Why || self.ui.why.is_some() {
            deeds.push(Deed::Ask(Ask::Why(step)));
        }
        deeds
    }
}
