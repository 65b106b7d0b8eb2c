//! Seeds, ranges of seeds and coordinates, as typed.

use std::ops::Range;

/// A name with the seed and the step that follow it.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Coordinate<'a> {
    /// What comes before the `@`.
    pub(crate) name: &'a str,
    /// The seed after it.
    pub(crate) seed: Option<u64>,
}

/// Takes `NAME`, `NAME@SEED` or `NAME@SEED#STEP` apart. What does not end like a coordinate is a
/// name as a whole.
pub(crate) fn split(text: &str) -> Coordinate<'_> {
    let whole = Coordinate {
        name: text,
        seed: None,
    };
    let Some((name, rest)) = text.rsplit_once('@') else {
        return whole;
    };
    let (digits, step) = rest.split_once('#').unwrap_or((rest, "0"));
    match (seed(digits), step.parse::<u64>()) {
        (Ok(seed), Ok(_)) if !name.is_empty() => Coordinate {
            name,
            seed: Some(seed),
        },
        _ => whole,
    }
}

/// What is wrong with the seed or the step of what was meant as a coordinate, and the name before it.
pub(crate) fn slip(text: &str) -> Option<(&str, String)> {
    let (coordinate, step) = match text.rsplit_once('#') {
        Some((coordinate, step)) => (coordinate, Some(step)),
        None => (text, None),
    };
    let (name, digits) = match coordinate.rsplit_once('@') {
        Some((name, digits)) => (name, Some(digits)),
        None => (coordinate, None),
    };
    if let Some(Err(why)) = digits.map(seed) {
        return Some((name, format!("`{}`: {why}", digits.unwrap_or_default())));
    }
    let step = step.filter(|step| step.replace(['_', ','], "").parse::<u64>().is_err())?;
    Some((name, format!("`{step}`: a step is a number")))
}

/// Reads a seed, decimal or 0x-hex.
pub(crate) fn seed(text: &str) -> Result<u64, String> {
    let digits = text.replace('_', "");
    let value = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(hex) if !hex.starts_with('+') => u64::from_str_radix(hex, 16),
        Some(_) | None => digits.parse(),
    };
    match value {
        Ok(u64::MAX) => Err("the greatest seed is 0xfffffffffffffffe".to_owned()),
        Ok(seed) if !digits.starts_with('+') => Ok(seed),
        Ok(_) | Err(_) => Err("a seed is a number, decimal or 0x-hex".to_owned()),
    }
}

/// Reads `A..B` (B not included) or `A..=B`.
pub(crate) fn seeds(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text
        .split_once("..")
        .ok_or("a range of seeds looks like 0..100")?;
    let range = match to.strip_prefix('=') {
        Some(last) => seed(from)?..seed(last)? + 1,
        None => seed(from)?..seed(to)?,
    };
    if range.is_empty() {
        return Err(format!("no seed lies in {text}"));
    }
    Ok(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coordinate_is_a_name_a_seed_and_perhaps_a_step() {
        let named = |name, seed| Coordinate { name, seed };

        assert_eq!(
            split("a/duel.toml@0x5eed"),
            named("a/duel.toml", Some(0x5eed))
        );
        assert_eq!(split("duel@42#1284"), named("duel", Some(42)));
        assert_eq!(split("duel"), named("duel", None));
        assert_eq!(split("me@home/duel.toml"), named("me@home/duel.toml", None));
        assert_eq!(split("@7"), named("@7", None));
    }

    #[test]
    fn of_a_coordinate_it_is_told_which_part_is_wrong() {
        let told = |text| slip(text).map(|(name, why)| format!("{name} {why}"));
        let seed = "a seed is a number, decimal or 0x-hex";

        assert_eq!(told("duel@zzz"), Some(format!("duel `zzz`: {seed}")));
        assert_eq!(told("duel@-1#3"), Some(format!("duel `-1`: {seed}")));
        for bad in ["duel@0#zz", "duel#zz"] {
            assert_eq!(told(bad).unwrap(), "duel `zz`: a step is a number");
        }
        for good in ["duel", "duel@7", "duel@0x7#1,284"] {
            assert_eq!(told(good), None);
        }
    }

    #[test]
    fn a_range_of_seeds_is_never_empty() {
        assert_eq!(seeds("0..100"), Ok(0..100));
        assert_eq!(seeds("0x10..=0x10"), Ok(16..17));
        for bad in [
            "5..5",
            "9..3",
            "1",
            "..",
            "a..b",
            "-1..3",
            "+1..3",
            "0..18446744073709551615",
        ] {
            assert!(seeds(bad).is_err(), "{bad} was taken");
        }
    }
}
