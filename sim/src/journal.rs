//! What a run leaves behind when it is asked to: a digest of every step, and notes for its story.

use bivalent_core::{AgentId, Ballot, Block, Input, StoreId, Value};

use crate::fault::FaultKind;

/// Notes kept at most; of a longer run the first half and the latest are kept.
const NOTES_MAX: usize = 20_000;

/// Something worth telling.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Note {
    pub(crate) step: u64,
    pub(crate) tick: u64,
    pub(crate) what: What,
}

/// What happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum What {
    Phase1 {
        agent: AgentId,
        ballot: Ballot,
    },
    Phase2 {
        agent: AgentId,
        ballot: Ballot,
        value: Value,
    },
    Aborted {
        agent: AgentId,
        ballot: Option<Ballot>,
        above: Option<Ballot>,
    },
    Recovered {
        agent: AgentId,
        floor: Option<Ballot>,
        vote: Option<Value>,
    },
    Decided {
        agent: AgentId,
        value: Value,
    },
    Wrote {
        agent: AgentId,
        store: StoreId,
        block: Block,
    },
    Refused {
        agent: AgentId,
        store: StoreId,
    },
    Fault {
        kind: FaultKind,
        agent: Option<AgentId>,
        store: Option<StoreId>,
        detail: String,
    },
    Stall {
        kind: &'static str,
        heals: bool,
    },
    Healed,
}

/// A run's record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal {
    /// The low 16 bits of the running fingerprint after each step.
    pub(crate) digests: Vec<u16>,
    pub(crate) notes: Vec<Note>,
    /// How many notes were dropped from the middle.
    pub(crate) dropped: u64,
    /// Every input an agent took; none stands for a restart.
    pub(crate) tape: Vec<(AgentId, u16, Option<Input>)>,
    /// Keep notes.
    pub(crate) tells: bool,
    /// Keep inputs.
    pub(crate) tapes: bool,
}

impl Journal {
    /// An agent takes an input, or starts again.
    pub(crate) fn took(&mut self, agent: AgentId, incarnation: u16, input: Option<Input>) {
        if self.tapes {
            self.tape.push((agent, incarnation, input));
        }
    }

    pub(crate) fn note(&mut self, step: u64, tick: u64, what: What) {
        if !self.tells {
            return;
        }
        if self.notes.len() == NOTES_MAX {
            self.notes.drain(NOTES_MAX / 2..NOTES_MAX / 4 * 3);
            self.dropped += NOTES_MAX as u64 / 4;
        }
        self.notes.push(Note { step, tick, what });
    }
}
