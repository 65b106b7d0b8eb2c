//! The format of many histories: `H name`, `I id client op key [args]`, `O id result`.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::recorder::Recorder;
use super::{Histories, HistoryError, shown};
use crate::judge::linear::models::{Act, Answer, Call, NIL};

const CALL: &str = "expected `I id client get|put|append|del|cas key [args]`";

/// A history as it is read.
struct Part {
    recorder: Recorder,
    /// Clients by the ids of their calls.
    callers: HashMap<u64, Caller, FxBuildHasher>,
}

#[derive(Clone, Copy)]
struct Caller {
    client: u32,
    answered: bool,
}

/// Reads all histories.
pub(super) fn read<'a>(
    lines: impl Iterator<Item = (u32, &'a str)>,
    into: &mut Histories,
) -> Result<(), HistoryError> {
    let mut part: Option<Part> = None;
    let mut names = HashMap::<&str, u32, FxBuildHasher>::default();
    for (line, text) in lines {
        let mut words = text.split_ascii_whitespace();
        let kind = words.next().unwrap_or_default();
        if kind == "H" {
            let name = words.next().filter(|_| words.next().is_none());
            let name = name.ok_or_else(|| {
                HistoryError::new(line, "a history needs a name of one word", "write `H name`")
            })?;
            if let Some(before) = names.insert(name, line) {
                return Err(HistoryError::new(
                    line,
                    format!(
                        "history `{}` is there already, on line {before}",
                        shown(name)
                    ),
                    "give each history a name of its own",
                ));
            }
            into.histories
                .extend(part.take().map(|part| part.recorder.finish()));
            part = Some(Part {
                recorder: Recorder::new(Some(name.to_owned())),
                callers: HashMap::default(),
            });
            continue;
        }
        let part = part.as_mut().ok_or_else(|| {
            HistoryError::new(line, "this belongs to no history", "begin with `H name`")
        })?;
        match kind {
            "I" => part.call(line, words, into)?,
            "O" => part.answer(line, words, into)?,
            _ => {
                let message = format!("`{}` is no event", shown(text));
                let help = "lines begin with H (a history), I (a call) or O (an answer)";
                return Err(HistoryError::new(line, message, help));
            }
        }
    }
    into.histories
        .extend(part.map(|part| part.recorder.finish()));
    Ok(())
}

impl Part {
    fn call<'a>(
        &mut self,
        line: u32,
        mut words: impl Iterator<Item = &'a str>,
        into: &mut Histories,
    ) -> Result<(), HistoryError> {
        let bad = |what: &str| HistoryError::new(line, what, CALL);
        let mut next = |what| words.next().ok_or_else(|| bad(what));
        let id = number(line, next("the call has no id")?)?;
        let client = number(line, next("the call has no client")?)?;
        let client = u32::try_from(client).map_err(|_| bad("the client's number is too large"))?;
        let name = next("the call says not what is asked")?;
        let key = next("the call has no key")?;
        let mut value = |what: &'static str, may_be_nil: bool| match next(what)? {
            "nil" if may_be_nil => Ok(NIL),
            "nil" => Err(HistoryError::new(
                line,
                "nil is no value that a key can be given",
                "`del` takes a key's value away",
            )),
            text => Ok(into.texts.number(text)),
        };
        let act = match name {
            "get" => Act::Get,
            "put" => Act::Put(value("put needs a value", false)?),
            "append" => Act::Append(value("append needs a value", false)?),
            "del" => Act::Del,
            "cas" => {
                let from = value("cas needs two values", true)?;
                Act::Cas(from, value("cas needs two values", false)?)
            }
            name => return Err(bad(&format!("there is no operation `{}`", shown(name)))),
        };
        if words.next().is_some() {
            return Err(bad(&format!("{name} has too many arguments")));
        }
        let key = into.keys.number(key);
        let caller = Caller {
            client,
            answered: false,
        };
        if self.callers.insert(id, caller).is_some() {
            let message = format!("call {id} is there already");
            let help = "give each call of a history an id of its own";
            return Err(HistoryError::new(line, message, help));
        }
        self.recorder.call(line, client, Call { key, act })?;
        Ok(())
    }

    fn answer<'a>(
        &mut self,
        line: u32,
        mut words: impl Iterator<Item = &'a str>,
        into: &mut Histories,
    ) -> Result<(), HistoryError> {
        let bad = |what: String| HistoryError::new(line, what, "expected `O id result`");
        let id = words
            .next()
            .ok_or_else(|| bad("the answer has no id".into()))?;
        let id = number(line, id)?;
        let result = words.next().filter(|_| words.next().is_none());
        let result = result.ok_or_else(|| bad("an answer is one word".into()))?;
        let caller = self.callers.get_mut(&id).ok_or_else(|| {
            let message = format!("there is no call {id}");
            let help = "an answer comes after the `I` line with its id, in the same history";
            HistoryError::new(line, message, help)
        })?;
        if caller.answered {
            let help = "a call is answered once; give each call an id of its own";
            return Err(HistoryError::new(
                line,
                format!("call {id} is answered again"),
                help,
            ));
        }
        caller.answered = true;
        let client = caller.client;
        let (_, call) = self.recorder.open(line, client)?;
        let answer = match (call.act, result) {
            (Act::Get, "nil") => Answer::Held(NIL),
            (Act::Get, text) => Answer::Held(into.texts.number(text)),
            (Act::Put(_) | Act::Append(_) | Act::Del, "ok") => Answer::Done,
            (Act::Cas(..), "true") => Answer::Swapped(true),
            (Act::Cas(..), "false") => Answer::Swapped(false),
            (Act::Put(_) | Act::Append(_) | Act::Del, _) => {
                return Err(bad(format!(
                    "`{}` answers no such call; it is `ok`",
                    shown(result)
                )));
            }
            (Act::Cas(..), _) => {
                let message = format!(
                    "`{}` answers no cas; it is `true` or `false`",
                    shown(result)
                );
                return Err(bad(message));
            }
        };
        self.recorder.answer(client, answer);
        Ok(())
    }
}

fn number(line: u32, text: &str) -> Result<u64, HistoryError> {
    text.parse().map_err(|_| {
        let message = format!("`{}` is no number", shown(text));
        HistoryError::new(line, message, "ids and clients are numbers from 0")
    })
}
