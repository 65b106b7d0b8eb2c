//! What a run of the engine means to agents of one decision.

use std::fmt;

use bivalent_core::{
    Agent, AgentId, DecreeEvent, DecreeTimer, Incarnation, Phase, SingleDecree, StoreId,
};

use super::{Blocks, Engine, order, seat::Own};
use crate::{
    engine::{
        Before, End, Participant, Status, Struck, System, is_down,
        net::{Milestone, Port},
    },
    event,
    fault::FaultKind,
    journal::{Contest, Journal, Note, What},
    member::Member,
    probe::Probe,
    scenario::{Adversary, Scenario},
    view::View,
};

/// Aborts since the last decision that make a stall one of contention.
const ABORTS_OF_CONTENTION: u64 = 4;

impl crate::engine::Journal for Journal {
    type Note = Note;

    fn telling(_: usize) -> Self {
        Self {
            tells: true,
            ..Self::default()
        }
    }

    fn digest(&mut self, digest: u16) {
        self.digests.push(digest);
    }

    fn take_told(&mut self) -> (Vec<u16>, Vec<Note>) {
        (
            std::mem::take(&mut self.digests),
            std::mem::take(&mut self.notes),
        )
    }
}

impl System for Blocks {
    type Agent = Member;
    type Own = Own;
    type Held = DecreeEvent;
    type Journal = Journal;
    const LOOKS_AGAIN: bool = false;
    const AWAITED: (&'static str, &'static str) = ("nobody decides", "a decision");

    fn reset(engine: &mut Engine<Self>) {
        let this = &mut engine.system;
        this.stores.reset();
        #[cfg(feature = "planted-bugs")]
        this.stores.plant(engine.bug);
        this.oracles.reset();
        this.store_ops = 0;
        this.decided = 0;
        this.first_is_enough = false;
        this.decisions.clear();
        this.value = None;
        this.duel = match *engine.plan.adversary.at_first() {
            Adversary::Duel(a, b) => Some((AgentId(a), AgentId(b))),
            Adversary::Random
            | Adversary::Fair
            | Adversary::Pct { .. }
            | Adversary::Pos
            | Adversary::Oblivious
            | Adversary::ContentAware
            | Adversary::StateAware
            | Adversary::KeepBivalent
            | Adversary::Script(_) => None,
        };
        this.order.begin(&engine.plan, &mut engine.net.dice);
        this.runner = this.duel.map(|(first, _)| first);
        for participant in &mut engine.participants {
            participant.own.reset();
        }
    }

    fn begin(engine: &mut Engine<Self>) {
        for index in 0..engine.participants.len() {
            engine.start_agent(AgentId(index as u8));
        }
    }

    fn begun(engine: &mut Engine<Self>) {
        // Each rule's events once more. They change nothing (`on_time`), and once did: rules that may strike several times
        // struck twice. They stay because every event is a step and part of the fingerprint: without them no trace,
        // pinned run or step number of a scenario with such rules would be the same.
        engine.set_triggers();
    }

    #[inline]
    fn before(engine: &mut Engine<Self>) -> Option<Before> {
        if engine.steps >= engine.system.order.takes_over {
            engine.take_over();
        }
        if !engine.net.picked {
            return None;
        }
        match engine.pick() {
            order::Pick::Made => None,
            order::Pick::Acted => Some(Before::Acted),
            order::Pick::Misfit => Some(Before::Ended(End::Misfit)),
        }
    }

    #[inline]
    fn take(engine: &mut Engine<Self>, bits: u64) {
        if engine.net.picked {
            engine.picked_takes_effect(bits);
        }
        match event::kind(bits) {
            event::KIND_READ => engine.on_read(bits),
            event::KIND_WRITE => engine.on_write(bits),
            _ => engine.on_rare(bits),
        }
    }

    fn cover(engine: &mut Engine<Self>, bits: u64) {
        engine.note_feature(bits);
    }

    fn crashes(engine: &mut Engine<Self>, id: AgentId) {
        if engine.net.fences[id.index()] > 0 {
            engine.net.hit(Probe::CrashedBetweenWrites);
        }
        if engine.participants[id.index()].agent.phase() == Phase::Two {
            engine.net.hit(Probe::CrashedInPhase2);
        }
    }

