//! Numbers with units: durations in integer nanoseconds, sizes in bytes, chances in parts of 10^9.

mod schemas;

use super::error::printable;
use super::shape::{Flaw, Shape};
use crate::scenario::fault::Span;

/// The longest time that can be asked for: 30 days.
pub(super) const LONGEST_NS: u64 = 30 * 24 * 3600 * 1_000_000_000;
/// One, as a chance.
pub(super) const CERTAIN: u32 = 1_000_000_000;

const TIMES: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];
const SIZES: [(&str, u64); 4] = [("", 1), ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20)];
const BAD_DURATION: &str = "bivalent::scenario::bad_duration";
const BAD_RANGE: &str = "bivalent::scenario::bad_range";
const BAD_SIZE: &str = "bivalent::scenario::bad_size";
const BAD_NUMBER: &str = "bivalent::scenario::bad_number";
const BAD_CHANCE: &str = "bivalent::scenario::bad_chance";

/// A time, nanoseconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Duration(pub(super) u64);

/// A range of times, or one time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Times(pub(super) Span);

/// A number of bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Size(pub(super) u64);

/// A probability in parts of 10^9.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Chance(pub(super) u32);

/// A factor in parts of 10^6, from 1 in 10^6 to 10^6.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Factor(pub(super) u64);

/// A range of whole numbers, or one. What its ends mean is its reader's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Counts {
    /// The first number.
    pub(super) from: u64,
    /// The number after `..`, if there is one.
    pub(super) to: Option<u64>,
}

impl Shape for Duration {
    const EXPECTED: &'static str = "a duration like \"5ms\"";

    fn text(text: &str) -> Result<Self, Flaw> {
        duration(text).map(Self)
    }

    fn whole(number: i128) -> Result<Self, Flaw> {
        Err(unitless(number))
    }
}

impl Shape for Times {
    const EXPECTED: &'static str = "a range like \"1ms..3ms\", or a duration";

    fn text(text: &str) -> Result<Self, Flaw> {
        range(text).map(Self)
    }

    fn whole(number: i128) -> Result<Self, Flaw> {
        Err(unitless(number))
    }
}

impl Shape for Size {
    const EXPECTED: &'static str = "a size like \"512B\"";

    fn text(text: &str) -> Result<Self, Flaw> {
        size(text).map(Self)
    }

    fn whole(number: i128) -> Result<Self, Flaw> {
        u64::try_from(number).map(Self).map_err(|_| {
            Flaw::new(
                BAD_SIZE,
                format!("`{number}` is no size"),
                "not a number of bytes",
            )
            .help("a size is a whole number with a unit: \"512B\", \"4KiB\"")
        })
    }
}

impl Shape for Chance {
    const EXPECTED: &'static str = "a chance between 0 and 1";

    fn whole(number: i128) -> Result<Self, Flaw> {
        match number {
            0 => Ok(Self(0)),
            1 => Ok(Self(CERTAIN)),
            _ => Err(no_chance(&number.to_string())),
        }
    }

    fn number(number: f64) -> Result<Self, Flaw> {
        if !(0.0..=1.0).contains(&number) {
            return Err(no_chance(&number.to_string()));
        }
        let parts = rounded(number * f64::from(CERTAIN)) as u32;
        if parts == 0 && number > 0.0 {
            return Err(Flaw::new(
                BAD_CHANCE,
                format!("the chance `{number:e}` is too small"),
                "less than one in 10^9",
            )
            .help("the smallest chance is 0.000000001"));
        }
        Ok(Self(parts))
    }
}

impl Shape for Factor {
    const EXPECTED: &'static str = "a factor like 2.0";

    fn whole(number: i128) -> Result<Self, Flaw> {
        match u64::try_from(number) {
            Ok(factor @ 1..=1_000_000) => Ok(Self(factor * 1_000_000)),
            Ok(_) | Err(_) => Err(no_factor(&number.to_string())),
        }
    }

    fn number(number: f64) -> Result<Self, Flaw> {
        if (1e-6..=1e6).contains(&number) {
            Ok(Self(rounded(number * 1e6)))
        } else {
            Err(no_factor(&number.to_string()))
        }
    }
}

impl Shape for Counts {
    const EXPECTED: &'static str = "a range like \"2..5\"";

