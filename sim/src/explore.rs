//! Exploring: every schedule of a small system, on the very same agents.
//!
//! A state is all blocks, all agents, and what is in flight. Ballots are only ever compared, so each
//! state is told with its ballots' ranks, and an infinite system has a finite graph. After an abort the
//! next ballot is any one above the ballot that was met: one for each gap between the ballots present.
//! What one step is, and why that is enough, is in `docs/exploring.md`.

mod bisimulation;
mod bounds;
pub mod certificate;
mod components;
mod dot;
mod graph;
mod images;
mod initial;
mod lasso;
mod lookup;
mod moves;
mod names;
mod op;
mod part;
pub mod report;
mod rules;
mod search;
mod stepper;
mod symmetry;
mod table;
mod valence;
mod ways;

use std::ops::ControlFlow;

use crate::scenario::{Protocol, Scenario, fault::FaultKind};

use rules::Rules;
use search::{Ended, Found};
use valence::Valences;

pub use crate::scenario::planted::Planted;
pub use bisimulation::Classes;
pub use bounds::Bounds;
pub use lasso::{Lasso, Stalls};
pub(crate) use lookup::{Begins, Flying, World};
pub use moves::{Act, Move};
pub use stepper::Broken;
pub use valence::Valence;

/// What an abort does to the operations that have had no answer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum InFlight {
    /// They stay in flight: writes land later, and the next write to that place waits for them.
    #[default]
    Keep,
    /// They are gone, as in the paper, where a step is one whole operation.
    Drop,
}

/// How to explore.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What an abort does to the operations that have had no answer.
    pub in_flight: InFlight,
    /// Bounds the search instead of renaming: each agent owns this many ballots, agent p of m the
    /// ballots p, p + m, …, and stops when it has none above the one it met.
    pub ballots: Option<u64>,
    /// Threads.
    pub jobs: usize,
    /// Bytes that states and moves may occupy, about.
    pub memory: usize,
    /// States further away from the initial one than this are not looked for.
    pub depth: Option<usize>,
    /// States that differ in nothing but which of several equal agents is which are one state. Then
    /// nothing is said that follows an agent from state to state: no classes, cycles and own steps.
    pub symmetry: bool,
    /// The bug that every agent has: none in an ordinary build.
    pub planted: Planted,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            in_flight: InFlight::Keep,
            ballots: None,
            jobs: 1,
            memory: 2 << 30,
            depth: None,
            symmetry: false,
            planted: Planted::default(),
        }
    }
}

/// How far a search has got.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress {
    /// States found.
    pub states: usize,
    /// Moves found.
    pub transitions: usize,
    /// States whose moves are known.
    pub explored: usize,
    /// Moves that the last of those needs.
    pub depth: usize,
    /// Bytes in use, about.
    pub bytes: usize,
}

/// Why a scenario can't be explored. Nothing was done.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ExploreError {
    /// More agents or stores than any graph can hold.
    #[error(
        "{agents} agents on {stores} stores can't be explored: at most {} agents and {} stores",
        rules::AGENTS_MAX,
        rules::STORES_MAX
    )]
    TooLarge {
        /// Its agents.
        agents: usize,
        /// Its stores.
        stores: usize,
    },
    /// A log grows without bound.
    #[error(
        "a replicated log grows for ever: there is no finite graph; explore one decision, with protocol = \"disk-paxos\""
    )]
    Log,
    /// Versioned blocks overtake each other without bound.
    #[error(
        "versioned blocks never wait for each other, so that any number of writes can be in flight: \
         there is no finite graph; explore with `format = \"raw\"`, or with `--in-flight drop`"
    )]
    Versioned,
    /// A fault that is not explored.
    #[error(
        "line {line}: `{}` is not explored: only crashes, restarts and, on checked blocks, torn writes are",
        kind.name()
    )]
    Fault {
        /// Its kind.
        kind: FaultKind,
        /// Its line in the scenario.
        line: u32,
    },
    /// Agents that are not alike in all they do.
    #[error(
        "symmetry is for disk-paxos with ballots unbounded: numbered ballots and shared records tell \
         agents apart"
    )]
    NoSymmetry,
    /// Crashes that may happen for ever.
    #[error("line {line}: crashes without a bound make no finite graph: give `times = 1`")]
    CrashesWithoutEnd {
        /// Its line in the scenario.
        line: u32,
    },
}

/// Whether everything was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Conclusion {
    /// Every reachable state was seen, and nothing is broken in any.
    Complete,
    /// Safety is broken: a shortest way there, the last move being the one that breaks it.
    Broken {
        /// What.
        broken: Broken,
        /// How.
        path: Vec<Move>,
    },
    /// The memory was used up first.
    OutOfMemory,
    /// Every state as near as was asked for was seen; there are more beyond.
    OutOfDepth,
    /// It was stopped.
    Stopped,
}

/// A small system, explored.
#[derive(Clone, Debug)]
pub struct Exploration {
    rules: Rules,
    found: Found,
    valences: Option<Valences>,
}

