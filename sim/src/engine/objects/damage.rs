//! Operations that meet a fault: lost, late, twice, torn, astray, or answered with what stood there before.

use std::fmt::Arguments;

use bivalent_core::{AgentId, Name, ObjectName, ObjectOp, ObjectReply, StoreId};

use super::{Engine, Objects, Part, carry::owner, words};
use crate::{
    engine::dice::Purpose,
    judge::probe::Probe,
    scenario::fault::{Fault, FaultKind, StaleBound},
    store::bucket::Moment,
};

impl<P: Part> Engine<Objects<P>> {
    pub(super) fn perform_struck(&mut self, index: u32, fault: &Fault) {
        let kind = fault.kind();
        let flight = self.system.flights.get(index);
        let (agent, store, copy) = (flight.agent, flight.store, flight.copy);
        let is_write = matches!(flight.op, ObjectOp::Put { .. } | ObjectOp::Delete(_));
        match *fault {
            Fault::LostRequest { .. } => {
                self.lands_on(
                    kind,
                    (agent, store),
                    format_args!("a request of {{a{}}} is lost", agent.0),
                );
                let flight = self.system.flights.take(index);
                self.time_out(&flight);
            }
            Fault::LostAck { .. } => {
                if is_write {
                    self.apply(index, Moment::NOW);
                }
                self.lands_on(
                    kind,
                    (agent, store),
                    format_args!("an answer to {{a{}}} is lost", agent.0),
                );
                let flight = self.system.flights.take(index);
                self.time_out(&flight);
            }
            Fault::Duplicate { by, .. } if !copy => {
                let later = self.net.span(by);
                self.again(index, later);
                self.perform(index, Moment::NOW);
            }
            Fault::Duplicate { .. } => {
                self.net.landed(kind);
                self.net.observed(kind);
                self.apply(index, Moment::NOW);
                self.system.flights.take(index);
            }
            Fault::LateWrite { .. } => self.come_late(index),
            Fault::TornWrite { acknowledged, .. } => self.tear(index, acknowledged),
            Fault::MisdirectedWrite { onto, .. } => self.go_astray(index, onto),
            Fault::BitRot { .. } => self.rot(index),
            Fault::StaleRead { bound, .. } | Fault::StaleListing { bound, .. } => {
                let seen = self.moment(index, bound, kind);
                self.perform(index, seen);
            }
            Fault::Delay { .. } | Fault::Reorder { .. } => {
                self.net.observed(kind);
                self.perform(index, Moment::NOW);
            }
            Fault::Crash {
                restart, unfenced, ..
            } => {
                if is_write {
                    self.apply(index, Moment::NOW);
                }
                self.system.flights.take(index);
                self.crash(agent, restart, unfenced);
            }
            Fault::Restart { agents } => {
                self.perform(index, Moment::NOW);
                self.restart_one(agents);
            }
            Fault::Pause { span, .. } => {
                self.pause(agent, span);
                self.perform(index, Moment::NOW);
            }
            Fault::ClockSkew { rate_ppm, .. } => {
                self.skew(agent, rate_ppm);
                self.perform(index, Moment::NOW);
            }
            Fault::Outage { .. }
            | Fault::SlowStore { .. }
            | Fault::Amnesia { .. }
            | Fault::StoreLoss { .. } => self.perform(index, Moment::NOW),
        }
    }

    /// A fault has changed something, and its agent meets it.
    fn lands_on(
        &mut self,
        kind: FaultKind,
        (agent, store): (AgentId, StoreId),
        what: Arguments<'_>,
    ) {
        self.net.landed(kind);
        self.net.observed(kind);
        self.note_fault_on(kind, Some(agent), (Some(store), 0), what);
    }