    fn text(text: &str) -> Result<Self, Flaw> {
        let wrong = || {
            let shown = printable(text);
            Flaw::new(
                BAD_RANGE,
                format!("`{shown}` is no range of numbers"),
                "expected A..B",
            )
            .help("two whole numbers, decimal or 0x-hex: \"2..5\"")
        };
        let (from, to) = match text.split_once("..") {
            Some((from, to)) => (from, Some(count(to.trim()).ok_or_else(wrong)?)),
            None => (text, None),
        };
        let from = count(from.trim()).ok_or_else(wrong)?;
        if to.is_some_and(|to| to < from) {
            let shown = printable(text);
            return Err(Flaw::new(
                BAD_RANGE,
                format!("`{shown}` ends before it begins"),
                "the greater number comes first",
            )
            .help("write the smaller number first"));
        }
        Ok(Self { from, to })
    }

    fn whole(number: i128) -> Result<Self, Flaw> {
        u64::try_from(number)
            .map(|from| Self { from, to: None })
            .map_err(|_| Self::misfit(&format!("the number {number}")))
    }
}

fn count(text: &str) -> Option<u64> {
    let (digits, radix) = text.strip_prefix("0x").map_or((text, 10), |hex| (hex, 16));
    let plain = digits.starts_with(|c: char| c.is_ascii_hexdigit());
    plain
        .then(|| u64::from_str_radix(digits, radix).ok())
        .flatten()
}

#[expect(
    clippy::cast_sign_loss,
    reason = "called only with what is not negative"
)]
fn rounded(number: f64) -> u64 {
    number.round() as u64
}

fn no_chance(shown: &str) -> Flaw {
    Flaw::new(
        BAD_CHANCE,
        format!("`{shown}` is no chance"),
        "not between 0 and 1",
    )
    .help("a chance is a number from 0 (never) to 1 (always), like 0.01")
}

fn no_factor(shown: &str) -> Flaw {
    Flaw::new(
        BAD_NUMBER,
        format!("`{shown}` is no usable factor"),
        "not a factor",
    )
    .help("a factor is a number like 0.5 or 10")
}

fn unitless(number: i128) -> Flaw {
    if number < 0 {
        return negative(&number.to_string());
    }
    Flaw::new(
        BAD_DURATION,
        format!("the duration `{number}` has no unit"),
        "which unit?",
    )
    .help(format!(
        "write \"{number}ms\"; units are ns, us, ms, s, m and h"
    ))
}

fn negative(shown: &str) -> Flaw {
    Flaw::new(
        BAD_DURATION,
        format!("the duration `{shown}` is negative"),
        "less than nothing",
    )
    .help("times only go forward: 0ms is the least")
}

/// Digits, a point and digits as a count of the last place, and how many places there are.
fn decimal(text: &str) -> Option<(u128, u32)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let long = whole.len() > 20 || fraction.len() > 16;
    if whole.is_empty() || long || !digits(whole) || !digits(fraction) || text.ends_with('.') {
        return None;
    }
    let scale = fraction.len() as u32;
    format!("{whole}{fraction}")
        .parse()
        .ok()
        .map(|digits| (digits, scale))
}

/// Nanoseconds out of `5ms`, `0.4ms`, `1h`. No float is involved: what is written is what is meant.
fn duration(text: &str) -> Result<u64, Flaw> {
    let text = text.trim();
    let shown = printable(text);
    if text.starts_with('-') {
        return Err(negative(&shown));
    }
    let split = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = (&text[..split], text[split..].trim());
    let Some((digits, places)) = decimal(number) else {
        return Err(Flaw::new(
            BAD_DURATION,
            format!("`{shown}` is no duration"),
            "expected a number and a unit",
        )
        .help("a duration looks like \"5ms\" or \"0.4ms\"; units are ns, us, ms, s, m and h"));
    };
    let Some((_, ns)) = TIMES.into_iter().find(|(name, _)| *name == unit) else {
        let problem = if unit.is_empty() {
            format!("the duration `{shown}` has no unit")
        } else {
            format!("unknown unit `{}` in `{shown}`", printable(unit))
        };
        return Err(Flaw::new(BAD_DURATION, problem, "which unit?")
            .help("units are ns, us, ms, s, m and h, as in \"5ms\""));
    };
    // At most 36 digits before the multiplication: beyond u128 is beyond 30 days.
    let scaled = digits.saturating_mul(ns.into());
    let unit_of_last_place = 10_u128.pow(places);
    let total = scaled / unit_of_last_place;
    if total > LONGEST_NS.into() {
        return Err(Flaw::new(
            BAD_DURATION,
            format!("`{shown}` is too long"),
            "more than 30 days",
        )
        .help("the longest time is 720h"));
    }
    if scaled % unit_of_last_place != 0 {
        return Err(Flaw::new(
            BAD_DURATION,
            format!("`{shown}` is finer than a nanosecond"),
            "not a whole number of nanoseconds",
        )
        .help("time is counted in whole nanoseconds"));
    }
    Ok(total as u64)
}

