//! How long it takes to look at any step of a long run, and to have the run up to there in the first place.

#![expect(
    clippy::cast_precision_loss,
    clippy::print_stdout,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "a benchmark measures real time and prints it"
)]

use std::{hint::black_box, time::Instant};

use bivalent_sim::{
    scenario::{Scenario, catalogue, planted::Planted},
    watch::playback::Playback,
};

/// Places that are looked at, in a fixed order without a pattern.
const SEEKS: u64 = 200;

fn scenario(name: &str, steps: u64) -> Scenario {
    let mut chapters = catalogue::chapters().iter();
    let chapter = chapters
        .find(|chapter| chapter.name.contains(name))
        .expect("a chapter of the catalogue");
    let mut scenario = Scenario::parse(chapter.name, chapter.text, &catalogue::open)
        .expect("the catalogue is valid");
    // Long enough, whatever the chapter is about.
    scenario.limits.steps = steps;
    scenario.limits.time_ns = 1 << 44;
    scenario.workload.requests = scenario.workload.requests.max(200_000);
    scenario
}

/// Times in milliseconds: the one in the middle and the longest.
fn figures(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[times.len() - 1])
}

fn measure(name: &str, steps: u64) {
    let scenario = scenario(name, steps);
    let mut playback = Playback::of_seed(&scenario, 1, Planted::default());
    let start = Instant::now();
    playback.advance(steps);
    let run = start.elapsed().as_secs_f64();
    let all = playback.track().steps;
    let mut timed = |of: &mut dyn FnMut(&mut Playback, u64)| {
        let mut times = Vec::new();
        for seek in 0..SEEKS {
            // Far apart: no seek goes on from the one before.
            let step = seek * 0x9e37_79b9 % all;
            let start = Instant::now();
            of(&mut playback, step);
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        figures(times)
    };
    let seek = timed(&mut |playback, step| {
        black_box(playback.view_at(step));
    });
    let next = timed(&mut |playback, step| {
        let step = step / 64;
        black_box(playback.view_at(step));
    });
    let why = timed(&mut |playback, step| {
        black_box(playback.why_at(step));
    });
    println!(
        "{name}: {all} steps in {run:.1} s ({:.2} M/s); a view anywhere: median {:.1} ms, worst {:.1} ms; \
         in the first 64th: median {:.1} ms, worst {:.1} ms; why: median {:.1} ms, worst {:.1} ms",
        all as f64 / run / 1e6,
        seek.0,
        seek.1,
        next.0,
        next.1,
        why.0,
        why.1
    );
}

fn main() {
    measure("flp/million-steps-undecided", 1_000_000);
    measure("flp/state-aware", 1_000_000);
    measure("flp/content-aware", 1_000_000);
    measure("basic/fifty-agents-on-five-stores", 1_000_000);
    measure("log/storm-kv", 1_000_000);
}
