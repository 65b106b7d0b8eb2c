//! Fuzzing from `cargo test`: a user's machine or protocol, or the core's own, with a panic that says how to see it again.

mod kept;
mod said;
#[cfg(test)]
mod tests;
mod words;

use std::{ops::Range, sync::Arc, thread, time::Duration};

use super::{
    block::{Settings, block_size},
    findings::{Effort, Finding, Findings},
    hunt::{Close, Done, Hunt, Slice},
    sum::Sum,
    tally::{Failed, Tally},
};
use crate::{
    campaign::{
        failure::Failure,
        guard::{BuiltIn, Guard, How, OwnMachine, OwnProtocol, Subject},
        shrink::Limits,
    },
    engine::log::Load,
    pool::watched,
    protocol::{Agents, Proposer},
    scenario::{self, Protocol, Scenario, catalogue, planted::Planted},
};

use said::Said;
use words::Broken;

/// Runs of a check that says nothing else.
const RUNS: u64 = 1_000;
/// Of a million runs, so many are run twice and compared: what is tested must not roll dice of its own.
const COMPARE_PPM: u32 = 20_000;
/// Shrinking ends sooner than in a campaign: somebody waits for a test.
const LIMITS: Limits = Limits {
    runs: 20_000,
    steps: 2_000_000,
};

/// Fuzzes under a scenario: the text of one, or the name of a built-in one. Nothing runs before [`Check::run`].
///
/// ```
/// use bivalent_sim::{campaign::fuzz, engine::log::KvLoad};
///
/// # let tally =
/// fuzz::check("scenarios/log/three-replicas.toml").machine(KvLoad).runs(20).run();
/// # assert_eq!(tally.runs, 20);
/// ```
///
/// What fails is made small, and the test panics with the property in words, how it happened, and the command that
/// runs the same seed again. So it does if nothing was tested: if no run decides, or a fault that the scenario
/// asks for never takes effect. Two variables of the environment are heard: `BIVALENT_SEED=0x2a` runs that seed and no
/// other, `BIVALENT_RUNS=100000` as many as it says. The same seeds are run every time, on however many threads.
pub fn check(scenario: &str) -> Check {
    Check {
        scenario: scenario.to_owned(),
        subject: Arc::new(BuiltIn),
        of: Of::BuiltIn,
        runs: RUNS,
        folder: None,
        patience: Duration::from_secs(30),
        jobs: thread::available_parallelism().map_or(1, usize::from),
        planted: Planted::default(),
    }
}

/// What is going to be fuzzed, and how: see [`check`].
#[must_use = "nothing runs before `run`"]
pub struct Check {
    scenario: String,
    subject: Arc<dyn Subject>,
    of: Of,
    runs: u64,
    folder: Option<String>,
    patience: Duration,
    jobs: usize,
    planted: Planted,
}

/// Whose code runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Of {
    BuiltIn,
    Machine,
    Protocol,
}

impl Check {
    /// Fuzzes a machine of your own with its clients. The scenario has replicas.
    pub fn machine<L: Load>(self, load: L) -> Self {
        Self {
            subject: Arc::new(OwnMachine(load)),
            of: Of::Machine,
            ..self
        }
    }

    /// Fuzzes a protocol of your own, whose agents are of type `P`. The scenario is about one decision, and the
    /// built-in protocol that it names says how blocks lie on stores.
    pub fn protocol<P: Proposer>(self) -> Self {
        Self {
            subject: Arc::new(OwnProtocol(Agents::new::<P>())),
            of: Of::Protocol,
            ..self
        }
    }

    /// So many runs, with the seeds from 0 on; 1,000 unless it is said.
    pub fn runs(self, runs: u64) -> Self {
        Self { runs, ..self }
    }

    /// Keeps what is found in this folder, as a scenario that carries its choices, and runs first what is kept there.
    /// The path is seen from the package, and no other check should have the same folder.
    pub fn keep(self, folder: impl Into<String>) -> Self {
        let folder = Some(folder.into());
        Self { folder, ..self }
    }

