//! One disk, the operations of one agent on it, and who carries them out.

use std::borrow::Cow;

use bivalent_core::{
    AgentId, Ballot, Block, BlockBody, Content, DiskNext, DiskOp, DiskRefusal, DiskSetup, DiskTask,
    Folder, Identity, If, Incarnation, ObjectName, ObjectOp, ObjectReply, Value, Version, Vote,
};

use crate::{
    disk::Disk,
    world::{Op, Reply},
};

pub(crate) const AGENTS: u16 = 2;
pub(crate) const A0: AgentId = AgentId(0);
pub(crate) const A1: AgentId = AgentId(1);

pub(crate) fn identity(system: u64) -> Identity {
    Identity {
        kind: Cow::Borrowed("decision"),
        agents: AGENTS,
        stores: 1,
        quorum: 1,
        place: 0,
        system,
    }
}

pub(crate) fn block(round: u64) -> Block {
    let bal = Ballot::new(round, A1, Incarnation(0));
    let inp = Value(round);
    Block {
        mbal: Some(bal),
        vote: Some(Vote { bal, inp }),
    }
}

pub(crate) fn version(start: u64, count: u64) -> Version {
    Version::new(Incarnation(start), count)
}

pub(crate) fn put(name: ObjectName, content: Content<BlockBody>) -> Op<BlockBody> {
    ObjectOp::Put {
        name,
        content,
        only: If::Always,
    }
}

pub(crate) fn put_block(version: Version, block: Block) -> Op<BlockBody> {
    let body = BlockBody { version, block };
    put(ObjectName::Version(A1, version), Content::Body(body))
}

pub(crate) fn put_start(start: u64, nonce: u64) -> Op<BlockBody> {
    let name = ObjectName::Start(A1, Incarnation(start));
    put(name, Content::Start { nonce })
}

pub(crate) fn put_text(start: u64, text: &str) -> Op<BlockBody> {
    let name = ObjectName::Text(A1, Incarnation(start));
    put(name, Content::Text(text.into()))
}

pub(crate) fn get_text(start: u64) -> Op<BlockBody> {
    ObjectOp::Get(ObjectName::Text(A1, Incarnation(start)))
}

pub(crate) fn set_up() -> Op<BlockBody> {
    put(ObjectName::Identity, Content::Identity(identity(7)))
}

pub(crate) fn list() -> Op<BlockBody> {
    let (folder, after) = (Folder::Agents, None);
    ObjectOp::List { folder, after }
}

/// A disk, and who uses it.
pub(crate) struct Bench {
    pub(crate) disk: Disk,
    /// The system is known.
    pub(crate) known: bool,
    /// What was asked of the disk.
    pub(crate) asked: Vec<DiskOp>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            disk: Disk::default(),
            known: false,
            asked: Vec::new(),
        }
    }

    /// One that has been set up.
    pub(crate) fn ready() -> Self {
        let mut bench = Self::new();
        assert_eq!(bench.carry(set_up()), Ok(ObjectReply::Done(None)));
        bench.known = true;
        bench.asked.clear();
        bench
    }

    pub(crate) fn begin(&self, op: Op<BlockBody>) -> (DiskTask, DiskNext) {
        let expected = self.known.then(|| identity(7));
        let agents = AGENTS;
        DiskTask::begin(op, DiskSetup { agents, expected })
    }

    /// Carries an operation out to its end.
    pub(crate) fn carry(&mut self, op: Op<BlockBody>) -> Result<Reply<BlockBody>, DiskRefusal> {
        let all = self.carry_until(op, |_| false);
        all.expect("it is not cut off")
    }

    /// Carries an operation out until something is wanted before which it is cut off; gives its end, if it has one.
    pub(crate) fn carry_until(
        &mut self,
        op: Op<BlockBody>,
        mut is_cut: impl FnMut(&DiskOp) -> bool,
    ) -> Result<Result<Reply<BlockBody>, DiskRefusal>, DiskNext> {
        let (mut task, mut next) = self.begin(op);
        loop {
            match next {
                DiskNext::Ask(op) if is_cut(&op) => return Err(DiskNext::Ask(op)),
                DiskNext::Ask(op) => {
                    next = task.step(self.disk.ask(&op));
                    self.asked.push(op);
                }
                DiskNext::End(reply) => return Ok(Ok(reply)),
                DiskNext::Refuse(refusal) => return Ok(Err(refusal)),
            }
        }
    }

    /// The agent's latest start and the version of its block, as they are listed.
    pub(crate) fn listed(&mut self) -> (Option<Incarnation>, Version) {
        let Ok(ObjectReply::Listed { names, .. }) = self.carry(list()) else {
            panic!("no listing");
        };
        let mut listed = (None, Version::default());
        for name in names {
            match name {
                ObjectName::Start(A1, start) => listed.0 = Some(start),
                ObjectName::Version(A1, version) => listed.1 = version,
                other => panic!("{other:?}"),
            }
        }
        listed
    }

    pub(crate) fn block(&mut self, version: Version) -> Block {
        let get = ObjectOp::Get(ObjectName::Version(A1, version));
        match self.carry(get) {
            Ok(ObjectReply::Found {
                content: Content::Body(body),
                ..
            }) => body.block,
            other => panic!("{version:?}: {other:?}"),
        }
    }
}
