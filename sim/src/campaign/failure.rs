//! Failures: what is wrong with a run, so that two runs can be said to fail alike.
//!
//! A violation outside the envelope is no failure: it illustrates a limit that is known. Neither is a
//! stall where the scenario promises safety only.

use serde::{Deserialize, Serialize};

use crate::{
    engine::End,
    judge::{
        report::{Outcome, Violation},
        verdict::{self, Finished},
    },
    scenario::{Expected, Scenario, StallKind},
};

/// What is wrong with a run.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// A property was broken though the faults stayed inside the envelope; the first one that was.
    Violation {
        /// Its name.
        property: String,
    },
    /// A stall that no healing ends, where none was to come.
    Wedge,
    /// A stall where a decision was expected.
    Stall {
        /// Its kind.
        kind: String,
    },
    /// Another proposal was decided than the one that the scenario says must be.
    OtherValue,
    /// What was tested panicked.
    Panic {
        /// The file and line.
        place: String,
        /// What it said.
        message: String,
    },
    /// What was tested did not come back from a step.
    Endless,
    /// Two runs of the same seed differ.
    Differs,
}

impl Failure {
    /// Whether two runs fail alike. Panics do at the same place, whatever they say.
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Panic { place: a, .. }, Self::Panic { place: b, .. }) => a == b,
            _ => self == other,
        }
    }

    /// A word for names of files and tables: `agreement`, `wedge`, `panic`.
    pub fn word(&self) -> &str {
        match self {
            Self::Violation { property } => property,
            Self::Wedge => "wedge",
            Self::Stall { kind } => kind,
            Self::OtherValue => "other-value",
            Self::Panic { .. } => "panic",
            Self::Endless => "endless",
            Self::Differs => "differs",
        }
    }

    /// The same in a few words for people.
    pub fn words(&self) -> String {
        match self {
            Self::Violation { property } => format!("{property} broken"),
            Self::Wedge => "wedged: no healing ends the stall".to_owned(),
            Self::Stall { kind } => format!("stall ({kind}) where a decision was expected"),
            Self::OtherValue => "another value was decided than was promised".to_owned(),
            Self::Panic { place, message } => format!("panic at {place}: {message}"),
            Self::Endless => "a step that does not end".to_owned(),
            Self::Differs => "two runs of the same seed differ".to_owned(),
        }
    }

    /// Whether it is about safety, and not about progress, a promised value, or the same run twice.
    pub const fn is_unsafe(&self) -> bool {
        match self {
            Self::Violation { .. } | Self::Panic { .. } | Self::Endless => true,
            Self::Wedge | Self::Stall { .. } | Self::OtherValue | Self::Differs => false,
        }
    }
}

/// What is wrong with a run that an engine has just finished, if anything is.
pub(crate) fn of(scenario: &Scenario, run: &dyn Finished, end: End) -> Option<Failure> {
    let mut broken = armed(scenario, run);
    if let Some(first) = broken.next() {
        let property = first.property.to_owned();
        return run
            .exceeded()
            .is_empty()
            .then_some(Failure::Violation { property });
    }
    let mut stalls = run.stalls().iter();
    let wedged = |kind: &str| kind == StallKind::Wedged.name();
    match scenario.expect.outcome {
        Expected::Decide => {
            let (outcome, is_expected) = verdict::judge(scenario, run, end);
            match outcome {
                Outcome::Stalled => stalls.next().map(|first| {
                    if wedged(first.kind) {
                        Failure::Wedge
                    } else {
                        Failure::Stall {
                            kind: first.kind.to_owned(),
                        }
                    }
                }),
                Outcome::Decided => (!is_expected).then_some(Failure::OtherValue),
                Outcome::Unsafe | Outcome::Inconclusive => None,
            }
        }
        Expected::Unwedged => stalls
            .any(|stall| wedged(stall.kind))
            .then_some(Failure::Wedge),
        Expected::Any
        | Expected::Stall { .. }
        | Expected::Wedge
        | Expected::Violation(_)
        | Expected::ViolationOrWedge(_) => None,
    }
}

/// Whether a property that counts was broken, though only where nothing is promised.
pub fn is_beyond(scenario: &Scenario, run: &dyn Finished) -> bool {
    armed(scenario, run).next().is_some() && !run.exceeded().is_empty()
}

fn armed<'a>(scenario: &'a Scenario, run: &'a dyn Finished) -> impl Iterator<Item = &'a Violation> {
    let armed = |violation: &&Violation| verdict::is_armed(&scenario.expect, violation.property);
    run.violations().iter().filter(armed)
}

/// The step at which a run failed; where nothing says so, its last one.
pub(crate) fn step(failure: &Failure, run: &dyn Finished) -> u64 {
    let found = match failure {
        Failure::Violation { property } => {
            let mut violations = run.violations().iter();
            violations
                .find(|violation| violation.property == property)
                .map(|violation| violation.step)
        }
        Failure::Stall { .. }
        | Failure::Wedge
        | Failure::OtherValue
        | Failure::Panic { .. }
        | Failure::Endless
        | Failure::Differs => None,
    };
    found.unwrap_or_else(|| run.steps())
}
