//! One of those who measure: one operation after the other, each timed.

use std::time::Duration;

use bivalent_core::{AgentId, ObjectName};

use super::{Bench, ProbeKind, block_name, content, report::Ended, said, way::AGENTS};
use crate::{Clock, StoreError, clock::within, dice::Dice, names::text};

/// The folder of what the single requests write.
const BLOCKS: &str = "blocks";
/// How often a folder is listed anew because what was listed is gone by the time it is read, as agents do.
const LISTINGS: u32 = 8;
/// So many own blocks below the newest are left, as agents leave them.
const KEPT: usize = 4;
/// So many names of single requests are removed at a time.
const LITTER_MAX: usize = 64;

/// An agent that does nothing but measure. Another one owns every block of the folder but its own.
pub(super) struct Worker<'a, C> {
    bench: &'a Bench<'a, C>,
    me: AgentId,
    dice: Dice,
    /// The number of the last name it has used for a block; none is used again.
    count: u64,
    /// The number of the newest block that is known to stand.
    newest: u64,
    /// Names of blocks that are older, or whose write was not answered.
    stale: Vec<String>,
    /// Names that are waiting to be removed.
    litter: Vec<String>,
}

impl<'a, C: Clock> Worker<'a, C> {
    pub(super) fn new(bench: &'a Bench<'a, C>, me: AgentId, seed: u64) -> Self {
        Self {
            bench,
            me,
            dice: Dice::new(seed),
            count: 0,
            newest: 0,
            stale: Vec::new(),
            litter: Vec::new(),
        }
    }

    fn now(&self) -> Duration {
        self.bench.clock.now()
    }

    /// The rounds that are not counted.
    pub(super) async fn warm_up(&mut self) {
        for _ in 0..self.bench.plan.warm_up {
            self.round().await;
        }
    }

    /// The rounds that are, until there are no more.
    pub(super) async fn work(&mut self) {
        loop {
            let now = self.now();
            if !self.bench.tally().take_round(now) {
                return;
            }
            self.round().await;
        }
    }

    /// Every kind once, in any order: whatever befalls the store while it is measured befalls all alike.
    async fn round(&mut self) {
        let mut kinds = ProbeKind::ALL;
        for last in (1..kinds.len()).rev() {
            let other = self.dice.between(0, last as u64) as usize;
            kinds.swap(last, other);
        }
        for kind in kinds {
            let now = self.now();
            if !self.bench.tally().is_skipped(kind, now) {
                self.measure(kind).await;
            }
        }
        if self.litter.len() >= LITTER_MAX {
            let litter = std::mem::take(&mut self.litter);
            self.tidy(BLOCKS, litter).await;
        }
    }

    async fn measure(&mut self, kind: ProbeKind) {
        match kind {
            ProbeKind::Read => self.read().await,
            ProbeKind::Write => self.write().await,
            ProbeKind::Put => {
                let (name, block) = self.fresh();
                let put = self.bench.bare.put(BLOCKS, &name, block);
                self.timed(kind, async { put.await.map(Some) }).await;
                self.litter.push(name);
            }
            ProbeKind::Create => {
                let (name, block) = self.fresh();
                let create = self.bench.bare.create(BLOCKS, &name, block);
                self.timed(kind, async { Ok(create.await?.then_some(())) })
                    .await;
                self.litter.push(name);
            }
            ProbeKind::Get => {
                // Its own: nobody else removes it.
                let name = block_name(self.me, self.newest);
                let get = self.bench.bare.get(AGENTS, &name);
                self.timed(kind, get).await;
            }
            ProbeKind::List => {
                let list = self.bench.bare.list();
                self.timed(kind, async { list.await.map(Some) }).await;
            }
            ProbeKind::Replace => self.replace().await,
        }
    }

    /// As an agent reads somebody's block: it lists the folder, and gets the newest that is its owner's.
    async fn read(&mut self) {
        let owner = AgentId(self.dice.between(0, u64::from(self.bench.owners) - 1) as u16);
        let agents = &self.bench.agents;
        let read = async {
            for _ in 0..LISTINGS {
                let versions = agents.versions().await?.into_iter();
                let own = versions.filter(|(agent, _)| *agent == owner);
                let Some(version) = own.map(|(_, version)| version).max() else {
                    return Ok(None);
                };
                let name = text(ObjectName::Version(owner, version));
                let found = agents.get(AGENTS, &name).await?;
                if found.is_some() {
                    return Ok(found);
                }
            }
            Ok(None)
        };
        self.timed(ProbeKind::Read, read).await;
    }

    /// As an agent writes its block: under the next version. Those a few versions before it are removed, which no
    /// agent waits for.
    async fn write(&mut self) {
        self.count += 1;
        let name = block_name(self.me, self.count);
        let block = content(self.bench.plan.size, &mut self.dice);
        let write = self.bench.agents.put(AGENTS, &name, block);
        let answered = self
            .timed(ProbeKind::Write, async { write.await.map(Some) })
            .await;
        if answered {
            self.stale.push(block_name(self.me, self.newest));
            self.newest = self.count;
            let old = self.stale.len().saturating_sub(KEPT);
            let old = self.stale.drain(..old).collect();
            self.tidy(AGENTS, old).await;
        } else {
            self.stale.push(name);
        }
    }

    /// Replaces a record of its own. What it is to be replaced by is looked up first, and that is not timed.
    async fn replace(&mut self) {
        let name = format!("record-{:03}", self.me.0);
        let bare = &self.bench.bare;
        let block = content(self.bench.plan.size, &mut self.dice);
        let patience = self.bench.plan.patience;
        let found = async {
            let found = bare.get(BLOCKS, &name).await?;
            if found.is_none() {
                bare.create(BLOCKS, &name, block.clone()).await?;
                return bare.get(BLOCKS, &name).await;
            }
            Ok(found)
        };
        let found = within(self.bench.clock, patience, found).await;
        let Some(Ok(Some((_, tag)))) = found else {
            // That is the failure of another kind, which is measured itself.
            return;
        };
        let replace = bare.replace((BLOCKS, &name), tag, block);
        self.timed(ProbeKind::Replace, async {
            Ok(replace.await?.then_some(()))
        })
        .await;
    }

    /// A name that was never used, and a block.
    fn fresh(&mut self) -> (String, Vec<u8>) {
        let name = format!("{:03}-{:016x}", self.me.0, self.dice.word());
        (name, content(self.bench.plan.size, &mut self.dice))
    }

    /// Carries `work` out and records how it ended. Nothing found is a failure: everything that is asked for
    /// is there. Whether it was answered.
    async fn timed<T>(
        &self,
        kind: ProbeKind,
        work: impl Future<Output = Result<Option<T>, StoreError>>,
    ) -> bool {
        let began = self.now();
        let done = within(self.bench.clock, self.bench.plan.patience, work).await;
        let took = self.now().saturating_sub(began);
        let how = match done {
            Some(Ok(Some(_))) => Ended::Answered(took),
            Some(Ok(None)) => Ended::Failed("the store has lost what was written".to_owned()),
            Some(Err(StoreError::Unconditional { .. })) => Ended::Unsupported,
            Some(Err(error)) => Ended::Failed(said(error)),
            None => Ended::Silent,
        };
        let answered = matches!(how, Ended::Answered(_));
        self.bench.tally().ended(kind, how);
        answered
    }

    /// Removes names; what stays is removed with the folder.
    async fn tidy(&self, folder: &str, names: Vec<String>) {
        let gone = self.bench.bare.remove(folder, names);
        let _ = within(self.bench.clock, self.bench.plan.patience, gone).await;
    }
}
