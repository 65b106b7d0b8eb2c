//! The one source of choices: every non-deterministic pick of a run is drawn here, by name.
//!
//! Seeds feed ChaCha8 streams, one a purpose, so that a new fault does not shift every delay. Each
//! draw is a bounded integer; a run is the list of them. On a tape the list is kept, comes from an
//! earlier run instead of the streams, or is followed as far as it fits: in one line, or sorted by
//! purpose, so that a choice too many or too few does not shift those of other purposes.

mod lots;

use std::sync::Arc;

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use crate::scenario::plan::{Plan, Ticket};

pub(crate) use lots::Lots;

/// What a draw is for; one stream each.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    /// How long an operation takes.
    Delay,
    /// Whether an operation meets a fault.
    Lottery,
    /// How a fault looks: its victim, its span, its sectors.
    Fault,
    /// How long an agent pauses; when it starts.
    Pause,
    /// What clients ask for.
    Load,
    /// What an adversary likes best, before it picks.
    Liking,
}

/// Where draws come from and whether they are kept.
#[derive(Clone, Debug)]
enum Tape {
    /// From the streams, not kept.
    Off,
    /// From the streams, kept.
    Record(Vec<u32>),
    /// From an earlier run's list.
    Play {
        choices: Arc<[u32]>,
        at: usize,
        /// The first choice that was missing or out of its bounds.
        misfit: Option<usize>,
    },
    /// From a list as far as it goes, each choice made to fit; what was chosen is kept.
    Follow {
        source: Source,
        kept: Kept,
        rest: Rest,
    },
}

/// The purposes, and one more: what an adversary picked.
const KINDS: usize = 6;
/// What an adversary picked, beside the purposes.
const PICK: u8 = 5;

/// A list that is followed.
#[derive(Clone, Debug)]
enum Source {
    Line { choices: Arc<[u32]>, at: usize },
    Sorted { sorted: Sorted, at: [usize; KINDS] },
}

impl Source {
    fn next(&mut self, kind: u8) -> Option<u32> {
        let (list, at) = match self {
            Self::Line { choices, at } => (&choices[..], at),
            Self::Sorted { sorted, at } => {
                let kind = usize::from(kind);
                (&sorted.lists[kind][..], &mut at[kind])
            }
        };
        let choice = list.get(*at).copied();
        *at += 1;
        choice
    }
}

/// What was chosen where a list was followed.
#[derive(Clone, Debug)]
struct Kept {
    choices: Vec<u32>,
    /// The kind of each choice stands before it.
    kinds: bool,
}

impl Kept {
    fn push(&mut self, kind: u8, choice: u32) {
        if self.kinds {
            self.choices.push(u32::from(kind));
        }
        self.choices.push(choice);
    }
}

/// Choices of a run, one list for each purpose.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sorted {
    lists: [Vec<u32>; KINDS],
}

impl Sorted {
    /// Sorts a list whose choices are of these kinds.
    pub(crate) fn new(choices: &[u32], kinds: &[u8]) -> Self {
        let mut sorted = Self::default();
        for (&choice, &kind) in choices.iter().zip(kinds) {
            sorted.lists[usize::from(kind)].push(choice);
        }
        sorted
    }

    /// All lists, one after the other, each after its length.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> {
        let lists = self.lists.iter();
        lists.flat_map(|list| std::iter::once(list.len() as u32).chain(list.iter().copied()))
    }
}

/// What is chosen where a list that is followed has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rest {
    /// The first possible choice: no fault, no delay, the oldest operation.
    First,
    /// What the streams of this seed say.
    Seed(u64),
}

/// The dice of one run.
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    streams: [ChaCha8Rng; 6],
    tape: Tape,
    taped: bool,
}

