//! What is varied to find the price of blocking, as a scenario or the options of a command say it.

use super::{Scenario, ScenarioErrors};

/// Runs of a cell, unless somebody says how many.
pub(crate) const RUNS: u64 = 1000;
const MS: u64 = 1_000_000;

/// What is varied, as it stands in a scenario file; what is empty was not said.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Matrix {
    /// Numbers of agents.
    pub agents: Vec<u8>,
    /// Adversaries: a word, or an inline table.
    pub adversaries: Vec<String>,
    /// Pauses after an abort: a range, or an inline table.
    pub retries: Vec<String>,
    /// When the share of undecided runs is asked for, nanoseconds, in order.
    pub at_ns: Vec<u64>,
    /// Runs of a cell.
    pub runs: Option<u64>,
    /// Runs of a cell whose adversary looks at the run, if they are fewer.
    pub adaptive_runs: Option<u64>,
}

impl Matrix {
    /// Reads one value of one key of `[price]`, as an option of a command gives it.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in one line.
    ///
    /// ```
    /// use bivalent_sim::campaign::price::Matrix;
    ///
    /// let read = Matrix::part("retry", "{ exponential = \"1ms..100ms\" }").unwrap();
    /// assert_eq!(read.retries, ["{ exponential = \"1ms..100ms\" }"]);
    /// assert!(Matrix::part("adversary", "rnadom").unwrap_err().contains("did you mean `random`?"));
    /// ```
    pub fn part(key: &str, text: &str) -> Result<Self, String> {
        let mut table = toml::Table::new();
        for said in ["title", "summary"] {
            table.insert(said.into(), toml::Value::String("an option".into()));
        }
        let mut cluster = toml::Table::new();
        for counted in ["agents", "stores"] {
            cluster.insert(counted.into(), toml::Value::Integer(1));
        }
        table.insert("cluster".into(), toml::Value::Table(cluster));
        let mut price = toml::Table::new();
        price.insert(key.into(), toml::Value::Array(vec![value(text)]));
        table.insert("price".into(), toml::Value::Table(price));
        let read = Scenario::parse("option", &written(&table), &|_| Err("no file".into()));
        read.map(|scenario| scenario.price).map_err(|e| in_line(&e))
    }

    /// What this says, and where it says nothing, what `other` says.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        fn or<T: Clone>(said: Vec<T>, other: &[T]) -> Vec<T> {
            if said.is_empty() {
                other.to_vec()
            } else {
                said
            }
        }
        let runs = self.runs.or(other.runs);
        let adaptive = self.adaptive_runs.or(other.adaptive_runs);
        Self {
            agents: or(self.agents, &other.agents),
            adversaries: or(self.adversaries, &other.adversaries),
            retries: or(self.retries, &other.retries),
            at_ns: or(self.at_ns, &other.at_ns),
            runs,
            adaptive_runs: adaptive.map(|few| runs.map_or(few, |runs| few.min(runs))),
        }
    }

    /// What is varied where nobody has said it.
    pub fn usual() -> Self {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Self {
            agents: vec![2, 5, 20],
            adversaries: words(&[
                "random",
                "fair",
                "{ pct = 3 }",
                "oblivious",
                "{ duel = [\"a1\", \"a2\"] }",
                "content-aware",
                "state-aware",
            ]),
            retries: words(&["0ms", "5ms..50ms", "{ exponential = \"1ms..100ms\" }"]),
            at_ns: vec![10 * MS, 100 * MS, 1000 * MS],
            runs: Some(RUNS),
            adaptive_runs: None,
        }
    }
}

/// A table as a file.
pub(crate) fn written(table: &toml::Table) -> String {
    toml::to_string(table).expect("a table of strings and numbers is always TOML")
}

/// A value as it stands in a file: a number, an inline table, or else a string.
pub(crate) fn value(text: &str) -> toml::Value {
    let wrapped = format!("it = {text}");
    let table: Option<toml::Table> = toml::from_str(&wrapped).ok();
    match table.and_then(|mut table| table.remove("it")) {
        Some(value @ (toml::Value::Table(_) | toml::Value::Integer(_))) => value,
        _ => toml::Value::String(text.to_owned()),
    }
}

/// The first of some errors, with what to do about it.
pub(crate) fn in_line(errors: &ScenarioErrors) -> String {
    let Some(first) = errors.errors().first() else {
        return "no valid scenario".to_owned();
    };
    let mut line = first.message.clone();
    if first.label.starts_with("did you mean") {
        line = format!("{line}, {}", first.label);
    }
    if let Some(help) = &first.help {
        line = format!("{line}; {help}");
    }
    line
}
