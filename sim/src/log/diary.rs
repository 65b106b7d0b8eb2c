//! What a log's run leaves behind when it is asked to: digests, notes for its story, and clocks.

use bivalent_core::{
    AgentId, Ballot, HeadRead, LogOp, LogReply, Slot, SlotVote, SnapshotName, StoreId, Version,
};

use super::{Deed, Entry, Load, LogEngine};
use crate::{
    causality::{Causality, Process, Stamp},
    engine::Journal,
    fault::FaultKind,
};

/// Whom a note is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Who {
    /// A step of an agent.
    Agent(AgentId),
    /// What befell an agent.
    Struck(AgentId, FaultKind),
    /// What befell a store, or an operation there.
    Store(StoreId, FaultKind),
    /// Everybody.
    World,
}

/// A line of a run's story.
#[derive(Clone, Debug)]
pub(crate) struct LogNote {
    pub(crate) step: u64,
    pub(crate) tick: u64,
    pub(crate) who: String,
    pub(crate) what: String,
    /// It is a fault or something that follows from none of the agents' steps.
    pub(crate) fault: bool,
    /// What it is in one word.
    pub(crate) kind: &'static str,
    pub(crate) agent: Option<AgentId>,
    pub(crate) store: Option<StoreId>,
    /// Which kind of fault it is.
    pub(crate) broken: Option<FaultKind>,
    /// Which ballot begins or leads.
    pub(crate) ballot: Option<Ballot>,
    pub(crate) stamp: Option<Stamp>,
}

/// A write as readers know it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum LogKey {
    Head(AgentId, Version),
    Vote(Slot, Ballot),
    Snapshot(SnapshotName),
}

/// Notes kept at most, the first ones.
const NOTES_MAX: usize = 200_000;

/// A run's record.
#[derive(Clone, Debug)]
pub(crate) struct LogJournal {
    pub(crate) digests: Vec<u16>,
    pub(crate) notes: Vec<LogNote>,
    /// How many notes came after those.
    pub(crate) dropped: u64,
    pub(super) causality: Causality<LogKey>,
    /// Who did what, if that is kept.
    pub(super) ledger: Option<Vec<Entry>>,
}

impl Journal for LogJournal {
    type Note = LogNote;

    fn telling(agents: usize) -> Self {
        Self {
            digests: Vec::new(),
            notes: Vec::new(),
            dropped: 0,
            causality: Causality::new(agents),
            ledger: None,
        }
    }

    fn digest(&mut self, digest: u16) {
        self.digests.push(digest);
    }

    fn take_told(&mut self) -> (Vec<u16>, Vec<LogNote>) {
        (
            std::mem::take(&mut self.digests),
            std::mem::take(&mut self.notes),
        )
    }
}

impl LogJournal {
    /// All incarnations that took steps.
    pub(crate) fn processes(&self) -> &[Process] {
        self.causality.processes()
    }
}

impl<L: Load> LogEngine<L> {
    /// Takes note of something, if notes are kept.
    pub(super) fn jot(&mut self, who: Who, kind: &'static str, what: std::fmt::Arguments<'_>) {
        let (step, tick) = (self.steps, self.net.now());
        if let Who::Struck(_, kind) | Who::Store(_, kind) = who {
            self.enter(|_| Deed::Broke {
                kind,
                agent: match who {
                    Who::Struck(id, _) => Some(id),
                    Who::Agent(_) | Who::Store(..) | Who::World => None,
                },
                store: match who {
                    Who::Store(id, _) => Some(id),
                    Who::Agent(_) | Who::Struck(..) | Who::World => None,
                },
                what: what.to_string(),
            });
        }
        let Some(journal) = &mut self.journal else {
            return;
        };
        if journal.notes.len() == NOTES_MAX {
            journal.dropped += 1;
            return;
        }
        let (name, agent, store, broken) = match who {
            Who::Agent(id) => (crate::oracle::name(id), Some(id), None, None),
            Who::Struck(id, kind) => (crate::oracle::name(id), Some(id), None, Some(kind)),
            Who::Store(id, kind) => (format!("{{s{}}}", id.0), None, Some(id), Some(kind)),
            Who::World => ("~".to_owned(), None, None, None),
        };
        let stamp = match who {
            Who::Agent(id) => Some(journal.causality.local(id)),
            Who::Struck(..) | Who::Store(..) | Who::World => None,
        };
        journal.notes.push(LogNote {
            step,
            tick,
            who: name,
            what: what.to_string(),
            fault: !matches!(who, Who::Agent(_)),
            kind,
            agent,
            store,
            broken,
            ballot: None,
            stamp,
        });
    }

