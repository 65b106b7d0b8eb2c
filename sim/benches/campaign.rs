//! Runs a second of a campaign, beside the bare engine over the same configurations and seeds: what drawing, setting up,
//! judging and adding up cost.
//!
//!     cargo bench -p bivalent-sim --bench campaign -- [PREFIX [RUNS]]
//!
//! Over the built-in scenarios whose name begins with PREFIX, RUNS of each. A round measures all three, one after
//! the other, so that whatever else the machine is at hits them alike.

#![expect(
    clippy::cast_precision_loss,
    clippy::print_stdout,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "a benchmark measures real time and prints it"
)]

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use bivalent_sim::{
    campaign::{
        fuzz::{Effort, Hunt, Reproduced, Settings, Slice, Sum, block_size, draws},
        guard::{BuiltIn, How, Subject as _},
    },
    scenario::{Scenario, catalogue},
};

const PREFIX: &str = "scenarios/fuzz/";
/// Runs of a scenario.
const RUNS: u64 = 1024;
/// Rounds; medians count.
const ROUNDS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(60);

/// How long something took, and what it came to.
#[derive(Clone, Copy, Default)]
struct Took {
    seconds: f64,
    runs: u64,
    steps: u64,
}

/// A campaign on two threads, on one, setting its runs up, the bare engine.
type Round = (Took, Took, Took, Took);

fn main() {
    let mut args = std::env::args().skip(1).filter(|it| it != "--bench");
    let prefix = args.next().unwrap_or_else(|| PREFIX.to_owned());
    let runs = args.next().and_then(|it| it.parse().ok()).unwrap_or(RUNS);
    let hunt = hunt(&prefix, runs);
    // Drawn once: a campaign draws the same every time.
    let drawn = drawn(&hunt);
    println!(
        "{} scenarios, {} runs, {ROUNDS} rounds",
        hunt.scenarios.len(),
        drawn.len()
    );
    let mut rounds: Vec<Round> = Vec::new();
    for _ in 0..ROUNDS {
        let (two, one) = (campaign(&hunt, 2), campaign(&hunt, 1));
        let (set_up, engine) = bare(&drawn);
        assert_eq!(one.steps, engine.steps, "they ran the same");
        assert_eq!(one.runs, engine.runs, "they ran the same");
        rounds.push((two, one, set_up, engine));
    }
    let median = |of: &dyn Fn(&Round) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let line = |name: &str, of: &dyn Fn(&Round) -> Took| {
        println!(
            "{name:<24} {:>8.0} runs/s {:>7.2} M steps/s",
            median(&|it| of(it).runs as f64 / of(it).seconds),
            median(&|it| of(it).steps as f64 / of(it).seconds / 1e6),
        );
    };
    line("campaign, 2 threads", &|it| it.0);
    line("campaign, 1 thread", &|it| it.1);
    line("bare engine, 1 thread", &|it| it.3);
    let share = |part: f64| part * 100.0;
    println!(
        "of the time of one thread: engine {:.0} %, setting runs up {:.0} %, all else {:.0} %; outside the engine {:.0} %",
        median(&|it| share(it.3.seconds / it.1.seconds)),
        median(&|it| share(it.2.seconds / it.1.seconds)),
        median(&|it| share(1.0 - (it.2.seconds + it.3.seconds) / it.1.seconds)),
        median(&|it| share(1.0 - it.3.seconds / it.1.seconds)),
    );
    println!(
        "campaign on 2 threads / on 1: {:.2}",
        median(&|it| it.1.seconds / it.0.seconds)
    );
}

fn hunt(prefix: &str, runs: u64) -> Hunt {
    let chapters = catalogue::chapters().iter();
    let scenarios: Vec<Arc<Scenario>> = chapters
        .filter(|chapter| chapter.name.starts_with(prefix))
        .map(|chapter| {
            let read = Scenario::parse(chapter.name, chapter.text, &catalogue::open);
            Arc::new(read.expect("the catalogue's own"))
        })
        .collect();
    Hunt {
        subject: Arc::new(BuiltIn),
        seeds: vec![0..runs; scenarios.len()],
        scenarios,
        settings: Settings::default(),
        slice: Slice::WHOLE,
    }
}

/// Every run of the campaign, with its own configuration.
fn drawn(hunt: &Hunt) -> Vec<Reproduced> {
    let mut drawn = Vec::new();
    for block in hunt.blocks() {
        let base = &hunt.scenarios[block.scenario];
        assert!(block.seeds.end - block.seeds.start <= block_size(base));
        let settings = hunt.settings;
        draws(&BuiltIn, base, block.seeds, settings, &mut |run| {
            drawn.push(run);
        });
    }
    drawn
}

/// All of it: drawing, running, judging, guidance, adding up.
fn campaign(hunt: &Hunt, jobs: usize) -> Took {
    let start = Instant::now();
    let mut sum = Sum::new(hunt);
    hunt.run(
        jobs,
        PATIENCE,
        &Arc::new(AtomicBool::new(false)),
        &|_| false,
        &mut |_| (),
        &mut |done| {
            sum.take(hunt, &done, Effort::default());
            true
        },
    );
    Took {
        seconds: start.elapsed().as_secs_f64(),
        runs: sum.total.runs,
        steps: sum.total.steps,
    }
}

/// The same runs and nothing else: how long it takes to set them up, and to run them.
fn bare(drawn: &[Reproduced]) -> (Took, Took) {
    let (mut set_up, mut engine) = (Took::default(), Took::default());
    for run in drawn {
        let start = Instant::now();
        let mut runner = BuiltIn.runner(&run.scenario);
        let ready = Instant::now();
        match &run.how {
            How::Seed(seed) => runner.run(*seed),
            How::Kept(seed) => runner.run_kept(*seed),
            How::Following(list, rest) => runner.run_following(list.clone(), *rest),
            How::Sorted(sorted, rest) => runner.run_sorted(sorted.clone(), *rest),
        };
        let over = Instant::now();
        set_up.seconds += (ready - start).as_secs_f64();
        engine.seconds += (over - ready).as_secs_f64();
        engine.runs += 1;
        engine.steps += runner.finished().steps();
    }
    (set_up, engine)
}
