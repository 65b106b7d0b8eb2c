//! Real processes on local directories: outlived kills, and what a commit costs beside a bare put.
//!
//!     cargo bench --bench agents                          60 s of kills, then the speed of 1 and of 5 agents
//!     cargo bench --bench agents -- --seconds 10 --seed 3

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

#[path = "../tests/cli/agent/torment.rs"]
mod torment;

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use bivalent_driver::{Opening, ProbeKind, ProbePlan, TokioClock, open, probe};
use torment::{Plan, System};

const STORES: usize = 3;

fn main() {
    let (mut seconds, mut seed, mut length) = (60, 1, 10);
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let value = words.next().and_then(|value| value.parse().ok());
        match (word.as_str(), value) {
            ("--seconds", Some(value)) => seconds = value,
            ("--seed", Some(value)) => seed = value,
            ("--speed-seconds", Some(value)) => length = value,
            _ => panic!("--seconds S, --seed K, --speed-seconds S"),
        }
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_bivalent"));
    if seconds > 0 {
        outlive(binary, Duration::from_secs(seconds), seed);
    }
    let raw = raw();
    println!(
        "bare synced put of 512 bytes, one directory: median {}",
        ms(raw)
    );
    for agents in [1, 5] {
        for clients in [1, 16] {
            cost(binary, agents, clients, Duration::from_secs(length), raw);
        }
    }
}

fn outlive(binary: &Path, lasts: Duration, seed: u64) {
    let here = tempfile::tempdir().unwrap();
    let plan = Plan {
        agents: 5,
        stores: STORES,
        clients: 8,
        lasts,
        seed,
    };
    let report = torment::torment(binary, here.path(), plan);
    let file = here.path().join("history.txt");
    std::fs::write(&file, &report.history).unwrap();
    let judged = Command::new(binary)
        .arg("check-history")
        .arg(&file)
        .output()
        .unwrap();
    let level = report
        .digests
        .iter()
        .all(|digest| *digest == report.digests[0]);
    println!(
        "{plan:?}\n{} calls answered, {} of unknown outcome, {} kills and restarts, {} absences of a directory",
        report.answered, report.unknown, report.kills, report.outages
    );
    println!(
        "{} of {} replicas at the same state: {level}; {}",
        report.digests.len(),
        plan.agents,
        report.digests[0]
    );
    print!("{}", String::from_utf8_lossy(&judged.stdout));
    assert!(judged.status.success() && level, "a violation");
}

/// The median of a bare put on a directory of its own.
fn raw() -> Duration {
    let here = tempfile::tempdir().unwrap();
    let name = here.path().display().to_string();
    let bucket = open(&name, Opening::default(), &[]).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut plan = ProbePlan::default();
    plan.operations = Some(1000);
    plan.time = Some(Duration::from_secs(20));
    let report = runtime.block_on(async {
        let go_on = &mut |_: &_| std::ops::ControlFlow::Continue(());
        probe(&bucket, plan, &TokioClock::start(), 1, go_on)
            .await
            .unwrap()
    });
    let put = report
        .kinds
        .iter()
        .find(|kind| kind.kind == ProbeKind::Put)
        .unwrap();
    Duration::from_nanos(put.latencies.value_at_quantile(0.5))
}

/// Commits through the leader for a while.
fn cost(binary: &Path, agents: usize, clients: usize, lasts: Duration, raw: Duration) {
    let here = tempfile::tempdir().unwrap();
    let system = System::start(binary, here.path(), agents, STORES);
    let until = Instant::now() + Duration::from_secs(30);
    let leader = loop {
        let leads = |id: usize| {
            let said = system.connect(id).and_then(|mut line| line.ask("status"));
            said.is_some_and(|said| said.contains("leading"))
        };
        let found = (0..agents).find(|&id| leads(id));
        // All have just begun: the first one to lead is often deposed at once.
        thread::sleep(Duration::from_secs(1));
        if let Some(leader) = found.filter(|&id| leads(id)) {
            break leader;
        }
        assert!(Instant::now() < until, "nobody leads");
    };
    for (whose, id) in [
        ("the leader's", leader),
        ("a follower's", (leader + 1) % agents),
    ] {
        if id == leader && whose != "the leader's" {
            continue;
        }
        let taken: Mutex<Vec<Duration>> = Mutex::default();
        let began = Instant::now();
        thread::scope(|scope| {
            for client in 0..clients {
                let (system, taken) = (&system, &taken);
                scope.spawn(move || {
                    let mut line = system.connect(id).unwrap();
                    let mut own = Vec::new();
                    for round in 0_u64.. {
                        let asked = Instant::now();
                        let said = line.ask(&format!("put key-{client} {round}"));
                        assert_eq!(said.as_deref(), Some("ok"));
                        own.push(asked.elapsed());
                        if began.elapsed() > lasts {
                            break;
                        }
                    }
                    taken.lock().unwrap().extend(own);
                });
            }
        });
        let mut taken = taken.into_inner().unwrap();
        taken.sort_unstable();
        let median = taken[taken.len() / 2];
        println!(
            "{agents} agents, {clients} clients of {whose}: {:.0} commits/s, median {}, p99 {}; {:.1} bare puts",
            f64::from(taken.len() as u32) / began.elapsed().as_secs_f64(),
            ms(median),
            ms(taken[taken.len() * 99 / 100]),
            median.as_secs_f64() / raw.as_secs_f64()
        );
    }
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
