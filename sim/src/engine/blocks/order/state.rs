//! The adversary that sees everything, and looks one step ahead.

use bivalent_core::{
    BlockReply, BlockTag, DecreeEvent, DecreeSaid, Phase, Place, SingleDecree, Want,
};

use super::super::{Blocks, Engine};
use crate::engine::{Status, net::Pending};
use crate::{
    engine::event::{Event, ReadOp},
    store::Service,
};

/// How bad for a decision a step is; the greatest is best for the adversary.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Worth {
    /// Somebody decides.
    Decision,
    /// An agent that has voted gets nearer to a decision.
    Confirms,
    /// An agent gets to vote.
    Votes,
    /// A vote lands.
    VoteLands,
    /// An agent gets nearer to a vote.
    Nearer,
    /// Nothing comes of it.
    Nothing,
    /// A promise lands.
    PromiseLands,
    /// A promise lands that undoes an attempt which is under way.
    Undoes,
    /// An agent gives up its attempt.
    Abort,
}

impl Engine<Blocks> {
    /// The step that is worst for a decision; of equal ones the oldest.
    pub(super) fn pick_by_state(&self) -> usize {
        let pool = self.net.pool.iter().enumerate();
        let worths = pool.map(|(place, pooled)| (self.worth(pooled.bits), place));
        let best = worths.max_by_key(|&(worth, place)| (worth, std::cmp::Reverse(place)));
        let Some((worth, place)) = best else {
            return 0;
        };
        if worth > Worth::Confirms {
            return place;
        }
        // Somebody who pauses will be back with a ballot that undoes this attempt.
        if let Some(wait) = self.wait_choice() {
            return wait;
        }
        if self.system.order.crashes > 0 {
            return self.crash_choice();
        }
        place
    }

    /// Whether somebody decides when this takes effect.
    pub(super) fn decides(&self, bits: u64) -> bool {
        self.worth(bits) == Worth::Decision
    }

    fn worth(&self, bits: u64) -> Worth {
        if let Event::Write { pending } = Event::unpack(bits) {
            return self.worth_of_write(self.net.pending[pending as usize]);
        }
        let op = ReadOp::unpack(bits);
        let answers = self.service[op.store.index()] == Service::Up;
        if !answers || self.participants[op.agent.index()].status != Status::Up {
            return Worth::Nothing;
        }
        let place = Place {
            store: op.store,
            owner: op.owner,
        };
        let cell = self.system.stores.cell(place);
        let tag = BlockTag::Read {
            owner: op.owner,
            epoch: self.participants[op.agent.index()].agent.epoch(),
        };
        let (block, version) = (cell.block, cell.version);
        let reply = BlockReply::Block { block, version };
        self.worth_of_answer(op.agent.index(), DecreeEvent::Replied(op.store, tag, reply))
    }

    fn worth_of_write(&self, write: Pending) -> Worth {
        let block = write.block;
        let own = write.agent;
        let beats = |seat: &super::super::Seat| {
            let attempts = matches!(seat.agent.phase(), Phase::One | Phase::Two);
            seat.id != own && !seat.decided && attempts && seat.agent.block().mbal < block.mbal
        };
        let votes = block.vote.is_some_and(|vote| Some(vote.bal) == block.mbal);
        if votes {
            // On a store of conditional writes this may be the last step.
            let seat = &self.participants[own.index()];
            let tag = BlockTag::Write {
                epoch: write.epoch,
                attempt: write.attempt,
            };
            let written = DecreeEvent::Replied(write.store, tag, BlockReply::Written);
            if seat.incarnation == write.incarnation {
                let answer = self.worth_of_answer(own.index(), written);
                if answer == Worth::Decision {
                    return answer;
                }
            }
            return Worth::VoteLands;
        }
        if self.participants.iter().any(beats) {
            Worth::Undoes
        } else {
            Worth::PromiseLands
        }
    }

    /// Asks a copy of the agent.
    fn worth_of_answer(&self, agent: usize, answer: DecreeEvent) -> Worth {
        let before = &self.participants[agent].agent;
        let mut copy = before.clone();
        let wants = copy.step(answer);
        let says = |met: fn(&DecreeSaid) -> bool| {
            wants
                .iter()
                .any(|want| matches!(want, Want::Say(said) if met(said)))
        };
        let decides = says(|said| matches!(said, DecreeSaid::Decided(_)));
        let aborts = says(|said| !matches!(said, DecreeSaid::Decided(_)));
        match (before.phase(), copy.phase()) {
            _ if decides => Worth::Decision,
            _ if aborts => Worth::Abort,
            (Phase::One, Phase::Two) => Worth::Votes,
            (Phase::Two, Phase::Two) if copy != *before => Worth::Confirms,
            _ if copy != *before => Worth::Nearer,
            _ => Worth::Nothing,
        }
    }
}
