//! What a replica has asked for and not been told yet.

use alloc::collections::BTreeMap;

use crate::{Ballot, LogOp, Port, Replica, Slot, SnapshotName, StateMachine, StoreId};

/// What an operation in flight is for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Doing {
    /// The own head of that count.
    Head { count: u64 },
    /// The own vote.
    Vote { slot: Slot, bal: Ballot },
    /// A snapshot on its way to the stores.
    Snapshot { name: SnapshotName },
    /// Old votes go.
    Drop,
    /// Everybody's heads.
    Heads,
    /// A part of the survey of that number.
    Scan { survey: u64 },
    /// A snapshot on its way from a store.
    Fetch { name: SnapshotName },
}

/// An operation in flight.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Errand {
    pub(super) store: StoreId,
    pub(super) doing: Doing,
    /// How often it was asked for before.
    pub(super) tries: u8,
}

/// The operations in flight, by tag. An answer counts for the operation that it names and for
/// nothing else: one to an aborted phase, a second one, or one from another store finds no errand.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub(super) struct Desk {
    next: u64,
    errands: BTreeMap<u64, Errand>,
}

impl Desk {
    /// Asks a store for something; returns the operation's tag.
    pub(super) fn ask<M: StateMachine>(
        &mut self,
        errand: Errand,
        op: LogOp<M>,
        port: &mut impl Port<Replica<M>>,
    ) -> u64 {
        let tag = self.next;
        self.next += 1;
        self.errands.insert(tag, errand);
        port.ask(errand.store, tag, errand.tries, op);
        tag
    }

    /// The errand that an answer from `store` ends.
    pub(super) fn end(&mut self, store: StoreId, tag: u64) -> Option<Errand> {
        self.errands
            .get(&tag)
            .filter(|known| known.store == store)?;
        self.errands.remove(&tag)
    }

    /// The errand that has had no answer for long. A write goes on counting if its answer comes
    /// after all; a read does not.
    pub(super) fn late(&mut self, store: StoreId, tag: u64) -> Option<Errand> {
        let errand = *self
            .errands
            .get(&tag)
            .filter(|known| known.store == store)?;
        if !matches!(errand.doing, Doing::Head { .. } | Doing::Vote { .. }) {
            self.errands.remove(&tag);
        }
        Some(errand)
    }

    /// Forgets what nobody wants any more.
    pub(super) fn keep(&mut self, wanted: impl Fn(Doing) -> bool) {
        self.errands.retain(|_, errand| wanted(errand.doing));
    }
}

impl Errand {
    pub(super) const fn new(store: StoreId, doing: Doing) -> Self {
        Self {
            store,
            doing,
            tries: 0,
        }
    }

    /// The same once more.
    pub(super) const fn again(self) -> Self {
        Self {
            tries: self.tries.saturating_add(1),
            ..self
        }
    }
}
