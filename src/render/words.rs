//! Outcomes and promises in a few words.

use bivalent_sim::judge::report::{Outcome, RunReport};
use bivalent_sim::scenario::{Expect, Expected};

use super::units;

/// What a scenario promises.
pub(crate) fn expected(expect: &Expect) -> String {
    let kind = expect
        .stall
        .map_or(String::new(), |kind| format!(" ({})", kind.name()));
    match expect.outcome {
        Expected::Any => "safe".to_owned(),
        Expected::Decide => "decide".to_owned(),
        Expected::Stall {
            heals_within_ns: Some(ns),
        } => format!("stall{kind}, decide within {} of the heal", units::time(ns)),
        Expected::Stall {
            heals_within_ns: None,
        } => format!("stall{kind}"),
        Expected::Wedge => "wedge".to_owned(),
        Expected::Unwedged => "no wedge".to_owned(),
        Expected::Violation(property) => format!("break {}", property.name()),
        Expected::ViolationOrWedge(property) => format!("break {} or wedge", property.name()),
    }
}

/// What happened in one run.
pub(crate) fn outcome(run: &RunReport) -> String {
    match run.outcome {
        Outcome::Decided => "decided".to_owned(),
        Outcome::Unsafe => match run.violations.first() {
            Some(violation) => format!("{} broken", violation.property),
            None => "unsafe".to_owned(),
        },
        Outcome::Stalled => match run.stalls.last() {
            Some(stall) if stall.heals => format!("stall: {}, heals", stall.kind),
            Some(stall) => format!("stall: {}", stall.kind),
            None => "stall".to_owned(),
        },
        Outcome::Inconclusive => "budget ended first".to_owned(),
    }
}
