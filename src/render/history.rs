//! Verdicts on histories: a line for people, an object for programs, and why not.

use std::time::Duration;

use bivalent_sim::judge::linear::{Failure as Why, Judgement};
use serde::Serialize;

use super::escape;
use super::paint::Paint;
use super::units::{count, counted, time};
use crate::check_history::Judged;

/// Of a longer order only the end is shown to people.
const PREFIX_SHOWN: usize = 10;
/// Of a larger history only the beginning is shown to people.
const MINIMAL_SHOWN: usize = 40;

const GOOD: &str = "ok";
const BROKEN: &str = "FAIL";
const UNKNOWN: &str = "UNSURE";

/// All verdicts.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    pub(crate) histories: u64,
    pub(crate) calls: u64,
    good: u64,
    broken: u64,
    unknown: u64,
}

impl Sum {
    /// Counts a history.
    pub(crate) fn add(&mut self, judged: &Judged<'_>) {
        self.histories += 1;
        self.calls += judged.history.calls as u64;
        match judged.judgement {
            Judgement::Linearizable => self.good += 1,
            Judgement::NotLinearizable(_) => self.broken += 1,
            Judgement::Unknown => self.unknown += 1,
        }
    }

    /// The line for all.
    pub(crate) fn tell(&self, took: Duration, paint: Paint) -> String {
        let word = match (self.broken, self.unknown) {
            (0, 0) => GOOD,
            (0, _) => UNKNOWN,
            _ => BROKEN,
        };
        let mut parts = format!("{} linearizable", count(self.good));
        if self.broken > 0 {
            parts += &format!(", {} not", count(self.broken));
        }
        if self.unknown > 0 {
            parts += &format!(", {} unknown", count(self.unknown));
        }
        format!(
            "{}{} of {}: {parts}  {}\n",
            painted(word, paint),
            counted(self.histories, "history", "histories"),
            counted(self.calls, "call", "calls"),
            time(nanoseconds(took)),
        )
    }
}

/// A verdict's word.
pub(crate) const fn word(judgement: &Judgement) -> &'static str {
    match judgement {
        Judgement::Linearizable => GOOD,
        Judgement::NotLinearizable(_) => BROKEN,
        Judgement::Unknown => UNKNOWN,
    }
}

/// The word in its colour, and blanks up to the next column.
fn painted(word: &str, paint: Paint) -> String {
    let gap = " ".repeat(8 - word.len());
    let word = match word {
        GOOD => paint.good(word),
        BROKEN => paint.bad(word),
        _ => paint.odd(word),
    };
    format!("{word}{gap}")
}

/// What is known of a history, in words.
pub(crate) fn outcome(judged: &Judged<'_>) -> String {
    let calls = counted(judged.history.calls as u64, "call", "calls");
    match &judged.judgement {
        Judgement::Linearizable => format!("linearizable: {calls}"),
        Judgement::NotLinearizable(why) => format!(
            "not linearizable: {calls}, and no order gets past `{}` of line {}",
            escape::line(&call(judged, why.stuck)),
            judged.history.lines[why.stuck],
        ),
        Judgement::Unknown => {
            format!("unknown: {calls}, and neither an order nor a proof that there is none")
        }
    }
}

/// Why a history is not linearizable.
const fn why<'a>(judged: &'a Judged<'_>) -> Option<&'a Why> {
    match &judged.judgement {
        Judgement::NotLinearizable(why) => Some(why),
        Judgement::Linearizable | Judgement::Unknown => None,
    }
}

/// The line to which an annotation points.
pub(crate) fn line(judged: &Judged<'_>) -> u32 {
    let stuck = why(judged).map_or(0, |why| why.stuck);
    judged.history.lines.get(stuck).copied().unwrap_or(1)
}

/// A line for people, and below it why a history is not linearizable.
pub(crate) fn tell(judged: &Judged<'_>, width: usize, paint: Paint) -> String {
    let name = match &judged.history.name {
        Some(name) => format!(" {:<width$}", escape::line(name)),
        None => String::new(),
    };
    let mut text = format!(
        "{}{}{name}  {}  {}\n",
        painted(word(&judged.judgement), paint),
        escape::line(judged.file),
        outcome(judged),
        time(nanoseconds(judged.took)),
    );
    if let Some(why) = why(judged) {
        text += &reason(judged, why, paint);
    }
    text
}

