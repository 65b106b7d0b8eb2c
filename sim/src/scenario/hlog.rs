//! Histograms as `HdrHistogram` logs: the text form that other programs and scenarios read.

use std::time::Duration;

use hdrhistogram::{
    Histogram,
    serialization::{V2DeflateSerializer, interval_log::IntervalLogWriterBuilder},
};

/// One histogram as a log of one interval, up to `until`; `comment` is one line.
pub fn log(histogram: &Histogram<u64>, comment: &str, until: Duration) -> String {
    let mut bytes = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut builder = IntervalLogWriterBuilder::new();
    builder.add_comment(comment);
    let written = builder
        .begin_log_with(&mut bytes, &mut serializer)
        .map(|mut log| log.write_histogram(histogram, Duration::ZERO, until, None));
    debug_assert!(matches!(written, Ok(Ok(()))), "a vector takes every byte");
    String::from_utf8(bytes).unwrap_or_default()
}
