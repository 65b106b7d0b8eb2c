//! One decision on buckets: which agents take part, and who judges them.

use std::marker::PhantomData;

use bivalent_core::{
    AcceptorRecords, Agent, AgentId, Ballot, Block, BlockBody, BlockOp, BlockReply, BlockTag,
    BlockTask, Config, Content, DecreeSaid, DiskPaxos, Folder, Laid, ObjectName, Overwrite, Phase,
    Place, PutIfAbsent, RECORD, SingleDecree, StoreId, Value,
};

use crate::{
    engine::{
        Engine, Outcome, Participant, Status,
        blocks::view::rung,
        invariants::{self, OwnBlocks, Stands},
        journal::{Note, What, Written},
        nearness::{Near, nearness},
        objects::{Objects, Part},
        runner::Runner,
        view::{AgentRow, Cell, Matrix, Standing},
    },
    judge::{
        coverage::Touched,
        oracle::{decisions::Decisions, records::Records},
        probe::Probe,
    },
    scenario::{Protocol, Scenario, fault::Happening, plan::Plan},
    store::Service,
};

/// One decision of agents `A`, which the layout carries out on buckets.
#[derive(Clone, Debug)]
pub(crate) struct Decree<A> {
    oracles: Decisions,
    records: Records,
    /// What each store's record held when it was written last.
    wrote: Vec<Block>,
    value: Option<Value>,
    /// Each agent's phase and block before its last step.
    before: Vec<(Phase, Block)>,
    decided: u32,
    /// Ticks of the decisions, in order.
    decisions: Vec<u64>,
    agents: PhantomData<fn() -> A>,
}

/// What an agent of one decision must be to be run on buckets.
pub(crate) trait OnBuckets:
    SingleDecree
    + Near
    + Laid<Body = BlockBody, Task = BlockTask>
    + Agent<Setup = Config>
    + Send
    + Sync
    + 'static
{
}

impl<A> OnBuckets for A where
    A: SingleDecree
        + Near
        + Laid<Body = BlockBody, Task = BlockTask>
        + Agent<Setup = Config>
        + Send
        + Sync
        + 'static
{
}

impl<A> Decree<A> {
    /// The judges of so many proposals.
    pub(crate) fn new(plan: &Plan, values: u64) -> Self {
        Self {
            oracles: Decisions::new(values),
            records: Records::new(plan),
            wrote: vec![Block::default(); plan.stores],
            value: None,
            before: Vec::new(),
            decided: 0,
            decisions: Vec::new(),
            agents: PhantomData,
        }
    }
}

/// An engine for a scenario of one decision on buckets.
pub(crate) fn on_buckets(scenario: &Scenario) -> Runner {
    fn of<A: OnBuckets>(scenario: &Scenario) -> Runner {
        let mut proposals: Vec<&str> = Vec::new();
        for agent in &scenario.cluster.agents {
            if !proposals.contains(&agent.proposal.as_str()) {
                proposals.push(&agent.proposal);
            }
        }
        Engine::on_buckets(scenario, |plan| {
            Decree::<A>::new(plan, proposals.len() as u64)
        })
        .into()
    }
    match scenario.cluster.protocol {
        Protocol::DiskPaxos => of::<DiskPaxos>(scenario),
        Protocol::AcceptorRecords => of::<AcceptorRecords>(scenario),
        Protocol::PutIfAbsent => of::<PutIfAbsent>(scenario),
        Protocol::ReplicatedLog => unreachable!("a log is no single decision"),
    }
}

impl<A: OnBuckets> Part for Decree<A> {
    type Agent = A;
    const AWAITED: (&'static str, &'static str) = ("nobody decides", "a decision");
    const CONTENTION: u64 = 4;
    const PROBE_STEPS: u64 = 20_000;

    fn setup(engine: &Engine<Objects<Self>>, id: AgentId) -> Config {
        let plan = &engine.plan;
        let input = Value(plan.inputs[id.index()]);
        let config = Config::new(
            id,
            plan.agents as u16,
            plan.envelope,
            Overwrite::Versioned,
            input,
        );
        #[cfg(feature = "planted-bugs")]
        let config = config.with_bug(engine.bug);
        config
    }

    fn reset(engine: &mut Engine<Objects<Self>>) {
        let agents = engine.plan.agents;
        let part = &mut engine.system.part;
        part.oracles.reset();
        part.records.reset();
        part.wrote.fill(Block::default());
        part.value = None;
        part.decided = 0;
        part.decisions.clear();
        part.before.clear();
        part.before
            .resize(agents, (Phase::Waiting, Block::default()));
    }

