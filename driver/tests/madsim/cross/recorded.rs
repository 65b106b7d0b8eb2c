//! What a run leaves to be compared: the lives of its agents, and what landed on its stores.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use bivalent_core::{Laid, ObjectsSaid};
use bivalent_driver::recording::{Life, Recording, Step};

use super::{
    carried::carried,
    replay,
    store::{self, SETTINGS},
};
use crate::{faulty::Faulty, memory::Landing};

/// Where the lives of a run are recorded; clones are the same ones.
pub(crate) struct Lives<A: Laid>(Arc<Mutex<Begun<A>>>);

/// Lives that have begun, or were to, in their order, each with its agent.
type Begun<A> = Vec<(u16, Recording<A>)>;

/// One life of an agent.
pub(crate) struct Lived<A: Laid> {
    pub(crate) agent: u16,
    /// Which of all starts of this agent, from 0. Two may be alive at once.
    pub(crate) start: usize,
    pub(crate) life: Life<A>,
}

/// What landed on one store, as long as it was the same one.
pub(crate) struct Stored {
    pub(crate) store: usize,
    /// 0: the store that was there at first; from 1 on, what stood empty in its place.
    pub(crate) memory: usize,
    pub(crate) landings: Vec<Landing>,
}

/// All of a run.
pub(crate) struct Recorded<A: Laid> {
    pub(crate) lives: Vec<Lived<A>>,
    pub(crate) stores: Vec<Stored>,
}

impl<A: Laid> Lives<A> {
    /// A recording for the next life of an agent.
    pub(crate) fn next(&self, agent: u16) -> Recording<A> {
        let recording = Recording::new();
        let mut lives = self.0.lock().unwrap();
        lives.push((agent, recording.clone()));
        recording
    }

    /// Whether an agent has taken a start: stores have been set up, all of them, as one system.
    pub(crate) fn has_begun(&self) -> bool {
        let begins = |step: &Step<A>| matches!(step, Step::Said(ObjectsSaid::Began { .. }));
        let lives = self.0.lock().unwrap();
        lives.iter().any(|(_, recording)| recording.any(begins))
    }

    /// What was recorded, with what landed on these stores.
    pub(crate) fn with(&self, stores: &[Faulty]) -> Recorded<A> {
        let mut lives: Vec<Lived<A>> = Vec::new();
        for (agent, recording) in self.0.lock().unwrap().iter() {
            let start = lives.iter().filter(|life| life.agent == *agent).count();
            // One that was killed before its first step has no life.
            if let Some(life) = recording.take() {
                lives.push(Lived {
                    agent: *agent,
                    start,
                    life,
                });
            }
        }
        let stores = stores.iter().enumerate().flat_map(|(store, faulty)| {
            let memories = faulty.memories().into_iter().enumerate();
            memories.map(move |(memory, objects)| Stored {
                store,
                memory,
                landings: objects.take(),
            })
        });
        Recorded {
            lives,
            stores: stores.collect(),
        }
    }
}

impl<A: Laid> Clone for Lives<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A: Laid> Default for Lives<A> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<A: Laid> Recorded<A> {
    /// Every agent, told again what it was told, does the same again; every simulated bucket replies what the object
    /// store did; and between the two nothing came up that no agent asked for. The first difference, in words.
    pub(crate) fn compare(&self) -> Result<Figures, String> {
        let mut figures = Figures {
            runs: 1,
            ..Figures::default()
        };
        for Lived { agent, start, life } in &self.lives {
            let same = replay::replay(life).map_err(|difference| {
                let replay::Difference {
                    position,
                    expected,
                    got,
                } = difference;
                format!(
                    "agent {agent}, life {start}, step {position}: expected {expected}, got {got}"
                )
            })?;
            figures.lives += 1;
            figures.events += same.events;
            figures.asks += same.asks;
            figures.draws += same.draws;
            figures.others += same.others;
        }
        for Stored {
            store,
            memory,
            landings,
        } in &self.stores
        {
            let settings = SETTINGS[store % SETTINGS.len()];
            figures.operations += store::compare(landings, settings).map_err(|difference| {
                let store::Difference {
                    position,
                    agent,
                    words,
                } = difference;
                format!(
                    "store {store}, memory {memory}, operation {position}, of agent {agent}: {words}"
                )
            })?;
        }
        carried(&self.lives, &self.stores)?;
        Ok(figures)
    }
}

/// How much was compared, and the same.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    runs: u64,
    pub(crate) lives: u64,
    pub(crate) events: u64,
    pub(crate) asks: u64,
    draws: u64,
    others: u64,
    pub(crate) operations: u64,
}

impl Figures {
    pub(crate) fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.lives += other.lives;
        self.events += other.events;
        self.asks += other.asks;
        self.draws += other.draws;
        self.others += other.others;
        self.operations += other.operations;
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            runs,
            lives,
            events,
            asks,
            draws,
            others,
            operations,
        } = self;
        write!(
            f,
            "the same once more: {runs} seeds, {lives} lives of agents, {events} events, {asks} operations asked for, \
             {draws} draws and ballots, {others} alarms and sayings; {operations} operations on stores"
        )
    }
}
