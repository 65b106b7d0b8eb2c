//! The oracle of the store calls nothing a broken store that the scenario asked for.

#![cfg(test)]

use bivalent_sim::{campaign::run_one, scenario::Scenario};

/// Old answers of one store of five, beside another fault.
fn mixture(format: &str, adversary: &str, stale: &str, other: &str) -> Scenario {
    let text = format!(
        "title = \"t\"\nsummary = \"s\"\n[cluster]\nagents = 3\nstores = 5\nstale = 1\nbucket = false\n\
         block = {{ format = \"{format}\" }}\n[schedule]\nadversary = \"{adversary}\"\n[limits]\nsteps = 4000\n\
         [[fault]]\nchance = 0.2\nstale-read = {{ {stale}, store = \"s5\" }}\n{other}\n[expect]\noutcome = \"any\"\n"
    );
    Scenario::parse("t", &text, &|_| Err(String::new()))
        .unwrap_or_else(|errors| panic!("{}", bivalent_sim::scenario::render(&errors)))
}

#[test]
fn old_answers_beside_any_other_fault_are_no_broken_store() {
    let others = [
        "",
        "torn-write = {}",
        "late-write = { by = \"5ms..200ms\" }",
        "bit-rot = {}",
        "amnesia = { versions = 1 }",
        "amnesia = { versions = \"all\" }",
        "duplicate = { by = \"5ms..200ms\" }",
        "misdirected-write = {}",
        "lost-ack = {}",
        "crash = { restart = \"5ms..50ms\" }",
    ];
    let (mut stale, mut alarms) = (0, Vec::new());
    for format in ["raw", "checked", "dual", "versioned"] {
        for adversary in ["random", "pos"] {
            for bound in ["versions = 1", "versions = 3", "age = \"20ms\""] {
                for other in others {
                    let rule = match other {
                        "" => String::new(),
                        other => format!("[[fault]]\nchance = 0.1\n{other}\n"),
                    };
                    let scenario = mixture(format, adversary, bound, &rule);
                    for seed in 0..25 {
                        let report = run_one(&scenario, seed);
                        stale += report.faults.get("stale-read").map_or(0, |it| it.landed);
                        let found = report.violations.iter();
                        if found.into_iter().any(|it| it.property == "store-model") {
                            alarms.push(format!("{format} {adversary} {bound} {other} {seed}"));
                        }
                    }
                }
            }
        }
    }
    assert!(stale > 10_000, "{stale}");
    assert!(alarms.is_empty(), "{} alarms: {alarms:#?}", alarms.len());
}
