//! Agents on buckets: what a run of the engine means to agents that speak of named objects.
//!
//! The agents are those of the core's layout, the very code that runs on real buckets: they list, get, put on conditions
//! and delete; they set stores up, take starts and look whether a store is still the one it was. Each of these
//! operations is an event of its own, with a delay and faults of its own.

#![expect(
    private_bounds,
    reason = "the protocols on buckets are those of this crate, and nobody else names one"
)]

mod account;
mod any;
mod carry;
mod damage;
mod port;
mod system;
mod view;
mod words;

use std::{fmt::Debug, sync::Arc};

use bivalent_core::{
    Agent, AgentId, Content, Incarnation, Laid, LaidTag, LaidTimer, ObjectName, ObjectOp,
    ObjectReply, ObjectsSetup, OnObjects, Pause, StoreId, StoreTraits, Want, Wanted,
};

use crate::{
    coverage::Touched,
    engine::Engine,
    plan::Plan,
    scenario::Scenario,
    slab::Slab,
    store::bucket::{Bucket, BucketSettings},
    view::{AgentRow, Matrix},
};

pub(crate) use any::AnyBucket;

/// What an object of a part's protocol holds.
pub(crate) type ContentOf<P> = Content<<<P as Part>::Agent as Laid>::Body>;
/// An operation on an object.
pub(crate) type OpOf<P> = ObjectOp<ObjectName, ContentOf<P>>;
/// What a bucket answers.
pub(crate) type ReplyOf<P> = ObjectReply<ObjectName, ContentOf<P>>;
/// An alarm.
pub(crate) type TimerOf<P> = LaidTimer<<<P as Part>::Agent as Agent>::Timer>;
/// What an agent knows before it starts.
pub(crate) type SetupOf<P> = <<P as Part>::Agent as Agent>::Setup;
/// What is wanted in one step.
pub(crate) type WantedOf<P> = Wanted<OnObjects<<P as Part>::Agent>>;

/// A protocol on buckets: its agents, who judges them, and who is served.
pub(crate) trait Part: Clone + Debug + Send + Sized + 'static {
    /// Its agents.
    type Agent: Laid;

    /// What an agent knows before it starts.
    fn setup(engine: &Engine<Objects<Self>>, id: AgentId) -> SetupOf<Self>;

    /// Empties the accounts for a new run.
    fn reset(engine: &mut Engine<Objects<Self>>);

    /// An agent says something.
    fn said(engine: &mut Engine<Objects<Self>>, id: AgentId, said: <Self::Agent as Agent>::Said);

    /// An agent was told the answer to a logical operation.
    fn answered(
        engine: &mut Engine<Objects<Self>>,
        id: AgentId,
        at: (StoreId, <Self::Agent as Agent>::Tag),
        reply: &<Self::Agent as Agent>::Reply,
    );

    /// An agent has taken a step.
    fn stepped(engine: &mut Engine<Objects<Self>>, id: AgentId);

    /// A put has taken effect, whole.
    fn landed(
        engine: &mut Engine<Objects<Self>>,
        by: AgentId,
        store: StoreId,
        body: &<Self::Agent as Laid>::Body,
    );

    /// What an object of the protocol's own holds, in words.
    fn words(body: &<Self::Agent as Laid>::Body) -> String;

    /// Whether what an object holds is a vote.
    fn is_vote(body: &<Self::Agent as Laid>::Body) -> bool;

    /// An agent as the view shows it.
    fn row(engine: &Engine<Objects<Self>>, agent: &Self::Agent, row: &mut AgentRow);

    /// What stands on the stores, of one decision.
    fn matrix(engine: &Engine<Objects<Self>>, scenario: &Scenario) -> Option<Matrix>;

    /// The first decision in words, if there is one.
    fn value_in_words(engine: &Engine<Objects<Self>>) -> Option<String>;
}

/// An operation in flight.
#[derive(Clone, Debug)]
pub(crate) struct InFlight<P: Part> {
    pub(crate) agent: AgentId,
    pub(crate) incarnation: u16,
    pub(crate) store: StoreId,
    pub(crate) tag: LaidTag,
    pub(crate) tries: u8,
    pub(crate) op: OpOf<P>,
    pub(crate) rule: Option<u8>,
    /// It is the second of two.
    copy: bool,
    /// Not before this tick is it answered, though it may take effect before.
    answer: u64,
    /// It has taken effect, and its answer is on its way or its agent stands still.
    pub(crate) reply: Option<ReplyOf<P>>,
}

