//! A run's timeline: its events in order, each with its clock, for other programs to read.
//!
//! An event is what an agent did, took or met, a write that landed, or what befell a store. One step of an
//! agent may be several events; they have one clock. A write that landed has the clock of the step that
//! asked for it: what its author learnt before it landed is not in it. What befell stores, stalls and the
//! heal are nobody's steps and have no clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bivalent_core::{AgentId, StoreId};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    engine::{
        causality::{Process, Stamp},
        journal::{Journal, Keeps, Note, What},
        runner::Runner,
    },
    judge::{
        report::{RunReport, Violation},
        verdict::Finished,
    },
    scenario::{Scenario, fault::FaultKind, planted::Planted},
    story,
};

/// A run, event by event.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// Where to find the run again.
    pub coordinate: String,
    /// The events, in order; of a long run only the first ones.
    pub events: Vec<Event>,
    /// How many events came after those.
    pub left_out: u64,
    /// What was broken of what the scenario asks about, in the order of the steps.
    pub violations: Vec<Violation>,
}

/// Something that happened.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Event {
    /// The step of the run.
    pub step: u64,
    /// Its virtual time, ns.
    pub virtual_ns: u64,
    /// Whose step it is, or whom a fault concerns.
    pub agent: Option<String>,
    /// Which start of the agent, from 0; none where there is no clock.
    pub incarnation: Option<u64>,
    /// Where.
    pub store: Option<String>,
    /// What happened, in one word: `phase-1`, `phase-2`, `aborted`, `recovered`, `decided`, `wrote`,
    /// `refused`, `read`, `fault`, `stall` or `healed`; of logs also `stands`, `leads`, `follows` and
    /// `installed`; on buckets also what agents say of their starts: `begins`, `uncounted`, `stops`.
    pub kind: &'static str,
    /// Which kind of fault, of a fault.
    pub fault: Option<&'static str>,
    /// What happened, for people.
    pub text: String,
    /// Lamport's clock, from 1.
    pub lamport: Option<u64>,
    /// The vector clock.
    pub clock: Option<Clock>,
}

/// A vector clock: of each process, how many of its steps in this history are before an event or are its
/// own. A process is one incarnation of an agent: the first has the agent's name, later ones `NAME'1`,
/// `NAME'2`. Processes of which it knows nothing are left out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Clock {
    host: usize,
    entries: Vec<(u32, u32)>,
    names: Arc<[Arc<str>]>,
}

impl Clock {
    /// The process whose step it is.
    pub fn host(&self) -> &str {
        &self.names[self.host]
    }

    /// Which step of its process it is, from 1.
    pub fn count(&self) -> u32 {
        let mut entries = self.entries.iter();
        let own = entries.find(|entry| entry.0 as usize == self.host);
        own.map_or(0, |entry| entry.1)
    }

    /// Processes and how many of their steps are known, more than 0, in the order of their starts.
    pub fn entries(&self) -> impl Iterator<Item = (&str, u32)> {
        let entry = |&(process, count): &(u32, u32)| (&*self.names[process as usize], count);
        self.entries.iter().map(entry)
    }

    /// How many steps of a process are known.
    pub fn of(&self, name: &str) -> u32 {
        let mut entries = self.entries();
        entries
            .find(|entry| entry.0 == name)
            .map_or(0, |entry| entry.1)
    }

    /// Whether an event could have influenced another one of its history.
    pub fn happens_before(&self, other: &Self) -> bool {
        let known = other.of(self.host());
        known >= self.count() && (self.host, self.count()) != (other.host, other.count())
    }
}

impl Serialize for Clock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.entries.len()))?;
        for (name, count) in self.entries() {
            map.serialize_entry(name, &count)?;
        }
        map.end()
    }
}

/// Runs a seed and returns its history; agents with a planted bug, if there is one.
pub fn of(scenario: &Scenario, seed: u64, planted: Planted) -> Timeline {
    let mut runner = Runner::new(scenario);
    runner.plant_any(planted);
    let (end, journal) = runner.run_told(seed, Keeps::First);
    let report = runner.report(scenario, seed, end);
    told(scenario, runner.finished(), &journal, report)
}

/// A run's notes as events.
fn told(
    scenario: &Scenario,
    engine: &dyn Finished,
    journal: &Journal,
    report: RunReport,
) -> Timeline {
    let names = names(scenario, journal.processes());
    let teller = Teller {
        scenario,
        engine,
        processes: journal.processes(),
        names: names.into_iter().map(Arc::from).collect(),
        counts: counts(journal.notes.iter().filter_map(|note| note.stamp.as_ref())),
    };
    Timeline {
        coordinate: report.coordinate,
        events: journal
            .notes
            .iter()
            .map(|note| teller.event(note))
            .collect(),
        left_out: journal.dropped,
        violations: report.violations,
    }
}

