//! The price of blocking: how likely agreement is still open at a time, by who orders the operations and
//! how agents get out of each other's way.
//!
//! One cell is one adversary, one contention manager and one number of agents, run on many seeds. What is
//! measured is the time to the first decision of a run. Only one combination has no chance in it: `fair`
//! without pauses on a system whose agents all start at once, whose runs are all the same run.

mod cell;
mod wilson;

use crate::scenario::matrix::{RUNS, in_line, value, written};
use crate::scenario::{Scenario, bears};

pub use crate::scenario::Matrix;
pub use cell::{Cell, Undecided, fill};
pub use wilson::{Share, share};

/// Steps of a run: as many as a scenario may have, since the time is what ends it.
const STEPS: i64 = 16_000_000;
/// No pause, as a scenario says it.
const NO_PAUSE: &str = "0ms";

/// One combination, ready to run, or why it can't be.
#[derive(Clone, Debug)]
pub struct Variant {
    /// How many agents.
    pub agents: u8,
    /// The adversary, as it stands in a scenario file.
    pub adversary: String,
    /// The pause after an abort, likewise.
    pub retry: String,
    /// Seeds `0..runs` are run: none, if the combination is no system.
    pub runs: u64,
    stores: usize,
    /// The system, or why there is none, in one line.
    scenario: Result<Scenario, String>,
    at_ns: Vec<u64>,
}

/// Works out every combination of a matrix on the system of `base`, whose expectation, healing and seeds
/// do not matter. What the matrix leaves open is as usual.
pub fn variants(base: &Scenario, matrix: &Matrix) -> Vec<Variant> {
    let mut usual = Matrix::usual();
    if !bears::pauses(base.cluster.protocol) {
        // There is one pause: none.
        usual.retries = vec![NO_PAUSE.into()];
    }
    let matrix = matrix.clone().or(&usual);
    let runs = matrix.runs.unwrap_or(RUNS);
    let mut variants = Vec::new();
    for &agents in &matrix.agents {
        for adversary in &matrix.adversaries {
            for retry in &matrix.retries {
                let text = text(base, agents, adversary, retry, &matrix.at_ns);
                let open = |named: &str| {
                    let found = base.files.iter().find(|(name, _)| name == named);
                    found
                        .map(|(_, text)| text.clone())
                        .ok_or_else(|| "no such file".to_owned())
                };
                let scenario = Scenario::parse(&base.name, &text, &open);
                let scenario = scenario.map_err(|errors| in_line(&errors));
                let runs = scenario.as_ref().map_or(0, |scenario| {
                    let few = matrix.adaptive_runs;
                    let few = few.filter(|_| scenario.schedule.adversary.is_adaptive());
                    few.unwrap_or(runs)
                });
                variants.push(Variant {
                    agents,
                    adversary: adversary.clone(),
                    retry: retry.clone(),
                    runs,
                    stores: base.cluster.stores.len(),
                    scenario,
                    at_ns: matrix.at_ns.clone(),
                });
            }
        }
    }
    variants
}

