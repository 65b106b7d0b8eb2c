//! A replica's operations on a store of named blocks (the layout of `docs/decisions/0009-log-layout.md`).
//!
//! `agents/` holds heads under their versions and the marks of starts, `votes/` votes under slot and ballot,
//! `snapshots/` snapshots under their names. A read of heads lists one folder and so sees starts too: an
//! agent that was started again elsewhere finds out before it counts the read for anything.

use std::sync::Arc;

use bivalent_core::{
    AgentId, Ballot, Head, HeadRead, Incarnation, LogOp, LogReply, Slot, SlotVote, SnapshotName,
    StateMachine, Version,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Bucket, StoreError,
    bucket::{AGENTS, KEPT},
    frame::Kind,
    names::{Listing, Name},
};

pub(crate) const VOTES: &str = "votes";
pub(crate) const SNAPSHOTS: &str = "snapshots";
/// How often a folder is listed anew because what was listed is gone by the time it is read.
const LISTINGS: u32 = 8;

/// A machine whose commands, answers and state can stand on a store.
pub trait Stored:
    StateMachine<Command: Storable, Query: Storable, Answer: Storable, Snapshot: Storable>
    + Send
    + Sync
    + 'static
{
}

impl<M> Stored for M where
    M: StateMachine<Command: Storable, Query: Storable, Answer: Storable, Snapshot: Storable>
        + Send
        + Sync
        + 'static
{
}

/// What can be written as bytes and read back, anywhere.
pub trait Storable: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Storable for T {}

/// What an operation is called where it is traced.
pub(crate) const fn kind<M: StateMachine>(op: &LogOp<M>) -> &'static str {
    match op {
        LogOp::WriteHead { .. } => "write head",
        LogOp::WriteVote(_) => "write vote",
        LogOp::WriteSnapshot { .. } => "write snapshot",
        LogOp::Drop { .. } => "drop",
        LogOp::ReadHeads => "read heads",
        LogOp::Scan { .. } => "scan",
        LogOp::ReadSnapshot { .. } => "read snapshot",
    }
}

/// One replica's way to one store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogStore<'a> {
    pub(crate) bucket: &'a Bucket,
    pub(crate) me: AgentId,
    pub(crate) start: Incarnation,
    /// What the marks of this start carry.
    pub(crate) nonce: u64,
    /// How many agents there are.
    pub(crate) agents: u8,
    /// Heads are overwritten under one key: a planted bug.
    #[cfg(feature = "planted-bugs")]
    pub(crate) overtakes: bool,
}

