//! Heads: the own one on its way to the stores, and what the others' say.

use alloc::{sync::Arc, vec::Vec};

use super::{
    Replica, Role,
    desk::{Doing, Errand},
};
use crate::{
    Ballot, Entry, Head, HeadRead, LogOp, MAX_STORES, Port, Slot, StateMachine, StoreId, Version,
};

/// Requests that a head carries at most; the rest comes with the next.
const REQUESTS_MAX: usize = 256;

/// The own head's writes.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub(super) struct OwnHead {
    /// How many there were.
    pub(super) count: u64,
    /// The newest one that each store has answered.
    pub(super) acked: [u64; MAX_STORES],
    /// It has changed since the last write.
    pub(super) stale: bool,
}

/// Old votes that may go once the floor above them is written.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Trim {
    below: Slot,
    /// The head that says so.
    count: u64,
    /// Stores that were told to.
    done: u16,
}

impl OwnHead {
    fn acked_at_least(&self, count: u64) -> u32 {
        self.acked.iter().filter(|&&acked| acked >= count).count() as u32
    }
}

impl<M: StateMachine> Replica<M> {
    /// Writes the head now.
    pub(super) fn write_head(&mut self, port: &mut impl Port<Self>) {
        self.head.count += 1;
        self.head.stale = false;
        let leads = matches!(self.role, Role::Leading(_));
        // A leader puts its requests into the log itself.
        let requests: Vec<Entry<M>> = if leads {
            Vec::new()
        } else {
            let entries = self.requests.iter().take(REQUESTS_MAX);
            entries
                .map(|(&ticket, request)| Entry {
                    ticket,
                    request: request.clone(),
                })
                .collect()
        };
        self.listed = requests.len();
        self.newest = Some(Arc::new(Head {
            mbal: self.mbal,
            beat: self.beat,
            decided: self.state.applied,
            floor: self.floor,
            requests: requests.into(),
        }));
        let targets = self.targets();
        for store in self.config.base.stores() {
            if targets & store.bit() != 0 {
                self.send_head(
                    Errand::new(
                        store,
                        Doing::Head {
                            count: self.head.count,
                        },
                    ),
                    port,
                );
            }
        }
    }

    fn send_head(&mut self, errand: Errand, port: &mut impl Port<Self>) {
        let Some(head) = &self.newest else { return };
        let version = Version::new(self.incarnation, self.head.count);
        let head = Arc::clone(head);
        self.desk
            .ask(errand, LogOp::WriteHead { version, head }, port);
    }

    /// Writes the head unless a write of it is on its way: then right after that.
    pub(super) fn publish(&mut self, port: &mut impl Port<Self>) {
        // While it does not know what it promised, it promises nothing else.
        let knows = !matches!(self.role, Role::Recovering(_));
        if knows && self.is_head_written() {
            self.write_head(port);
        } else {
            self.head.stale = true;
        }
    }

    fn is_head_written(&self) -> bool {
        let quorum = u32::from(self.config.base.envelope.quorum());
        self.head.acked_at_least(self.head.count) >= quorum
    }

    pub(super) fn on_head_written(
        &mut self,
        store: StoreId,
        count: u64,
        port: &mut impl Port<Self>,
    ) {
        let acked = &mut self.head.acked[store.index()];
        if count <= *acked {
            return;
        }
        *acked = count;
        if matches!(self.role, Role::Standing { count: promise, .. } if count >= promise) {
            self.scan(store, 0, port);
        }
        self.trim(port);
        if self.head.stale && self.is_head_written() {
            self.write_head(port);
        }
    }

    /// A head's write has had no answer for long.
    pub(super) fn on_head_late(&mut self, errand: Errand, count: u64, port: &mut impl Port<Self>) {
        let behind = self.head.acked[errand.store.index()] < count;
        // Who stands reads only where his promise is written: a quorum may have it, and one of them be gone by now.
        let wanted = !self.is_head_written() || matches!(self.role, Role::Standing { .. });
        if count == self.head.count && behind && wanted {
            self.send_head(errand.again(), port);
        }
    }

    /// The floor has risen: once a quorum's heads say so, the votes below it may go.
    pub(super) fn raise_floor(&mut self, port: &mut impl Port<Self>) {
        self.write_head(port);
        let below = self.floor.map_or(Slot(0), |name| name.slot);
        self.trim = Some(Trim {
            below,
            count: self.head.count,
            done: 0,
        });
    }

    /// Drops votes where the own head with the floor is written: whoever misses them there finds the
    /// floor there.
    fn trim(&mut self, port: &mut impl Port<Self>) {
        let Some(mut trim) = self.trim else { return };
        let quorum = u32::from(self.config.base.envelope.quorum());
        if self.head.acked_at_least(trim.count) < quorum {
            return;
        }
        for store in self.config.base.stores() {
            let written = self.head.acked[store.index()] >= trim.count;
            if written && trim.done & store.bit() == 0 {
                trim.done |= store.bit();
                let op = LogOp::Drop { below: trim.below };
                self.desk.ask(Errand::new(store, Doing::Drop), op, port);
            }
        }
        self.trim = Some(trim);
    }

    /// The greatest ballot among heads that somebody else wrote.
    pub(super) fn rival(&self, heads: &[HeadRead<M>]) -> Option<Ballot> {
        let (me, incarnation) = (self.config.base.me, self.incarnation);
        let foreign = heads
            .iter()
            .filter(|read| read.agent != me || read.version.incarnation() != incarnation);
        foreign.filter_map(|read| read.head.mbal).max()
    }

    /// Takes note of what heads say.
    pub(super) fn note_heads(&mut self, heads: &[HeadRead<M>], port: &mut impl Port<Self>) {
        let me = self.config.base.me;
        let mut floor = self.floor;
        for read in heads {
            self.met = self.met.max(read.head.mbal);
            self.known_decided = self.known_decided.max(read.head.decided);
            floor = floor.max(read.head.floor);
            if read.agent == me {
                continue;
            }
            self.watch.saw(read.head.mbal, read.head.beat);
            let known = &mut self.known[read.agent.index()];
            if known
                .as_ref()
                .is_none_or(|known| known.version < read.version)
            {
                *known = Some(read.clone());
            }
        }
        // Somebody else's snapshot makes the own old votes superfluous as well.
        if self.voted && floor > self.floor && !matches!(self.role, Role::Recovering(_)) {
            self.floor = floor;
            self.voted = matches!(self.role, Role::Leading(_));
            self.raise_floor(port);
        }
    }
}