    /// A run that takes longer than this is taken for one that never ends, and so is a candidate of shrinking; 30 seconds unless it is said.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// On so many threads; as many as there are cores unless it is said. What is found does not depend on it.
    pub fn jobs(self, jobs: usize) -> Self {
        Self { jobs, ..self }
    }

    /// Gives the core's agents a planted bug.
    pub fn planted(self, planted: Planted) -> Self {
        Self { planted, ..self }
    }

    /// Runs; gives what the runs came to, for whoever wants to know more of them.
    ///
    /// # Panics
    ///
    /// If something fails, if nothing was tested, or if the scenario is not valid.
    #[track_caller]
    pub fn run(self) -> Tally {
        match self.outcome(&Said::in_the_environment()) {
            Ok(tally) => tally,
            Err(why) => panic!("{why}"),
        }
    }

    /// The same with what the environment says given, and the message given back.
    fn outcome(&self, said: &Said) -> Result<Tally, String> {
        let scenario = self.scenario()?;
        if scenario.schedule.choices.is_some() {
            return self.again(&scenario, None);
        }
        let runs = said.runs()?.unwrap_or(self.runs);
        let seed = said.seed()?;
        if runs == 0 {
            return Err("no runs: nothing was tested".to_owned());
        }
        if seed.is_none()
            && let Some(folder) = &self.folder
        {
            for (file, text) in kept::all(folder)? {
                self.again(&self.parsed(&text)?, Some(&file))?;
            }
        }
        let seeds = 0..runs;
        let hunt = self.hunt(scenario, seeds);
        match seed {
            Some(seed) => self.one(hunt, seed),
            None => self.all(&hunt),
        }
    }

    fn hunt(&self, scenario: Scenario, seeds: Range<u64>) -> Hunt {
        Hunt {
            subject: Arc::clone(&self.subject),
            scenarios: vec![Arc::new(scenario)],
            seeds: vec![seeds],
            settings: Settings {
                compare_ppm: COMPARE_PPM,
                ..Settings::default()
            },
            slice: Slice::WHOLE,
        }
    }

    /// All runs, up to the first finding.
    fn all(&self, hunt: &Hunt) -> Result<Tally, String> {
        let mut sum = Sum::new(hunt);
        let close = self.go(hunt, &mut |done| {
            sum.take(hunt, &done, self.effort()).is_empty()
        });
        if let Some(finding) = sum.findings.list.first() {
            return Err(self.found(finding));
        }
        if close != Close::Complete {
            return Err("a thread did not come back, though it was at no run".to_owned());
        }
        let untested = sum.untested(hunt);
        let missing: Vec<&str> = untested
            .iter()
            .filter(|it| it.required)
            .map(|it| it.what.as_str())
            .collect();
        if missing.is_empty() {
            return Ok(sum.total);
        }
        Err(words::untested(
            &hunt.scenarios[0].name,
            sum.total.runs,
            &missing,
        ))
    }

    /// One run. What guides it comes from the runs before it in its block: they are run as well, and not judged.
    fn one(&self, mut hunt: Hunt, seed: u64) -> Result<Tally, String> {
        let size = block_size(&hunt.scenarios[0]);
        let after = seed.checked_add(1).ok_or("no run has that seed")?;
        hunt.seeds[0] = seed / size * size..after;
        let mut done = None;
        self.go(&hunt, &mut |it| {
            done = Some(it);
            false
        });
        let Done {
            block,
            endless,
            mut tally,
        } = done.ok_or("a thread did not come back, though it was at no run")?;
        let again = hunt.reproduce(&block, &endless, seed);
        let failure = if endless.contains(&seed) {
            Some(Failure::Endless)
        } else {
            let subject = &*hunt.subject;
            let mut guard = Guard::new(subject, &again.scenario);
            let failure = guard.judge(again.how.clone());
            let fingerprint = guard.runner().finished().fingerprint();
            failure.or_else(|| {
                let mut other = Guard::new(subject, &again.scenario);
                other.run(again.how.clone());
                let same = other.runner().finished().fingerprint() == fingerprint;
                (!same).then_some(Failure::Differs)
            })
        };
        let Some(failure) = failure else {
            tally.failures.clear();
            return Ok(tally);
        };
        tally.failures = vec![Failed {
            failure,
            struck: 0,
            count: 1,
            seed,
            scheduler: again.scheduler,
        }];
        let mut findings = Findings::default();
        let done = Done {
            block,
            endless,
            tally,
        };
        findings.take(&hunt, &done, self.effort());
        Err(self.found(&findings.list[0]))
    }

