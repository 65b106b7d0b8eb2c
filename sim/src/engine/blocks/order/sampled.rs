//! The adversary that samples partial orders: random priorities of operations, drawn anew where they conflict.
//!
//! Two operations conflict if they are on the same block of the same store (the same record, where all
//! agents share one) and one of them writes. The order of all others makes no difference, so that it is
//! not what the dice are spent on: Yuan, Yang and Gu 2018, "Partial order aware concurrency sampling".

use std::collections::VecDeque;

use bivalent_core::Place;

use super::{Blocks, Engine, Mind};
use crate::engine::{
    dice::{Dice, Purpose},
    event::ReadOp,
    net::Net,
};

/// The priorities of operations, no choices of the run: what is picked by them is one.
#[derive(Clone, Debug, Default)]
pub(super) struct Sampled {
    /// Of the first so many in the pool, in its order; of the others none is drawn yet.
    of: VecDeque<u64>,
}

impl Sampled {
    /// A new run.
    pub(super) fn begin(&mut self) {
        self.of.clear();
    }

    /// The place of the one with the greatest priority, the oldest of equals.
    pub(super) fn pick(&mut self, net: &mut Net) -> usize {
        while self.of.len() < net.pool.len() {
            self.of.push_back(priority(&mut net.dice));
        }
        let ranked = self.of.iter().zip(0..);
        let best = ranked.max_by_key(|&(&priority, place)| (priority, std::cmp::Reverse(place)));
        best.map_or(0, |(_, place)| place)
    }
}

fn priority(dice: &mut Dice) -> u64 {
    dice.whim(Purpose::Liking, 1 << 32)
}

impl Engine<Blocks> {
    /// What was at a place in the pool is taken out: those it conflicts with are liked anew.
    pub(super) fn like_anew(&mut self, place: usize, bits: u64) {
        let (block, writes) = self.touches(bits);
        let Mind::Sampled(sampled) = &mut self.system.order.mind else {
            return;
        };
        if place >= sampled.of.len() {
            // Played back, without a mind of its own.
            return;
        }
        let mut of = std::mem::take(&mut sampled.of);
        of.remove(place);
        for (at, liked) in of.iter_mut().enumerate() {
            let (other, also_writes) = self.touches(self.net.pool[at].bits);
            if other == block && (writes || also_writes) {
                *liked = priority(&mut self.net.dice);
            }
        }
        if let Mind::Sampled(sampled) = &mut self.system.order.mind {
            sampled.of = of;
        }
    }

    /// The block that an operation is on, and whether it writes.
    fn touches(&self, bits: u64) -> (Place, bool) {
        if let Some(write) = self.pooled_write(bits) {
            return (Self::place_of(write), true);
        }
        let ReadOp { store, owner, .. } = ReadOp::unpack(bits);
        (Place { store, owner }, false)
    }
}
