//! Operations take effect on stores, clean or as a fault has it, and are answered.

use bivalent_core::{AgentId, LogOp, LogReply, StoreId};

use super::{
    Deed, Errand, Flight, LogEngine, Who,
    ledger::{cast, shown},
    machines::Load,
    shelf::NOW,
};
use crate::{
    dice::Purpose,
    event::{Event, LogEvent},
    fault::{Fault, FaultKind, Happening, StaleBound},
    plan::READ,
    probe::Probe,
    store::Service,
};

impl<L: Load> LogEngine<L> {
    /// An operation takes effect; of a scan, its first half.
    pub(super) fn on_op(&mut self, index: u32, bits: u64) {
        let flight = self.system.flights.get_mut(index);
        if let Some(kept) = flight.kept.take() {
            self.tell(index, &kept);
            return;
        }
        let (agent, store, rule) = (flight.agent, flight.store, flight.rule);
        if self.solo.is_some_and(|solo| solo != agent) {
            self.system.flights.free(index);
            return;
        }
        let fault = rule.map(|rule| self.plan.rules[rule as usize].fault.clone());
        if let Some(fault) = fault
            .as_ref()
            .filter(|_| !self.system.flights.get(index).copy)
        {
            self.strike_store(fault, store);
        }
        if !self.is_served(index, bits) {
            return;
        }
        match fault {
            None => self.perform(index),
            Some(fault) => self.perform_odd(index, &fault),
        }
    }

    /// Whether the store answers; if not, the operation waits, or is lost.
    fn is_served(&mut self, index: u32, bits: u64) -> bool {
        let flight = self.system.flights.get_mut(index);
        let store = flight.store;
        match self.service[store.index()] {
            Service::Up => true,
            Service::Out => {
                let outage = flight.rule.filter(|&rule| {
                    self.plan.rules[rule as usize].fault.kind() == FaultKind::Outage
                });
                if outage.is_some() {
                    // What brings an outage about does so once, not again when it is over.
                    flight.rule = None;
                }
                self.net.observed(FaultKind::Outage);
                self.waiting[store.index()].push(bits);
                if !self.system.flights.get(index).copy {
                    self.time_out(index);
                }
                false
            }
            Service::Lost => {
                self.net.observed(FaultKind::StoreLoss);
                self.time_out(index);
                self.system.flights.free(index);
                false
            }
        }
    }

