//! What a run of the engine means to agents on buckets.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a system takes its own events; all others are the engine's"
)]

use std::fmt;

use bivalent_core::{AgentId, Ballot, ObjectOp, Phase, Stop, StoreId};

use super::{DueFor, Engine, Life, Objects, Part};
use crate::{
    engine::{
        Outcome, Participant, Status, System, Trials,
        dice::{Dice, Purpose, Rest},
        event::{Event, INCARNATIONS_MAX},
        is_down,
        journal::What,
        log::{Accused, LogReport},
        view::View,
    },
    judge::coverage,
    scenario::{Scenario, fault::FaultKind},
    store::bucket::Bucket,
};

/// Agents that are probed one by one: all run the same code.
const PROBED_MAX: usize = 8;

impl<P: Part> System for Objects<P> {
    type Agent = Option<bivalent_core::OnObjects<P::Agent>>;
    type Own = Life;
    type Held = u64;
    const LOOKS_AGAIN: bool = true;
    const AWAITED: (&'static str, &'static str) = P::AWAITED;
    // A listing, and a get of what it shows; a check of a start, and a put.
    const HOPS: u64 = 2;
    const TRIALS: Trials = Trials {
        stalls: 3,
        seeds: 16,
        steps: 20_000,
    };

    fn reset(engine: &mut Engine<Self>) {
        let this = &mut engine.system;
        this.buckets.iter_mut().for_each(Bucket::reset);
        this.flights.clear();
        this.dues.clear();
        for participant in &mut engine.participants {
            participant.agent = None;
            participant.own = Life::default();
        }
        P::reset(engine);
    }

    fn begin(engine: &mut Engine<Self>) {
        for index in 0..engine.participants.len() as u16 {
            let start = engine.net.dice.within(Purpose::Pause, 0, engine.plan.start);
            engine.wait_for(AgentId(index), start, DueFor::Begin);
        }
        P::begin(engine);
    }

    #[inline]
    fn take(engine: &mut Engine<Self>, bits: u64) {
        match Event::unpack(bits) {
            Event::Op { flight } => engine.on_op(flight),
            Event::Due { due } => engine.on_due(due),
            other => P::take(engine, other),
        }
    }

    fn cover(engine: &mut Engine<Self>, _: u64) {
        let touched = std::mem::take(&mut engine.net.touched).0;
        let (agents, stores) = P::outline(engine);
        engine
            .net
            .coverage
            .add(coverage::feature(touched, agents, stores));
    }

    fn crashes(engine: &mut Engine<Self>, id: AgentId) {
        let writes = engine.system.flights.iter().any(|flight| {
            let is_write = matches!(flight.op, ObjectOp::Put { .. } | ObjectOp::Delete(_));
            is_write && flight.agent == id
        });
        engine.probe_crash(id, writes);
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
                // A client that asked a process which stood still asks again.
                _ => {}
            }
        }
    }

    fn crashed(engine: &mut Engine<Self>, id: AgentId, returns: bool) {
        let participant = &mut engine.participants[id.index()];
        participant.agent = None;
        if returns {
            participant.decided = false;
        }
    }

    fn returns(engine: &mut Engine<Self>, id: AgentId) {
        engine.participants[id.index()].decided = false;
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
        P::damaged(engine, whose);
    }

    fn is_done(engine: &Engine<Self>) -> bool {
        P::is_done(engine)
    }

    fn waits(engine: &Engine<Self>) -> bool {
        P::waits(engine)
    }

    fn is_contended(engine: &Engine<Self>) -> bool {
        engine.liveness.contention >= P::CONTENTION
    }

    /// Does some agent decide, or serve a client, from here, with all faults gone and all others standing still?
    fn heals(engine: &Engine<Self>) -> bool {
        let undecided = engine.participants.iter().filter(|it| !it.decided);
        let up = undecided.clone().filter(|it| !is_down(it.status));
        let up: Vec<AgentId> = up.map(|it| it.id).collect();
        let candidates = if up.is_empty() {
            undecided.map(|it| it.id).collect()
        } else {
            up
        };
        candidates.into_iter().take(PROBED_MAX).any(|id| {
            let mut world = engine.clone();
            world.plan = std::sync::Arc::new(crate::scenario::plan::Plan {
                end: u64::MAX,
                steps_max: u64::MAX,
                ..(*engine.plan).clone()
            });
            // No luck, good or bad, and the same however the run's own choices came about.
            world.net.dice = Dice::following(Vec::new(), Rest::First);
            world.heal();
            world.solo = Some(id);
            world.liveness.over = false;
            // What the others have in flight and their alarms are steps too, and come to nothing.
            let others = world.participants.len() as u64 / 8;
            let until = world.steps + P::PROBE_STEPS * (1 + others);
            world.go(until);
            world.liveness.over
        })
    }

    fn progressed(engine: &mut Engine<Self>) {
        P::progressed(engine);
        if engine.solo.is_some() {
            engine.liveness.over = true;
        }
    }

    fn wind_up(engine: &mut Engine<Self>) {
        P::wind_up(engine);
    }

    fn outcome(engine: &Engine<Self>) -> Outcome<'_> {
        P::outcome(engine)
    }

    fn latencies(engine: &Engine<Self>, each: &mut dyn FnMut(u64)) {
        P::latencies(engine, each);
    }

    fn log_report(engine: &Engine<Self>) -> Option<LogReport> {
        P::log_report(engine)
    }

    fn accused(engine: &Engine<Self>) -> Accused {
        P::accused(engine)
    }

    fn progress(engine: &Engine<Self>) -> usize {
        P::progress(engine)
    }

    fn ballots(participant: &Participant<Self>) -> (Option<Ballot>, Option<Ballot>) {
        let agent = participant.agent.as_ref();
        let inner = agent.and_then(bivalent_core::OnObjects::inner);
        inner.map_or((None, None), P::ballots)
    }

    fn phase(participant: &Participant<Self>) -> Option<Phase> {
        let agent = participant.agent.as_ref();
        agent
            .and_then(bivalent_core::OnObjects::inner)
            .and_then(P::phase)
    }

    fn view(engine: &Engine<Self>, scenario: &Scenario) -> View {
        engine.look(scenario)
    }

    fn see_whether_over(engine: &mut Engine<Self>) {
        P::see_whether_over(engine);
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
        P::see_whether_over(self);
    }

    /// Takes note of something that an agent says of itself.
    pub(super) fn note_told(
        &mut self,
        agent: AgentId,
        kind: &'static str,
        text: fmt::Arguments<'_>,
    ) {
        if self.journal.is_some() {
            let text = text.to_string();
            self.note(What::Told { agent, kind, text });
        }
    }
}
