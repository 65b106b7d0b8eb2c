//! A clash: two decisions that differ, what each of them rests on, and what misled one of them.

use std::cmp::Reverse;

use bivalent_core::{AgentId, Ballot, Block, Value};

use super::{Links, Past};
use crate::engine::journal::{Note, What};

/// Two decisions that differ.
#[derive(Debug)]
pub(crate) struct Clash {
    /// The first decision of the run, and the one that differs from it.
    pub(crate) sides: [Side; 2],
    /// What misled one of them, if anything did.
    pub(crate) wrong: Option<Wrong>,
}

/// A decision and what it rests on: places in the notes.
#[derive(Debug)]
pub(crate) struct Side {
    /// It, then its cause, then the cause of that.
    pub(crate) links: Vec<usize>,
    /// Why the causes end there, if they do not end at an agent's own input or start.
    pub(crate) rest: Option<&'static str>,
    /// The writes that put its vote on the stores, until it was decided.
    pub(crate) votes: Vec<usize>,
}

/// What misled somebody: places in the notes.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Wrong {
    /// A read that did not return what had been written.
    pub(crate) read: Option<usize>,
    /// The write that it should have returned.
    pub(crate) stood: Option<usize>,
    /// The fault behind it.
    pub(crate) fault: Option<usize>,
    /// Nobody had ever written as a whole what was read.
    pub(crate) forged: bool,
}

/// How much a read misled its reader, the least first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Weight {
    /// It hid a greater ballot.
    HidBallot,
    /// It returned what nobody had written.
    Forged,
    /// It returned a vote that its author had never cast.
    ForgedVote,
    /// It returned such a vote for the value that was then decided.
    ForgedVoteTaken,
    /// It hid the vote of the other decision.
    HidVote,
}

/// What was wrong with a read.
struct Lie {
    weight: Weight,
    /// The write that it should have returned.
    stood: Option<usize>,
}

/// A decision, or a ballot on the way to one, as far as its notes tell.
#[derive(Clone, Copy)]
struct Decision {
    at: usize,
    /// Where its ballot began.
    from: usize,
    agent: AgentId,
    value: Value,
    ballot: Option<Ballot>,
}

/// The clash of the last decision among some notes with the first one that differs; none: there is no such.
/// `shared`: the agents share a block on each store, where else each has one of its own.
pub(crate) fn of(notes: &[Note], shared: bool) -> Option<Clash> {
    let past = Past { notes };
    let last = past.last(notes.len(), |what| matches!(what, What::Decided { .. }))?;
    let second = past.decision(last)?;
    let first = (0..last).find_map(|at| {
        past.decision(at)
            .filter(|first| first.value != second.value)
    })?;
    let side = |it: Decision| {
        let Links { at: links, rest } = past.why(it.at);
        Side {
            links,
            rest,
            votes: past.votes(it),
        }
    };
    Some(Clash {
        sides: [side(first), side(second)],
        wrong: past.misled(first, second, shared),
    })
}

