//! A measured distribution: an HdrHistogram interval log as a table of equally likely delays.
//!
//! Only integers take part, so that the same file gives the same delays everywhere.

use std::collections::BTreeMap;
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use thiserror::Error;

use super::error::printable;
use super::units::LONGEST_NS;
use crate::scenario::fault::DelayTable;

/// How many values a table has.
const VALUES: u64 = 4096;
/// No histogram is larger once inflated, bytes.
const INFLATED_MAX: u64 = 16 << 20;
/// No file is larger, bytes.
const FILE_MAX: usize = 16 << 20;
const COOKIE_MASK: u32 = !0xf0;
const PLAIN: u32 = 0x1c84_9303;
const COMPRESSED: u32 = 0x1c84_9304;
/// Cookie, length, offset, digits, low, high and ratio.
const HEADER: usize = 40;

/// Why a histogram file can't be used.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{file}{}: {problem}", .line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct HistogramError {
    /// The file, as the scenario names it.
    pub file: String,
    /// Its line, from 1, if it is one line that is wrong.
    pub line: Option<usize>,
    /// What is wrong.
    pub problem: String,
}

/// Reads an interval log (`.hlog`) of nanoseconds: all its intervals together, as 4096 equally
/// likely values, the last of which is the greatest delay recorded.
pub fn delay_table(file: &str, text: &str) -> Result<DelayTable, HistogramError> {
    let wrong = |line, problem: String| HistogramError {
        file: printable(file),
        line,
        problem,
    };
    if text.len() > FILE_MAX {
        return Err(wrong(None, format!("larger than {} MiB", FILE_MAX >> 20)));
    }
    let mut counts = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        if !line.trim().is_empty() {
            add_line(line, &mut counts).map_err(|problem| wrong(Some(number), problem))?;
        }
    }
    let values = equally_likely(&counts);
    if values.is_empty() {
        return Err(wrong(None, "no delay is recorded in it".to_owned()));
    }
    Ok(DelayTable {
        file: file.to_owned(),
        values,
    })
}

/// Adds the histogram of a line, if it holds one.
fn add_line(line: &str, counts: &mut BTreeMap<u64, u64>) -> Result<(), String> {
    // One line at a time: the iterator itself does not say in which line it stops.
    let line = format!("{}\n", line.trim_end());
    for entry in IntervalLogIterator::new(line.as_bytes()) {
        let entry = entry.map_err(|_| "not a line of an HdrHistogram interval log".to_owned())?;
        if let LogEntry::Interval(interval) = entry {
            let histogram = decode(interval.encoded_histogram().trim())?;
            for step in histogram.iter_recorded() {
                let value = step.value_iterated_to().min(histogram.max());
                if value > LONGEST_NS {
                    return Err(format!("a delay of {value} ns: more than 30 days"));
                }
                let count = counts.entry(value).or_insert(0_u64);
                *count = count.saturating_add(step.count_at_value());
            }
        }
    }
    Ok(())
}

/// The histogram in a line. Its sizes are checked before anything is allocated by them.
fn decode(base64: &str) -> Result<Histogram<u64>, String> {
    let bytes = STANDARD
        .decode(base64)
        .map_err(|error| format!("the histogram is not base64: {error}"))?;
    let cookie = word(&bytes, 0).map_or(0, |cookie| cookie & COOKIE_MASK);
    let plain = match cookie {
        COMPRESSED_BASE => {
            let mut plain = Vec::new();
            let packed = bytes.get(8..).unwrap_or_default();
            ZlibDecoder::new(packed)
                .take(INFLATED_MAX)
                .read_to_end(&mut plain)
                .map_err(|error| format!("the histogram can't be inflated: {error}"))?;
            plain
        }
        PLAIN_BASE => bytes,
        _ => return Err("not an HdrHistogram of version 2".to_owned()),
    };
    let body = plain.get(HEADER..).ok_or("the histogram is cut short")?;
    let length = word(&plain, 4).unwrap_or(u32::MAX);
    if u32::try_from(body.len()).map_or(true, |room| length > room) {
        return Err("the histogram is cut short".to_owned());
    }
    // The least number there is: the decoder would negate it.
    if body.windows(9).any(|bytes| bytes == [0xff; 9]) {
        return Err("the histogram holds an impossible count".to_owned());
    }
    Deserializer::new()
        .deserialize(&mut plain.as_slice())
        .map_err(|error| format!("not a histogram: {error}"))
}

