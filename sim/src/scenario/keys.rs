//! Every key of a file that the schema does not know, with the nearest one that it does.
//!
//! The schema is derived from the types that read the file, so that the two cannot disagree.

use std::mem;
use std::ops::Range;
use std::sync::LazyLock;

use serde_json::Value;
use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Notes, UNKNOWN_KEY, printable};
use super::schema;
use super::shape::Flaw;

/// No name is longer, bytes.
pub(super) const NAME_MAX: usize = 128;
/// Tables and arrays are not nested more deeply.
const DEPTH_MAX: usize = 64;
/// No array is longer.
const ARRAY_MAX: usize = 4096;

static SCHEMA: LazyLock<Value> = LazyLock::new(schema::schema);

/// Takes out of `document` what can't be read, each with an error: unknown keys, dates, and
/// numbers, nesting and arrays beyond all bounds.
pub(super) fn prune(document: &mut Spanned<DeTable<'_>>, notes: &mut Notes) {
    prune_table(document.get_mut(), &[&SCHEMA], 0, "", notes);
}

fn prune_table(
    table: &mut DeTable<'_>,
    schemas: &[&'static Value],
    depth: usize,
    place: &str,
    notes: &mut Notes,
) {
    let known: Vec<&'static str> = schemas
        .iter()
        .filter_map(|schema| schema.get("properties")?.as_object())
        .flat_map(|properties| properties.keys().map(String::as_str))
        .collect();
    let others: Vec<&'static Value> = schemas
        .iter()
        .filter_map(|schema| schema.get("additionalProperties"))
        .filter(|others| others.is_object())
        .flat_map(alternatives)
        .collect();
    // A value of the wrong type is told once, as such, not key by key.
    let open = known.is_empty();
    for (key, mut value) in mem::take(table) {
        let name: &str = key.get_ref();
        let inner: Vec<&'static Value> = schemas
            .iter()
            .filter_map(|schema| schema.get("properties")?.get(name))
            .flat_map(alternatives)
            .collect();
        if name.len() > NAME_MAX {
            notes.add(key.span(), too_long());
        } else if inner.is_empty() && !open && others.is_empty() {
            // Bounds the time: only words that are shown are looked for.
            let known: &[&str] = if notes.is_full() { &[] } else { &known };
            notes.add(key.span(), unknown(name, known, place));
        } else {
            let inner = if inner.is_empty() { &others } else { &inner };
            if prune_value(&mut value, inner, depth + 1, name, notes) {
                table.insert(key, value);
            } else {
                notes.drop_key(key.get_ref());
            }
        }
    }
}

/// Whether the value can stay.
fn prune_value(
    value: &mut Spanned<DeValue<'_>>,
    schemas: &[&'static Value],
    depth: usize,
    place: &str,
    notes: &mut Notes,
) -> bool {
    let span: Range<usize> = value.span();
    if depth > DEPTH_MAX {
        notes.add(span, too_deep());
        return false;
    }
    match value.get_mut() {
        DeValue::Table(table) => prune_table(table, schemas, depth, place, notes),
        DeValue::Array(array) => {
            let items: Vec<&'static Value> = schemas
                .iter()
                .filter_map(|schema| schema.get("items"))
                .flat_map(alternatives)
                .collect();
            if array.len() > ARRAY_MAX {
                let count = array.len();
                notes.add(
                    span,
                    Flaw::new(
                        "bivalent::scenario::too_many",
                        format!("`{}` has {count} items", printable(place)),
                        "too many",
                    )
                    .help(format!("at most {ARRAY_MAX} are read")),
                );
                return false;
            }
            let mut stays = true;
            for item in array.iter_mut() {
                stays &= prune_value(item, &items, depth + 1, place, notes);
            }
            return stays;
        }
        DeValue::Datetime(_) => {
            notes.add(
                span,
                Flaw::new(
                    "bivalent::scenario::wrong_type",
                    format!("`{}` is a date", printable(place)),
                    "no key takes a date",
                )
                .help("times are durations from the start of a run: \"5ms\""),
            );
            return false;
        }
        DeValue::Integer(number) => {
            if i128::from_str_radix(number.as_str(), number.radix()).is_err() {
                notes.add(
                    span,
                    Flaw::new(
                        "bivalent::scenario::bad_number",
                        format!("`{}` is too large a number", printable(place)),
                        "too large",
                    ),
                );
                return false;
            }
        }
        DeValue::String(_) | DeValue::Float(_) | DeValue::Boolean(_) => {}
    }
    true
}

/// A schema with its references followed and its alternatives spread out.
fn alternatives(schema: &'static Value) -> Vec<&'static Value> {
    let mut open = vec![schema];
    let mut found = Vec::new();
    // Each reference leads deeper into the schema; the bound is against a circle in it.
    for _ in 0..DEPTH_MAX {
        let Some(next) = open.pop() else { break };
        found.push(next);
        if let Some(path) = next.get("$ref").and_then(Value::as_str) {
            open.extend(SCHEMA.pointer(path.trim_start_matches('#')));
        }
        for word in ["anyOf", "oneOf", "allOf"] {
            let list = next.get(word).and_then(Value::as_array);
            open.extend(list.into_iter().flatten());
        }
    }
    found
}

fn unknown(name: &str, known: &[&str], place: &str) -> Flaw {
    let message = match place {
        "" => format!("unknown key `{}`", printable(name)),
        "fault" => format!("unknown fault or key `{}`", printable(name)),
        _ => format!(
            "unknown key `{}` in `{}`",
            printable(name),
            printable(place)
        ),
    };
    Flaw::new(UNKNOWN_KEY, message, guess(name, known)).help(format!("keys here: {}", list(known)))
}

/// The text of a parser that gave up because of depth, and the walk's own.
pub(super) fn too_deep() -> Flaw {
    Flaw::new(
        "bivalent::scenario::too_deep",
        format!("nested more than {DEPTH_MAX} deep"),
        "too deep",
    )
    .help("no scenario needs more than five levels")
}

/// A name beyond all bounds.
pub(super) fn too_long() -> Flaw {
    Flaw::new(
        "bivalent::scenario::bad_name",
        format!("a name longer than {NAME_MAX} bytes"),
        "too long",
    )
    .help("a shorter name")
}

/// "did you mean ..", if anything is near.
pub(super) fn guess(name: &str, known: &[&str]) -> String {
    nearest(name, known).map_or_else(
        || "not known here".to_owned(),
        |near| format!("did you mean `{near}`?"),
    )
}

/// The names, as many as fit.
pub(super) fn list(names: &[&str]) -> String {
    const MOST: usize = 32;
    let mut text = names[..names.len().min(MOST)].join(", ");
    if names.len() > MOST {
        text = format!("{text} and {} more", names.len() - MOST);
    }
    text
}

fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    if name.len() > NAME_MAX {
        return None;
    }
    let most = (name.chars().count() / 3).max(1);
    known
        .iter()
        .map(|&candidate| (strsim::osa_distance(name, candidate), candidate))
        // Names like a1 and a2 differ by a letter without being mistyped.
        .filter(|&(distance, candidate)| distance <= most && 2 * distance < candidate.len())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        let mut document = DeTable::parse(text).unwrap();
        let mut notes = Notes::default();
        prune(&mut document, &mut notes);
        if notes.is_empty() {
            return Vec::new();
        }
        let errors = notes.into_errors("x.toml", text);
        errors
            .errors()
            .iter()
            .map(|error| {
                format!(
                    "{}:{} {}; {}",
                    error.line(),
                    error.column(),
                    error.message,
                    error.label
                )
            })
            .collect()
    }

    #[test]
    fn every_unknown_key_is_told_with_its_place() {
        let text = "titel = 'x'\n[cluster]\nblock = { size = '1B', secotr = 1 }\n\
                    [[fault]]\n  torn-wirte = {}\n  at = '1s'\n[[fault]]\ncrash = { agnet = 'a' }\n";

        assert_eq!(
            messages(text),
            [
                "1:1 unknown key `titel`; did you mean `title`?",
                "3:24 unknown key `secotr` in `block`; did you mean `sector`?",
                "5:3 unknown fault or key `torn-wirte`; did you mean `torn-write`?",
                "8:11 unknown key `agnet` in `crash`; did you mean `agent`?",
            ]
        );
    }

    #[test]
    fn names_of_agents_are_free() {
        assert_eq!(messages("[cluster]\nagents = { zaphod = 'x' }\n"), [""; 0]);
    }

    #[test]
    fn a_name_is_guessed_only_if_it_is_near() {
        assert_eq!(nearest("stat", &["stale", "start"]), Some("start"));
        assert_eq!(nearest("duel", &["random", "fair"]), None);
        assert_eq!(nearest("", &["a"]), None);
    }
}