fn reason(judged: &Judged<'_>, why: &Why, paint: Paint) -> String {
    let prefix = &why.prefix;
    let tail = &prefix[prefix.len().saturating_sub(PREFIX_SHOWN)..];
    let head = &why.minimal[..why.minimal.len().min(MINIMAL_SHOWN)];
    let shown = tail.iter().chain(head).chain([&why.stuck]);
    let width = Width::of(judged, shown);
    let row = |&op: &usize| format!("    {}\n", width.row(judged, op));
    let mut text = match prefix.len() {
        0 => "  no call can come first\n".to_owned(),
        all if all > tail.len() => format!(
            "  the last {} of {}, in an order that is legal so far\n",
            tail.len(),
            counted(all as u64, "call", "calls"),
        ),
        all => format!(
            "  {}, in an order that is legal so far\n",
            counted(all as u64, "call", "calls")
        ),
    };
    text.extend(tail.iter().map(row));
    text += "  and then no place for\n";
    text += &format!("    {}\n", paint.bad(&width.row(judged, why.stuck)));
    let (all, of) = (why.minimal.len(), judged.history.calls);
    text += &match all {
        1 => "  this alone is impossible, whatever the others did\n".to_owned(),
        all => {
            format!("  {all} of the {of} calls contradict each other, whatever the others did\n")
        }
    };
    text.extend(head.iter().map(row));
    if all > head.len() {
        text += &format!("    and {} more\n", all - head.len());
    }
    text
}

/// The columns of calls.
struct Width {
    line: usize,
    client: usize,
    call: usize,
}

impl Width {
    fn of<'a>(judged: &Judged<'_>, ops: impl Iterator<Item = &'a usize>) -> Self {
        let mut width = Self {
            line: 1,
            client: 1,
            call: 1,
        };
        for &op in ops {
            let history = judged.history;
            width.line = width.line.max(history.lines[op].to_string().len());
            width.client = width.client.max(history.ops[op].client.to_string().len());
            width.call = width.call.max(escape::line(&call(judged, op)).len());
        }
        width
    }

    /// Where it was called, by whom, when to when, and what.
    fn row(&self, judged: &Judged<'_>, op: usize) -> String {
        let one = &judged.history.ops[op];
        let answer = match one.answer {
            None => String::from("no answer"),
            Some(_) => format!("-> {}", escape::line(&judged.read.answer(one.answer))),
        };
        let span = match one.answer {
            None => format!("[{}, ..", one.invoked),
            Some(_) => format!("[{}, {}]", one.invoked, one.answered),
        };
        format!(
            "line {:<line$}  c{:<client$}  {:<call$}  {answer:<12}  {span}",
            judged.history.lines[op],
            one.client,
            escape::line(&call(judged, op)),
            line = self.line,
            client = self.client,
            call = self.call,
        )
    }
}

fn call(judged: &Judged<'_>, op: usize) -> String {
    judged.read.call(judged.history.ops[op].call)
}

/// One history for programs: the fields of the contract, then why.
#[derive(Serialize)]
pub(crate) struct Object<'a> {
    file: &'a str,
    history: &'a str,
    verdict: &'static str,
    ops: usize,
    us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix_ops: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stuck: Option<OpObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimal: Option<Vec<OpObject>>,
}

/// One call for programs.
#[derive(Serialize)]
struct OpObject {
    line: u32,
    client: u32,
    call: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
}

/// A history as an object.
pub(crate) fn object<'a>(judged: &Judged<'a>) -> Object<'a> {
    let op = |&op: &usize| {
        let one = &judged.history.ops[op];
        OpObject {
            line: judged.history.lines[op],
            client: one.client,
            call: call(judged, op),
            answer: one.answer.map(|_| judged.read.answer(one.answer)),
        }
    };
    let why = why(judged);
    Object {
        file: judged.file,
        history: judged.name,
        verdict: match judged.judgement {
            Judgement::Linearizable => "linearizable",
            Judgement::NotLinearizable(_) => "not-linearizable",
            Judgement::Unknown => "unknown",
        },
        ops: judged.history.calls,
        us: u64::try_from(judged.took.as_micros()).unwrap_or(u64::MAX),
        prefix_ops: why.map(|why| why.prefix.len()),
        stuck: why.map(|why| op(&why.stuck)),
        minimal: why.map(|why| why.minimal.iter().map(op).collect()),
    }
}

fn nanoseconds(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}
