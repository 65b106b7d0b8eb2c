//! An explanation, for people.

use bivalent_sim::engine::stall::StallReport;
use bivalent_sim::judge::report::{Fairness, Outcome};
use bivalent_sim::scenario::Scenario;
use bivalent_sim::story::cause::Chain;
use bivalent_sim::story::explain::Explanation;

use super::paint::Paint;
use super::units::{count, counted, time};
use super::{escape, influence, story};

/// Steps of the story that are told beside the causes.
const STEPS_MAX: usize = 14;

/// A run: its steps, its causes, its stalls. `again` is what `replay` takes, as a shell does.
pub(crate) fn tell(
    explained: &Explanation,
    again: &str,
    paint: Paint,
    width: Option<usize>,
) -> String {
    let Explanation { report, story, .. } = explained;
    let word = match report.outcome {
        Outcome::Decided => paint.good("DECIDED"),
        Outcome::Stalled => paint.odd("STALLED"),
        Outcome::Unsafe => paint.bad("UNSAFE"),
        Outcome::Inconclusive => paint.odd("UNSURE"),
    };
    let mut text = format!(
        "{word}  {}   {}\n",
        escape::line(&report.coordinate),
        escape::line(&story.headline)
    );
    if !story.lines.is_empty() {
        text += "\n  How it happened\n";
        text += &story::lines(&story.lines, STEPS_MAX, paint);
    }
    for chain in &explained.causes {
        text += &causes(chain, paint);
    }
    for influences in &explained.influences {
        text += &influence::tell(influences, paint, width);
    }
    for stall in &explained.stalls {
        text += &stalled(stall, awaited(explained), paint, width);
    }
    if !explained.stalls.is_empty() {
        text += &format!(
            "\n{}",
            story::wrapped(&fairness(&report.fairness), 2, width)
        );
    }
    if explained.more_stalls > 0 {
        let more = counted(explained.more_stalls as u64, "more stall", "more stalls");
        text += &format!("\n  {more} in this run\n");
    }
    if !story.explanation.is_empty() && explained.stalls.is_empty() {
        text += "\n";
        text += &story::wrapped(&story.explanation, 2, width);
    }
    text += &format!("\n  Again      bivalent replay {again}\n");
    text += &format!("  Keep it    bivalent replay {again} -o FILE.trace\n");
    text
}

fn causes(chain: &Chain, paint: Paint) -> String {
    let mut text = format!("\n  {}\n", escape::line(&chain.title));
    text += &story::lines(&chain.links, chain.links.len(), paint);
    if let Some(rest) = chain.rest {
        text += &format!("    ... {rest}\n");
    }
    text
}

/// What a stalled run waits for: the thing, and what an agent does to bring it about.
type Awaited = (&'static str, &'static str);

const DECISION: Awaited = ("a decision", "decides");
const ANSWER: Awaited = ("an answer", "serves a client");

const fn awaited(explained: &Explanation) -> Awaited {
    if explained.report.log.is_some() {
        ANSWER
    } else {
        DECISION
    }
}

fn stalled(report: &StallReport, awaited: Awaited, paint: Paint, width: Option<usize>) -> String {
    let stall = &report.stall;
    let (thing, does) = awaited;
    let what = format!(
        "The stall: {}, from step {} to {}, {} without {thing}; {}",
        stall.kind,
        count(stall.from_step),
        count(stall.to_step),
        time(stall.to_ns - stall.from_ns),
        heals(report, does),
    );
    let mut text = format!("\n{}", story::wrapped(&what, 2, width));
    for line in contest(report).into_iter().chain(nearest(report, awaited)) {
        text += &story::wrapped(&line, 4, width);
    }
    let tried = format!(
        "What would have helped: who of {} seeds {does} from step {} on, within {} or {} steps, and the median time",
        trials(report),
        count(report.found_step),
        time(report.trial_ns),
        count(report.trial_steps),
    );
    text += &format!("\n{}", story::wrapped(&tried, 2, width));
    for remedy in &report.remedies {
        let change = escape::line(&remedy.change);
        let share = format!("{:>2} of {}", remedy.decided, remedy.tried);
        let share = match (remedy.tried, remedy.decided) {
            (0, _) => format!("{:>8}", "-"),
            (tried, decided) if tried == decided => paint.good(&share),
            (_, 0) => paint.bad(&share),
            (_, _) => paint.odd(&share),
        };
        let after = remedy.median_ns.map_or_else(String::new, time);
        let why = remedy
            .skipped
            .map_or_else(String::new, |why| paint.faint(&format!(" ({why})")));
        text += &format!("    {share}  {after:>7}  {change}{why}\n");
    }
    text
}

