//! The results of a campaign as files for others: findings, `JUnit`, a summary, histograms.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bivalent_sim::campaign::fuzz::{
    Finding, FindingReport, Hunt, SchedulerTally, Struck, Sum, Tally, Untested,
};
use bivalent_sim::judge::probe::Probe;
use bivalent_sim::scenario::fault::FaultKind;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::files::{self, Existing};
use crate::render::escape;

use super::regressions::{Regressions, Relapse};

/// A campaign as other programs read it.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    pub(crate) runs: u64,
    pub(crate) decided: u64,
    pub(crate) stalled: u64,
    pub(crate) broken: u64,
    pub(crate) inconclusive: u64,
    pub(crate) beyond_envelope: u64,
    pub(crate) compared: u64,
    pub(crate) steps: u64,
    pub(crate) store_ops: u64,
    pub(crate) features: u64,
    pub(crate) late_features: u64,
    pub(crate) fingerprint: String,
    pub(crate) complete: bool,
    pub(crate) regressions: u64,
    pub(crate) relapses: Vec<Relapse>,
    pub(crate) findings: Vec<FindingReport>,
    pub(crate) untested: Vec<Untested>,
    pub(crate) schedulers: BTreeMap<&'static str, SchedulerTally>,
    pub(crate) faults: BTreeMap<&'static str, Struck>,
    pub(crate) probes: BTreeMap<&'static str, u64>,
    pub(crate) scenarios: Vec<OfScenario>,
}

/// One scenario of it.
#[derive(Debug, Serialize)]
pub(crate) struct OfScenario {
    pub(crate) scenario: String,
    pub(crate) runs: u64,
    pub(crate) decided: u64,
    pub(crate) stalled: u64,
    pub(crate) findings: u64,
    pub(crate) fingerprint: String,
}

impl Summary {
    pub(crate) fn new(hunt: &Hunt, sum: &Sum, regressions: &Regressions, complete: bool) -> Self {
        let total = &sum.total;
        let of = |(number, tally): (usize, &Tally)| OfScenario {
            scenario: hunt.scenarios[number].name.clone(),
            runs: tally.runs,
            decided: tally.decided,
            stalled: tally.stalled,
            findings: findings_of(sum, number).count() as u64,
            fingerprint: format!("{:016x}", tally.fingerprint),
        };
        let named = total.schedulers.iter();
        Self {
            runs: total.runs,
            decided: total.decided,
            stalled: total.stalled,
            broken: total.broken,
            inconclusive: total.inconclusive,
            beyond_envelope: total.beyond,
            compared: total.compared,
            steps: total.steps,
            store_ops: total.store_ops,
            features: total.features.0.len(),
            late_features: sum.late_features(),
            fingerprint: format!("{:016x}", total.fingerprint),
            complete,
            regressions: regressions.count(),
            relapses: regressions.relapses(),
            findings: sum.findings.list.iter().map(Finding::report).collect(),
            untested: sum.untested(hunt),
            schedulers: named.map(|(who, tally)| (who.name(), *tally)).collect(),
            faults: FaultKind::ALL
                .into_iter()
                .map(|kind| (kind.name(), total.struck(kind)))
                .filter(|(_, struck)| *struck != Struck::default())
                .collect(),
            probes: Probe::ALL
                .into_iter()
                .map(|probe| (probe.name(), total.probe(probe)))
                .collect(),
            scenarios: sum.scenarios.iter().enumerate().map(of).collect(),
        }
    }
}

fn findings_of(sum: &Sum, scenario: usize) -> impl Iterator<Item = &Finding> {
    let findings = sum.findings.list.iter();
    findings.filter(move |finding| finding.scenario == scenario)
}

