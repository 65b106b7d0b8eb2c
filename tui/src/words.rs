//! Numbers and times as people read them.

pub(crate) use bivalent_sim::scenario::words::grouped;

/// So many of something.
pub(crate) fn counted(number: u64, one: &str) -> String {
    let more = if number == 1 { "" } else { "s" };
    format!("{} {one}{more}", grouped(number))
}

/// Nanoseconds with a unit, cut to thousandths: `41.207s`, `3.400ms`.
pub(crate) fn time(ns: u64) -> String {
    let (unit, name) = match ns {
        0 => return "0s".to_owned(),
        1_000_000_000.. => (1_000_000_000, "s"),
        1_000_000.. => (1_000_000, "ms"),
        1_000.. => (1_000, "us"),
        _ => return format!("{ns}ns"),
    };
    format!("{}.{:03}{name}", ns / unit, ns % unit * 1000 / unit)
}

/// A time that was typed: `1.5s`, `20ms`, `7us`; nanoseconds.
pub(crate) fn read_time(text: &str) -> Option<u64> {
    let text = text.trim();
    let (number, unit) = [
        ("ms", 1_000_000),
        ("us", 1_000),
        ("ns", 1),
        ("s", 1_000_000_000),
    ]
    .into_iter()
    .find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let mut ns = whole.checked_mul(unit)?;
    let mut place = unit;
    for digit in part.chars() {
        place /= 10;
        ns = ns.checked_add(u64::from(digit.to_digit(10)?).checked_mul(place)?)?;
    }
    (!(number.is_empty() || number == ".")).then_some(ns)
}

/// `text`, or as much of it as fits into so many columns, with a sign that there is more.
pub(crate) fn cut(text: &str, width: usize, more: &str) -> String {
    use unicode_width::UnicodeWidthStr;
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(more.width());
    let mut short = String::new();
    for letter in text.chars() {
        let mut longer = short.clone();
        longer.push(letter);
        if longer.width() > room {
            break;
        }
        short = longer;
    }
    if room == 0 && width < more.width() {
        return short;
    }
    short + more
}

/// Text in lines of so many columns, broken between words where there are any.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    use unicode_width::UnicodeWidthStr;
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let gap = usize::from(!line.is_empty());
        if line.width() + gap + word.width() > width && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_numbers() {
        assert_eq!(
            (grouped(7), grouped(1284), grouped(1_000_000)),
            ("7".into(), "1,284".into(), "1,000,000".into())
        );
        assert_eq!((time(0), time(999)), ("0s".into(), "999ns".into()));
        assert_eq!(
            (time(41_207_000_000), time(3_400_000)),
            ("41.207s".into(), "3.400ms".into())
        );
    }

    #[test]
    fn typed_times() {
        assert_eq!(read_time("1.5s"), Some(1_500_000_000));
        assert_eq!(read_time(" 20ms"), Some(20_000_000));
        assert_eq!(read_time(".25ms"), Some(250_000));
        assert_eq!(
            (
                read_time("12"),
                read_time("s"),
                read_time("-1s"),
                read_time("1e9s")
            ),
            (None, None, None, None)
        );
        assert_eq!(read_time("99999999999999s"), None);
    }

    #[test]
    fn what_is_too_long_is_cut_or_wrapped() {
        assert_eq!(cut("abcdef", 4, "…"), "abc…");
        assert_eq!(cut("abc", 3, "…"), "abc");
        assert_eq!(cut("abc", 0, "…"), "");
        assert_eq!(wrapped("a bc def", 4), ["a bc", "def"]);
        assert_eq!(wrapped("", 4), [""]);
    }
}
