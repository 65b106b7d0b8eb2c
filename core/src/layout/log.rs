//! How a log lies on objects: heads under their versions, votes under slot and ballot, snapshots under their names.
//!
//! A read of heads lists the folder in which start records stand too: an agent that was started again elsewhere finds
//! out before it counts the read for anything.

use alloc::{sync::Arc, vec::Vec};

use crate::{
    At, Ballot, Call, Came, Content, Folder, Head, HeadRead, If, Laid, LogOp, LogReply, LogSaid,
    Next, ObjectName, Replica, ReplicaSetup, Slot, SlotVote, Snapshot, StateMachine, Value, Why,
};

/// How often the folder is listed anew because what was listed is gone by the time it is read.
const LISTINGS: u8 = 8;

/// What a log keeps, as an object.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum LogBody<M: StateMachine> {
    /// An agent's promise and what goes with it.
    Head(Arc<Head<M>>),
    /// A vote for a slot.
    Vote(SlotVote<M>),
    /// A state.
    Snapshot(Arc<Snapshot<M>>),
}

/// A logical operation of a log under way.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct LogTask<M: StateMachine> {
    op: LogOp<M>,
    stage: Stage,
    /// How often the folder of heads was listed.
    listed: u8,
    /// The votes of a scan, read before the heads.
    votes: Vec<SlotVote<M>>,
}

/// How far a logical operation is: what was called for last.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Stage {
    Begun,
    Put,
    /// Looked whether a later start stands on a quorum.
    Everywhere,
    Own,
    ListVotes,
    Votes,
    DropVotes,
    ListSnapshots,
    DropSnapshots,
    ListHeads,
    Heads,
    DropHeads,
    Snapshot,
}

impl<M: StateMachine> LogTask<M> {
    fn call(&mut self, stage: Stage, call: Call<LogBody<M>>) -> Next<Replica<M>> {
        self.stage = stage;
        Next::Call(call)
    }

    fn begin(&mut self, at: &At<'_>) -> Next<Replica<M>> {
        let put = |name, body| Call::Put(name, Content::Body(body), If::Always);
        let (stage, call) = match &self.op {
            LogOp::WriteHead { version, head } => {
                let name = ObjectName::Version(at.me(), *version);
                (Stage::Put, put(name, LogBody::Head(Arc::clone(head))))
            }
            LogOp::WriteVote(vote) => {
                let name = ObjectName::Vote(vote.slot, vote.bal);
                (Stage::Put, put(name, LogBody::Vote(vote.clone())))
            }
            LogOp::WriteSnapshot { name, snapshot } => {
                let body = LogBody::Snapshot(Arc::clone(snapshot));
                (Stage::Put, put(ObjectName::Snapshot(*name), body))
            }
            LogOp::Drop { .. } => (Stage::Everywhere, Call::Everywhere),
            LogOp::ReadHeads => return self.heads(),
            LogOp::Scan { .. } => (Stage::Own, Call::Own),
            LogOp::ReadSnapshot { name } => {
                (Stage::Snapshot, Call::Get(ObjectName::Snapshot(*name)))
            }
        };
        self.call(stage, call)
    }

    /// Lists the heads, or does so again because one that was listed has made way for a newer one.
    fn heads(&mut self) -> Next<Replica<M>> {
        if self.listed == LISTINGS {
            return Next::Fail(Why::Restless);
        }
        self.listed += 1;
        self.call(Stage::ListHeads, Call::Own)
    }

