//! What a run leaves behind when it is asked to: a digest of every step, and notes for its story.

mod clocks;

use std::collections::BTreeMap;

use bivalent_core::{AgentId, Ballot, Block, DecreeEvent, Place, Slot, StoreId, Value};

use crate::{
    engine::{
        causality::{Process, Stamp},
        log::{Deed, Entry},
    },
    scenario::fault::FaultKind,
};

pub(crate) use clocks::{Clocks, Refusal, Written};

/// Notes kept at most; of a longer run the first half and the latest are kept.
const NOTES_MAX: usize = 20_000;
/// Notes kept at most where none may be missing from the middle: those are the first.
const FIRST_NOTES_MAX: usize = 200_000;
/// Numbers in the clocks of those at most: with many agents and restarts a clock is long.
const FIRST_NUMBERS_MAX: usize = 1 << 24;

/// Something worth telling.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Note {
    pub(crate) step: u64,
    pub(crate) tick: u64,
    pub(crate) what: What,
    /// Of what an agent did or met, in a journal with clocks.
    pub(crate) stamp: Option<Stamp>,
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
        /// Whose blocks on the store are no longer what their writers left there, or were shown as they no
        /// longer are: a bit each.
        blocks: u128,
        detail: String,
    },
    /// A replica stands for leader.
    Stands {
        agent: AgentId,
        ballot: Ballot,
    },
    /// It leads, and proposes from a slot on.
    Leads {
        agent: AgentId,
        ballot: Ballot,
        from: Slot,
    },
    /// It leads no more: it met a ballot, or something decided is nowhere to be found.
    Follows {
        agent: AgentId,
        above: Option<Ballot>,
    },
    /// A slot is decided, by the first who knows.
    Chosen {
        agent: AgentId,
        slot: Slot,
        requests: usize,
    },
    /// A replica goes on from a snapshot before a slot.
    Installed {
        agent: AgentId,
        slot: Slot,
    },
    /// What an agent says of itself that is no step of its protocol, in words.
    Told {
        agent: AgentId,
        kind: &'static str,
        text: String,
    },
    Stall {
        kind: &'static str,
        heals: bool,
    },
    Healed,
}

impl What {
    /// Whose step this is told of. What befalls stores is nobody's, and no agent's step is a write that
    /// lands: that is a step of the past.
    const fn actor(&self) -> Option<AgentId> {
        match *self {
            Self::Phase1 { agent, .. }
            | Self::Phase2 { agent, .. }
            | Self::Aborted { agent, .. }
            | Self::Recovered { agent, .. }
            | Self::Decided { agent, .. }
            | Self::Refused { agent, .. }
            | Self::Stands { agent, .. }
            | Self::Leads { agent, .. }
            | Self::Follows { agent, .. }
            | Self::Chosen { agent, .. }
            | Self::Installed { agent, .. }
            | Self::Told { agent, .. }
            | Self::Read { agent, .. } => Some(agent),
            Self::Fault { kind, agent, .. } if befalls_agents(kind) => agent,
            Self::Wrote { .. } | Self::Fault { .. } | Self::Stall { .. } | Self::Healed => None,
        }
    }
}

/// Whether a kind of fault strikes an agent itself.
const fn befalls_agents(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Crash | FaultKind::Restart | FaultKind::Pause | FaultKind::ClockSkew
    )
}

/// Which notes stay when there are too many.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Keeps {
    /// The first and the latest.
    #[default]
    Ends,
    /// The first: all that could have influenced one of them is among them.
    First,
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
    /// How many notes were dropped.
    pub(crate) dropped: u64,
    /// Every event an agent was told; none stands for a restart.
    pub(crate) tape: Vec<(AgentId, u16, Option<DecreeEvent>)>,
    pub(crate) contest: Contest,
    /// One for each stall of the run, in order.
    pub(crate) found: Vec<Found>,
    /// Keep notes.
    pub(crate) tells: bool,
    /// Keep events.
    pub(crate) tapes: bool,
    pub(crate) keeps: Keeps,
    /// In the stamps of the notes.
    pub(crate) numbers: usize,
    /// Stamps for the notes, if they are to have any.
    pub(crate) clocks: Option<Box<Clocks>>,
    /// Who did what in a log's run, if that is kept.
    pub(crate) ledger: Option<Vec<Entry>>,
}

impl Journal {
    /// One that keeps notes.
    pub(crate) fn telling() -> Self {
        Self {
            tells: true,
            ..Self::default()
        }
    }

    /// The low 16 bits of the fingerprint after a step.
    pub(crate) fn digest(&mut self, digest: u16) {
        self.digests.push(digest);
    }

