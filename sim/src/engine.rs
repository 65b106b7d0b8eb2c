//! The engine: takes events in order, lets agents and stores act, and keeps the account.
//!
//! One run is one seed. What every run has in common is here: the queue, faults that strike agents and stores, pauses
//! and restarts, stalls, the heal. What agents ask of stores, and what it means, is a `System`'s: blocks on disks
//! (`blocks.rs`), or objects in buckets (`objects.rs`), of one decision (`decree.rs`) or of a log (`log.rs`).

#![expect(
    private_bounds,
    reason = "the systems are those of this crate, and nobody else names one"
)]

mod account;
pub mod blocks;
pub mod causality;
pub(crate) mod decree;
pub(crate) mod dice;
mod due;
pub(crate) mod event;
pub(crate) mod fingerprint;
pub(crate) mod invariants;
pub(crate) mod journal;
mod liveness;
pub mod log;
pub(crate) mod nearness;
pub(crate) mod net;
pub mod objects;
mod participant;
mod probes;
mod remedy;
mod run;
pub mod runner;
mod running;
pub(crate) mod slab;
pub mod stall;
pub(crate) mod strike;
pub mod view;
pub(crate) mod wheel;

use std::{
    fmt::{self, Debug},
    ops::Range,
    sync::Arc,
};

use bivalent_core::{AgentId, Ballot, Phase, StoreId};

use crate::{
    engine::{
        event::Event,
        fingerprint::Fingerprint,
        journal::{Journal, What},
        log::Accused,
        view::{Valence, View},
    },
    explore::Exploration,
    judge::{
        oracle::envelope::Accounting,
        report::{LogReport, Violation},
    },
    scenario::{
        Scenario,
        fault::{FaultKind, Happening},
        plan::Plan,
        planted::Planted,
    },
    store::Service,
};

use net::Net;

pub use crate::judge::verdict::End;
pub(crate) use account::Outcome;
pub(crate) use due::About;
pub(crate) use liveness::Liveness;
pub(crate) use participant::{Participant, Status, TRUE_RATE, is_down};
pub use remedy::Intervention;
pub(crate) use remedy::{Change, Trials};
pub(crate) use running::Running;

/// Agents of one protocol, the stores they use, who is served, and who judges: what differs from one kind of run to
/// another.
pub(crate) trait System: Clone + Debug + Sized + 'static {
    /// An agent.
    type Agent: Clone + Debug;
    /// What is kept for each agent beside its place in the run.
    type Own: Clone + Debug + Default;
    /// Something that came for an agent while it stood still.
    type Held: Clone + Debug;
    /// A stall is looked for again and again, and not only after each decision.
    const LOOKS_AGAIN: bool;
    /// What makes a stall if it goes on, and without what.
    const AWAITED: (&'static str, &'static str);
    /// Operations on a store, one after the other, that an agent's read or write comes to.
    const HOPS: u64;
    /// How long remedies of stalls are tried.
    const TRIALS: Trials;

    /// Empties its stores and accounts for a new run.
    fn reset(engine: &mut Engine<Self>);

    /// The first steps of agents and clients.
    fn begin(engine: &mut Engine<Self>);

    /// Everything that comes of itself is in the queue.
    fn begun(_: &mut Engine<Self>) {}

    /// Before the next event is taken: an end, or something that was a step of its own.
    #[inline]
    fn before(_: &mut Engine<Self>) -> Option<Before> {
        None
    }

    /// Takes an event; those that are not its own it hands to [`Engine::take_common`].
    fn take(engine: &mut Engine<Self>, bits: u64);

    /// Notes the feature of the step that has just been taken.
    fn cover(engine: &mut Engine<Self>, bits: u64);

    /// An agent is about to crash.
    fn crashes(engine: &mut Engine<Self>, id: AgentId);

    /// What a crash is called in its story.
    fn crash_in_words(_: &Engine<Self>, returns: bool) -> &'static str {
        if returns {
            "crashes"
        } else {
            "crashes for good"
        }
    }

    /// An agent has crashed.
    fn crashed(_: &mut Engine<Self>, _: AgentId, _returns: bool) {}

    /// A restart of an agent is on its way.
    fn returns(_: &mut Engine<Self>, _: AgentId) {}

    /// Whether a restart has to wait for something that the dead have in flight.
    fn is_fenced(_: &Engine<Self>, _: AgentId, _unfenced: bool) -> bool {
        false
    }

    /// An agent starts again.
    fn starts_again(engine: &mut Engine<Self>, id: AgentId, incarnation: u16);

    /// An agent goes on: what came meanwhile is taken in.
    fn goes_on(engine: &mut Engine<Self>, id: AgentId, held: Vec<Self::Held>);

    /// A store returns to the state of some writes ago, or to none for `u32::MAX`.
    fn forget(engine: &mut Engine<Self>, store: StoreId, versions: u32);

    /// Nothing is waited for any more, whatever else happens.
    fn is_done(_: &Engine<Self>) -> bool {
        false
    }

    /// Whether somebody waits for a decision or an answer.
    fn waits(engine: &Engine<Self>) -> bool;

    /// Whether a stall from here is one of contention.
    fn is_contended(engine: &Engine<Self>) -> bool;

    /// Whether a fault-free run from this very state comes to something with one agent alone.
    fn heals(engine: &Engine<Self>) -> bool;

    /// Something was decided, or a client answered.
    fn progressed(engine: &mut Engine<Self>);

    /// Everything heals: what the system itself holds back goes on.
    fn healing(_: &mut Engine<Self>) {}

    /// Ends the run if everyone who will ever take a step has what he wanted.
    fn see_whether_over(engine: &mut Engine<Self>);

    /// What can be judged only when a run is over.
    fn wind_up(_: &mut Engine<Self>) {}

    /// What the run has come to.
    fn outcome(engine: &Engine<Self>) -> Outcome<'_>;

    /// Times to decision, or from asking to the answer, ticks.
    fn latencies(engine: &Engine<Self>, each: &mut dyn FnMut(u64));

    /// What a log's run came to, beside its verdict.
    fn log_report(_: &Engine<Self>) -> Option<LogReport> {
        None
    }

    /// What is wrong with the whole of a log's run that is over.
    fn accused(_: &Engine<Self>) -> Accused {
        Accused::default()
    }

    /// How many decisions there have been, or answers to clients.
    fn progress(engine: &Engine<Self>) -> usize;

    /// The ballots of an agent's vote and of its promise: who has the greatest is foremost.
    fn ballots(participant: &Participant<Self>) -> (Option<Ballot>, Option<Ballot>);

    /// Which phase of one decision an agent is in; none if it takes part in none.
    fn phase(participant: &Participant<Self>) -> Option<Phase>;

    /// Whether an adversary picks operations or holds them back.
    fn is_ordered(_: &Engine<Self>) -> bool {
        false
    }

    /// All others stand still: whoever was held back for their sake goes on.
    fn leads_alone(_: &mut Engine<Self>, _: AgentId) {}

    /// Whether which value is decided can be asked from here: nobody has decided one.
    fn is_open(_: &Engine<Self>) -> bool {
        false
    }

    /// Which values can still be decided from here; none where that is not asked.
    fn possible(
        _: &Engine<Self>,
        _known: Option<&Exploration>,
        _samples: Range<u32>,
        _seed: u64,
    ) -> Valence {
        Valence::default()
    }

    /// The world as it is, without what was noted.
    fn view(engine: &Engine<Self>, scenario: &Scenario) -> View;
}

