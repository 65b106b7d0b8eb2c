//! What an exploration has come to, as data.

use serde::Serialize;

use super::{
    Bounds, Broken, Classes, Conclusion, Exploration, InFlight, Lasso, Move, Stalls, Valence,
};
use crate::scenario::{Scenario, script};

/// An exploration's results.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct ExploreReport {
    /// The scenario.
    pub scenario: String,
    /// Its protocol.
    pub protocol: &'static str,
    /// How many agents.
    pub agents: usize,
    /// How many stores.
    pub stores: usize,
    /// Stores that make a quorum.
    pub quorum: u8,
    /// `keep` or `drop`: what an abort does to operations in flight.
    pub in_flight: &'static str,
    /// Ballots an agent owns; none: any number, told by rank.
    pub ballots: Option<u64>,
    /// Equal agents change places: what differs in nothing but that is one state.
    pub symmetry: bool,
    /// `complete`, `violation`, `out-of-memory`, `out-of-depth` or `interrupted`.
    pub conclusion: &'static str,
    /// States reached.
    pub states: usize,
    /// Moves between them.
    pub transitions: usize,
    /// The most moves that a state is away from the initial one.
    pub depth: usize,
    /// States without a move.
    pub terminal: usize,
    /// Bytes that states and moves occupied, about.
    pub bytes: usize,
    /// What is broken, and a shortest way there.
    pub violation: Option<ViolationFound>,
    /// What is known only once every state was seen.
    pub complete: Option<Complete>,
    /// The shortest fair cycle without a decision; unless every state was seen, only if it is as short as
    /// any can be.
    pub lasso: Option<LassoFound>,
}

/// What every state together shows.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Complete {
    /// The values that can be decided, by their number in the lists below.
    pub values: Vec<String>,
    /// The values that can be decided from the initial state.
    pub initial: Vec<String>,
    /// States from which only the value of this place can be decided.
    pub univalent: Vec<usize>,
    /// States from which more than one value can be decided; with two values: bivalent ones.
    pub multivalent: usize,
    /// States from which nothing can be decided any more.
    pub wedged: usize,
    /// Moves from a multivalent to a univalent state.
    pub decisive: usize,
    /// Multivalent states with only univalent successors.
    pub critical: usize,
    /// What follows agents from state to state; none where equal agents change places.
    #[serde(flatten)]
    pub closer: Option<Closer>,
}

/// What following agents from state to state shows.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Closer {
    /// Bisimulation classes.
    pub classes: usize,
    /// Those of multivalent states.
    pub multivalent_classes: usize,
    /// Own steps that an agent needs at most, from any state, if it runs alone.
    pub alone: Option<usize>,
    /// Own steps that an agent takes at most in any schedule; none: there are cycles.
    pub in_any_schedule: Option<usize>,
    /// States in which all are up and nobody has decided.
    pub undecided: usize,
    /// Those that a fair schedule can hold off for ever.
    pub stallable: usize,
}

/// A fair cycle without a decision.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct LassoFound {
    /// The way there, in words.
    pub stem: Vec<String>,
    /// One turn, in words.
    pub turn: Vec<String>,
    /// Every state of it is multivalent.
    pub multivalent: bool,
    /// No fair cycle has a shorter turn.
    pub shortest: bool,
}

/// A violation and a shortest way there.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct ViolationFound {
    /// The property.
    pub property: &'static str,
    /// What happened, in words.
    pub detail: String,
    /// The moves, in words; the last one breaks the property.
    pub steps: Vec<String>,
}

/// What follows agents from state to state.
type Look = (Classes, Bounds, Stalls);

/// What a closer look at the states has shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Findings {
    /// Only if every state was seen.
    all: Option<(Valence, Option<Look>)>,
    /// The shortest fair cycle without a decision; unless every state was seen, only if it is as short as
    /// any can be.
    pub lasso: Option<Lasso>,
}

impl Exploration {
    /// Looks closer at the states: valences, classes, cycles, bounds. May take as long as the search.
    pub fn findings(&self) -> Findings {
        let Some(valence) = self.valence() else {
            return Findings {
                all: None,
                lasso: self.near_lasso(),
            };
        };
        let (closer, lasso) = match self.classes_and_lassos().zip(self.bounds()) {
            Some(((classes, stalls, lasso), bounds)) => (Some((classes, bounds, stalls)), lasso),
            None => (None, None),
        };
        Findings {
            all: Some((valence, closer)),
            lasso,
        }
    }