    fn said(engine: &mut Engine<Objects<Self>>, id: AgentId, said: DecreeSaid) {
        match said {
            DecreeSaid::Preempted { above } => {
                engine.liveness.contention += 1;
                let (phase, block) = engine.system.part.before[id.index()];
                let ballot = block.mbal;
                engine.probe_preemption(phase);
                if let Some(journal) = &mut engine.journal {
                    journal.preempted(id, above);
                }
                engine.note(What::Aborted {
                    agent: id,
                    ballot,
                    above,
                });
                engine.happened(Happening::Aborted, id, None);
            }
            DecreeSaid::Recovered { above } => {
                engine
                    .net
                    .observed(crate::scenario::fault::FaultKind::Restart);
                let agent = engine.participants[id.index()].agent.as_ref();
                let inner = agent.and_then(|agent| agent.inner());
                let vote = inner.and_then(|agent| agent.block().vote);
                engine.probe_recovery(id, vote.is_some());
                engine.note(What::Recovered {
                    agent: id,
                    floor: above,
                    vote: vote.map(|vote| vote.inp),
                });
                engine.happened(Happening::Recovered, id, None);
            }
            DecreeSaid::Decided(value) => {
                let who = (id, engine.participants[id.index()].incarnation);
                let found = engine.system.part.oracles.decided(who, value);
                for (property, detail) in found.into_iter().flatten() {
                    engine.found(property, detail);
                }
                engine.system.part.value.get_or_insert(value);
                engine.note(What::Decided { agent: id, value });
                engine.participants[id.index()].own.aborts = 0;
                engine.note_decision(id);
                if Self::disk_of(engine, id).is_some() {
                    invariants::decided(engine, id);
                }
                engine.progressed();
                engine.happened(Happening::Decided, id, None);
                Self::see_whether_over(engine);
            }
        }
    }

    fn asked(
        engine: &mut Engine<Objects<Self>>,
        id: AgentId,
        (store, _): (StoreId, BlockTag),
        op: BlockOp,
    ) {
        if let Some(journal) = &mut engine.journal {
            journal.asks(id, Written::asked(id, store, op).into_iter().collect());
        }
    }

    fn answered(
        engine: &mut Engine<Objects<Self>>,
        id: AgentId,
        (store, tag, _): (StoreId, BlockTag, u64),
        reply: &BlockReply,
    ) {
        let owner = match tag {
            BlockTag::Read { owner, .. } => owner,
            BlockTag::Write { .. } => id,
        };
        if matches!(reply, BlockReply::Refused) {
            engine.net.hit(Probe::Refused);
        }
        let Some(journal) = &mut engine.journal else {
            return;
        };
        match *reply {
            BlockReply::Block { block, version } => {
                let place = Place { store, owner };
                journal.reads(id, &[Written::new(place, version, block)]);
                engine.note(What::Read {
                    agent: id,
                    store,
                    owner,
                    block,
                });
            }
            BlockReply::Refused => {
                journal.is_refused((id, store, 0, 0));
                engine.note(What::Refused { agent: id, store });
            }
            BlockReply::Unreadable | BlockReply::Written => {}
        }
    }

    fn stepped(engine: &mut Engine<Objects<Self>>, id: AgentId) {
        engine.note_nearness(id);
        let Some(agent) = engine.participants[id.index()]
            .agent
            .as_ref()
            .and_then(|agent| agent.inner())
        else {
            return;
        };
        let agent_is_disk = agent.disk().is_some();
        let (phase, block) = (agent.phase(), agent.block());
        let before = std::mem::replace(&mut engine.system.part.before[id.index()], (phase, block));
        if before.0 == phase && before.1.mbal == block.mbal {
            return;
        }
        engine.net.touched.0 |= Touched::TURNED;
        let word = block.vote.map_or(0, |vote| vote.inp.0);
        engine
            .fingerprint
            .ballot(block.mbal, word.rotate_left(8) ^ phase as u64);
        match phase {
            Phase::One => {
                if let Some(ballot) = block.mbal {
                    engine.note(What::Phase1 { agent: id, ballot });
                }
                engine.liveness.started(block.mbal);
                engine.happened(Happening::Phase1, id, None);
            }
            Phase::Two => {
                if let Some(vote) = block.vote {
                    engine.probe_adoption(id, vote.inp);
                    engine.note(What::Phase2 {
                        agent: id,
                        ballot: vote.bal,
                        value: vote.inp,
                    });
                }
                if agent_is_disk {
                    invariants::voted(engine, id);
                }
                engine.happened(Happening::Phase2, id, None);
            }
            Phase::Waiting | Phase::Recovering | Phase::Decided => {}
        }
    }

