//! Reads take effect, clean or as a fault has it.

use bivalent_core::{Block, BlockReply, DecreeEvent, Phase, Place, SingleDecree, Version};

use super::{Blocks, Engine};
use crate::engine::net::COPY;
use crate::{
    engine::{
        dice::Purpose,
        event::{Event, ReadOp},
    },
    judge::{oracle::whose, probe::Probe},
    scenario::fault::{Fault, FaultKind, Happening, StaleBound},
    store::Service,
};

/// Kinds whose mark on a block means it was read as a fault left it.
const MARKS: [FaultKind; 6] = [
    FaultKind::Amnesia,
    FaultKind::LateWrite,
    FaultKind::Duplicate,
    FaultKind::TornWrite,
    FaultKind::BitRot,
    FaultKind::MisdirectedWrite,
];

impl Engine<Blocks> {
    /// A read takes effect.
    #[inline]
    pub(super) fn on_read(&mut self, bits: u64) {
        let op = ReadOp::unpack(bits);
        let up = self.service[op.store.index()] == Service::Up;
        if op.rule.is_some() || !up || self.system.duel.is_some() || self.solo.is_some() {
            self.on_read_odd(bits, op);
        } else {
            self.read(op);
        }
    }

    #[cold]
    fn on_read_odd(&mut self, bits: u64, op: ReadOp) {
        if self.solo.is_some_and(|solo| solo != op.agent) {
            return;
        }
        if self.holds(op.agent) {
            self.hold(op.agent, bits);
            return;
        }
        let fault = self.fault_of(op.rule);
        let store = op.store;
        if let Some((fault, false)) = &fault {
            self.strike_store(fault, store);
        }
        match self.service[store.index()] {
            Service::Up => {}
            Service::Out => {
                self.net.observed(FaultKind::Outage);
                // What brings an outage about does so once, not again when it is over.
                let began = matches!(fault, Some((Fault::Outage { .. }, _)));
                let rule = if began { None } else { op.rule };
                self.waiting[store.index()].push(ReadOp { rule, ..op }.pack());
                return;
            }
            Service::Lost => {
                self.net.observed(FaultKind::StoreLoss);
                self.time_out_read(op);
                return;
            }
        }
        let Some((fault, copy)) = fault else {
            self.read(op);
            return;
        };
        let place = Place {
            store,
            owner: op.owner,
        };
        let kind = fault.kind();
        match fault {
            Fault::LostRequest { .. } => {
                self.net.landed(kind);
                self.net.observed(kind);
                self.time_out_read(op);
            }
            Fault::LostAck { .. } => {
                self.store_ops += 1;
                self.net.landed(kind);
                self.net.observed(kind);
                self.time_out_read(op);
            }
            Fault::Duplicate { by, .. } if !copy => {
                let later = self.net.span(by);
                let again = ReadOp {
                    rule: op.rule.map(|rule| rule + COPY),
                    ..op
                };
                self.net
                    .wheel
                    .put(self.net.now() + later, Event::Read(again).pack());
                self.read(op);
            }
            Fault::Duplicate { .. } => {
                self.net.landed(kind);
                self.net.observed(kind);
                self.read(op);
            }
            Fault::StaleRead { bound, .. } => self.read_stale(op, bound),
            Fault::BitRot { bits, .. } => {
                self.rot(place, bits);
                self.read(op);
            }
            Fault::Delay { .. } | Fault::Reorder { .. } => {
                self.net.observed(kind);
                self.read(op);
            }
            Fault::Crash {
                restart, unfenced, ..
            } => {
                self.read(op);
                self.crash(op.agent, restart, unfenced);
            }
            Fault::Restart { agents } => {
                self.read(op);
                self.restart_one(agents);
            }
            Fault::Pause { span, .. } => {
                self.pause(op.agent, span);
                self.read(op);
            }
            Fault::ClockSkew { rate_ppm, .. } => {
                self.skew(op.agent, rate_ppm);
                self.read(op);
            }
            Fault::StaleListing { .. }
            | Fault::Outage { .. }
            | Fault::SlowStore { .. }
            | Fault::Amnesia { .. }
            | Fault::StoreLoss { .. }
            | Fault::LateWrite { .. }
            | Fault::TornWrite { .. }
            | Fault::MisdirectedWrite { .. } => self.read(op),
        }
    }

    fn time_out_read(&mut self, op: ReadOp) {
        let op = ReadOp { rule: None, ..op };
        let at = self.net.now() + self.patience(op.agent);
        self.net.wheel.put(at, Event::ReadTimeout(op).pack());
    }

    /// The fault an operation met, and whether this is the second copy.
    pub(super) fn fault_of(&self, rule: Option<u8>) -> Option<(Fault, bool)> {
        let rule = rule?;
        let copy = rule >= COPY;
        let rule = if copy { rule - COPY } else { rule };
        Some((self.fault_met(rule, copy)?, copy))
    }

