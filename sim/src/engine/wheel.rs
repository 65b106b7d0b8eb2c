//! The event queue: a wheel of one-tick slots for the near future, a heap for the far one.
//!
//! Total order: by tick, then by the order in which events were put in. Within a slot that is a
//! list; a far event moves into the wheel the moment its tick comes into reach, which is before
//! anything else can be put into that slot.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::scenario::plan::SLOTS;

const WORDS: usize = (SLOTS / 64) as usize;
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Node {
    event: u64,
    next: u32,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    head: u32,
    tail: u32,
}

/// A queue of packed events.
#[derive(Clone, Debug)]
pub(crate) struct Wheel {
    now: u64,
    slots: Box<[Slot; SLOTS as usize]>,
    occupied: [u64; WORDS],
    nodes: Vec<Node>,
    free: u32,
    far: BinaryHeap<Reverse<(u64, u64, u64)>>,
    /// The tick of the nearest far event, `u64::MAX` if there is none.
    far_next: u64,
    puts: u64,
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Self {
            now: 0,
            slots: Box::new(
                [Slot {
                    head: NONE,
                    tail: NONE,
                }; SLOTS as usize],
            ),
            occupied: [0; WORDS],
            nodes: Vec::with_capacity(1024),
            free: NONE,
            far: BinaryHeap::with_capacity(64),
            far_next: u64::MAX,
            puts: 0,
        }
    }

    /// Empties it for the next run; what was allocated stays.
    pub(crate) fn reset(&mut self) {
        for word in 0..WORDS {
            let mut bits = self.occupied[word];
            while bits != 0 {
                let slot = word * 64 + bits.trailing_zeros() as usize;
                self.slots[slot] = Slot {
                    head: NONE,
                    tail: NONE,
                };
                bits &= bits - 1;
            }
        }
        self.occupied = [0; WORDS];
        self.now = 0;
        self.nodes.clear();
        self.free = NONE;
        self.far.clear();
        self.far_next = u64::MAX;
        self.puts = 0;
    }

    /// The tick of the event taken last.
    pub(crate) const fn now(&self) -> u64 {
        self.now
    }

    /// Puts an event at a tick that is not in the past.
    #[inline]
    pub(crate) fn put(&mut self, tick: u64, event: u64) {
        debug_assert!(tick >= self.now, "tick {tick} is before {}", self.now);
        if tick < self.now + SLOTS {
            self.put_near(tick, event);
        } else {
            self.put_far(tick, event);
        }
    }

    #[inline]
    fn put_near(&mut self, tick: u64, event: u64) {
        let index = if self.free == NONE {
            self.nodes.push(Node { event, next: NONE });
            self.nodes.len() as u32 - 1
        } else {
            let index = self.free;
            let node = &mut self.nodes[index as usize];
            self.free = node.next;
            *node = Node { event, next: NONE };
            index
        };
        let at = (tick % SLOTS) as usize;
        let slot = &mut self.slots[at];
        if slot.tail == NONE {
            slot.head = index;
            self.occupied[at / 64] |= 1 << (at % 64);
        } else {
            self.nodes[slot.tail as usize].next = index;
        }
        slot.tail = index;
    }

    #[cold]
    fn put_far(&mut self, tick: u64, event: u64) {
        self.puts += 1;
        self.far.push(Reverse((tick, self.puts, event)));
        self.far_next = self.far_next.min(tick);
    }

    /// Takes events out, in their order, each with its tick; time stays.
    pub(crate) fn take_out(&mut self, wanted: impl Fn(u64) -> bool) -> Vec<(u64, u64)> {
        let (mut taken, mut kept) = (Vec::new(), Vec::new());
        for tick in self.now..self.now + SLOTS {
            let at = (tick % SLOTS) as usize;
            if self.occupied[at / 64] & 1 << (at % 64) == 0 {
                continue;
            }
            let mut index = std::mem::replace(
                &mut self.slots[at],
                Slot {
                    head: NONE,
                    tail: NONE,
                },
            )
            .head;
            self.occupied[at / 64] &= !(1 << (at % 64));
            while index != NONE {
                let Node { event, next } = self.nodes[index as usize];
                self.nodes[index as usize].next = self.free;
                self.free = index;
                if wanted(event) {
                    taken.push((tick, event));
                } else {
                    kept.push((tick, event));
                }
                index = next;
            }
            for (tick, event) in kept.drain(..) {
                self.put_near(tick, event);
            }
        }
        let mut far = std::mem::take(&mut self.far).into_sorted_vec();
        // The nearest first.
        far.reverse();
        for Reverse((tick, put, event)) in far {
            if wanted(event) {
                taken.push((tick, event));
            } else {
                self.far.push(Reverse((tick, put, event)));
            }
        }
        self.far_next = self.far.peek().map_or(u64::MAX, |Reverse(next)| next.0);
        taken
    }

    /// Takes the next event and moves time to its tick.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<u64> {
        let Some(ahead) = self.nearest() else {
            return self.jump();
        };
        self.now += ahead;
        if self.far_next < self.now + SLOTS {
            self.reach();
        }
        Some(self.take())
    }

    #[inline]
    fn take(&mut self) -> u64 {
        let at = (self.now % SLOTS) as usize;
        let slot = &mut self.slots[at];
        let index = slot.head;
        let node = &mut self.nodes[index as usize];
        let event = node.event;
        slot.head = node.next;
        node.next = self.free;
        self.free = index;
        if slot.head == NONE {
            slot.tail = NONE;
            self.occupied[at / 64] &= !(1 << (at % 64));
        }
        event
    }

    /// Every event with its tick, in the order in which they would be taken.
    pub(crate) fn in_order(&self) -> Vec<(u64, u64)> {
        let mut events = Vec::new();
        for tick in self.now..self.now + SLOTS {
            let mut index = self.slots[(tick % SLOTS) as usize].head;
            while index != NONE {
                let node = &self.nodes[index as usize];
                events.push((tick, node.event));
                index = node.next;
            }
        }
        let mut far: Vec<(u64, u64, u64)> = self.far.iter().map(|far| far.0).collect();
        far.sort_unstable();
        events.extend(far.into_iter().map(|(tick, _, event)| (tick, event)));
        events
    }

    /// How many ticks ahead the next occupied slot is.
    #[inline]
    fn nearest(&self) -> Option<u64> {
        let at = (self.now % SLOTS) as usize;
        let first = at / 64;
        let bits = self.occupied[first] >> (at % 64);
        if bits != 0 {
            return Some(u64::from(bits.trailing_zeros()));
        }
        let mut ahead = 64 - (at % 64) as u64;
        for step in 1..=WORDS {
            let bits = self.occupied[(first + step) % WORDS];
            if bits != 0 {
                return Some(ahead + u64::from(bits.trailing_zeros()));
            }
            ahead += 64;
        }
        None
    }

    /// Nothing near: goes to the first far event.
    #[cold]
    fn jump(&mut self) -> Option<u64> {
        if self.far_next == u64::MAX {
            return None;
        }
        self.now = self.far_next;
        self.reach();
        Some(self.take())
    }

    /// Moves the far events that have come into reach onto the wheel.
    #[cold]
    fn reach(&mut self) {
        while let Some(&Reverse((tick, _, event))) = self.far.peek() {
            if tick >= self.now + SLOTS {
                self.far_next = tick;
                return;
            }
            self.far.pop();
            self.put_near(tick, event);
        }
        self.far_next = u64::MAX;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is taken out is what would have come, in that order; the rest comes as it would have.
        #[test]
        fn taking_out_leaves_the_rest_in_order(
            ticks in prop::collection::vec(0..6000_u64, 1..200),
            (pops, parts) in (0..50_usize, 1..5_u64),
        ) {
            let mut wheel = Wheel::new();
            for (event, &tick) in ticks.iter().enumerate() {
                wheel.put(tick, event as u64);
            }
            for _ in 0..pops.min(ticks.len()) {
                wheel.pop();
            }
            let mut model = wheel.clone();
            let mut all = Vec::new();
            while let Some(event) = model.pop() {
                all.push((model.now(), event));
            }
            let taken = wheel.take_out(|event| event % parts == 0);
            let mut rest = Vec::new();
            while let Some(event) = wheel.pop() {
                rest.push((wheel.now(), event));
            }
            let is_taken = |&(_, event): &(u64, u64)| event % parts == 0;
            let (expected, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_taken);
            prop_assert_eq!(taken, expected);
            prop_assert_eq!(rest, others);
        }

        /// Against a sorted list: the same events in the same order, whatever is put in between.
        #[test]
        fn events_come_in_the_order_of_tick_then_arrival(
            script in prop::collection::vec((0..6000_u64, 0..4_u8), 1..400),
        ) {
            let mut wheel = Wheel::new();
            let mut model: Vec<(u64, u64)> = Vec::new();
            for _ in 0..2 {
                for (number, &(ahead, pops)) in script.iter().enumerate() {
                    let (tick, event) = (wheel.now() + ahead, number as u64);
                    wheel.put(tick, event);
                    let at = model.partition_point(|&(t, _)| t <= tick);
                    model.insert(at, (tick, event));
                    prop_assert_eq!(&wheel.in_order(), &model);
                    for _ in 0..pops {
                        let expected = (!model.is_empty()).then(|| model.remove(0));
                        let found = wheel.pop().map(|event| (wheel.now(), event));
                        prop_assert_eq!(found, expected);
                    }
                }
                wheel.reset();
                model.clear();
            }
        }
    }
}
