//! How near an agent is to a decision: what is missing in phase 2.

use bivalent_core::{AcceptorRecords, DiskPaxos, Phase, PutIfAbsent, SingleDecree, StoreId};

use crate::{engine::journal::Nearness, protocol::member::Member, scenario::plan::Plan};

/// An agent of which it can be said how near a decision it is.
pub(crate) trait Near: SingleDecree {
    /// Answers that a store of so many agents' owes it in phase 2; none if its protocol has no such count.
    fn owed(&self, store: StoreId, agents: usize) -> Option<u32>;

    /// Itself, if it is an agent of Disk Paxos.
    fn disk(&self) -> Option<&DiskPaxos> {
        None
    }
}

impl Near for DiskPaxos {
    fn owed(&self, store: StoreId, agents: usize) -> Option<u32> {
        let unwritten = u32::from(self.written() & store.bit() == 0);
        let seen = self.seen(store) & !self.id().bit();
        Some(unwritten + (agents as u32 - 1) - seen.count_ones())
    }

    fn disk(&self) -> Option<&DiskPaxos> {
        Some(self)
    }
}

impl Near for AcceptorRecords {
    fn owed(&self, store: StoreId, _: usize) -> Option<u32> {
        Some(u32::from(self.complete() & store.bit() == 0))
    }
}

impl Near for PutIfAbsent {
    fn owed(&self, _: StoreId, _: usize) -> Option<u32> {
        None
    }
}

impl Near for Member {
    fn owed(&self, store: StoreId, agents: usize) -> Option<u32> {
        match self {
            Self::Disk(agent) => agent.owed(store, agents),
            Self::Record(agent) => agent.owed(store, agents),
            Self::Claim(_) | Self::Own(_) => None,
        }
    }
}

/// How near an agent is to a decision, over the quorum of stores that are nearest to it; none but in phase 2.
pub(crate) fn nearness(agent: &impl Near, plan: &Plan) -> Option<Nearness> {
    if agent.phase() != Phase::Two {
        return None;
    }
    let stores = (0..plan.stores as u8).map(StoreId);
    let missing: Option<Vec<u32>> = stores.map(|store| agent.owed(store, plan.agents)).collect();
    let mut missing = missing?;
    missing.sort_unstable();
    let quorum = usize::from(plan.envelope.quorum());
    Some(Nearness {
        agent: agent.config().id(),
        ballot: agent.block().mbal?,
        missing: missing.iter().take(quorum).sum(),
    })
}
