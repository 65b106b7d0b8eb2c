//! The linearizability checker: can the calls of a history be put in an order that a model allows?
//!
//! An order is legal if it respects real time (a call that was answered before another was made comes
//! first) and if the model, taking one call after the other, may give the answers that were given
//! (Herlihy and Wing 1990). A call without an answer may take effect at any later time, or never.
//!
//! Calls of different keys are judged apart, which is exact for linearizability. The search for each
//! key goes from one answer to the next and lets calls take effect as late as it can (Lowe 2017, after
//! Wing and Gong 1993); `linear/config.rs` says what is kept of an order and which orders need no look.
//! Everything is counted in steps: the same history, model and budget give the same judgement.

mod config;
mod machine;
mod minimise;
pub mod models;
mod path;
mod relevance;
mod search;
mod sweep;
#[cfg(test)]
mod tests;
mod track;
mod window;

use std::hash::Hash;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use machine::Machine;
use track::Track;

/// What a kind of object may answer.
pub trait Model {
    /// All that decides what the object may answer from now on.
    type State: Clone + Eq + Hash;
    /// What is asked of it.
    type Call: Clone;
    /// What it says.
    type Answer: Clone;

    /// The state before the first call.
    fn initial(&self) -> Self::State;

    /// The state after `call` if `answer` (`None`: the outcome is not known, anything goes) is what it
    /// may answer in `state`; `None` if it is not.
    fn step(
        &self,
        state: &Self::State,
        call: &Self::Call,
        answer: Option<&Self::Answer>,
    ) -> Option<Self::State>;

    /// Calls of different keys never affect each other; by default all calls have one key.
    fn key(&self, _call: &Self::Call) -> u64 {
        0
    }

    /// Whether an unanswered call may be dropped because it changes nothing: a read.
    fn is_read(&self, _call: &Self::Call) -> bool {
        false
    }

    /// Whether `call` with this answer changes nothing in any state; for speed only. A compare-and-swap
    /// that failed is one that `is_read` can't know.
    fn changes_nothing(&self, call: &Self::Call, _answer: &Self::Answer) -> bool {
        self.is_read(call)
    }

    /// Whether `call` with this answer is allowed in every state and leads to the same one from all of
    /// them, as an unconditional write does; for speed only.
    fn overwrites(&self, _call: &Self::Call, _answer: Option<&Self::Answer>) -> bool {
        false
    }

    /// Bytes that a state occupies outside of itself, so that memory stays bounded.
    fn heap_bytes(&self, _state: &Self::State) -> usize {
        0
    }

    /// A number that calls share only if they are the same: answered ones are allowed in the same states
    /// and lead to the same ones, and unanswered ones change the same states in the same way as answered
    /// ones; for speed only. `None`: like no other.
    fn likeness(&self, _call: &Self::Call, _answer: Option<&Self::Answer>) -> Option<u64> {
        None
    }
}

/// One call with its answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Op<C, A> {
    /// Who called; the checker does not look at it.
    pub client: u32,
    /// What was asked.
    pub call: C,
    /// What was answered. `None`: nobody knows, and it may have taken effect, or may still do so.
    pub answer: Option<A>,
    /// When it was asked, in the order of all calls and answers of the history.
    pub invoked: u64,
    /// When it was answered, in the same order; `u64::MAX` if it never was.
    pub answered: u64,
}

/// How much work may be done.
#[derive(Clone, Copy)]
pub struct Budget<'a> {
    /// Steps that are left; about 10 million a second.
    pub steps: u64,
    /// Asked every few thousand steps; `false` ends the work. A clock belongs here, not into the checker.
    pub go_on: Option<&'a dyn Fn() -> bool>,
}

impl Budget<'_> {
    /// A budget of so many steps.
    pub const fn of(steps: u64) -> Self {
        Self { steps, go_on: None }
    }

    /// Takes some steps; `false` if they are not there.
    fn spend(&mut self, steps: u64) -> bool {
        let left = self.steps.saturating_sub(steps);
        let ask = left >> 12 != self.steps >> 12;
        self.steps = left;
        if ask && self.go_on.is_some_and(|go_on| !go_on()) {
            self.steps = 0;
        }
        self.steps > 0
    }
}

/// Whether a history is linearizable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Judgement {
    /// There is a legal order.
    Linearizable,
    /// There is none.
    NotLinearizable(Failure),
    /// The budget, or the memory for the search, ended first.
    Unknown,
}

