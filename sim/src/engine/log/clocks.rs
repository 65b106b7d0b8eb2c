//! Clocks of a log's run: whoever reads a head, a vote or a snapshot knows what its author knew.

use bivalent_core::{AgentId, HeadRead, LogOp, LogReply, SlotVote, SnapshotName};

use super::{Load, LogEngine};
use crate::engine::journal::Written;

impl<L: Load> LogEngine<L> {
    /// A write was asked for: whoever reads it knows what its author knew.
    pub(super) fn clock_write(&mut self, id: AgentId, op: &LogOp<L::Machine>) {
        let Some(journal) = &mut self.journal else {
            return;
        };
        let key = match op {
            LogOp::WriteHead { version, .. } => Written::Head(id, *version),
            LogOp::WriteVote(vote) => Written::Vote(vote.slot, vote.bal),
            LogOp::WriteSnapshot { name, .. } => Written::Snapshot(*name),
            LogOp::Drop { .. }
            | LogOp::ReadHeads
            | LogOp::Scan { .. }
            | LogOp::ReadSnapshot { .. } => {
                return;
            }
        };
        journal.asks(id, vec![key]);
    }

    /// An agent is told what it read.
    pub(super) fn clock_read(
        &mut self,
        id: AgentId,
        reply: &LogReply<L::Machine>,
        name: Option<SnapshotName>,
    ) {
        let Some(journal) = &mut self.journal else {
            return;
        };
        let heads_keys = |heads: &[HeadRead<L::Machine>]| -> Vec<Written> {
            let key = |read: &HeadRead<L::Machine>| Written::Head(read.agent, read.version);
            heads.iter().map(key).collect()
        };
        let keys = match reply {
            LogReply::Written | LogReply::Snapshot(None) => return,
            LogReply::Heads(heads) => heads_keys(heads),
            LogReply::Scanned { votes, heads } => {
                let mut keys = heads_keys(heads);
                let vote = |vote: &SlotVote<L::Machine>| Written::Vote(vote.slot, vote.bal);
                keys.extend(votes.iter().map(vote));
                keys
            }
            LogReply::Snapshot(Some(_)) => name.map(Written::Snapshot).into_iter().collect(),
        };
        journal.reads(id, &keys);
    }
}
