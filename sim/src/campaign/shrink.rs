//! Shrinking: from a failing run to a small one that fails alike.
//!
//! A run is its scenario and its list of choices, and both are made smaller by turns: rules, agents, stores
//! and requests are left out, the list is cut, thinned and lowered, settings are made simpler. A candidate
//! is taken if it fails alike and is smaller: fewer agents; else fewer stores, rules, requests, steps to the
//! failure, faults drawn, settings that say something, choices; else an earlier list in the order of lists.
//! Nothing gets smaller in this order for ever, and nothing is drawn that a seed does not fix: the same
//! input gives the same result.
//!
//! Not promised: the smallest run that fails alike. That would take all of them.

mod list;
mod settings;
pub(crate) mod smaller;
mod strikes;
mod trial;
mod world;

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use crate::{
    campaign::{
        failure::Failure,
        guard::{Subject, caught},
    },
    pool::watched,
    scenario::Scenario,
};

use trial::{Trials, Watch};

pub use strikes::Strike;

/// Candidates of one shrinking that do not come back before it is ended: each keeps a thread busy for ever.
const LEFT_MAX: usize = 3;

/// Where shrinking ends at the latest. Counted, not timed, so that the result is the same everywhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// After this many candidates.
    pub runs: u64,
    /// After this many simulated steps in all, so that slow scenarios end too.
    pub steps: u64,
}

impl Default for Limits {
    /// Some seconds.
    fn default() -> Self {
        Self {
            runs: 50_000,
            steps: 10_000_000,
        }
    }
}

/// How much there is to read in a failing run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Size {
    /// Agents of the scenario.
    pub agents: u64,
    /// Its stores.
    pub stores: u64,
    /// Its rules of faults.
    pub rules: u64,
    /// Faults drawn up to the failing step.
    pub faults: u64,
    /// What all clients of the scenario ask for in all; 0 where there are no clients.
    pub requests: u64,
    /// Choices up to the failing step.
    pub choices: u64,
    /// Steps to the failing one, itself included.
    pub steps: u64,
}

/// A small run that fails as a greater one did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shrunk {
    /// The scenario, planted bug included, with a text of its own. It ends at the failing step, and follows
    /// no choices by itself.
    pub scenario: Scenario,
    /// The choices of the run: a list that fits the scenario.
    pub choices: Vec<u32>,
    /// How it fails.
    pub failure: Failure,
    /// The faults drawn up to the failing step, in order; of very many the first hundred. After a complete
    /// shrinking none of them can be left out.
    pub strikes: Vec<Strike>,
    /// How large the run was.
    pub before: Size,
    /// How large this one is.
    pub after: Size,
    /// How many candidates were run.
    pub tried: u64,
    /// No single choice can be left out or made the first possible one for a smaller run that fails alike.
    /// If not, the budget ended first.
    pub complete: bool,
}

/// Makes a failing run smaller, as [`shrink`] does, on a thread of its own: a candidate that does not come to an end
/// within `patience` is left behind and taken for one that does not fail alike.
///
/// What comes out is the same as if such candidates were never tried, however often that happens; after some of them it is
/// what came before the next one.
pub fn shrink_watched(
    subject: &Arc<dyn Subject>,
    scenario: &Scenario,
    choices: &[u32],
    failure: &Failure,
    limits: Limits,
    patience: Duration,
) -> Option<Shrunk> {
    let mut limits = limits;
    let mut endless: Vec<u64> = Vec::new();
    while endless.len() <= LEFT_MAX {
        let (subject, scenario) = (Arc::clone(subject), scenario.clone());
        let (choices, failure) = (choices.to_vec(), failure.clone());
        let skipped = endless.clone();
        let ended = watched::alone(patience, move |pulse| {
            let watch = Watch {
                pulse,
                endless: &skipped,
            };
            let trials = Trials::new(&*subject, &failure, limits, watch);
            caught(|| shrink_with(trials, &*subject, &scenario, choices))
        });
        match ended {
            Ok(Ok(shrunk)) => return shrunk,
            // Ours, not that of what is tested: that one was caught before.
            Ok(Err((place, message))) => panic!("{message} ({place})"),
            Err(at) => {
                endless.push(at);
                if endless.len() == LEFT_MAX {
                    limits.runs = limits.runs.min(at.saturating_sub(1));
                }
            }
        }
    }
    None
}

/// Makes a failing run smaller: the run that a list of choices gives in a scenario, followed as far as it
/// fits and then with first choices. None if it does not fail like `failure`.
///
/// All runs are guarded: a panic of what is tested is a failure like any other.
pub fn shrink(
    subject: &dyn Subject,
    scenario: &Scenario,
    choices: Vec<u32>,
    failure: &Failure,
    limits: Limits,
) -> Option<Shrunk> {
    let pulse = AtomicU64::default();
    let watch = Watch {
        pulse: &pulse,
        endless: &[],
    };
    let trials = Trials::new(subject, failure, limits, watch);
    shrink_with(trials, subject, scenario, choices)
}

fn shrink_with(
    mut trials: Trials<'_>,
    subject: &dyn Subject,
    scenario: &Scenario,
    choices: Vec<u32>,
) -> Option<Shrunk> {
    let first = trials.first(scenario, choices)?;
    let before = first.size();
    let mut best = first;
    let mut complete = false;
    while !trials.over() {
        let mut smaller = trials.search(&mut best);
        // Faults that nobody misses go while the list still fits: then their rules can.
        smaller |= trials.thin_list(&mut best);
        smaller |= trials.shrink_world(&mut best, before.steps);
        smaller |= trials.shrink_list(&mut best);
        smaller |= trials.simplify(&mut best);
        if !smaller && !trials.over() {
            complete = trials.all_came_back();
            break;
        }
    }
    trials.end_sooner(&mut best);
    let strikes = strikes::strikes(subject, &best.scenario, &best.choices, best.step);
    let after = best.size();
    Some(Shrunk {
        scenario: with_its_text(best.scenario),
        choices: best.choices,
        failure: best.failure,
        strikes,
        before,
        after,
        tried: trials.tried,
        complete,
    })
}

/// The one place where a changed scenario gets a text of its own.
fn with_its_text(mut scenario: Scenario) -> Scenario {
    scenario.text = String::new();
    scenario.text = scenario.to_toml();
    scenario
}

/// The size of a run that nothing is known of but its choices and its steps.
pub(crate) fn size(scenario: &Scenario, choices: u64, steps: u64) -> Size {
    Size {
        agents: scenario.cluster.agents.len() as u64,
        stores: scenario.cluster.stores.len() as u64,
        rules: scenario.faults.len() as u64,
        faults: 0,
        requests: settings::requests(scenario),
        choices,
        steps,
    }
}