    fn landed(
        engine: &mut Engine<Objects<Self>>,
        by: AgentId,
        (store, name): (StoreId, ObjectName),
        body: &BlockBody,
    ) {
        if name == ObjectName::Record {
            engine.check_record(store, body.block);
        }
        let (step, tick) = (engine.steps, engine.now());
        if let Some(journal) = &mut engine.journal {
            // It carries what its author knew when it asked for it.
            let stamp = journal.lands(written((store, name), body));
            let (agent, block) = (by, body.block);
            let what = What::Wrote {
                agent,
                store,
                block,
            };
            journal.keep(Note {
                step,
                tick,
                what,
                stamp,
            });
        }
    }

    fn damaged(engine: &mut Engine<Objects<Self>>, owners: u128) {
        for id in (0..engine.plan.agents as u16).map(AgentId) {
            if owners & id.bit() != 0 && Self::disk_of(engine, id).is_some() {
                invariants::damaged(engine, id);
            }
        }
    }

    fn met_record(
        engine: &mut Engine<Objects<Self>>,
        id: AgentId,
        store: StoreId,
        body: &BlockBody,
    ) {
        if let Some(journal) = &mut engine.journal {
            journal.refuses(
                (id, store, 0, 0),
                written((store, ObjectName::Record), body),
            );
        }
    }

    fn words(body: &BlockBody) -> String {
        let ballot = body.block.mbal.map_or(0, Ballot::round);
        match body.block.vote {
            Some(vote) => format!("ballot {ballot}, a vote of ballot {}", vote.bal.round()),
            None => format!("ballot {ballot}"),
        }
    }

    fn is_vote(body: &BlockBody) -> bool {
        body.block
            .vote
            .is_some_and(|vote| Some(vote.bal) == body.block.mbal)
    }

    fn row(engine: &Engine<Objects<Self>>, agent: &A, row: &mut AgentRow) {
        let block = agent.block();
        let word = |value| crate::judge::verdict::value_in_words(engine, value);
        let shown = match agent.phase() {
            Phase::Recovering => "recovers",
            Phase::One => "1",
            Phase::Two => "2",
            Phase::Waiting | Phase::Decided => "-",
        };
        shown.clone_into(&mut row.phase);
        row.mbal = block.mbal.map(rung);
        row.bal = block.vote.map(|vote| rung(vote.bal));
        row.inp = block.vote.map(|vote| word(vote.inp));
        row.proposes = Some(word(agent.input()));
        row.decided = agent.decision().map(word);
        row.missing = nearness(agent, &engine.plan).map(|near| near.missing);
    }

    fn matrix(engine: &Engine<Objects<Self>>, scenario: &Scenario) -> Option<Matrix> {
        let conditional = engine.plan.protocol.is_conditional();
        let owners: Vec<(AgentId, String)> = if conditional {
            vec![(RECORD, "record".to_owned())]
        } else {
            let agents = scenario.cluster.agents.iter().zip(0..);
            agents
                .map(|(agent, id)| (AgentId(id), agent.name.clone()))
                .collect()
        };
        let word = |value| crate::judge::verdict::value_in_words(engine, value);
        let cell = |owner: AgentId, store: StoreId| {
            let body = if conditional {
                engine.record(store)
            } else {
                engine.newest(store, owner)
            };
            let block = body.map_or_else(Block::default, |body| body.block);
            Cell {
                mbal: block.mbal.map(rung),
                bal: block.vote.map(|vote| rung(vote.bal)),
                inp: block.vote.map(|vote| word(vote.inp)),
                ..Cell::default()
            }
        };
        let stores = || (0..engine.plan.stores as u8).map(StoreId);
        let rows = owners.iter();
        let cells = rows.map(|(owner, _)| stores().map(|store| cell(*owner, store)).collect());
        Some(Matrix {
            cells: cells.collect(),
            owners: owners.into_iter().map(|(_, name)| name).collect(),
        })
    }

    fn outline(engine: &Engine<Objects<Self>>) -> (u64, u64) {
        let mut agents = 0_u64;
        for participant in &engine.participants {
            agents += match participant.status {
                Status::Down { .. } => 1 << 8,
                _ if participant.decided => 1 << 4,
                Status::Up | Status::Paused => u64::from(participant.own.start.is_some()),
            };
        }
        let out = engine.service.iter().filter(|&&it| it != Service::Up);
        (agents, out.count() as u64)
    }

    fn waits(engine: &Engine<Objects<Self>>) -> bool {
        engine.participants.iter().any(|it| !it.decided)
    }

    fn progressed(engine: &mut Engine<Objects<Self>>) {
        engine.liveness.rounds = None;
    }

    fn see_whether_over(engine: &mut Engine<Objects<Self>>) {
        let done = |it: &Participant<Objects<Self>>| {
            it.decided
                || (!engine.healed
                    && it.status == Status::Down { returns: false }
                    && engine.plan.heal.is_none())
        };
        let decided = engine.system.part.decided > 0;
        if engine.solo.is_none() && decided && engine.participants.iter().all(done) {
            engine.net.hit(Probe::AllDecided);
            engine.liveness.over = true;
        }
    }