impl Dice {
    /// The dice of `seed`, nothing kept.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            streams: streams(seed),
            tape: Tape::Off,
            taped: false,
        }
    }

    /// The same, every choice kept.
    pub(crate) fn recording(seed: u64) -> Self {
        Self {
            streams: streams(seed),
            tape: Tape::Record(Vec::new()),
            taped: true,
        }
    }

    /// Choices of an earlier run; where they end or do not fit, the first possible choice.
    pub(crate) fn playing(choices: impl Into<Arc<[u32]>>) -> Self {
        Self {
            streams: streams(0),
            tape: Tape::Play {
                choices: choices.into(),
                at: 0,
                misfit: None,
            },
            taped: true,
        }
    }

    /// A list that need not fit: a choice out of its bounds is folded into them, and where the list ends
    /// `rest` goes on. What was chosen is kept, and is a list that fits.
    pub(crate) fn following(choices: impl Into<Arc<[u32]>>, rest: Rest) -> Self {
        let choices = choices.into();
        Self::follow(Source::Line { choices, at: 0 }, rest, false)
    }

    /// The same with a list for each purpose.
    pub(crate) fn following_sorted(sorted: Sorted, rest: Rest) -> Self {
        let at = [0; KINDS];
        Self::follow(Source::Sorted { sorted, at }, rest, false)
    }

    /// The same as a list that ends in first choices; of what was chosen, the kinds are kept as well: the
    /// kind of a choice stands before it.
    pub(crate) fn telling_kinds(choices: impl Into<Arc<[u32]>>) -> Self {
        let choices = choices.into();
        Self::follow(Source::Line { choices, at: 0 }, Rest::First, true)
    }

    fn follow(source: Source, rest: Rest, kinds: bool) -> Self {
        let seed = match rest {
            Rest::First => 0,
            Rest::Seed(seed) => seed,
        };
        let choices = Vec::new();
        Self {
            streams: streams(seed),
            tape: Tape::Follow {
                source,
                kept: Kept { choices, kinds },
                rest,
            },
            taped: true,
        }
    }

    /// The choices kept so far.
    pub(crate) fn take_choices(&mut self) -> Vec<u32> {
        match &mut self.tape {
            Tape::Record(choices) => std::mem::take(choices),
            Tape::Play { choices, .. } => choices.to_vec(),
            Tape::Follow { kept, .. } => std::mem::take(&mut kept.choices),
            Tape::Off => Vec::new(),
        }
    }

    /// How many choices of a list have been asked for, when playing.
    pub(crate) const fn played_so_far(&self) -> Option<usize> {
        match &self.tape {
            Tape::Play { at, .. } => Some(*at),
            Tape::Record(_) | Tape::Follow { .. } | Tape::Off => None,
        }
    }

    /// The index of the first choice that has not fitted so far, when playing.
    pub(crate) const fn misfit_so_far(&self) -> Option<usize> {
        match &self.tape {
            Tape::Play { misfit, .. } => *misfit,
            Tape::Record(_) | Tape::Follow { .. } | Tape::Off => None,
        }
    }

    /// The index of the first choice that did not fit, when playing; a list that is too long
    /// counts from its first surplus choice.
    pub(crate) fn misfit(&self) -> Option<usize> {
        match &self.tape {
            Tape::Play {
                misfit: Some(at), ..
            } => Some(*at),
            Tape::Play {
                choices,
                at,
                misfit: None,
            } if *at < choices.len() => Some(*at),
            Tape::Play { .. } | Tape::Record(_) | Tape::Follow { .. } | Tape::Off => None,
        }
    }

    /// A number below `bound`, which is at least 1.
    #[inline]
    pub(crate) fn below(&mut self, purpose: Purpose, bound: u64) -> u64 {
        if self.taped {
            return self.below_taped(purpose, bound);
        }
        scale(self.streams[purpose as usize].next_u32(), bound)
    }

    /// The next choice of a list that is played, if it is below `bound`; none if nothing is played, and
    /// somebody has to think of one.
    pub(crate) fn played(&mut self, bound: u64) -> Option<u64> {
        let Tape::Play {
            choices,
            at,
            misfit,
        } = &mut self.tape
        else {
            return None;
        };
        let choice = choices.get(*at).map(|&choice| u64::from(choice));
        let fits = choice.filter(|&choice| choice < bound);
        if fits.is_none() && misfit.is_none() {
            *misfit = Some(*at);
        }
        *at += 1;
        Some(fits.unwrap_or(0))
    }

    /// The next pick of a list that is followed; none if it has ended and somebody has to think of one. Whoever
    /// asks makes it fit, and keeps it.
    pub(crate) fn followed(&mut self) -> Option<u64> {
        let Tape::Follow { source, rest, .. } = &mut self.tape else {
            return None;
        };
        match (source.next(PICK), rest) {
            (Some(choice), _) => Some(u64::from(choice)),
            (None, Rest::First) => Some(0),
            (None, Rest::Seed(_)) => None,
        }
    }

    /// Keeps a choice that somebody has thought of.
    pub(crate) fn keep(&mut self, choice: u64) {
        match &mut self.tape {
            Tape::Record(choices) => choices.push(choice as u32),
            Tape::Follow { kept, .. } => kept.push(PICK, choice as u32),
            Tape::Off | Tape::Play { .. } => {}
        }
    }

    /// A number below `bound` that is no choice of the run: it is not recorded, and what is played back
    /// does not need it. Whoever asks for it keeps what comes of it.
    pub(crate) fn whim(&mut self, purpose: Purpose, bound: u64) -> u64 {
        scale(self.streams[purpose as usize].next_u32(), bound)
    }

    /// A number in `min..=max`.
    #[inline]
    pub(crate) fn within(&mut self, purpose: Purpose, min: u64, max: u64) -> u64 {
        if min == max {
            min
        } else {
            min + self.below(purpose, max - min + 1)
        }
    }

    /// Which of some chances comes true: `tickets` are ascending bounds out of 2^32, the draw
    /// belongs to the first bound above it, or to none.
    #[inline]
    pub(crate) fn lottery(&mut self, tickets: &[Ticket]) -> Option<u8> {
        let last = tickets.last()?;
        if self.taped {
            return self.lottery_taped(tickets);
        }
        let draw = u64::from(self.streams[Purpose::Lottery as usize].next_u32());
        if draw >= last.below {
            return None;
        }
        winner(tickets, draw)
    }

    #[cold]
    fn below_taped(&mut self, purpose: Purpose, bound: u64) -> u64 {
        match &mut self.tape {
            Tape::Play {
                choices,
                at,
                misfit,
            } => {
                let choice = choices.get(*at).copied();
                let fits = choice.filter(|&choice| bound > WIDE || u64::from(choice) < bound);
                if fits.is_none() && misfit.is_none() {
                    *misfit = Some(*at);
                }
                *at += 1;
                let choice = fits.unwrap_or(0);
                if bound > WIDE {
                    scale(choice, bound)
                } else {
                    u64::from(choice)
                }
            }
            Tape::Follow { source, kept, rest } => {
                let choice = match (source.next(purpose as u8), rest) {
                    (Some(choice), _) if bound > WIDE => choice,
                    (Some(choice), _) => (u64::from(choice) % bound) as u32,
                    (None, Rest::First) => 0,
                    (None, Rest::Seed(_)) => {
                        let draw = self.streams[purpose as usize].next_u32();
                        if bound > WIDE {
                            draw
                        } else {
                            scale(draw, bound) as u32
                        }
                    }
                };
                kept.push(purpose as u8, choice);
                if bound > WIDE {
                    scale(choice, bound)
                } else {
                    u64::from(choice)
                }
            }
            Tape::Record(choices) => {
                let draw = self.streams[purpose as usize].next_u32();
                let value = scale(draw, bound);
                choices.push(if bound > WIDE { draw } else { value as u32 });
                value
            }
            Tape::Off => unreachable!("taped says so"),
        }
    }

    #[cold]
    fn lottery_taped(&mut self, tickets: &[Ticket]) -> Option<u8> {
        match &mut self.tape {
            Tape::Play {
                choices,
                at,
                misfit,
            } => {
                let choice = choices.get(*at).copied();
                let known = |rule: u32| tickets.iter().any(|ticket| u32::from(ticket.rule) == rule);
                let fits = choice.filter(|&choice| choice == 0 || known(choice - 1));
                if fits.is_none() && misfit.is_none() {
                    *misfit = Some(*at);
                }
                *at += 1;
                fits.unwrap_or(0).checked_sub(1).map(|rule| rule as u8)
            }
            Tape::Follow { source, kept, rest } => {
                let known = |rule: u32| tickets.iter().any(|ticket| u32::from(ticket.rule) == rule);
                let choice = match (source.next(Purpose::Lottery as u8), rest) {
                    (Some(choice), _) if choice > 0 && known(choice - 1) => choice,
                    (Some(_), _) | (None, Rest::First) => 0,
                    (None, Rest::Seed(_)) => {
                        let draw = u64::from(self.streams[Purpose::Lottery as usize].next_u32());
                        winner(tickets, draw).map_or(0, |rule| u32::from(rule) + 1)
                    }
                };
                kept.push(Purpose::Lottery as u8, choice);
                choice.checked_sub(1).map(|rule| rule as u8)
            }
            Tape::Record(choices) => {
                let draw = u64::from(self.streams[Purpose::Lottery as usize].next_u32());
                let rule = winner(tickets, draw);
                choices.push(rule.map_or(0, |rule| u32::from(rule) + 1));
                rule
            }
            Tape::Off => unreachable!("taped says so"),
        }
    }
}