/// Why there is no legal order. Numbers are indexes into the history.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// The key whose calls have none.
    pub key: u64,
    /// A legal order of a part of these calls that gets as far in time as any does, and among those that
    /// the search kept the longest.
    pub prefix: Vec<usize>,
    /// The first call, by the time of its answer, that no legal order gets past.
    pub stuck: usize,
    /// Calls that have no legal order even if each of the others takes effect whenever it suits, or
    /// never. None of them can be left out, unless the budget ended before that was tried.
    pub minimal: Vec<usize>,
}

/// A verdict without the smaller history, which [`explain`] makes of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// There is a legal order.
    Linearizable,
    /// There is none.
    NotLinearizable(Stuck),
    /// The budget, or the memory for the search, ended first.
    Unknown,
}

/// Where the orders of a key end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stuck {
    key: u64,
    /// The key's calls.
    calls: Vec<u32>,
    prefix: Vec<usize>,
    call: usize,
}

/// How the search for the order of one key ended.
enum Search {
    /// With a legal order: the stages and items in which the state changed.
    Found(Vec<(usize, u32)>),
    /// Without one: the items of the best prefix, and the one that can't be placed.
    Stuck { prefix: Vec<u32>, item: u32 },
    /// With too many configurations to keep.
    TooMany,
    /// With the budget.
    Spent,
}

/// Judges a history, and says why if it is not linearizable.
pub fn check<M: Model>(
    model: &M,
    ops: &[Op<M::Call, M::Answer>],
    budget: &mut Budget<'_>,
) -> Judgement {
    match judge(model, ops, budget) {
        Verdict::Linearizable => Judgement::Linearizable,
        Verdict::NotLinearizable(stuck) => {
            Judgement::NotLinearizable(explain(model, ops, stuck, budget))
        }
        Verdict::Unknown => Judgement::Unknown,
    }
}

/// Judges a history.
pub fn judge<M: Model>(
    model: &M,
    ops: &[Op<M::Call, M::Answer>],
    budget: &mut Budget<'_>,
) -> Verdict {
    let keys = by_key(model, ops);
    let mut hard = Vec::new();
    let mut unknown = false;
    // Keys that are easy come first: one that fails spares the others.
    for (number, (_, calls)) in keys.iter().enumerate() {
        let track = Track::new(model, ops, calls, |_| false);
        match track.sweep(&mut Machine::new(model, ops), budget) {
            Search::Found(_) => {}
            Search::Stuck { prefix, item } => return stuck(&keys[number], &track, &prefix, item),
            Search::TooMany => hard.push(number),
            Search::Spent => return Verdict::Unknown,
        }
    }
    for number in hard {
        let track = Track::new(model, ops, &keys[number].1, |_| false);
        match track.search(&mut Machine::new(model, ops), budget) {
            Search::Found(_) => {}
            Search::Stuck { prefix, item } => return stuck(&keys[number], &track, &prefix, item),
            Search::TooMany => unknown = true,
            Search::Spent => return Verdict::Unknown,
        }
    }
    if unknown {
        Verdict::Unknown
    } else {
        Verdict::Linearizable
    }
}

/// Says why a history is not linearizable.
pub fn explain<M: Model>(
    model: &M,
    ops: &[Op<M::Call, M::Answer>],
    stuck: Stuck,
    budget: &mut Budget<'_>,
) -> Failure {
    let minimal = minimise::minimise(model, ops, &stuck, budget);
    Failure {
        key: stuck.key,
        prefix: stuck.prefix,
        stuck: stuck.call,
        minimal,
    }
}

fn stuck(key: &(u64, Vec<u32>), track: &Track, prefix: &[u32], item: u32) -> Verdict {
    let index = |&item: &u32| track.items[item as usize].op as usize;
    Verdict::NotLinearizable(Stuck {
        key: key.0,
        calls: key.1.clone(),
        prefix: prefix.iter().map(index).collect(),
        call: index(&item),
    })
}

/// The calls of each key, keys in the order in which they first occur.
fn by_key<M: Model>(model: &M, ops: &[Op<M::Call, M::Answer>]) -> Vec<(u64, Vec<u32>)> {
    let mut keys: Vec<(u64, Vec<u32>)> = Vec::new();
    let mut numbers: HashMap<u64, usize, FxBuildHasher> = HashMap::default();
    for (index, op) in ops.iter().enumerate() {
        let key = model.key(&op.call);
        let number = *numbers.entry(key).or_insert_with(|| {
            keys.push((key, Vec::new()));
            keys.len() - 1
        });
        keys[number].1.push(index as u32);
    }
    keys
}
