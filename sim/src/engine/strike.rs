//! Rules strike: agents crash, pause and drift, stores fail, and conditions come true.

use bivalent_core::{AgentId, StoreId};

use super::{
    Engine, Struck, System,
    participant::{Status, TRUE_RATE, is_down},
};
use crate::{
    engine::event::{Event, INCARNATIONS_MAX},
    scenario::{
        fault::{Fault, FaultKind, Happening, Span, Trigger},
        plan::Plan,
    },
    store::Service,
};

/// Which happenings some rule waits for, as a bit set.
pub(crate) fn awaited(plan: &Plan) -> u32 {
    let mut awaited = 0;
    for rule in &plan.rules {
        if let Trigger::When(condition) = rule.trigger {
            awaited |= 1 << condition.happens as u32;
        }
    }
    awaited
}

/// A kind of fault that struck an agent.
const fn agent(kind: FaultKind, id: AgentId) -> Struck {
    Struck {
        kind,
        agent: Some(id),
        store: None,
    }
}

/// A kind of fault that struck a store.
const fn store(kind: FaultKind, id: StoreId) -> Struck {
    Struck {
        kind,
        agent: None,
        store: Some(id),
    }
}

impl<S: System> Engine<S> {
    pub(crate) fn set_triggers(&mut self) {
        for index in 0..self.plan.rules.len() {
            let (from, to) = match self.plan.rules[index].trigger {
                Trigger::At(at) => (at, None),
                Trigger::During(from, to) => (from, Some(to)),
                Trigger::When(_) | Trigger::Chance(_) | Trigger::Nth(_) => continue,
            };
            let rule = index as u8;
            self.put(self.plan.ticks(from), Event::Trigger { rule });
            if let Some(to) = to {
                self.put(self.plan.ticks(to), Event::TriggerEnd { rule });
            }
        }
    }

    #[cold]
    pub(super) fn happened_awaited(
        &mut self,
        what: Happening,
        agent: AgentId,
        store: Option<StoreId>,
    ) {
        for index in 0..self.plan.rules.len() {
            let Trigger::When(condition) = self.plan.rules[index].trigger else {
                continue;
            };
            let here = store.is_none_or(|store| condition.stores & store.bit() != 0);
            if condition.happens != what || condition.agents & agent.bit() == 0 || !here {
                continue;
            }
            let state = &mut self.net.rules[index];
            state.seen += 1;
            if state.seen >= condition.nth && state.left > 0 {
                self.on_trigger(index as u8, Some(agent), store);
            }
        }
    }

    /// A rule's time has come: the first of the two events of it counts, see [`Engine::start`].
    pub(super) fn on_time(&mut self, rule: u8) {
        let state = &mut self.net.rules[rule as usize];
        state.seen += 1;
        if state.seen == 1 {
            self.on_trigger(rule, None, None);
        }
    }

