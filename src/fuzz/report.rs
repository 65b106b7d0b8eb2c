//! A campaign in words: each finding as it comes, and what it all came to.

use bivalent_sim::campaign::fuzz::{Finding, Slice, Sum};
use bivalent_sim::campaign::trace::Trace;
use bivalent_sim::story;

use super::Told;
use super::failed;
use super::results::Summary;
use crate::cli::planted;
use crate::render::paint::Paint;
use crate::render::story as lines;
use crate::render::units::{count, counted};
use crate::render::{escape, faults};

/// Steps of a finding that are told.
const STEPS_MAX: usize = 24;
/// Probes and the like that are listed by name.
const LISTED_MAX: usize = 12;

/// A finding: what broke, how it happened, how to see it again.
pub(crate) fn finding(finding: &Finding, paint: Paint, kept: Option<&str>) -> String {
    let small = &finding.small;
    let word = failed::word(&finding.failure, paint);
    let place = escape::line(&format!("{}@{:#x}", finding.from, finding.seed));
    let what = escape::line(&finding.failure.words());
    let mut text = format!("{word}  {place}   {what}\n");
    let (before, after) = (small.before.steps, small.after.steps);
    if small.tried > 0 {
        let needs = finding.report().needs;
        let needs = if needs.is_empty() {
            "no fault needed".to_owned()
        } else {
            format!("needs {}", needs.join(", "))
        };
        let bound = if small.complete {
            ""
        } else {
            "; not to the end"
        };
        text += &format!(
            "  {} agents, {} stores, {} steps, made small from {} ({} tries{bound}); {needs}\n",
            small.after.agents,
            small.after.stores,
            count(after),
            count(before),
            count(small.tried),
        );
    }
    text += &format!("  found by {}\n", finding.scheduler.name());
    if let Some(told) = tell(finding) {
        text += &format!(
            "\n  How it happened\n{}",
            lines::lines(&told.lines, STEPS_MAX, paint)
        );
        if !told.explanation.is_empty() {
            text += &lines::wrapped(&told.explanation, 2, None);
        }
    }
    text += "\n";
    let bug = planted::again(small.scenario.planted);
    if let Some(kept) = kept {
        let stem = finding.file_stem();
        let file = escape::shell(&format!("{kept}/findings/{stem}"));
        if !small.trace.is_empty() {
            text += &format!("  Again      bivalent replay {file}.trace\n");
        }
        text += &format!("  Alone      bivalent run {file}.toml{bug}\n");
        text += "  Keep it    put the .toml into regressions/: every campaign runs it first\n";
    } else {
        text += "  Keep it    --out DIR keeps a trace and a scenario that reproduces it alone\n";
    }
    text
}

/// The story of a finding, if its run can be told.
fn tell(finding: &Finding) -> Option<story::Story> {
    let small = &finding.small;
    let trace = Trace::parse("finding", &small.trace).ok()?;
    if trace.ended().is_some() {
        return None;
    }
    Some(story::tell(&small.scenario, finding.seed))
}

/// What a campaign came to.
pub(crate) fn total(told: &Told<'_>, paint: Paint) -> String {
    let Told {
        hunt,
        sum,
        summary,
        took,
        ..
    } = *told;
    let run = sum.scenarios.iter().filter(|tally| tally.runs > 0).count() as u64;
    let findings = sum.findings.list.len() as u64;
    let missing = summary.untested.iter().filter(|it| it.required).count();
    let relapses = summary.relapses.len() as u64;
    let word = if findings + relapses > 0 {
        paint.bad("FAIL")
    } else if !summary.complete {
        paint.odd("INCOMPLETE")
    } else if missing > 0 && hunt.slice == Slice::WHOLE {
        paint.odd("UNTESTED")
    } else {
        paint.good("ok")
    };
    let speed = took.map_or_else(String::new, |(took, runs)| {
        let rate = super::progress::per_second(runs, took);
        format!("  {:.1} s, {} runs/s", took.as_secs_f64(), count(rate))
    });
    let mut counts = vec![
        format!("{} decided", count(sum.total.decided)),
        format!("{} stalled", count(sum.total.stalled)),
        format!("{} broken", count(sum.total.broken)),
    ];
    if sum.total.inconclusive > 0 {
        counts.push(format!("{} not over", count(sum.total.inconclusive)));
    }
    counts.push(format!("{} beyond the envelope", count(sum.total.beyond)));
    let found = match relapses {
        0 => counted(findings, "finding", "findings"),
        some => format!(
            "{}, {}",
            counted(some, "relapse", "relapses"),
            counted(findings, "finding", "findings")
        ),
    };
    let mut text = format!(
        "{word}  {} of {}, {found}: {}{speed}\n",
        counted(sum.total.runs, "run", "runs"),
        counted(run, "scenario", "scenarios"),
        counts.join(" · "),
    );
    for relapse in &summary.relapses {
        text += &format!(
            "  relapse     {}  {}  {}\n",
            paint.bad(&relapse.kind),
            escape::line(&relapse.file),
            escape::line(&relapse.detail),
        );
    }
    if sum.total.runs == 0 {
        text += "  this part has no blocks: there are fewer blocks of seeds than parts\n";
        return text;
    }
    let schedulers: Vec<String> = sum
        .total
        .schedulers
        .iter()
        .map(|(who, tally)| {
            format!(
                "{} {} ({} failed, {} new)",
                who.name(),
                count(tally.runs),
                count(tally.failed),
                count(tally.new)
            )
        })
        .collect();
    text += &format!("  schedulers  {}\n", schedulers.join(" · "));
    text += &format!(
        "  coverage    {}, {} of them in the last tenth of the runs\n",
        counted(summary.features, "feature", "features"),
        count(summary.late_features)
    );
    if sum.total.compared > 0 {
        text += &format!(
            "  compared    {} run twice\n",
            counted(sum.total.compared, "run", "runs")
        );
    }
    text += &format!("  fingerprint {}\n", summary.fingerprint);
    for found in &summary.findings {
        text += &format!(
            "  finding     {}  {}  {} {}  {}\n",
            paint.bad(&found.kind),
            escape::line(&found.coordinate),
            count(found.count),
            if found.count == 1 { "run" } else { "runs" },
            escape::line(&found.file),
        );
    }
    text += &untested(summary, paint);
    text
}