impl LogStore<'_> {
    /// Carries `op` out. Dropped halfway, a write may have taken effect or not, or may do so later.
    pub(crate) async fn answer<M: Stored>(self, op: LogOp<M>) -> Result<LogReply<M>, StoreError> {
        match op {
            #[cfg(feature = "planted-bugs")]
            LogOp::WriteHead { version, head } if self.overtakes => {
                let (name, content) = (self.one_name(self.me), (version, &*head));
                let bytes = crate::bucket::seal(Kind::Head, AGENTS, &name, &content)?;
                self.bucket.put(AGENTS, &name, bytes).await?;
                Ok(LogReply::Written)
            }
            LogOp::WriteHead { version, head } => {
                let name = Name::Version(self.me, version).text();
                self.bucket.keep(Kind::Head, AGENTS, &name, &*head).await?;
                Ok(LogReply::Written)
            }
            LogOp::WriteVote(vote) => {
                let name = vote_name(vote.slot, vote.bal);
                self.bucket.keep(Kind::Vote, VOTES, &name, &vote).await?;
                Ok(LogReply::Written)
            }
            LogOp::WriteSnapshot { name, snapshot } => {
                let name = snapshot_name(name);
                let bucket = self.bucket;
                bucket
                    .keep(Kind::Snapshot, SNAPSHOTS, &name, &*snapshot)
                    .await?;
                Ok(LogReply::Written)
            }
            LogOp::Drop { below } => {
                self.drop_below(below).await?;
                Ok(LogReply::Written)
            }
            LogOp::ReadHeads => Ok(LogReply::Heads(self.heads().await?)),
            LogOp::Scan { from, to } => {
                self.own_mark().await?;
                // In this order: what is dropped between the two has a floor in the heads.
                let votes = self.votes(from, to).await?;
                let heads = self.heads().await?;
                Ok(LogReply::Scanned { votes, heads })
            }
            LogOp::ReadSnapshot { name } => {
                let name = snapshot_name(name);
                let found = self.bucket.open(Kind::Snapshot, SNAPSHOTS, &name).await?;
                Ok(LogReply::Snapshot(found.map(Arc::new)))
            }
        }
    }

    /// The newest head of each agent.
    ///
    /// A head that was listed and is gone has made way for a newer one: then the folder is listed again.
    /// One that can't be read is not passed over for an older one, which would be a read from the past.
    async fn heads<M: Stored>(self) -> Result<Vec<HeadRead<M>>, StoreError> {
        for _ in 0..LISTINGS {
            let listing = self.own_mark().await?;
            #[cfg(feature = "planted-bugs")]
            if self.overtakes {
                return self.overwritten_heads(&listing).await;
            }
            let known = listing.newest().filter(|id| id.0.0 < self.agents);
            let names = known.map(|id| (id, Name::Version(id.0, id.1).text()));
            let read = self.bucket.open_all(Kind::Head, AGENTS, names).await?;
            let heads = read.into_iter().map(|((agent, version), head)| {
                let head: Head<M> = head?;
                Some(HeadRead {
                    agent,
                    version,
                    head: Arc::new(head),
                })
            });
            let heads: Option<Vec<_>> = heads.collect();
            if let Some(mut heads) = heads {
                heads.sort_unstable_by_key(|read| read.agent);
                return Ok(heads);
            }
        }
        Err(StoreError::Failed {
            store: crate::Site::name(self.bucket).to_owned(),
            why: "heads are replaced faster than they can be read".to_owned(),
        })
    }

    #[cfg(feature = "planted-bugs")]
    #[expect(clippy::unused_self, reason = "as the other names")]
    fn one_name(self, agent: AgentId) -> String {
        Name::Version(agent, Version::from_bits(0)).text()
    }

    #[cfg(feature = "planted-bugs")]
    async fn overwritten_heads<M: Stored>(
        self,
        listing: &Listing,
    ) -> Result<Vec<HeadRead<M>>, StoreError> {
        let names = listing
            .newest()
            .map(|(agent, _)| (agent, self.one_name(agent)));
        let read = self.bucket.open_all(Kind::Head, AGENTS, names).await?;
        let heads = read.into_iter().filter_map(|(agent, found)| {
            let (version, head): (Version, Head<M>) = found?;
            let head = Arc::new(head);
            Some(HeadRead {
                agent,
                version,
                head,
            })
        });
        Ok(heads.collect())
    }

    /// What agents keep, once this start's own mark stands among it: refuses to go on if a later one does.
    ///
    /// A read counts for something only where the reader's mark stands. An earlier start that is still alive and wrote
    /// here too late to be seen finds the mark when it reads in its turn (`docs/decisions/0011-real-stores.md`).
    pub(crate) async fn own_mark(self) -> Result<Listing, StoreError> {
        for _ in 0..LISTINGS {
            let listing = self.bucket.agents().await?;
            let of_heads = listing.newest_of(self.me).map(Version::incarnation);
            let latest = listing.latest_start(self.me);
            match latest.max(of_heads) {
                Some(by) if by > self.start => {
                    return Err(StoreError::Fenced { agent: self.me, by });
                }
                Some(_) | None => {}
            }
            if latest == Some(self.start) {
                return Ok(listing);
            }
            // Taken on a quorum without this store.
            crate::Site::mark_start(self.bucket, self.me, self.start, self.nonce).await?;
        }
        Err(StoreError::Failed {
            store: crate::Site::name(self.bucket).to_owned(),
            why: "the mark of a start does not stay".to_owned(),
        })
    }

    /// Of each slot from `from` up to `to` the vote of the greatest ballot: no other is ever looked at.
    async fn votes<M: Stored>(self, from: Slot, to: Slot) -> Result<Vec<SlotVote<M>>, StoreError> {
        let names = self.bucket.list(VOTES).await?;
        let mut listed: Vec<(Slot, Ballot)> = names
            .iter()
            .filter_map(|name| parse_vote(name))
            .filter(|(slot, _)| (from..to).contains(slot))
            .collect();
        // The greatest ballot of a slot comes first.
        listed.sort_unstable_by(|a, b| (a.0, b.1).cmp(&(b.0, a.1)));
        listed.dedup_by_key(|vote| vote.0);
        let names = listed
            .into_iter()
            .map(|(slot, bal)| ((), vote_name(slot, bal)));
        let read = self.bucket.open_all(Kind::Vote, VOTES, names).await?;
        Ok(read.into_iter().filter_map(|((), vote)| vote).collect())
    }

    /// Removes what nobody needs any more: the own votes and snapshots below a slot, and own heads that
    /// have newer versions.
    ///
    /// Whoever calls has seen that no later start is marked on a quorum, after a quorum had the head with the floor:
    /// so a later one knows the floor.
    async fn drop_below(self, below: Slot) -> Result<(), StoreError> {
        self.own_mark().await?;
        let votes = self.bucket.list(VOTES).await?;
        let old = votes.into_iter().filter(|name| {
            parse_vote(name).is_some_and(|(slot, bal)| slot < below && bal.agent() == self.me)
        });
        self.bucket.remove(VOTES, old.collect()).await?;
        let snapshots = self.bucket.list(SNAPSHOTS).await?;
        let old = snapshots.into_iter().filter(|name| {
            parse_snapshot(name)
                .is_some_and(|snapshot| snapshot.slot < below && snapshot.agent == self.me)
        });
        self.bucket.remove(SNAPSHOTS, old.collect()).await?;
        let listing = self.bucket.agents().await?;
        let newest = listing.newest_of(self.me).unwrap_or_default();
        let mut old = listing.below(self.me, newest);
        old.truncate(old.len().saturating_sub(KEPT));
        self.bucket.remove(AGENTS, old).await?;
        self.sweep().await
    }

    /// Removes what earlier starts of this agent have left behind that died while they were writing.
    async fn sweep(self) -> Result<(), StoreError> {
        let is_dead = |agent, start| agent == self.me && start < self.start;
        self.bucket
            .sweep(AGENTS, |name| match Name::parse(name) {
                Some(Name::Version(agent, version)) => is_dead(agent, version.incarnation()),
                Some(Name::Start(agent, start)) => is_dead(agent, start),
                None => false,
            })
            .await?;
        self.bucket
            .sweep(VOTES, |name| {
                parse_vote(name).is_some_and(|(_, bal)| is_dead(bal.agent(), bal.incarnation()))
            })
            .await?;
        self.bucket
            .sweep(SNAPSHOTS, |name| {
                parse_snapshot(name).is_some_and(|name| is_dead(name.agent, name.incarnation))
            })
            .await
    }

    /// Removes one own head that a newer one stands above.
    pub(crate) async fn drop_head(self, version: Version) -> Result<(), StoreError> {
        let name = Name::Version(self.me, version).text();
        self.bucket.remove(AGENTS, vec![name]).await
    }
}

