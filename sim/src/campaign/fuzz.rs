//! Fuzzing: many seeds, each with a configuration and a schedule of its own, and what was found, made small.
//!
//! A campaign is a list of scenarios and a range of seeds. It falls into blocks (`fuzz/block.rs`), which can
//! be run anywhere and add up (`fuzz/tally.rs`). [`check()`] is all of it for a test of a user's own.

mod block;
mod check;
mod draw;
mod findings;
mod hunt;
mod mutate;
pub mod nth;
mod portfolio;
mod promise;
mod sum;
mod tally;

pub use self::block::{
    Block, Pulse, Reproduced, Settings, Stopped, block_size, draws, reproduce, run,
};
pub use self::check::{Check, check};
pub use self::findings::{Effort, Finding, FindingReport, Findings, Small};
pub use self::hunt::{Close, Done, Hunt, Slice};
pub use self::portfolio::{Portfolio, Scheduler};
pub use self::sum::{Sum, Untested};
pub use self::tally::{Failed, Features, SchedulerTally, Struck, Tally, Times};
