//! The driver's planted bugs, each found.

use bivalent_driver::DriverBug;

use crate::{storm::storm, sweep};

/// Seeds that are tried before a bug counts as missed.
const SEEDS: u64 = 2000;

/// Finds the bug, as what it is: by one of these words. The same seed without it is fine.
fn hunt(bug: DriverBug, words: &[&str]) {
    for seed in 0..SEEDS {
        let Err(why) = sweep::run(seed, || storm(Some(bug))) else {
            continue;
        };
        let short: String = why.chars().take(300).collect();
        println!("{bug:?} found with seed {seed}: {short}");
        if let Err(why) = sweep::run(seed, || storm(None)) {
            panic!("seed {seed} without {bug:?}: {why}");
        }
        if !words.iter().any(|word| why.contains(word)) {
            // It does other harm as well.
            continue;
        }
        return;
    }
    panic!("{bug:?} was not found in {SEEDS} seeds");
}

/// What tells of two truths.
const UNSAFE: [&str; 6] = [
    "shows",
    "promised on",
    "two contents",
    "two states",
    "not linearizable",
    "loses",
];

#[test]
fn a_retry_that_overtakes_is_found() {
    hunt(DriverBug::RetryOvertakes, &UNSAFE);
}

#[test]
fn a_lost_wake_up_is_found() {
    let words = ["serves nobody", "stay apart", "does not come back"];
    hunt(DriverBug::LosesWakeUp, &words);
}

#[test]
fn an_answer_of_an_earlier_try_taken_for_a_later_one_is_found() {
    hunt(DriverBug::MistakesEarlierAnswer, &UNSAFE);
}
