//! One decision on buckets: which agents take part, and who judges them.

use std::marker::PhantomData;

use bivalent_core::{
    AcceptorRecords, Agent, AgentId, Ballot, Block, BlockBody, BlockReply, BlockTag, BlockTask,
    Config, DecreeSaid, DiskPaxos, Laid, Overwrite, Phase, PutIfAbsent, RECORD, SingleDecree,
    StoreId, Value,
};

use crate::{
    blocks::view::rung,
    engine::Engine,
    fault::Happening,
    journal::What,
    objects::{AnyBucket, Objects, Part},
    oracle::decisions::Decisions,
    probe::Probe,
    scenario::{Protocol, Scenario},
    view::{AgentRow, Cell, Matrix},
};

/// One decision of agents `A`, which the layout carries out on buckets.
#[derive(Clone, Debug)]
pub(crate) struct Decree<A> {
    oracles: Decisions,
    value: Option<Value>,
    /// Each agent's phase and block before its last step.
    before: Vec<(Phase, Block)>,
    agents: PhantomData<fn() -> A>,
}

/// What an agent of one decision must be to be run on buckets.
pub(crate) trait OnBuckets:
    SingleDecree
    + Laid<Body = BlockBody, Task = BlockTask>
    + Agent<Setup = Config>
    + Send
    + Sync
    + 'static
{
}

impl<A> OnBuckets for A where
    A: SingleDecree
        + Laid<Body = BlockBody, Task = BlockTask>
        + Agent<Setup = Config>
        + Send
        + Sync
        + 'static
{
}

impl<A> Decree<A> {
    /// The judges of so many proposals.
    pub(crate) fn new(values: u64) -> Self {
        Self {
            oracles: Decisions::new(values),
            value: None,
            before: Vec::new(),
            agents: PhantomData,
        }
    }
}

/// An engine for a scenario of one decision on buckets.
pub(crate) fn on_buckets(scenario: &Scenario) -> AnyBucket {
    fn of<A: OnBuckets>(scenario: &Scenario) -> AnyBucket {
        let mut proposals: Vec<&str> = Vec::new();
        for agent in &scenario.cluster.agents {
            if !proposals.contains(&agent.proposal.as_str()) {
                proposals.push(&agent.proposal);
            }
        }
        let part = Decree::<A>::new(proposals.len() as u64);
        Engine::on_buckets(scenario, part).into()
    }
    match scenario.cluster.protocol {
        Protocol::DiskPaxos => of::<DiskPaxos>(scenario),
        Protocol::AcceptorRecords => of::<AcceptorRecords>(scenario),
        Protocol::PutIfAbsent => of::<PutIfAbsent>(scenario),
        Protocol::ReplicatedLog => unreachable!("scenarios of logs on buckets are refused"),
    }
}

impl<A: OnBuckets> Part for Decree<A> {
    type Agent = A;

    fn setup(engine: &Engine<Objects<Self>>, id: AgentId) -> Config {
        let plan = &engine.plan;
        let input = Value(plan.inputs[id.index()]);
        let config = Config::new(
            id,
            plan.agents as u8,
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
        part.value = None;
        part.before.clear();
        part.before
            .resize(agents, (Phase::Waiting, Block::default()));
    }

    fn said(engine: &mut Engine<Objects<Self>>, id: AgentId, said: DecreeSaid) {
        match said {
            DecreeSaid::Preempted { above } => {
                engine.liveness.contention += 1;
                let ballot = engine.system.part.before[id.index()].1.mbal;
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
                engine.net.observed(crate::fault::FaultKind::Restart);
                let agent = engine.participants[id.index()].agent.as_ref();
                let inner = agent.and_then(|agent| agent.inner());
                let vote = inner.and_then(|agent| agent.block().vote);
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
                engine.net.hit(Probe::Decided);
                engine.note_decision(id);
                engine.progressed();
                engine.happened(Happening::Decided, id, None);
                <Objects<Self> as crate::engine::System>::see_whether_over(engine);
            }
        }
    }

    fn answered(
        engine: &mut Engine<Objects<Self>>,
        id: AgentId,
        (store, tag): (StoreId, BlockTag),
        reply: &BlockReply,
    ) {
        let owner = match tag {
            BlockTag::Read { owner, .. } => owner,
            BlockTag::Write { .. } => id,
        };
        match *reply {
            BlockReply::Block { block, .. } => engine.note(What::Read {
                agent: id,
                store,
                owner,
                block,
            }),
            BlockReply::Refused => engine.note(What::Refused { agent: id, store }),
            BlockReply::Unreadable | BlockReply::Written => {}
        }
    }

    fn stepped(engine: &mut Engine<Objects<Self>>, id: AgentId) {
        let Some(agent) = engine.participants[id.index()]
            .agent
            .as_ref()
            .and_then(|agent| agent.inner())
        else {
            return;
        };
        let (phase, block) = (agent.phase(), agent.block());
        let before = std::mem::replace(&mut engine.system.part.before[id.index()], (phase, block));
        if before.0 == phase && before.1.mbal == block.mbal {
            return;
        }
        engine.net.touched.0 |= crate::coverage::Touched::TURNED;
        let word = block.vote.map_or(0, |vote| vote.inp.0);
        let ballot = block.mbal.map_or(0, Ballot::to_bits);
        engine.fingerprint.mix(ballot, word << 8 | phase as u64);
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
                    engine.note(What::Phase2 {
                        agent: id,
                        ballot: vote.bal,
                        value: vote.inp,
                    });
                }
                engine.happened(Happening::Phase2, id, None);
            }
            Phase::Waiting | Phase::Recovering | Phase::Decided => {}
        }
    }

    fn landed(engine: &mut Engine<Objects<Self>>, by: AgentId, store: StoreId, body: &BlockBody) {
        engine.note(What::Wrote {
            agent: by,
            store,
            block: body.block,
        });
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
        let word = |value| crate::verdict::value_in_words(engine, value);
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
        let word = |value| crate::verdict::value_in_words(engine, value);
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

    fn value_in_words(engine: &Engine<Objects<Self>>) -> Option<String> {
        let value = engine.system.part.value?;
        let index = value.0.checked_sub(1)?;
        engine.plan.values.get(index as usize).cloned()
    }
}