const COMPRESSED_BASE: u32 = COMPRESSED & COOKIE_MASK;
const PLAIN_BASE: u32 = PLAIN & COOKIE_MASK;

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes(word.try_into().ok()?))
}

/// The value in the middle of each of 4096 equal parts of the distribution, the last one its end.
fn equally_likely(counts: &BTreeMap<u64, u64>) -> Vec<u64> {
    let total: u128 = counts.values().map(|&count| u128::from(count)).sum();
    let mut values = Vec::new();
    let mut below = 0_u128;
    for (&value, &count) in counts {
        below += u128::from(count);
        // Part k is this value's, if its middle, (2k + 1) / 8192 of all, lies within what is below.
        while values.len() < VALUES as usize
            && (2 * values.len() as u128 + 1) * total <= below * u128::from(2 * VALUES)
        {
            values.push(value);
        }
    }
    if let (Some(last), Some((&max, _))) = (values.last_mut(), counts.last_key_value()) {
        *last = max;
    }
    values
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DISK: &str = include_str!("../../../scenarios/measured/delays/local-disk-write.hlog");

    #[test]
    fn a_table_has_the_shares_of_what_was_counted() {
        let counts = BTreeMap::from([(10, 1), (20, 2), (30, 1)]);

        let values = equally_likely(&counts);

        let share = |value| values.iter().filter(|&&v| v == value).count();
        assert_eq!((share(10), share(20), share(30)), (1024, 2048, 1024));
    }

    #[test]
    fn the_last_value_is_the_maximum_however_rare() {
        let values = equally_likely(&BTreeMap::from([(10, 1_000_000), (99, 1)]));

        assert_eq!(values.len(), 4096);
        assert_eq!(values[4094..], [10, 99]);
    }

    #[test]
    fn counts_beyond_all_bounds_do_not_overflow() {
        let values = equally_likely(&BTreeMap::from([(1, u64::MAX), (2, u64::MAX)]));

        assert_eq!((values[2047], values[2048]), (1, 2));
    }

    #[test]
    fn intervals_are_merged() {
        let line = DISK.lines().last().unwrap();
        let twice = format!("{DISK}{line}\n");

        assert_eq!(
            delay_table("x", &twice).unwrap(),
            delay_table("x", DISK).unwrap()
        );
    }

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        for (line, problem) in [
            ("what is this", "not a line"),
            ("0.000,1.000,2.327,HIST!", "not base64"),
            ("0.000,1.000,2.327,AAAAAAAA", "not an HdrHistogram"),
            ("0.000,1.000,2.327,HISTEwAAAAA=", "cut short"),
        ] {
            let error = delay_table("f.hlog", &format!("#c\n\n{line}\n")).unwrap_err();

            assert_eq!(error.line, Some(3), "{error}");
            assert!(error.to_string().starts_with("f.hlog, line 3: "), "{error}");
            assert!(error.problem.contains(problem), "{error}");
        }
        assert_eq!(delay_table("f.hlog", "").unwrap_err().line, None);
    }

    #[test]
    fn a_histogram_that_claims_to_be_huge_is_refused_at_once() {
        let mut bytes = PLAIN.to_be_bytes().to_vec();
        bytes.extend(u32::MAX.to_be_bytes());
        bytes.extend([0; 32]);
        let text = format!("0.000,1.000,1.000,{}\n", STANDARD.encode(bytes));

        assert!(delay_table("x", &text).is_err());
    }

    proptest! {
        #[test]
        fn no_histogram_makes_it_panic(
            digits in 0..7_u32, low in any::<u64>(), high in any::<u64>(),
            body in prop::collection::vec(prop_oneof![Just(0xff_u8), any::<u8>()], 0..40),
        ) {
            let mut bytes = (PLAIN | 0x10).to_be_bytes().to_vec();
            bytes.extend((body.len() as u32).to_be_bytes());
            bytes.extend([0; 4]);
            bytes.extend(digits.to_be_bytes());
            bytes.extend(low.to_be_bytes());
            bytes.extend(high.to_be_bytes());
            bytes.extend(1.0_f64.to_be_bytes());
            bytes.extend(body);
            let text = format!("0.000,1.000,1.000,{}\n", STANDARD.encode(bytes));

            let _ = delay_table("x", &text);
        }

        #[test]
        fn no_mutation_of_a_log_makes_it_panic(at in 0..DISK.len(), byte in 32..127_u8) {
            let mut bytes = DISK.as_bytes().to_vec();
            bytes[at] = byte;

            let _ = delay_table("x", &String::from_utf8(bytes).unwrap());
        }
    }
}