    /// A rule's time or condition has come.
    fn on_trigger(&mut self, rule: u8, agent: Option<AgentId>, store: Option<StoreId>) {
        if self.healed {
            return;
        }
        let fault = self.plan.rules[rule as usize].fault.clone();
        if fault.scope().is_some() {
            if !self.net.armed.contains(&rule) {
                self.net.armed.push(rule);
            }
            return;
        }
        let state = &mut self.net.rules[rule as usize];
        if state.left == 0 {
            return;
        }
        state.left -= 1;
        self.net.drawn(fault.kind());
        // A state that lasts as long as the rule does.
        let lasts = match self.plan.rules[rule as usize].trigger {
            Trigger::During(from, to) => Some(Span {
                min: to - from,
                max: to - from,
            }),
            Trigger::At(_) | Trigger::When(_) | Trigger::Chance(_) | Trigger::Nth(_) => None,
        };
        match fault {
            Fault::Crash {
                agents,
                restart,
                unfenced,
            } => {
                if let Some(id) = self.pick_agent(agents, agent, |status| !is_down(status)) {
                    self.crash(id, lasts.or(restart), unfenced);
                }
            }
            Fault::Restart { agents } => self.restart_one(agents),
            Fault::Pause { agents, span } => {
                if let Some(id) = self.pick_agent(agents, agent, |status| status == Status::Up) {
                    self.pause(id, lasts.or(span));
                }
            }
            Fault::ClockSkew { agents, rate_ppm } => {
                if let Some(id) = self.pick_agent(agents, agent, |_| true) {
                    self.skew(id, rate_ppm);
                }
            }
            Fault::Outage { stores, .. }
            | Fault::SlowStore { stores, .. }
            | Fault::Amnesia { stores, .. }
            | Fault::StoreLoss { stores } => {
                if let Some(id) = self.pick_store(stores, store) {
                    self.strike_store_for(&fault, id, lasts);
                }
            }
            Fault::Delay { .. }
            | Fault::Reorder { .. }
            | Fault::LostRequest { .. }
            | Fault::LostAck { .. }
            | Fault::LateWrite { .. }
            | Fault::Duplicate { .. }
            | Fault::TornWrite { .. }
            | Fault::StaleRead { .. }
            | Fault::StaleListing { .. }
            | Fault::BitRot { .. }
            | Fault::MisdirectedWrite { .. } => unreachable!("faults of operations are armed"),
        }
    }

    /// A rule's time is over.
    pub(super) fn on_trigger_end(&mut self, rule: u8) {
        self.net.armed.retain(|&armed| armed != rule);
        if let Fault::ClockSkew { agents, .. } = self.plan.rules[rule as usize].fault {
            for participant in &mut self.participants {
                if agents & participant.id.bit() != 0 {
                    participant.rate = TRUE_RATE;
                }
            }
        }
    }

    fn pick_agent(
        &mut self,
        agents: u128,
        hint: Option<AgentId>,
        fits: impl Fn(Status) -> bool,
    ) -> Option<AgentId> {
        let participants = &self.participants;
        let fitting =
            |id: &AgentId| agents & id.bit() != 0 && fits(participants[id.index()].status);
        if let Some(hint) = hint.filter(fitting) {
            return Some(hint);
        }
        let ids = participants.iter().map(|it| it.id).filter(fitting);
        let count = ids.clone().count();
        let nth = self.net.pick_victim(count)?;
        let mut ids = self.participants.iter().map(|it| it.id);
        let fitting =
            |id: &AgentId| agents & id.bit() != 0 && fits(self.participants[id.index()].status);
        ids.by_ref().filter(fitting).nth(nth)
    }

    fn pick_store(&mut self, stores: u16, hint: Option<StoreId>) -> Option<StoreId> {
        let service = &self.service;
        let fits = |id: &StoreId| stores & id.bit() != 0 && service[id.index()] != Service::Lost;
        if let Some(hint) = hint.filter(fits) {
            return Some(hint);
        }
        let ids = || (0..service.len() as u8).map(StoreId).filter(fits);
        let nth = self.net.pick_victim(ids().count())?;
        ids().nth(nth)
    }

    /// The fault that an operation meets as it arrives at a store. After the heal there is none: what was held up on its
    /// way, or sent twice, still arrives, and nothing breaks any more.
    pub(crate) fn fault_met(&self, rule: u8, copy: bool) -> Option<Fault> {
        let fault = &self.plan.rules[rule as usize].fault;
        let late = matches!(
            fault.kind(),
            FaultKind::Delay | FaultKind::Reorder | FaultKind::LateWrite
        );
        (copy || late || !self.healed).then(|| fault.clone())
    }

    /// A chance came true on an operation that arrives at a store: faults of that store strike now.
    pub(crate) fn strike_store(&mut self, fault: &Fault, store: StoreId) {
        self.strike_store_for(fault, store, None);
    }