/// What came before an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Before {
    /// A step was taken.
    Acted,
    /// The run can't go on.
    Ended(End),
}

/// Whom a fault struck.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Struck {
    /// Which kind it is.
    pub(crate) kind: FaultKind,
    /// The agent, if it is one.
    pub(crate) agent: Option<AgentId>,
    /// The store, if it is one.
    pub(crate) store: Option<StoreId>,
}

/// A simulator of one scenario, to be run with many seeds.
#[derive(Clone, Debug)]
pub struct Engine<S: System> {
    pub(crate) plan: Arc<Plan>,
    pub(crate) net: Net,
    pub(crate) participants: Vec<Participant<S>>,
    pub(crate) service: Vec<Service>,
    /// Requests that wait for a store to come back.
    pub(crate) waiting: Vec<Vec<u64>>,
    /// Tells one outage of a store from the next.
    pub(crate) outages: Vec<u16>,
    /// The same for its slowness: the two may overlap, and neither ends the other.
    pub(crate) slow_spells: Vec<u16>,
    pub(crate) envelope: Accounting,
    /// What oracles found, one a property, by step.
    pub(crate) violations: Vec<Violation>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) journal: Option<Box<Journal>>,
    pub(crate) steps: u64,
    /// Operations that arrived at a store.
    pub(crate) store_ops: u64,
    /// Only this agent takes steps: a solo probe.
    pub(crate) solo: Option<AgentId>,
    pub(crate) healed: bool,
    pub(crate) liveness: Liveness,
    /// Which happenings some rule waits for.
    pub(crate) awaited: u32,
    #[cfg(feature = "planted-bugs")]
    pub(crate) bug: Option<bivalent_core::Bug>,
    pub(crate) system: S,
}

impl<S: System> Engine<S> {
    /// An engine of a system, with its agents before their first start.
    pub(crate) fn of(
        planted: Planted,
        plan: Arc<Plan>,
        system: S,
        agent: impl Fn(AgentId) -> S::Agent,
    ) -> Self {
        let ids = (0..plan.agents as u16).map(AgentId);
        let mut engine = Self {
            participants: ids.map(|id| Participant::new(id, agent(id))).collect(),
            service: vec![Service::Up; plan.stores],
            waiting: vec![Vec::new(); plan.stores],
            outages: vec![0; plan.stores],
            slow_spells: vec![0; plan.stores],
            envelope: Accounting::new(&plan),
            violations: Vec::new(),
            fingerprint: Fingerprint::new(),
            journal: None,
            steps: 0,
            store_ops: 0,
            solo: None,
            healed: false,
            liveness: Liveness::default(),
            awaited: strike::awaited(&plan),
            net: Net::new(Arc::clone(&plan)),
            plan,
            #[cfg(feature = "planted-bugs")]
            bug: None,
            system,
        };
        engine.plant_any(planted);
        engine
    }