    fn perform_odd(&mut self, index: u32, fault: &Fault) {
        let kind = fault.kind();
        let Flight {
            agent, store, copy, ..
        } = *self.system.flights.get(index);
        let is_write = self.system.flights.get(index).op.is_write();
        match *fault {
            Fault::LostRequest { .. } => {
                self.net.landed(kind);
                self.net.observed(kind);
                self.note_fault(
                    kind,
                    store,
                    format_args!("a request of {{a{}}} is lost", agent.0),
                );
                self.time_out(index);
                self.system.flights.free(index);
            }
            Fault::LostAck { .. } => {
                if is_write {
                    self.write(index);
                }
                self.net.landed(kind);
                self.net.observed(kind);
                self.note_fault(
                    kind,
                    store,
                    format_args!("an answer to {{a{}}} is lost", agent.0),
                );
                self.time_out(index);
                self.system.flights.free(index);
            }
            Fault::Duplicate { by, .. } if !copy => {
                let later = self.net.span(by);
                let again = Flight {
                    copy: true,
                    ..self.system.flights.get(index).clone()
                };
                let again = self.system.flights.put(again);
                self.put(
                    self.now() + later,
                    Event::Log(LogEvent::Op { flight: again }),
                );
                self.perform(index);
            }
            Fault::Duplicate { .. } => {
                self.net.landed(kind);
                self.net.observed(kind);
                self.perform(index);
            }
            Fault::LateWrite { .. } => self.come_late(index),
            Fault::TornWrite { acknowledged, .. } => {
                // Half a block has no good checksum: for every reader it was never written.
                self.net.landed(kind);
                self.net.observed(kind);
                self.envelope.landed(kind, store);
                self.note_fault(
                    kind,
                    store,
                    format_args!("a write of {{a{}}} is torn", agent.0),
                );
                if acknowledged {
                    self.envelope.stale_to_all(store);
                    self.tell(index, &LogReply::Written);
                } else {
                    self.time_out(index);
                    self.system.flights.free(index);
                }
            }
            Fault::MisdirectedWrite { .. } => {
                // It lands under somebody else's key, where its name does not fit.
                self.net.landed(kind);
                self.net.observed(kind);
                self.envelope.landed(kind, store);
                self.note_fault(
                    kind,
                    store,
                    format_args!("a write of {{a{}}} goes astray", agent.0),
                );
                self.tell(index, &LogReply::Written);
            }
            Fault::BitRot { .. } => self.rot(index),
            Fault::StaleRead { bound, .. } => {
                self.read_old(index, bound);
                self.perform(index);
            }
            Fault::Delay { .. } | Fault::Reorder { .. } => {
                self.net.observed(kind);
                self.perform(index);
            }
            Fault::Crash {
                restart, unfenced, ..
            } => {
                if is_write {
                    self.write(index);
                }
                self.crash(agent, restart, unfenced);
                self.system.flights.free(index);
            }
            Fault::Restart { agents } => {
                self.perform(index);
                self.restart_one(agents);
            }
            Fault::Pause { span, .. } => {
                self.pause(agent, span);
                self.perform(index);
            }
            Fault::ClockSkew { rate_ppm, .. } => {
                self.skew(agent, rate_ppm);
                self.perform(index);
            }
            Fault::StaleListing { .. }
            | Fault::Outage { .. }
            | Fault::SlowStore { .. }
            | Fault::Amnesia { .. }
            | Fault::StoreLoss { .. } => self.perform(index),
        }
    }

    /// An operation without a fault, or what is left of one.
    fn perform(&mut self, index: u32) {
        let flight = self.system.flights.get(index);
        let (agent, store) = (flight.agent, flight.store);
        if flight.op.is_write() {
            let vote = matches!(flight.op, LogOp::WriteVote(_));
            self.write(index);
            self.happened(Happening::Write, agent, Some(store));
            if vote {
                self.happened(Happening::Vote, agent, Some(store));
            }
            self.tell(index, &LogReply::Written);
            return;
        }
        let at = flight.at;
        match flight.op {
            LogOp::Scan { from, to } => {
                self.system.tally.ops.scans += 1;
                let mut votes = std::mem::take(&mut self.system.flights.get_mut(index).votes);
                self.system.kept[store.index()].read_votes(from, to, at, &mut votes);
                let errand = self.errand(index);
                self.enter(|_| Deed::Scanned {
                    errand,
                    from,
                    to,
                    votes: votes.iter().map(cast).collect(),
                });
                let highest = votes.last().map_or(0, |vote| vote.slot.0 + 1);
                self.fingerprint.mix(highest, votes.len() as u64);
                self.system.flights.get_mut(index).votes = votes;
                // What may happen between the two halves does happen.
                let (_, ticks) = (0, self.net_delay(store));
                self.put(
                    self.now() + ticks,
                    Event::Log(LogEvent::Heads { flight: index }),
                );
            }
            LogOp::ReadSnapshot { name } => {
                self.system.tally.ops.snapshot_reads += 1;
                let found = self.system.kept[store.index()].read_snapshot(name, at);
                self.happened(Happening::Read, agent, Some(store));
                self.tell(index, &LogReply::Snapshot(found));
            }
            LogOp::ReadHeads
            | LogOp::WriteHead { .. }
            | LogOp::WriteVote(_)
            | LogOp::WriteSnapshot { .. }
            | LogOp::Drop { .. } => {
                self.system.tally.ops.head_reads += 1;
                let mut heads = std::mem::take(&mut self.system.heads);
                self.system.kept[store.index()].read_heads(at, &mut heads);
                let errand = self.errand(index);
                self.enter(|_| shown(errand, &heads));
                self.happened(Happening::Read, agent, Some(store));
                let reply = LogReply::Heads(heads);
                self.tell(index, &reply);
                self.take_back(reply);
            }
        }
    }