impl Past<'_> {
    fn decision(&self, at: usize) -> Option<Decision> {
        let What::Decided { agent, value } = self.notes[at].what else {
            return None;
        };
        let phase2 = self.last(
            at,
            |what| matches!(*what, What::Phase2 { agent: a, value: v, .. } if a == agent && v == value),
        );
        let ballot = phase2.and_then(|at| {
            let What::Phase2 { ballot, .. } = self.notes[at].what else {
                return None;
            };
            Some(ballot)
        });
        let from = ballot.and_then(|ballot| self.began(at, agent, ballot));
        Some(Decision {
            at,
            from: from.or(phase2).unwrap_or(0),
            agent,
            value,
            ballot,
        })
    }

    fn began(&self, before: usize, agent: AgentId, ballot: Ballot) -> Option<usize> {
        self.last(
            before,
            |what| matches!(*what, What::Phase1 { agent: a, ballot: b } if a == agent && b == ballot),
        )
    }

    /// A decision, and the ballots from which its value came to it: whoever began those may have been misled
    /// in its stead.
    fn ballots_of(&self, of: Decision) -> Vec<Decision> {
        let mut ballots = vec![of];
        ballots.extend(self.why(of.at).at.into_iter().filter_map(|at| {
            let What::Phase2 {
                agent,
                ballot,
                value,
            } = self.notes[at].what
            else {
                return None;
            };
            let earlier = Decision {
                at,
                from: self.began(at, agent, ballot).unwrap_or(at),
                agent,
                value,
                ballot: Some(ballot),
            };
            (earlier.ballot != of.ballot).then_some(earlier)
        }));
        ballots
    }

    /// The writes of a decision's own vote until it was decided, the first on each store.
    fn votes(&self, of: Decision) -> Vec<usize> {
        let mut stores = Vec::new();
        let votes = (of.from..of.at).filter(|&at| {
            let What::Wrote {
                agent,
                store,
                block,
            } = &self.notes[at].what
            else {
                return false;
            };
            let is_vote = block.vote.is_some_and(|vote| Some(vote.bal) == of.ballot);
            let is_new = *agent == of.agent && is_vote && !stores.contains(store);
            if is_new {
                stores.push(*store);
            }
            is_new
        });
        votes.collect()
    }

    /// What misled one of two: the read that weighs most, of the later decision if it has one, the first of
    /// equals; else a fault where a vote of the first should stand.
    fn misled(&self, first: Decision, second: Decision, shared: bool) -> Option<Wrong> {
        let mut found = Vec::new();
        for (side, other) in [(second, first), (first, second)] {
            for reader in self.ballots_of(side) {
                for at in reader.from..reader.at {
                    if let Some(Lie { weight, stood }) = self.lie(at, reader, other, shared) {
                        found.push((weight, reader.at, Reverse(at), stood));
                    }
                }
            }
        }
        if let Some((weight, _, Reverse(read), stood)) = found.into_iter().max() {
            return Some(Wrong {
                read: Some(read),
                stood,
                // What had been put right again since has misled nobody.
                fault: self.last_damage(read).filter(|&fault| Some(fault) > stood),
                forged: matches!(
                    weight,
                    Weight::Forged | Weight::ForgedVote | Weight::ForgedVoteTaken
                ),
            });
        }
        let standing = self.votes(first);
        let is_missing = |what: &What| {
            let What::Fault {
                agent,
                store: Some(store),
                blocks,
                ..
            } = what
            else {
                return false;
            };
            let is_its = *agent == Some(first.agent) || blocks & first.agent.bit() != 0;
            is_its && !standing.iter().any(
                |&at| matches!(self.notes[at].what, What::Wrote { store: s, .. } if s == *store),
            )
        };
        let fault = (first.from..first.at).rfind(|&at| is_missing(&self.notes[at].what))?;
        Some(Wrong {
            read: None,
            stood: None,
            fault: Some(fault),
            forged: false,
        })
    }

    /// How a read misled its reader about another decision; none: it was as it should be.
    fn lie(&self, at: usize, reader: Decision, other: Decision, shared: bool) -> Option<Lie> {
        let What::Read {
            agent,
            store,
            owner,
            block,
        } = &self.notes[at].what
        else {
            return None;
        };
        if *agent != reader.agent {
            return None;
        }
        // What was put there, the latest first.
        let writes: Vec<(usize, &Block)> = (0..at)
            .rev()
            .filter_map(|place| {
                let What::Wrote {
                    agent,
                    store: s,
                    block,
                } = &self.notes[place].what
                else {
                    return None;
                };
                let is_there = (shared || agent == owner) && s == store;
                is_there.then_some((place, block))
            })
            .collect();
        if shared || *owner == other.agent {
            let casts = |(_, block): &&(usize, &Block)| {
                block
                    .vote
                    .is_some_and(|vote| Some(vote.bal) == other.ballot)
            };
            let shown = block.vote.map(|vote| vote.bal);
            if let Some(&(stood, _)) = writes.iter().find(casts)
                && shown < other.ballot
            {
                return Some(Lie {
                    weight: Weight::HidVote,
                    stood: Some(stood),
                });
            }
        }
        if block.mbal.is_some() && !writes.iter().any(|(_, written)| *written == block) {
            let was_cast = writes.iter().any(|(_, written)| written.vote == block.vote);
            let weight = match block.vote.filter(|_| !was_cast) {
                Some(vote) if vote.inp == reader.value => Weight::ForgedVoteTaken,
                Some(_) => Weight::ForgedVote,
                None => Weight::Forged,
            };
            let stood = writes.first().map(|&(place, _)| place);
            return Some(Lie { weight, stood });
        }
        // An older write that came late is not what counts, but the one that it replaced.
        let key = |block: &Block| (block.mbal, block.vote.map(|vote| vote.bal));
        let &(stood, newest) = writes.iter().max_by_key(|(place, it)| (key(it), *place))?;
        let hides = newest.mbal > block.mbal && newest.mbal > reader.ballot;
        hides.then_some(Lie {
            weight: Weight::HidBallot,
            stood: Some(stood),
        })
    }
}

