//! One agent of Paxos over acceptor records: a record a store, changed by conditional writes only.

use core::convert::Infallible;

use crate::{
    Agent, Ballot, Block, BlockOp, BlockReply, BlockTag, Config, DecreeSaid, DecreeTimer, Event,
    Explored, Incarnation, MAX_STORES, Pause, Phase, Port, RECORD, SingleDecree, StoreId, Value,
    Version, Vote, disk_paxos::reach,
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
/// It asks for nothing but reads of [`RECORD`] and [`BlockOp::Swap`]s. Started again it has nothing to read first and
/// waits for nothing in flight. That is safe, because all that was promised or accepted stands in the records, and all
/// that an agent owes to its own past is one value a ballot: none of a life's ballots is another's. What a dead life
/// has in flight fails on its version, or lands as it would have before. The runner drops answers to it: epochs begin
/// anew.
///
/// ```
/// use bivalent_core::*;
///
/// let envelope = Envelope::majority(1)?;
/// let config = Config::new(AgentId(0), 1, envelope, Overwrite::InPlace, Value(7));
/// let (mut agent, _) = AcceptorRecords::begin(&config, Incarnation(0));
/// let read = agent.step(DecreeEvent::Woke(DecreeTimer::Attempt));
/// let [Want::Ask { store, tag, op: BlockOp::Read { .. }, .. }] = read[..] else { panic!() };
/// let empty = BlockReply::Block { block: Block::default(), version: Version::default() };
/// let mut wants = agent.step(DecreeEvent::Replied(store, tag, empty));
/// while let [Want::Ask { store, tag, op: BlockOp::Swap { .. }, .. }] = wants[..] {
///     wants = agent.step(DecreeEvent::Replied(store, tag, BlockReply::Written));
/// }
/// assert_eq!(wants, [Want::Say(DecreeSaid::Decided(Value(7)))]);
/// # Ok::<(), EnvelopeError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AcceptorRecords {
    config: Config,
    incarnation: Incarnation,
    phase: Phase,
    /// The ballot, and in phase 2 the vote: what the records are to say.
    block: Block,
    /// Phase 1: the greatest vote in the records that hold our promise. Cleared else.
    best: Option<Vote>,
    /// Waiting: the greatest ballot met. Cleared else.
    above: Option<Ballot>,
    /// Counts phase starts and aborts; answers to an older one are stale.
    epoch: u32,
    /// Stores whose record is known to hold, or to have held, this phase's ballot.
    complete: u16,
    links: [Link; MAX_STORES],
}

impl Agent for AcceptorRecords {
    type Setup = Config;
    type Op = BlockOp;
    type Reply = BlockReply;
    type Tag = BlockTag;
    type Timer = DecreeTimer;
    type Request = Infallible;
    type Said = DecreeSaid;

    fn start(config: &Config, start: Incarnation, port: &mut impl Port<Self>) -> Self {
        if start.0 > 0 {
            port.say(DecreeSaid::Recovered { above: None });
        }
        port.wake(DecreeTimer::Attempt, Pause::NONE);
        Self::new(*config, start)
    }

    fn on(&mut self, event: Event<'_, Self>, port: &mut impl Port<Self>) {
        match event {
            Event::Replied(store, tag, reply) => {
                if self.awaits(store, tag) {
                    self.on_reply(store, tag, reply, port);
                }
            }
            Event::Woke(DecreeTimer::Attempt) => self.on_attempt(port),
            Event::TimedOut(store, tag) | Event::Woke(DecreeTimer::Retry(store, tag)) => {
                self.on_timed_out(store, tag, port);
            }
            Event::Asked(_, never) => match never {},
            Event::Withdrawn(_) => {}
        }
    }
}

impl AcceptorRecords {
    fn new(config: Config, incarnation: Incarnation) -> Self {
        Self {
            config,
            incarnation,
            phase: Phase::Waiting,
            block: Block::default(),
            best: None,
            above: None,
            epoch: 0,
            complete: 0,
            links: [Link::default(); MAX_STORES],
        }
    }

    fn on_reply(
        &mut self,
        store: StoreId,
        tag: BlockTag,
        reply: &BlockReply,
        port: &mut impl Port<Self>,
    ) {
        match (tag, *reply) {
            (BlockTag::Read { .. }, BlockReply::Block { block, version }) => {
                self.on_record(store, block, version, port);
            }
            // Not an empty record: what was promised in it is not known.
            (BlockTag::Read { .. }, BlockReply::Unreadable) => {
                port.wake(DecreeTimer::Retry(store, tag), Pause::Patience);
            }
            (BlockTag::Write { .. }, BlockReply::Written) => self.on_wrote(store, port),
            (BlockTag::Write { .. }, BlockReply::Refused) => {
                if self.has(Bug::RefusedIsWritten) {
                    self.on_wrote(store, port);
                } else {
                    self.read(store, port);
                }
            }
            // A reply to another operation is none.
            (BlockTag::Read { .. }, BlockReply::Written | BlockReply::Refused)
            | (BlockTag::Write { .. }, BlockReply::Block { .. } | BlockReply::Unreadable) => {}
        }
    }

    fn on_attempt(&mut self, port: &mut impl Port<Self>) {
        if self.phase != Phase::Waiting {
            return;
        }
        // With no ballot left it is stuck.
        if let Some(ballot) = port.ballot(self.above.max(self.block.mbal)) {
            self.start_ballot(ballot, port);
        }
    }