/// How fair the schedule was that brought this about.
fn fairness(fairness: &Fairness) -> String {
    let Fairness {
        longest_wait_ops,
        longest_wait_ns,
        least_steps,
    } = *fairness;
    let held = match longest_wait_ops {
        0 => "no operation was held back by anybody".to_owned(),
        others => format!(
            "no operation was passed over by more than {}, or held back for longer than {}",
            counted(others, "other", "others"),
            time(longest_wait_ns)
        ),
    };
    let steps = counted(least_steps, "step", "steps");
    format!("How fair the run was: {held}; every agent that is up at the end took {steps} or more")
}

/// Seeds on which each remedy was tried that could be.
fn trials(report: &StallReport) -> u32 {
    let tried = report.remedies.iter().map(|remedy| remedy.tried);
    tried.max().unwrap_or(0)
}

fn heals(report: &StallReport, does: &str) -> String {
    if report.stall.heals {
        format!("it heals: an agent left alone {does}")
    } else {
        format!("it does not heal: no agent {does}, even alone and without faults")
    }
}

/// Who ended whose attempts.
fn contest(report: &StallReport) -> Option<String> {
    if report.preemptions.is_empty() {
        return None;
    }
    let pairs = report.preemptions.iter().map(|pair| {
        let times = match pair.times {
            1 => "once".to_owned(),
            2 => "twice".to_owned(),
            times => format!("{} times", count(times)),
        };
        format!(
            "{} pre-empts {} {times}",
            escape::line(&pair.by),
            escape::line(&pair.agent)
        )
    });
    let mut text = pairs.collect::<Vec<_>>().join(", ");
    if report.more_pairs > 0 {
        text += &format!(
            ", and {}",
            counted(report.more_pairs, "more pair", "more pairs")
        );
    }
    let [from, to] = report.stall.ballots;
    Some(format!("{text}; ballots {} to {}", count(from), count(to)))
}

/// How near a decision was; nothing of a log, where every slot is one.
fn nearest(report: &StallReport, (thing, _): Awaited) -> Option<String> {
    let Some(near) = &report.nearest else {
        return (thing == DECISION.0).then(|| "nobody came to phase 2".to_owned());
    };
    let missing = counted(u64::from(near.missing), "answer", "answers");
    Some(format!(
        "nearest to a decision: {} in ballot {}, {missing} short",
        escape::line(&near.agent),
        count(near.ballot)
    ))
}

/// The stalls of a run as Markdown: a heading, what they are, and a table of remedies each.
pub(crate) fn markdown(scenario: &Scenario, explained: &Explanation) -> String {
    let report = &explained.report;
    let name = escape::line(&scenario.name);
    let mut text = format!("## {name}\n\n`{}`", escape::line(&report.coordinate));
    if !scenario.title.is_empty() {
        text += &format!(": {}", escape::line(&scenario.title));
    }
    text += "\n\n";
    if explained.stalls.is_empty() {
        text += &format!("No stall: {}.\n\n", escape::line(&explained.story.headline));
    }
    let awaited = awaited(explained);
    let (thing, does) = awaited;
    for report in &explained.stalls {
        let stall = &report.stall;
        text += &format!(
            "**{}**, {} without {thing}; {}.",
            stall.kind,
            time(stall.to_ns - stall.from_ns),
            heals(report, does)
        );
        for line in contest(report).into_iter().chain(nearest(report, awaited)) {
            text += &format!("\n{}.", upper(&line));
        }
        text += &format!(
            "\nFrom step {}, {} seeds each, for {} or {} steps:\n\n",
            count(report.found_step),
            trials(report),
            time(report.trial_ns),
            count(report.trial_steps)
        );
        text += "| what is changed | decided | median |\n|---|---|---|\n";
        for remedy in &report.remedies {
            let decided = remedy.skipped.map_or_else(
                || format!("{} of {}", remedy.decided, remedy.tried),
                |why| format!("- ({why})"),
            );
            let median = remedy.median_ns.map_or_else(String::new, time);
            let change = escape::line(&remedy.change);
            text += &format!("| {change} | {decided} | {median} |\n");
        }
        text += "\n";
    }
    text
}

/// The same with its first letter large.
fn upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