    /// The same; a state that lasts as long as a rule does lasts for `lasts`.
    fn strike_store_for(&mut self, fault: &Fault, store: StoreId, lasts: Option<Span>) {
        match *fault {
            Fault::Outage { span, .. } => self.store_out(store, lasts.or(span)),
            Fault::SlowStore { percent, span, .. } => {
                self.store_slow(store, percent, lasts.or(span));
            }
            Fault::Amnesia { versions, .. } => self.forget(store, versions),
            Fault::StoreLoss { .. } => self.lose_store(store),
            Fault::Crash { .. }
            | Fault::Restart { .. }
            | Fault::Pause { .. }
            | Fault::ClockSkew { .. }
            | Fault::Delay { .. }
            | Fault::Reorder { .. }
            | Fault::LostRequest { .. }
            | Fault::LostAck { .. }
            | Fault::LateWrite { .. }
            | Fault::Duplicate { .. }
            | Fault::TornWrite { .. }
            | Fault::StaleRead { .. }
            | Fault::StaleListing { .. }
            | Fault::BitRot { .. }
            | Fault::MisdirectedWrite { .. } => {}
        }
    }

    pub(crate) fn crash(&mut self, id: AgentId, restart: Option<Span>, unfenced: bool) {
        let participant = &self.participants[id.index()];
        if is_down(participant.status) {
            return;
        }
        let returns = restart.is_some() && participant.incarnation + 1 < INCARNATIONS_MAX;
        S::crashes(self, id);
        self.net.landed(FaultKind::Crash);
        let participant = &mut self.participants[id.index()];
        participant.status = Status::Down { returns };
        participant.incarnation += 1;
        participant.inbox.clear();
        let incarnation = participant.incarnation;
        if let Some(span) = restart.filter(|_| returns) {
            let after = self.net.span(span);
            let event = Event::Restart {
                agent: id,
                incarnation,
                unfenced,
            };
            self.put(self.now() + after, event);
        }
        let words = S::crash_in_words(self, returns);
        self.note_fault(agent(FaultKind::Crash, id), format_args!("{words}"));
        S::crashed(self, id, returns);
        S::see_whether_over(self);
    }

    /// Restarts one of the crashed agents in a set.
    pub(crate) fn restart_one(&mut self, agents: u128) {
        let Some(id) = self.pick_agent(agents, None, is_down) else {
            return;
        };
        if self.participants[id.index()].incarnation + 1 < INCARNATIONS_MAX {
            self.net.landed(FaultKind::Restart);
            self.restart_later(id);
        }
    }

    /// Restarts a crashed agent as soon as what its dead incarnation has in flight allows it.
    pub(crate) fn restart_later(&mut self, id: AgentId) {
        let participant = &mut self.participants[id.index()];
        participant.status = Status::Down { returns: true };
        let incarnation = participant.incarnation;
        S::returns(self, id);
        let event = Event::Restart {
            agent: id,
            incarnation,
            unfenced: false,
        };
        self.put(self.now() + 1, event);
    }

    pub(crate) fn on_restart(&mut self, id: AgentId, incarnation: u16, unfenced: bool) {
        let participant = &self.participants[id.index()];
        if participant.incarnation != incarnation || !is_down(participant.status) {
            return;
        }
        if S::is_fenced(self, id, unfenced) {
            let event = Event::Restart {
                agent: id,
                incarnation,
                unfenced,
            };
            self.put(self.now() + self.plan.timeout, event);
            return;
        }
        self.participants[id.index()].status = Status::Up;
        S::starts_again(self, id, incarnation);
    }

    /// An agent that starts again is noted.
    pub(crate) fn note_restart(&mut self, id: AgentId) {
        self.note_fault(agent(FaultKind::Restart, id), format_args!("starts again"));
    }

    pub(crate) fn pause(&mut self, id: AgentId, span: Option<Span>) {
        let participant = &mut self.participants[id.index()];
        if participant.status != Status::Up {
            return;
        }
        participant.status = Status::Paused;
        participant.pauses = participant.pauses.wrapping_add(1);
        let count = participant.pauses;
        self.net.landed(FaultKind::Pause);
        if let Some(span) = span {
            let after = self.net.span(span);
            self.put(self.now() + after, Event::Wake { agent: id, count });
        }
        self.note_fault(agent(FaultKind::Pause, id), format_args!("stands still"));
    }

