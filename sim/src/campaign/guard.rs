//! Guarded runs: a panic of what is tested ends the run, not whoever runs it, and is a failure like any other.

use std::{
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

use crate::{
    campaign::failure::{self, Failure},
    engine::{
        End,
        blocks::BlockEngine,
        log::Load,
        runner::{Rest, Runner, Sorted},
    },
    protocol::Agents,
    scenario::Scenario,
};

/// What is put through runs: gives the simulator for each scenario.
pub trait Subject: Send + Sync {
    /// A simulator of this scenario.
    fn runner(&self, scenario: &Scenario) -> Runner;
}

/// The agents and machines that come with Bivalent.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltIn;

impl Subject for BuiltIn {
    fn runner(&self, scenario: &Scenario) -> Runner {
        Runner::new(scenario)
    }
}

/// A user's own machine with its clients, on the replicas that come with Bivalent. Every scenario must have
/// replicas; the machine that it names is not looked at.
#[derive(Clone, Copy, Debug)]
pub struct OwnMachine<L>(pub L);

impl<L: Load> Subject for OwnMachine<L> {
    fn runner(&self, scenario: &Scenario) -> Runner {
        Runner::of_machine(scenario, self.0.clone())
    }
}

/// Agents of a user's own protocol. Every scenario must be about one decision.
#[derive(Clone, Debug)]
pub struct OwnProtocol(pub Agents);

impl Subject for OwnProtocol {
    fn runner(&self, scenario: &Scenario) -> Runner {
        BlockEngine::with_agents(scenario, self.0).into()
    }
}

/// Where a run's choices come from.
#[derive(Clone, Debug)]
pub enum How {
    /// The streams of a seed; the choices are not kept.
    Seed(u64),
    /// The streams of a seed; the choices are kept.
    Kept(u64),
    /// A list that need not fit, and what comes after its end; the choices made are kept.
    Following(Vec<u32>, Rest),
    /// The same with a list for each purpose.
    Sorted(Sorted, Rest),
}

/// How a guarded run ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ended {
    /// By itself.
    Run(End),
    /// What was tested panicked.
    Panicked {
        /// The file and line, as the compiler knows them.
        place: String,
        /// What it said.
        message: String,
    },
}

/// A simulator of one scenario that survives panics of what it simulates.
pub struct Guard<'a> {
    subject: &'a dyn Subject,
    scenario: &'a Scenario,
    runner: Runner,
    /// The last run panicked in the middle of something.
    torn: bool,
}

impl<'a> Guard<'a> {
    /// A simulator of `scenario`.
    pub fn new(subject: &'a dyn Subject, scenario: &'a Scenario) -> Self {
        Self {
            subject,
            scenario,
            runner: subject.runner(scenario),
            torn: false,
        }
    }

    /// Runs once.
    pub fn run(&mut self, how: How) -> Ended {
        self.survives(|runner| match how {
            How::Seed(seed) => runner.run(seed),
            How::Kept(seed) => runner.run_kept(seed),
            How::Following(choices, rest) => runner.run_following(choices, rest),
            How::Sorted(sorted, rest) => runner.run_sorted(sorted, rest),
        })
    }

    /// Follows a list again; says of each choice made what it was for.
    pub(crate) fn kinds(&mut self, choices: &[u32]) -> Vec<u8> {
        self.survives(|runner| runner.run_telling_kinds(choices.to_vec()));
        let told = self.runner.take_choices();
        told.chunks_exact(2).map(|pair| pair[0] as u8).collect()
    }

    fn survives(&mut self, what: impl FnOnce(&mut Runner) -> End) -> Ended {
        if self.torn {
            self.runner = self.subject.runner(self.scenario);
            self.torn = false;
        }
        let runner = &mut self.runner;
        match caught(|| what(runner)) {
            Ok(end) => Ended::Run(end),
            Err((place, message)) => {
                self.torn = true;
                Ended::Panicked { place, message }
            }
        }
    }

    /// Runs once; says what is wrong with the run, if anything is.
    pub fn judge(&mut self, how: How) -> Option<Failure> {
        let ended = self.run(how);
        self.failure(&ended)
    }

    /// What is wrong with the run that has just ended like this, if anything is.
    pub fn failure(&self, ended: &Ended) -> Option<Failure> {
        match ended {
            Ended::Run(end) => failure::of(self.scenario, self.runner.finished(), *end),
            Ended::Panicked { place, message } => Some(Failure::Panic {
                place: place.clone(),
                message: message.clone(),
            }),
        }
    }

    /// The step at which the last run failed, from 1; where nothing says so, its last one.
    pub fn failed_at(&self, failure: &Failure) -> u64 {
        let run = self.runner.finished();
        failure::step(failure, run)
    }

    /// The scenario that is run.
    pub const fn scenario(&self) -> &'a Scenario {
        self.scenario
    }

    /// The simulator. After a panic it has stopped in the middle of a step.
    pub const fn runner(&self) -> &Runner {
        &self.runner
    }

    /// The choices of the last run, if they were kept.
    pub fn take_choices(&mut self) -> Vec<u32> {
        self.runner.take_choices()
    }
}

/// Does something on a thread of its own, and does not wait for it for longer than this.
///
/// None if it did not come back.
pub fn apart<T: Send + 'static>(
    patience: std::time::Duration,
    what: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    crate::pool::watched::alone(patience, move |_| what()).ok()
}

thread_local! {
    /// Somebody on this thread waits for a panic.
    static WAITING: Cell<bool> = const { Cell::new(false) };
    /// Where the last one that was waited for happened, and what it said.
    static LAST: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
}

/// Does something that may panic. A panic says nothing on the terminal; its place and its message come back.
pub(crate) fn caught<T>(what: impl FnOnce() -> T) -> Result<T, (String, String)> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !WAITING.get() {
                before(info);
                return;
            }
            let payload = info.payload();
            let said = payload.downcast_ref::<&str>().copied();
            let said = said.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
            let place = info.location().map_or_else(String::new, place_of);
            let message = said.unwrap_or("a panic without a message").to_owned();
            LAST.set(Some((place, message)));
        }));
    });
    let outer = WAITING.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(what));
    WAITING.set(outer);
    result.map_err(|_| LAST.take().unwrap_or_default())
}

/// The file from the workspace or the crate on, so that two checkouts say the same.
fn place_of(place: &panic::Location<'_>) -> String {
    let file = place.file();
    let from = ["core/src/", "sim/src/"]
        .iter()
        .find_map(|part| file.rfind(part))
        .unwrap_or(0);
    format!("{}:{}", &file[from..], place.line())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_comes_back_with_its_place_and_its_words() {
        let caught = caught(|| -> u32 { panic!("no {}", "way") });

        let (place, message) = caught.unwrap_err();
        assert!(place.starts_with("sim/src/campaign/guard.rs:"), "{place}");
        assert_eq!(message, "no way");
    }

    #[test]
    fn what_does_not_panic_comes_back_as_it_is() {
        assert_eq!(caught(|| 7), Ok(7));
    }
}