    fn effort(&self) -> Effort {
        Effort::new(LIMITS, self.patience)
    }

    fn go(&self, hunt: &Hunt, take: &mut dyn FnMut(Done) -> bool) -> Close {
        hunt.run_to_the_first(self.jobs, self.patience, take)
    }

    /// The run of a scenario that carries its choices.
    fn again(&self, scenario: &Scenario, file: Option<&str>) -> Result<Tally, String> {
        let (subject, own) = (Arc::clone(&self.subject), scenario.clone());
        let failure = watched::alone(self.patience, move |_| {
            Guard::new(&*subject, &own).judge(How::Kept(0))
        });
        match failure.unwrap_or(Some(Failure::Endless)) {
            None => Ok(Tally {
                runs: 1,
                ..Tally::default()
            }),
            Some(failure) => {
                let broken = Broken {
                    subject: &*self.subject,
                    scenario,
                    failure: &failure,
                };
                Err(broken.again(file))
            }
        }
    }

    /// The message about a finding, which is kept if that was said.
    fn found(&self, finding: &Finding) -> String {
        let kept = self.folder.as_ref().map(|folder| {
            let name = format!("{}.toml", finding.file_stem());
            kept::write(folder, &name, &finding.small.toml)
        });
        let broken = Broken {
            subject: &*self.subject,
            scenario: &finding.small.scenario,
            failure: &finding.failure,
        };
        broken.found(finding, kept)
    }

    fn scenario(&self) -> Result<Scenario, String> {
        let chapter = catalogue::chapters()
            .iter()
            .find(|chapter| chapter.name == self.scenario);
        match chapter {
            None => self.parsed(&self.scenario),
            Some(chapter) => {
                let read = Scenario::parse(chapter.name, chapter.text, &catalogue::open);
                self.fitting(read.map_err(|errors| scenario::render(&errors))?)
            }
        }
    }

    /// A scenario by its text, named after its title.
    fn parsed(&self, text: &str) -> Result<Scenario, String> {
        let none = |_: &str| Err("a check opens no files".to_owned());
        let read = Scenario::parse("the scenario", text, &none);
        let mut scenario = read.map_err(|errors| scenario::render(&errors))?;
        scenario.name = words::slug(&scenario.title);
        self.fitting(scenario)
    }

    /// The scenario, if what is fuzzed can take part in it.
    fn fitting(&self, mut scenario: Scenario) -> Result<Scenario, String> {
        scenario.planted = self.planted;
        let protocol = scenario.cluster.protocol;
        let is_log = protocol == Protocol::ReplicatedLog;
        let (name, has) = (&scenario.name, protocol.name());
        match self.of {
            Of::Machine if !is_log => Err(format!(
                "{name}: a machine needs replicas, `protocol = \"replicated-log\"`, and this is `{has}`"
            )),
            Of::Protocol if scenario.cluster.bucket.is_some() => Err(format!(
                "{name}: a protocol of your own is run on stores of blocks; add bucket = false to [cluster]"
            )),
            Of::Protocol if is_log => Err(format!(
                "{name}: a protocol of your own makes one decision, and this is `{has}`: \
                 name the built-in one whose blocks are like yours"
            )),
            Of::Protocol if !Agents::bear(&scenario.schedule.adversary) => Err(format!(
                "{name}: this adversary explores or follows a script, and knows the core's agents alone"
            )),
            Of::BuiltIn | Of::Machine | Of::Protocol => Ok(scenario),
        }
    }
}
