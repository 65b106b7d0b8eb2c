//! Agents on buckets: what a run of the engine means to agents that speak of named objects.
//!
//! The agents are those of the core's layout, the very code that runs on real buckets: they list, get, put on conditions
//! and delete; they set stores up, take starts and look whether a store is still the one it was. Each of these
//! operations is an event of its own, with a delay and faults of its own.

#![expect(
    private_bounds,
    reason = "the protocols on buckets are those of this crate, and nobody else names one"
)]

mod carry;
mod damage;
mod port;
mod system;
mod view;
mod words;

use std::{fmt::Debug, sync::Arc};

use bivalent_core::{
    Agent, AgentId, Ballot, Content, Folder, Incarnation, Laid, LaidTag, LaidTimer, ObjectName,
    ObjectOp, ObjectReply, ObjectsSetup, OnObjects, Pause, Phase, StoreId, StoreTraits, Want,
    Wanted,
};

use crate::{
    engine::{
        About, Engine, Outcome,
        event::Event,
        log::{Accused, LogReport},
        slab::Slab,
        view::{Act, AgentRow, LogView, Matrix, Standing},
    },
    scenario::{Scenario, plan::Plan},
    store::bucket::{Bucket, BucketSettings},
};

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
pub(crate) trait Part: Clone + Debug + Sized + 'static {
    /// Its agents.
    type Agent: Laid;
    /// What makes a stall if it goes on, and without what.
    const AWAITED: (&'static str, &'static str);
    /// Attempts since the last decision or answer that make a stall one of contention.
    const CONTENTION: u64;
    /// Steps that a solo probe may take, beside those of the others that come to nothing.
    const PROBE_STEPS: u64;

    /// What an agent knows before it starts.
    fn setup(engine: &Engine<Objects<Self>>, id: AgentId) -> SetupOf<Self>;

    /// Empties the accounts for a new run.
    fn reset(engine: &mut Engine<Objects<Self>>);

    /// Everything that comes of itself, beside the agents' first steps, is put into the queue.
    fn begin(_: &mut Engine<Objects<Self>>) {}

    /// An agent begins a life, and has not taken a start yet.
    fn begins(_: &mut Engine<Objects<Self>>, _: AgentId) {}

    /// An agent has taken a start.
    fn took(_: &mut Engine<Objects<Self>>, _: AgentId, _: Incarnation) {}

    /// Takes an event that is none of an agent's or a store's.
    fn take(engine: &mut Engine<Objects<Self>>, event: Event) {
        engine.take_common(event);
    }

    /// Whom such an event is about; none if it means nothing any more.
    fn about(engine: &Engine<Objects<Self>>, event: Event, tick: Option<u64>) -> Option<About> {
        engine.about(event, tick)
    }

    /// Such an event in words, with a note.
    fn to_come(
        engine: &Engine<Objects<Self>>,
        scenario: &Scenario,
        event: Event,
    ) -> (Act, String, String) {
        engine.to_come(scenario, event)
    }

    /// An agent says something.
    fn said(engine: &mut Engine<Objects<Self>>, id: AgentId, said: <Self::Agent as Agent>::Said);

    /// An agent asks for a logical operation.
    fn asked(
        _: &mut Engine<Objects<Self>>,
        _: AgentId,
        _: (StoreId, <Self::Agent as Agent>::Tag),
        _: <Self::Agent as Agent>::Op,
    ) {
    }

    /// An agent was told the answer to a logical operation: of which store, under which name, and by which undertaking.
    fn answered(
        engine: &mut Engine<Objects<Self>>,
        id: AgentId,
        at: (StoreId, <Self::Agent as Agent>::Tag, u64),
        reply: &<Self::Agent as Agent>::Reply,
    );

    /// An agent has taken a step.
    fn stepped(_: &mut Engine<Objects<Self>>, _: AgentId) {}

    /// A put has taken effect, whole.
    fn landed(
        engine: &mut Engine<Objects<Self>>,
        by: AgentId,
        at: (StoreId, ObjectName),
        body: &<Self::Agent as Laid>::Body,
    );

    /// An agent looked at a store's record, or its put of one was refused: this stands there.
    fn met_record(
        _: &mut Engine<Objects<Self>>,
        _: AgentId,
        _: StoreId,
        _: &<Self::Agent as Laid>::Body,
    ) {
    }

    /// A fault changed what stands on a store of these agents: a bit each.
    fn damaged(_: &mut Engine<Objects<Self>>, _owners: u128) {}

    /// The first page of a folder was listed, for an undertaking of an agent.
    fn listed(_: &mut Engine<Objects<Self>>, _: AgentId, _job: u64, _: Folder) {}

    /// Objects were deleted.
    fn deleted(_: &mut Engine<Objects<Self>>, _: AgentId, _: StoreId, _: &[ObjectName]) {}

    /// Agents and stores in outline, as features of a run.
    fn outline(engine: &Engine<Objects<Self>>) -> (u64, u64);

    /// Nothing is waited for any more, whatever else happens.
    fn is_done(_: &Engine<Objects<Self>>) -> bool {
        false
    }

    /// Whether somebody waits for a decision or an answer.
    fn waits(engine: &Engine<Objects<Self>>) -> bool;

    /// Something was decided, or a client answered.
    fn progressed(_: &mut Engine<Objects<Self>>) {}

    /// Ends the run if everyone who will ever take a step has what he wanted.
    fn see_whether_over(engine: &mut Engine<Objects<Self>>);

    /// What can be judged only when a run is over.
    fn wind_up(_: &mut Engine<Objects<Self>>) {}

    /// What it came to.
    fn outcome(engine: &Engine<Objects<Self>>) -> Outcome<'_>;

    /// Times to decision, or from asking to the answer, ticks.
    fn latencies(engine: &Engine<Objects<Self>>, each: &mut dyn FnMut(u64));

    /// How many decisions there have been, or answers to clients.
    fn progress(engine: &Engine<Objects<Self>>) -> usize;

    /// The ballots of an agent's vote and of its promise.
    fn ballots(agent: &Self::Agent) -> (Option<Ballot>, Option<Ballot>);

    /// Which phase of one decision an agent is in; none if it takes part in none.
    fn phase(_: &Self::Agent) -> Option<Phase> {
        None
    }

    /// What is wrong with the whole of a log's run that is over.
    fn accused(_: &Engine<Objects<Self>>) -> Accused {
        Accused::default()
    }

    /// What a log's run came to, beside its verdict.
    fn log_report(_: &Engine<Objects<Self>>) -> Option<LogReport> {
        None
    }

    /// Leaders, slots and clients, of a log.
    fn log_view(_: &Engine<Objects<Self>>) -> Option<LogView> {
        None
    }

    /// Whether anything is decided.
    fn standing(engine: &Engine<Objects<Self>>) -> Standing;

    /// What an object of the protocol's own holds, in words.
    fn words(body: &<Self::Agent as Laid>::Body) -> String;

    /// Whether what an object holds is a vote.
    fn is_vote(body: &<Self::Agent as Laid>::Body) -> bool;

    /// An agent as the view shows it.
    fn row(engine: &Engine<Objects<Self>>, agent: &Self::Agent, row: &mut AgentRow);

    /// What stands on the stores, of one decision.
    fn matrix(_: &Engine<Objects<Self>>, _: &Scenario) -> Option<Matrix> {
        None
    }
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
}

impl<P: Part> Engine<Objects<P>> {
    /// An engine for a scenario whose stores are buckets.
    pub(crate) fn on_buckets(scenario: &Scenario, part: impl FnOnce(&Plan) -> P) -> Self {
        let plan = Arc::new(Plan::new(scenario));
        let part = part(&plan);
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
        };
        Self::of(scenario.planted, plan, objects, |_| None)
    }

    /// What an agent on objects knows before it starts.
    fn objects_setup(&self, id: AgentId) -> ObjectsSetup<P::Agent> {
        ObjectsSetup {
            inner: P::setup(self, id),
            me: id,
            agents: self.plan.agents as u16,
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
        let start = Incarnation(incarnation.into());
        let mut port = self.port(id);
        let agent = OnObjects::start(&setup, start, &mut port);
        let participant = &mut self.participants[id.index()];
        participant.own = Life::default();
        participant.decided = false;
        participant.agent = Some(agent);
        P::begins(self, id);
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
}
