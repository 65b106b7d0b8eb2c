//! Writes take effect, clean or as a fault has it.

use bivalent_core::{AgentId, BlockReply, BlockTag, DecreeEvent, Place, RECORD};

use super::{Blocks, Engine};
use crate::engine::{
    is_down,
    net::{COPY, Pending, by_clock},
};
use crate::{
    engine::{dice::Purpose, event::Event},
    judge::{oracle::whose, probe::Probe},
    scenario::fault::{Fault, FaultKind, Happening},
    store::{Landing, Service},
};

impl Engine<Blocks> {
    /// A write takes effect.
    #[inline]
    pub(super) fn on_write(&mut self, bits: u64) {
        let Event::Write { pending } = Event::unpack(bits) else {
            unreachable!("the kind says so");
        };
        let write = self.net.pending[pending as usize];
        let up = self.service[write.store.index()] == Service::Up;
        if write.rule.is_some() || !up || self.system.duel.is_some() || self.solo.is_some() {
            self.on_write_odd(bits, pending, write);
        } else {
            self.net.release(pending);
            self.perform(write);
        }
    }

    /// A write without a fault: it lands, or is refused, and is answered.
    #[inline]
    fn perform(&mut self, write: Pending) {
        let taken = self.land(write);
        self.answer_write(write, taken);
    }

    #[cold]
    fn on_write_odd(&mut self, bits: u64, pending: u32, write: Pending) {
        let Pending { agent, store, .. } = write;
        if self.solo.is_some_and(|solo| solo != agent) {
            return;
        }
        if self.holds(agent) {
            self.hold(agent, bits);
            return;
        }
        let fault = self.fault_of(write.rule);
        if let Some((fault, false)) = &fault {
            self.strike_store(fault, store);
        }
        if self.service[store.index()] == Service::Out {
            self.net.observed(FaultKind::Outage);
            if matches!(fault, Some((Fault::Outage { .. }, _))) {
                // What brings an outage about does so once, not again when it is over.
                self.net.pending[pending as usize].rule = None;
            }
            self.waiting[store.index()].push(bits);
            return;
        }
        self.net.release(pending);
        if self.service[store.index()] == Service::Lost {
            self.unfence(write);
            self.net.observed(FaultKind::StoreLoss);
            self.give_write_up(write);
            return;
        }
        let Some((fault, copy)) = fault else {
            self.perform(write);
            return;
        };
        let kind = fault.kind();
        let place = Self::place_of(write);
        match fault {
            // No scenario asks for these where there is one record a store, put as a whole.
            Fault::TornWrite { .. } | Fault::MisdirectedWrite { .. } if write.expect.is_some() => {
                self.perform(write);
            }
            Fault::LostRequest { .. } => {
                self.unfence(write);
                self.net.landed(kind);
                self.net.observed(kind);
                self.note_fault_on(
                    kind,
                    Some(agent),
                    (Some(store), 0),
                    format_args!("a write never arrives"),
                );
                self.give_write_up(write);
            }
            Fault::LostAck { .. } => {
                self.land(write);
                self.net.landed(kind);
                self.net.observed(kind);
                self.note_fault_on(
                    kind,
                    Some(agent),
                    (Some(store), 0),
                    format_args!("a write's answer is lost"),
                );
                self.give_write_up(write);
            }
            Fault::Duplicate { by, .. } if !copy => {
                let later = self.net.span(by);
                let again = Pending {
                    rule: write.rule.map(|rule| rule + COPY),
                    fences: false,
                    ..write
                };
                let again = self.net.keep(again);
                self.net.wheel.put(
                    self.net.now() + later,
                    Event::Write { pending: again }.pack(),
                );
                self.perform(write);
            }
            Fault::Duplicate { .. } => {
                self.net.landed(kind);
                self.net.observed(kind);
                let taken = self.land_again(write, kind);
                self.answer_write(write, taken);
            }
            Fault::LateWrite { .. } => {
                let taken = self.land_again(write, kind);
                self.answer_write(write, taken);
            }
            Fault::TornWrite {
                keep, acknowledged, ..
            } => self.tear(write, keep, acknowledged),
            Fault::BitRot { bits, .. } => {
                let taken = self.land(write);
                self.rot(place, bits);
                self.answer_write(write, taken);
            }
            Fault::MisdirectedWrite { onto, .. } => self.misdirect(write, onto),
            Fault::Delay { .. } | Fault::Reorder { .. } => {
                self.net.observed(kind);
                self.perform(write);
            }
            Fault::Crash {
                restart, unfenced, ..
            } => {
                let taken = self.land(write);
                self.crash(agent, restart, unfenced);
                self.answer_write(write, taken);
            }
            Fault::Restart { agents } => {
                self.perform(write);
                self.restart_one(agents);
            }
            Fault::Pause { span, .. } => {
                let taken = self.land(write);
                self.pause(agent, span);
                self.answer_write(write, taken);
            }
            Fault::ClockSkew { rate_ppm, .. } => {
                self.skew(agent, rate_ppm);
                self.perform(write);
            }
            Fault::Outage { .. }
            | Fault::SlowStore { .. }
            | Fault::Amnesia { .. }
            | Fault::StoreLoss { .. }
            | Fault::StaleRead { .. }
            | Fault::StaleListing { .. } => {
                self.perform(write);
            }
        }
    }

