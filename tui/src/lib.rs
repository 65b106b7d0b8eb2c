//! What a terminal shows of a run: a live view in which one walks about in its time, branches off, and plays
//! the adversary; and the same as text, pictures and films.
//!
//! Nothing here knows a rule of the system: `bivalent_sim` says what there is to see
//! ([`bivalent_sim::engine::view`]), panels draw it. A panel is a function of a [`scene::Scene`] and a rectangle;
//! [`app::App`] is what the user has set and what was answered; [`worker::Worker`] has the runs, on a thread
//! of its own.

pub mod app;
pub mod command;
pub mod keys;
pub mod legend;
pub mod panel;
mod pen;
pub mod record;
pub mod scene;
pub mod screen;
pub mod signals;
pub mod still;
pub mod term;
pub mod theme;
pub mod tour;
mod words;
pub mod worker;
