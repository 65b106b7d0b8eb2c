//! A clash: two decisions that differ, what each of them rests on, and what misled one of them.

use std::cmp::Reverse;

use bivalent_core::{AgentId, Ballot, Value};

use super::{Links, Past};
use crate::journal::{Note, What};

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
}

/// A decision, as far as its notes tell.
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
pub(crate) fn of(notes: &[Note]) -> Option<Clash> {
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
        wrong: past.misled(first, second),
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
        let from = self.last(
            at,
            |what| matches!(*what, What::Phase1 { agent: a, ballot: b } if a == agent && Some(b) == ballot),
        );
        Some(Decision {
            at,
            from: from.or(phase2).unwrap_or(0),
            agent,
            value,
            ballot,
        })
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

    /// What misled one of two: the first read that hid the other's vote from it, of the later decision if it
    /// has one; else one that returned what nobody had written; else one that hid a greater ballot; else a
    /// fault where a vote of the first should stand.
    fn misled(&self, first: Decision, second: Decision) -> Option<Wrong> {
        let pairs = [(second, first), (first, second)];
        let found = pairs
            .into_iter()
            .flat_map(|(reader, other)| {
                (reader.from..reader.at).filter_map(move |at| {
                    let (weight, stood) = self.hides(at, reader, other)?;
                    Some(((weight, reader.at, Reverse(at)), at, stood))
                })
            })
            .max();
        if let Some((_, read, stood)) = found {
            return Some(Wrong {
                read: Some(read),
                stood,
                fault: self.fault_behind(read, stood),
            });
        }
        let standing = self.votes(first);
        let is_missing = |what: &What| {
            let What::Fault {
                store: Some(store), ..
            } = what
            else {
                return false;
            };
            !standing.iter().any(
                |&at| matches!(self.notes[at].what, What::Wrote { store: s, .. } if s == *store),
            )
        };
        let fault = (first.from..first.at).rfind(|&at| is_missing(&self.notes[at].what))?;
        Some(Wrong {
            read: None,
            stood: None,
            fault: Some(fault),
        })
    }

    /// How much a read has hidden from a decision, and the write that it hid; none: it was as it should be.
    fn hides(&self, at: usize, reader: Decision, other: Decision) -> Option<(u8, Option<usize>)> {
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
        let writes = (0..at).rev().filter(|&place| {
            matches!(&self.notes[place].what, What::Wrote { agent, store: s, .. } if agent == owner && s == store)
        });
        let wrote = |place: usize| {
            let What::Wrote { block, .. } = &self.notes[place].what else {
                return None;
            };
            Some(block)
        };
        if *owner == other.agent {
            let vote = writes.clone().find(|&place| {
                let vote = wrote(place).and_then(|block| block.vote);
                vote.is_some_and(|vote| Some(vote.bal) == other.ballot)
            });
            let shown = block.vote.map(|vote| vote.bal);
            if vote.is_some() && shown < other.ballot {
                return Some((3, vote));
            }
        }
        let last = writes.clone().next();
        let is_written = writes.clone().any(|place| wrote(place) == Some(block));
        if block.mbal.is_some() && !is_written && last.is_some() {
            return Some((2, last));
        }
        let newer = last.and_then(wrote).and_then(|it| it.mbal);
        (newer > block.mbal && newer > reader.ballot).then_some((1, last))
    }

    /// The latest fault at a read's store since what it should have returned was written; else the latest.
    fn fault_behind(&self, read: usize, stood: Option<usize>) -> Option<usize> {
        let What::Read { store, .. } = self.notes[read].what else {
            return None;
        };
        let is_there = |at: &usize| matches!(self.notes[*at].what, What::Fault { store: Some(s), .. } if s == store);
        let since = stood.unwrap_or(0);
        let near = (since..=read).rev().find(is_there);
        near.or_else(|| (0..since).rev().find(is_there))
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

        let clash = of(&notes(told.clone())).unwrap();

        assert_eq!(clash.sides[0].links.first(), Some(&4));
        assert_eq!(clash.sides[0].votes, [3]);
        assert_eq!(clash.sides[1].links.first(), Some(&9));
        let wrong = Wrong {
            read: Some(6),
            stood: Some(3),
            fault: None,
        };
        assert_eq!(clash.wrong, Some(wrong));

        // It saw the vote and decided otherwise all the same: its own fault.
        let What::Wrote { block, .. } = told[3] else {
            unreachable!("the fourth note is a write");
        };
        let mut told = ballot(ONE, low, Value(1), Block::default());
        told.extend(ballot(TWO, high, Value(2), block));
        assert_eq!(of(&notes(told.clone())).unwrap().wrong, None);

        // Equal decisions are no clash.
        told.truncate(5);
        told.extend(ballot(TWO, high, Value(1), block));
        assert!(of(&notes(told)).is_none());
    }
}
