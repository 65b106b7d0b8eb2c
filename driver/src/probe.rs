//! Measuring a store: how long what agents do takes on it.
//!
//! Two kinds are what a scenario's delays stand for: [`ProbeKind::Read`] and [`ProbeKind::Write`] go through
//! the [`Bucket`] just as an agent's read and write of a block do, with the looks at the charter that an
//! agent pays for (before and after each write of a directory, which may vanish; once for a bucket). The
//! others are single requests, without the charter, for those who want to know what the store itself does.
//!
//! Everything happens in a folder of its own below the store, and the folder is removed in the end.

mod report;
#[cfg(all(test, feature = "tokio"))]
mod tests;
mod way;
mod worker;

use std::{fmt, ops::ControlFlow, pin::pin, sync::Mutex, time::Duration};

use bivalent_core::{AgentId, Incarnation, ObjectName, Version};
use futures_util::future::{Either, join_all, select};

pub use report::{KindReport, ProbeEnd, ProbeProgress, ProbeReport};

use crate::{Bucket, Clock, StoreError, clock::within, content::FORMAT, dice::Dice, names::text};
use report::Tally;
use way::{AGENTS, Way};
use worker::Worker;

/// What the folder's name begins with.
const FOLDER: &str = "bivalent-probe-";
/// So many agents' blocks lie in the folder at least, each beside the mark of a start: a system of usual size.
const AGENTS_MIN: u8 = 5;
/// How many operations can be measured at a time.
const CONCURRENCY_MAX: u8 = 64;
/// The bytes of a mark of a start, as agents write them.
const MARK: usize = 20;
/// How often progress is told, and whoever watches is asked whether to go on.
const TICK: Duration = Duration::from_millis(100);
/// What operations under way are given to end when the probe is to stop.
const GRACE: Duration = Duration::from_secs(2);
/// Rounds of removing what is left in the folder: a write that came late may have to be removed after the others.
const SWEEPS: u32 = 3;

/// What is measured.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum ProbeKind {
    /// An agent's read of another's block: it lists the folder of blocks, then gets the newest one.
    Read,
    /// An agent's write of its block, under a name of its own.
    Write,
    /// A request that puts a block under a new name.
    Put,
    /// A request for a block.
    Get,
    /// A request for the names in the folder of blocks.
    List,
    /// A request that puts a block under a name if nothing stands there.
    Create,
    /// A request that replaces a block if it is still the one that was seen.
    Replace,
}

impl ProbeKind {
    /// Every kind, in the order of a report.
    pub const ALL: [Self; 7] = [
        Self::Read,
        Self::Write,
        Self::Put,
        Self::Get,
        Self::List,
        Self::Create,
        Self::Replace,
    ];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Put => "put",
            Self::Get => "get",
            Self::List => "list",
            Self::Create => "create",
            Self::Replace => "replace",
        }
    }

    const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for ProbeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a store is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ProbePlan {
    /// The size of a block, bytes.
    pub size: usize,
    /// How many operations are under way at a time, each after the other's end: 1 to 64.
    pub concurrency: u8,
    /// So many operations of each kind; without end if there is none.
    pub operations: Option<u64>,
    /// For so long, from the first operation that counts on; whichever of the two ends first.
    pub time: Option<Duration>,
    /// So many operations of each kind come first and are not counted, for each of those under way at a time.
    pub warm_up: u64,
    /// How long an operation may take. What takes longer counts as without an answer, and not as a delay.
    pub patience: Duration,
}

impl Default for ProbePlan {
    fn default() -> Self {
        Self {
            size: 512,
            concurrency: 1,
            operations: Some(1000),
            time: None,
            warm_up: 5,
            patience: Duration::from_secs(10),
        }
    }
}