/// Names of processes, each but once.
pub(crate) fn names(scenario: &Scenario, processes: &[Process]) -> Vec<String> {
    let agents = &scenario.cluster.agents;
    let mut names: Vec<String> = Vec::with_capacity(processes.len());
    let mut taken: BTreeSet<String> = agents.iter().map(|agent| agent.name.clone()).collect();
    for process in processes {
        let mut name = agents[process.agent.index()].name.clone();
        if process.incarnation > 0 {
            name = format!("{name}'{}", process.incarnation);
            while !taken.insert(name.clone()) {
                name.push('\'');
            }
        }
        names.push(name);
    }
    names
}

/// The steps of each process that a history tells, by their numbers in the process.
fn counts<'a>(stamps: impl Iterator<Item = &'a Stamp>) -> BTreeMap<usize, Vec<u32>> {
    let mut told: BTreeMap<usize, BTreeSet<u32>> = BTreeMap::new();
    for stamp in stamps {
        let counts = told.entry(stamp.process()).or_default();
        counts.insert(stamp.count());
    }
    told.into_iter()
        .map(|(process, counts)| (process, counts.into_iter().collect()))
        .collect()
}

/// What it takes to tell a note.
struct Teller<'a> {
    scenario: &'a Scenario,
    engine: &'a dyn Finished,
    processes: &'a [Process],
    names: Arc<[Arc<str>]>,
    counts: BTreeMap<usize, Vec<u32>>,
}

impl Teller<'_> {
    fn event(&self, note: &Note) -> Event {
        let line = story::line(self.scenario, self.engine, note);
        let Subject {
            kind,
            agent,
            store,
            fault,
        } = subject(&note.what);
        let stamp = note.stamp.as_ref();
        let cluster = &self.scenario.cluster;
        Event {
            step: line.step,
            virtual_ns: line.time_ns,
            agent: agent.map(|agent| cluster.agents[agent.index()].name.clone()),
            incarnation: stamp.map(|stamp| self.processes[stamp.process()].incarnation),
            store: store.map(|store| cluster.stores[store.index()].clone()),
            kind,
            fault: fault.map(FaultKind::name),
            text: line.what,
            lamport: stamp.map(Stamp::lamport),
            clock: stamp.map(|stamp| clock(stamp, &self.counts, &self.names)),
        }
    }
}

/// Steps that are not told have no number: a reader may rely on there being no gap.
fn clock(stamp: &Stamp, counts: &BTreeMap<usize, Vec<u32>>, names: &Arc<[Arc<str>]>) -> Clock {
    let told = |(process, count): (usize, u32)| {
        let counts = counts.get(&process)?;
        let told = counts.partition_point(|&told| told <= count) as u32;
        (told > 0).then_some((process as u32, told))
    };
    Clock {
        host: stamp.process(),
        entries: stamp.clocks().filter_map(told).collect(),
        names: Arc::clone(names),
    }
}

/// What a note is about.
pub(crate) struct Subject {
    pub(crate) kind: &'static str,
    pub(crate) agent: Option<AgentId>,
    pub(crate) store: Option<StoreId>,
    pub(crate) fault: Option<FaultKind>,
}

/// What a note is about.
pub(crate) const fn subject(what: &What) -> Subject {
    let (kind, agent, store) = match *what {
        What::Phase1 { agent, .. } => ("phase-1", Some(agent), None),
        What::Phase2 { agent, .. } => ("phase-2", Some(agent), None),
        What::Aborted { agent, .. } => ("aborted", Some(agent), None),
        What::Recovered { agent, .. } => ("recovered", Some(agent), None),
        What::Decided { agent, .. } | What::Chosen { agent, .. } => ("decided", Some(agent), None),
        What::Wrote { agent, store, .. } => ("wrote", Some(agent), Some(store)),
        What::Refused { agent, store } => ("refused", Some(agent), Some(store)),
        What::Read { agent, store, .. } => ("read", Some(agent), Some(store)),
        What::Fault { agent, store, .. } => ("fault", agent, store),
        What::Stands { agent, .. } => ("stands", Some(agent), None),
        What::Leads { agent, .. } => ("leads", Some(agent), None),
        What::Follows { agent, .. } => ("follows", Some(agent), None),
        What::Installed { agent, .. } => ("installed", Some(agent), None),
        What::Told { agent, kind, .. } => (kind, Some(agent), None),
        What::Stall { .. } => ("stall", None, None),
        What::Healed => ("healed", None, None),
    };
    let fault = match *what {
        What::Fault { kind, .. } => Some(kind),
        What::Phase1 { .. }
        | What::Phase2 { .. }
        | What::Aborted { .. }
        | What::Recovered { .. }
        | What::Decided { .. }
        | What::Wrote { .. }
        | What::Refused { .. }
        | What::Read { .. }
        | What::Stands { .. }
        | What::Leads { .. }
        | What::Follows { .. }
        | What::Chosen { .. }
        | What::Installed { .. }
        | What::Told { .. }
        | What::Stall { .. }
        | What::Healed => None,
    };
    Subject {
        kind,
        agent,
        store,
        fault,
    }
}
