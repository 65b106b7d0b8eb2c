//! Histories made up by a seed: clients call a store that is one, so what they see is linearizable.

use std::collections::BTreeMap;

use bivalent_sim::judge::linear::{
    Op,
    models::{Act, Answer, Call, NIL, Texts, Value},
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// What a history is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Calls.
    pub(crate) ops: usize,
    /// Calls at a time, at most.
    pub(crate) clients: u32,
    pub(crate) keys: u32,
    /// Different values that are put.
    pub(crate) values: u32,
    /// Of a thousand calls as many get no answer.
    pub(crate) lost: u32,
    /// Whether there are appends.
    pub(crate) appends: bool,
}

/// How far a client's call has come.
#[derive(Clone, Copy)]
enum Client {
    Idle,
    Calling(usize),
    Done(usize, Answer),
}

struct World {
    dice: ChaCha8Rng,
    held: BTreeMap<u32, String>,
    texts: Texts,
    ops: Vec<Op<Call, Answer>>,
}

impl World {
    /// A number below `end`.
    fn below(&mut self, end: u32) -> u32 {
        self.dice.next_u32() % end
    }

    fn value(&mut self, shape: &Shape) -> Value {
        let value = self.below(shape.values);
        self.texts.number(&format!("v{value}"))
    }

    fn act(&mut self, shape: &Shape) -> Act {
        match self.below(20) {
            0..=8 => Act::Get,
            9..=10 if shape.appends => Act::Append(self.value(shape)),
            9..=15 => Act::Put(self.value(shape)),
            16 => Act::Del,
            _ => {
                let from = if self.below(4) == 0 {
                    NIL
                } else {
                    self.value(shape)
                };
                Act::Cas(from, self.value(shape))
            }
        }
    }

    /// The call takes effect.
    fn take_effect(&mut self, call: Call) -> Answer {
        let held = self.held.entry(call.key).or_default();
        let texts = &mut self.texts;
        let number = if held.is_empty() {
            NIL
        } else {
            texts.number(held)
        };
        let text = |value| texts.text(value).unwrap_or_default();
        match call.act {
            Act::Get => return Answer::Held(number),
            Act::Put(value) => text(value).clone_into(held),
            Act::Append(value) => *held += text(value),
            Act::Del => held.clear(),
            Act::Cas(from, _) if from != number => return Answer::Swapped(false),
            Act::Cas(_, to) => {
                text(to).clone_into(held);
                return Answer::Swapped(true);
            }
        }
        Answer::Done
    }
}

/// A history that is linearizable, and what its numbers mean.
pub(crate) fn linearizable(shape: &Shape, seed: u64) -> (Texts, Vec<Op<Call, Answer>>) {
    let mut world = World {
        dice: ChaCha8Rng::seed_from_u64(seed),
        held: BTreeMap::new(),
        texts: Texts::default(),
        ops: Vec::new(),
    };
    let mut clients: Vec<(u32, Client)> = (0..shape.clients).map(|id| (id, Client::Idle)).collect();
    let mut named = shape.clients;
    let mut now = 0;
    while world.ops.len() < shape.ops || clients.iter().any(|(_, c)| !matches!(c, Client::Idle)) {
        let at = world.below(shape.clients) as usize;
        now += 1;
        clients[at].1 = match clients[at].1 {
            Client::Idle if world.ops.len() == shape.ops => Client::Idle,
            Client::Idle => {
                let key = world.below(shape.keys);
                let act = world.act(shape);
                world.ops.push(Op {
                    client: clients[at].0,
                    call: Call { key, act },
                    answer: None,
                    invoked: now,
                    answered: u64::MAX,
                });
                Client::Calling(world.ops.len() - 1)
            }
            Client::Calling(op) if world.below(1000) < shape.lost => {
                if world.below(2) == 0 {
                    world.take_effect(world.ops[op].call);
                }
                clients[at].0 = named;
                named += 1;
                Client::Idle
            }
            Client::Calling(op) => Client::Done(op, world.take_effect(world.ops[op].call)),
            Client::Done(op, answer) => {
                world.ops[op].answer = Some(answer);
                world.ops[op].answered = now;
                Client::Idle
            }
        };
    }
    (world.texts, world.ops)
}

/// Changes what some reads and compare-and-swaps have answered; the history may still be linearizable.
pub(crate) fn spoil(texts: &Texts, ops: &mut [Op<Call, Answer>], answers: usize, seed: u64) {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    if ops.is_empty() {
        return;
    }
    for _ in 0..answers {
        let at = dice.next_u32() as usize % ops.len();
        let value = dice.next_u32() % 4;
        match &mut ops[at].answer {
            Some(Answer::Held(held)) if texts.text(value).is_some() || value == NIL => {
                *held = value;
            }
            Some(Answer::Swapped(swapped)) => *swapped = !*swapped,
            _ => {}
        }
    }
}
