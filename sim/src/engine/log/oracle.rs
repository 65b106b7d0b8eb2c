//! The oracles of replicated state machines: they look on and take no part.
//!
//! Checked: no slot has two decided batches (agreement: logs are prefixes of one another); whoever has
//! applied the same slots is in the same state (replicas), and in the one that a book of its own, kept
//! here, leads to when every command of a session counts once (exactly-once); what is decided stays where
//! every quorum meets it (durability). What heads may not take back is judged in `vows.rs`.
//! Not checked here: the clients' view, which `linear.rs` judges from their history alone.

use std::collections::BTreeMap;

use bivalent_core::{Ballot, Batch, Request, SessionId, Slot, StateMachine};

use crate::engine::fingerprint::{Fingerprint, StateHasher};

/// What was found: a property, and how it is broken.
pub(super) type Breach = (&'static str, String);

/// The judges' book of one run.
#[derive(Clone, Debug)]
pub(super) struct Book<M: StateMachine> {
    /// What is decided, by slot.
    pub(super) log: Vec<Option<Batch<M>>>,
    /// The ballot of the leader that decided each slot first.
    ballots: Vec<Option<Ballot>>,
    /// The machine with every slot below `next` applied, each command once.
    machine: M,
    next: u64,
    /// Open sessions, each with the number of its last command.
    sessions: BTreeMap<SessionId, u64>,
    /// The machine's hash before each slot, 0 where it is not known yet.
    hashes: Vec<u64>,
    /// The first replica's hash of its whole state before each slot.
    states: Vec<Option<u64>>,
    pub(super) commands: u64,
    /// Commands that came more than once and counted once.
    pub(super) repeats: u64,
}

impl<M: StateMachine> Book<M> {
    pub(super) fn new(machine: M) -> Self {
        let first = StateHasher::of(&machine);
        Self {
            log: Vec::new(),
            ballots: Vec::new(),
            machine,
            next: 0,
            sessions: BTreeMap::new(),
            hashes: vec![first],
            states: Vec::new(),
            commands: 0,
            repeats: 0,
        }
    }

    /// How many slots from the first on are decided.
    pub(super) const fn decided(&self) -> u64 {
        self.next
    }

    /// Somebody says that a slot is decided; true if it was not known.
    pub(super) fn chosen(
        &mut self,
        slot: Slot,
        batch: &Batch<M>,
        ballot: Option<Ballot>,
        who: &str,
    ) -> Result<bool, Breach> {
        let Ok(at) = usize::try_from(slot.0) else {
            return Ok(false);
        };
        if at >= self.log.len() {
            self.log.resize(at + 1, None);
            self.ballots.resize(at + 1, None);
        }
        if let Some(known) = &self.log[at] {
            if known != batch {
                let detail = format!(
                    "{who} has {} requests in slot {at}, decided before with {}: {:?} and {:?}",
                    batch.len(),
                    known.len(),
                    batch.iter().map(|entry| entry.ticket).collect::<Vec<_>>(),
                    known.iter().map(|entry| entry.ticket).collect::<Vec<_>>(),
                );
                return Err(("agreement", detail));
            }
            return Ok(false);
        }
        self.log[at] = Some(batch.clone());
        self.ballots[at] = ballot;
        while let Some(Some(batch)) = self.log.get(self.next as usize).cloned() {
            self.apply(&batch);
        }
        Ok(true)
    }

    fn apply(&mut self, batch: &Batch<M>) {
        let slot = Slot(self.next);
        for (place, entry) in batch.iter().enumerate() {
            match &entry.request {
                Request::Open => {
                    let id = SessionId {
                        slot,
                        place: place as u16,
                    };
                    self.sessions.insert(id, 0);
                }
                Request::Run {
                    session,
                    seq,
                    command,
                } => match self.sessions.get_mut(session) {
                    Some(last) if *seq > *last => {
                        *last = *seq;
                        self.commands += 1;
                        self.machine.apply(command);
                    }
                    Some(_) | None => self.repeats += 1,
                },
                Request::Query(_) => {}
                Request::End { session } => {
                    self.sessions.remove(session);
                }
            }
        }
        self.next += 1;
        self.hashes.push(StateHasher::of(&self.machine));
    }

    /// A replica has applied every slot below one. A hash of its whole state, and what is wrong with it.
    pub(super) fn applied(
        &mut self,
        slot: Slot,
        machine: &M,
        sessions: impl Iterator<Item = (SessionId, u64)>,
        who: &str,
    ) -> (u64, [Option<Breach>; 2]) {
        let hash = StateHasher::of(machine);
        let mut whole = Fingerprint::new();
        whole.mix(hash, slot.0);
        for (id, seq) in sessions {
            whole.mix(id.slot.0 << 16 | u64::from(id.place), seq);
        }
        let at = slot.0 as usize;
        if at >= self.states.len() {
            self.states.resize(at + 1, None);
        }
        let first = *self.states[at].get_or_insert(whole.value());
        let other = (first != whole.value()).then(|| {
            let detail = format!(
                "{who} is in another state before slot {at} than the first that came so far"
            );
            ("replicas", detail)
        });
        let strays = self.hashes.get(at).is_some_and(|&known| known != hash);
        let strays = strays.then(|| {
            let detail = format!(
                "{who}'s machine before slot {at} is not the one that the log leads to when every command counts once"
            );
            ("exactly-once", detail)
        });
        (whole.value(), [other, strays])
    }

    /// A leader begins: what it proposes of its own must come after all that leaders of lower ballots
    /// decided. One that has been passed over meanwhile knows nothing of later ones, and need not.
    pub(super) fn leads(&self, ballot: Ballot, from: Slot, who: &str) -> Option<Breach> {
        let lower = |by: &Option<Ballot>| by.is_some_and(|by| by < ballot);
        let last = self.ballots.iter().rposition(lower);
        let last = last.filter(|&last| from.0 <= last as u64)?;
        let detail = format!(
            "{who} begins at slot {}, and slot {last} is decided",
            from.0
        );
        Some(("durability", detail))
    }
}
