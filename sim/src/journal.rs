//! What a run leaves behind when it is asked to: a digest of every step, and notes for its story.

use std::collections::BTreeMap;

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
    Read {
        agent: AgentId,
        store: StoreId,
        owner: AgentId,
        block: Block,
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

/// How near an agent came to a decision in phase 2: over a quorum of stores, so many answers were missing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Nearness {
    pub(crate) agent: AgentId,
    pub(crate) ballot: Ballot,
    pub(crate) missing: u32,
}

/// Who got in whose way since the last decision.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contest {
    /// How often an attempt of the first ended by a ballot of the second.
    pub(crate) preempted: BTreeMap<(AgentId, AgentId), u64>,
    /// The nearest that anybody came to a decision.
    pub(crate) nearest: Option<Nearness>,
}

/// A stall as it was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The step that found it.
    pub(crate) step: u64,
    /// As it was when the stall ended.
    pub(crate) contest: Contest,
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
    pub(crate) contest: Contest,
    /// One for each stall of the run, in order.
    pub(crate) found: Vec<Found>,
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

    /// An agent gave up since it met another's ballot.
    pub(crate) fn preempted(&mut self, agent: AgentId, above: Option<Ballot>) {
        if let Some(other) = above.map(Ballot::agent).filter(|&other| other != agent) {
            *self.contest.preempted.entry((agent, other)).or_default() += 1;
        }
    }

    /// An agent is so near to a decision.
    pub(crate) fn came_near(&mut self, now: Nearness) {
        let nearest = &mut self.contest.nearest;
        if nearest.is_none_or(|nearest| now.missing < nearest.missing) {
            *nearest = Some(now);
        }
    }

    /// A stall is found at a step.
    pub(crate) fn stalled(&mut self, step: u64) {
        let contest = Contest::default();
        self.found.push(Found { step, contest });
    }

    /// The stall that was found last is over.
    pub(crate) fn stall_over(&mut self) {
        if let Some(found) = self.found.last_mut() {
            found.contest.clone_from(&self.contest);
        }
    }
}