/// Writes a finding's trace and scenario.
pub(crate) fn keep_finding(folder: &Path, finding: &Finding) -> Result<(), Failure> {
    let folder = folder.join("findings");
    files::make_folder(&folder)?;
    let stem = finding.file_stem();
    let write = |ending: &str, text: &str| {
        files::write(
            &folder.join(format!("{stem}.{ending}")),
            text.as_bytes(),
            Existing::Replace,
        )
    };
    write("toml", &finding.small.toml)?;
    if finding.small.trace.is_empty() {
        return Ok(());
    }
    write("trace", &finding.small.trace)
}

/// Writes everything there is to say at the end.
pub(crate) fn keep(
    folder: &Path,
    hunt: &Hunt,
    sum: &Sum,
    regressions: &Regressions,
    summary: &Summary,
    took: Duration,
) -> Result<(), Failure> {
    let write = |name: &str, text: &str| {
        files::write(&folder.join(name), text.as_bytes(), Existing::Replace)
    };
    let json = serde_json::to_string_pretty(summary).unwrap_or_default();
    write("summary.json", &format!("{}\n", escape::json(&json)))?;
    write("summary.md", &super::report::markdown(sum, summary))?;
    write(
        "latency.hlog",
        &sum.total
            .latency
            .log("Virtual time to each decision, nanoseconds"),
    )?;
    write("steps.hlog", &sum.total.lengths.log("Steps of each run"))?;
    write("junit.xml", &junit(hunt, sum, regressions, took)?)?;
    sum.findings
        .list
        .iter()
        .try_for_each(|finding| keep_finding(folder, finding))
}

/// A suite with a case for each scenario; each finding is a failure of its own case. And one of the regressions.
fn junit(
    hunt: &Hunt,
    sum: &Sum,
    regressions: &Regressions,
    took: Duration,
) -> Result<String, Failure> {
    let mut report = Report::new("bivalent fuzz");
    report.set_time(took);
    let mut suite = TestSuite::new("bivalent.fuzz");
    let untested = sum.untested(hunt);
    for (number, scenario) in hunt.scenarios.iter().enumerate() {
        let tally = &sum.scenarios[number];
        if tally.runs == 0 {
            continue;
        }
        let findings: Vec<&Finding> = findings_of(sum, number).collect();
        let missing: Vec<&str> = untested
            .iter()
            .filter(|it| it.required && it.scenario == scenario.name)
            .map(|it| it.what.as_str())
            .collect();
        if findings.is_empty() {
            let status = if missing.is_empty() {
                TestCaseStatus::success()
            } else {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
                status.set_message(format!("tested nothing: {}", missing.join(", ")));
                status
            };
            suite.add_test_case(case(&scenario.name, tally, status));
        }
        for finding in findings {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type(finding.failure.word());
            status.set_message(finding.failure.words());
            status.set_description(super::report::finding(
                finding,
                crate::render::paint::Paint::default(),
                None,
            ));
            let name = format!("{}@{:#x}", scenario.name, finding.seed);
            suite.add_test_case(case(&name, tally, status));
        }
    }
    report.add_test_suite(suite);
    if regressions.count() > 0 {
        report.add_test_suite(suite_of(regressions));
    }
    report
        .to_string()
        .map_err(|error| Failure::new(Exit::Bug, format!("junit.xml can't be made: {error}")))
}

fn suite_of(regressions: &Regressions) -> TestSuite {
    let mut suite = TestSuite::new("bivalent.regressions");
    for (file, wrong) in regressions.all() {
        let mut status = TestCaseStatus::success();
        if let Some(wrong) = wrong {
            status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type(wrong.word());
            status.set_message(format!("a relapse: {}", wrong.words()));
        }
        let mut case = TestCase::new(file, status);
        case.set_classname("bivalent.regressions");
        suite.add_test_case(case);
    }
    suite
}

fn case(name: &str, tally: &Tally, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname("bivalent.fuzz");
    let out = format!(
        "{} runs, {} decided, {} stalled, {} beyond the envelope",
        tally.runs, tally.decided, tally.stalled, tally.beyond
    );
    case.set_system_out(out);
    case
}
