//! What a run of the engine means to replicas and their clients.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a system takes its own events; all others are the engine's"
)]

use std::fmt;

use bivalent_core::{AgentId, Replica, StoreId};

use super::{
    Book, Charges, Clients, History, Log, LogEngine, LogJournal, Own, Shelf, diary::Who,
    machines::Load,
};
use crate::{
    dice::Purpose,
    engine::{Participant, Status, Struck, System, is_down},
    event::{Event, LogEvent, Turn},
    fault::FaultKind,
    probe::Probe,
    scenario::Scenario,
    view::View,
};

/// Leaders since the last answer that make a stall one of contention.
const LEADERS_OF_CONTENTION: u64 = 3;

impl<L: Load> System for Log<L> {
    type Agent = Replica<L::Machine>;
    type Own = Own;
    type Held = u64;
    type Journal = LogJournal;
    const LOOKS_AGAIN: bool = true;
    const AWAITED: (&'static str, &'static str) = ("no client is answered", "an answer");

    fn reset(engine: &mut LogEngine<L>) {
        let this = &mut engine.system;
        this.kept.iter_mut().for_each(Shelf::clear);
        this.flights.clear();
        this.book = Book::new(this.load.machine());
        this.vows.reset();
        this.tally.reset();
        this.done_at = None;
        this.history = History::Unknown;
        this.charges = Charges::default();
        let (at, each) = (this.workload.at, this.workload.clients);
        let homes = (0..engine.plan.agents as u8)
            .map(AgentId)
            .filter(|id| at & id.bit() != 0)
            .flat_map(|id| std::iter::repeat_n(id, each as usize));
        this.clients = Clients::new(homes, this.workload.requests);
        for participant in &mut engine.participants {
            participant.own = Own::default();
        }
    }

    fn begin(engine: &mut LogEngine<L>) {
        for index in 0..engine.participants.len() as u8 {
            engine.begin_life(AgentId(index));
            engine.carry_out(AgentId(index));
        }
        for client in 0..engine.system.clients.all.len() as u32 {
            let start = engine.plan.start;
            let begins = engine.net.dice.within(Purpose::Pause, 0, start).max(1);
            engine.system.clients.all[client as usize].due = begins;
            let next = LogEvent::Client {
                client,
                count: 0,
                turn: Turn::Next,
            };
            engine.put(begins, Event::Log(next));
        }
    }

    fn take(engine: &mut LogEngine<L>, bits: u64) {
        match Event::unpack(bits) {
            Event::Log(event) => engine.take_own(event, bits),
            common => engine.take_common(common),
        }
    }

    fn cover(engine: &mut LogEngine<L>, _: u64) {
        engine.note_feature();
    }

    fn crashes(engine: &mut LogEngine<L>, id: AgentId) {
        let flights = &mut engine.system.flights;
        if flights.any(|flight| flight.agent == id && flight.op.is_write()) {
            engine.net.hit(Probe::CrashedBetweenWrites);
        }
        // What it had asked for goes on; nobody is there for the answers.
        for &bits in &engine.participants[id.index()].inbox {
            if let Event::Log(LogEvent::Op { flight }) = Event::unpack(bits) {
                flights.free(flight);
            }
        }
    }

    fn starts_again(engine: &mut LogEngine<L>, id: AgentId, incarnation: u16) {
        engine.system.vows.restarted(id, incarnation);
        engine.begin_life(id);
        engine.net.observed(FaultKind::Crash);
        if let Some(journal) = &mut engine.journal {
            journal.causality.restarted(id, incarnation);
        }
        engine.note_restart(id);
        engine.carry_out(id);
    }

    fn goes_on(engine: &mut LogEngine<L>, _: AgentId, held: Vec<u64>) {
        for bits in held {
            engine.net.wheel.put(engine.net.now() + 1, bits);
        }
    }

    fn forget(engine: &mut LogEngine<L>, store: StoreId, versions: u32) {
        let there = &mut engine.system.kept[store.index()];
        if there.is_empty() {
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
        let kind = FaultKind::Amnesia;
        engine.net.landed(kind);
        engine.net.observed(kind);
        engine.envelope.landed(kind, store);
        engine.note_fault(kind, store, format_args!("returns to an earlier state"));
    }

    fn note_fault(engine: &mut LogEngine<L>, struck: Struck, what: fmt::Arguments<'_>) {
        let who = match (struck.agent, struck.store) {
            (Some(agent), _) => Who::Struck(agent, struck.kind),
            (None, Some(store)) => Who::Store(store, struck.kind),
            (None, None) => Who::World,
        };
        let word = if struck.kind == FaultKind::Crash {
            "crashed"
        } else if struck.kind == FaultKind::Restart {
            "restarted"
        } else {
            "fault"
        };
        engine.note(who, word, what);
    }

    fn is_done(engine: &LogEngine<L>) -> bool {
        engine.system.done_at.is_some()
    }

    fn waits(engine: &LogEngine<L>) -> bool {
        engine.system.clients.wait()
    }

    fn stalled(engine: &LogEngine<L>) -> Vec<AgentId> {
        let up = engine.participants.iter().filter(|it| !is_down(it.status));
        up.map(|it| it.id).collect()
    }

    fn is_contended(engine: &LogEngine<L>) -> bool {
        engine.liveness.contention >= LEADERS_OF_CONTENTION
    }

    fn acts(participant: &Participant<Self>) -> bool {
        participant.status == Status::Up
    }

    fn comes_back(_: &Participant<Self>) -> bool {
        true
    }

    fn heals(engine: &LogEngine<L>) -> bool {
        engine.is_answered_from_here()
    }

    fn progressed(engine: &mut LogEngine<L>) {
        engine.liveness.over |= engine.solo.is_some();
    }

    fn stall_found(engine: &mut LogEngine<L>, kind: &'static str, _: bool) {
        engine.note(Who::World, "stall", format_args!("a stall: {kind}"));
    }

    fn healed(engine: &mut LogEngine<L>) {
        engine.note(Who::World, "healed", format_args!("everything heals"));
    }

    fn see_whether_over(engine: &mut LogEngine<L>) {
        engine.judge_whether_over();
    }

    fn wind_up(engine: &mut LogEngine<L>) {
        engine.judge_the_whole();
    }

    fn view(engine: &LogEngine<L>, scenario: &Scenario) -> View {
        engine.view(scenario)
    }
}