    fn outcome(engine: &Engine<Objects<Self>>) -> Outcome<'_> {
        let done = |it: &Participant<Objects<Self>>| {
            it.decided || it.status == Status::Down { returns: false }
        };
        let part = &engine.system.part;
        Outcome {
            decided: part.decided,
            is_done: part.decided > 0 && engine.participants.iter().all(done),
            done_at: part.decisions.last().copied(),
            value: engine.decision_in_words(),
            probes: engine.net.probes,
            ..Outcome::default()
        }
    }

    fn latencies(engine: &Engine<Objects<Self>>, each: &mut dyn FnMut(u64)) {
        engine.system.part.decisions.iter().copied().for_each(each);
    }

    fn progress(engine: &Engine<Objects<Self>>) -> usize {
        engine.system.part.decisions.len()
    }

    fn phase(agent: &A) -> Option<Phase> {
        Some(agent.phase())
    }

    fn ballots(agent: &A) -> (Option<Ballot>, Option<Ballot>) {
        let block = agent.block();
        (block.vote.map(|vote| vote.bal), block.mbal)
    }

    fn standing(engine: &Engine<Objects<Self>>) -> Standing {
        match engine.decision_in_words() {
            Some(value) => Standing::Decided {
                value: value.to_owned(),
                count: engine.system.part.decided,
            },
            None => Standing::Undecided,
        }
    }
}

fn is_version_of(name: &ObjectName, owner: AgentId) -> bool {
    matches!(name, ObjectName::Version(agent, _) if *agent == owner)
}

impl<A: OnBuckets> Decree<A> {
    fn disk_of(engine: &Engine<Objects<Self>>, id: AgentId) -> Option<&DiskPaxos> {
        let agent = engine.participants[id.index()].agent.as_ref();
        agent.and_then(|agent| agent.inner()).and_then(Near::disk)
    }
}

impl<A: OnBuckets> OwnBlocks for Objects<Decree<A>> {
    fn disk(engine: &Engine<Self>, id: AgentId) -> Option<&DiskPaxos> {
        Decree::disk_of(engine, id)
    }

    /// An agent's block is the newest of its versions.
    fn stands(engine: &Engine<Self>, place: Place) -> Stands {
        let bucket = &engine.system.buckets[place.store.index()];
        let Some(newest) = bucket.last(Folder::Agents, |name| is_version_of(name, place.owner))
        else {
            return Stands::default();
        };
        match newest {
            Some(Content::Body(body)) => Stands {
                block: body.block,
                unreadable: false,
            },
            _ => Stands {
                block: Block::default(),
                unreadable: true,
            },
        }
    }
}

/// What a block or a record is to the clocks.
fn written((store, name): (StoreId, ObjectName), body: &BlockBody) -> Written {
    let owner = match name {
        ObjectName::Version(owner, _) => owner,
        ObjectName::Record
        | ObjectName::Identity
        | ObjectName::Start(..)
        | ObjectName::Trial
        | ObjectName::Snapshot(_)
        | ObjectName::Text(..)
        | ObjectName::Vote(..) => RECORD,
    };
    Written::new(Place { store, owner }, body.version, body.block)
}

impl<A: OnBuckets> Engine<Objects<Decree<A>>> {
    /// The invariants of acceptor records, when one was written.
    fn check_record(&mut self, store: StoreId, after: Block) {
        let before = std::mem::replace(&mut self.system.part.wrote[store.index()], after);
        if self.plan.protocol != Protocol::AcceptorRecords {
            return;
        }
        let forgets = self.envelope.is_stale(store);
        let records = &mut self.system.part.records;
        if let Some((property, detail)) = records.wrote(store, before, after, forgets) {
            self.found(property, detail);
        }
    }

    fn note_nearness(&mut self, id: AgentId) {
        let Some(journal) = &mut self.journal else {
            return;
        };
        let agent = self.participants[id.index()].agent.as_ref();
        let agent = agent.and_then(|agent| agent.inner());
        if let Some(near) = agent.and_then(|agent| nearness(agent, &self.plan)) {
            journal.came_near(near);
        }
    }

    /// An agent says that it has decided.
    fn note_decision(&mut self, id: AgentId) {
        let decided = &mut self.participants[id.index()].decided;
        if std::mem::replace(decided, true) {
            return;
        }
        let now = self.now();
        self.probe_decision(id);
        self.system.part.decided += 1;
        self.system.part.decisions.push(now);
        self.net.touched.0 |= Touched::TURNED;
    }

    /// The first decision in words.
    fn decision_in_words(&self) -> Option<&str> {
        let index = self.system.part.value?.0.checked_sub(1)?;
        self.plan.values.get(index as usize).map(String::as_str)
    }
}
