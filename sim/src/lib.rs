//! The simulator: a seeded discrete-event engine, passive stores with faults, and the oracles.
//!
//! [`scenario`] says what a run is, [`engine`] runs it against [`store`]s, [`judge`] says what it came to, [`story`] tells
//! it. [`explore`] goes through every run of a small system, [`campaign`] through many of a large one, [`watch`] shows
//! one. A module knows those that the list below has under it, and none of those above (`tests/tidy.rs`):
//!
//! ```text
//! watch
//! campaign
//! story
//! engine
//! judge, explore
//! protocol
//! scenario, store
//! ```
//!
//! [`fuzz::check()`] does it all in a test of a user's own; nothing else here knows files, terminals, arguments or a wall
//! clock.

pub mod campaign;
pub mod engine;
pub mod explore;
pub mod judge;
mod pool;
pub mod protocol;
pub mod scenario;
pub mod store;
pub mod story;
pub mod watch;

// What a user's tests name.
pub use campaign::fuzz;
pub use engine::log;

/// What this build is, the same on every machine that builds the same sources: its version, and a hash of the sources
/// of this crate and the core and of the versions they are locked to. What one build began another one must not go on
/// with.
pub const BUILD: &str = concat!(env!("CARGO_PKG_VERSION"), "+", env!("BIVALENT_SOURCES"));

#[cfg(feature = "planted-bugs")]
pub use bivalent_core::Bug;
