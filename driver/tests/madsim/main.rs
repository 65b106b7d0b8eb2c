//! The driver's own code under madsim: virtual time, nodes that are killed, paused and started again, and
//! stores that delay, refuse, lose answers and let puts land after their writer's death.
//!
//! `cargo simtest` runs it; `BIVALENT_SEEDS=1000` sets how many seeds, `BIVALENT_SEED=17` runs one.
#![cfg(madsim)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(
    clippy::print_stdout,
    reason = "what a sweep came to, under --nocapture"
)]

mod calm;
mod clock;
mod cluster;
mod cross;
mod decision;
mod faulty;
mod history;
mod lax;
mod ledger;
mod memory;
mod planted;
mod slow;
mod snapshot;
mod storm;
mod sweep;
