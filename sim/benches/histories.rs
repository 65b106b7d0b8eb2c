//! Time to judge histories: those with known verdicts, and generated ones of 100,000 calls.
//!
//! `cargo bench -p bivalent-sim --bench histories`; histories of others are timed if `BIVALENT_HISTORIES`
//! names their folder.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a benchmark reads files, measures real time and prints it"
)]

#[path = "../tests/linearizability/generator.rs"]
mod generator;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs};

use bivalent_sim::judge::history::{self, Format, Histories};
use bivalent_sim::judge::linear::{
    self, Budget, Model, Op, Verdict,
    models::{Answer, Call, Kv, Register},
};

use generator::Shape;

/// What is given up on a history.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Each is judged as often; the best time counts.
const ROUNDS: usize = 3;

/// A verdict, the best time to it, and the steps that it took.
fn judge<M>(model: &M, ops: &[Op<Call, Answer>]) -> (&'static str, Duration, u64)
where
    M: Model<Call = Call, Answer = Answer>,
{
    let mut best = Duration::MAX;
    let mut found = ("", 0);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let go_on = || began.elapsed() < TIMEOUT;
        let mut budget = Budget {
            steps: u64::MAX,
            go_on: Some(&go_on),
        };
        let word = match linear::judge(model, ops, &mut budget) {
            Verdict::Linearizable => "linearizable",
            Verdict::NotLinearizable(_) => "not linearizable",
            Verdict::Unknown => "unknown",
        };
        best = best.min(began.elapsed());
        found = (word, u64::MAX - budget.steps);
    }
    (found.0, best, found.1)
}

fn of_file(read: &Histories, number: usize) -> (&'static str, Duration, u64) {
    let ops = &read.histories[number].ops;
    match read.format {
        Format::Jepsen => judge(&Register, ops),
        Format::Edn | Format::Many => judge(&Kv { texts: &read.texts }, ops),
    }
}

/// Times the files of a folder; each history of a file that has few.
fn folder(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e != "tsv"));
    files.sort();
    let (mut all, mut slowest) = (Duration::ZERO, Duration::ZERO);
    for file in &files {
        let bytes = fs::read(file).expect("it was listed");
        let began = Instant::now();
        let read = history::parse(&bytes).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let parsed = began.elapsed();
        let mut sum = Duration::ZERO;
        for number in 0..read.histories.len() {
            let (verdict, took, steps) = of_file(&read, number);
            if (2..20).contains(&read.histories.len()) {
                let name = read.histories[number].name.as_deref().unwrap_or_default();
                println!("    {name}  {verdict}  {took:.2?}  {steps} steps");
            }
            sum += took;
            slowest = slowest.max(took);
        }
        all += sum;
        if files.len() < 10 {
            println!(
                "  {}  read in {parsed:.2?}, judged in {sum:.2?}",
                file.display()
            );
        }
    }
    println!(
        "{}  {} files, judged in {all:.2?}, slowest {slowest:.2?}",
        folder.display(),
        files.len()
    );
}

fn generated() {
    let shape = |clients, keys, values, lost| Shape {
        ops: 100_000,
        clients,
        keys,
        values,
        lost,
        appends: false,
    };
    let shapes = [
        ("64 keys, 40 clients, values repeat", shape(40, 64, 1000, 1)),
        ("1 key, 8 clients, values repeat", shape(8, 1, 10, 0)),
        ("1 key, 8 clients, values differ", shape(8, 1, 1_000_000, 0)),
        ("1 key, 16 clients, values repeat", shape(16, 1, 10, 0)),
        (
            "1 key, 16 clients, values differ",
            shape(16, 1, 1_000_000, 0),
        ),
        ("1 key, 30 clients, values repeat", shape(30, 1, 10, 0)),
    ];
    println!("generated, 100,000 calls");
    for (name, shape) in shapes {
        let (texts, mut ops) = generator::linearizable(&shape, 1);
        let model = Kv { texts: &texts };
        let (verdict, took, steps) = judge(&model, &ops);
        println!("  {name}  {verdict}  {took:.2?}  {steps} steps");
        generator::spoil(&texts, &mut ops, 3, 1);
        let (verdict, took, steps) = judge(&model, &ops);
        println!("    with three wrong answers  {verdict}  {took:.2?}  {steps} steps");
    }
}

fn main() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories");
    folder(&own.join("own"));
    if let Ok(others) = env::var("BIVALENT_HISTORIES") {
        folder(&Path::new(&others).join("etcd"));
        folder(&Path::new(&others).join("kv"));
    }
    generated();
}