    /// A write that comes long after it was asked for.
    fn come_late(&mut self, index: u32) {
        let kind = FaultKind::LateWrite;
        let flight = self.system.flights.get(index);
        let (agent, store, incarnation) = (flight.agent, flight.store, flight.incarnation);
        let dead = self.participants[agent.index()].incarnation != incarnation;
        let reply = self.apply(index, Moment::NOW);
        if dead || matches!(reply, ObjectReply::ConditionFailed) {
            self.net.hit(Probe::LateWriteLanded);
            self.lands_on(
                kind,
                (agent, store),
                format_args!("a late write of {{a{}}} lands", agent.0),
            );
            self.envelope.landed(kind, store);
        }
        self.tell(index, reply);
    }

    /// Not every byte of a put gets through.
    fn tear(&mut self, index: u32, acknowledged: bool) {
        let kind = FaultKind::TornWrite;
        let flight = self.system.flights.get(index).clone();
        let (agent, store) = (flight.agent, flight.store);
        let ObjectOp::Put {
            name,
            content,
            only,
        } = &flight.op
        else {
            self.perform(index, Moment::NOW);
            return;
        };
        let now = self.net.now();
        let bucket = &mut self.system.buckets[store.index()];
        if !bucket.holds(name, *only) {
            self.perform(index, Moment::NOW);
            return;
        }
        bucket.put_damaged(name, content, 1 << kind.index(), now);
        self.store_ops += 1;
        self.lands_on(
            kind,
            (agent, store),
            format_args!("a write of {{a{}}} is torn", agent.0),
        );
        self.envelope.landed(kind, store);
        if acknowledged {
            self.envelope.stale_to_all(store);
            self.tell(index, ObjectReply::Done(None));
        } else {
            let flight = self.system.flights.take(index);
            self.time_out(&flight);
        }
    }

    /// A put lands under another agent's name, where its checksum does not fit; where there is none, nowhere.
    fn go_astray(&mut self, index: u32, onto: Option<AgentId>) {
        let kind = FaultKind::MisdirectedWrite;
        let flight = self.system.flights.get(index).clone();
        let (agent, store) = (flight.agent, flight.store);
        let ObjectOp::Put { content, .. } = &flight.op else {
            self.perform(index, Moment::NOW);
            return;
        };
        let now = self.net.now();
        let bucket = &self.system.buckets[store.index()];
        let is_victim = |name: &ObjectName| match (owner(*name), onto) {
            (Some(owner), Some(onto)) => owner == onto,
            (Some(owner), None) => owner != agent,
            (None, _) => false,
        };
        let folder = bivalent_core::Folder::Agents;
        let victims: Vec<ObjectName> = bucket
            .folder(folder)
            .map(|(name, _)| *name)
            .filter(is_victim)
            .collect();
        let victim = self
            .net
            .pick_victim(victims.len())
            .map(|place| victims[place]);
        let mut hit = 0;
        if let Some(victim) = victim {
            hit = owner(victim).map_or(0, AgentId::bit);
            let bucket = &mut self.system.buckets[store.index()];
            bucket.put_damaged(&victim, content, 1 << kind.index(), now);
        }
        self.store_ops += 1;
        self.net.landed(kind);
        self.net.observed(kind);
        self.envelope.landed(kind, store);
        let text = format_args!("a write of {{a{}}} goes astray", agent.0);
        self.note_fault_on(kind, Some(agent), (Some(store), hit | agent.bit()), text);
        P::damaged(self, hit | agent.bit());
        self.tell(index, ObjectReply::Done(None));
    }

