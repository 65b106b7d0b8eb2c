//! What could have influenced an event, for people.

use bivalent_sim::story::StoryLine;
use bivalent_sim::story::influence::{Apart, Influences};

use super::paint::Paint;
use super::units::{count, counted};
use super::{escape, story};

/// Agents told one by one.
const AGENTS_MAX: usize = 8;

/// Of one event: the latest of each other agent that could have influenced it, and who could not have.
pub(crate) fn tell(influences: &Influences, paint: Paint, width: Option<usize>) -> String {
    let title = format!(
        "What could have influenced {}: {}",
        named(&influences.of),
        of_others(influences)
    );
    let mut text = format!("\n{}", story::wrapped(&title, 2, width));
    let hidden = influences.newest.len().saturating_sub(AGENTS_MAX);
    let shown = &influences.newest[hidden..];
    text += &story::lines(shown, shown.len(), paint);
    if hidden > 0 {
        let agents = counted(hidden as u64, "agent", "agents");
        text += &format!("    ... and earlier ones of {agents}\n");
    }
    text + &could_not(influences, width)
}

/// Of one event: all that could have influenced it, then it, then who could not have.
pub(crate) fn tell_past(influences: &Influences, paint: Paint, width: Option<usize>) -> String {
    let title = format!(
        "What could have influenced {}: {}",
        named(&influences.of),
        counted(influences.could, "event", "events")
    );
    let mut text = format!("{}\n", escape::line(&influences.coordinate));
    text += &story::wrapped(&title, 2, width);
    let mut lines = influences.past.clone();
    lines.push(StoryLine {
        mark: "this",
        ..influences.of.clone()
    });
    text += &story::lines(&lines, lines.len(), paint);
    if influences.dropped > 0 {
        let events = counted(influences.dropped, "event", "events");
        text += &format!("    {events} in the middle of the run were not kept\n");
    }
    text + &could_not(influences, width)
}

fn of_others(influences: &Influences) -> String {
    let events = counted(influences.could, "event", "events");
    if influences.newest.is_empty() {
        return format!("{events}, none of another agent");
    }
    format!("{events}, the latest of each other agent:")
}

fn could_not(influences: &Influences, width: Option<usize>) -> String {
    let mut text = String::new();
    if let Some(other) = &influences.apart_from {
        let other = format!("{} is not among them, nor the reverse", named(other));
        text += &story::wrapped(&other, 4, width);
    }
    let shown = influences.could_not.iter().take(AGENTS_MAX).map(apart);
    let mut shown: Vec<String> = shown.collect();
    if shown.is_empty() {
        return text + "    nothing that came earlier is ruled out\n";
    }
    let hidden = influences.could_not.len() - shown.len();
    if hidden > 0 {
        shown.push(counted(hidden as u64, "more agent", "more agents"));
    }
    let line = format!("could not, though earlier: {}", shown.join(", "));
    text + &story::wrapped(&line, 4, width)
}

fn apart(apart: &Apart) -> String {
    let who = escape::line(&apart.who);
    let (from, to) = (apart.from_step, apart.to_step);
    match apart.events {
        1 => format!("{who}'s at #{from}"),
        events => format!("{} of {who} (#{from} to #{to})", count(events)),
    }
}

fn named(line: &StoryLine) -> String {
    let StoryLine {
        step, who, what, ..
    } = line;
    format!("#{step}, {} {}", escape::line(who), escape::line(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(step: u64, who: &str, what: &str) -> StoryLine {
        StoryLine {
            step,
            time_ns: step * 1_000_000,
            who: who.to_owned(),
            what: what.to_owned(),
            mark: "",
        }
    }

    fn influences() -> Influences {
        Influences {
            coordinate: "x.toml@0x1".to_owned(),
            of: line(57, "a2", "DECIDED v1"),
            could: 2,
            newest: vec![line(41, "a1", "wrote s1: ballot 1")],
            could_not: vec![Apart {
                who: "a3".to_owned(),
                events: 5,
                from_step: 7,
                to_step: 50,
            }],
            apart_from: Some(line(12, "a3", "DECIDED v3")),
            past: vec![
                line(41, "a1", "wrote s1: ballot 1"),
                line(57, "a2", "read s1"),
            ],
            dropped: 0,
        }
    }

    #[test]
    fn influences_are_told_in_a_few_lines() {
        let text = tell(&influences(), Paint::default(), None);

        assert_eq!(
            text,
            "\n  What could have influenced #57, a2 DECIDED v1: 2 events, the latest of each other agent:\n    \
             #41    41.0ms  a1  wrote s1: ballot 1\n    \
             #12, a3 DECIDED v3 is not among them, nor the reverse\n    \
             could not, though earlier: 5 of a3 (#7 to #50)\n"
        );
    }

    #[test]
    fn a_past_is_told_in_full_and_ends_with_the_event() {
        let text = tell_past(&influences(), Paint::default(), None);

        assert!(
            text.starts_with("x.toml@0x1\n  What could have influenced #57"),
            "{text}"
        );
        assert!(text.contains("a2  read s1\n"), "{text}");
        assert!(text.contains("a2  DECIDED v1   <- this\n"), "{text}");
    }

    #[test]
    fn nothing_of_others_and_nothing_ruled_out_are_said() {
        let alone = Influences {
            newest: Vec::new(),
            could_not: Vec::new(),
            apart_from: None,
            ..influences()
        };

        let text = tell(&alone, Paint::default(), None);

        assert!(
            text.contains(": 2 events, none of another agent\n"),
            "{text}"
        );
        assert!(
            text.contains("nothing that came earlier is ruled out\n"),
            "{text}"
        );
    }
}