    /// The results, as data.
    pub fn report(&self, scenario: &Scenario, findings: &Findings) -> ExploreReport {
        let conclusion = self.conclusion();
        let violation = match &conclusion {
            Conclusion::Broken { broken, path } => Some(self.violation(scenario, broken, path)),
            Conclusion::Complete
            | Conclusion::OutOfMemory
            | Conclusion::OutOfDepth
            | Conclusion::Stopped => None,
        };
        let tell = |moves: &[Move]| moves.iter().map(|&m| words(scenario, m)).collect();
        ExploreReport {
            scenario: scenario.name.clone(),
            protocol: scenario.cluster.protocol.name(),
            agents: self.rules.agents,
            stores: self.rules.stores,
            quorum: self.rules.envelope.quorum(),
            in_flight: match self.rules.in_flight {
                InFlight::Keep => "keep",
                InFlight::Drop => "drop",
            },
            ballots: self.rules.ballots,
            symmetry: !self.has_names(),
            conclusion: match conclusion {
                Conclusion::Complete => "complete",
                Conclusion::Broken { .. } => "violation",
                Conclusion::OutOfMemory => "out-of-memory",
                Conclusion::OutOfDepth => "out-of-depth",
                Conclusion::Stopped => "interrupted",
            },
            states: self.states(),
            transitions: self.transitions(),
            depth: self.depth(),
            terminal: self.terminal(),
            bytes: self.bytes(),
            violation,
            complete: findings
                .all
                .as_ref()
                .map(|all| self.complete(scenario, all)),
            lasso: findings.lasso.as_ref().map(|lasso| LassoFound {
                stem: tell(&lasso.stem),
                turn: tell(&lasso.turn),
                multivalent: lasso.multivalent,
                shortest: lasso.shortest,
            }),
        }
    }

    fn complete(
        &self,
        scenario: &Scenario,
        (valence, closer): &(Valence, Option<Look>),
    ) -> Complete {
        let values: Vec<String> = (0..valence.univalent.len())
            .map(|value| self.proposal(scenario, value))
            .collect();
        let initial = valence.initial.iter();
        Complete {
            initial: initial.map(|&value| values[value].clone()).collect(),
            values,
            univalent: valence.univalent.clone(),
            multivalent: valence.multivalent,
            wedged: valence.none,
            decisive: valence.decisive,
            critical: valence.critical,
            closer: closer.as_ref().map(|(classes, bounds, stalls)| Closer {
                classes: classes.all,
                multivalent_classes: classes.multivalent,
                alone: bounds.alone,
                in_any_schedule: bounds.in_any_schedule,
                undecided: stalls.undecided,
                stallable: stalls.stallable,
            }),
        }
    }

    /// The proposal that value number `value` (from 0) stands for.
    pub(super) fn proposal(&self, scenario: &Scenario, value: usize) -> String {
        let number = value as u64 + 1;
        let agent = self.rules.inputs.iter().position(|input| input.0 == number);
        let agent = agent.and_then(|agent| scenario.cluster.agents.get(agent));
        agent.map_or_else(|| number.to_string(), |agent| agent.proposal.clone())
    }

    fn violation(&self, scenario: &Scenario, broken: &Broken, path: &[Move]) -> ViolationFound {
        let name = |agent: bivalent_core::AgentId| agent_name(scenario, agent);
        let value =
            |value: bivalent_core::Value| self.proposal(scenario, (value.0.max(1) - 1) as usize);
        let who = path
            .last()
            .map_or_else(String::new, |last| name(last.agent));
        let (property, detail) = match *broken {
            Broken::Agreement {
                earlier,
                first,
                second,
            } => (
                "agreement",
                format!(
                    "{who} decided {}, {} had decided {}",
                    value(second),
                    name(earlier),
                    value(first)
                ),
            ),
            Broken::Validity { value } => (
                "validity",
                format!("{who} decided {}, which nobody proposed", value.0),
            ),
        };
        ViolationFound {
            property,
            detail,
            steps: path.iter().map(|&m| words(scenario, m)).collect(),
        }
    }
}

fn agent_name(scenario: &Scenario, agent: bivalent_core::AgentId) -> String {
    scenario.cluster.agents[agent.index()].name.clone()
}

/// A move in the words of a script.
pub fn words(scenario: &Scenario, taken: Move) -> String {
    script::words(scenario, taken.entry())
}