fn untested(summary: &Summary, paint: Paint) -> String {
    let mut text = String::new();
    let required: Vec<String> = summary
        .untested
        .iter()
        .filter(|it| it.required)
        .map(|it| format!("{} in {}", it.what, it.scenario))
        .collect();
    let others: Vec<&str> = summary
        .untested
        .iter()
        .filter(|it| !it.required)
        .map(|it| it.what.as_str())
        .collect();
    if !required.is_empty() {
        let shown = required.iter().take(LISTED_MAX).map(|it| escape::line(it));
        let shown: Vec<String> = shown.collect();
        let more = required.len().saturating_sub(LISTED_MAX);
        let more = if more > 0 {
            format!(", and {more} more")
        } else {
            String::new()
        };
        text += &format!(
            "  {}    in no run: {}{more}\n",
            paint.odd("untested"),
            shown.join(", ")
        );
    }
    if !others.is_empty() {
        text += &format!("  never hit   {}\n", others.join(", "));
    }
    text
}

/// A campaign as Markdown, for a step summary.
pub(crate) fn markdown(sum: &Sum, summary: &Summary) -> String {
    let mut text = format!(
        "## bivalent fuzz\n\n{}, {} decided, {} stalled, {} beyond the envelope; fingerprint `{}`\n\n",
        counted(summary.runs, "run", "runs"),
        count(summary.decided),
        count(summary.stalled),
        count(summary.beyond_envelope),
        summary.fingerprint
    );
    if !summary.relapses.is_empty() {
        text += "| relapse | file |\n|---|---|\n";
        for relapse in &summary.relapses {
            text += &format!(
                "| {} | `{}` |\n",
                escape::line(&relapse.detail).replace('|', "\\|"),
                escape::line(&relapse.file),
            );
        }
        text += "\n";
    }
    if summary.findings.is_empty() {
        text += "No findings.\n\n";
    } else {
        text += "| finding | where | runs | by | steps | needs | files |\n|---|---|---|---|---|---|---|\n";
        for found in &summary.findings {
            text += &format!(
                "| {} | `{}` | {} | {} | {} of {} | {} | `{}` |\n",
                escape::line(&found.detail).replace('|', "\\|"),
                escape::line(&found.coordinate),
                count(found.count),
                found.scheduler,
                count(found.steps_after),
                count(found.steps_before),
                found.needs.join(", "),
                escape::line(&found.file),
            );
        }
        text += "\n";
    }
    text += "| scenario | runs | decided | stalled | findings |\n|---|---|---|---|---|\n";
    for one in &summary.scenarios {
        text += &format!(
            "| {} | {} | {} | {} | {} |\n",
            escape::line(&one.scenario),
            count(one.runs),
            count(one.decided),
            count(one.stalled),
            count(one.findings)
        );
    }
    let missing = untested(summary, Paint::default());
    if !missing.is_empty() {
        text += &format!("\n```text\n{missing}```\n");
    }
    if sum.total.runs > 0 {
        text += &format!("\n```text\n{}```\n", fault_table(sum));
    }
    text
}

/// How often each kind of fault struck.
pub(crate) fn fault_table(sum: &Sum) -> String {
    let struck = bivalent_sim::scenario::fault::FaultKind::ALL
        .into_iter()
        .map(|kind| (kind.name(), sum.total.struck(kind)))
        .filter(|(_, struck)| struck.drawn > 0)
        .map(|(name, struck)| {
            let count = bivalent_sim::judge::report::FaultCount {
                drawn: struck.drawn,
                landed: struck.landed,
                observed: struck.observed,
            };
            (name, count)
        });
    faults::table(&struck.collect())
}
