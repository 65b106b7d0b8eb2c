//! What a probe has measured so far, and in the end.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::{ProbeKind, ProbePlan};

/// Failures in a row after which a probe gives up; one without an answer counts as several.
const FAILURES_MAX: u64 = 20;
const SILENCE: u64 = 7;

/// What was measured of one kind.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KindReport {
    /// Which kind.
    pub kind: ProbeKind,
    /// How long the operations took that were answered, ns, with three significant digits.
    pub latencies: Histogram<u64>,
    /// How many failed.
    pub errors: u64,
    /// How many were not answered in time.
    pub timeouts: u64,
    /// The store can't do it, ever.
    pub unsupported: bool,
    /// What the store said when one failed last.
    pub last_error: Option<String>,
}

impl KindReport {
    fn new(kind: ProbeKind) -> Self {
        Self {
            kind,
            latencies: Histogram::new(3).expect("three digits are between none and five"),
            errors: 0,
            timeouts: 0,
            unsupported: false,
            last_error: None,
        }
    }
}

/// How a probe ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ProbeEnd {
    /// All that was planned is done.
    Done,
    /// Whoever watched has stopped it.
    Stopped,
    /// Too much failed one after the other.
    GaveUp,
}

/// What a probe came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProbeReport {
    /// One for each of [`ProbeKind::ALL`], in their order.
    pub kinds: Vec<KindReport>,
    /// How long was measured.
    pub took: Duration,
    /// How it ended.
    pub ended: ProbeEnd,
    /// The folder that everything happened in.
    pub folder: String,
    /// Why the folder could not be removed.
    pub left_behind: Option<String>,
}

/// How far a probe is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ProbeProgress {
    /// Operations that ended, of all kinds, however they ended.
    pub done: u64,
    /// How many there will be, if time does not end first.
    pub of: Option<u64>,
    /// How long has been measured; nothing before the first operation that counts.
    pub took: Duration,
}

/// How one operation ended.
#[derive(Debug)]
pub(super) enum Ended {
    Answered(Duration),
    Failed(String),
    Silent,
    Unsupported,
}

/// What a probe has measured so far.
#[derive(Debug)]
pub(super) struct Tally {
    kinds: Vec<KindReport>,
    /// When the measuring began.
    began: Option<Duration>,
    operations: Option<u64>,
    time: Option<Duration>,
    /// Rounds that workers have begun; in each every kind has its turn.
    rounds: u64,
    done: u64,
    /// Failures since something was answered, those without an answer counted as several.
    in_a_row: u64,
    failures_max: u64,
    stopped: bool,
    gave_up: bool,
}

impl Tally {
    pub(super) fn new(plan: &ProbePlan) -> Self {
        Self {
            kinds: ProbeKind::ALL.into_iter().map(KindReport::new).collect(),
            began: None,
            operations: plan.operations,
            time: plan.time,
            rounds: 0,
            done: 0,
            in_a_row: 0,
            failures_max: FAILURES_MAX * u64::from(plan.concurrency),
            stopped: false,
            gave_up: false,
        }
    }

    /// From now on operations count.
    pub(super) fn begin(&mut self, now: Duration) {
        self.began = Some(now);
    }

    /// No operation is begun any more.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
    }

    /// Whether no operation may be begun any more.
    pub(super) fn is_over(&self, now: Duration) -> bool {
        let late = self
            .began
            .zip(self.time)
            .is_some_and(|(began, time)| now.saturating_sub(began) >= time);
        self.stopped || self.gave_up || late
    }

    /// Takes one of the rounds that are left.
    pub(super) fn take_round(&mut self, now: Duration) -> bool {
        if self.is_over(now) || self.operations.is_some_and(|all| self.rounds >= all) {
            return false;
        }
        self.rounds += 1;
        true
    }

    /// Whether no operation of this kind may be begun, now or ever.
    pub(super) fn is_skipped(&self, kind: ProbeKind, now: Duration) -> bool {
        self.is_over(now) || self.kinds[kind.index()].unsupported
    }

    /// An operation has ended. In the warm-up it only shows whether the store answers at all.
    pub(super) fn ended(&mut self, kind: ProbeKind, how: Ended) {
        match how {
            Ended::Answered(_) => self.in_a_row = 0,
            Ended::Failed(_) => self.in_a_row += 1,
            Ended::Silent => self.in_a_row += SILENCE,
            Ended::Unsupported => {}
        }
        self.gave_up |= self.in_a_row >= self.failures_max;
        let report = &mut self.kinds[kind.index()];
        report.unsupported |= matches!(how, Ended::Unsupported);
        // What made a probe give up is told, also if nothing was counted yet.
        if self.began.is_none() && !self.gave_up {
            return;
        }
        self.done += 1;
        match how {
            Ended::Answered(took) => {
                let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
                // A delay of nothing would be no delay. The histogram grows as it must.
                if report.latencies.record(ns.max(1)).is_err() {
                    report.latencies.saturating_record(ns);
                }
            }
            Ended::Failed(why) => {
                report.errors += 1;
                report.last_error = Some(why);
            }
            Ended::Silent => report.timeouts += 1,
            Ended::Unsupported => self.done -= 1,
        }
    }

    pub(super) fn progress(&self, now: Duration) -> ProbeProgress {
        let kinds = self.kinds.iter().filter(|kind| !kind.unsupported).count() as u64;
        ProbeProgress {
            done: self.done,
            of: self.operations.map(|each| each.saturating_mul(kinds)),
            took: self.took(now),
        }
    }

    fn took(&self, now: Duration) -> Duration {
        self.began
            .map_or(Duration::ZERO, |began| now.saturating_sub(began))
    }

    pub(super) fn report(
        &self,
        folder: String,
        stopped: bool,
        left_behind: Option<String>,
        now: Duration,
    ) -> ProbeReport {
        ProbeReport {
            kinds: self.kinds.clone(),
            took: self.took(now),
            ended: if stopped {
                ProbeEnd::Stopped
            } else if self.gave_up {
                ProbeEnd::GaveUp
            } else {
                ProbeEnd::Done
            },
            folder,
            left_behind,
        }
    }
}
