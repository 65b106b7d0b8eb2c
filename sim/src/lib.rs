//! The simulator: a seeded discrete-event engine, passive stores with faults, and the oracles.

pub mod fault;
pub mod report;
pub mod scenario;
