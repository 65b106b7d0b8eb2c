//! Numbers as people read them.

pub(crate) use bivalent_sim::scenario::words::grouped as count;

/// A count with its noun.
pub(crate) fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// A time given in nanoseconds, to three digits.
pub(crate) fn time(ns: u64) -> String {
    let (unit, name) = match ns {
        0..1_000 => return format!("{ns}ns"),
        1_000..1_000_000 => (1_000, "us"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        1_000_000_000.. => (1_000_000_000, "s"),
    };
    let thousandths = ns / (unit / 1_000);
    let whole = thousandths / 1_000;
    let fraction = thousandths % 1_000;
    match whole {
        0..10 => format!("{whole}.{:02}{name}", fraction / 10),
        10..100 => format!("{whole}.{}{name}", fraction / 100),
        100.. => format!("{}{name}", count(whole)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_three_digits_and_a_unit() {
        let seen = [
            0,
            999,
            1_500,
            41_207_000,
            412_000_000,
            9_114_000_000,
            1_234_000_000_000,
        ]
        .map(time);

        assert_eq!(
            seen,
            [
                "0ns", "999ns", "1.50us", "41.2ms", "412ms", "9.11s", "1,234s"
            ]
        );
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(
            [7, 1_000, 1_234_567].map(count),
            ["7", "1,000", "1,234,567"]
        );
        assert_eq!(counted(1, "run", "runs"), "1 run");
    }
}
