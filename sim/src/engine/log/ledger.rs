//! What agents and stores did in a log's run, as far as it takes to find out who misled whom.
//!
//! Kept only when it is asked for: to explain a violation, the run is gone through once more with it.

use bivalent_core::{
    AgentId, Ballot, Batch, HeadRead, LogOp, Slot, SlotVote, SnapshotName, StoreId, Version,
};

use super::{
    LogEngine,
    machines::{Call, Load},
};
use crate::{engine::fingerprint::StateHasher, scenario::fault::FaultKind};

/// Something that somebody did, and when.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) step: u64,
    pub(crate) deed: Deed,
}

/// Which operation of which agent at which store: of a question and its answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Errand {
    pub(crate) agent: AgentId,
    pub(crate) store: StoreId,
    pub(crate) tag: u64,
}

/// A vote as it is told apart from others: `batch` is a hash of what it is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Cast {
    pub(crate) slot: Slot,
    pub(crate) ballot: Ballot,
    pub(crate) batch: u64,
}

/// What was done.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// A vote comes to stand on a store.
    Voted { store: StoreId, cast: Cast },
    /// A head comes to stand on a store.
    Headed {
        store: StoreId,
        agent: AgentId,
        version: Version,
        promise: Option<Ballot>,
        floor: Option<SnapshotName>,
    },
    /// An agent asks for its head to be written.
    Vowed {
        agent: AgentId,
        promise: Option<Ballot>,
        floor: Option<SnapshotName>,
    },
    /// A snapshot comes to stand on a store.
    Kept { store: StoreId, name: SnapshotName },
    /// An agent has a store drop what is below a slot.
    Dropped {
        store: StoreId,
        agent: AgentId,
        below: Slot,
    },
    /// A store shows its votes for the slots from one on and below another.
    Scanned {
        errand: Errand,
        from: Slot,
        to: Slot,
        votes: Vec<Cast>,
    },
    /// A store shows heads: whose, their promises and floors.
    Shown {
        errand: Errand,
        heads: Vec<(AgentId, Option<Ballot>, Option<SnapshotName>)>,
    },
    /// An agent learns what it was shown.
    Told { errand: Errand },
    /// An agent begins a ballot.
    Stands { agent: AgentId, ballot: Ballot },
    /// An agent begins to lead.
    Leads {
        agent: AgentId,
        ballot: Ballot,
        from: Slot,
    },
    /// An agent does not lead any more.
    Follows { agent: AgentId },
    /// An agent takes a slot for decided, `ballot` if it leads in one.
    Chosen {
        agent: AgentId,
        slot: Slot,
        batch: u64,
        requests: usize,
        ballot: Option<Ballot>,
    },
    /// An agent has applied every slot below one, and is in this state.
    Applied {
        agent: AgentId,
        slot: Slot,
        state: u64,
    },
    /// An agent goes on from a snapshot before a slot.
    Installed { agent: AgentId, slot: Slot },
    /// A client asks an agent: the call's place in the history.
    Asked { record: usize, agent: AgentId },
    /// An agent answers it.
    Answered { record: usize, agent: AgentId },
    /// Something breaks, in words.
    Broke {
        kind: FaultKind,
        agent: Option<AgentId>,
        store: Option<StoreId>,
        what: String,
    },
}

/// What oracles object to when a run is over.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Charges {
    /// The answer to a call, by its place in the history.
    pub(super) answer: Option<usize>,
    /// A decided slot that too few stores hold.
    pub(super) slot: Option<Slot>,
}

/// The same in words, for whoever does not know the machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accused {
    /// An answer that no order explains, and the last change of the same key that was over before it was asked
    /// for.
    pub(crate) answer: Option<(Spoken, Option<Spoken>)>,
    /// A decided slot that too few stores hold.
    pub(crate) slot: Option<Slot>,
}