    /// A read of what stands there.
    #[inline]
    fn read(&mut self, op: ReadOp) {
        self.store_ops += 1;
        let place = Place {
            store: op.store,
            owner: op.owner,
        };
        let cell = self.system.stores.cell(place);
        let (block, version) = (cell.block, cell.version);
        if cell.marks != 0 || cell.unreadable {
            self.read_damaged(op, place);
            return;
        }
        if let Some(detail) = self.system.oracles.store_model.read(place, block, None) {
            self.found("store-model", detail);
        }
        self.answer_read(op, block, version);
    }

    #[inline]
    fn answer_read(&mut self, op: ReadOp, block: Block, version: Version) {
        if self.awaited & 1 << Happening::Read as u32 != 0 {
            self.happened(Happening::Read, op.agent, Some(op.store));
        }
        let reply = BlockReply::Block { block, version };
        let answer = DecreeEvent::Replied(op.store, op.tag(), reply);
        self.deliver(op.agent, op.incarnation, answer);
    }

    #[cold]
    fn read_damaged(&mut self, op: ReadOp, place: Place) {
        let cell = *self.system.stores.cell(place);
        for kind in MARKS {
            if cell.marks & 1 << kind.index() != 0 {
                self.net.observed(kind);
            }
        }
        self.probe_damage(op, cell.marks);
        if cell.unreadable {
            self.net.hit(Probe::UnreadableRead);
            if let Some(detail) = self.system.oracles.store_model.unreadable(place) {
                self.found("store-model", detail);
            }
            let answer = DecreeEvent::Replied(op.store, op.tag(), BlockReply::Unreadable);
            self.deliver(op.agent, op.incarnation, answer);
            return;
        }
        if let Some(detail) = self
            .system
            .oracles
            .store_model
            .read(place, cell.block, None)
        {
            self.found("store-model", detail);
        }
        let version = if self.plan.protocol.is_conditional() {
            // The store's own count, not what rotten bytes say.
            cell.applied
        } else {
            cell.version
        };
        self.answer_read(op, cell.block, version);
    }

    /// Whoever asked meets what faults have left of a block.
    fn probe_damage(&mut self, op: ReadOp, marks: u32) {
        let seat = &self.participants[op.agent.index()];
        if seat.incarnation != op.incarnation || seat.agent.epoch() & 0xff_ffff != op.epoch {
            return;
        }
        let recovers = seat.agent.phase() == Phase::Recovering;
        let marked = |kind: FaultKind| marks & 1 << kind.index() != 0;
        if marked(FaultKind::TornWrite) {
            self.net.hit(Probe::TornRead);
            if recovers {
                self.net.hit(Probe::TornReadInRecovery);
            }
        }
        if marked(FaultKind::Amnesia) && recovers {
            self.net.hit(Probe::OldReadInRecovery);
        }
        if marked(FaultKind::LateWrite) || marked(FaultKind::Duplicate) {
            self.net.hit(Probe::LateWriteRead);
        }
    }

    pub(super) fn read_stale(&mut self, op: ReadOp, bound: StaleBound) {
        let place = Place {
            store: op.store,
            owner: op.owner,
        };
        let remembered = self.system.stores.remembered(place);
        let most = match bound {
            StaleBound::Versions(versions) => versions.min(remembered),
            StaleBound::Age(ns) => {
                let age = self.plan.ticks(ns);
                self.system
                    .stores
                    .back_at(place, self.net.now().saturating_sub(age))
            }
        };
        if most == 0 {
            self.read(op);
            return;
        }
        let back = 1 + self.net.dice.below(Purpose::Fault, u64::from(most)) as u32;
        let newest = *self.system.stores.cell(place);
        let Some(past) = self.system.stores.back(place, back) else {
            self.read(op);
            return;
        };
        self.store_ops += 1;
        if past.block != newest.block || newest.unreadable {
            self.net.landed(FaultKind::StaleRead);
            self.envelope.stale_to(op.agent, op.store);
            let seat = &self.participants[op.agent.index()];
            let asks =
                seat.incarnation == op.incarnation && seat.agent.epoch() & 0xff_ffff == op.epoch;
            if asks {
                self.net.hit(Probe::OldVersionRead);
                if seat.agent.phase() == Phase::Recovering {
                    self.net.hit(Probe::OldReadInRecovery);
                }
                self.net.observed(FaultKind::StaleRead);
            }
            let whose = whose(&self.plan, op.owner);
            let text = format_args!("{{a{}}} read of {whose} {back} versions old", op.agent.0);
            let hidden = (Some(op.store), op.owner.bit());
            self.note_fault_on(FaultKind::StaleRead, Some(op.agent), hidden, text);
        }
        if let Some(detail) = self
            .system
            .oracles
            .store_model
            .read(place, past.block, Some(most))
        {
            self.found("store-model", detail);
        }
        self.answer_read(op, past.block, past.version);
    }
}
