//! No setting is silently ignored: each key of the schema, under each protocol, is refused or changes something.
#![cfg(test)]

mod settings {
    pub(crate) mod ways;
}

use std::{collections::BTreeSet, sync::Arc};

use bivalent_sim::{
    campaign::{fuzz, guard::BuiltIn, price, run_one},
    scenario::{Scenario, json_schema},
};
use serde_json::Value;
use settings::ways::{BUCKETS, Judge, REST, SYSTEMS, WORDS, Way, all, merged};

/// Seeds that are run to see a difference.
const SEEDS: u64 = 40;
/// Draws of a campaign that are looked at.
const DRAWS: u64 = 24;

/// Every key of the schema, as a path; keys of one alternative and of another are keys alike.
fn keys() -> BTreeSet<String> {
    let schema: Value = serde_json::from_str(&json_schema()).unwrap();
    let mut found = BTreeSet::new();
    walk(&schema, &schema, "", &mut Vec::new(), &mut found);
    found
}

fn walk(
    root: &Value,
    schema: &Value,
    path: &str,
    open: &mut Vec<String>,
    found: &mut BTreeSet<String>,
) {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        // What was before a script is an adversary again.
        if open.iter().any(|it| it == name) {
            return;
        }
        open.push(name.to_owned());
        let meant = root.pointer(name.trim_start_matches('#')).unwrap();
        walk(root, meant, path, open, found);
        open.pop();
    }
    for word in ["anyOf", "oneOf", "allOf"] {
        for one in schema
            .get(word)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            walk(root, one, path, open, found);
        }
    }
    if let Some(items) = schema.get("items") {
        walk(root, items, path, open, found);
    }
    if schema
        .get("additionalProperties")
        .is_some_and(Value::is_object)
    {
        found.insert(format!("{path}.*"));
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (key, inner) in properties.into_iter().flatten() {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        let before = found.len();
        walk(root, inner, &path, open, found);
        // A table is told by its keys.
        if found.len() == before {
            found.insert(path);
        }
    }
}

fn text(protocol: &str, format: &str, overlay: &str) -> String {
    // Objects are put whole: there is no block to have a format.
    let block = if overlay.contains("bucket") || protocol == "replicated-log" {
        String::new()
    } else if format == BUCKETS {
        "bucket = true\n".to_owned()
    } else {
        format!("bucket = false\nblock = {{ format = '{format}' }}\n")
    };
    let system = format!(
        "title = 't'\nsummary = 's'\n[cluster]\nprotocol = '{protocol}'\nagents = 3\nstores = 3\n{block}{REST}"
    );
    merged(&system, overlay)
}

fn parse(text: &str) -> Result<Scenario, String> {
    let open = |_: &str| {
        Ok(include_str!("../../scenarios/measured/delays/redis-aof-read.hlog").to_owned())
    };
    Scenario::parse("t", text, &open).map_err(|errors| {
        for error in errors.errors() {
            assert!(error.line() > 0 && error.column() > 0, "{error}");
        }
        let first = &errors.errors()[0];
        format!(
            "{} {} | {}",
            first.code,
            first.message,
            first.help.as_deref().unwrap_or("no help")
        )
    })
}

/// Whether two scenarios are told apart by whoever reads the key.
fn differ(one: &Scenario, other: &Scenario, judge: Judge) -> bool {
    match judge {
        Judge::Said => true,
        Judge::Nobody => false,
        Judge::Run => (0..SEEDS).any(|seed| run_one(one, seed) != run_one(other, seed)),
        // What is expected is judged on the very same runs.
        Judge::Seeds => one.expect.seeds != other.expect.seeds,
        Judge::Own => one.schedule.seed != other.schedule.seed,
        Judge::Price => {
            let cells = |it: &Scenario| format!("{:?}", price::variants(it, &it.price));
            cells(one) != cells(other)
        }
        Judge::Fuzz => drawn(one) != drawn(other),
    }
}

/// What a campaign draws.
fn drawn(base: &Scenario) -> Vec<String> {
    let mut found = Vec::new();
    let settings = fuzz::Settings::default();
    let base = Arc::new(base.clone());
    fuzz::draws(&BuiltIn, &base, 0..DRAWS, settings, &mut |run| {
        let said = Scenario::to_toml(&run.scenario);
        found.push(said.split("[fuzz]").next().unwrap_or_default().to_owned());
    });
    found
}

/// What comes of a way under a protocol.
enum Came {
    /// It is refused, for a reason.
    Refused(String),
    /// It changes something.
    Shows,
    /// It changes nothing.
    Ignored,
}

fn came(way: &Way, protocol: &str, format: &str) -> Came {
    let read = |overlay: &str| parse(&text(protocol, format, overlay));
    match (read(&way.with), read(&way.without)) {
        (Err(why), _) => Came::Refused(why),
        (Ok(_), Err(why)) => panic!("{} under {protocol}: without it: {why}", way.key),
        (Ok(with), Ok(without)) if differ(&with, &without, way.judge) => Came::Shows,
        (Ok(_), Ok(_)) => Came::Ignored,
    }
}

#[test]
fn every_key_is_refused_or_changes_something_under_every_protocol() {
    let ways = all();
    let keys: BTreeSet<&str> = ways.iter().map(|way| way.key.as_str()).collect();
    let mut wrong = Vec::new();
    for key in keys {
        let mut borne = 0;
        for (name, protocol, format) in SYSTEMS {
            let mut ways = ways.iter().filter(|way| way.key == key);
            let mut ignored = false;
            let shows = ways.any(|way| match came(way, protocol, format) {
                Came::Shows => true,
                Came::Ignored => {
                    ignored = true;
                    false
                }
                Came::Refused(why) => {
                    if why.contains("no help") {
                        wrong.push(format!("{key} under {name}: no remedy: {why}"));
                    }
                    false
                }
            });
            borne += u32::from(shows);
            if !shows && ignored {
                wrong.push(format!("{key} under {name} changes nothing"));
            }
        }
        let nobody = ways
            .iter()
            .any(|way| way.key == key && way.judge == Judge::Nobody);
        if (borne == 0) != nobody {
            wrong.push(format!("{key} shows under {borne} systems"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_key_of_the_schema_is_gone_over() {
    let ways = all();
    let tried: BTreeSet<&str> = ways.iter().map(|way| way.key.as_str()).collect();
    let known: BTreeSet<String> = keys();
    let new: Vec<_> = known
        .iter()
        .filter(|key| !tried.contains(key.as_str()))
        .collect();
    let gone: Vec<_> = tried.iter().filter(|key| !known.contains(**key)).collect();

    assert!(
        new.is_empty() && gone.is_empty(),
        "keys that nobody has classified in settings/ways.rs: {new:?}; ways of keys that are no more: {gone:?}"
    );
}

#[test]
fn words_that_mean_nothing_under_a_protocol_are_refused_by_name() {
    for (protocol, overlay, said) in WORDS {
        let format = if protocol == "replicated-log" {
            "versioned"
        } else {
            "checked"
        };
        let why = parse(&text(protocol, format, overlay)).expect_err(overlay);
        assert!(why.contains(said), "{overlay}: {why}");
    }
}
