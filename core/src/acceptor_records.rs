//! One agent of Paxos over acceptor records: a record a store, changed by conditional writes only.

use alloc::vec::Vec;

use crate::{
    AgentId, Ballot, Block, Config, Effect, Incarnation, Input, MAX_STORES, Operation, Phase,
    RECORD, Sink, StoreId, Value, Version, Vote, disk_paxos::reach,
};

#[cfg(feature = "planted-bugs")]
use crate::bug::{Bug, has};
#[cfg(not(feature = "planted-bugs"))]
use crate::no_bug::{Bug, has};

mod quotient;

/// Writes to one store in one phase that are told apart; the attempt ends rather than that an answer
/// could be taken for another's. Rivals with lower ballots cannot use them up: each of their writes
/// raises the record, and there are only so many ballots below a given one.
const WRITES_MAX: u8 = 100;

/// What an agent waits for from one store.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
enum Step {
    /// Nothing.
    #[default]
    Idle,
    /// The record.
    Reading,
    /// The fate of the newest write.
    Writing,
}

/// One agent's dealings with one store in the current phase.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
struct Link {
    step: Step,
    /// How many writes there were.
    writes: u8,
    /// The record's version as last known: the condition of the next write.
    tag: Version,
    /// Phase 1, while writing: the vote in the record, which the promise must keep.
    vote: Option<Vote>,
}

/// One agent of Paxos over acceptor records, single decree.
///
/// Each store holds one record that all agents share: the greatest ballot promised (`mbal`) and the
/// greatest one accepted with its value (`vote`). A promise and an acceptance are each one read of
/// the record and one conditional write of it, so that the store decides between two agents and
/// nobody has to look again after writing. The record is the ranked register of Chockler and Malkhi
/// 2002, a majority of them is Paxos; Rystsov's `CASPaxos` has the same acceptors.
///
/// It is started, answered and restarted as an [`DiskPaxos`](crate::DiskPaxos) is, and asks for nothing but
/// reads of [`RECORD`] and [`Effect::WriteIf`]:
///
/// ```
/// use bivalent_core::*;
///
/// let envelope = Envelope::majority(1)?;
/// let config = Config::new(AgentId(0), 1, envelope, Overwrite::InPlace, Value(7));
/// let mut agent = AcceptorRecords::new(config);
/// let ballot = Ballot::above(None, AgentId(0), Incarnation(0));
/// let read = agent.step(Input::Start { ballot });
/// let [Effect::Read { store, owner, epoch }] = read[..] else { panic!() };
/// let (block, version) = (Block::default(), Version::default());
/// let mut puts = agent.step(Input::Read { store, owner, epoch, block, version });
/// while let [Effect::WriteIf { store, epoch, attempt, .. }] = puts[..] {
///     puts = agent.step(Input::Wrote { store, epoch, attempt });
/// }
/// assert_eq!(puts, [Effect::Decide(Value(7))]);
/// # Ok::<(), EnvelopeError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AcceptorRecords {
    config: Config,
    phase: Phase,
    /// The ballot, and in phase 2 the vote: what the records are to say.
    block: Block,
    /// Phase 1: the greatest vote in the records that hold our promise. Cleared else.
    best: Option<Vote>,
    /// Counts phase starts and aborts; answers to an older one are stale.
    epoch: u32,
    /// Stores whose record is known to hold, or to have held, this phase's ballot.
    complete: u16,
    links: [Link; MAX_STORES],
}

