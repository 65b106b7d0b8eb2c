//! What a run of the engine means to agents on buckets.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a system takes its own events; all others are the engine's"
)]

use std::fmt;

use bivalent_core::{AgentId, Stop, StoreId};

use super::{DueFor, Engine, Life, Objects, Part};
use crate::{
    coverage,
    dice::{Dice, Purpose, Rest},
    engine::{Participant, Status, Struck, System, is_down},
    event::{Event, INCARNATIONS_MAX},
    fault::FaultKind,
    journal::{Contest, Journal, What},
    probe::Probe,
    scenario::Scenario,
    store::{Service, bucket::Bucket},
    view::View,
};

/// Agents that are probed one by one: all run the same code.
const PROBED_MAX: usize = 8;
/// Steps that a solo probe may take.
const PROBE_STEPS: u64 = 20_000;
/// Attempts that came to nothing since the last decision that make a stall one of contention.
const ABORTS_OF_CONTENTION: u64 = 4;

impl<P: Part> System for Objects<P> {
    type Agent = Option<bivalent_core::OnObjects<P::Agent>>;
    type Own = Life;
    type Held = u64;
    type Journal = Journal;
    const LOOKS_AGAIN: bool = true;
    const AWAITED: (&'static str, &'static str) = ("nobody decides", "a decision");

    fn reset(engine: &mut Engine<Self>) {
        let this = &mut engine.system;
        this.buckets.iter_mut().for_each(Bucket::reset);
        this.flights.clear();
        this.dues.clear();
        this.store_ops = 0;
        this.decided = 0;
        this.decisions.clear();
        for participant in &mut engine.participants {
            participant.agent = None;
            participant.own = Life::default();
        }
        P::reset(engine);
    }

    fn begin(engine: &mut Engine<Self>) {
        for index in 0..engine.participants.len() as u8 {
            let start = engine.net.dice.within(Purpose::Pause, 0, engine.plan.start);
            engine.wait_for(AgentId(index), start, DueFor::Begin);
        }
    }

    #[inline]
    fn take(engine: &mut Engine<Self>, bits: u64) {
        match Event::unpack(bits) {
            Event::Op { flight } => engine.on_op(flight),
            Event::Due { due } => engine.on_due(due),
            common => engine.take_common(common),
        }
    }

    fn cover(engine: &mut Engine<Self>, _: u64) {
        let touched = std::mem::take(&mut engine.net.touched).0;
        let mut agents = 0_u64;
        for participant in &engine.participants {
            agents += match participant.status {
                Status::Down { .. } => 1 << 8,
                _ if participant.own.decided => 1 << 4,
                Status::Up | Status::Paused => u64::from(participant.own.start.is_some()),
            };
        }
        let out = engine.service.iter().filter(|&&it| it != Service::Up);
        let stores = out.count() as u64;
        engine
            .net
            .coverage
            .add(coverage::feature(touched, agents, stores));
    }

    fn crashes(engine: &mut Engine<Self>, id: AgentId) {
        let in_flight = engine
            .system
            .flights
            .iter()
            .any(|flight| flight.agent == id);
        if in_flight {
            engine.net.hit(Probe::CrashedBetweenWrites);
        }
        // What it had asked for goes on; nobody is there for the answers.
        let held = std::mem::take(&mut engine.participants[id.index()].inbox);
        for bits in held {
            match Event::unpack(bits) {
                Event::Op { flight } => {
                    engine.system.flights.take(flight);
                }
                Event::Due { due } => {
                    engine.system.dues.take(due);
                }
                other => unreachable!("nobody holds {other:?}"),
            }
        }
    }

    fn crashed(engine: &mut Engine<Self>, id: AgentId, returns: bool) {
        let participant = &mut engine.participants[id.index()];
        participant.agent = None;
        if returns {
            participant.own.decided = false;
        }
    }

    fn returns(engine: &mut Engine<Self>, id: AgentId) {
        engine.participants[id.index()].own.decided = false;
    }

    fn starts_again(engine: &mut Engine<Self>, id: AgentId, incarnation: u16) {
        if let Some(journal) = &mut engine.journal {
            journal.restarts(id, incarnation);
        }
        engine.net.observed(FaultKind::Crash);
        engine.note_restart(id);
        engine.begin_life(id);
    }

    fn goes_on(engine: &mut Engine<Self>, _: AgentId, held: Vec<u64>) {
        for bits in held {
            engine.net.wheel.put(engine.net.now() + 1, bits);
        }
    }

    fn forget(engine: &mut Engine<Self>, store: StoreId, versions: u32) {
        let hit = engine.system.buckets[store.index()].forget(versions);
        if hit.is_empty() {
            return;
        }
        let whose = hit.iter().filter_map(|name| super::carry::owner(*name));
        let whose = whose.fold(0, |set, owner| set | owner.bit());
        engine.net.landed(FaultKind::Amnesia);
        engine.net.observed(FaultKind::Amnesia);
        engine.envelope.landed(FaultKind::Amnesia, store);
        let text = format_args!("returns to an earlier state");
        engine.note_fault_on(FaultKind::Amnesia, None, (Some(store), whose), text);
    }

    fn note_fault(engine: &mut Engine<Self>, struck: Struck, what: fmt::Arguments<'_>) {
        engine.note_fault_on(struck.kind, struck.agent, (struck.store, 0), what);
    }

    fn waits(engine: &Engine<Self>) -> bool {
        engine.participants.iter().any(|it| !it.own.decided)
    }

