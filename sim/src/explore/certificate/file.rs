//! Certificates as scenarios: the same system, with a script for a schedule.

use crate::scenario::{
    Scenario, ScenarioErrors,
    script::{self, Entry, Script},
};

/// The scenario of `base`'s system whose schedule is a script, for at most `steps` steps. Delays stay;
/// faults, healing and pauses go, since a script is a whole schedule. `outcome` is what it promises.
///
/// # Errors
///
/// Not for a base that is a valid scenario.
pub fn scripted(
    base: &Scenario,
    script: &Script,
    steps: u64,
    (title, summary): (&str, &str),
    outcome: &str,
) -> Result<Scenario, ScenarioErrors> {
    let mut table: toml::Table = toml::from_str(&base.text).unwrap_or_default();
    for gone in ["fault", "heal", "fuzz", "expect", "limits", "tags"] {
        table.remove(gone);
    }
    let text = |text: &str| toml::Value::String(text.to_owned());
    table.insert("title".into(), text(title));
    table.insert("summary".into(), text(summary));
    let mut schedule = match table.remove("schedule") {
        Some(toml::Value::Table(schedule)) => schedule,
        _ => toml::Table::new(),
    };
    for gone in ["patience", "crashes", "start", "seed"] {
        schedule.remove(gone);
    }
    schedule.insert("retry".into(), text("0ms"));
    let entries = |entries: &[Entry]| {
        let words = entries.iter().map(|&entry| script::words(base, entry));
        toml::Value::Array(words.map(toml::Value::String).collect())
    };
    let mut order = toml::Table::new();
    order.insert("stem".into(), entries(&script.stem));
    order.insert("turn".into(), entries(&script.turn));
    let mut adversary = toml::Table::new();
    adversary.insert("script".into(), toml::Value::Table(order));
    schedule.insert("adversary".into(), toml::Value::Table(adversary));
    table.insert("schedule".into(), toml::Value::Table(schedule));
    let mut limits = toml::Table::new();
    let steps = i64::try_from(steps).unwrap_or(i64::MAX);
    limits.insert("steps".into(), toml::Value::Integer(steps));
    limits.insert("time".into(), text("24h"));
    table.insert("limits".into(), toml::Value::Table(limits));
    let mut expect = toml::Table::new();
    expect.insert("outcome".into(), text(outcome));
    table.insert("expect".into(), toml::Value::Table(expect));
    let written = toml::to_string(&table).expect("a table of strings and numbers is always TOML");
    let open = |named: &str| {
        let found = base.files.iter().find(|(name, _)| name == named);
        found
            .map(|(_, text)| text.clone())
            .ok_or_else(|| "no such file".to_owned())
    };
    Scenario::parse(&base.name, &written, &open)
}
