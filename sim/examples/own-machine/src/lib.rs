//! A machine and a protocol of one's own, as they would stand in your crate: neither knows the simulator.

mod hasty;
mod queue;

pub use hasty::Hasty;
pub use queue::{Ask, Queue, Said, Take};