fn vote_name(slot: Slot, bal: Ballot) -> String {
    format!("{:016x}-{:016x}", slot.0, bal.to_bits())
}

pub(crate) fn parse_vote(name: &str) -> Option<(Slot, Ballot)> {
    let (slot, bal) = name.split_once('-')?;
    let slot = Slot(u64::from_str_radix(slot, 16).ok()?);
    let bal = Ballot::from_bits(u64::from_str_radix(bal, 16).ok()?)?;
    (vote_name(slot, bal) == name).then_some((slot, bal))
}

fn snapshot_name(name: SnapshotName) -> String {
    let SnapshotName {
        slot,
        agent,
        incarnation,
    } = name;
    format!("{:016x}-{:03}-{:04x}", slot.0, agent.0, incarnation.0)
}

pub(crate) fn parse_snapshot(text: &str) -> Option<SnapshotName> {
    let mut parts = text.splitn(3, '-');
    let name = SnapshotName {
        slot: Slot(u64::from_str_radix(parts.next()?, 16).ok()?),
        agent: AgentId(parts.next()?.parse().ok()?),
        incarnation: Incarnation(u16::from_str_radix(parts.next()?, 16).ok()?),
    };
    (snapshot_name(name) == text).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_votes_and_snapshots_are_read_back() {
        let bal = Ballot::new(7, AgentId(3), Incarnation(2));
        let name = SnapshotName {
            slot: Slot(1024),
            agent: AgentId(3),
            incarnation: Incarnation(2),
        };

        assert_eq!(parse_vote(&vote_name(Slot(9), bal)), Some((Slot(9), bal)));
        assert_eq!(parse_snapshot(&snapshot_name(name)), Some(name));
        assert_eq!(parse_vote(&snapshot_name(name)), None);
        assert_eq!(parse_snapshot(&vote_name(Slot(9), bal)), None);
    }
}