    fn start_ballot(&mut self, ballot: Ballot, port: &mut impl Port<Self>) {
        assert!(
            Some(ballot) > self.block.mbal,
            "{ballot:?} after {:?}",
            self.block.mbal
        );
        assert!(
            ballot.agent() == self.config.me && ballot.incarnation() == self.incarnation,
            "{ballot:?} is not a ballot of {:?}",
            self.config.me
        );
        self.block.mbal = Some(ballot);
        self.above = None;
        self.phase = Phase::One;
        self.epoch += 1;
        for store in self.config.stores() {
            self.read(store, port);
        }
    }

    /// Asks for the record; of what was known of it nothing is kept.
    fn read(&mut self, store: StoreId, port: &mut impl Port<Self>) {
        let link = &mut self.links[store.index()];
        link.step = Step::Reading;
        link.tag = Version::default();
        link.vote = None;
        let (owner, epoch) = (RECORD, self.epoch);
        let tag = BlockTag::Read { owner, epoch };
        port.ask(store, tag, 0, BlockOp::Read { owner });
    }

    /// The record that was asked for: a promise or vote of ours that stands in it is as good as an
    /// acknowledgement, one that does not is written.
    fn on_record(
        &mut self,
        store: StoreId,
        block: Block,
        tag: Version,
        port: &mut impl Port<Self>,
    ) {
        let promised = reach(block);
        // In phase 1 nobody can have voted in our ballot; a record that says so is rotten.
        let voted = self.phase == Phase::One && vote_bal(block) >= self.block.mbal;
        let ignores = self.phase == Phase::Two && self.has(Bug::IgnoresPromise);
        if (promised > self.block.mbal || voted) && !ignores {
            #[cfg(feature = "planted-bugs")]
            if self.phase == Phase::Two && self.complete != 0 {
                crate::bug::stumble(&self.config);
            }
            self.abort(promised, port);
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
            self.complete_store(store, port);
        } else {
            self.write(store, port);
        }
    }

    /// Writes this phase's record, on condition that nobody has written since `tag` was read.
    fn write(&mut self, store: StoreId, port: &mut impl Port<Self>) {
        let link = &mut self.links[store.index()];
        if link.writes == WRITES_MAX {
            self.abort(None, port);
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
        let (mbal, epoch) = (self.block.mbal, self.epoch);
        let swap = BlockOp::Swap {
            expect,
            version: after(expect),
            block: Block { mbal, vote },
        };
        // Numbers, not tries: no two of them ask for the same.
        port.ask(store, BlockTag::Write { epoch, attempt }, 0, swap);
    }

    fn on_wrote(&mut self, store: StoreId, port: &mut impl Port<Self>) {
        let link = &mut self.links[store.index()];
        link.tag = after(link.tag);
        self.complete_store(store, port);
    }

    /// The record held our promise, or our vote, at some moment of this phase. That is enough even if
    /// it is written over by now: no lower ballot can be accepted there any more.
    fn complete_store(&mut self, store: StoreId, port: &mut impl Port<Self>) {
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
            Phase::One => self.end_phase_one(port),
            Phase::Two => self.end_phase_two(port),
            Phase::Waiting | Phase::Recovering | Phase::Decided => {}
        }
    }

    /// Promised on a quorum: votes for the value of the greatest vote there, or for the own input.
    fn end_phase_one(&mut self, port: &mut impl Port<Self>) {
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
            self.end_phase_two(port);
            return;
        }
        let promised = self.complete;
        self.phase = Phase::Two;
        self.epoch += 1;
        self.complete = 0;
        for store in self.config.stores() {
            self.links[store.index()].writes = 0;
            if promised & store.bit() != 0 {
                self.write(store, port);
            } else {
                self.read(store, port);
            }
        }
    }

    fn end_phase_two(&mut self, port: &mut impl Port<Self>) {
        let Some(Vote { inp, .. }) = self.block.vote else {
            unreachable!("phase 2 starts with a vote");
        };
        self.leave(Phase::Decided);
        let inp = if self.has(Bug::InventsValue) {
            Value(u64::MAX)
        } else {
            inp
        };
        port.say(DecreeSaid::Decided(inp));
    }

    fn abort(&mut self, above: Option<Ballot>, port: &mut impl Port<Self>) {
        self.leave(Phase::Waiting);
        self.block.vote = None;
        self.above = above;
        port.say(DecreeSaid::Preempted { above });
        port.wake(DecreeTimer::Attempt, Pause::Backoff);
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
    fn on_timed_out(&mut self, store: StoreId, tag: BlockTag, port: &mut impl Port<Self>) {
        if !self.awaits(store, tag) {
            return;
        }
        if matches!(tag, BlockTag::Write { .. })
            && self.phase == Phase::Two
            && self.has(Bug::VotesAgain)
            && let Some(vote) = &mut self.block.vote
        {
            vote.inp = self.config.input;
        }
        self.read(store, port);
    }

    fn awaits_write(&self, store: StoreId, epoch: u32, attempt: u8) -> bool {
        let link = &self.links[store.index()];
        epoch == self.epoch && link.step == Step::Writing && attempt + 1 == link.writes
    }

    /// The stores on which the current phase is complete, as a bit set.
    pub const fn complete(&self) -> u16 {
        self.complete
    }

    fn has(&self, bug: Bug) -> bool {
        has(&self.config, bug)
    }
}

/// It never recovers.
impl SingleDecree for AcceptorRecords {
    fn config(&self) -> &Config {
        &self.config
    }

    fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    fn phase(&self) -> Phase {
        self.phase
    }

    /// Its ballot, and from phase 2 on its vote.
    fn block(&self) -> Block {
        self.block
    }

    fn epoch(&self) -> u32 {
        self.epoch
    }

    fn decision(&self) -> Option<Value> {
        let vote = self.block.vote.filter(|_| self.phase == Phase::Decided);
        vote.map(|vote| vote.inp)
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