/// Why a store could not be measured at all. What was written is removed, as far as the store lets it be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// The plan can't be followed.
    #[error("{0}")]
    Plan(String),
    /// There is no such directory. It is not made: what is measured should be what is mounted there.
    #[error("{store} is not there, or is no directory")]
    Missing {
        /// Which store.
        store: String,
    },
    /// The store refused one of the first operations, which every agent needs.
    #[error("{store} can't be {doing}: {why}{}", stays(.left_behind.as_ref()))]
    Refused {
        /// Which store.
        store: String,
        /// What it was asked for, to be read after "can't be".
        doing: &'static str,
        /// What it said.
        why: String,
        /// The folder that could not be removed again.
        left_behind: Option<String>,
    },
    /// The store did not answer.
    #[error("{store} gives no answer within {} s{}", .patience.as_secs_f64(), stays(.left_behind.as_ref()))]
    Silent {
        /// Which store.
        store: String,
        /// How long it was waited for.
        patience: Duration,
        /// The folder that could not be removed again, if it was made.
        left_behind: Option<String>,
    },
}

fn stays(folder: Option<&String>) -> String {
    let said = |folder| format!("; the folder {folder} may have been left behind");
    folder.map_or_else(String::new, said)
}

impl ProbeError {
    /// The same, with the folder that could not be removed.
    fn leaving(mut self, folder: String) -> Self {
        match &mut self {
            Self::Refused { left_behind, .. } | Self::Silent { left_behind, .. } => {
                *left_behind = Some(folder);
            }
            Self::Plan(_) | Self::Missing { .. } => {}
        }
        self
    }
}

/// What all of a probe's workers share.
struct Bench<'a, C> {
    clock: &'a C,
    plan: ProbePlan,
    /// The folder as agents see it: every operation looks at the charter as an agent's does.
    agents: Way,
    /// The same folder without a charter.
    bare: Way,
    /// How many agents' blocks lie in it.
    owners: u8,
    tally: Mutex<Tally>,
}

/// Measures `bucket`. `seed` names the folder and orders the operations: entropy, so that two probes of one
/// store don't meet. `progress` is called ten times a second, and may stop the probe: what was measured until
/// then is in the report. Dropped halfway, it leaves its folder behind.
pub async fn probe(
    bucket: &Bucket,
    plan: ProbePlan,
    clock: &impl Clock,
    seed: u64,
    mut progress: impl FnMut(&ProbeProgress) -> ControlFlow<()>,
) -> Result<ProbeReport, ProbeError> {
    if plan.concurrency == 0 || plan.concurrency > CONCURRENCY_MAX || plan.size == 0 {
        return Err(ProbeError::Plan(format!(
            "a probe has 1 to {CONCURRENCY_MAX} operations under way at a time, of blocks of at least 1 byte"
        )));
    }
    let is_missing = within(clock, plan.patience, bucket.is_missing()).await;
    if is_missing == Some(true) {
        let store = bucket.name().to_owned();
        return Err(ProbeError::Missing { store });
    }
    let folder = format!("{FOLDER}{seed:016x}");
    let bench = Bench {
        clock,
        plan,
        agents: Way::new(bucket.folder(&folder)),
        bare: Way::new(bucket.folder(&folder)),
        owners: AGENTS_MIN.max(plan.concurrency),
        tally: Mutex::new(Tally::new(&plan)),
    };
    let watch = async {
        loop {
            clock.sleep(TICK).await;
            let now = bench.tally().progress(clock.now());
            if progress(&now).is_break() {
                return;
            }
        }
    };
    let (done, stopped) = match select(pin!(bench.measure(seed)), pin!(watch)).await {
        Either::Left((done, _)) => (Some(done), false),
        Either::Right(((), rest)) => {
            bench.tally().stop();
            (within(clock, GRACE, rest).await, true)
        }
    };
    let now = clock.now();
    // One that refuses or does not answer from the start is not waited for much longer.
    let patience = match &done {
        Some(Err(_)) => GRACE.min(plan.patience),
        Some(Ok(())) | None => plan.patience,
    };
    let left_behind = bench.clean_up(patience).await.err();
    if let Some(Err(error)) = done
        && !stopped
    {
        return Err(match left_behind {
            Some(_) => error.leaving(folder),
            None => error,
        });
    }
    Ok(bench.tally().report(folder, stopped, left_behind, now))
}

