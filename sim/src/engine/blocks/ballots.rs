//! Which ballots agents get: the next one above what they met, or one where a script says.

use bivalent_core::{AgentId, Ballot, Explored, Incarnation, Place};

use super::{Blocks, Engine, store_id};
use crate::engine::is_down;
use crate::scenario::{Adversary, plan::Plan};

/// Rounds between two ballots of a script that puts others between them.
const SPACE: u64 = 1000;

/// What the next ballot depends on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ballots {
    /// A script is followed: the next ballot goes where it says, else above every ballot there is, so that its turns
    /// need no luck.
    scripted: bool,
    /// Where the script has the next ballot go, if not above all.
    pub(super) gap: Option<u8>,
    /// The ballots that are present when it does, sorted.
    present: Vec<Ballot>,
    /// The greatest ballot so far.
    greatest: Option<Ballot>,
    /// Ballots are far apart, so that others fit between.
    spaced: bool,
}

impl Ballots {
    pub(crate) fn begin(&mut self, plan: &Plan) {
        self.scripted = false;
        self.gap = None;
        self.present.clear();
        self.greatest = None;
        self.spaced = matches!(&plan.adversary, Adversary::Script(script) if script.has_gaps());
    }

    /// The next ballot of an agent that met `above`. None if there is none above that: rotten bits of a raw block.
    pub(crate) fn next(
        &mut self,
        above: Option<Ballot>,
        agent: AgentId,
        incarnation: Incarnation,
    ) -> Option<Ballot> {
        let plain = Ballot::next(above, agent, incarnation)?;
        if !self.scripted {
            return Some(plain);
        }
        let ballot = if let Some(gap) = self.gap.take() {
            self.between(above, gap.into(), agent, incarnation)
        } else {
            let floor = above.max(self.greatest);
            let round = floor.map_or(0, Ballot::round) + SPACE;
            if self.spaced && round < Ballot::ROUND_MAX {
                Ballot::new(round, agent, incarnation)
            } else {
                Ballot::next(floor, agent, incarnation)?
            }
        };
        self.greatest = self.greatest.max(Some(ballot));
        Some(ballot)
    }

    /// A ballot above so many of those that are present above `floor`, and below the next one.
    fn between(
        &self,
        floor: Option<Ballot>,
        gap: usize,
        agent: AgentId,
        incarnation: Incarnation,
    ) -> Ballot {
        let from = self
            .present
            .partition_point(|&ballot| Some(ballot) <= floor);
        let present = &self.present[from..];
        let below = gap
            .checked_sub(1)
            .and_then(|gap| present.get(gap).copied())
            .or(floor);
        let lower = below.map_or(0, Ballot::round);
        let Some(upper) = present.get(gap).map(|ballot| ballot.round()) else {
            return Ballot::above(below, agent, incarnation);
        };
        let round = lower + upper.saturating_sub(lower) / 2;
        if round > lower {
            Ballot::new(round, agent, incarnation)
        } else {
            Ballot::above(below, agent, incarnation)
        }
    }
}

impl Engine<Blocks> {
    /// Somebody is about to ask for a ballot.
    pub(super) fn prepare_ballot(&mut self) {
        self.net.ballots.scripted = self.system.order.is_scripted();
        if !self.net.ballots.scripted || self.net.ballots.gap.is_none() {
            return;
        }
        let mut present = std::mem::take(&mut self.net.ballots.present);
        present.clear();
        for seat in &self.participants {
            // Of one that is down only its blocks are left.
            if !is_down(seat.status) {
                seat.agent.ballots(&mut |ballot| present.push(ballot));
            }
            for index in 0..self.service.len() {
                let (store, owner) = (store_id(index), seat.id);
                let cell = self.system.stores.cell(Place { store, owner });
                if !cell.unreadable {
                    cell.block.ballots(&mut |ballot| present.push(ballot));
                }
            }
        }
        for pooled in &self.net.pool {
            if let Some(write) = self.pooled_write(pooled.bits) {
                write.block.ballots(&mut |ballot| present.push(ballot));
            }
        }
        present.sort_unstable();
        present.dedup();
        self.net.ballots.present = present;
    }
}