/// A call and its answer in words.
#[derive(Clone, Debug)]
pub(crate) struct Spoken {
    pub(crate) record: usize,
    pub(crate) client: u32,
    pub(crate) call: String,
    pub(crate) answer: String,
}

impl<L: Load> LogEngine<L> {
    /// Enters something, if the ledger is kept.
    pub(super) fn enter(&mut self, deed: impl FnOnce(&Self) -> Deed) {
        self.enter_at(self.steps, deed);
    }

    /// Enters something that was so at an earlier step: entries are in the order in which they were learned.
    pub(super) fn enter_at(&mut self, step: u64, deed: impl FnOnce(&Self) -> Deed) {
        let is_kept = self.journal.as_ref().is_some_and(|it| it.ledger.is_some());
        if !is_kept {
            return;
        }
        let deed = deed(self);
        let journal = self.journal.as_mut();
        if let Some(ledger) = journal.and_then(|it| it.ledger.as_mut()) {
            ledger.push(Entry { step, deed });
        }
    }

    /// A write comes to stand on a store.
    pub(super) fn enter_write(&mut self, agent: AgentId, store: StoreId, op: &LogOp<L::Machine>) {
        self.enter(|_| match op {
            LogOp::WriteVote(vote) => Deed::Voted {
                store,
                cast: cast(vote),
            },
            LogOp::WriteHead { version, head } => Deed::Headed {
                store,
                agent,
                version: *version,
                promise: head.mbal,
                floor: head.floor,
            },
            LogOp::WriteSnapshot { name, .. } => Deed::Kept { store, name: *name },
            LogOp::Drop { below } => Deed::Dropped {
                store,
                agent,
                below: *below,
            },
            LogOp::ReadHeads | LogOp::Scan { .. } | LogOp::ReadSnapshot { .. } => {
                unreachable!("these write nothing")
            }
        });
    }

    /// What oracles object to at the end of this run, in words.
    pub(crate) fn accused(&self) -> Accused {
        let Charges { answer, slot } = self.system.part.charges;
        let answer = answer.map(|at| (self.spoken(at), self.changed_before(at)));
        Accused { answer, slot }
    }

    /// The last change of a call's key that was over before the call was made.
    fn changed_before(&self, at: usize) -> Option<Spoken> {
        let history = &self.system.part.clients.history;
        let (key, before) = (
            self.system.part.load.key(&history[at].call),
            history[at].invoked,
        );
        let changes = history.iter().enumerate().filter(|(_, seen)| {
            let changes =
                matches!(seen.call, Call::Run(_)) && self.system.part.load.key(&seen.call) == key;
            changes && seen.answered < before
        });
        let (last, _) = changes.max_by_key(|(_, seen)| seen.answered)?;
        Some(self.spoken(last))
    }

    fn spoken(&self, record: usize) -> Spoken {
        let seen = &self.system.part.clients.history[record];
        let call = match &seen.call {
            Call::Run(command) => format!("{command:?}"),
            Call::Query(query) => format!("{query:?}"),
        };
        let answer = seen.answer.as_ref();
        Spoken {
            record,
            client: seen.client,
            call,
            answer: answer.map_or_else(|| "nothing".to_owned(), |answer| format!("{answer:?}")),
        }
    }
}

pub(super) fn cast<M: bivalent_core::StateMachine>(vote: &SlotVote<M>) -> Cast {
    Cast {
        slot: vote.slot,
        ballot: vote.bal,
        batch: digest(&vote.batch),
    }
}

/// A batch's hash.
pub(super) fn digest<M: bivalent_core::StateMachine>(batch: &Batch<M>) -> u64 {
    StateHasher::of(batch)
}

/// Heads as they are shown.
pub(super) fn shown<M: bivalent_core::StateMachine>(errand: Errand, heads: &[HeadRead<M>]) -> Deed {
    let heads = heads.iter();
    Deed::Shown {
        errand,
        heads: heads
            .map(|read| (read.agent, read.head.mbal, read.head.floor))
            .collect(),
    }
}