    fn stalled(engine: &Engine<Self>) -> Vec<AgentId> {
        let undecided = |it: &&Participant<Self>| !it.own.decided && !is_down(it.status);
        let undecided = engine.participants.iter().filter(undecided);
        undecided.map(|it| it.id).collect()
    }

    fn is_contended(engine: &Engine<Self>) -> bool {
        engine.liveness.contention >= ABORTS_OF_CONTENTION
    }

    fn acts(participant: &Participant<Self>) -> bool {
        !participant.own.decided && participant.status == Status::Up
    }

    fn comes_back(participant: &Participant<Self>) -> bool {
        !participant.own.decided
    }

    /// Does some agent decide from here, with all faults gone and all others standing still?
    fn heals(engine: &Engine<Self>) -> bool {
        let undecided = engine.participants.iter().filter(|it| !it.own.decided);
        let up = undecided.clone().filter(|it| !is_down(it.status));
        let up: Vec<AgentId> = up.map(|it| it.id).collect();
        let candidates = if up.is_empty() {
            undecided.map(|it| it.id).collect()
        } else {
            up
        };
        candidates.into_iter().take(PROBED_MAX).any(|id| {
            let mut world = engine.clone();
            world.plan = std::sync::Arc::new(crate::plan::Plan {
                end: u64::MAX,
                steps_max: u64::MAX,
                ..(*engine.plan).clone()
            });
            // No luck, good or bad, and the same however the run's own choices came about.
            world.net.dice = Dice::following(Vec::new(), Rest::First);
            world.heal();
            world.solo = Some(id);
            world.liveness.over = false;
            let until = world.steps + PROBE_STEPS;
            world.go(until);
            world.participants[id.index()].own.decided
        })
    }

    fn progressed(engine: &mut Engine<Self>) {
        engine.liveness.rounds = None;
        if let Some(journal) = &mut engine.journal {
            journal.contest = Contest::default();
        }
        if engine.solo.is_some() {
            engine.liveness.over = true;
        }
    }

    fn stall_found(engine: &mut Engine<Self>, kind: &'static str, heals: bool) {
        if let Some(journal) = &mut engine.journal {
            journal.stalled(engine.steps);
        }
        engine.note(What::Stall { kind, heals });
    }

    fn stall_over(engine: &mut Engine<Self>) {
        if let Some(journal) = &mut engine.journal {
            journal.stall_over();
        }
    }

    fn healed(engine: &mut Engine<Self>) {
        engine.note(What::Healed);
    }

    fn view(engine: &Engine<Self>, scenario: &Scenario) -> View {
        engine.look(scenario)
    }

    fn see_whether_over(engine: &mut Engine<Self>) {
        let done = |it: &Participant<Self>| {
            it.own.decided
                || (!engine.healed
                    && it.status == Status::Down { returns: false }
                    && engine.plan.heal.is_none())
        };
        if engine.solo.is_none()
            && engine.system.decided > 0
            && engine.participants.iter().all(done)
        {
            engine.net.hit(Probe::AllDecided);
            engine.liveness.over = true;
        }
    }
}

impl<P: Part> Engine<Objects<P>> {
    /// An agent does nothing any more: a process that ends.
    pub(super) fn on_stopped(&mut self, id: AgentId, stop: &Stop) {
        let why = match stop {
            Stop::Fenced { by } => format!("it was started again (start {})", by.0),
            Stop::OtherSystem { store, .. } => {
                format!("{{s{}}} belongs to another system", store.0)
            }
            Stop::TooFewStores {
                answered, needed, ..
            } => format!("{answered} stores gave the answer that {needed} must give"),
            Stop::NotSetUp(store, why) => format!("{{s{}}} could not be set up: {why}", store.0),
            Stop::StartsUsedUp => "it has been started too often".to_owned(),
            Stop::Unconditional(store) => {
                format!("{{s{}}} has no conditional writes", store.0)
            }
        };
        self.note_told(id, "stops", format_args!("stops: {why}"));
        let participant = &mut self.participants[id.index()];
        participant.own.stopped = true;
        // As a process that exits: whoever looks after it starts it again, after a while.
        let returns = participant.incarnation + 1 < INCARNATIONS_MAX;
        participant.status = Status::Down { returns };
        participant.incarnation += 1;
        participant.inbox.clear();
        let incarnation = participant.incarnation;
        if returns {
            let event = Event::Restart {
                agent: id,
                incarnation,
                unfenced: false,
            };
            self.put(self.now() + self.plan.timeout, event);
        }
        Objects::<P>::see_whether_over(self);
    }

    /// Takes note of something, if notes are kept.
    pub(crate) fn note(&mut self, what: What) {
        let (step, tick) = (self.steps, self.net.now());
        if let Some(journal) = &mut self.journal {
            journal.note(step, tick, what);
        }
    }

    /// Takes note of something that an agent says of itself.
    pub(crate) fn note_told(
        &mut self,
        agent: AgentId,
        kind: &'static str,
        text: fmt::Arguments<'_>,
    ) {
        if self.journal.is_some() {
            self.note(What::Told {
                agent,
                kind,
                text: text.to_string(),
            });
        }
    }

    /// Takes note of a fault; `blocks` has the bits of those whose objects it changed or hid.
    pub(crate) fn note_fault_on(
        &mut self,
        kind: FaultKind,
        agent: Option<AgentId>,
        (store, blocks): (Option<StoreId>, u128),
        detail: fmt::Arguments<'_>,
    ) {
        if self.journal.is_some() {
            self.note(What::Fault {
                kind,
                agent,
                store,
                blocks,
                detail: detail.to_string(),
            });
        }
    }
}