    fn step(&mut self, came: Came<LogBody<M>>, at: &mut At<'_>) -> Next<Replica<M>> {
        match (self.stage, came) {
            (Stage::Begun, _) => self.begin(at),
            (Stage::Put, Came::Done(true)) => {
                if let LogOp::WriteHead { version, .. } = self.op {
                    at.wrote(version);
                }
                Next::Answer(LogReply::Written)
            }
            (Stage::Everywhere, _) => self.call(Stage::Own, Call::Own),
            // Of a scan in this order: what is dropped between the two has a floor in the heads.
            (Stage::Own, _) => self.call(Stage::ListVotes, Call::List(Folder::Votes)),
            (Stage::ListVotes, Came::Names(names)) => self.listed_votes(&names, at),
            (Stage::Votes, Came::All { found, .. }) => {
                let Some(votes) = bodies(found, vote) else {
                    return unasked();
                };
                self.votes = votes;
                self.heads()
            }
            (Stage::DropVotes, _) => self.call(Stage::ListSnapshots, Call::List(Folder::Snapshots)),
            (Stage::ListSnapshots, Came::Names(names)) => {
                let old = names.into_iter().filter(|name| self.is_old(name, at));
                let old = old.collect();
                self.call(Stage::DropSnapshots, Call::Remove(old))
            }
            (Stage::DropSnapshots, _) => self.call(Stage::ListHeads, Call::Own),
            (Stage::ListHeads, Came::Agents(listing)) => {
                if matches!(self.op, LogOp::Drop { .. }) {
                    let old = At::outdated(&listing, at.me()).into_iter();
                    let old = old.map(|version| ObjectName::Version(at.me(), version));
                    return self.call(Stage::DropHeads, Call::Remove(old.collect()));
                }
                let known = listing.newest().filter(|(agent, _)| agent.0 < at.agents());
                let names = known.map(|(agent, version)| ObjectName::Version(agent, version));
                self.call(Stage::Heads, Call::GetAll(names.collect()))
            }
            (Stage::Heads, Came::All { gone: true, .. }) => self.heads(),
            (Stage::Heads, Came::All { found, .. }) => self.answer_heads(found),
            (Stage::DropHeads, _) => Next::Answer(LogReply::Written),
            (Stage::Snapshot, Came::Found(None)) => Next::Answer(LogReply::Snapshot(None)),
            (Stage::Snapshot, Came::Found(Some((content, _)))) => match content {
                Content::Body(LogBody::Snapshot(snapshot)) => {
                    Next::Answer(LogReply::Snapshot(Some(snapshot)))
                }
                Content::Body(_)
                | Content::Identity(_)
                | Content::Start { .. }
                | Content::Text(_)
                | Content::Trial(_) => unasked(),
            },
            (
                Stage::Put
                | Stage::ListVotes
                | Stage::Votes
                | Stage::ListSnapshots
                | Stage::ListHeads
                | Stage::Heads
                | Stage::Snapshot,
                _,
            ) => unasked(),
        }
    }

    fn listed_votes(&mut self, names: &[ObjectName], at: &At<'_>) -> Next<Replica<M>> {
        let LogOp::Scan { from, to } = self.op else {
            let old = names.iter().filter(|name| self.is_old(name, at));
            let old = old.copied().collect();
            return self.call(Stage::DropVotes, Call::Remove(old));
        };
        // Of each slot the vote of the greatest ballot, which is the last: no other is ever looked at.
        let mut wanted: Vec<(Slot, Ballot)> = Vec::new();
        for name in names {
            if let ObjectName::Vote(slot, ballot) = *name
                && (from..to).contains(&slot)
            {
                wanted.push((slot, ballot));
            }
        }
        wanted.sort_unstable_by(|one, next| (one.0, next.1).cmp(&(next.0, one.1)));
        wanted.dedup_by_key(|vote| vote.0);
        let names = wanted.into_iter();
        let names = names.map(|(slot, ballot)| ObjectName::Vote(slot, ballot));
        self.call(Stage::Votes, Call::GetAll(names.collect()))
    }

