//! Many seeds, each in a runtime of its own; a seed that fails is told with the command that replays it.

use std::{env, ops::Range, time::Duration};

use madsim::{Config, runtime::Runtime};

/// How many seeds are tried where nobody says.
const SEEDS: u64 = 200;
/// Virtual time after which a run has hung.
const LIMIT: Duration = Duration::from_secs(3600);

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number")),
    )
}

/// The seeds that the environment asks for.
pub(crate) fn seeds() -> Range<u64> {
    match number("BIVALENT_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("BIVALENT_SEEDS").unwrap_or(SEEDS),
    }
}

/// Runs one seed.
pub(crate) fn run<F, T>(seed: u64, test: impl FnOnce() -> F) -> T
where
    F: Future<Output = T>,
{
    if number("BIVALENT_SEED").is_some() {
        // What the driver says, with RUST_LOG=bivalent_driver=debug.
        madsim::runtime::init_logger();
    }
    let mut runtime = Runtime::with_seed_and_config(seed, Config::default());
    runtime.set_time_limit(LIMIT);
    runtime.block_on(async { test().await })
}

/// Runs every seed that the environment asks for; `name` is the test's.
pub(crate) fn all<F, T>(name: &str, test: impl Fn() -> F, mut each: impl FnMut(T))
where
    F: Future<Output = Result<T, String>>,
{
    for seed in seeds() {
        match run(seed, &test) {
            Ok(value) => each(value),
            Err(why) => panic!(
                "seed {seed}: {why}\nagain: BIVALENT_SEED={seed} cargo simtest {name} -- --exact --nocapture"
            ),
        }
    }
}