    /// The digests and notes kept since this was asked for last.
    pub(crate) fn take_told(&mut self) -> (Vec<u16>, Vec<Note>) {
        (
            std::mem::take(&mut self.digests),
            std::mem::take(&mut self.notes),
        )
    }

    /// An agent is told an event, or starts again.
    pub(crate) fn took(&mut self, agent: AgentId, incarnation: u16, event: Option<DecreeEvent>) {
        if self.tapes {
            self.tape.push((agent, incarnation, event));
        }
    }

    /// A journal that tells, with the clocks of so many agents.
    pub(crate) fn with_clocks(agents: usize, keeps: Keeps) -> Self {
        Self {
            keeps,
            clocks: Some(Box::new(Clocks::new(agents))),
            ..Self::telling()
        }
    }

    /// Whose events the stamps are of.
    pub(crate) fn processes(&self) -> &[Process] {
        self.clocks
            .as_ref()
            .map_or(&[][..], |clocks| clocks.processes())
    }

    pub(crate) fn note(&mut self, step: u64, tick: u64, what: What) {
        if let (
            Some(ledger),
            What::Fault {
                kind,
                agent,
                store,
                detail,
                ..
            },
        ) = (&mut self.ledger, &what)
        {
            ledger.push(Entry {
                step,
                deed: Deed::Broke {
                    kind: *kind,
                    agent: agent.filter(|_| store.is_none()),
                    store: *store,
                    what: detail.clone(),
                },
            });
        }
        let stamp = self.clocks.as_mut().and_then(|clocks| {
            let agent = what.actor()?;
            if matches!(what, What::Fault { .. }) {
                clocks.begins(agent);
            }
            Some(clocks.event(agent))
        });
        self.keep(Note {
            step,
            tick,
            what,
            stamp,
        });
    }

    /// Keeps a note as it is.
    pub(crate) fn keep(&mut self, note: Note) {
        if !self.tells {
            return;
        }
        match self.keeps {
            Keeps::Ends if self.notes.len() == NOTES_MAX => {
                self.notes.drain(NOTES_MAX / 2..NOTES_MAX / 4 * 3);
                self.dropped += NOTES_MAX as u64 / 4;
            }
            Keeps::First => {
                self.numbers += note.stamp.as_ref().map_or(0, Stamp::width);
                let full = self.notes.len() == FIRST_NOTES_MAX || self.numbers > FIRST_NUMBERS_MAX;
                // From the first that has no room on: nothing may be missing before one that is kept.
                if full || self.dropped > 0 {
                    self.dropped += 1;
                    return;
                }
            }
            Keeps::Ends => {}
        }
        self.notes.push(note);
    }

    /// An agent begins a step that is no read and no refusal.
    pub(crate) fn begins(&mut self, agent: AgentId) {
        if let Some(clocks) = &mut self.clocks {
            clocks.begins(agent);
        }
    }

    /// An agent begins a step in which it takes what it read.
    pub(crate) fn reads(&mut self, agent: AgentId, read: &[Written]) {
        if let Some(clocks) = &mut self.clocks {
            clocks.reads(agent, read);
        }
    }

    /// An agent begins a step in which it learns that a write of its own was refused.
    pub(crate) fn is_refused(&mut self, refusal: Refusal) {
        if let Some(clocks) = &mut self.clocks {
            clocks.is_refused(refusal);
        }
    }

    /// An agent asks for writes in the step that it is in.
    pub(crate) fn asks(&mut self, agent: AgentId, writes: Vec<Written>) {
        if let Some(clocks) = &mut self.clocks {
            for write in writes {
                clocks.asks(agent, write);
            }
        }
    }

    /// A write has landed, or a part of it. Returns the stamp it carries.
    pub(crate) fn lands(&mut self, write: Written) -> Option<Stamp> {
        self.clocks.as_mut()?.lands(write)
    }

    /// A write has landed at another place than it was meant for.
    pub(crate) fn goes_astray(&mut self, write: Written, hit: Place) {
        if let Some(clocks) = &mut self.clocks {
            clocks.goes_astray(write, hit);
        }
    }

    /// A conditional write has found this at its place.
    pub(crate) fn refuses(&mut self, refusal: Refusal, found: Written) {
        if let Some(clocks) = &mut self.clocks {
            clocks.refuses(refusal, found);
        }
    }

    /// An agent starts again.
    pub(crate) fn restarts(&mut self, agent: AgentId, incarnation: u16) {
        self.took(agent, incarnation, None);
        if let Some(clocks) = &mut self.clocks {
            clocks.restarts(agent, incarnation);
        }
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
