//! A slot that two agents fill differently: who, on which votes, and who was not shown the other's.

use bivalent_core::{AgentId, Ballot, Slot};

use super::{Ledger, Lie, Line, Part, fact, greatest};
use crate::{
    engine::log::{Cast, Deed},
    scenario::fault::FaultKind,
};

/// Somebody who takes a slot for decided, or begins to lead as if it were free.
#[derive(Clone, Copy, Debug)]
struct Side {
    at: usize,
    agent: AgentId,
    /// The ballot in which it was voted for.
    ballot: Option<Ballot>,
    /// What it holds there; none: whatever comes.
    batch: Option<u64>,
}

impl Side {
    fn has(&self, cast: &Cast, slot: Slot) -> bool {
        cast.slot == slot && Some(cast.batch) == self.batch
    }
}

impl Ledger<'_> {
    /// Two batches in one slot.
    pub(super) fn disagreement(&self, step: u64) -> Option<Vec<Part>> {
        let (first, second) = self.chosen(self.entries.len()).find_map(|second| {
            if self.step(second) != step {
                return None;
            }
            let (slot, batch) = self.choice(second)?;
            let differs = |&at: &usize| {
                let choice = self.choice(at);
                choice.is_some_and(|(other, what)| other == slot && what != batch)
            };
            let first = self.chosen(second).find(differs)?;
            Some((first, second))
        })?;
        self.clash_of(first, second)
    }

    /// Two places at which one slot is taken for decided.
    pub(super) fn clash_of(&self, first: usize, second: usize) -> Option<Vec<Part>> {
        let (slot, _) = self.choice(first)?;
        Some(self.clash(slot, self.side(first)?, self.side(second)?))
    }

    /// A leader that begins below a slot which is decided.
    pub(super) fn overlooked(&self, step: u64) -> Option<Vec<Part>> {
        let leads = self
            .places(|deed| matches!(deed, Deed::Leads { .. }))
            .rfind(|&at| self.step(at) == step)?;
        let Deed::Leads {
            agent,
            ballot,
            from,
        } = *self.deed(leads)
        else {
            return None;
        };
        let passed_over = self.chosen(leads).filter_map(|at| {
            let (slot, _) = self.choice(at)?;
            let side = self.side(at)?;
            (slot >= from && side.ballot < Some(ballot)).then_some((slot, side))
        });
        // The last such slot, as whoever decided it first did.
        let (slot, decided) = passed_over.rev().max_by_key(|(slot, _)| *slot)?;
        let leader = Side {
            at: leads,
            agent,
            ballot: Some(ballot),
            batch: None,
        };
        Some(self.clash(slot, decided, leader))
    }

    /// Where slots are taken for decided, before a place.
    pub(super) fn chosen(&self, before: usize) -> impl DoubleEndedIterator<Item = usize> {
        self.places(|deed| matches!(deed, Deed::Chosen { .. }))
            .filter(move |&at| at < before)
    }

    /// Which slot is taken for decided, and with what.
    pub(super) fn choice(&self, at: usize) -> Option<(Slot, u64)> {
        match *self.deed(at) {
            Deed::Chosen { slot, batch, .. } => Some((slot, batch)),
            _ => None,
        }
    }

    /// Votes that came to stand and fit, before a place.
    fn cast(
        &self,
        before: usize,
        fits: impl Fn(&Cast) -> bool,
    ) -> impl DoubleEndedIterator<Item = (usize, Cast)> {
        let votes = self.entries[..before].iter().enumerate();
        votes.filter_map(move |(at, entry)| match entry.deed {
            Deed::Voted { cast, .. } if fits(&cast) => Some((at, cast)),
            _ => None,
        })
    }

    fn side(&self, at: usize) -> Option<Side> {
        let Deed::Chosen {
            agent,
            slot,
            batch,
            ballot,
            ..
        } = *self.deed(at)
        else {
            return None;
        };
        // Whoever does not lead has read it: the ballot is that of the greatest such vote.
        let voted = || {
            let votes = self.cast(at, |cast| cast.slot == slot && cast.batch == batch);
            votes.map(|(_, cast)| cast.ballot).max()
        };
        Some(Side {
            at,
            agent,
            ballot: ballot.or_else(voted),
            batch: Some(batch),
        })
    }

    /// Where the votes of a side's ballot came to stand until it was sure.
    fn votes(&self, side: Side, slot: Slot) -> impl DoubleEndedIterator<Item = usize> {
        let votes = self.cast(side.at, move |cast| {
            side.has(cast, slot) && Some(cast.ballot) == side.ballot
        });
        votes.map(|(at, _)| at)
    }

    fn stands(&self, of: Ballot) -> Option<usize> {
        self.places(|deed| matches!(deed, Deed::Stands { ballot, .. } if *ballot == of))
            .next()
    }

    fn leads(&self, of: Ballot) -> Option<usize> {
        self.places(|deed| matches!(deed, Deed::Leads { ballot, .. } if *ballot == of))
            .next()
    }

    /// What whoever stood in a ballot was shown of a slot until it led.
    fn surveyed(&self, of: Ballot, slot: Slot, until: usize) -> Vec<usize> {
        let from = self.stands(of).unwrap_or(0);
        let until = self.leads(of).map_or(until, |leads| leads.min(until));
        self.scans(of.agent(), slot, from, until)
    }

    fn scans(&self, agent: AgentId, slot: Slot, from: usize, until: usize) -> Vec<usize> {
        let covers = |deed: &Deed| matches!(deed, Deed::Scanned { from, to, .. } if (*from..*to).contains(&slot));
        self.shown_to(agent, from, until, covers)
    }

    fn clash(&self, slot: Slot, first: Side, second: Side) -> Vec<Part> {
        let (title, lines) = match self.misled(slot, first, second) {
            Some(lines) => ("Both can't be: this is where one of them was misled", lines),
            None => (
                "Both stand: no fault is to blame",
                self.own_doing(slot, first, second),
            ),
        };
        vec![
            self.part(slot, first),
            self.part(slot, second),
            Part {
                title: title.to_owned(),
                lines,
            },
        ]
    }

    /// A side: how its ballot came about, and on which stores its votes stood.
    fn part(&self, slot: Slot, side: Side) -> Part {
        let mut lines = Vec::new();
        if let Some(ballot) = side.ballot {
            lines.extend(self.stands(ballot).map(|at| self.line(at, slot)));
            let takes_over = |&at: &usize| match self.deed(at) {
                Deed::Scanned { votes, .. } => {
                    greatest(votes, slot).is_some_and(|vote| side.has(&vote, slot))
                }
                _ => false,
            };
            let surveyed = self.surveyed(ballot, slot, side.at);
            let taken = surveyed.into_iter().find(takes_over);
            lines.extend(taken.map(|at| self.line_but(at, slot, ", which it takes over")));
            let leads = self.leads(ballot).filter(|&leads| leads < side.at);
            lines.extend(leads.map(|at| self.line(at, slot)));
        }
        lines.push(self.line(side.at, slot));
        lines.sort_by_key(|line| line.step);
        let (what, at) = (self.line(side.at, slot).text, self.step(side.at));
        let votes = self.stores_of(self.votes(side, slot));
        let rests = match side.ballot {
            _ if side.batch.is_none() => format!("and takes slot {} for free", slot.0),
            Some(ballot) if !votes.is_empty() => format!(
                "votes of ballot {ballot:?} on {} of {} stores",
                votes.join(", "),
                self.stores
            ),
            Some(_) | None => "without a vote on any store".to_owned(),
        };
        Part {
            title: format!("{what} at step {at}, {rests}"),
            lines,
        }
    }

    /// The read that misled one of two, or a fault where a vote should stand.
    fn misled(&self, slot: Slot, first: Side, second: Side) -> Option<Vec<Line>> {
        let pairs = [(second, first), (first, second)];
        let mut both = pairs.iter();
        let vote = both.find_map(|&(reader, other)| self.hidden_vote(slot, reader, other));
        // A leader looks for greater promises once its vote is written.
        let promise = || {
            pairs.iter().find_map(|&(reader, _)| {
                let ballot = reader.ballot?;
                let leads = self.leads(ballot).filter(|&leads| leads < reader.at)?;
                self.hidden_promise(ballot.agent(), ballot, leads, reader.at)
            })
        };
        if let Some(lie) = vote.or_else(promise) {
            return Some(self.told_lie(lie, slot));
        }
        let missing = pairs
            .iter()
            .find_map(|&(side, _)| self.missing(slot, side))?;
        let but = ": the vote that was answered for does not stand there";
        Some(vec![self.line_but(missing, slot, but)])
    }

    /// The ballots in which a side's batch was voted for, and its own, the first ones first.
    fn ballots(&self, slot: Slot, side: Side) -> Vec<Ballot> {
        let votes = self.cast(self.entries.len(), |cast| side.has(cast, slot));
        let mut ballots: Vec<Ballot> = votes.map(|(_, cast)| cast.ballot).collect();
        ballots.extend(side.ballot);
        ballots.sort_unstable();
        ballots.dedup();
        ballots
    }

    /// A read of one side's that hid a vote of the other: whoever began a ballot in which its batch was voted
    /// for, or has only learnt of it, may have been misled.
    fn hidden_vote(&self, slot: Slot, reader: Side, other: Side) -> Option<Lie> {
        let mut reads: Vec<(Option<Ballot>, usize)> = Vec::new();
        for ballot in self.ballots(slot, reader) {
            let surveyed = self.surveyed(ballot, slot, reader.at);
            reads.extend(surveyed.into_iter().map(|read| (Some(ballot), read)));
        }
        if reader.ballot.map(Ballot::agent) != Some(reader.agent) {
            let learnt = self.scans(reader.agent, slot, 0, reader.at);
            reads.extend(learnt.into_iter().map(|read| (None, read)));
        }
        reads.into_iter().find_map(|(below, read)| {
            let Deed::Scanned { errand, votes, .. } = self.deed(read) else {
                return None;
            };
            let shown = greatest(votes, slot).map(|vote| vote.ballot);
            let is_hidden = |cast: &Cast| {
                let counts = below.is_none_or(|below| cast.ballot < below);
                other.has(cast, slot) && Some(cast.ballot) > shown && counts
            };
            let on_it = |at: usize| matches!(self.deed(at), Deed::Voted { store, .. } if *store == errand.store);
            let (stood, cast) = self.cast(read, is_hidden).rfind(|&(at, _)| on_it(at))?;
            // What its owner had dropped is in a snapshot.
            let dropped = self.entries[stood..read].iter().any(|entry| {
                matches!(entry.deed, Deed::Dropped { store, agent, below } if store == errand.store
                    && agent == cast.ballot.agent() && below > slot)
            });
            (!dropped).then_some(Lie { read, stood })
        })
    }

    /// A fault while a side voted, at a store where its vote does not stand.
    fn missing(&self, slot: Slot, side: Side) -> Option<usize> {
        let from = self.leads(side.ballot?)?;
        let stands = |on| {
            let mut votes = self.votes(side, slot);
            votes.any(|at| matches!(self.deed(at), Deed::Voted { store, .. } if *store == on))
        };
        let faults = self.places(|deed| {
            matches!(deed, Deed::Broke { kind: FaultKind::TornWrite | FaultKind::MisdirectedWrite, store: Some(store), .. }
                if !stands(*store))
        });
        faults.rev().find(|&at| from < at && at < side.at)
    }

    /// What agents did wrong of their own: they were shown a vote and put something else there, or took a
    /// promise back.
    fn own_doing(&self, slot: Slot, first: Side, second: Side) -> Vec<Line> {
        for side in [second, first]
            .into_iter()
            .filter(|side| side.batch.is_some())
        {
            if self.ballots(slot, side).is_empty() {
                let text = format!(
                    "nobody has voted for what {{a{}}} has in slot {}: it is not what it was shown",
                    side.agent.0, slot.0
                );
                return vec![fact(text)];
            }
        }
        for (reader, other) in [(second, first), (first, second)] {
            let Some(ballot) = reader.ballot else {
                continue;
            };
            let surveyed = self.surveyed(ballot, slot, reader.at).into_iter();
            let shown = surveyed.filter_map(|at| match self.deed(at) {
                Deed::Scanned { votes, .. } => greatest(votes, slot).map(|vote| (vote, at)),
                _ => None,
            });
            let most = shown.max_by_key(|(vote, _)| vote.ballot);
            if let Some((_, at)) = most.filter(|(vote, _)| other.has(vote, slot)) {
                let but = ", the greatest that it is shown, and yet puts something else there";
                return vec![self.line_but(at, slot, but)];
            }
        }
        for side in [first, second] {
            if let Some(text) = self.uncounted(slot, side) {
                return vec![fact(text)];
            }
        }
        let began = [first, second].map(|side| side.ballot.and_then(|it| self.stands(it)));
        let since = began.into_iter().flatten().min().unwrap_or(0);
        if let Some((before, after)) = self.first_fall(since, second.at) {
            let back = self.line_but(after, slot, ": it takes that back");
            return vec![self.line(before, slot), back];
        }
        vec![fact(
            "every vote and every promise that they were shown was what stood there: no store misled them, \
             their quorums or their rules did",
        )]
    }

    /// Votes that a leader decided on although it had no right to count them.
    fn uncounted(&self, slot: Slot, side: Side) -> Option<String> {
        let ballot = side.ballot.filter(|it| it.agent() == side.agent)?;
        side.batch?;
        let (agent, n) = (side.agent.0, slot.0);
        let votes: Vec<usize> = self.votes(side, slot).collect();
        if votes.is_empty() {
            return Some(format!(
                "{{a{agent}}} decides without a vote for slot {n} in its own ballot {ballot:?} on any store: whoever \
                 reads the slot later finds older ballots there"
            ));
        }
        // On a store a vote counts with a read after it that shows no greater promise.
        let is_read = |deed: &Deed| matches!(deed, Deed::Shown { .. });
        let reads = self.shown_to(side.agent, self.leads(ballot)?, side.at, is_read);
        let early: Vec<String> = votes
            .iter()
            .filter_map(|&at| {
                let Deed::Voted { store: on, .. } = self.deed(at) else {
                    return None;
                };
                let looked = |&&read: &&usize| {
                    matches!(self.deed(read), Deed::Shown { errand, .. } if errand.store == *on)
                };
                let read = *reads.iter().find(looked)?;
                let (vote, read) = (self.step(at), self.step(read));
                (read < vote).then(|| format!("{{s{}}} (read #{read}, vote #{vote})", on.0))
            })
            .collect();
        let counted = votes.len() - early.len();
        (2 * counted <= self.stores && !early.is_empty()).then(|| {
            format!(
                "{{a{agent}}} decides although it looked for greater promises before its vote stood there, and not \
                 after it, on {}",
                early.join(", ")
            )
        })
    }
}