    /// Whether it is an own vote or snapshot of which nothing is needed any more.
    ///
    /// The replica drops after a quorum had the head with the floor; and no later start was marked on a quorum after
    /// that: so a later one knows the floor.
    fn is_old(&self, name: &ObjectName, at: &At<'_>) -> bool {
        let LogOp::Drop { below } = self.op else {
            return false;
        };
        match *name {
            ObjectName::Vote(slot, ballot) => slot < below && ballot.agent() == at.me(),
            ObjectName::Snapshot(name) => name.slot < below && name.agent == at.me(),
            ObjectName::Identity
            | ObjectName::Start(..)
            | ObjectName::Version(..)
            | ObjectName::Record
            | ObjectName::Trial
            | ObjectName::Text(..) => false,
        }
    }

    fn answer_heads(&mut self, found: Vec<(ObjectName, Content<LogBody<M>>)>) -> Next<Replica<M>> {
        let Some(heads) = bodies(found, head) else {
            return unasked();
        };
        Next::Answer(match &self.op {
            LogOp::Scan { .. } => LogReply::Scanned {
                votes: core::mem::take(&mut self.votes),
                heads,
            },
            LogOp::WriteHead { .. }
            | LogOp::WriteVote(_)
            | LogOp::WriteSnapshot { .. }
            | LogOp::Drop { .. }
            | LogOp::ReadHeads
            | LogOp::ReadSnapshot { .. } => LogReply::Heads(heads),
        })
    }
}

/// What came is nothing that was called for.
const fn unasked<A: Laid>() -> Next<A> {
    Next::Fail(Why::Unknown)
}

fn bodies<M: StateMachine, T>(
    found: Vec<(ObjectName, Content<LogBody<M>>)>,
    of: impl Fn(ObjectName, LogBody<M>) -> Option<T>,
) -> Option<Vec<T>> {
    let found = found.into_iter().map(|(name, content)| match content {
        Content::Body(body) => of(name, body),
        Content::Identity(_) | Content::Start { .. } | Content::Text(_) | Content::Trial(_) => None,
    });
    found.collect()
}

fn vote<M: StateMachine>(_: ObjectName, body: LogBody<M>) -> Option<SlotVote<M>> {
    match body {
        LogBody::Vote(vote) => Some(vote),
        LogBody::Head(_) | LogBody::Snapshot(_) => None,
    }
}

fn head<M: StateMachine>(name: ObjectName, body: LogBody<M>) -> Option<HeadRead<M>> {
    match (name, body) {
        (ObjectName::Version(agent, version), LogBody::Head(head)) => Some(HeadRead {
            agent,
            version,
            head,
        }),
        (_, LogBody::Head(_) | LogBody::Vote(_) | LogBody::Snapshot(_)) => None,
    }
}

impl<M: StateMachine> Laid for Replica<M> {
    type Body = LogBody<M>;
    type Task = LogTask<M>;

    const KIND: &'static str = "log";
    const CONDITIONAL: bool = false;

    /// One that is alone in a replica's eyes reads nobody's promises, and so would not notice that it was started again
    /// elsewhere. Here it has a companion that never starts.
    fn settled(setup: &ReplicaSetup<M>, _: Option<Value>) -> ReplicaSetup<M> {
        ReplicaSetup {
            config: setup.config.accompanied(),
            machine: setup.machine.clone(),
        }
    }

    fn task(op: LogOp<M>) -> LogTask<M> {
        LogTask {
            op,
            stage: Stage::Begun,
            listed: 0,
            votes: Vec::new(),
        }
    }

    fn step(task: &mut LogTask<M>, came: Came<LogBody<M>>, at: &mut At<'_>) -> Next<Self> {
        task.step(came, at)
    }

    /// A head that can't be read is not passed over for an older one, which would be a read from the past: the store
    /// counts as silent.
    fn unreadable(_: &LogTask<M>) -> Option<LogReply<M>> {
        None
    }

    /// A late look at heads is still true, and tells a follower on a slow store that its leader lives.
    fn goes_on(task: &LogTask<M>) -> bool {
        task.op.is_write() || matches!(task.op, LogOp::ReadHeads)
    }

    fn votes_for(_: &LogOp<M>) -> Option<Value> {
        None
    }

    fn decided(_: &LogSaid<M>) -> Option<Value> {
        None
    }
}
