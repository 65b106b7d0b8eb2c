//! The moves of a game, in words and with what they leave possible.

use bivalent_core::{AgentId, Block, Place};

use super::{Game, SAMPLES};
use crate::{
    engine::{
        blocks::BlockEngine,
        view::{Act, Valence},
    },
    judge::verdict,
    scenario::{
        Scenario,
        script::{Deed, Entry},
    },
};

/// An operation that can take effect next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Move {
    /// Whose and which.
    pub entry: Entry,
    /// In words: `a1 writes s2: ballot 8, vote 1 of 8`.
    pub text: String,
    /// What would be seen or overwritten.
    pub note: String,
    /// Whether it reads or writes.
    pub act: Act,
    /// How many others were picked since it was asked for.
    pub age: u64,
    /// What can be decided after it; none: not worked out yet.
    pub after: Option<Valence>,
    /// Why it may not be made now.
    pub refused: Option<String>,
}

impl Game {
    pub(super) fn list_moves(&mut self) {
        let patience = self.patience();
        let pickable = if self.over().is_some() {
            Vec::new()
        } else {
            self.engine.pickable()
        };
        let oldest = pickable.iter().map(|&(_, age)| age).max().unwrap_or(0);
        self.moves.clear();
        for (entry, age) in pickable {
            let late = oldest >= patience && age < oldest;
            let (text, note) = told(&self.scenario, &self.engine, entry);
            self.moves.push(Move {
                entry,
                text,
                note,
                act: if entry.deed == Deed::Write {
                    Act::Write
                } else {
                    Act::Read
                },
                age,
                after: None,
                refused: late
                    .then(|| format!("fairness: what has waited for {oldest} others goes next")),
            });
        }
    }

    /// Works out what each move leaves possible. Takes a while where it has to be tried.
    pub fn value_moves(&mut self) {
        let known = self.known.clone();
        let seed = self.seed;
        for it in self.moves.iter_mut().filter(|it| it.after.is_none()) {
            let mut world = self.engine.clone();
            if world.choose(it.entry).is_ok() {
                it.after = Some(world.possible(known.as_deref(), 0..SAMPLES, seed));
            }
        }
    }
}

/// An operation in words, and what stands where it goes.
fn told(scenario: &Scenario, engine: &BlockEngine, entry: Entry) -> (String, String) {
    let cluster = &scenario.cluster;
    let name = |id: AgentId| &cluster.agents[id.index()].name;
    let store = &cluster.stores[entry.store.index()];
    let agent = name(entry.agent);
    let shares = cluster.protocol.is_conditional();
    let owner = match entry.deed {
        Deed::Read { owner } => owner,
        Deed::Write
        | Deed::Crash
        | Deed::Restart
        | Deed::Tear
        | Deed::Stale { .. }
        | Deed::Delay { .. } => entry.agent,
    };
    let place = if shares {
        store.clone()
    } else {
        format!("{store}[{}]", name(owner))
    };
    let stands = engine.stands(Place {
        store: entry.store,
        owner,
    });
    let stands = stands.map_or_else(
        || "unreadable".to_owned(),
        |block| in_words(scenario, engine, block),
    );
    if entry.deed == Deed::Write {
        let block = engine.writes(entry);
        let block = block.map_or_else(String::new, |block| in_words(scenario, engine, block));
        return (
            format!("{agent} writes {place}: {block}"),
            format!("over {stands}"),
        );
    }
    (format!("{agent} reads {place}"), format!("sees {stands}"))
}

/// A block in words.
fn in_words(scenario: &Scenario, engine: &BlockEngine, block: Block) -> String {
    let Some(ballot) = block.mbal else {
        return "nothing".to_owned();
    };
    let owner = scenario.cluster.agents.get(ballot.agent().index());
    let owner = owner.map_or("nobody", |agent| &agent.name);
    let vote = block.vote.map_or_else(String::new, |vote| {
        let value = verdict::value_in_words(engine, vote.inp);
        format!(", vote {value} of {}", vote.bal.round())
    });
    format!("ballot {} of {owner}{vote}", ballot.round())
}
