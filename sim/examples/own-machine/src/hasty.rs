//! A protocol that is too simple: look whether anybody has written, and if not, write and decide.

use bivalent_core::{
    AgentId, Ballot, Block, Config, Effect, Input, Operation, Phase, Sink, StoreId, Value, Version,
    Vote,
};

/// The one store it knows.
const STORE: StoreId = StoreId(0);

/// One agent. Between its look and its write another one may look as well: then both decide their own.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Hasty {
    config: Config,
    phase: Phase,
    block: Block,
    epoch: u32,
    /// Whom it has not looked at yet, as a set.
    unseen: u128,
}

impl Hasty {
    /// An agent at its start.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            phase: Phase::Waiting,
            block: Block::default(),
            epoch: 0,
            unseen: 0,
        }
    }

    /// Where it stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// What it writes; once it has decided the vote is what it decided.
    pub fn block(&self) -> Block {
        self.block
    }

    /// Counts its phases.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The value it decided, if it has.
    pub fn decision(&self) -> Option<Value> {
        let vote = self.block.vote?;
        (self.phase == Phase::Decided).then_some(vote.inp)
    }

    /// Whether an answer to this operation could still change anything.
    pub fn awaits(&self, operation: Operation) -> bool {
        match operation {
            Operation::Read { owner, epoch, .. } => {
                epoch == self.epoch && self.unseen & owner.bit() != 0
            }
            Operation::Write { epoch, .. } => epoch == self.epoch && self.phase == Phase::Two,
        }
    }

    /// Takes one step.
    pub fn on(&mut self, input: Input, out: &mut dyn Sink) {
        match input {
            Input::Start { ballot } => self.look(ballot, out),
            Input::Read {
                store,
                owner,
                epoch,
                block,
                ..
            } => {
                let read = Operation::Read {
                    store,
                    owner,
                    epoch,
                };
                if self.awaits(read) {
                    self.unseen &= !owner.bit();
                    self.seen(block, out);
                }
            }
            Input::Wrote { epoch, .. } => {
                if epoch == self.epoch && self.phase == Phase::Two {
                    self.decide(self.config.input(), out);
                }
            }
            Input::TimedOut { operation } if self.awaits(operation) => match operation {
                Operation::Read { owner, .. } => self.ask(owner, out),
                Operation::Write { .. } => self.write(out),
            },
            Input::TimedOut { .. } | Input::Refused { .. } | Input::Unreadable { .. } => {}
        }
    }

    fn look(&mut self, ballot: Ballot, out: &mut dyn Sink) {
        let inp = self.config.input();
        self.block = Block {
            mbal: Some(ballot),
            vote: Some(Vote { bal: ballot, inp }),
        };
        self.phase = Phase::One;
        self.epoch += 1;
        for other in self.config.other_ids() {
            self.unseen |= other.bit();
            self.ask(other, out);
        }
        if self.unseen == 0 {
            self.write(out);
        }
    }

    fn ask(&self, owner: AgentId, out: &mut dyn Sink) {
        out.push(Effect::Read {
            store: STORE,
            owner,
            epoch: self.epoch,
        });
    }

    fn seen(&mut self, block: Block, out: &mut dyn Sink) {
        match block.vote {
            Some(vote) => self.decide(vote.inp, out),
            None if self.unseen == 0 => self.write(out),
            None => {}
        }
    }

    fn write(&mut self, out: &mut dyn Sink) {
        self.phase = Phase::Two;
        out.push(Effect::Write {
            store: STORE,
            epoch: self.epoch,
            attempt: 0,
            version: Version::new(self.config.start(), 1),
            block: self.block,
        });
    }

    fn decide(&mut self, value: Value, out: &mut dyn Sink) {
        if let Some(vote) = &mut self.block.vote {
            vote.inp = value;
        }
        self.phase = Phase::Decided;
        self.unseen = 0;
        out.push(Effect::Decide(value));
    }
}
