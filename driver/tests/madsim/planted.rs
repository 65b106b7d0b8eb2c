//! The driver's planted bugs, each found.

use bivalent_driver::DriverBug;

use crate::{storm::storm, sweep};

/// Seeds that are tried before a bug counts as missed.
const SEEDS: u64 = 400;

fn hunt(bug: DriverBug) {
    for seed in 0..SEEDS {
        if let Err(why) = sweep::run(seed, || storm(Some(bug))) {
            let short: String = why.chars().take(300).collect();
            println!("{bug:?} found with seed {seed}: {short}");
            return;
        }
    }
    panic!("{bug:?} was not found in {SEEDS} seeds");
}

#[test]
fn a_retry_that_overtakes_is_found() {
    hunt(DriverBug::RetryOvertakes);
}

#[test]
fn a_lost_wake_up_is_found() {
    hunt(DriverBug::LosesWakeUp);
}

#[test]
fn an_answer_of_an_earlier_try_taken_for_a_later_one_is_found() {
    hunt(DriverBug::MistakesEarlierAnswer);
}
