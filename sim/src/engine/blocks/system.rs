//! What a run of the engine means to agents of one decision.

use std::ops::Range;

use bivalent_core::{
    Agent, AgentId, Ballot, DecreeEvent, DecreeTimer, Incarnation, Phase, SingleDecree, StoreId,
};

use super::{Blocks, Engine, order, seat::Own};
use crate::{
    engine::{
        Before, End, Outcome, Participant, System, Trials, event,
        net::{Milestone, Port},
        view::{Valence, View},
    },
    explore::Exploration,
    protocol::member::Member,
    scenario::{Adversary, Scenario, fault::FaultKind},
};

/// Aborts since the last decision that make a stall one of contention.
const ABORTS_OF_CONTENTION: u64 = 4;

impl System for Blocks {
    type Agent = Member;
    type Own = Own;
    type Held = DecreeEvent;
    const LOOKS_AGAIN: bool = false;
    const AWAITED: (&'static str, &'static str) = ("nobody decides", "a decision");
    const HOPS: u64 = 1;
    const TRIALS: Trials = Trials {
        stalls: 8,
        seeds: 64,
        steps: 50_000,
    };

    fn reset(engine: &mut Engine<Self>) {
        let this = &mut engine.system;
        this.stores.reset();
        #[cfg(feature = "planted-bugs")]
        this.stores.plant(engine.bug);
        this.oracles.reset();
        this.decided = 0;
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
            engine.start_agent(AgentId(index as u16));
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
        let writes = engine.net.fences[id.index()] > 0;
        engine.probe_crash(id, writes);
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
            engine.participants[id.index()].decided = false;
        }
        engine.pass_duel_on(id);
    }

    fn returns(engine: &mut Engine<Self>, id: AgentId) {
        engine.participants[id.index()].decided = false;
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
        participant.agent = Member::start(&role, Incarnation(incarnation.into()), &mut port);
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
        for index in 0..engine.participants.len() as u16 {
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

    fn waits(engine: &Engine<Self>) -> bool {
        engine.participants.iter().any(|it| !it.decided)
    }

    fn is_contended(engine: &Engine<Self>) -> bool {
        engine.liveness.contention >= ABORTS_OF_CONTENTION
    }

    fn heals(engine: &Engine<Self>) -> bool {
        engine.clone().decides_from_here()
    }

    fn progressed(engine: &mut Engine<Self>) {
        engine.liveness.rounds = None;
        if Self::waits(engine) && engine.solo.is_none() {
            engine.put(engine.now() + engine.plan.stall, event::Event::StallCheck);
        }
    }

    fn healing(engine: &mut Engine<Self>) {
        engine.stop_picking();
        engine.end_duel();
    }

    fn see_whether_over(engine: &mut Engine<Self>) {
        engine.judge_whether_over();
    }

    fn outcome(engine: &Engine<Self>) -> Outcome<'_> {
        let order = &engine.system.order;
        let number = engine.value().and_then(|value| value.0.checked_sub(1));
        let value = number.and_then(|index| engine.plan.values.get(index as usize));
        Outcome {
            decided: engine.system.decided,
            is_done: engine.all_up_decided(),
            done_at: engine.system.decisions.last().copied(),
            value: value.map(String::as_str),
            probes: engine.net.probes,
            longest_wait: (order.longest_ops, order.longest_ticks),
            script_at: engine.script_at(),
            log: None,
        }
    }

    fn latencies(engine: &Engine<Self>, each: &mut dyn FnMut(u64)) {
        engine.system.decisions.iter().copied().for_each(each);
    }

    fn progress(engine: &Engine<Self>) -> usize {
        engine.system.decisions.len()
    }

    fn ballots(participant: &Participant<Self>) -> (Option<Ballot>, Option<Ballot>) {
        let block = participant.agent.block();
        (block.vote.map(|vote| vote.bal), block.mbal)
    }

    fn phase(participant: &Participant<Self>) -> Option<Phase> {
        Some(participant.agent.phase())
    }

    fn is_ordered(engine: &Engine<Self>) -> bool {
        engine.net.picked || engine.system.duel.is_some()
    }

    fn leads_alone(engine: &mut Engine<Self>, leader: AgentId) {
        let duel = engine.system.duel;
        if duel.is_some_and(|(a, b)| leader == a || leader == b) {
            engine.system.runner = Some(leader);
            engine.let_go(leader);
        }
    }

    fn is_open(engine: &Engine<Self>) -> bool {
        engine.value().is_none()
    }

    fn possible(
        engine: &Engine<Self>,
        known: Option<&Exploration>,
        samples: Range<u32>,
        seed: u64,
    ) -> Valence {
        engine.possible(known, samples, seed)
    }

    fn view(engine: &Engine<Self>, scenario: &Scenario) -> View {
        engine.view(scenario)
    }
}
