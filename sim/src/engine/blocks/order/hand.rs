//! A script that takes a run over in the middle, and one that is written while it is followed: by hand.

use std::sync::Arc;

use bivalent_core::{AgentId, Block, Phase, Place, SingleDecree, Staleness};

use super::{Blocks, Engine, Mind, Pick};
use crate::{
    engine::{
        End, Status,
        event::{self, Event, ReadOp},
        is_down,
        journal::Journal,
        net::Pooled,
    },
    scenario::{
        Adversary,
        fault::{FaultKind, StaleBound},
        plan::Plan,
        script::{Deed, Entry, Script},
    },
    store::Service,
};

/// How many times as long a delayed operation takes.
const DELAYED: u64 = 10;

impl Engine<Blocks> {
    /// The script takes over: what is in flight waits to be picked, nothing befalls anybody of itself any
    /// more, and whoever pauses before an attempt begins it. What is broken stays broken.
    pub(in crate::engine::blocks) fn take_over(&mut self) {
        self.system.order.takes_over = u64::MAX;
        self.system.order.took_over = true;
        self.end_duel();
        self.stop_picking();
        self.net.lottery = false;
        self.net.armed.clear();
        self.net.rules.iter_mut().for_each(|rule| rule.left = 0);
        self.net.picked = true;
        self.system.order.active = true;
        self.system.order.mind = Mind::Script(0);
        let is_operation = |bits| matches!(event::kind(bits), event::KIND_READ | event::KIND_WRITE);
        let since = self.net.picks;
        for (due, bits) in self.net.wheel.take_out(is_operation) {
            self.net.pool.push_back(Pooled { bits, due, since });
        }
        for index in 0..self.participants.len() {
            let seat = &self.participants[index];
            if seat.status == Status::Up && seat.agent.phase() == Phase::Waiting && !seat.decided {
                let epoch = seat.agent.epoch() & 0xff_ffff;
                let (id, incarnation) = (seat.id, seat.incarnation);
                self.on_start(id, incarnation, epoch);
            }
        }
    }

    /// Whether there is anything to pick, or nobody is left who would ask for something.
    pub(in crate::engine::blocks) fn has_choice(&self) -> bool {
        let gone = |seat: &crate::engine::blocks::seat::Seat| {
            seat.decided || seat.status == Status::Down { returns: false }
        };
        !self.net.pool.is_empty() || self.participants.iter().all(gone)
    }

    /// A read in the pool is answered with the version before the newest one.
    pub(super) fn answer_stale(&mut self, place: usize) {
        let Some(pooled) = self.net.pool.remove(place) else {
            return;
        };
        self.system.order.earnest = self.system.order.earnest.min(place);
        self.net.drawn(FaultKind::StaleRead);
        self.net.picks += 1;
        let passed = self.net.picks - pooled.since - 1;
        self.system.order.waited(passed, 0);
        let op = ReadOp::unpack(pooled.bits);
        if self.service[op.store.index()] == Service::Up {
            self.read_stale(op, StaleBound::Versions(1));
        } else {
            self.on_read(pooled.bits);
        }
    }

    /// An operation in the pool takes longer. Its agent gives it up in the meantime, if that is too long for it.
    pub(super) fn delay_pooled(&mut self, place: usize) {
        let now = self.net.now();
        let Some(pooled) = self.net.pool.get_mut(place) else {
            return;
        };
        pooled.due = now + DELAYED * pooled.due.saturating_sub(now).max(1);
        let (bits, due) = (pooled.bits, pooled.due);
        self.net.drawn(FaultKind::Delay);
        self.net.landed(FaultKind::Delay);
        self.net.observed(FaultKind::Delay);
        let (agent, store) = if let Some(write) = self.pooled_write(bits) {
            let at = now + self.patience(write.agent);
            if due > at {
                self.net.time_out_write(&write, at);
            }
            (write.agent, write.store)
        } else {
            let op = ReadOp::unpack(bits);
            let at = now + self.patience(op.agent);
            if due > at {
                self.net.wheel.put(at, Event::ReadTimeout(op).pack());
            }
            (op.agent, op.store)
        };
        let is_read = event::kind(bits) == event::KIND_READ;
        let what = if is_read { "read" } else { "write" };
        let text = format_args!("a {what} of {{a{}}} takes longer", agent.0);
        self.note_fault_on(FaultKind::Delay, Some(agent), (Some(store), 0), text);
    }

    /// Starts a run whose script takes over after some steps, and runs it until there is something to choose.
    /// The end, if it comes before that.
    pub(crate) fn begin_by_hand(&mut self, seed: u64) -> Option<End> {
        let from = self.plan.adversary.takes_over().unwrap_or(0);
        let journal = Journal {
            tells: true,
            ..Journal::default()
        };
        self.start(self.plan.dice(seed), Some(Box::new(journal)));
        let end = self.run_on(from);
        if end != End::Steps || self.steps < from {
            return Some(end);
        }
        self.take_over();
        self.run_to_choice()
    }