    fn errand(&self, index: u32) -> Errand {
        let Flight {
            agent, store, tag, ..
        } = *self.system.flights.get(index);
        Errand { agent, store, tag }
    }

    fn net_delay(&mut self, store: StoreId) -> u64 {
        self.net.delay_of(READ, store)
    }

    /// The second half of a scan.
    pub(super) fn on_heads(&mut self, index: u32, bits: u64) {
        let flight = self.system.flights.get(index);
        let (agent, store, at) = (flight.agent, flight.store, flight.at);
        if self.solo.is_some_and(|solo| solo != agent) {
            self.system.flights.free(index);
            return;
        }
        if !self.is_served(index, bits) {
            return;
        }
        let mut heads = std::mem::take(&mut self.system.heads);
        self.system.kept[store.index()].read_heads(at, &mut heads);
        let errand = self.errand(index);
        self.enter(|_| shown(errand, &heads));
        let votes = std::mem::take(&mut self.system.flights.get_mut(index).votes);
        self.happened(Happening::Read, agent, Some(store));
        let reply = LogReply::Scanned { votes, heads };
        self.tell(index, &reply);
        self.take_back(reply);
    }

    /// The list of heads in an answer that was given serves the next.
    fn take_back(&mut self, reply: LogReply<L::Machine>) {
        match reply {
            LogReply::Heads(heads) | LogReply::Scanned { heads, .. } => self.system.heads = heads,
            LogReply::Written | LogReply::Snapshot(_) => {}
        }
    }

    /// A write lands; says whether it changed what readers find.
    fn write(&mut self, index: u32) -> bool {
        let flight = self.system.flights.get(index);
        let (agent, store) = (flight.agent, flight.store);
        let now = self.net.now();
        let there = &mut self.system.kept[store.index()];
        let ops = &mut self.system.tally.ops;
        let word = match &flight.op {
            LogOp::WriteHead { version, head } => {
                ops.heads += 1;
                self.system
                    .vows
                    .taken(agent, version.incarnation(), store, head);
                version.to_bits()
            }
            LogOp::WriteVote(vote) => {
                ops.votes += 1;
                vote.slot.0 << 8 ^ vote.bal.to_bits()
            }
            LogOp::WriteSnapshot { name, .. } => {
                ops.snapshots += 1;
                name.slot.0
            }
            LogOp::Drop { below } => {
                ops.drops += 1;
                below.0
            }
            LogOp::ReadHeads | LogOp::Scan { .. } | LogOp::ReadSnapshot { .. } => 0,
        };
        let changed = there.write(agent, &flight.op, now);
        self.enter_write(agent, store, index);
        let flight = self.system.flights.get(index);
        let mut dropped = None;
        if let LogOp::Drop { below } = flight.op {
            dropped = Some(below);
        }
        self.fingerprint
            .mix(word, u64::from(store.0) << 8 | u64::from(agent.0));
        if let Some(below) = dropped {
            self.check_durable(below);
        }
        changed
    }

    /// A write that comes long after it was asked for.
    fn come_late(&mut self, index: u32) {
        let kind = FaultKind::LateWrite;
        let flight = self.system.flights.get(index);
        let (agent, store, incarnation) = (flight.agent, flight.store, flight.incarnation);
        let floor = self.system.kept[store.index()]
            .head(agent)
            .and_then(|read| read.head.floor);
        let mut below_floor = false;
        if let LogOp::WriteVote(vote) = &flight.op {
            below_floor = floor.is_some_and(|floor| vote.slot < floor.slot);
        }
        let changed = self.write(index);
        let dead = self.participants[agent.index()].incarnation != incarnation;
        if !changed || dead || below_floor {
            self.net.hit(Probe::LateWriteLanded);
            self.net.landed(kind);
            self.net.observed(kind);
            self.envelope.landed(kind, store);
            self.note_fault(
                kind,
                store,
                format_args!("a late write of {{a{}}} lands", agent.0),
            );
        }
        self.tell(index, &LogReply::Written);
    }