    /// A write will have no answer: its agent finds out when it has waited long enough.
    fn give_write_up(&mut self, write: Pending) {
        let at = self.net.now() + self.patience(write.agent);
        self.net.time_out_write(&write, at);
    }

    /// How long an agent waits for an answer, by its own clock, in true ticks.
    pub(super) fn patience(&mut self, agent: AgentId) -> u64 {
        let rate = self.participants[agent.index()].rate;
        if rate != 1_000_000 {
            self.net.observed(FaultKind::ClockSkew);
        }
        by_clock(self.plan.timeout, rate)
    }

    fn unfence(&mut self, write: Pending) {
        self.net.fences[write.agent.index()] -= u32::from(write.fences);
    }

    /// The store takes a whole write; false if it refuses it.
    #[inline]
    fn land(&mut self, write: Pending) -> bool {
        if let Some(expect) = write.expect {
            return self.swap(write, expect);
        }
        if self.land_quietly(write) == Landing::TookBack {
            // An ordinary write of a dead incarnation that the next one did not wait for is a fault
            // of the world; one that its agent overtook itself is the agent's own.
            let seat = &self.participants[write.agent.index()];
            let own = seat.incarnation == write.incarnation || is_down(seat.status);
            #[cfg(feature = "planted-bugs")]
            let own = own || self.restarts_unfenced();
            if !own {
                self.envelope.landed(FaultKind::LateWrite, write.store);
            }
            self.took_back(write, FaultKind::LateWrite);
        }
        true
    }

    #[inline]
    fn land_quietly(&mut self, write: Pending) -> Landing {
        self.store_ops += 1;
        self.unfence(write);
        let place = Place {
            store: write.store,
            owner: write.agent,
        };
        let whose = u64::from(write.store.0) << 32 | u64::from(write.agent.0);
        self.fingerprint.ballot(write.block.mbal, whose);
        let landing = self
            .system
            .stores
            .write(place, write.block, write.version, self.net.now());
        self.system
            .oracles
            .store_model
            .wrote(place, write.block, write.version);
        if self.journal.is_some() {
            self.note_write(write);
        }
        landing
    }

    /// A write that comes late or a second time; false if the store refuses it.
    fn land_again(&mut self, write: Pending, kind: FaultKind) -> bool {
        if let Some(expect) = write.expect {
            return self.put_again(write, expect, kind);
        }
        match self.land_quietly(write) {
            Landing::TookBack => {
                if kind == FaultKind::LateWrite {
                    self.net.landed(kind);
                }
                self.envelope.landed(kind, write.store);
                self.took_back(write, kind);
            }
            Landing::Overtaken => {
                self.net.hit(Probe::LateWriteLanded);
                if kind == FaultKind::LateWrite {
                    self.net.landed(kind);
                    self.net.observed(kind);
                }
            }
            Landing::Newest => {
                // Nothing newer stands there yet: late only if its incarnation is no more.
                let seat = &self.participants[write.agent.index()];
                if kind == FaultKind::LateWrite && seat.incarnation != write.incarnation {
                    self.net.landed(kind);
                    self.system
                        .stores
                        .mark(Self::place_of(write), 1 << kind.index());
                    self.envelope.landed(kind, write.store);
                }
            }
            Landing::Again => {}
        }
        true
    }

    pub(super) const fn place_of(write: Pending) -> Place {
        Place {
            store: write.store,
            owner: if write.expect.is_some() {
                RECORD
            } else {
                write.agent
            },
        }
    }

    #[cold]
    fn took_back(&mut self, write: Pending, kind: FaultKind) {
        self.net.hit(Probe::LateWriteLanded);
        let place = Self::place_of(write);
        self.system.stores.mark(place, 1 << kind.index());
        let text = format_args!(
            "an older write of {{a{}}} replaces a newer one",
            write.agent.0
        );
        let hit = (Some(write.store), place.owner.bit());
        self.note_fault_on(kind, Some(write.agent), hit, text);
        self.check_damage(write.agent);
    }

    #[inline]
    fn answer_write(&mut self, write: Pending, taken: bool) {
        if !taken {
            self.refuse(write);
            return;
        }
        let Pending {
            agent,
            store,
            epoch,
            attempt,
            incarnation,
            block,
            ..
        } = write;
        if self.awaited != 0 {
            self.happened(Happening::Write, agent, Some(store));
            if block.vote.is_some_and(|vote| Some(vote.bal) == block.mbal) {
                self.happened(Happening::Vote, agent, Some(store));
            }
        }
        let tag = BlockTag::Write { epoch, attempt };
        let answer = DecreeEvent::Replied(store, tag, BlockReply::Written);
        self.deliver(agent, incarnation, answer);
    }