/// What an agent waits for that is no operation.
#[derive(Clone, Debug)]
pub(crate) struct Due<P: Part> {
    pub(crate) agent: AgentId,
    pub(crate) incarnation: u16,
    what: DueFor<P>,
}

/// What is due.
#[derive(Clone, Debug)]
enum DueFor<P: Part> {
    /// The agent begins its first life.
    Begin,
    /// An operation has had no answer for long.
    Silence(StoreId, LaidTag),
    /// An alarm goes off.
    Alarm(TimerOf<P>),
}

/// What is kept for an agent beside its place in the run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life {
    /// The start that it has taken, once it has.
    pub(crate) start: Option<Incarnation>,
    /// Attempts in a row that came to nothing.
    pub(crate) aborts: u32,
    /// It has decided in this life.
    pub(crate) decided: bool,
    /// It stopped by itself, since it was fenced or found its stores lost.
    pub(crate) stopped: bool,
}

/// Buckets, what is in flight to them, and a protocol's part.
#[derive(Clone, Debug)]
pub struct Objects<P: Part> {
    pub(crate) part: P,
    pub(crate) buckets: Vec<Bucket<ObjectName, ContentOf<P>>>,
    pub(crate) flights: Slab<InFlight<P>>,
    pub(crate) dues: Slab<Due<P>>,
    wanted: Vec<WantedOf<P>>,
    traits: StoreTraits,
    pub(crate) store_ops: u64,
    pub(crate) decided: u32,
    /// Ticks of the decisions, in order.
    pub(crate) decisions: Vec<u64>,
}

impl<P: Part> Engine<Objects<P>> {
    /// An engine for a scenario whose stores are buckets.
    pub(crate) fn on_buckets(scenario: &Scenario, part: P) -> Self {
        let plan = Arc::new(Plan::new(scenario));
        let settings = BucketSettings {
            page: plan.bucket.page,
            remembers: plan.history,
        };
        let objects = Objects {
            part,
            buckets: (0..plan.stores).map(|_| Bucket::new(settings)).collect(),
            flights: Slab::default(),
            dues: Slab::default(),
            wanted: Vec::new(),
            traits: StoreTraits {
                may_vanish: plan.bucket.vanishes,
                conditional: true,
                exclusive: false,
            },
            store_ops: 0,
            decided: 0,
            decisions: Vec::with_capacity(plan.agents),
        };
        Self::of(scenario.planted, plan, objects, |_| None)
    }

    /// What an agent on objects knows before it starts.
    fn objects_setup(&self, id: AgentId) -> ObjectsSetup<P::Agent> {
        ObjectsSetup {
            inner: P::setup(self, id),
            me: id,
            agents: self.plan.agents as u8,
            quorum: self.plan.envelope.quorum(),
            stores: vec![self.system.traits; self.plan.stores],
            named: None,
            text: None,
            grace: Pause::Patience,
            again: Pause::Patience,
        }
    }

    /// An agent begins a life.
    pub(crate) fn begin_life(&mut self, id: AgentId) {
        let setup = self.objects_setup(id);
        let incarnation = self.participants[id.index()].incarnation;
        let start = Incarnation(incarnation);
        let mut port = self.port(id);
        let agent = OnObjects::start(&setup, start, &mut port);
        let participant = &mut self.participants[id.index()];
        participant.own = Life::default();
        participant.agent = Some(agent);
        self.carry_out(id);
        P::stepped(self, id);
    }

    /// Carries out what an agent wanted in a step: up to its crash, if one of these brings that about.
    pub(crate) fn carry_out(&mut self, id: AgentId) {
        let mut all = std::mem::take(&mut self.system.wanted);
        let incarnation = self.participants[id.index()].incarnation;
        for want in all.drain(..) {
            if self.participants[id.index()].incarnation != incarnation {
                break;
            }
            match want {
                Want::Ask {
                    store,
                    tag,
                    tries,
                    op,
                } => self.ask(id, (store, tag, tries), op),
                Want::Wake(timer, pause) => self.set_alarm(id, timer, pause),
                Want::Say(said) => self.hear(id, said),
            }
        }
        self.system.wanted = all;
    }

    /// An agent says that it has decided.
    pub(crate) fn note_decision(&mut self, id: AgentId) {
        let own = &mut self.participants[id.index()].own;
        if std::mem::replace(&mut own.decided, true) {
            return;
        }
        self.system.decided += 1;
        let now = self.now();
        self.system.decisions.push(now);
        self.net.touched.0 |= Touched::TURNED;
    }
}
