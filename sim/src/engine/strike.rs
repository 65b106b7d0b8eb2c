//! Rules strike: agents crash, pause and drift, stores fail, and conditions come true.

use bivalent_core::{
    Agent, AgentId, DecreeEvent, DecreeTimer, Incarnation, Phase, SingleDecree, StoreId,
};

use super::{
    Engine,
    net::{Milestone, Port},
    seat::Status,
    store_id,
};
use crate::{
    dice::Purpose,
    event::{Event, INCARNATIONS_MAX},
    fault::{Fault, FaultKind, Happening, Span, Trigger},
    member::Member,
    plan::Plan,
    probe::Probe,
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

impl Engine {
    pub(super) fn set_triggers(&mut self) {
        for (index, rule) in self.plan.rules.iter().enumerate() {
            let (from, to) = match rule.trigger {
                Trigger::At(at) => (at, None),
                Trigger::During(from, to) => (from, Some(to)),
                Trigger::When(_) | Trigger::Chance(_) | Trigger::Nth(_) => continue,
            };
            let rule = index as u8;
            self.net
                .wheel
                .put(self.plan.ticks(from), Event::Trigger { rule }.pack());
            if let Some(to) = to {
                self.net
                    .wheel
                    .put(self.plan.ticks(to), Event::TriggerEnd { rule }.pack());
            }
        }
    }

    /// Something happened; rules that wait for it may strike.
    #[inline]
    pub(super) fn happened(&mut self, what: Happening, agent: AgentId, store: Option<StoreId>) {
        if self.awaited & 1 << what as u32 != 0 && !self.healed {
            self.happened_awaited(what, agent, store);
        }
    }

    #[cold]
    fn happened_awaited(&mut self, what: Happening, agent: AgentId, store: Option<StoreId>) {
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
            let due = state.seen >= condition.nth && state.left > 0;
            if due {
                self.on_trigger(index as u8, Some(agent), store);
            }
        }
    }

    /// A rule's time has come: the first of the two events of it counts, see `Engine::start`.
    pub(super) fn on_time(&mut self, rule: u8) {
        let state = &mut self.net.rules[rule as usize];
        state.seen += 1;
        if state.seen == 1 {
            self.on_trigger(rule, None, None);
        }
    }

    /// A rule's time or condition has come.
    pub(super) fn on_trigger(&mut self, rule: u8, agent: Option<AgentId>, store: Option<StoreId>) {
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
                if let Some(victim) = self.pick_agent(agents, agent, |status| !is_down(status)) {
                    self.crash(victim, lasts.or(restart), unfenced);
                }
            }
            Fault::Restart { agents } => self.restart_one(agents),
            Fault::Pause { agents, span } => {
                if let Some(victim) = self.pick_agent(agents, agent, |status| status == Status::Up)
                {
                    self.pause(victim, lasts.or(span));
                }
            }
            Fault::ClockSkew { agents, rate_ppm } => {
                if let Some(victim) = self.pick_agent(agents, agent, |_| true) {
                    self.skew(victim, rate_ppm);
                }
            }
            Fault::Outage { stores, span } => {
                if let Some(victim) = self.pick_store(stores, store) {
                    self.store_out(victim, lasts.or(span));
                }
            }
            Fault::SlowStore {
                stores,
                percent,
                span,
            } => {
                if let Some(victim) = self.pick_store(stores, store) {
                    self.store_slow(victim, percent, lasts.or(span));
                }
            }
            Fault::Amnesia { stores, versions } => {
                if let Some(victim) = self.pick_store(stores, store) {
                    self.forget(victim, versions);
                }
            }
            Fault::StoreLoss { stores } => {
                if let Some(victim) = self.pick_store(stores, store) {
                    self.lose_store(victim);
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
            | Fault::BitRot { .. }
            | Fault::MisdirectedWrite { .. } => unreachable!("faults of operations are armed"),
        }
    }

    /// A rule's time is over.
    pub(super) fn on_trigger_end(&mut self, rule: u8) {
        self.net.armed.retain(|&armed| armed != rule);
        if let Fault::ClockSkew { agents, .. } = self.plan.rules[rule as usize].fault {
            for seat in &mut self.seats {
                if agents & seat.id.bit() != 0 {
                    seat.rate = 1_000_000;
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
        let fitting = |id: AgentId, seats: &[super::Seat]| {
            agents & id.bit() != 0 && fits(seats[id.index()].status)
        };
        if let Some(hint) = hint.filter(|&hint| fitting(hint, &self.seats)) {
            return Some(hint);
        }
        let ids = (0..self.seats.len() as u8).map(AgentId);
        let seats = &self.seats;
        let count = ids.clone().filter(|&id| fitting(id, seats)).count() as u64;
        if count == 0 {
            return None;
        }
        let nth = if count == 1 {
            0
        } else {
            self.net.dice.below(Purpose::Fault, count)
        };
        ids.filter(|&id| fitting(id, seats)).nth(nth as usize)
    }

    fn pick_store(&mut self, stores: u16, hint: Option<StoreId>) -> Option<StoreId> {
        let fits = |id: StoreId, service: &[Service]| {
            stores & id.bit() != 0 && service[id.index()] != Service::Lost
        };
        if let Some(hint) = hint.filter(|&hint| fits(hint, &self.service)) {
            return Some(hint);
        }
        let ids = (0..self.service.len()).map(store_id);
        let service = &self.service;
        let count = ids.clone().filter(|&id| fits(id, service)).count() as u64;
        if count == 0 {
            return None;
        }
        let nth = if count == 1 {
            0
        } else {
            self.net.dice.below(Purpose::Fault, count)
        };
        ids.filter(|&id| fits(id, service)).nth(nth as usize)
    }

    /// A chance came true on an operation that arrives at a store: faults of that store strike now.
    pub(super) fn strike_store(&mut self, fault: &Fault, store: StoreId) {
        match *fault {
            Fault::Outage { span, .. } => self.store_out(store, span),
            Fault::SlowStore { percent, span, .. } => self.store_slow(store, percent, span),
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
            | Fault::BitRot { .. }
            | Fault::MisdirectedWrite { .. } => {}
        }
    }

    pub(super) fn crash(&mut self, id: AgentId, restart: Option<Span>, unfenced: bool) {
        let seat = &self.seats[id.index()];
        if is_down(seat.status) || self.solo.is_some() {
            return;
        }
        let returns = restart.is_some() && seat.incarnation + 1 < INCARNATIONS_MAX;
        if self.net.fences[id.index()] > 0 {
            self.net.hit(Probe::CrashedBetweenWrites);
        }
        if self.seats[id.index()].agent.phase() == Phase::Two {
            self.net.hit(Probe::CrashedInPhase2);
        }
        self.net.landed(FaultKind::Crash);
        let seat = &mut self.seats[id.index()];
        seat.status = Status::Down { returns };
        seat.incarnation += 1;
        seat.inbox.clear();
        let incarnation = seat.incarnation;
        if let Some(span) = restart.filter(|_| returns) {
            seat.decided = false;
            let after = self.net.span(span);
            let event = Event::Restart {
                agent: id,
                incarnation,
                unfenced,
            };
            self.net.wheel.put(self.net.now() + after, event.pack());
        }
        self.pass_duel_on(id);
        // Whoever follows a script may still be told to start again.
        let after = if returns || self.is_scripted() {
            "crashes"
        } else {
            "crashes for good"
        };
        self.note_fault(FaultKind::Crash, Some(id), None, format_args!("{after}"));
        self.see_whether_over();
    }

    /// A duel needs two: when one is down, or done, the other runs.
    pub(super) fn pass_duel_on(&mut self, id: AgentId) {
        if self.runner == Some(id) {
            self.duel_turn(id);
        }
    }

    /// Restarts one of the crashed agents in a set.
    pub(super) fn restart_one(&mut self, agents: u128) {
        let Some(id) = self.pick_agent(agents, None, is_down) else {
            return;
        };
        let incarnation = self.seats[id.index()].incarnation;
        if incarnation + 1 >= INCARNATIONS_MAX {
            return;
        }
        self.net.landed(FaultKind::Restart);
        self.restart_later(id, incarnation);
    }

    /// Restarts a crashed agent as soon as what its dead incarnation has in flight has landed.
    pub(super) fn restart_later(&mut self, id: AgentId, incarnation: u16) {
        let seat = &mut self.seats[id.index()];
        seat.status = Status::Down { returns: true };
        seat.decided = false;
        let event = Event::Restart {
            agent: id,
            incarnation,
            unfenced: false,
        };
        self.net.wheel.put(self.net.now() + 1, event.pack());
    }

    pub(super) fn on_restart(&mut self, id: AgentId, incarnation: u16, unfenced: bool) {
        let seat = &self.seats[id.index()];
        if seat.incarnation != incarnation || !is_down(seat.status) {
            return;
        }
        #[cfg(feature = "planted-bugs")]
        let unfenced = unfenced || self.restarts_unfenced();
        if !unfenced && self.net.fences[id.index()] > 0 {
            let event = Event::Restart {
                agent: id,
                incarnation,
                unfenced,
            };
            self.net
                .wheel
                .put(self.net.now() + self.plan.timeout, event.pack());
            return;
        }
        if let Some(journal) = &mut self.journal {
            journal.restarts(id, incarnation);
        }
        let role = self.role(id);
        let seat = &mut self.seats[id.index()];
        seat.status = Status::Up;
        seat.aborts = 0;
        #[cfg(feature = "planted-bugs")]
        {
            seat.above = None;
        }
        let mut port = Port {
            net: &mut self.net,
            agent: id,
            incarnation,
            rate: seat.rate,
        };
        seat.agent = Member::start(&role, Incarnation(incarnation), &mut port);
        self.net.observed(FaultKind::Crash);
        match self.net.milestone.take() {
            Some(Milestone::Over {
                recovered,
                above,
                alarm,
            }) => self.on_over(id, Phase::Recovering, (recovered, above), alarm),
            Some(Milestone::Alarm(pause)) => {
                self.set_alarm(id, pause);
                self.begin_at_once(id);
            }
            Some(Milestone::Decided(value)) => self.on_decide(id, value),
            None => {}
        }
        self.note_fault(
            FaultKind::Restart,
            Some(id),
            None,
            format_args!("starts again"),
        );
    }

    pub(super) fn pause(&mut self, id: AgentId, span: Option<Span>) {
        let seat = &mut self.seats[id.index()];
        if seat.status != Status::Up {
            return;
        }
        seat.status = Status::Paused;
        seat.pauses = seat.pauses.wrapping_add(1);
        let count = seat.pauses;
        self.net.landed(FaultKind::Pause);
        if let Some(span) = span {
            let after = self.net.span(span);
            self.net.wheel.put(
                self.net.now() + after,
                Event::Wake { agent: id, count }.pack(),
            );
        }
        self.note_fault(
            FaultKind::Pause,
            Some(id),
            None,
            format_args!("stands still"),
        );
    }

    pub(super) fn wake(&mut self, id: AgentId) {
        let seat = &mut self.seats[id.index()];
        if seat.status != Status::Paused {
            return;
        }
        seat.status = Status::Up;
        let mut inbox = std::mem::take(&mut seat.inbox);
        self.note_fault(FaultKind::Pause, Some(id), None, format_args!("wakes"));
        let incarnation = self.seats[id.index()].incarnation;
        for event in inbox.drain(..) {
            // A step of it may bring its crash about; the rest is then for nobody.
            let begins = match event {
                DecreeEvent::Woke(DecreeTimer::Attempt) => true,
                DecreeEvent::Woke(DecreeTimer::Retry(..))
                | DecreeEvent::Replied(..)
                | DecreeEvent::TimedOut(..) => false,
            };
            if begins {
                self.prepare_ballot();
            }
            let stale = begins && self.seats[id.index()].agent.phase() != Phase::Waiting;
            if !stale {
                self.deliver(id, incarnation, event);
            }
        }
        let seat = &mut self.seats[id.index()];
        if seat.inbox.is_empty() {
            seat.inbox = inbox;
        }
    }

    pub(super) fn skew(&mut self, id: AgentId, rate_ppm: i32) {
        let rate = 1_000_000_u32.saturating_add_signed(rate_ppm).max(1);
        let seat = &mut self.seats[id.index()];
        if seat.rate == rate {
            return;
        }
        seat.rate = rate;
        self.net.landed(FaultKind::ClockSkew);
        let text = format_args!(
            "its clock runs at {}.{:06}",
            rate / 1_000_000,
            rate % 1_000_000
        );
        self.note_fault(FaultKind::ClockSkew, Some(id), None, text);
    }

    fn store_out(&mut self, store: StoreId, span: Option<Span>) {
        if self.service[store.index()] != Service::Up {
            return;
        }
        self.service[store.index()] = Service::Out;
        self.net.landed(FaultKind::Outage);
        let count = next_spell(&mut self.outages, store);
        if let Some(span) = span {
            let after = self.net.span(span);
            self.net.wheel.put(
                self.net.now() + after,
                Event::StoreUp { store, count }.pack(),
            );
        }
        self.note_fault(
            FaultKind::Outage,
            None,
            Some(store),
            format_args!("answers nothing"),
        );
    }

    /// An outage ends: what the store was asked meanwhile happens now, in the order of asking.
    pub(super) fn store_up(&mut self, store: StoreId) {
        if self.service[store.index()] != Service::Out {
            return;
        }
        self.service[store.index()] = Service::Up;
        let mut waiting = std::mem::take(&mut self.waiting[store.index()]);
        for bits in waiting.drain(..) {
            self.net.wheel.put(self.net.now() + 1, bits);
        }
        self.waiting[store.index()] = waiting;
        self.note_fault(
            FaultKind::Outage,
            None,
            Some(store),
            format_args!("answers again"),
        );
    }

    fn store_slow(&mut self, store: StoreId, percent: u32, span: Option<Span>) {
        self.net.percent[store.index()] = percent;
        self.net.slow = true;
        self.net.landed(FaultKind::SlowStore);
        let count = next_spell(&mut self.slow_spells, store);
        if let Some(span) = span {
            let after = self.net.span(span);
            self.net.wheel.put(
                self.net.now() + after,
                Event::StoreFast { store, count }.pack(),
            );
        }
        self.note_fault(
            FaultKind::SlowStore,
            None,
            Some(store),
            format_args!("is slow"),
        );
    }

    fn forget(&mut self, store: StoreId, versions: u32) {
        if self.service[store.index()] == Service::Lost {
            return;
        }
        let hit = self.stores.forget(store, versions, self.net.now());
        if hit == 0 {
            return;
        }
        self.net.landed(FaultKind::Amnesia);
        self.oracles.envelope.landed(FaultKind::Amnesia, store);
        let text = format_args!("returns to an earlier state");
        self.note_fault_on(FaultKind::Amnesia, None, (Some(store), hit), text);
        for index in 0..self.seats.len() as u8 {
            let owner = AgentId(index);
            if hit & owner.bit() != 0 {
                let place = bivalent_core::Place { store, owner };
                self.oracles.store_model.touched(place, None);
                self.stores.mark(place, 1 << FaultKind::Amnesia.index());
                self.check_damage(owner);
            }
        }
    }

    fn lose_store(&mut self, store: StoreId) {
        if self.service[store.index()] == Service::Lost {
            return;
        }
        self.service[store.index()] = Service::Lost;
        self.net.landed(FaultKind::StoreLoss);
        let mut waiting = std::mem::take(&mut self.waiting[store.index()]);
        for bits in waiting.drain(..) {
            self.net.wheel.put(self.net.now() + 1, bits);
        }
        self.waiting[store.index()] = waiting;
        self.note_fault(
            FaultKind::StoreLoss,
            None,
            Some(store),
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

/// Whether an agent has crashed.
pub(super) const fn is_down(status: Status) -> bool {
    matches!(status, Status::Down { .. })
}