    /// Bits flip: the block that is written, or somebody's head, can't be read any more.
    fn rot(&mut self, index: u32) {
        let kind = FaultKind::BitRot;
        let flight = self.system.flights.get(index);
        let (agent, store) = (flight.agent, flight.store);
        let hit = if flight.op.is_write() {
            self.write(index);
            let flight = self.system.flights.get(index);
            self.system.kept[store.index()].spoil(agent, &flight.op)
        } else {
            let victim = self.net.dice.below(Purpose::Fault, self.plan.agents as u64);
            self.system.kept[store.index()].spoil_head(AgentId(victim as u8))
        };
        if hit {
            self.net.landed(kind);
            self.net.observed(kind);
            self.envelope.landed(kind, store);
            self.note_fault(kind, store, format_args!("bits of a block flip"));
        }
        if self.system.flights.get(index).op.is_write() {
            self.tell(index, &LogReply::Written);
        } else {
            self.perform(index);
        }
    }

    /// A read is answered as of an earlier time.
    fn read_old(&mut self, index: u32, bound: StaleBound) {
        let kind = FaultKind::StaleRead;
        let flight = self.system.flights.get(index);
        let (agent, store) = (flight.agent, flight.store);
        let there = &self.system.kept[store.index()];
        let at = match bound {
            StaleBound::Versions(most) => {
                let most = u64::from(most).min(there.remembered() as u64);
                if most == 0 {
                    return;
                }
                let back = 1 + self.net.dice.below(Purpose::Fault, most);
                there.before_writes(back as usize)
            }
            StaleBound::Age(age) => {
                let age = self.plan.ticks(age);
                let back = self.net.dice.within(Purpose::Fault, 0, age);
                self.now().checked_sub(back)
            }
        };
        let Some(at) = at.filter(|&at| at < NOW) else {
            return;
        };
        let mut before = Vec::new();
        self.system.kept[store.index()].read_heads(NOW, &mut before);
        self.system.kept[store.index()].read_heads(at, &mut self.system.heads);
        let scan = matches!(self.system.flights.get(index).op, LogOp::Scan { .. });
        self.system.flights.get_mut(index).at = at;
        if before != self.system.heads || scan {
            self.net.landed(kind);
            self.net.observed(kind);
            self.envelope.stale_to(agent, store);
            self.note_fault(
                kind,
                store,
                format_args!("{{a{}}} reads an old state", agent.0),
            );
        }
    }

    pub(super) fn note_fault(
        &mut self,
        kind: FaultKind,
        store: StoreId,
        what: std::fmt::Arguments<'_>,
    ) {
        self.note(Who::Store(store, kind), "fault", what);
    }

    /// What is below a slot is being dropped: does every quorum still meet a snapshot of it?
    fn check_durable(&mut self, below: bivalent_core::Slot) {
        let Some(last) = below.0.checked_sub(1) else {
            return;
        };
        let slot = bivalent_core::Slot(last);
        let holders = self
            .system
            .kept
            .iter()
            .filter(|there| there.covers(slot))
            .count();
        let needed = self.plan.stores - usize::from(self.plan.envelope.quorum()) + 1;
        if holders < needed && self.system.book.decided() > last {
            let detail = format!(
                "what slot {last} decided is dropped, and a snapshot of it stands on {holders} of the {needed} stores that every quorum must meet"
            );
            self.found("durability", detail);
        }
    }
}
