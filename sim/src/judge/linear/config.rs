//! A configuration: what has to be kept of an order of calls, and when one configuration makes another needless.
//!
//! Kept are the state and two sets of open calls. *Spent*: calls that changed the state and can't do so
//! again. *Owed*: answered calls that must still take effect before their answer. A call that changes
//! nothing takes effect as soon as it is allowed, which can do no harm. A call that replaces the state
//! while others that would do so are open lets each of them take effect just before it, unseen: they
//! are owed no longer, and may still take effect later. So for every open call a smaller set is better:
//! of two configurations with one state, the one whose sets lie in the other's can do all that the
//! other can, and the other is dropped.

/// A set of slots.
pub(super) type Slots<const W: usize> = [u64; W];

/// A configuration. `W`: 64 slots each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Config<const W: usize> {
    pub(super) state: u32,
    /// How it came about: a node of the path.
    pub(super) node: u32,
    pub(super) spent: Slots<W>,
    pub(super) owed: Slots<W>,
}

impl<const W: usize> Config<W> {
    /// Whether it can do all that `other`, of the same state, can.
    pub(super) fn serves_for(&self, other: &Self) -> bool {
        (0..W).all(|i| self.spent[i] & !other.spent[i] | self.owed[i] & !other.owed[i] == 0)
    }
}

/// Whether a slot is in a set.
pub(super) const fn has<const W: usize>(set: &Slots<W>, slot: u32) -> bool {
    set[slot as usize / 64] >> (slot % 64) & 1 == 1
}

/// Puts a slot into a set.
pub(super) const fn add<const W: usize>(set: &mut Slots<W>, slot: u32) {
    set[slot as usize / 64] |= 1 << (slot % 64);
}

/// Takes a slot out of a set.
pub(super) const fn remove<const W: usize>(set: &mut Slots<W>, slot: u32) {
    set[slot as usize / 64] &= !(1 << (slot % 64));
}

/// How many slots are in a set.
pub(super) fn size<const W: usize>(set: &Slots<W>) -> u32 {
    set.iter().map(|word| word.count_ones()).sum()
}
