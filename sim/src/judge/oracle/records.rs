//! Invariants of acceptor records: promises rise, ballots have one value, what a quorum accepted stays.
//!
//! Checked at every write that lands on a record: the promise never falls and no vote is above it
//! (`invariant-promise`); all votes of one ballot have one value (`invariant-one-value`); once a vote
//! has stood on a quorum of stores, no vote of a higher ballot has another value
//! (`invariant-chosen`). Not checked: what faults do to a record between two writes (`store_model.rs`
//! and `envelope.rs`), and that a promise looked at the right records (`agreement.rs`).

use bivalent_core::{Block, StoreId, Value, Vote};

use crate::scenario::plan::Plan;

use super::spell;

/// A vote and the stores on which it has stood, as a bit set.
#[derive(Clone, Copy, Debug)]
struct Stood {
    vote: Vote,
    stores: u16,
}

/// What the records of a run have held.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    quorum: u32,
    /// By ballot.
    votes: Vec<Stood>,
    /// The lowest vote that has stood on a quorum.
    chosen: Option<Vote>,
}

impl Records {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            quorum: u32::from(plan.envelope.quorum()),
            votes: Vec::with_capacity(32),
            chosen: None,
        }
    }

    pub(crate) fn reset(&mut self) {
        self.votes.clear();
        self.chosen = None;
    }

    /// A store's record was replaced; says which property that breaks, and how. On a store that
    /// forgets, versions come back, so that a write made for an old record may replace a newer one.
    pub(crate) fn wrote(
        &mut self,
        store: StoreId,
        before: Block,
        after: Block,
        forgets: bool,
    ) -> Option<(&'static str, String)> {
        let voted = after.vote.map(|vote| vote.bal);
        let fell = after.mbal < before.mbal && !forgets;
        if fell || voted > after.mbal {
            let detail = format!(
                "store {{s{}}}: {after:?} was written over {before:?}",
                store.0
            );
            return Some(("invariant-promise", detail));
        }
        let vote = after.vote.filter(|_| after.vote != before.vote)?;
        self.voted(store, vote)
    }

    fn voted(&mut self, store: StoreId, vote: Vote) -> Option<(&'static str, String)> {
        let found = self.votes.binary_search_by_key(&vote.bal, |it| it.vote.bal);
        let at = found.unwrap_or_else(|at| {
            self.votes.insert(at, Stood { vote, stores: 0 });
            at
        });
        let stood = &mut self.votes[at];
        if stood.vote.inp != vote.inp {
            let (one, other) = (spell(stood.vote.inp), spell(vote.inp));
            let detail = format!("{:?} has a vote for {one} and one for {other}", vote.bal);
            return Some(("invariant-one-value", detail));
        }
        stood.stores |= store.bit();
        if stood.stores.count_ones() >= self.quorum
            && self.chosen.is_none_or(|chosen| vote.bal < chosen.bal)
        {
            self.chosen = Some(vote);
        }
        let chosen = self.chosen?;
        let above = self.votes.iter().filter(|it| it.vote.bal >= chosen.bal);
        let rival = above.map(|it| it.vote).find(|it| it.inp != chosen.inp)?;
        Some(("invariant-chosen", against(chosen, rival)))
    }
}

fn against(chosen: Vote, rival: Vote) -> String {
    let name = |value: Value| spell(value);
    format!(
        "a quorum has accepted {} in {:?}, and {:?} has a vote for {}",
        name(chosen.inp),
        chosen.bal,
        rival.bal,
        name(rival.inp)
    )
}

#[cfg(test)]
mod tests {
    use bivalent_core::{AgentId, Ballot, Incarnation};

    use super::*;

    fn records() -> Records {
        Records {
            quorum: 2,
            votes: Vec::new(),
            chosen: None,
        }
    }

    fn ballot(round: u64) -> Ballot {
        Ballot::new(round, AgentId(0), Incarnation(0))
    }

    fn record(promise: u64, vote: Option<(u64, u64)>) -> Block {
        let vote = vote.map(|(round, value)| Vote {
            bal: ballot(round),
            inp: Value(value),
        });
        let mbal = Some(ballot(promise));
        Block { mbal, vote }
    }

    fn property(found: Option<(&'static str, String)>) -> Option<&'static str> {
        found.map(|(property, _)| property)
    }

    #[test]
    fn a_promise_that_falls_and_a_vote_above_its_promise_are_found() {
        let (low, high) = (record(1, None), record(2, None));
        let mut records = records();

        assert_eq!(property(records.wrote(StoreId(0), low, high, false)), None);
        let fell = records.wrote(StoreId(0), high, low, false);
        assert_eq!(property(fell), Some("invariant-promise"));
        let forgot = records.wrote(StoreId(0), high, low, true);
        assert_eq!(property(forgot), None);
        let above = records.wrote(StoreId(0), low, record(2, Some((3, 1))), false);
        assert_eq!(property(above), Some("invariant-promise"));
    }

    #[test]
    fn two_values_of_one_ballot_are_found_on_different_stores() {
        let mut records = records();
        let none = record(1, None);

        let one = records.wrote(StoreId(0), none, record(1, Some((1, 1))), false);
        let other = records.wrote(StoreId(1), none, record(1, Some((1, 2))), false);

        assert_eq!(property(one), None);
        assert_eq!(property(other), Some("invariant-one-value"));
    }

    #[test]
    fn a_higher_vote_against_what_a_quorum_accepted_is_found_in_either_order() {
        let none = record(1, None);
        let low = record(1, Some((1, 1)));
        let high = record(2, Some((2, 2)));
        let mut first = records();
        first.wrote(StoreId(0), none, low, false);
        first.wrote(StoreId(1), none, low, false);
        let mut late = records();
        late.wrote(StoreId(0), none, low, false);
        late.wrote(StoreId(2), none, high, false);

        let after = first.wrote(StoreId(2), none, high, false);
        let before = late.wrote(StoreId(1), none, low, false);

        assert_eq!(property(after), Some("invariant-chosen"));
        assert_eq!(property(before), Some("invariant-chosen"));
    }

    #[test]
    fn a_vote_on_less_than_a_quorum_binds_nobody() {
        let mut records = records();
        let none = record(1, None);
        records.wrote(StoreId(0), none, record(1, Some((1, 1))), false);

        let high = records.wrote(
            StoreId(0),
            record(1, Some((1, 1))),
            record(2, Some((2, 2))),
            false,
        );

        assert_eq!(property(high), None);
    }
}