/// Bounds above this do not fit a choice of 32 bits: the raw draw is kept instead.
const WIDE: u64 = 1 << 32;

#[inline]
const fn scale(draw: u32, bound: u64) -> u64 {
    // Lemire's multiply-shift without the rejection: a bias of at most bound / 2^32 is harmless
    // here, and one draw a choice keeps lists comparable.
    ((draw as u128 * bound as u128) >> 32) as u64
}

#[cold]
fn winner(tickets: &[Ticket], draw: u64) -> Option<u8> {
    tickets
        .iter()
        .find(|ticket| draw < ticket.below)
        .map(|ticket| ticket.rule)
}

fn streams(seed: u64) -> [ChaCha8Rng; 6] {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let stream = |number| {
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(number);
        rng
    };
    [0, 1, 2, 3, 4, 5].map(stream)
}

impl Plan {
    /// The dice of a run, its choices not kept unless they are the scenario's.
    pub(crate) fn dice(&self, seed: u64) -> Dice {
        self.following().unwrap_or_else(|| Dice::new(seed))
    }

    /// The dice of a run whose choices are kept.
    pub(crate) fn dice_kept(&self, seed: u64) -> Dice {
        self.following().unwrap_or_else(|| Dice::recording(seed))
    }

    fn following(&self) -> Option<Dice> {
        let choices = self.choices.as_ref()?;
        Some(Dice::following(Arc::clone(choices), Rest::First))
    }
}

#[cfg(test)]
mod tests;