    /// A paused agent goes on; what came meanwhile is taken in now, in order.
    pub(crate) fn wake(&mut self, id: AgentId) {
        let participant = &mut self.participants[id.index()];
        if participant.status != Status::Paused {
            return;
        }
        participant.status = Status::Up;
        let held = std::mem::take(&mut participant.inbox);
        self.note_fault(agent(FaultKind::Pause, id), format_args!("wakes"));
        S::goes_on(self, id, held);
    }

    pub(crate) fn skew(&mut self, id: AgentId, rate_ppm: i32) {
        let rate = TRUE_RATE.saturating_add_signed(rate_ppm).max(1);
        let participant = &mut self.participants[id.index()];
        if participant.rate == rate {
            return;
        }
        participant.rate = rate;
        self.net.landed(FaultKind::ClockSkew);
        let text = format_args!(
            "its clock runs at {}.{:06}",
            rate / TRUE_RATE,
            rate % TRUE_RATE
        );
        self.note_fault(agent(FaultKind::ClockSkew, id), text);
    }

    fn store_out(&mut self, id: StoreId, span: Option<Span>) {
        if self.service[id.index()] != Service::Up {
            return;
        }
        self.service[id.index()] = Service::Out;
        self.net.landed(FaultKind::Outage);
        let count = next_spell(&mut self.outages, id);
        if let Some(span) = span {
            let after = self.net.span(span);
            self.put(self.now() + after, Event::StoreUp { store: id, count });
        }
        self.note_fault(
            store(FaultKind::Outage, id),
            format_args!("answers nothing"),
        );
    }

    /// An outage ends: what the store was asked meanwhile happens now, in the order of asking.
    pub(crate) fn store_up(&mut self, id: StoreId) {
        if self.service[id.index()] != Service::Out {
            return;
        }
        self.service[id.index()] = Service::Up;
        self.let_requests_go(id);
        self.note_fault(store(FaultKind::Outage, id), format_args!("answers again"));
    }

    fn let_requests_go(&mut self, id: StoreId) {
        let mut waiting = std::mem::take(&mut self.waiting[id.index()]);
        for bits in waiting.drain(..) {
            self.net.wheel.put(self.net.now() + 1, bits);
        }
        self.waiting[id.index()] = waiting;
    }

    fn store_slow(&mut self, id: StoreId, percent: u32, span: Option<Span>) {
        self.net.percent[id.index()] = percent;
        self.net.slow = true;
        self.net.landed(FaultKind::SlowStore);
        let count = next_spell(&mut self.slow_spells, id);
        if let Some(span) = span {
            let after = self.net.span(span);
            self.put(self.now() + after, Event::StoreFast { store: id, count });
        }
        self.note_fault(store(FaultKind::SlowStore, id), format_args!("is slow"));
    }

    /// A store returns to an earlier state, or to none: as if an empty one had taken its place.
    fn forget(&mut self, id: StoreId, versions: u32) {
        if self.service[id.index()] != Service::Lost {
            S::forget(self, id, versions);
        }
    }

    fn lose_store(&mut self, id: StoreId) {
        if self.service[id.index()] == Service::Lost {
            return;
        }
        self.service[id.index()] = Service::Lost;
        self.net.landed(FaultKind::StoreLoss);
        self.let_requests_go(id);
        self.note_fault(
            store(FaultKind::StoreLoss, id),
            format_args!("is gone for good"),
        );
    }
}

/// The number of a store's next outage, or of its next slowness.
fn next_spell(spells: &mut [u16], store: StoreId) -> u16 {
    let spell = &mut spells[store.index()];
    *spell = spell.wrapping_add(1);
    *spell
}
