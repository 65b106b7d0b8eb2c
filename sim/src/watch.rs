//! A run to be looked at and played: playback, and the game.

pub mod game;
pub mod playback;