impl AcceptorRecords {
    /// An agent that has never run before; it waits for [`Input::Start`] with its first ballot.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            phase: Phase::Waiting,
            block: Block::default(),
            best: None,
            epoch: 0,
            complete: 0,
            links: [Link::default(); MAX_STORES],
        }
    }

    /// An agent that ran before, or may have. It has nothing to read first and waits for nothing in
    /// flight.
    ///
    /// Safe, because all that was promised or accepted stands in the records, and all that an agent
    /// owes to its own past is one value a ballot: `config` carries a new incarnation, whose ballots
    /// are none of a dead one's. What the dead one has in flight fails on its version, or lands as
    /// it would have before. The driver drops answers to it: epochs begin anew.
    pub fn recover(config: Config, out: &mut impl Sink) -> Self {
        out.push(Effect::Abort { above: None });
        Self::new(config)
    }

    /// Takes one step, leaving its effects in `out`.
    pub fn on(&mut self, input: Input, out: &mut impl Sink) {
        match input {
            Input::Start { ballot } => self.on_start(ballot, out),
            Input::Read {
                store,
                owner,
                epoch,
                block,
                version,
            } => {
                if self.awaits(Operation::Read {
                    store,
                    owner,
                    epoch,
                }) {
                    self.on_record(store, block, version, out);
                }
            }
            Input::Wrote {
                store,
                epoch,
                attempt,
            } => {
                if self.awaits_write(store, epoch, attempt) {
                    self.on_wrote(store, out);
                }
            }
            Input::Refused {
                store,
                epoch,
                attempt,
            } => {
                if self.awaits_write(store, epoch, attempt) {
                    if self.has(Bug::RefusedIsWritten) {
                        self.on_wrote(store, out);
                    } else {
                        self.read(store, out);
                    }
                }
            }
            Input::Unreadable {
                store,
                owner,
                epoch,
            } => {
                let operation = Operation::Read {
                    store,
                    owner,
                    epoch,
                };
                // Not an empty record: what was promised in it is not known.
                if self.awaits(operation) {
                    out.push(Effect::Retry { operation });
                }
            }
            Input::TimedOut { operation } => self.on_timed_out(operation, out),
        }
    }

    /// Takes one step and returns its effects: [`AcceptorRecords::on`] for tests and readers.
    pub fn step(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.on(input, &mut |effect| effects.push(effect));
        effects
    }

    fn on_start(&mut self, ballot: Ballot, out: &mut impl Sink) {
        assert!(
            self.phase == Phase::Waiting,
            "a ballot that was not asked for: {:?}",
            self.phase
        );
        assert!(
            Some(ballot) > self.block.mbal,
            "{ballot:?} after {:?}",
            self.block.mbal
        );
        assert!(
            ballot.agent() == self.config.me && ballot.incarnation() == self.config.incarnation,
            "{ballot:?} is not a ballot of {:?}",
            self.config.me
        );
        self.block.mbal = Some(ballot);
        self.phase = Phase::One;
        self.epoch += 1;
        for store in self.config.stores() {
            self.read(store, out);
        }
    }

    /// Asks for the record; of what was known of it nothing is kept.
    fn read(&mut self, store: StoreId, out: &mut impl Sink) {
        let link = &mut self.links[store.index()];
        link.step = Step::Reading;
        link.tag = Version::default();
        link.vote = None;
        out.push(Effect::Read {
            store,
            owner: RECORD,
            epoch: self.epoch,
        });
    }

    /// The record that was asked for: a promise or vote of ours that stands in it is as good as an
    /// acknowledgement, one that does not is written.
    fn on_record(&mut self, store: StoreId, block: Block, tag: Version, out: &mut impl Sink) {
        let promised = reach(block);
        // In phase 1 nobody can have voted in our ballot; a record that says so is rotten.
        let voted = self.phase == Phase::One && vote_bal(block) >= self.block.mbal;
        let ignores = self.phase == Phase::Two && self.has(Bug::IgnoresPromise);
        if (promised > self.block.mbal || voted) && !ignores {
            #[cfg(feature = "planted-bugs")]
            if self.phase == Phase::Two && self.complete != 0 {
                crate::bug::stumble(&self.config);
            }
            self.abort(promised, out);
            return;
        }
        let stands = match self.phase {
            Phase::One => block.mbal == self.block.mbal,
            Phase::Two => block.vote == self.block.vote,
            Phase::Waiting | Phase::Recovering | Phase::Decided => return,
        };
        let link = &mut self.links[store.index()];
        link.tag = tag;
        if self.phase == Phase::One {
            link.vote = block.vote;
        }
        if stands {
            self.complete_store(store, out);
        } else {
            self.write(store, out);
        }
    }

    /// Writes this phase's record, on condition that nobody has written since `tag` was read.
    fn write(&mut self, store: StoreId, out: &mut impl Sink) {
        let link = &mut self.links[store.index()];
        if link.writes == WRITES_MAX {
            self.abort(None, out);
            return;
        }
        link.step = Step::Writing;
        link.writes += 1;
        let (attempt, expect) = (link.writes - 1, link.tag);
        let vote = match self.phase {
            Phase::One if !has(&self.config, Bug::DropsVote) => link.vote,
            Phase::One | Phase::Waiting | Phase::Recovering | Phase::Decided => None,
            Phase::Two => self.block.vote,
        };
        let mbal = self.block.mbal;
        out.push(Effect::WriteIf {
            store,
            epoch: self.epoch,
            attempt,
            expect,
            version: after(expect),
            block: Block { mbal, vote },
        });
    }

    fn on_wrote(&mut self, store: StoreId, out: &mut impl Sink) {
        let link = &mut self.links[store.index()];
        link.tag = after(link.tag);
        self.complete_store(store, out);
    }

    /// The record held our promise, or our vote, at some moment of this phase. That is enough even if
    /// it is written over by now: no lower ballot can be accepted there any more.
    fn complete_store(&mut self, store: StoreId, out: &mut impl Sink) {
        self.complete |= store.bit();
        let link = &mut self.links[store.index()];
        if self.phase == Phase::One {
            self.best = self.best.max(link.vote);
        } else {
            link.tag = Version::default();
        }
        link.step = Step::Idle;
        link.writes = 0;
        link.vote = None;
        let short = u32::from(self.has(Bug::QuorumOneShort));
        if self.complete.count_ones() + short < u32::from(self.config.envelope.quorum()) {
            return;
        }
        match self.phase {
            Phase::One => self.end_phase_one(out),
            Phase::Two => self.end_phase_two(out),
            Phase::Waiting | Phase::Recovering | Phase::Decided => {}
        }
    }

    /// Promised on a quorum: votes for the value of the greatest vote there, or for the own input.
    fn end_phase_one(&mut self, out: &mut impl Sink) {
        let Some(bal) = self.block.mbal else {
            unreachable!("phase 1 starts with a ballot");
        };
        let mut inp = self.best.map_or(self.config.input, |vote| vote.inp);
        if self.has(Bug::OwnInput) {
            inp = self.config.input;
        }
        self.best = None;
        self.block.vote = Some(Vote { bal, inp });
        if self.has(Bug::DecidesAfterPhase1) {
            self.end_phase_two(out);
            return;
        }
        let promised = self.complete;
        self.phase = Phase::Two;
        self.epoch += 1;
        self.complete = 0;
        for store in self.config.stores() {
            self.links[store.index()].writes = 0;
            if promised & store.bit() != 0 {
                self.write(store, out);
            } else {
                self.read(store, out);
            }
        }
    }

    fn end_phase_two(&mut self, out: &mut impl Sink) {
        let Some(Vote { inp, .. }) = self.block.vote else {
            unreachable!("phase 2 starts with a vote");
        };
        self.leave(Phase::Decided);
        let inp = if self.has(Bug::InventsValue) {
            Value(u64::MAX)
        } else {
            inp
        };
        out.push(Effect::Decide(inp));
    }

    fn abort(&mut self, above: Option<Ballot>, out: &mut impl Sink) {
        self.leave(Phase::Waiting);
        self.block.vote = None;
        out.push(Effect::Abort { above });
    }

    /// Ends a phase without a next one; what is in flight stays, its answers mean nothing any more.
    fn leave(&mut self, phase: Phase) {
        self.phase = phase;
        self.epoch += 1;
        self.best = None;
        self.complete = 0;
        self.links = [Link::default(); MAX_STORES];
    }

    /// Silence: a read is asked for again, a write of unknown fate is looked for in the record.
    fn on_timed_out(&mut self, operation: Operation, out: &mut impl Sink) {
        if !self.awaits(operation) {
            return;
        }
        match operation {
            Operation::Read { store, .. } => self.read(store, out),
            Operation::Write { store, .. } => {
                if self.phase == Phase::Two
                    && self.has(Bug::VotesAgain)
                    && let Some(vote) = &mut self.block.vote
                {
                    vote.inp = self.config.input;
                }
                self.read(store, out);
            }
        }
    }

    /// Whether an answer to this operation could still change anything: what an explorer may drop
    /// from a state is all the rest, but for the effect of a write on its store.
    pub fn awaits(&self, operation: Operation) -> bool {
        match operation {
            Operation::Read {
                store,
                owner,
                epoch,
            } => {
                let step = self.links[store.index()].step;
                owner == RECORD && epoch == self.epoch && step == Step::Reading
            }
            Operation::Write {
                store,
                epoch,
                attempt,
            } => self.awaits_write(store, epoch, attempt),
        }
    }

    fn awaits_write(&self, store: StoreId, epoch: u32, attempt: u8) -> bool {
        let link = &self.links[store.index()];
        epoch == self.epoch && link.step == Step::Writing && attempt + 1 == link.writes
    }

    /// Who this is.
    pub const fn id(&self) -> AgentId {
        self.config.me
    }

    /// Which start of it this is.
    pub const fn incarnation(&self) -> Incarnation {
        self.config.incarnation
    }

    /// What it proposes if it is free to choose.
    pub const fn input(&self) -> Value {
        self.config.input
    }

    /// Where it stands. It never recovers.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Its ballot, and from phase 2 on its vote.
    pub const fn block(&self) -> Block {
        self.block
    }

    /// The value it decided, if it has.
    pub fn decision(&self) -> Option<Value> {
        self.block
            .vote
            .filter(|_| self.phase == Phase::Decided)
            .map(|vote| vote.inp)
    }

    /// The number of the current phase; answers that carry another are stale.
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The stores on which the current phase is complete, as a bit set.
    pub const fn complete(&self) -> u16 {
        self.complete
    }

    fn has(&self, bug: Bug) -> bool {
        has(&self.config, bug)
    }
}

fn vote_bal(block: Block) -> Option<Ballot> {
    block.vote.map(|vote| vote.bal)
}

/// The version of a record after one more write of it, whoever writes: a count of its writes, so that
/// none comes back.
pub(crate) const fn after(version: Version) -> Version {
    version.next(Incarnation(0))
}