    fn tear(&mut self, write: Pending, keep: Option<u32>, acknowledged: bool) {
        let Pending {
            agent,
            store,
            block,
            version,
            ..
        } = write;
        let kind = FaultKind::TornWrite;
        let place = Self::place_of(write);
        let sectors = self.plan.layout.sectors_per_write();
        self.store_ops += 1;
        self.unfence(write);
        // Any subset but none and all, unless it is given.
        let mut kept = 0_u128;
        for sector in 0..sectors.min(128) {
            let keeps = keep.map_or_else(
                || self.net.dice.below(Purpose::Fault, 2) == 1,
                |keep| sector < keep,
            );
            kept |= u128::from(keeps) << sector;
        }
        let now = self.net.now();
        let torn = self
            .system
            .stores
            .write_torn(place, block, version, now, |sector| {
                kept & 1 << (sector % 128) != 0
            });
        let tried = Some((block, version));
        self.system.oracles.store_model.touched(place, tried);
        let cell = self.system.stores.cell(place);
        if torn || cell.unreadable || cell.block != block {
            self.note_torn(write);
        } else if self.journal.is_some() {
            // By luck all that differs got through: it is as good as written.
            self.note_write(write);
        }
        if torn {
            self.net.landed(kind);
            self.system.stores.mark(place, 1 << kind.index());
            self.envelope.landed(kind, store);
            if acknowledged {
                self.envelope.stale_to_all(store);
            }
            let text = format_args!("a write of {{a{}}} is torn", agent.0);
            self.note_fault_on(kind, Some(agent), (Some(store), agent.bit()), text);
            self.check_damage(agent);
        }
        if acknowledged {
            self.answer_write(write, true);
        } else {
            self.give_write_up(write);
        }
    }

    /// The first sectors of a write get through, as few as make the block neither the old one nor the
    /// new one; the rest of it comes later.
    pub(super) fn half_land(&mut self, write: Pending) {
        let Pending {
            agent,
            store,
            block,
            version,
            ..
        } = write;
        let (kind, place) = (FaultKind::TornWrite, Self::place_of(write));
        let now = self.net.now();
        let sectors = self.plan.layout.sectors_per_write();
        let torn = (1..sectors).any(|kept| {
            self.system
                .stores
                .write_torn(place, block, version, now, |sector| sector < kept)
        });
        let tried = Some((block, version));
        self.system.oracles.store_model.touched(place, tried);
        self.note_torn(write);
        if torn {
            self.net.landed(kind);
            self.system.stores.mark(place, 1 << kind.index());
            self.envelope.landed(kind, store);
            let text = format_args!("a write of {{a{}}} is half way", agent.0);
            self.note_fault_on(kind, Some(agent), (Some(store), agent.bit()), text);
        }
    }

    pub(super) fn rot(&mut self, place: Place, bits: u32) {
        let (kind, now) = (FaultKind::BitRot, self.net.now());
        let dice = &mut self.net.dice;
        let changed = self
            .system
            .stores
            .rot(place, bits, now, |bound| dice.below(Purpose::Fault, bound));
        self.system.oracles.store_model.touched(place, None);
        if changed {
            self.net.landed(kind);
            self.system.stores.mark(place, 1 << kind.index());
            self.envelope.landed(kind, place.store);
            let text = format_args!("bits of {} flip", whose(&self.plan, place.owner));
            self.note_fault_on(kind, None, (Some(place.store), place.owner.bit()), text);
            self.check_damage(place.owner);
        }
    }

    fn misdirect(&mut self, write: Pending, onto: Option<AgentId>) {
        let (kind, now) = (FaultKind::MisdirectedWrite, self.net.now());
        let agents = self.plan.agents as u64;
        let victim = onto.unwrap_or_else(|| {
            let other = 1 + self.net.dice.below(Purpose::Fault, (agents - 1).max(1));
            AgentId(((u64::from(write.agent.0) + other) % agents) as u16)
        });
        if victim == write.agent {
            self.perform(write);
            return;
        }
        self.store_ops += 1;
        self.unfence(write);
        let victim = Place {
            store: write.store,
            owner: victim,
        };
        self.system.stores.misdirect(
            victim,
            Self::place_of(write),
            write.block,
            write.version,
            now,
        );
        self.system.oracles.store_model.touched(victim, None);
        self.note_astray(write, victim);
        self.net.landed(kind);
        self.system.stores.mark(victim, 1 << kind.index());
        self.envelope.landed(kind, write.store);
        let text = format_args!(
            "a write of {{a{}}} lands in {{a{}}}'s block",
            write.agent.0, victim.owner.0
        );
        let hit = (Some(write.store), victim.owner.bit());
        self.note_fault_on(kind, Some(write.agent), hit, text);
        self.check_damage(victim.owner);
        self.answer_write(write, true);
    }
}
