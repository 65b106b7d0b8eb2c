//! How one decision lies on objects: a block under each version that an agent wrote, or one record for all.

use crate::{
    AcceptorRecords, AgentId, At, Block, BlockOp, BlockReply, Call, Came, Config, Content,
    DecreeSaid, DiskPaxos, If, Laid, Next, ObjectName, PutIfAbsent, Value, Version, Why,
};

/// How often the folder is listed anew because what was listed is gone by the time it is read.
const LISTINGS: u8 = 8;

/// A block or a record, as an object.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct BlockBody {
    /// The number of the write that left it there.
    pub version: Version,
    /// What it says.
    pub block: Block,
}

/// A logical operation of one decision under way.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum BlockTask {
    /// A block is read: listed, then got.
    Read {
        /// Whose.
        owner: AgentId,
        /// Which version is being read.
        version: Version,
        /// How often the folder was listed.
        listed: u8,
    },
    /// The own block is written.
    Write(BlockBody),
    /// The record is read.
    ReadRecord(Option<BlockBody>),
    /// The record is replaced.
    Swap {
        /// The version that must still stand there.
        expect: Version,
        /// What to write.
        body: BlockBody,
        /// How far it is.
        stage: SwapStage,
    },
}

/// How far the replacing of a record is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SwapStage {
    /// Conditions are tried, or known to be kept.
    Trying,
    /// What stands there is read.
    Reading,
    /// The new one is on its way.
    Writing,
    /// It is known what became of it, if the store is still the right one: no start record tells.
    Looking(BlockReply),
}

impl BlockTask {
    const fn of(op: BlockOp, records: bool) -> Self {
        match op {
            BlockOp::Read { .. } if records => Self::ReadRecord(None),
            BlockOp::Read { owner } => Self::Read {
                owner,
                version: Version::NEVER,
                listed: 0,
            },
            BlockOp::Write { version, block } => Self::Write(BlockBody { version, block }),
            BlockOp::Swap {
                expect,
                version,
                block,
            } => Self::Swap {
                expect,
                body: BlockBody { version, block },
                stage: SwapStage::Trying,
            },
        }
    }