    /// Takes one more entry of the script that is being written. None: something is to be chosen again.
    ///
    /// # Errors
    ///
    /// The entry fits nothing; the run is as it was.
    pub(crate) fn choose(&mut self, entry: Entry) -> Result<Option<End>, Misfit> {
        let (Mind::Script(at), Adversary::Script(script)) =
            (&self.system.order.mind, &self.plan.adversary)
        else {
            return Err(Misfit);
        };
        let at = *at;
        let mut longer = Script::clone(script);
        longer.stem.push(entry);
        self.set_script(longer);
        if let Pick::Misfit = self.pick_by_script(at) {
            let Adversary::Script(script) = &self.plan.adversary else {
                return Err(Misfit);
            };
            let mut shorter = Script::clone(script);
            shorter.stem.pop();
            self.set_script(shorter);
            return Err(Misfit);
        }
        if self.liveness.over {
            // Nobody is left who would decide, and a run takes note of that in its next step.
            return Ok(None);
        }
        Ok(self.run_to_choice())
    }

    /// Whether every agent has decided that will ever take a step, as far as is known.
    pub(crate) const fn is_over(&self) -> bool {
        self.liveness.over
    }

    /// Whether the entry of the script that was taken last is over, and something can be chosen.
    fn run_to_choice(&mut self) -> Option<End> {
        loop {
            if self.steps >= self.plan.steps_max {
                return Some(End::Steps);
            }
            if self.system.order.committed.is_none() {
                if let Some(answer) = self.pick_answer_to_nobody() {
                    self.commit(answer);
                } else if self.has_choice() {
                    return None;
                }
            }
            let Some(bits) = self.net.wheel.pop() else {
                return Some(End::Quiet);
            };
            if self.net.now() > self.plan.end {
                return Some(End::Time);
            }
            if let Some(end) = self.step(bits) {
                return Some(end);
            }
        }
    }

    /// Runs on to the end, as a run whose script is over does.
    pub(crate) fn run_out(&mut self) -> End {
        self.go(u64::MAX)
    }

    fn set_script(&mut self, script: Script) {
        let mut plan = Plan::clone(&self.plan);
        plan.adversary = Adversary::Script(Arc::new(script));
        self.plan = Arc::new(plan);
        self.net.plan = Arc::clone(&self.plan);
    }

    /// Agents that are down.
    pub(crate) fn down(&self) -> Vec<AgentId> {
        let down = |seat: &&crate::engine::blocks::seat::Seat| is_down(seat.status);
        self.participants
            .iter()
            .filter(down)
            .map(|seat| seat.id)
            .collect()
    }

    /// What can be picked, the oldest first, and how many others were picked since it was asked for. Of two
    /// alike the newer one is picked first, and neither is told twice.
    pub(crate) fn pickable(&self) -> Vec<(Entry, u64)> {
        let entries = self.entries_in_pool();
        let mut pickable: Vec<(Entry, u64)> = Vec::with_capacity(entries.len());
        for (entry, pooled) in entries.into_iter().zip(&self.net.pool) {
            if !pickable.iter().any(|(known, _)| *known == entry) {
                pickable.push((entry, self.net.picks - pooled.since));
            }
        }
        pickable
    }

    /// Each operation of the pool as an entry, in its order.
    pub(crate) fn entries_in_pool(&self) -> Vec<Entry> {
        let pool = self.net.pool.iter();
        pool.map(|pooled| {
            let (agent, store, deed) = if let Some(write) = self.pooled_write(pooled.bits) {
                (write.agent, write.store, Deed::Write)
            } else {
                let op = ReadOp::unpack(pooled.bits);
                (op.agent, op.store, Deed::Read { owner: op.owner })
            };
            Entry {
                agent,
                store,
                deed,
                gap: None,
            }
        })
        .collect()
    }

    /// What the newest write of an entry's agent to its store would put there.
    pub(crate) fn writes(&self, entry: Entry) -> Option<Block> {
        let mut pool = self.net.pool.iter().rev();
        pool.find_map(|pooled| {
            let write = self.pooled_write(pooled.bits)?;
            ((write.agent, write.store) == (entry.agent, entry.store)).then_some(write.block)
        })
    }

    /// What stands at a place, if it can be read.
    pub(crate) fn stands(&self, place: Place) -> Option<Block> {
        let cell = self.system.stores.cell(place);
        (!cell.unreadable).then_some(cell.block)
    }

    /// The stores that count as stale for a reader.
    pub(crate) fn stale_stores(&self, reader: AgentId) -> u16 {
        let account = &self.envelope;
        match self.plan.envelope.staleness() {
            Staleness::PerReader(_) => account.stale_for(reader),
            Staleness::PerRun(_) => (0..self.service.len())
                .map(crate::engine::blocks::store_id)
                .filter(|&store| account.is_stale(store))
                .fold(0, |stores, store| stores | store.bit()),
        }
    }
}

/// An entry of a script fits nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Misfit;
