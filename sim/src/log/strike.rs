//! Rules strike a log's run: agents crash, pause and drift, stores fail, and conditions come true.

use bivalent_core::{AgentId, StoreId};

use super::{Event, LogEngine, Who, liveness::is_down, machines::Load};
use crate::{
    dice::Purpose,
    engine::Status,
    event::INCARNATIONS_MAX,
    fault::{Fault, FaultKind, Happening, Span, Trigger},
    probe::Probe,
    store::Service,
};

impl<L: Load> LogEngine<L> {
    pub(super) fn set_triggers(&mut self) {
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

    /// Something happened that some rule waits for.
    #[cold]
    pub(super) fn happened(&mut self, what: Happening, agent: AgentId, store: Option<StoreId>) {
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
        let up = |status| status == Status::Up;
        match fault {
            Fault::Crash {
                agents, restart, ..
            } => {
                if let Some(id) = self.pick_agent(agents, agent, |status| !is_down(status)) {
                    self.crash(id, lasts.or(restart));
                }
            }
            Fault::Restart { agents } => self.restart_one(agents),
            Fault::Pause { agents, span } => {
                if let Some(id) = self.pick_agent(agents, agent, up) {
                    self.pause(id, lasts.or(span));
                }
            }
            Fault::ClockSkew { agents, rate_ppm } => {
                if let Some(id) = self.pick_agent(agents, agent, |_| true) {
                    self.skew(id, rate_ppm);
                }
            }
            Fault::Outage { stores, span } => {
                if let Some(id) = self.pick_store(stores, store) {
                    self.store_out(id, lasts.or(span));
                }
            }
            Fault::SlowStore {
                stores,
                percent,
                span,
            } => {
                if let Some(id) = self.pick_store(stores, store) {
                    self.store_slow(id, percent, lasts.or(span));
                }
            }
            Fault::Amnesia { stores, versions } => {
                if let Some(id) = self.pick_store(stores, store) {
                    self.forget(id, versions);
                }
            }
            Fault::StoreLoss { stores } => {
                if let Some(id) = self.pick_store(stores, store) {
                    self.lose_store(id);
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
        let fitting = |id: &AgentId| agents & id.bit() != 0 && fits(self.seats[id.index()].status);
        if let Some(hint) = hint.filter(fitting) {
            return Some(hint);
        }
        let ids: Vec<AgentId> = self
            .seats
            .iter()
            .map(|seat| seat.id)
            .filter(fitting)
            .collect();
        self.pick(&ids)
    }

    fn pick_store(&mut self, stores: u16, hint: Option<StoreId>) -> Option<StoreId> {
        let fits =
            |id: &StoreId| stores & id.bit() != 0 && self.service[id.index()] != Service::Lost;
        if let Some(hint) = hint.filter(fits) {
            return Some(hint);
        }
        let ids: Vec<StoreId> = (0..self.service.len() as u8)
            .map(StoreId)
            .filter(fits)
            .collect();
        self.pick(&ids)
    }

    fn pick<T: Copy>(&mut self, ids: &[T]) -> Option<T> {
        match ids {
            [] => None,
            [only] => Some(*only),
            _ => {
                let nth = self.net.dice.below(Purpose::Fault, ids.len() as u64);
                Some(ids[nth as usize])
            }
        }
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

    pub(super) fn crash(&mut self, id: AgentId, restart: Option<Span>) {
        let seat = &self.seats[id.index()];
        if is_down(seat.status) || self.solo.is_some() {
            return;
        }
        let returns = restart.is_some() && seat.incarnation + 1 < INCARNATIONS_MAX;
        let writes = self
            .flights
            .any(|flight| flight.agent == id && flight.op.is_write());
        if writes {
            self.net.hit(Probe::CrashedBetweenWrites);
        }
        self.net.landed(FaultKind::Crash);
        let seat = &mut self.seats[id.index()];
        seat.status = Status::Down { returns };
        seat.incarnation += 1;
        let incarnation = seat.incarnation;
        // What it had asked for goes on; nobody is there for the answers.
        let held = std::mem::take(&mut seat.held);
        for bits in held {
            if let Event::Op { flight } = Event::unpack(bits) {
                self.flights.free(flight);
            }
        }
        if let Some(span) = restart.filter(|_| returns) {
            let after = self.net.span(span);
            let event = Event::Restart {
                agent: id,
                incarnation,
            };
            self.put(self.now() + after, event);
        }
        let after = if returns {
            "crashes"
        } else {
            "crashes for good"
        };
        self.note(
            Who::Struck(id, FaultKind::Crash),
            "crashed",
            format_args!("{after}"),
        );
        self.see_whether_over();
    }

    /// Restarts one of the crashed agents in a set.
    pub(super) fn restart_one(&mut self, agents: u128) {
        if let Some(id) = self.pick_agent(agents, None, is_down)
            && self.seats[id.index()].incarnation + 1 < INCARNATIONS_MAX
        {
            self.net.landed(FaultKind::Restart);
            self.restart_later(id);
        }
    }

    pub(super) fn restart_later(&mut self, id: AgentId) {
        let seat = &mut self.seats[id.index()];
        seat.status = Status::Down { returns: true };
        let incarnation = seat.incarnation;
        let event = Event::Restart {
            agent: id,
            incarnation,
        };
        self.put(self.now() + 1, event);
    }

    pub(super) fn on_restart(&mut self, id: AgentId, incarnation: u16) {
        let seat = &self.seats[id.index()];
        if seat.incarnation != incarnation || !is_down(seat.status) {
            return;
        }
        self.vows.restarted(id, incarnation);
        self.begin_life(id);
        self.net.observed(FaultKind::Crash);
        if let Some(journal) = &mut self.journal {
            journal.causality.restarted(id, incarnation);
        }
        self.note(
            Who::Struck(id, FaultKind::Restart),
            "restarted",
            format_args!("starts again"),
        );
        self.carry_out(id);
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
            self.put(self.now() + after, Event::Wake { agent: id, count });
        }
        self.note(
            Who::Struck(id, FaultKind::Pause),
            "fault",
            format_args!("stands still"),
        );
    }

    /// A paused agent goes on; what came meanwhile is taken in now, in order.
    pub(super) fn wake(&mut self, id: AgentId) {
        let seat = &mut self.seats[id.index()];
        if seat.status != Status::Paused {
            return;
        }
        seat.status = Status::Up;
        let held = std::mem::take(&mut seat.held);
        for bits in held {
            self.net.wheel.put(self.net.now() + 1, bits);
        }
        self.note(
            Who::Struck(id, FaultKind::Pause),
            "fault",
            format_args!("wakes"),
        );
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
        self.note(Who::Struck(id, FaultKind::ClockSkew), "fault", text);
    }

    fn note_store(&mut self, store: StoreId, kind: FaultKind, what: &str) {
        self.note(Who::Store(store, kind), "fault", format_args!("{what}"));
    }

    fn store_out(&mut self, store: StoreId, span: Option<Span>) {
        if self.service[store.index()] != Service::Up {
            return;
        }
        self.service[store.index()] = Service::Out;
        self.net.landed(FaultKind::Outage);
        let spell = &mut self.outages[store.index()];
        *spell = spell.wrapping_add(1);
        let count = *spell;
        if let Some(span) = span {
            let after = self.net.span(span);
            self.put(self.now() + after, Event::StoreUp { store, count });
        }
        self.note_store(store, FaultKind::Outage, "answers nothing");
    }

    /// An outage ends: what the store was asked meanwhile happens now, in the order of asking.
    pub(super) fn store_up(&mut self, store: StoreId) {
        if self.service[store.index()] != Service::Out {
            return;
        }
        self.service[store.index()] = Service::Up;
        for bits in std::mem::take(&mut self.waiting[store.index()]) {
            self.net.wheel.put(self.net.now() + 1, bits);
        }
        self.note_store(store, FaultKind::Outage, "answers again");
    }

    fn store_slow(&mut self, store: StoreId, percent: u32, span: Option<Span>) {
        self.net.percent[store.index()] = percent;
        self.net.slow = true;
        self.net.landed(FaultKind::SlowStore);
        let spell = &mut self.slow_spells[store.index()];
        *spell = spell.wrapping_add(1);
        let count = *spell;
        if let Some(span) = span {
            let after = self.net.span(span);
            self.put(self.now() + after, Event::StoreFast { store, count });
        }
        self.note_store(store, FaultKind::SlowStore, "is slow");
    }

    /// A store returns to an earlier state, or to none: as if an empty one had taken its place.
    fn forget(&mut self, store: StoreId, versions: u32) {
        let there = &mut self.kept[store.index()];
        if self.service[store.index()] == Service::Lost || there.is_empty() {
            return;
        }
        let whole = versions == u32::MAX || versions as usize >= there.remembered();
        let hit = if whole {
            there.clear();
            true
        } else {
            let at = there.before_writes(versions as usize);
            at.is_some_and(|at| there.return_to(at))
        };
        if !hit {
            return;
        }
        self.net.landed(FaultKind::Amnesia);
        self.net.observed(FaultKind::Amnesia);
        self.envelope.landed(FaultKind::Amnesia, store);
        self.note_store(store, FaultKind::Amnesia, "returns to an earlier state");
    }

    fn lose_store(&mut self, store: StoreId) {
        if self.service[store.index()] == Service::Lost {
            return;
        }
        self.service[store.index()] = Service::Lost;
        self.net.landed(FaultKind::StoreLoss);
        for bits in std::mem::take(&mut self.waiting[store.index()]) {
            self.net.wheel.put(self.net.now() + 1, bits);
        }
        self.note_store(store, FaultKind::StoreLoss, "is gone for good");
    }
}
