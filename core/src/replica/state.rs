//! The replicated state: the machine and the sessions, moved on by one slot at a time.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{Ballot, Entry, Outcome, Request, Session, SessionId, Slot, Snapshot, StateMachine};

/// Everything that is the same on every replica that has applied the same slots.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct State<M: StateMachine> {
    pub(super) machine: M,
    pub(super) sessions: BTreeMap<SessionId, Session<M>>,
    /// The next slot to be applied.
    pub(super) applied: Slot,
}

impl<M: StateMachine> State<M> {
    pub(super) const fn new(machine: M) -> Self {
        Self {
            machine,
            sessions: BTreeMap::new(),
            applied: Slot(0),
        }
    }

    /// Carries out the entry at a place of the slot that is being applied.
    pub(super) fn apply(&mut self, place: u16, entry: &Entry<M>) -> Outcome<M> {
        match &entry.request {
            Request::Open => {
                let id = SessionId {
                    slot: self.applied,
                    place,
                };
                self.sessions.insert(
                    id,
                    Session {
                        seq: 0,
                        answer: None,
                    },
                );
                Outcome::Opened(id)
            }
            Request::Run {
                session,
                seq,
                command,
            } => {
                let Some(known) = self.sessions.get_mut(session) else {
                    return Outcome::NoSession;
                };
                if *seq > known.seq {
                    known.seq = *seq;
                    known.answer = Some(self.machine.apply(command));
                }
                match &known.answer {
                    Some(answer) if *seq == known.seq => Outcome::Answer(answer.clone()),
                    Some(_) | None => Outcome::Outdated,
                }
            }
            Request::Query(query) => Outcome::Answer(self.machine.query(query)),
            Request::End { session } => {
                self.sessions.remove(session);
                Outcome::Ended
            }
        }
    }

    pub(super) fn snapshot(&self, ballot: Option<Ballot>) -> Snapshot<M> {
        let sessions: Vec<_> = self
            .sessions
            .iter()
            .map(|(id, session)| (*id, session.clone()))
            .collect();
        Snapshot {
            slot: self.applied,
            ballot,
            machine: self.machine.snapshot(),
            sessions,
        }
    }

    pub(super) fn restore(snapshot: &Snapshot<M>) -> Self {
        Self {
            machine: M::restore(&snapshot.machine),
            sessions: snapshot.sessions.iter().cloned().collect(),
            applied: snapshot.slot,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{AgentId, Incarnation, Kv, KvAnswer, KvCommand, Ticket};

    type Map = Kv<char, u8>;

    fn entry(request: Request<Map>) -> Entry<Map> {
        let ticket = Ticket {
            agent: AgentId(0),
            incarnation: Incarnation(0),
            number: 0,
        };
        Entry { ticket, request }
    }

    fn put(session: SessionId, seq: u64, value: u8) -> Entry<Map> {
        let command = KvCommand::Swap {
            key: 'k',
            from: None,
            to: value,
        };
        entry(Request::Run {
            session,
            seq,
            command,
        })
    }

    #[test]
    fn a_command_asked_for_twice_takes_effect_once_and_answers_the_same_twice() {
        let mut state = State::new(Map::new());
        let Outcome::Opened(session) = state.apply(0, &entry(Request::Open)) else {
            panic!("no session");
        };
        let first = state.apply(1, &put(session, 1, 1));
        let again = state.apply(2, &put(session, 1, 1));

        assert_eq!(first, Outcome::Answer(KvAnswer::Swapped(true)));
        assert_eq!(again, first);
        let next = state.apply(3, &put(session, 2, 2));
        assert_eq!(next, Outcome::Answer(KvAnswer::Swapped(false)));
        assert_eq!(state.apply(4, &put(session, 1, 1)), Outcome::Outdated);
    }

    #[test]
    fn after_its_end_nothing_is_done_in_a_sessions_name() {
        let mut state = State::new(Map::new());
        state.apply(0, &entry(Request::Open));
        let session = SessionId {
            slot: Slot(0),
            place: 0,
        };
        assert_eq!(
            state.apply(1, &entry(Request::End { session })),
            Outcome::Ended
        );
        assert_eq!(state.apply(2, &put(session, 1, 1)), Outcome::NoSession);
        assert_eq!(state.machine, Map::new());
    }

    #[test]
    fn a_snapshot_gives_back_machine_and_sessions() {
        let mut state = State::new(Map::new());
        state.apply(0, &entry(Request::Open));
        let session = SessionId {
            slot: Slot(0),
            place: 0,
        };
        state.apply(1, &put(session, 1, 1));
        state.applied = Slot(1);

        let restored = State::restore(&state.snapshot(None));

        assert_eq!(restored, state);
        assert_eq!(vec![restored.applied], [Slot(1)]);
    }
}