/// The base scenario's text with another number of agents, adversary and pause.
fn text(base: &Scenario, agents: u8, adversary: &str, retry: &str, at_ns: &[u64]) -> String {
    let mut table: toml::Table = toml::from_str(&base.text).unwrap_or_default();
    for gone in ["expect", "heal", "fuzz", "price"] {
        table.remove(gone);
    }
    let section = |table: &mut toml::Table, name: &str| match table.remove(name) {
        Some(toml::Value::Table(section)) => section,
        _ => toml::Table::new(),
    };
    let mut cluster = section(&mut table, "cluster");
    cluster.insert("agents".into(), toml::Value::Integer(agents.into()));
    table.insert("cluster".into(), toml::Value::Table(cluster));
    let mut schedule = section(&mut table, "schedule");
    // Settings are for the adversaries that take them.
    if matches!(adversary, "random" | "fair") || adversary.contains("duel") {
        schedule.remove("patience");
    }
    if !matches!(adversary, "content-aware" | "state-aware") {
        schedule.remove("crashes");
    }
    // What is counted over seeds can't be one run.
    schedule.remove("choices");
    schedule.insert("adversary".into(), value(adversary));
    // Where nobody pauses, only another word than that has something to be refused for.
    if bears::pauses(base.cluster.protocol) || retry != NO_PAUSE {
        schedule.insert("retry".into(), value(retry));
    }
    table.insert("schedule".into(), toml::Value::Table(schedule));
    let end = at_ns.iter().max().copied().unwrap_or(1).saturating_add(1);
    let end = toml::Value::String(format!("{end}ns"));
    let mut limits = toml::Table::new();
    limits.insert("steps".into(), toml::Value::Integer(STEPS));
    limits.insert("time".into(), end.clone());
    limits.insert("stall-after".into(), end);
    table.insert("limits".into(), toml::Value::Table(limits));
    written(&table)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::scenario::delay_table;

    const BASE: &str = "title = \"t\"\nsummary = \"s\"\n[cluster]\nagents = 2\nstores = 3\n[heal]\nat = \"1s\"\n[expect]\noutcome = \"decide\"\n";

    fn matrix() -> Matrix {
        Matrix {
            agents: vec![2],
            adversaries: vec!["random".into(), "{ duel = [\"a1\", \"a2\"] }".into()],
            retries: vec!["0ms".into()],
            at_ns: vec![10_000_000, 100_000_000],
            runs: Some(100),
            adaptive_runs: None,
        }
    }

    fn cells(jobs: usize) -> Vec<Cell> {
        let base = Scenario::parse("t.toml", BASE, &|_| unreachable!("no files")).unwrap();
        let variants = variants(&base, &matrix());
        let go = AtomicBool::new(false);
        let fill = |variant| fill(variant, jobs, &go, &mut |_| ()).unwrap();
        variants.iter().map(fill).collect()
    }

    #[test]
    fn a_duel_holds_off_every_run_and_chance_does_not() {
        let cells = cells(1);

        let [random, duel] = &cells[..] else {
            panic!("two adversaries");
        };
        assert_eq!(duel.undecided[1].runs, 100);
        assert!(random.undecided[1].runs < 50);
        assert!(random.undecided[0].runs >= random.undecided[1].runs);
        assert_eq!(
            random.first_decision_ns.count,
            100 - random.undecided[1].runs
        );
    }

    #[test]
    fn the_number_of_threads_does_not_show() {
        let tell = |cells: Vec<Cell>| serde_json::to_string(&cells).unwrap();

        assert_eq!(tell(cells(1)), tell(cells(3)));
    }

    #[test]
    fn a_survival_curve_never_rises_and_ends_at_the_last_time() {
        let curve = &cells(1)[0].survival;

        assert!(curve.is_sorted_by(|a, b| a.at_ns < b.at_ns && a.runs >= b.runs));
        assert_eq!(curve.last().unwrap().at_ns, 100_000_000);
    }

    #[test]
    fn a_log_of_times_is_one_that_a_scenario_can_name() {
        let log = cells(1)[0].log();

        let table = delay_table("random.hlog", &log).unwrap();

        assert!(log.starts_with("#Time to the first decision"), "{log}");
        assert!(table.values.iter().all(|ns| (1..=100_100_000).contains(ns)));
    }

    #[test]
    fn a_cell_that_cannot_be_says_why_and_stops_no_other() {
        let base = Scenario::parse("t.toml", BASE, &|_| unreachable!("no files")).unwrap();
        let mixed = Matrix {
            adversaries: vec!["{ duel = [\"a1\", \"a7\"] }".into(), "random".into()],
            ..matrix()
        };
        let go = AtomicBool::new(false);

        let cells: Vec<Cell> = variants(&base, &mixed)
            .iter()
            .map(|variant| fill(variant, 1, &go, &mut |_| ()).unwrap())
            .collect();

        let why = cells[0].impossible.as_deref().unwrap();
        assert!(why.contains("there is no agent `a7`"), "{why}");
        assert_eq!((cells[0].runs, cells[1].runs), (0, 100));
    }

    #[test]
    fn what_an_option_says_comes_before_what_the_file_says() {
        let option = Matrix {
            agents: vec![3],
            runs: Some(50),
            ..Matrix::default()
        };

        let both = option.or(&Matrix {
            agents: vec![2],
            adaptive_runs: Some(200),
            ..matrix()
        });

        assert_eq!(both.agents, [3]);
        assert_eq!(both.retries, ["0ms"]);
        assert_eq!((both.runs, both.adaptive_runs), (Some(50), Some(50)));
    }

    #[test]
    fn a_wrong_option_is_told_with_its_remedy() {
        let wrong = |key, text| Matrix::part(key, text).unwrap_err();

        for (key, text, wanted) in [
            ("adversary", "duel", "{ duel = [\"a1\", \"a2\"] }"),
            ("adversary", "{ script = { turn = [] } }", "one schedule"),
            ("adversary", "random\"]\n[fuzz]\n", "unknown adversary"),
            ("retry", "5", "write \"5ms\""),
            ("retry", "50ms..5ms", "5ms..50ms"),
            ("at", "0ms", "1ns..24h"),
        ] {
            let said = wrong(key, text);
            assert!(
                said.contains(wanted) && !said.contains('\n'),
                "{text}: {said}"
            );
        }
    }

    #[test]
    fn settings_go_only_to_adversaries_that_take_them() {
        let text = BASE.replace(
            "[heal]",
            "[schedule]\nadversary = \"state-aware\"\npatience = 9\ncrashes = 1\n[heal]",
        );
        let base = Scenario::parse("t.toml", &text, &|_| unreachable!("no files")).unwrap();
        let all = Matrix {
            adversaries: Matrix::usual().adversaries,
            ..matrix()
        };

        for variant in variants(&base, &all) {
            let scenario = variant.scenario.unwrap();
            let schedule = scenario.schedule;
            assert_eq!(schedule.patience == 9, schedule.adversary.picks());
            let kills = ["content-aware", "state-aware"].contains(&&*variant.adversary);
            assert_eq!(schedule.crashes == 1, kills);
        }
    }
}
