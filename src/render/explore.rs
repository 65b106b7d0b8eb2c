//! An exploration, for people.

use std::time::Duration;

use bivalent_sim::explore::report::{Closer, Complete, ExploreReport, LassoFound};

use super::escape;
use super::paint::Paint;
use super::units::{count, counted};

/// Moves of a way that are written out in full; of longer ones, the end.
const WAY_MAX: usize = 60;

/// The results, some lines.
pub(crate) fn tell(report: &ExploreReport, searched: Duration, paint: Paint) -> String {
    let mut lines = Lines(String::new());
    let ballots = report.ballots.map_or_else(String::new, |k| {
        format!(", {} an agent", counted(k, "ballot", "ballots"))
    });
    let head = format!(
        "{}  {}, {} on {}, quorum {}, in flight: {}{ballots}\n",
        escape::line(&report.scenario),
        report.protocol,
        counted(report.agents as u64, "agent", "agents"),
        counted(report.stores as u64, "store", "stores"),
        report.quorum,
        report.in_flight,
    );
    lines.0 += &head;
    let [states, transitions, depth] =
        [report.states, report.transitions, report.depth].map(|n| count(n as u64));
    lines.put(
        "states",
        &format!("{states} · {transitions} transitions · depth {depth}"),
    );
    match (&report.complete, &report.violation) {
        (Some(complete), _) => all_seen(&mut lines, report, complete, paint),
        (None, Some(found)) => {
            let property = found.property.to_uppercase();
            let broken = paint.bad(&format!("{property} broken"));
            lines.put(
                "verdict",
                &format!("{broken}: {}", escape::line(&found.detail)),
            );
            let steps = counted(found.steps.len() as u64, "step", "steps");
            lines.put("shortest", &format!("{steps}: {}", way(&found.steps)));
        }
        (None, None) => {
            let why = match report.conclusion {
                "interrupted" => "interrupted",
                "out-of-depth" => "there are states further away",
                _ => "the memory is used up",
            };
            let safe = "nothing is broken in the states seen so far";
            lines.put(
                "verdict",
                &format!("{}: {why}; {safe}", paint.odd("unsure")),
            );
        }
    }
    if let Some(lasso) = &report.lasso {
        show_lasso(&mut lines, lasso, report, paint);
    }
    let seconds = searched.as_secs_f64();
    let micros = searched.as_micros().max(1);
    let rate = report.states as u128 * 1_000_000 / micros;
    let rate = count(u64::try_from(rate).unwrap_or(u64::MAX));
    let mib = count((report.bytes >> 20) as u64);
    lines.put(
        "search",
        &format!("{seconds:.2} s · {rate} states a second · {mib} MiB"),
    );
    lines.0
}

struct Lines(String);

impl Lines {
    fn put(&mut self, label: &str, text: &str) {
        self.0 += &format!("  {label:<10}{text}\n");
    }
}

fn all_seen(lines: &mut Lines, report: &ExploreReport, all: &Complete, paint: Paint) {
    lines.put(
        "verdict",
        &format!(
            "{} agreement and validity hold in every state",
            paint.good("ok")
        ),
    );
    let mixed = if all.values.len() == 2 {
        "bivalent"
    } else {
        "multivalent"
    };
    let each = all.univalent.iter().zip(&all.values);
    let each: Vec<String> = each
        .map(|(&states, value)| format!("{} {}-valent", count(states as u64), escape::line(value)))
        .collect();
    let initial = all.initial.iter().map(|value| escape::line(value));
    let initial: Vec<String> = initial.collect();
    lines.put(
        "valence",
        &format!(
            "{} {mixed} · {} · initially {{{}}}",
            count(all.multivalent as u64),
            each.join(" · "),
            initial.join(","),
        ),
    );
    if all.wedged > 0 {
        let wedged = counted(all.wedged as u64, "state", "states");
        lines.put(
            "wedged",
            &format!("{}: nothing can be decided from there", paint.odd(&wedged)),
        );
    }
    lines.put(
        "turning",
        &format!(
            "{} · {} · {}",
            counted(all.decisive as u64, "decisive step", "decisive steps"),
            counted(all.critical as u64, "critical state", "critical states"),
            counted(report.terminal as u64, "terminal state", "terminal states"),
        ),
    );
    match &all.closer {
        Some(closer) => look_closer(lines, report, all, closer, mixed),
        None => lines.put(
            "symmetry",
            "equal agents change places: no classes, own steps and cycles",
        ),
    }
}

fn look_closer(
    lines: &mut Lines,
    report: &ExploreReport,
    all: &Complete,
    closer: &Closer,
    mixed: &str,
) {
    lines.put(
        "classes",
        &format!(
            "{} up to bisimulation, {} of them {mixed}",
            count(closer.classes as u64),
            count(closer.multivalent_classes as u64)
        ),
    );
    let alone = closer.alone.map_or_else(
        || "an agent that runs alone may never decide".to_owned(),
        |steps| {
            format!(
                "at most {} of its own from any state",
                counted(steps as u64, "step", "steps")
            )
        },
    );
    lines.put("alone", &alone);
    if let Some(steps) = closer.in_any_schedule {
        let steps = counted(steps as u64, "own step", "own steps");
        let ends = match (report.ballots, all.wedged) {
            (Some(_), _) => "decides or gives up",
            (None, 0) => "decides",
            (None, _) => "decides or is stuck",
        };
        let text = format!("no cycle: every agent {ends} within {steps}");
        lines.put("any order", &text);
    }
    if report.ballots.is_none() {
        stalls(lines, closer);
    }
}

fn stalls(lines: &mut Lines, all: &Closer) {
    let states = counted(all.undecided as u64, "undecided state", "undecided states");
    let stalls = match all.stallable {
        0 => format!("from none of {states}: no fair schedule holds a decision off for ever"),
        n if n == all.undecided => {
            format!("from every one of {states} a fair schedule can hold a decision off for ever")
        }
        n => format!(
            "from {} of {states} a fair schedule can hold a decision off for ever",
            count(n as u64)
        ),
    };
    lines.put("stall", &stalls);
}

fn show_lasso(lines: &mut Lines, lasso: &LassoFound, report: &ExploreReport, paint: Paint) {
    let two = report
        .complete
        .as_ref()
        .is_none_or(|all| all.values.len() == 2);
    let mixed = if two { "bivalent" } else { "multivalent" };
    let shortest = if lasso.shortest { "the shortest" } else { "a" };
    let throughout = if lasso.multivalent {
        format!("{mixed} throughout")
    } else {
        format!("undecided, but not {mixed} throughout")
    };
    let stem = counted(lasso.stem.len() as u64, "step", "steps");
    let turn = counted(lasso.turn.len() as u64, "step", "steps");
    let text = format!("{shortest} fair cycle: {stem}, then {turn} for ever; {throughout}");
    lines.put("lasso", &paint.odd(&text));
    lines.put("  stem", &way(&lasso.stem));
    lines.put("  turn", &way(&lasso.turn));
}

fn way(steps: &[String]) -> String {
    let from = steps.len().saturating_sub(WAY_MAX);
    let text = escape::line(&steps[from..].join(", "));
    if from > 0 {
        format!("…, {text}")
    } else {
        text
    }
}
