//! What an agent does about an answer that is none: an unreadable block, or silence.

use super::{Bug, DiskPaxos};
use crate::{
    AgentId, Block, BlockOp, BlockReply, BlockTag, DecreeTimer, Pause, Phase, Port, StoreId,
    Version,
};

impl DiskPaxos {
    pub(super) fn on_unreadable(
        &mut self,
        store: StoreId,
        owner: AgentId,
        epoch: u32,
        port: &mut impl Port<Self>,
    ) {
        if self.has(Bug::UnreadableIsEmpty) {
            let (block, version) = (Block::default(), Version::default());
            let tag = BlockTag::Read { owner, epoch };
            self.on_reply(store, tag, &BlockReply::Block { block, version }, port);
            return;
        }
        if owner == self.config.me {
            let link = &mut self.links[store.index()];
            if !link.open {
                // What stands there can't be read, so nothing is lost by writing over it; a new
                // incarnation's versions are above all earlier ones whatever their count was.
                link.open = true;
                link.version = Version::new(self.incarnation, 0);
                if link.waiting {
                    self.write(store, port);
                }
            }
        }
        if self.wants_read(store, owner, epoch) {
            let tag = BlockTag::Read { owner, epoch };
            port.wake(DecreeTimer::Retry(store, tag), Pause::Patience);
        }
    }

    pub(super) fn on_timed_out(
        &mut self,
        store: StoreId,
        tag: BlockTag,
        port: &mut impl Port<Self>,
    ) {
        match tag {
            BlockTag::Read { owner, epoch } => {
                if self.wants_read(store, owner, epoch) {
                    port.ask(store, tag, 0, BlockOp::Read { owner });
                }
            }
            BlockTag::Write { epoch, .. } => {
                let wanted =
                    epoch == self.epoch && self.is_balloting() && self.written & store.bit() == 0;
                let link = &mut self.links[store.index()];
                if !wanted || link.epoch != epoch {
                    return;
                }
                // The same bytes to the same place: lands twice at worst, and nothing different
                // is written there before every try is answered.
                let (attempt, version, block) = (link.retry_write(), link.version, self.block);
                let tag = BlockTag::Write { epoch, attempt };
                port.ask(store, tag, attempt, BlockOp::Write { version, block });
            }
        }
    }

    pub(super) fn wants_read(&self, store: StoreId, owner: AgentId, epoch: u32) -> bool {
        let link = &self.links[store.index()];
        if owner == self.config.me {
            let uncounted = self.phase == Phase::Recovering && self.complete & store.bit() == 0;
            return !link.open || (uncounted && epoch == self.epoch);
        }
        epoch == self.epoch
            && self.is_balloting()
            && self.may_read(store)
            && link.seen & owner.bit() == 0
    }
}