/// A duration as a file would say it, exact.
pub(super) fn spelled(ns: u64) -> String {
    let units = [
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
        ("ns", 1),
    ];
    let unit = units.into_iter().find(|(_, unit)| ns.is_multiple_of(*unit));
    match unit {
        Some((name, unit)) if ns > 0 => format!("{}{name}", ns / unit),
        Some(_) | None => "0ms".to_owned(),
    }
}

/// A range of durations; one duration is a range of one.
fn range(text: &str) -> Result<Span, Flaw> {
    let Some((min, max)) = text.split_once("..") else {
        return duration(text).map(|at| Span { min: at, max: at });
    };
    let span = Span {
        min: duration(min)?,
        max: duration(max)?,
    };
    if span.min > span.max {
        let shown = printable(text);
        return Err(Flaw::new(
            BAD_RANGE,
            format!("`{shown}` ends before it begins"),
            "the longer time comes first",
        )
        .help(format!(
            "write \"{}..{}\"",
            printable(max.trim()),
            printable(min.trim())
        )));
    }
    Ok(span)
}

/// Bytes out of `512B`, `4KiB`, `4096`.
fn size(text: &str) -> Result<u64, Flaw> {
    let text = text.trim();
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let unit = SIZES
        .into_iter()
        .find(|(name, _)| *name == text[split..].trim());
    let bytes = text[..split].parse::<u64>().ok();
    bytes
        .zip(unit)
        .and_then(|(bytes, (_, unit))| bytes.checked_mul(unit))
        .ok_or_else(|| {
            let shown = printable(text);
            Flaw::new(
                BAD_SIZE,
                format!("`{shown}` is no size"),
                "expected a number and a unit",
            )
            .help("a size is a whole number with a unit: \"64B\", \"4KiB\", \"1MiB\"")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_what_is_written_to_the_nanosecond() {
        let cases = [
            ("0ms", 0),
            ("5ms", 5_000_000),
            ("0.4ms", 400_000),
            ("9.1s", 9_100_000_000),
            ("1.000000001s", 1_000_000_001),
            ("250us", 250_000),
            ("3µs", 3_000),
            ("7ns", 7),
            ("2m", 120_000_000_000),
            (" 720h ", LONGEST_NS),
        ];

        for (text, ns) in cases {
            assert_eq!(duration(text), Ok(ns), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "5",
            "ms",
            "-5ms",
            "5 weeks",
            "1e3ms",
            ".5ms",
            "5.ms",
            "0.5ns",
            "721h",
            "NaNms",
            "infs",
            "5ms5",
            "1..2ms",
            "99999999999999999999h",
            "0x5ms",
            "5\u{0}ms",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_range_runs_upwards() {
        let span = |min, max| Ok(Span { min, max });

        assert_eq!(range("0.4ms..2ms"), span(400_000, 2_000_000));
        assert_eq!(range("5ms"), span(5_000_000, 5_000_000));
        assert!(range("3ms..1ms").is_err());
        assert!(range("1ms..").is_err());
        assert!(range("1ms...2ms").is_err());
    }

    #[test]
    fn sizes_carry_binary_units() {
        assert_eq!(size("512B"), Ok(512));
        assert_eq!(size("4KiB"), Ok(4096));
        assert_eq!(size("4096"), Ok(4096));
        for text in ["", "B", "-1B", "4kB", "1.5KiB", "99999999999999999999B"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_chance_lies_between_never_and_always() {
        let ok = [
            (0.0, 0),
            (-0.0, 0),
            (0.01, 10_000_000),
            (1.0, CERTAIN),
            (1e-9, 1),
        ];
        let bad = [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            -0.1,
            1.000_001,
            2.0,
            1e-10,
            1e300,
        ];

        for (number, parts) in ok {
            assert_eq!(Chance::number(number), Ok(Chance(parts)), "{number}");
        }
        for number in bad {
            assert!(Chance::number(number).is_err(), "{number}");
        }
        assert_eq!(Chance::whole(1), Ok(Chance(CERTAIN)));
        assert!(Chance::whole(2).is_err() && Chance::whole(-1).is_err());
    }

    #[test]
    fn a_range_of_numbers_may_be_hexadecimal() {
        let counts = |from, to| Ok(Counts { from, to });

        assert_eq!(Counts::text("0..2000"), counts(0, Some(2000)));
        assert_eq!(Counts::text("0x10..0xff"), counts(16, Some(255)));
        assert_eq!(Counts::text("7"), counts(7, None));
        for text in ["5..2", "..", "-1..2", "+1..2", "a..b", "0x..3", "1..2..3"] {
            assert!(Counts::text(text).is_err(), "{text}");
        }
    }
}
