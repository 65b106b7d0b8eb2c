//! Conditional writes arrive: the store compares and writes in one step, or refuses.

use bivalent_core::{BlockReply, BlockTag, DecreeEvent, Version};

use super::{Blocks, Engine};
use crate::engine::net::Pending;
use crate::{judge::probe::Probe, scenario::fault::FaultKind};

impl Engine<Blocks> {
    /// The store takes a conditional write, or refuses it since something else stands there.
    pub(super) fn swap(&mut self, write: Pending, expect: Version) -> bool {
        let Pending {
            agent,
            store,
            block,
            version,
            ..
        } = write;
        self.store_ops += 1;
        let place = Self::place_of(write);
        let before = self.system.stores.cell(place).block;
        let taken = self
            .system
            .stores
            .put(place, expect, block, version, self.net.now());
        let outcome = u64::from(taken) << 40 | u64::from(store.0) << 32;
        self.fingerprint
            .ballot(block.mbal, outcome | u64::from(agent.0));
        let model = &mut self.system.oracles.store_model;
        if let Some(detail) = model.put(place, (expect, version), block, taken) {
            self.found("store-model", detail);
        }
        if taken {
            self.check_record(store, before, block);
        } else {
            self.net.hit(Probe::Refused);
        }
        if self.journal.is_some() {
            if taken {
                self.note_write(write);
            } else {
                self.note_refusal(write);
            }
        }
        taken
    }

    /// A conditional write that comes late or a second time. Its version has passed by then, unless
    /// nobody has written since: harmless either way.
    pub(super) fn put_again(&mut self, write: Pending, expect: Version, kind: FaultKind) -> bool {
        let taken = self.swap(write, expect);
        let is_orphan = self.participants[write.agent.index()].incarnation != write.incarnation;
        if kind == FaultKind::LateWrite && (!taken || is_orphan) {
            self.net.landed(kind);
            self.net.observed(kind);
            let what = if taken {
                "lands after its agent is gone"
            } else {
                "is refused"
            };
            let text = format_args!("a late write of {{a{}}} {what}", write.agent.0);
            self.note_fault_on(kind, Some(write.agent), (Some(write.store), 0), text);
        }
        taken
    }

    /// Tells an agent that its write found something else.
    pub(super) fn refuse(&mut self, write: Pending) {
        let Pending {
            agent,
            incarnation,
            store,
            epoch,
            attempt,
            ..
        } = write;
        let tag = BlockTag::Write { epoch, attempt };
        let refused = DecreeEvent::Replied(store, tag, BlockReply::Refused);
        self.deliver(agent, incarnation, refused);
    }
}
