//! The simulator: a seeded discrete-event engine, passive stores with faults, and the oracles.
//!
//! [`scenario`] says what a run is, [`engine`] runs it, [`verdict`] and [`report`] say what it came
//! to, [`campaign`] runs many seeds, [`story`] tells one, [`trace`] keeps one. [`fuzz::check()`] does
//! it all in a test of a user's own; nothing else here knows files, terminals, arguments or a wall clock.

pub mod blocks;
pub mod campaign;
pub mod catalogue;
pub mod causality;
pub mod cause;
pub mod certificate;
mod choices;
pub mod coverage;
mod decree;
mod dice;
pub mod engine;
mod event;
pub mod explain;
pub mod explore;
pub mod export;
pub mod failure;
pub mod fault;
mod fingerprint;
pub mod fuzz;
pub mod game;
pub mod guard;
pub mod history;
pub mod hlog;
pub mod influence;
mod journal;
pub mod linear;
pub mod log;
mod member;
mod nearness;
pub mod objects;
mod oracle;
mod plan;
pub mod planted;
pub mod playback;
mod pool;
pub mod price;
pub mod probe;
pub mod protocol;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod script;
pub mod shrink;
mod slab;
pub mod stall;
pub mod store;
pub mod story;
pub mod timeline;
pub mod trace;
pub mod verdict;
pub mod view;
mod wheel;
pub mod words;
pub mod workload;

/// What this build is, the same on every machine that builds the same sources: its version, and a hash of the sources
/// of this crate and the core and of the versions they are locked to. What one build began another one must not go on
/// with.
pub const BUILD: &str = concat!(env!("CARGO_PKG_VERSION"), "+", env!("BIVALENT_SOURCES"));

#[cfg(feature = "planted-bugs")]
pub use bivalent_core::Bug;
