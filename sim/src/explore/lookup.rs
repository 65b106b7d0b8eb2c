//! Looking a state of a run up among the states of an exploration.

use bivalent_core::{
    Agent, AgentId, Ballot, Block, Collector, DecreeTimer, Event, Phase, SingleDecree, StoreId,
    Version, Want,
};

use super::{
    Exploration,
    moves::Act,
    names::Names,
    part::{Image, Op, Part, Renamed, Seat},
    valence::said,
};
use crate::protocol::member::Member;

/// An operation in flight in a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flying {
    pub(crate) agent: AgentId,
    pub(crate) store: StoreId,
    /// Whose block is read; none: the own one is written.
    pub(crate) owner: Option<AgentId>,
    pub(crate) epoch: u32,
    /// What is written.
    pub(crate) block: Block,
}

/// A state of a run, as far as an exploration knows of such: whole blocks, nobody down.
pub(crate) struct World<'a> {
    pub(crate) agents: &'a [&'a Member],
    pub(crate) block: &'a dyn Fn(usize, AgentId) -> Block,
    pub(crate) flying: &'a [Flying],
    pub(crate) begins: Begins,
}

/// Which ballot an agent that pauses begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Begins {
    /// The next one above what it has met.
    Next,
    /// One above everybody else's.
    AboveAll,
}

/// What an operation would lead to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct After {
    /// The values that can still be decided then, as bits.
    pub(crate) values: u8,
    /// Somebody has decided then.
    pub(crate) decided: bool,
}

impl Exploration {
    /// What each operation in flight would lead to, in their order; none if the state is none of those
    /// explored.
    pub(crate) fn after(&self, world: &World<'_>) -> Option<Vec<After>> {
        let valences = self.valences.as_ref()?;
        let (graph, tables) = (&self.found.graph, &self.found.tables);
        let state = graph.find(&self.key(world)?)?;
        let after = world.flying.iter().map(|flying| {
            let act = match flying.owner {
                Some(owner) => Act::Read { owner },
                None => Act::Write,
            };
            let earlier = flying.epoch != world.agents[flying.agent.index()].epoch();
            let mut moves = graph.moves(state);
            let (_, next) = moves.find(|(taken, _)| {
                let same = (taken.agent, taken.store, taken.act, taken.earlier);
                let plain = taken.gap.is_none() || taken.top;
                same == (flying.agent, flying.store, act, earlier) && plain
            })?;
            Some(After {
                values: valences.of(next),
                decided: said(graph, tables, next) != said(graph, tables, state),
            })
        });
        after.collect()
    }

    /// The values that can be decided from a state, as bits; none if it is none of those explored.
    pub(crate) fn values_of(&self, world: &World<'_>) -> Option<u8> {
        let state = self.found.graph.find(&self.key(world)?)?;
        Some(self.valences.as_ref()?.of(state))
    }

    /// The numbers of a state, if all its parts are known. An agent that pauses before its next attempt
    /// counts as if it had begun it.
    fn key(&self, world: &World<'_>) -> Option<Vec<u32>> {
        let (agents, stores) = self.found.tables.shape;
        let mut parts: Vec<Part> = Vec::new();
        for (index, &agent) in world.agents.iter().enumerate() {
            let own = world
                .flying
                .iter()
                .filter(|flying| flying.agent.index() == index);
            let ops = own.map(|flying| match flying.owner {
                Some(owner) => Op::Read {
                    store: flying.store,
                    owner: owner.0,
                    epoch: flying.epoch,
                },
                None => Op::Write {
                    store: flying.store,
                    epoch: flying.epoch,
                    attempt: 0,
                    expect: None,
                    block: flying.block,
                },
            });
            parts.push(Part {
                seat: Seat::Up(agent.clone()),
                ops: ops.collect(),
                said: agent.decision(),
            });
        }
        let images: Vec<Image> = (0..stores)
            .map(|store| Image {
                blocks: (0..agents)
                    .map(|owner| Some((world.block)(store, AgentId(owner as u16))))
                    .collect(),
                version: Version::default(),
            })
            .collect();
        let mut ballots = Vec::new();
        for part in &parts {
            part.each_ballot(&mut |ballot| ballots.push(ballot));
        }
        for image in &images {
            image.each_ballot(&mut |ballot| ballots.push(ballot));
        }
        let mut greatest = ballots.iter().max().copied();
        for (index, part) in parts.iter_mut().enumerate() {
            let id = AgentId(index as u16);
            let begun = begin(part, id, world.begins, greatest);
            greatest = greatest.max(begun);
        }
        ballots.clear();
        for part in &parts {
            part.each_ballot(&mut |ballot| ballots.push(ballot));
        }
        for image in &images {
            image.each_ballot(&mut |ballot| ballots.push(ballot));
        }
        ballots.sort_unstable();
        ballots.dedup();
        let names = Names {
            ranks: Some(&ballots),
            records: None,
        };
        let tables = &self.found.tables;
        let parts = parts
            .iter()
            .map(|part| tables.parts.known(&part.renamed(&names)));
        let images = images
            .iter()
            .map(|image| tables.images.known(&image.renamed(&names)));
        parts.chain(images).collect()
    }
}

/// Lets an agent that pauses begin its next attempt.
fn begin(
    pausing: &mut Part,
    id: AgentId,
    begins: Begins,
    greatest: Option<Ballot>,
) -> Option<Ballot> {
    let Part { seat, ops, .. } = pausing;
    let Seat::Up(agent) = seat else {
        return None;
    };
    if agent.phase() != Phase::Waiting {
        return None;
    }
    let incarnation = agent.incarnation();
    let mut begun = None;
    let mut port = Collector::new(|above| {
        let floor = match begins {
            Begins::Next => above,
            Begins::AboveAll => greatest,
        };
        begun = Ballot::next(floor, id, incarnation);
        begun
    });
    agent.on(Event::Woke(DecreeTimer::Attempt), &mut port);
    for want in port.wants {
        if let Want::Ask { store, tag, op, .. } = want {
            ops.extend(Op::written(store, tag, op));
        }
    }
    begun
}
