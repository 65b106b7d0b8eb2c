//! The objects that clients of key-value stores talk to: a register, and a store of texts.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::Model;

/// A text by its number in [`Texts`]; [`NIL`] is no text.
pub type Value = u32;

/// What a register holds that was never written, and a key that is not there.
pub const NIL: Value = 0;

/// Numbers for texts.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    /// Text `n` has number `n + 1`.
    texts: Vec<Box<str>>,
    numbers: HashMap<Box<str>, Value, FxBuildHasher>,
}

impl Texts {
    /// The number of a text, which gets one if it has none.
    pub fn number(&mut self, text: &str) -> Value {
        if let Some(&known) = self.numbers.get(text) {
            return known;
        }
        self.texts.push(text.into());
        let number = self.texts.len() as Value;
        self.numbers.insert(text.into(), number);
        number
    }

    /// The text with a number; `None` for [`NIL`].
    pub fn text(&self, number: Value) -> Option<&str> {
        let index = (number as usize).checked_sub(1)?;
        self.texts.get(index).map(|text| &**text)
    }

    /// What a key holds that holds a text.
    fn content(&self, text: &str) -> Content {
        match self.numbers.get(text) {
            _ if text.is_empty() => Content::Numbered(NIL),
            Some(&number) => Content::Numbered(number),
            None => Content::Joined(text.into()),
        }
    }
}

/// What is asked of a key.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Act {
    /// What does it hold?
    Get,
    /// It shall hold this.
    Put(Value),
    /// This shall follow what it holds.
    Append(Value),
    /// It shall hold nothing.
    Del,
    /// If it holds the first, it shall hold the second.
    Cas(Value, Value),
}

/// An act on a key.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Call {
    /// Which key; a number that the history's reader has given it.
    pub key: u32,
    /// What is asked.
    pub act: Act,
}

/// What is answered.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Answer {
    /// To a get: what the key holds.
    Held(Value),
    /// To a put, an append or a del.
    Done,
    /// To a compare-and-swap: whether it found what it expected.
    Swapped(bool),
}

impl Act {
    fn is_read(self) -> bool {
        self == Self::Get
    }

    fn changes_nothing(self, answer: Answer) -> bool {
        self.is_read() || matches!((self, answer), (Self::Cas(..), Answer::Swapped(false)))
    }

    const fn overwrites(self) -> bool {
        matches!(self, Self::Put(_) | Self::Del)
    }

    /// A number of its own for each act and answer, as long as there are fewer than 2^30 texts.
    fn likeness(self, answer: Option<Answer>) -> Option<u64> {
        let done = answer.is_none_or(|answer| answer == Answer::Done);
        let (kind, first, second) = match (self, answer) {
            (Self::Get, Some(Answer::Held(value))) => (0, value, 0),
            (Self::Put(value), _) if done => (1, value, 0),
            (Self::Del, _) if done => (1, NIL, 0),
            (Self::Append(value), _) if done => (2, value, 0),
            (Self::Cas(from, to), Some(Answer::Swapped(false))) => (3, from, to),
            (Self::Cas(from, to), None | Some(Answer::Swapped(true))) => (4, from, to),
            _ => return None,
        };
        let small = first < 1 << 30 && second < 1 << 30;
        small.then_some(kind << 60 | u64::from(first) << 30 | u64::from(second))
    }
}

/// A register: unset at first, with reads, writes and compare-and-swap. It knows no keys, and does not
/// append: a call that does is never allowed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Register;

/// A store of texts by key; a key that is not there holds nothing. A text appended to nothing is that text.
#[derive(Clone, Copy, Debug)]
pub struct Kv<'a> {
    /// What the numbers mean, for appends.
    pub texts: &'a Texts,
}

/// What a key of [`Kv`] holds. A text that has a number is always told by its number.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Content {
    /// A text with a number, or nothing.
    Numbered(Value),
    /// A text that has none: appends made it, and nobody has read or written it.
    Joined(Box<str>),
}

/// What a register that holds `held` does; `Err`: an append, which it can't do.
fn register(held: Value, act: Act, answer: Option<Answer>) -> Result<Option<Value>, Value> {
    let done = answer.is_none_or(|answer| answer == Answer::Done);
    Ok(match act {
        Act::Get => answer
            .is_none_or(|answer| answer == Answer::Held(held))
            .then_some(held),
        Act::Put(value) => done.then_some(value),
        Act::Del => done.then_some(NIL),
        Act::Cas(from, to) => {
            let swapped = from == held;
            let fits = answer.is_none_or(|answer| answer == Answer::Swapped(swapped));
            fits.then_some(if swapped { to } else { held })
        }
        Act::Append(value) => return Err(value),
    })
}

impl Model for Register {
    type State = Value;
    type Call = Call;
    type Answer = Answer;

    fn initial(&self) -> Value {
        NIL
    }

    fn step(&self, held: &Value, call: &Call, answer: Option<&Answer>) -> Option<Value> {
        register(*held, call.act, answer.copied()).unwrap_or(None)
    }

    fn is_read(&self, call: &Call) -> bool {
        call.act.is_read()
    }

    fn changes_nothing(&self, call: &Call, answer: &Answer) -> bool {
        call.act.changes_nothing(*answer)
    }

    fn overwrites(&self, call: &Call, answer: Option<&Answer>) -> bool {
        call.act.overwrites() && answer.is_none_or(|answer| *answer == Answer::Done)
    }

    fn likeness(&self, call: &Call, answer: Option<&Answer>) -> Option<u64> {
        call.act.likeness(answer.copied())
    }
}

impl Model for Kv<'_> {
    type State = Content;
    type Call = Call;
    type Answer = Answer;

    fn initial(&self) -> Content {
        Content::Numbered(NIL)
    }

    fn step(&self, held: &Content, call: &Call, answer: Option<&Answer>) -> Option<Content> {
        // A text without a number is none that anybody has read or compared.
        const UNHEARD_OF: Value = Value::MAX;
        let number = match held {
            Content::Numbered(number) => *number,
            Content::Joined(_) => UNHEARD_OF,
        };
        match register(number, call.act, answer.copied()) {
            Ok(next) => next.map(|next| match next {
                UNHEARD_OF => held.clone(),
                next => Content::Numbered(next),
            }),
            Err(_) if answer.is_some_and(|answer| *answer != Answer::Done) => None,
            Err(appended) => {
                let appended = self.texts.text(appended).unwrap_or_default();
                let before = match held {
                    Content::Numbered(number) => self.texts.text(*number).unwrap_or_default(),
                    Content::Joined(text) => text,
                };
                Some(self.texts.content(&format!("{before}{appended}")))
            }
        }
    }

    fn key(&self, call: &Call) -> u64 {
        u64::from(call.key)
    }

    fn is_read(&self, call: &Call) -> bool {
        call.act.is_read()
    }

    fn changes_nothing(&self, call: &Call, answer: &Answer) -> bool {
        call.act.changes_nothing(*answer)
    }

    fn overwrites(&self, call: &Call, answer: Option<&Answer>) -> bool {
        call.act.overwrites() && answer.is_none_or(|answer| *answer == Answer::Done)
    }

    fn heap_bytes(&self, state: &Content) -> usize {
        match state {
            Content::Numbered(_) => 0,
            Content::Joined(text) => text.len(),
        }
    }

    fn likeness(&self, call: &Call, answer: Option<&Answer>) -> Option<u64> {
        call.act.likeness(answer.copied())
    }
}
