//! Happens-before: vector clocks of agents that reach each other only through what they write and read.
//!
//! An event comes before another if a chain leads from it to that: the order of one incarnation's own
//! steps, and from the step that asked for a write to each read that returned that very write. There is
//! no other way between agents, so what is not before could not have influenced (Lamport 1978; the clocks
//! are Fidge's and Mattern's). A crash takes an agent's memory: its next incarnation starts from nothing,
//! as a process of its own, and knows of the dead one only what it reads back from stores.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bivalent_core::AgentId;

/// Processes told apart at most; an agent restarted beyond that goes on as the process it was.
const PROCESSES_MAX: usize = 1024;
/// Writes whose stamps are kept at most; a read of an older one finds nothing.
const WRITES_MAX: usize = 1 << 16;

/// When an event happened, in the order of what could have influenced what.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stamp {
    process: usize,
    lamport: u64,
    clock: Arc<[u32]>,
}

impl Stamp {
    /// Whose event it is: an index into [`Causality::processes`].
    pub const fn process(&self) -> usize {
        self.process
    }

    /// Its number among the events of its process, from 1.
    pub fn count(&self) -> u32 {
        self.clock(self.process)
    }

    /// Lamport's clock: one more than the greatest of all that came before it.
    pub const fn lamport(&self) -> u64 {
        self.lamport
    }

    /// How many events of a process are before it, itself included.
    pub fn clock(&self, process: usize) -> u32 {
        self.clock.get(process).copied().unwrap_or(0)
    }

    /// The vector clock as far as it is known to be more than zero, by process.
    pub fn clocks(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        let entries = self.clock.iter().copied().enumerate();
        entries.filter(|&(_, count)| count > 0)
    }

    /// How many numbers it holds, zeros included.
    pub(crate) fn width(&self) -> usize {
        self.clock.len()
    }

    /// Whether they are of one event: of one step of an agent.
    pub fn is_same_event(&self, other: &Self) -> bool {
        self.process == other.process && self.count() == other.count()
    }

    /// Whether this event could have influenced the other one. No event comes before itself.
    pub fn happens_before(&self, other: &Self) -> bool {
        other.clock(self.process) >= self.count() && !self.is_same_event(other)
    }

    /// Whether neither event could have influenced the other, and they are two.
    pub fn is_concurrent_with(&self, other: &Self) -> bool {
        !(self.happens_before(other) || other.happens_before(self) || self.is_same_event(other))
    }
}

/// One incarnation of one agent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Process {
    /// The agent.
    pub agent: AgentId,
    /// Which start of it, from 0.
    pub incarnation: u64,
}

/// A recorder of stamps. `K` names a write, so that a read can say which one it returned: a place and
/// a version, or whatever tells two writes apart.
#[derive(Clone, Debug)]
pub struct Causality<K> {
    processes: Vec<Process>,
    /// Of each process, its newest event.
    newest: Vec<Stamp>,
    /// Which process each agent is now.
    current: Vec<usize>,
    written: BTreeMap<K, Stamp>,
    /// Keys of `written` in the order of the writes.
    order: VecDeque<K>,
}

impl<K: Clone + Ord> Causality<K> {
    /// A recorder in which nothing has happened, for so many agents, each in its first incarnation.
    pub fn new(agents: usize) -> Self {
        let mut causality = Self {
            processes: Vec::with_capacity(agents),
            newest: Vec::with_capacity(agents),
            current: Vec::with_capacity(agents),
            written: BTreeMap::new(),
            order: VecDeque::new(),
        };
        for agent in 0..agents {
            causality.current.push(agent);
            causality.begin(AgentId(agent as u16), 0);
        }
        causality
    }

    /// All incarnations that took steps, in the order of their starts: each is a process.
    pub fn processes(&self) -> &[Process] {
        &self.processes
    }

    /// An agent takes a step.
    pub fn local(&mut self, agent: AgentId) -> Stamp {
        self.met(agent, &[])
    }

    /// An agent takes a step in which it asks for a write: whoever reads it is influenced by the step.
    pub fn wrote(&mut self, agent: AgentId, key: K) -> Stamp {
        let stamp = self.local(agent);
        self.carries(key, &stamp);
        stamp
    }

    /// An agent takes a step in which it takes a write that was read; one that nobody has asked for
    /// (the block was never written, or the key is forgotten) carries nothing.
    pub fn read(&mut self, agent: AgentId, key: &K) -> Stamp {
        let carried = self.carried(key).cloned();
        self.met(agent, carried.as_slice())
    }

    /// An agent takes a step in which it learns of these events.
    pub fn met(&mut self, agent: AgentId, of: &[Stamp]) -> Stamp {
        let process = self.current[agent.index()];
        let newest = &self.newest[process];
        let mut clock = newest.clock.to_vec();
        let mut lamport = newest.lamport;
        for stamp in of {
            if clock.len() < stamp.clock.len() {
                clock.resize(stamp.clock.len(), 0);
            }
            for (mine, theirs) in clock.iter_mut().zip(stamp.clock.iter()) {
                *mine = (*mine).max(*theirs);
            }
            lamport = lamport.max(stamp.lamport);
        }
        clock[process] += 1;
        let stamp = Stamp {
            process,
            lamport: lamport + 1,
            clock: clock.into(),
        };
        self.newest[process] = stamp.clone();
        stamp
    }

    /// A write was asked for in the step of a stamp. The first step that asked for it counts: to ask
    /// again adds nothing to what is written.
    pub fn carries(&mut self, key: K, stamp: &Stamp) {
        if self.written.contains_key(&key) {
            return;
        }
        if self.order.len() == WRITES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.written.remove(&oldest);
        }
        self.order.push_back(key.clone());
        self.written.insert(key, stamp.clone());
    }

    /// The step that asked for a write, if that is known.
    pub fn carried(&self, key: &K) -> Option<&Stamp> {
        self.written.get(key)
    }

    /// An agent starts again and remembers nothing: its steps are from now on another process's.
    pub fn restarted(&mut self, agent: AgentId, incarnation: u64) {
        if self.processes.len() < PROCESSES_MAX {
            self.current[agent.index()] = self.processes.len();
            self.begin(agent, incarnation);
        }
    }

    fn begin(&mut self, agent: AgentId, incarnation: u64) {
        let process = self.processes.len();
        self.processes.push(Process { agent, incarnation });
        self.newest.push(Stamp {
            process,
            lamport: 0,
            clock: vec![0; process + 1].into(),
        });
    }
}