    /// One step.
    fn step<A>(&mut self, came: Came<BlockBody>, at: &mut At<'_>) -> Next<A>
    where
        A: Laid<Body = BlockBody, Reply = BlockReply>,
    {
        match self {
            Self::Read {
                owner,
                version,
                listed,
            } => match came {
                Came::Begun | Came::Found(None) if *listed == LISTINGS => Next::Fail(Why::Restless),
                // Gone: it has made way for a newer one.
                Came::Begun | Came::Found(None) => {
                    *listed += 1;
                    Next::Call(Call::Own)
                }
                Came::Agents(listing) => match listing.newest_of(*owner) {
                    None => Next::Answer(answer(BlockBody::default())),
                    Some(newest) => {
                        *version = newest;
                        Next::Call(Call::Get(ObjectName::Version(*owner, newest)))
                    }
                },
                Came::Found(Some((content, _))) => match content {
                    Content::Body(body) if body.version == *version => Next::Answer(answer(body)),
                    Content::Body(_)
                    | Content::Identity(_)
                    | Content::Start { .. }
                    | Content::Text(_)
                    | Content::Trial(_) => Next::Answer(BlockReply::Unreadable),
                },
                Came::Done(_) | Came::All { .. } | Came::Names(_) => unasked(),
            },
            Self::Write(body) => match came {
                Came::Begun => {
                    let name = ObjectName::Version(at.me(), body.version);
                    Next::Call(Call::Put(name, Content::Body(*body), If::Always))
                }
                Came::Done(true) => {
                    at.wrote(body.version);
                    if at.agents() == 1 {
                        // Nobody else's block will be read, and so no later start be noticed, if not here.
                        return Next::Call(Call::Own);
                    }
                    Next::Answer(BlockReply::Written)
                }
                Came::Done(false) => Next::Fail(Why::Failed),
                Came::Agents(_) => Next::Answer(BlockReply::Written),
                Came::Found(_) | Came::All { .. } | Came::Names(_) => unasked(),
            },
            Self::ReadRecord(read) => match came {
                Came::Begun => Next::Call(Call::Get(ObjectName::Record)),
                Came::Found(found) => match record(found.as_ref().map(|(content, _)| content)) {
                    Some(body) => {
                        *read = Some(body);
                        // No start record tells whether the store was emptied meanwhile.
                        Next::Call(Call::Look)
                    }
                    None => Next::Answer(BlockReply::Unreadable),
                },
                Came::Done(_) => Next::Answer(answer(read.unwrap_or_default())),
                Came::All { .. } | Came::Names(_) | Came::Agents(_) => unasked(),
            },
            Self::Swap {
                expect,
                body,
                stage,
            } => swap(*expect, *body, stage, came),
        }
    }

    /// Whether an answer still counts after the operation was given up.
    const fn is_write(&self) -> bool {
        matches!(self, Self::Write(_) | Self::Swap { .. })
    }
}

/// One step of replacing the record.
fn swap<A>(
    expect: Version,
    body: BlockBody,
    stage: &mut SwapStage,
    came: Came<BlockBody>,
) -> Next<A>
where
    A: Laid<Body = BlockBody, Reply = BlockReply>,
{
    let put = |only| Next::Call(Call::Put(ObjectName::Record, Content::Body(body), only));
    let reply = match (*stage, came) {
        (SwapStage::Trying, Came::Begun) => return Next::Call(Call::Trial),
        (SwapStage::Trying, _) => {
            *stage = SwapStage::Reading;
            return Next::Call(Call::Get(ObjectName::Record));
        }
        (SwapStage::Reading, Came::Found(None)) if expect == Version::default() => {
            *stage = SwapStage::Writing;
            return put(If::Absent);
        }
        (SwapStage::Reading, Came::Found(None)) | (SwapStage::Writing, Came::Done(false)) => {
            BlockReply::Refused
        }
        (SwapStage::Reading, Came::Found(Some((content, tag)))) => match record(Some(&content)) {
            None => return Next::Fail(Why::Unreadable(ObjectName::Record)),
            Some(standing) if standing.version == expect => {
                *stage = SwapStage::Writing;
                return put(If::Unchanged(tag));
            }
            Some(_) => BlockReply::Refused,
        },
        (SwapStage::Writing, Came::Done(true)) => BlockReply::Written,
        (SwapStage::Looking(reply), Came::Done(_)) => return Next::Answer(reply),
        (SwapStage::Reading | SwapStage::Writing | SwapStage::Looking(_), _) => return unasked(),
    };
    *stage = SwapStage::Looking(reply);
    Next::Call(Call::Look)
}

const fn answer(BlockBody { version, block }: BlockBody) -> BlockReply {
    BlockReply::Block { block, version }
}

/// What the record holds; none if that can't be read.
fn record(found: Option<&Content<BlockBody>>) -> Option<BlockBody> {
    match found {
        None => Some(BlockBody::default()),
        Some(Content::Body(body)) => Some(*body),
        Some(
            Content::Identity(_) | Content::Start { .. } | Content::Text(_) | Content::Trial(_),
        ) => None,
    }
}

/// What came is nothing that was called for.
fn unasked<A: Laid>() -> Next<A> {
    Next::Fail(Why::Unknown)
}

/// The value that stands for a text takes the place of the configured one.
fn settled(config: &Config, own: Option<Value>) -> Config {
    match own {
        Some(input) => config.with_input(input),
        None => *config,
    }
}

fn votes_for(op: &BlockOp) -> Option<Value> {
    match op {
        BlockOp::Write { block, .. } | BlockOp::Swap { block, .. } => {
            block.vote.map(|vote| vote.inp)
        }
        BlockOp::Read { .. } => None,
    }
}

const fn decided(said: DecreeSaid) -> Option<Value> {
    match said {
        DecreeSaid::Decided(value) => Some(value),
        DecreeSaid::Preempted { .. } | DecreeSaid::Recovered { .. } => None,
    }
}

macro_rules! laid {
    ($agent:ty, $kind:literal, $records:literal) => {
        impl Laid for $agent {
            type Body = BlockBody;
            type Task = BlockTask;

            const KIND: &'static str = $kind;
            const CONDITIONAL: bool = $records;

            fn settled(setup: &Config, own: Option<Value>) -> Config {
                settled(setup, own)
            }

            fn task(op: BlockOp) -> BlockTask {
                BlockTask::of(op, $records)
            }

            fn step(task: &mut BlockTask, came: Came<BlockBody>, at: &mut At<'_>) -> Next<Self> {
                task.step(came, at)
            }

            fn unreadable(task: &BlockTask) -> Option<BlockReply> {
                (!task.is_write()).then_some(BlockReply::Unreadable)
            }

            fn goes_on(task: &BlockTask) -> bool {
                task.is_write()
            }

            fn votes_for(op: &BlockOp) -> Option<Value> {
                votes_for(op)
            }

            fn decided(said: &DecreeSaid) -> Option<Value> {
                decided(*said)
            }
        }
    };
}

laid!(DiskPaxos, "decision", false);
laid!(AcceptorRecords, "decision by records", true);
laid!(PutIfAbsent, "decision by put-if-absent", true);
