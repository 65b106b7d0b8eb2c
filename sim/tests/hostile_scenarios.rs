//! Texts that mean harm, or nothing: each is refused in short time and few words, none panics.
#![cfg(test)]

use std::fmt::Write as _;

use bivalent_sim::scenario::{Scenario, ScenarioErrors, render};
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("data/contract-example.toml");

fn parse(text: &str) -> Result<Scenario, ScenarioErrors> {
    Scenario::parse("x.toml", text, &|_| Err("no such file".to_owned()))
}

#[test]
fn a_hostile_text_is_refused_before_it_costs_anything() {
    let many = |text: &str, count: usize| text.repeat(count);
    let keys = |end: &str| {
        (0..60_000).fold(String::new(), |mut text, i| {
            write!(text, "k{i}{end}").unwrap();
            text
        })
    };
    for (what, text) in [
        ("nesting", format!("a = {}", many("[", 1 << 20))),
        (
            "closed nesting",
            format!("a = {}{}", many("[", 9000), many("]", 9000)),
        ),
        ("tables in tables", format!("a = {}", many("{a=", 9000))),
        ("a long header", format!("[{}a]", many("a.", 90_000))),
        ("a long key", format!("{} = 1", many("a", 1 << 20))),
        ("many faults", many("[[fault]]\n", 50_000)),
        ("many keys", keys("=1\n")),
        (
            "many agents",
            format!("[cluster]\nagents = {{{}}}", keys("='',")),
        ),
        ("many lines", many("\n", 16 << 20)),
        ("a huge text", many(" ", (16 << 20) + 1)),
        (
            "a huge summary",
            format!("summary = '{}'", many("x", 15 << 20)),
        ),
        ("zeros", many("\0", 1000)),
    ] {
        let errors = parse(&text).unwrap_err();

        assert!(render(&errors).len() < 100_000, "{what}");
    }
}

#[test]
fn no_error_carries_a_terminals_commands() {
    let text = "\u{1b}]52;c;eA==\u{7} = '\u{9b}2J'\n\u{202e}";

    let said = render(&parse(text).unwrap_err());

    assert!(
        said.chars().all(|c| c == '\n' || !c.is_control()),
        "{said:?}"
    );
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = parse(&text).map_err(|errors| render(&errors));
    }

    #[test]
    fn no_mutation_of_a_scenario_makes_it_panic(
        at in 0..EXAMPLE.len(),
        cut in 0..20_usize,
        put in "[-+0-9a-z\"'={}\\[\\]., \n\u{1b}é]{0,8}",
    ) {
        let end = (at + cut).min(EXAMPLE.len());
        let text = format!("{}{put}{}", &EXAMPLE[..at], &EXAMPLE[end..]);

        if let Err(errors) = parse(&text) {
            prop_assert!(!errors.errors().is_empty());
            prop_assert!(!render(&errors).is_empty());
        }
    }

    #[test]
    fn no_value_in_any_place_makes_it_panic(line in 0..60_usize, value in prop::sample::select(vec![
        "nan", "inf", "-inf", "-0.0", "1e-400", "1e400", "-1", "0", "1.5", "9223372036854775807",
        "18446744073709551616", "''", "'..'", "'-1ms'", "'NaNms'", "'1..2'", "[]", "{}", "[[]]",
        "[1]", "{a=1}", "true", "1979-05-27T07:32:00Z", "'all'", "'a1'", "['a1','a1']", "'99999999h'",
    ])) {
        let every = "[[fault]]\nchance=0.1\ntimes=1\ncrash={}\n[[fault]]\nnth=1\nlost-ack={}\n[limits]\nsteps=1\ntime='1s'\n\
                     stall-after='1s'\n";
        let text: String = EXAMPLE
            .lines()
            .chain(every.lines())
            .enumerate()
            .map(|(number, text)| match text.split_once('=') {
                Some((key, _)) if number == line => format!("{key} = {value}\n"),
                _ => format!("{text}\n"),
            })
            .collect();

        if let Err(errors) = parse(&text) {
            prop_assert!(!render(&errors).is_empty());
        }
    }
}