    /// Bits flip of the object that is put or asked for, or of one that is listed.
    fn rot(&mut self, index: u32) {
        let kind = FaultKind::BitRot;
        let flight = self.system.flights.get(index);
        let (store, op) = (flight.store, flight.op.clone());
        let reply = match &op {
            ObjectOp::Put { .. } => Some(self.apply(index, Moment::NOW)),
            ObjectOp::Get(_) | ObjectOp::List { .. } | ObjectOp::Delete(_) => None,
        };
        let victim = match &op {
            ObjectOp::Put { name, .. } | ObjectOp::Get(name) => Some(*name),
            ObjectOp::List { folder, .. } => {
                let bucket = &self.system.buckets[store.index()];
                let names: Vec<_> = bucket.folder(*folder).map(|(name, _)| *name).collect();
                self.net.pick_victim(names.len()).map(|place| names[place])
            }
            ObjectOp::Delete(_) => None,
        };
        if let Some(victim) = victim
            && self.system.buckets[store.index()].damage(&victim, 1 << kind.index())
        {
            self.net.landed(kind);
            self.envelope.landed(kind, store);
            let whose = owner(victim).map_or(0, AgentId::bit);
            let text = format_args!("bits of {} flip", words::name(victim));
            self.note_fault_on(kind, None, (Some(store), whose), text);
            P::damaged(self, whose);
        }
        match reply {
            Some(reply) => self.tell(index, reply),
            None => self.perform(index, Moment::NOW),
        }
    }

    /// The moment in the past as of which a read is answered; now, if that shows the same.
    fn moment(&mut self, index: u32, bound: StaleBound, kind: FaultKind) -> Moment {
        let flight = self.system.flights.get(index);
        let (agent, store) = (flight.agent, flight.store);
        let bucket = &self.system.buckets[store.index()];
        let (seen, age) = match bound {
            StaleBound::Versions(most) => {
                let most = u64::from(most).min(bucket.remembered() as u64);
                if most == 0 {
                    return Moment::NOW;
                }
                let back = 1 + self.net.dice.below(Purpose::Fault, most);
                let bucket = &self.system.buckets[store.index()];
                (bucket.before(back as usize), None)
            }
            StaleBound::Age(age) => {
                let age = self.plan.ticks(age);
                let back = self.net.dice.within(Purpose::Fault, 0, age);
                let bucket = &self.system.buckets[store.index()];
                let at = self.net.now().saturating_sub(back);
                (bucket.at(at), Some(back))
            }
        };
        let objects = &self.system;
        let flight = objects.flights.get(index);
        let bucket = &objects.buckets[store.index()];
        let (what, hidden) = match &flight.op {
            ObjectOp::Get(name) => {
                if bucket.get(name, seen) == bucket.get(name, Moment::NOW) {
                    return Moment::NOW;
                }
                let whose = owner(*name).map_or(0, AgentId::bit);
                (words::name(*name), whose)
            }
            ObjectOp::List { folder, .. } => {
                let now = bucket.folder(*folder).map(|(name, _)| *name);
                let missing: Vec<ObjectName> =
                    now.filter(|name| !bucket.is_there(name, seen)).collect();
                if missing.is_empty() {
                    return Moment::NOW;
                }
                let whose = missing.iter().filter_map(|name| owner(*name));
                let whose = whose.fold(0, |set, owner| set | owner.bit());
                let last = missing[missing.len() - 1];
                let more = missing.len() - 1;
                let others = if more == 0 {
                    String::new()
                } else {
                    format!(" and {more} more")
                };
                let listed = words::folder(last.folder());
                (
                    format!("{listed}, without {}{others}", words::name(last)),
                    whose,
                )
            }
            ObjectOp::Put { .. } | ObjectOp::Delete(_) => return Moment::NOW,
        };
        let old = age.map_or_else(String::new, |age| {
            format!(
                " of {} ago",
                crate::engine::blocks::view::time(self.plan.ns(age))
            )
        });
        self.net.landed(kind);
        self.net.observed(kind);
        self.net.hit(Probe::OldVersionRead);
        if self.recovers(agent) {
            self.net.hit(Probe::OldReadInRecovery);
        }
        self.envelope.stale_to(agent, store);
        let read = if kind == FaultKind::StaleListing {
            "a listing"
        } else {
            "a read"
        };
        let text = format_args!("{{a{}}} is answered {read}{old}: {what}", agent.0);
        self.note_fault_on(kind, Some(agent), (Some(store), hidden), text);
        seen
    }
}