    fn crash_in_words(engine: &Engine<Self>, returns: bool) -> &'static str {
        // Whoever follows a script may still be told to start again.
        if returns || engine.is_scripted() {
            "crashes"
        } else {
            "crashes for good"
        }
    }

    fn crashed(engine: &mut Engine<Self>, id: AgentId, returns: bool) {
        if returns {
            engine.participants[id.index()].own.decided = false;
        }
        engine.pass_duel_on(id);
    }

    fn returns(engine: &mut Engine<Self>, id: AgentId) {
        engine.participants[id.index()].own.decided = false;
    }

    fn is_fenced(engine: &Engine<Self>, id: AgentId, unfenced: bool) -> bool {
        #[cfg(feature = "planted-bugs")]
        let unfenced = unfenced || engine.restarts_unfenced();
        !unfenced && engine.net.fences[id.index()] > 0
    }

    fn starts_again(engine: &mut Engine<Self>, id: AgentId, incarnation: u16) {
        if let Some(journal) = &mut engine.journal {
            journal.restarts(id, incarnation);
        }
        let role = engine.role(id);
        let participant = &mut engine.participants[id.index()];
        participant.own.aborts = 0;
        #[cfg(feature = "planted-bugs")]
        {
            participant.own.above = None;
        }
        let mut port = Port {
            net: &mut engine.net,
            agent: id,
            incarnation,
            rate: participant.rate,
        };
        participant.agent = Member::start(&role, Incarnation(incarnation), &mut port);
        engine.net.observed(FaultKind::Crash);
        match engine.net.milestone.take() {
            Some(Milestone::Over {
                recovered,
                above,
                alarm,
            }) => engine.on_over(id, Phase::Recovering, (recovered, above), alarm),
            Some(Milestone::Alarm(pause)) => {
                engine.set_alarm(id, pause);
                engine.begin_at_once(id);
            }
            Some(Milestone::Decided(value)) => engine.on_decide(id, value),
            None => {}
        }
        engine.note_restart(id);
    }

    fn goes_on(engine: &mut Engine<Self>, id: AgentId, mut held: Vec<DecreeEvent>) {
        let incarnation = engine.participants[id.index()].incarnation;
        for event in held.drain(..) {
            let begins = match event {
                DecreeEvent::Woke(DecreeTimer::Attempt) => true,
                DecreeEvent::Woke(DecreeTimer::Retry(..))
                | DecreeEvent::Replied(..)
                | DecreeEvent::TimedOut(..) => false,
            };
            if begins {
                engine.prepare_ballot();
            }
            // A step of it may bring its crash about; the rest is then for nobody.
            let stale = begins && engine.participants[id.index()].agent.phase() != Phase::Waiting;
            if !stale {
                engine.deliver(id, incarnation, event);
            }
        }
        let participant = &mut engine.participants[id.index()];
        if participant.inbox.is_empty() {
            participant.inbox = held;
        }
    }

    fn forget(engine: &mut Engine<Self>, store: StoreId, versions: u32) {
        let hit = engine
            .system
            .stores
            .forget(store, versions, engine.net.now());
        if hit == 0 {
            return;
        }
        engine.net.landed(FaultKind::Amnesia);
        engine.envelope.landed(FaultKind::Amnesia, store);
        let text = format_args!("returns to an earlier state");
        engine.note_fault_on(FaultKind::Amnesia, None, (Some(store), hit), text);
        for index in 0..engine.participants.len() as u8 {
            let owner = AgentId(index);
            if hit & owner.bit() != 0 {
                let place = bivalent_core::Place { store, owner };
                engine.system.oracles.store_model.touched(place, None);
                engine
                    .system
                    .stores
                    .mark(place, 1 << FaultKind::Amnesia.index());
                engine.check_damage(owner);
            }
        }
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

    fn heals(engine: &Engine<Self>) -> bool {
        engine.clone().decides_from_here()
    }

    fn progressed(engine: &mut Engine<Self>) {
        engine.liveness.rounds = None;
        if let Some(journal) = &mut engine.journal {
            journal.contest = Contest::default();
        }
        if Self::waits(engine) && engine.solo.is_none() {
            engine.put(engine.now() + engine.plan.stall, event::Event::StallCheck);
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

    fn healing(engine: &mut Engine<Self>) {
        engine.stop_picking();
        engine.end_duel();
    }

    fn healed(engine: &mut Engine<Self>) {
        engine.note(What::Healed);
    }

    fn see_whether_over(engine: &mut Engine<Self>) {
        engine.judge_whether_over();
    }

    fn view(engine: &Engine<Self>, scenario: &Scenario) -> View {
        engine.view(scenario)
    }
}
