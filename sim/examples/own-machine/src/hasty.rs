//! A protocol that is too simple: look whether anybody has written, and if not, write and decide.

use std::convert::Infallible;

use bivalent_core::{
    Agent, AgentId, Ballot, Block, BlockOp, BlockReply, BlockTag, Config, DecreeSaid, DecreeTimer,
    Event, Explored, Incarnation, Pause, Phase, Port, Renaming, SingleDecree, StoreId, Value,
    Version, Vote,
};

/// The one store it knows.
const STORE: StoreId = StoreId(0);

/// One agent. Between its look and its write another one may look as well: then both decide their own.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Hasty {
    config: Config,
    start: Incarnation,
    phase: Phase,
    block: Block,
    epoch: u32,
    /// Whom it has not looked at yet, as a set.
    unseen: u128,
}

impl Agent for Hasty {
    type Setup = Config;
    type Op = BlockOp;
    type Reply = BlockReply;
    type Tag = BlockTag;
    type Timer = DecreeTimer;
    type Request = Infallible;
    type Said = DecreeSaid;

    fn start(config: &Config, start: Incarnation, port: &mut impl Port<Self>) -> Self {
        port.wake(DecreeTimer::Attempt, Pause::NONE);
        Self {
            config: *config,
            start,
            phase: Phase::Waiting,
            block: Block::default(),
            epoch: 0,
            unseen: 0,
        }
    }

    fn on(&mut self, event: Event<'_, Self>, port: &mut impl Port<Self>) {
        match event {
            Event::Woke(DecreeTimer::Attempt) => {
                if self.phase == Phase::Waiting
                    && let Some(ballot) = port.ballot(None)
                {
                    self.look(ballot, port);
                }
            }
            Event::Replied(store, tag, reply) => {
                if self.awaits(store, tag) {
                    self.hear(tag, *reply, port);
                }
            }
            Event::TimedOut(store, tag) | Event::Woke(DecreeTimer::Retry(store, tag)) => {
                if self.awaits(store, tag) {
                    match tag {
                        BlockTag::Read { owner, .. } => self.ask(owner, port),
                        BlockTag::Write { .. } => self.write(port),
                    }
                }
            }
            Event::Asked(_, never) => match never {},
            Event::Withdrawn(_) => {}
        }
    }
}

impl SingleDecree for Hasty {
    fn config(&self) -> &Config {
        &self.config
    }

    fn incarnation(&self) -> Incarnation {
        self.start
    }

    fn phase(&self) -> Phase {
        self.phase
    }

    /// What it writes; once it has decided the vote is what it decided.
    fn block(&self) -> Block {
        self.block
    }

    fn epoch(&self) -> u32 {
        self.epoch
    }

    fn decision(&self) -> Option<Value> {
        let vote = self.block.vote?;
        (self.phase == Phase::Decided).then_some(vote.inp)
    }
}

/// Nobody explores it: it has no other names.
impl Explored for Hasty {
    fn awaits(&self, _: StoreId, tag: BlockTag) -> bool {
        match tag {
            BlockTag::Read { owner, epoch } => {
                epoch == self.epoch && self.unseen & owner.bit() != 0
            }
            BlockTag::Write { epoch, .. } => epoch == self.epoch && self.phase == Phase::Two,
        }
    }

    fn ballots(&self, each: &mut impl FnMut(Ballot)) {
        self.block.ballots(each);
    }

    fn renamed(&self, _: &impl Renaming) -> Self {
        self.clone()
    }
}

impl Hasty {
    fn hear(&mut self, tag: BlockTag, reply: BlockReply, port: &mut impl Port<Self>) {
        match (tag, reply) {
            (BlockTag::Read { owner, .. }, BlockReply::Block { block, .. }) => {
                self.unseen &= !owner.bit();
                self.seen(block, port);
            }
            (BlockTag::Write { .. }, BlockReply::Written) => self.decide(self.input(), port),
            (
                BlockTag::Read { .. } | BlockTag::Write { .. },
                BlockReply::Block { .. }
                | BlockReply::Written
                | BlockReply::Unreadable
                | BlockReply::Refused,
            ) => {}
        }
    }

    fn look(&mut self, ballot: Ballot, port: &mut impl Port<Self>) {
        let inp = self.config.input();
        self.block = Block {
            mbal: Some(ballot),
            vote: Some(Vote { bal: ballot, inp }),
        };
        self.phase = Phase::One;
        self.epoch += 1;
        for other in self.config.other_ids() {
            self.unseen |= other.bit();
            self.ask(other, port);
        }
        if self.unseen == 0 {
            self.write(port);
        }
    }

    fn ask(&self, owner: AgentId, port: &mut impl Port<Self>) {
        let epoch = self.epoch;
        let tag = BlockTag::Read { owner, epoch };
        port.ask(STORE, tag, 0, BlockOp::Read { owner });
    }

    fn seen(&mut self, block: Block, port: &mut impl Port<Self>) {
        match block.vote {
            Some(vote) => self.decide(vote.inp, port),
            None if self.unseen == 0 => self.write(port),
            None => {}
        }
    }

    fn write(&mut self, port: &mut impl Port<Self>) {
        self.phase = Phase::Two;
        let (epoch, attempt) = (self.epoch, 0);
        let version = Version::new(self.start, 1);
        let block = self.block;
        let tag = BlockTag::Write { epoch, attempt };
        port.ask(STORE, tag, 0, BlockOp::Write { version, block });
    }

    fn decide(&mut self, value: Value, port: &mut impl Port<Self>) {
        if let Some(vote) = &mut self.block.vote {
            vote.inp = value;
        }
        self.phase = Phase::Decided;
        self.unseen = 0;
        port.say(DecreeSaid::Decided(value));
    }
}