/// Explores a scenario's system. `progress` is told from time to time and may stop it.
pub fn explore(
    scenario: &Scenario,
    options: &Options,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Exploration, ExploreError> {
    if scenario.cluster.protocol == Protocol::ReplicatedLog {
        return Err(ExploreError::Log);
    }
    let mut rules = Rules::new(&scenario.as_explored(), options)?;
    let mut found = search::search(&rules, options, progress);
    if matches!(found.ended, Ended::Broken { .. }) && !rules.places.is_empty() {
        // To tell the way there, everybody keeps his name. It is no longer than this one.
        rules.places.clear();
        found = search::search(&rules, options, progress);
    }
    let values = values(&rules);
    let valences = (found.ended == Ended::Complete)
        .then(|| Valences::new(&found.graph, &found.tables, values));
    Ok(Exploration {
        rules,
        found,
        valences,
    })
}

/// Distinct proposals are numbered from 1: how many there are.
fn values(rules: &Rules) -> usize {
    rules.inputs.iter().map(|value| value.0).max().unwrap_or(0) as usize
}

impl Exploration {
    /// Whether everything was found.
    pub fn conclusion(&self) -> Conclusion {
        match self.found.ended {
            Ended::Complete => Conclusion::Complete,
            Ended::Full => Conclusion::OutOfMemory,
            Ended::Deep => Conclusion::OutOfDepth,
            Ended::Stopped => Conclusion::Stopped,
            Ended::Broken {
                state,
                taken,
                broken,
            } => {
                let mut path = self.found.graph.path_to(state);
                path.push(taken);
                Conclusion::Broken { broken, path }
            }
        }
    }

    /// Agents keep their names from state to state.
    const fn has_names(&self) -> bool {
        self.rules.places.is_empty()
    }

    /// States reached.
    pub fn states(&self) -> usize {
        self.found.graph.states()
    }

    /// Moves between them; two moves that lead to the same state are two.
    pub fn transitions(&self) -> usize {
        self.found.graph.transitions()
    }

    /// The most moves that some state is away from the initial one.
    pub fn depth(&self) -> usize {
        self.found.graph.depth()
    }

    /// Bytes that states and moves occupied, about.
    pub const fn bytes(&self) -> usize {
        self.found.bytes
    }

    /// States in which no move is left.
    pub fn terminal(&self) -> usize {
        let graph = &self.found.graph;
        (0..graph.states() as u32)
            .filter(|&state| graph.successors(state).is_empty())
            .count()
    }

    /// Counts of valences, if every state was seen.
    pub fn valence(&self) -> Option<Valence> {
        let valences = self.valences.as_ref()?;
        let (graph, tables) = (&self.found.graph, &self.found.tables);
        Some(valences.count(graph, tables, values(&self.rules)))
    }

    /// How many classes of states there are that nobody could tell apart, and where a run can be held
    /// off for ever, if every state was seen.
    pub fn classes_and_lassos(&self) -> Option<(Classes, Stalls, Option<Lasso>)> {
        let valences = self.valences.as_ref().filter(|_| self.has_names())?;
        let (graph, tables) = (&self.found.graph, &self.found.tables);
        let partition = bisimulation::partition(graph, tables);
        let (stalls, lasso) = lasso::lassos(&self.rules, graph, tables, &partition, valences);
        Some((partition.classes(valences), stalls, lasso))
    }

    /// A fair cycle without a decision among the states seen, if not all were: the shortest there can be
    /// at all, or none.
    pub fn near_lasso(&self) -> Option<Lasso> {
        if self.valences.is_some() || !self.has_names() {
            return None;
        }
        let Found { graph, tables, .. } = &self.found;
        lasso::near(&self.rules, graph, tables)
    }

    /// How many own steps an agent takes, if every state was seen.
    pub fn bounds(&self) -> Option<Bounds> {
        self.valences.as_ref().filter(|_| self.has_names())?;
        Some(bounds::bounds(&self.found.graph, &self.found.tables))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(agents: usize, stores: usize) -> Scenario {
        let text = format!(
            "title = \"t\"\nsummary = \"s\"\n[cluster]\nagents = {agents}\nstores = {stores}\nblock = {{ size = \"64B\", format = \"raw\" }}\n"
        );
        Scenario::parse("t.toml", &text, &|_| unreachable!("no files")).unwrap()
    }

    fn run(agents: usize, stores: usize, options: Options) -> Exploration {
        let go_on = &mut |_| ControlFlow::Continue(());
        explore(&scenario(agents, stores), &options, go_on).unwrap()
    }

    #[test]
    fn two_agents_on_one_store_have_the_known_graph() {
        for in_flight in [InFlight::Keep, InFlight::Drop] {
            let found = run(
                2,
                1,
                Options {
                    in_flight,
                    ..Options::default()
                },
            );
            assert_eq!(found.conclusion(), Conclusion::Complete);
            assert_eq!((found.states(), found.transitions()), (269, 468));
            assert_eq!((found.depth(), found.terminal()), (20, 4));
            let valence = found.valence().unwrap();
            assert_eq!(valence.univalent, [118, 118]);
            assert_eq!((valence.multivalent, valence.decisive), (33, 26));
            assert_eq!((valence.critical, valence.none), (0, 0));
            assert_eq!(valence.initial, [0, 1]);
            assert_eq!(valence.decided_multivalent, 0);
            let (classes, stalls, lasso) = found.classes_and_lassos().unwrap();
            assert_eq!((classes.all, classes.multivalent), (76, 14));
            assert_eq!((stalls.undecided, stalls.stallable), (203, 203));
            let lasso = lasso.unwrap();
            assert_eq!((lasso.turn.len(), lasso.stem.len()), (4, 2));
            assert!(lasso.multivalent && lasso.shortest);
            let bounds = found.bounds().unwrap();
            assert_eq!((bounds.alone, bounds.in_any_schedule), (Some(6), None));
        }
    }
}
