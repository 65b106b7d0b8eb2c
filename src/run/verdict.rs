//! The verdict on one scenario, out of the runs of all its seeds.

use std::ops::Range;

use bivalent_sim::campaign::Summary;
use bivalent_sim::judge::report::{Outcome, RunReport};
use bivalent_sim::scenario::{Expected, Scenario};

use crate::exit::Exit;

/// So many runs that went wrong are kept; the rest are counted.
pub(crate) const WRONG_MAX: usize = 10;

/// What a scenario came to.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Verdict {
    /// As expected.
    Ok,
    /// The budget or Ctrl-C came first.
    Unsure,
    /// What was promised came not.
    Miss,
    /// A decision was expected, and a stall came.
    Stall,
    /// Safety broken where it was promised.
    Fail,
}

impl Verdict {
    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unsure => "UNSURE",
            Self::Miss => "MISS",
            Self::Stall => "STALL",
            Self::Fail => "FAIL",
        }
    }

    /// The exit code for it.
    pub(crate) const fn exit(self) -> Exit {
        match self {
            Self::Ok => Exit::Ok,
            Self::Unsure => Exit::Inconclusive,
            Self::Miss | Self::Stall => Exit::Liveness,
            Self::Fail => Exit::Unsafe,
        }
    }

    /// The verdict on a run that counts on its own.
    pub(crate) const fn of(run: &RunReport) -> Self {
        match (run.as_expected, run.outcome) {
            (true, _) => Self::Ok,
            (false, Outcome::Unsafe) => Self::Fail,
            (false, Outcome::Stalled) => Self::Stall,
            (false, Outcome::Decided) => Self::Miss,
            (false, Outcome::Inconclusive) => Self::Unsure,
        }
    }
}

/// Whether a scenario promises that something goes wrong in one of its seeds.
pub(crate) const fn seeks(scenario: &Scenario) -> bool {
    match scenario.expect.outcome {
        Expected::Violation(_) | Expected::ViolationOrWedge(_) => true,
        Expected::Any
        | Expected::Decide
        | Expected::Stall { .. }
        | Expected::Wedge
        | Expected::Unwedged => false,
    }
}

/// Looks at runs as they come.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    seeks: bool,
    worst: Option<Verdict>,
    wrong: Vec<RunReport>,
    found: Option<RunReport>,
    last: Option<RunReport>,
}

impl Tally {
    /// Nothing seen yet.
    pub(crate) fn new(scenario: &Scenario) -> Self {
        Self {
            seeks: seeks(scenario),
            ..Self::default()
        }
    }

    /// One more run.
    pub(crate) fn see(&mut self, run: RunReport) {
        if self.is_found(&run) && self.found.is_none() {
            self.found = Some(run.clone());
        }
        if self.is_wrong(&run) {
            self.worst = self.worst.max(Some(Verdict::of(&run)));
            if self.wrong.len() < WRONG_MAX {
                self.wrong.push(run.clone());
            }
        }
        self.last = Some(run);
    }

    /// Where something is sought, a run in which it does not show is neither here nor there.
    pub(crate) fn is_wrong(&self, run: &RunReport) -> bool {
        !run.as_expected && (!self.seeks || run.outcome == Outcome::Unsafe)
    }

    fn is_found(&self, run: &RunReport) -> bool {
        let wedged = run.stalls.iter().any(|stall| stall.kind == "wedged");
        self.seeks && run.as_expected && (run.outcome == Outcome::Unsafe || wedged)
    }

    /// All runs are seen.
    pub(crate) fn judge(
        self,
        scenario: &Scenario,
        seeds: Range<u64>,
        summary: Summary,
    ) -> Tested<'_> {
        let missed = self.seeks && self.found.is_none() && summary.found.is_none();
        let verdict = match self.worst {
            Some(worst) => worst,
            None if summary.interrupted => Verdict::Unsure,
            None if missed => Verdict::Miss,
            None => Verdict::Ok,
        };
        Tested {
            scenario,
            seeds,
            verdict,
            summary,
            seeks: self.seeks,
            wrong: self.wrong,
            found: self.found,
            last: self.last,
        }
    }
}

/// A scenario with all that came of it.
#[derive(Debug)]
pub(crate) struct Tested<'a> {
    /// The scenario.
    pub(crate) scenario: &'a Scenario,
    /// The seeds that were to be run.
    pub(crate) seeds: Range<u64>,
    /// What it came to.
    pub(crate) verdict: Verdict,
    /// All runs together.
    pub(crate) summary: Summary,
    /// It promises that something goes wrong.
    pub(crate) seeks: bool,
    /// The first runs that went wrong.
    pub(crate) wrong: Vec<RunReport>,
    /// The run in which what was sought showed.
    pub(crate) found: Option<RunReport>,
    /// The last run.
    pub(crate) last: Option<RunReport>,
}

impl Tested<'_> {
    /// The run to show for it.
    pub(crate) fn shown(&self) -> Option<&RunReport> {
        self.wrong
            .first()
            .or(self.found.as_ref())
            .or(self.last.as_ref())
    }
}