    /// Gives every agent a planted bug from the next run on.
    #[cfg(feature = "planted-bugs")]
    pub fn plant(&mut self, bug: Option<bivalent_core::Bug>) {
        self.bug = bug;
    }

    /// Gives every agent the bug, if there is one, instead of the scenario's, from the next run on.
    #[cfg(feature = "planted-bugs")]
    pub(crate) fn plant_any(&mut self, planted: Planted) {
        self.bug = planted.bug.or(self.bug);
    }

    /// Does nothing: this build has no bugs.
    #[cfg(not(feature = "planted-bugs"))]
    #[expect(clippy::unused_self, reason = "as where there are bugs")]
    pub(crate) const fn plant_any(&mut self, _: Planted) {}

    /// Goes on up to a step, or to the end. An open stall stays open.
    pub(crate) fn run_on(&mut self, until: u64) -> End {
        let until = until.min(self.plan.steps_max);
        loop {
            if self.steps >= until {
                break End::Steps;
            }
            match S::before(self) {
                None => {}
                Some(Before::Acted) => continue,
                Some(Before::Ended(end)) => break end,
            }
            let Some(bits) = self.net.wheel.pop() else {
                break End::Quiet;
            };
            if self.net.now() > self.plan.end {
                break End::Time;
            }
            if let Some(end) = self.step(bits) {
                break end;
            }
        }
    }

    /// Takes one event.
    #[inline]
    pub(crate) fn step(&mut self, bits: u64) -> Option<End> {
        self.steps += 1;
        self.fingerprint.mix(self.net.now(), bits);
        S::take(self, bits);
        if self.net.touched.0 != 0 {
            S::cover(self, bits);
        }
        if let Some(journal) = &mut self.journal {
            journal.digest(self.fingerprint.value() as u16);
        }
        self.liveness.over.then_some(End::Decided)
    }

    /// Takes an event that is none of the system's own.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a system takes its own events; all others are the engine's"
    )]
    pub(crate) fn take_common(&mut self, event: Event) {
        match event {
            Event::Restart {
                agent,
                incarnation,
                unfenced,
            } => self.on_restart(agent, incarnation, unfenced),
            Event::Wake { agent, count } => {
                if self.participants[agent.index()].pauses == count {
                    self.wake(agent);
                }
            }
            Event::StoreUp { store, count } => {
                if self.outages[store.index()] == count {
                    self.store_up(store);
                }
            }
            Event::StoreFast { store, count } => {
                if self.slow_spells[store.index()] == count {
                    self.net.percent[store.index()] = 100;
                }
            }
            Event::Trigger { rule } => self.on_time(rule),
            Event::TriggerEnd { rule } => self.on_trigger_end(rule),
            Event::Heal => self.heal(),
            Event::StallCheck => self.check_stall(),
            own => unreachable!("an event of a system: {own:?}"),
        }
    }

    /// Puts an event into the queue; none comes before now.
    pub(crate) fn put(&mut self, tick: u64, event: Event) {
        self.net.wheel.put(tick.max(self.net.now()), event.pack());
    }

    /// Virtual time, ticks.
    pub(crate) const fn now(&self) -> u64 {
        self.net.now()
    }

    /// Takes note of the first breach of each property.
    pub(crate) fn found(&mut self, property: &'static str, detail: String) {
        if self
            .violations
            .iter()
            .all(|known| known.property != property)
        {
            self.violations.push(Violation {
                property,
                step: self.steps,
                detail,
            });
        }
    }

    /// Takes note of something, if notes are kept.
    pub(crate) fn note(&mut self, what: What) {
        if let Some(journal) = &mut self.journal {
            journal.note(self.steps, self.net.wheel.now(), what);
        }
    }

    /// Takes note of a fault.
    pub(crate) fn note_fault(&mut self, struck: Struck, detail: fmt::Arguments<'_>) {
        let Struck { kind, agent, store } = struck;
        self.note_fault_on(kind, agent, (store, 0), detail);
    }

    /// The same of a fault that changed what stands on a store, or hid it: `blocks` has the bits of the owners.
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

    /// Something happened; rules that wait for it may strike.
    #[inline]
    pub(crate) fn happened(&mut self, what: Happening, agent: AgentId, store: Option<StoreId>) {
        if self.awaited & 1 << what as u32 != 0 && !self.healed {
            self.happened_awaited(what, agent, store);
        }
    }
}