impl<C: Clock> Bench<'_, C> {
    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        // Nothing panics while it is held; if something did, its numbers would still be numbers.
        self.tally
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    async fn measure(&self, seed: u64) -> Result<(), ProbeError> {
        let mut dice = Dice::new(seed);
        self.prepare(&mut dice).await?;
        let mut workers: Vec<_> = (0..self.plan.concurrency)
            .map(|worker| Worker::new(self, AgentId(worker.into()), dice.word()))
            .collect();
        join_all(workers.iter_mut().map(Worker::warm_up)).await;
        self.tally().begin(self.clock.now());
        join_all(workers.iter_mut().map(Worker::work)).await;
        Ok(())
    }

    /// Sets the folder up as a system's is, and finds out whether the store does all that agents need.
    async fn prepare(&self, dice: &mut Dice) -> Result<(), ProbeError> {
        let charter = format!("bivalent {FORMAT}: a probe, {:016x}\n", dice.word());
        self.first("written to", self.agents.set_up(&charter))
            .await?;
        for owner in (0..self.owners.into()).map(AgentId) {
            for (name, size) in [
                (block_name(owner, 0), self.plan.size),
                (text(ObjectName::Start(owner, Incarnation(0))), MARK),
            ] {
                let put = self.agents.put(AGENTS, &name, content(size, dice));
                self.first("written to", put).await?;
            }
        }
        let versions = self.first("listed", self.agents.versions()).await?;
        if versions.len() != usize::from(self.owners) {
            return Err(self.refused("listed", "what was just written is missing".to_owned()));
        }
        let name = block_name(AgentId(0), 0);
        if self
            .first("read from", self.agents.get(AGENTS, &name))
            .await?
            .is_none()
        {
            return Err(self.refused("read from", "what was just written is missing".to_owned()));
        }
        // A name that is not there is removed as well as any other, if this is allowed at all.
        let spare = self.agents.put(AGENTS, "spare", Vec::new());
        self.first("written to", spare).await?;
        let gone = self.agents.remove(AGENTS, vec!["spare".to_owned()]);
        self.first("cleared of what was written to it", gone).await
    }

    /// One of the first operations: if it fails, there is nothing to measure.
    async fn first<T>(
        &self,
        doing: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, ProbeError> {
        match within(self.clock, self.plan.patience, work).await {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) => Err(self.refused(doing, said(error))),
            None => Err(ProbeError::Silent {
                store: self.agents.name().to_owned(),
                patience: self.plan.patience,
                left_behind: None,
            }),
        }
    }

    fn refused(&self, doing: &'static str, why: String) -> ProbeError {
        let store = self.agents.name().to_owned();
        ProbeError::Refused {
            store,
            doing,
            why,
            left_behind: None,
        }
    }

    /// Removes the folder; says why it could not be.
    async fn clean_up(&self, patience: Duration) -> Result<(), String> {
        let mut why = String::new();
        for sweep in 0..SWEEPS {
            if sweep > 0 {
                self.clock.sleep(TICK).await;
            }
            let gone = within(self.clock, patience, self.bare.remove_all()).await;
            match gone {
                Some(Ok(true)) => return Ok(()),
                Some(Ok(false)) => {}
                // In a directory a write under way may come in between; a bucket was asked often enough.
                Some(Err(error)) if self.bare.is_directory() => why = said(error),
                Some(Err(error)) => return Err(said(error)),
                // Nothing is gained by asking a store again that does not answer.
                None => return Err("no answer in time".to_owned()),
            }
        }
        // An empty reason: every sweep removed something, and the last one too.
        if why.is_empty() {
            return Ok(());
        }
        Err(why)
    }
}

/// The name of an agent's block under the version that is its `count`-th.
fn block_name(owner: AgentId, count: u64) -> String {
    text(ObjectName::Version(
        owner,
        Version::new(Incarnation(0), count),
    ))
}

/// Bytes that no store can make smaller.
fn content(size: usize, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        bytes.extend_from_slice(&dice.word().to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// What a store said, without the name of the store.
fn said(error: StoreError) -> String {
    match error {
        StoreError::Failed { why, .. } => why,
        other @ (StoreError::Lost { .. }
        | StoreError::Unreadable { .. }
        | StoreError::Unconditional { .. }
        | StoreError::TooLong { .. }
        | StoreError::Full { .. }
        | StoreError::Unstorable { .. }
        | StoreError::Fenced { .. }) => other.to_string(),
    }
}
