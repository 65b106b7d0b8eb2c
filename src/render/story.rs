//! The story of a run, for people.

use bivalent_sim::story::{Story, StoryLine};

use super::paint::Paint;
use super::{escape, units};

/// Only so many lines are told; the rest are counted.
const LINES_MAX: usize = 40;

/// Tells a story: what happened and how, why, and how to see it again. `run` names the run without
/// a step, as a shell takes it, `width` is where the explanation is wrapped.
pub(crate) fn tell(
    verdict: &str,
    story: &Story,
    run: &str,
    paint: Paint,
    width: Option<usize>,
) -> String {
    let mut text = format!(
        "{verdict}  {}   {}\n\n",
        escape::line(&story.coordinate),
        escape::line(&story.headline)
    );
    if !story.lines.is_empty() {
        text += "  How it happened\n";
        text += &lines(&story.lines, LINES_MAX, paint);
    }
    text += &wrapped(&story.explanation, 2, width);
    text += &format!("\n  Why        bivalent explain {run}\n");
    text += &format!("  Again      bivalent replay {run}\n");
    text += &format!("  Keep it    bivalent replay {run} -o FILE.trace\n");
    text
}

/// Text in lines that fit, set in by so much.
pub(crate) fn wrapped(text: &str, indent: usize, width: Option<usize>) -> String {
    let mut lines = String::new();
    for paragraph in text.lines() {
        let width = width.map(|width| width.saturating_sub(indent));
        for line in wrap(&escape::line(paragraph), width) {
            lines += &format!("{:indent$}{line}\n", "");
        }
    }
    lines
}

/// Steps that mattered, so many of them at most.
pub(crate) fn lines(all: &[StoryLine], max: usize, paint: Paint) -> String {
    // The end is where it breaks: what is left out is the middle.
    let (head, left_out, tail) = if all.len() > max {
        let half = max / 2;
        (&all[..half], all.len() - max, &all[all.len() - half..])
    } else {
        (all, 0, &all[..0])
    };
    let who = all
        .iter()
        .map(|l| l.who.chars().count())
        .max()
        .unwrap_or(0)
        .min(12);
    let step = all
        .iter()
        .map(|l| l.step.to_string().len())
        .max()
        .unwrap_or(0)
        + 1;
    let one = |line: &StoryLine| {
        let mark = if line.mark.is_empty() {
            String::new()
        } else {
            format!("   {}", paint.odd(&format!("<- {}", line.mark)))
        };
        format!(
            "    {:>step$}  {:>8}  {:<who$}  {}{mark}\n",
            format!("#{}", line.step),
            units::time(line.time_ns),
            escape::line(&line.who),
            escape::line(&line.what),
        )
    };
    let mut text: String = head.iter().map(one).collect();
    if left_out > 0 {
        text += &format!(
            "    ... {} left out\n",
            units::counted(left_out as u64, "line", "lines")
        );
    }
    text.extend(tail.iter().map(one));
    text
}

/// Breaks a line between words; a word longer than the width stays whole.
fn wrap(line: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width.filter(|w| *w >= 20) else {
        return vec![line.to_owned()];
    };
    let mut lines = Vec::new();
    let mut now = String::new();
    for word in line.split(' ') {
        let used = unicode_width::UnicodeWidthStr::width(now.as_str());
        if !now.is_empty() && used + 1 + unicode_width::UnicodeWidthStr::width(word) > width {
            lines.push(std::mem::take(&mut now));
        } else if !now.is_empty() {
            now.push(' ');
        }
        now.push_str(word);
    }
    lines.push(now);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_says_what_how_why_and_how_to_see_it_again() {
        let story = Story {
            headline: "agreement broken: a2 decided 1".to_owned(),
            lines: vec![StoryLine {
                step: 31,
                time_ns: 1_500_000,
                who: "a\u{1b}1".to_owned(),
                what: "write acknowledged".to_owned(),
                mark: "needed",
            }],
            explanation: "Half an old block passed for a new one.".to_owned(),
            coordinate: "x.toml@0x1f#57".to_owned(),
        };

        let text = tell("FAIL", &story, "x.toml@0x1f", Paint::default(), Some(30));

        assert_eq!(
            text,
            "FAIL  x.toml@0x1f#57   agreement broken: a2 decided 1\n\n  How it happened\n    #31    \
             1.50ms  a\\u{1b}1  write acknowledged   <- needed\n  Half an old block passed for\n  \
             a new one.\n\n  Why        bivalent explain x.toml@0x1f\n  Again      bivalent replay \
             x.toml@0x1f\n  Keep it    bivalent replay x.toml@0x1f -o FILE.trace\n"
        );
    }
}