#[cfg(test)]
mod tests {
    use bivalent_core::{Block, Incarnation, StoreId, Vote};

    use super::*;

    const ONE: AgentId = AgentId(0);
    const TWO: AgentId = AgentId(1);

    fn notes(of: Vec<What>) -> Vec<Note> {
        let noted = of.into_iter().enumerate();
        let noted = noted.map(|(at, what)| Note {
            step: at as u64,
            tick: at as u64,
            what,
            stamp: None,
        });
        noted.collect()
    }

    /// An agent goes through a ballot: writes its vote, reads what the other one has there, decides.
    fn ballot(agent: AgentId, ballot: Ballot, inp: Value, read: Block) -> Vec<What> {
        let block = Block {
            mbal: Some(ballot),
            vote: Some(Vote { bal: ballot, inp }),
        };
        let (store, owner) = (StoreId(0), if agent == ONE { TWO } else { ONE });
        vec![
            What::Phase1 { agent, ballot },
            What::Read {
                agent,
                store,
                owner,
                block: read,
            },
            What::Phase2 {
                agent,
                ballot,
                value: inp,
            },
            What::Wrote {
                agent,
                store,
                block,
            },
            What::Decided { agent, value: inp },
        ]
    }

    #[test]
    fn who_was_shown_no_vote_where_one_stood_was_misled_and_else_nobody_was() {
        let start = Incarnation(0);
        let (low, high) = (Ballot::new(1, ONE, start), Ballot::new(2, TWO, start));
        let mut told = ballot(ONE, low, Value(1), Block::default());
        told.extend(ballot(TWO, high, Value(2), Block::default()));

        let clash = of(&notes(told.clone()), false).unwrap();

        assert_eq!(clash.sides[0].links.first(), Some(&4));
        assert_eq!(clash.sides[0].votes, [3]);
        assert_eq!(clash.sides[1].links.first(), Some(&9));
        let wrong = Wrong {
            read: Some(6),
            stood: Some(3),
            fault: None,
            forged: false,
        };
        assert_eq!(clash.wrong, Some(wrong));

        // It saw the vote and decided otherwise all the same: its own fault.
        let What::Wrote { block, .. } = told[3] else {
            unreachable!("the fourth note is a write");
        };
        let mut told = ballot(ONE, low, Value(1), Block::default());
        told.extend(ballot(TWO, high, Value(2), block));
        assert_eq!(of(&notes(told.clone()), false).unwrap().wrong, None);

        // Equal decisions are no clash.
        told.truncate(5);
        told.extend(ballot(TWO, high, Value(1), block));
        assert!(of(&notes(told), false).is_none());
    }
}
