//! A game: moves, faults, and the end of it.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "commands that are not meant at a place do nothing there"
)]

use bivalent_sim::watch::game::Strike;

use super::{App, Deed};
use crate::{command::Command, keys::Mode, worker::Ask};

/// Moves that the machine makes at once.
const MACHINE_MOVES: u64 = 10;

impl App {
    /// Whether a game would be lost by a command; if so, asks before it is.
    pub(super) fn would_lose(&mut self, command: Command) -> bool {
        if self.game.as_ref().is_none_or(|game| game.saved) {
            return false;
        }
        let (key, does) = if command == Command::Quit {
            ("q", "leave")
        } else {
            ("Esc", "end the game")
        };
        self.ui.message = Some(format!("{key} again to {does}; ^S saves it"));
        self.asked = Some(command);
        true
    }

    /// What keys are for when no game is played: the tour's is played from its page.
    pub(super) const fn mode_without_game(&self) -> Mode {
        match self.page {
            Some(_) => Mode::Tour,
            None => Mode::Watch,
        }
    }

    pub(super) fn play(&mut self, command: Command) -> Vec<Deed> {
        let Some(game) = &self.game else {
            return Vec::new();
        };
        let chosen = self.ui.chosen.min(game.moves.len().saturating_sub(1));
        let strike = |strike| Ask::Strike(strike, chosen);
        let ask = match command {
            Command::Take => Ask::Take(chosen),
            Command::TakeNumber(number) => Ask::Take(number),
            Command::Undo => Ask::Undo,
            Command::Hint => Ask::Hint,
            Command::PlayOn => Ask::PlayOn(MACHINE_MOVES),
            Command::Crash => strike(Strike::Crash),
            Command::Restart => strike(Strike::Restart),
            Command::Tear => strike(Strike::Tear),
            Command::Stale => strike(Strike::Stale),
            Command::Delay => strike(Strike::Delay),
            Command::Save => Ask::Save,
            _ => {
                self.ui.mode = self.mode_without_game();
                self.game = None;
                self.ui.chosen = 0;
                return vec![Deed::Ask(Ask::GiveBack)];
            }
        };
        vec![Deed::Ask(ask)]
    }
}