    /// A fault struck an agent or a store.
    pub(super) fn jot_struck(
        &mut self,
        (kind, agent, store): (FaultKind, Option<AgentId>, Option<StoreId>),
        what: std::fmt::Arguments<'_>,
    ) {
        let who = match (store, agent) {
            (Some(store), _) => Who::Store(store, kind),
            (None, Some(agent)) => Who::Struck(agent, kind),
            (None, None) => Who::World,
        };
        let word = if kind == FaultKind::Crash {
            "crashed"
        } else if kind == FaultKind::Restart {
            "restarted"
        } else {
            "fault"
        };
        self.jot(who, word, what);
    }

    pub(super) fn note_agent(
        &mut self,
        id: AgentId,
        kind: &'static str,
        what: std::fmt::Arguments<'_>,
    ) {
        self.jot(Who::Agent(id), kind, what);
    }

    /// The same of a ballot that begins or leads.
    pub(super) fn note_ballot(
        &mut self,
        id: AgentId,
        kind: &'static str,
        ballot: Ballot,
        what: std::fmt::Arguments<'_>,
    ) {
        self.jot(Who::Agent(id), kind, what);
        let notes = self.journal.as_mut().map(|journal| &mut journal.notes);
        if let Some(note) = notes.and_then(|notes| notes.last_mut()) {
            note.ballot = Some(ballot);
        }
    }

    /// A write was asked for: whoever reads it knows what its author knew.
    pub(super) fn clock_write(&mut self, id: AgentId, op: &LogOp<L::Machine>) {
        let Some(journal) = &mut self.journal else {
            return;
        };
        let key = match op {
            LogOp::WriteHead { version, .. } => LogKey::Head(id, *version),
            LogOp::WriteVote(vote) => LogKey::Vote(vote.slot, vote.bal),
            LogOp::WriteSnapshot { name, .. } => LogKey::Snapshot(*name),
            LogOp::Drop { .. }
            | LogOp::ReadHeads
            | LogOp::Scan { .. }
            | LogOp::ReadSnapshot { .. } => {
                return;
            }
        };
        journal.causality.wrote(id, key);
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
        let heads_keys = |heads: &[HeadRead<L::Machine>]| -> Vec<LogKey> {
            let key = |read: &HeadRead<L::Machine>| LogKey::Head(read.agent, read.version);
            heads.iter().map(key).collect()
        };
        let keys = match reply {
            LogReply::Written | LogReply::Snapshot(None) => Vec::new(),
            LogReply::Heads(heads) => heads_keys(heads),
            LogReply::Scanned { votes, heads } => {
                let mut keys = heads_keys(heads);
                let vote = |vote: &SlotVote<L::Machine>| LogKey::Vote(vote.slot, vote.bal);
                keys.extend(votes.iter().map(vote));
                keys
            }
            LogReply::Snapshot(Some(_)) => name.map(LogKey::Snapshot).into_iter().collect(),
        };
        let stamps: Vec<Stamp> = keys
            .iter()
            .filter_map(|key| journal.causality.carried(key).cloned())
            .collect();
        journal.causality.met(id, &stamps);
    }
}
