//! One agent of Disk Paxos: the phases and the steps between them (Gafni and Lamport 2003, section 3).

use core::convert::Infallible;

use crate::{
    Agent, AgentId, Ballot, Block, BlockOp, BlockReply, BlockTag, Config, DecreeSaid, DecreeTimer,
    Event, Incarnation, MAX_STORES, Overwrite, Pause, Port, SingleDecree, StoreId, Value, Version,
    Vote, link::Link,
};

#[cfg(feature = "planted-bugs")]
use crate::bug::{Bug, has};
#[cfg(not(feature = "planted-bugs"))]
use crate::no_bug::{Bug, has};

#[cfg(feature = "planted-bugs")]
mod apart;
#[cfg(feature = "planted-bugs")]
mod planted;
mod quotient;
mod silence;

/// Where an agent stands.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Phase {
    /// Between two attempts: it waits for its alarm. The paper fuses this with the next start.
    Waiting,
    /// Phase 0: restarted, reads its own blocks on a quorum.
    Recovering,
    /// Phase 1: has a ballot, looks for one that is higher and for votes.
    One,
    /// Phase 2: has voted, looks once more for a higher ballot.
    Two,
    /// Phase 3: has decided.
    Decided,
}

/// One agent of Disk Paxos, single decree.
///
/// An agent that ran before, or may have, has forgotten everything, and first reads its own blocks. With blocks that
/// are overwritten in place it may be started again only once nothing of the dead life can land any more; with
/// versioned blocks at any time. Either way its runner drops answers to the dead life's operations: epochs begin
/// anew.
///
/// ```
/// use bivalent_core::*;
///
/// // One agent, one store, nobody to synchronise with: two writes and it is decided.
/// let envelope = Envelope::majority(1)?;
/// let config = Config::new(AgentId(0), 1, envelope, Overwrite::InPlace, Value(7));
/// let (mut agent, _) = DiskPaxos::begin(&config, Incarnation(0));
/// let mut wants = agent.step(DecreeEvent::Woke(DecreeTimer::Attempt));
/// while let [Want::Ask { store, tag, op: BlockOp::Write { .. }, .. }] = wants[..] {
///     wants = agent.step(DecreeEvent::Replied(store, tag, BlockReply::Written));
/// }
/// assert_eq!(wants, [Want::Say(DecreeSaid::Decided(Value(7)))]);
/// # Ok::<(), EnvelopeError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DiskPaxos {
    config: Config,
    incarnation: Incarnation,
    phase: Phase,
    /// `dblock`: what this agent's blocks say, or will once written.
    block: Block,
    /// Recovering and phase 1: the greatest vote met so far, the own one included. Cleared else,
    /// so that a state has one spelling.
    best: Option<Vote>,
    /// Waiting: the greatest ballot met. Cleared else.
    above: Option<Ballot>,
    /// Counts phase starts and aborts; answers to an older one are stale.
    epoch: u32,
    /// Stores on which this phase's block is written.
    written: u16,
    /// Stores on which this phase is complete: written, and every other block read after.
    complete: u16,
    links: [Link; MAX_STORES],
    #[cfg(feature = "planted-bugs")]
    extra: planted::Extra,
}

impl Agent for DiskPaxos {
    type Setup = Config;
    type Op = BlockOp;
    type Reply = BlockReply;
    type Tag = BlockTag;
    type Timer = DecreeTimer;
    type Request = Infallible;
    type Said = DecreeSaid;

    fn start(config: &Config, start: Incarnation, port: &mut impl Port<Self>) -> Self {
        let mut agent = Self::new(*config, start);
        if start.0 == 0 {
            port.wake(DecreeTimer::Attempt, Pause::NONE);
            return agent;
        }
        #[cfg(feature = "planted-bugs")]
        if agent.has(Bug::RestartsFromNothing) {
            port.say(DecreeSaid::Recovered { above: None });
            port.wake(DecreeTimer::Attempt, Pause::NONE);
            return agent;
        }
        agent.phase = Phase::Recovering;
        agent.epoch = 1;
        agent.links = [Link::CLOSED; MAX_STORES];
        for store in config.stores() {
            agent.read(store, config.me, port);
        }
        agent
    }

    #[inline]
    fn on(&mut self, event: Event<'_, Self>, port: &mut impl Port<Self>) {
        match event {
            Event::Replied(store, tag, reply) => {
                #[cfg(feature = "planted-bugs")]
                let had_decided = self.phase == Phase::Decided;
                self.on_reply(store, tag, reply, port);
                #[cfg(feature = "planted-bugs")]
                if had_decided {
                    self.change_decision(reply, port);
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

impl DiskPaxos {
    const fn new(config: Config, incarnation: Incarnation) -> Self {
        Self {
            config,
            incarnation,
            phase: Phase::Waiting,
            block: Block {
                mbal: None,
                vote: None,
            },
            best: None,
            above: None,
            epoch: 0,
            written: 0,
            complete: 0,
            links: [Link::FRESH; MAX_STORES],
            #[cfg(feature = "planted-bugs")]
            extra: planted::Extra::NONE,
        }
    }

    #[inline]
    fn on_reply(
        &mut self,
        store: StoreId,
        tag: BlockTag,
        reply: &BlockReply,
        port: &mut impl Port<Self>,
    ) {
        match (tag, *reply) {
            (BlockTag::Read { owner, epoch }, BlockReply::Block { block, version }) => {
                if owner == self.config.me {
                    self.on_own_read(store, epoch, block, version, port);
                } else {
                    self.on_read(store, owner, epoch, block, port);
                }
            }
            (BlockTag::Write { epoch, attempt }, BlockReply::Written) => {
                self.on_wrote(store, epoch, attempt, port);
            }
            (BlockTag::Read { owner, epoch }, BlockReply::Unreadable) => {
                self.on_unreadable(store, owner, epoch, port);
            }
            // None of its writes has a condition, and a reply to another operation is none.
            (BlockTag::Read { .. }, BlockReply::Written | BlockReply::Refused)
            | (
                BlockTag::Write { .. },
                BlockReply::Block { .. } | BlockReply::Unreadable | BlockReply::Refused,
            ) => {}
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

    // `StartBallot(p, b)`: bal and inp are kept.
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
        self.best = self.block.vote;
        #[cfg(feature = "planted-bugs")]
        self.begin_phase_one();
        self.phase = Phase::One;
        self.begin_phase(port);
    }

    fn begin_phase(&mut self, port: &mut impl Port<Self>) {
        self.epoch += 1;
        self.written = 0;
        self.complete = 0;
        for store in self.config.stores() {
            if !(self.has(Bug::KeepsReads) && self.phase == Phase::Two) {
                self.links[store.index()].seen = 0;
            }
            #[cfg(feature = "planted-bugs")]
            if self.reads_first() {
                continue;
            }
            self.write(store, port);
        }
        #[cfg(feature = "planted-bugs")]
        if self.has(Bug::CountsApart) || self.reads_first() {
            self.read_all(port);
        }
    }

    /// Whether what is read on a store counts: what was read before the own write there does not.
    #[inline]
    fn may_read(&self, store: StoreId) -> bool {
        #[cfg(feature = "planted-bugs")]
        if self.counts_apart() || self.reads_first() {
            return !self.has(Bug::Barrier) || self.has_quorum(self.written);
        }
        self.written & store.bit() != 0
    }

    /// Writes the block to `store`, or notes that it must wait for an earlier write's answer.
    fn write(&mut self, store: StoreId, port: &mut impl Port<Self>) {
        let link = &mut self.links[store.index()];
        let overtakes = self.config.overwrite == Overwrite::InPlace && link.unanswered != 0;
        if !link.open || (overtakes && !has(&self.config, Bug::OvertakesWrite)) {
            link.waiting = true;
            return;
        }
        let version = link.begin_write(self.epoch, self.incarnation);
        let (epoch, block) = (self.epoch, self.block);
        let tag = BlockTag::Write { epoch, attempt: 0 };
        port.ask(store, tag, 0, BlockOp::Write { version, block });
    }

    #[inline]
    fn read(&self, store: StoreId, owner: AgentId, port: &mut impl Port<Self>) {
        let epoch = self.epoch;
        let tag = BlockTag::Read { owner, epoch };
        port.ask(store, tag, 0, BlockOp::Read { owner });
    }

    fn on_wrote(&mut self, store: StoreId, epoch: u32, attempt: u8, port: &mut impl Port<Self>) {
        #[cfg(feature = "planted-bugs")]
        let store = self.booked_on(store, epoch);
        let link = &mut self.links[store.index()];
        if !link.answered(epoch, attempt) {
            return;
        }
        if link.waiting && link.unanswered == 0 {
            self.write(store, port);
        }
        let current = epoch == self.epoch || self.has(Bug::CountsOldAnswers);
        if !current || !self.is_balloting() || self.written & store.bit() != 0 {
            return;
        }
        self.written |= store.bit();
        #[cfg(feature = "planted-bugs")]
        if self.counts_apart() {
            self.wrote_apart(port);
            return;
        }
        #[cfg(feature = "planted-bugs")]
        if self.reads_first() {
            self.complete_store(store, port);
            return;
        }
        // `Phase1or2Read(p, d, q)` is enabled only now: read after write is what makes two rivals
        // meet (the flag principle).
        for owner in self.config.other_ids() {
            self.read(store, owner, port);
        }
        let skips = self.phase == Phase::Two && self.has(Bug::NoReread);
        if self.links[store.index()].seen == self.config.others() || skips {
            self.complete_store(store, port);
        }
    }

    #[inline]
    fn on_read(
        &mut self,
        store: StoreId,
        owner: AgentId,
        epoch: u32,
        block: Block,
        port: &mut impl Port<Self>,
    ) {
        let current = epoch == self.epoch || self.has(Bug::CountsOldAnswers);
        if !current || !self.may_read(store) || !self.is_balloting() {
            return;
        }
        let reach = reach(block);
        if self.is_undone_by(reach) {
            #[cfg(feature = "planted-bugs")]
            self.meet();
            if self.has(Bug::ForgetsVote) {
                self.block.vote = None;
            }
            self.abort(reach, port);
            return;
        }
        if self.phase == Phase::One {
            self.note_vote(block);
        }
        let seen = &mut self.links[store.index()].seen;
        *seen |= owner.bit();
        if *seen == self.config.others() {
            #[cfg(feature = "planted-bugs")]
            if self.reads_first() {
                self.write(store, port);
                return;
            }
            self.complete_store(store, port);
        }
    }

    /// Whether a ballot that was met ends the attempt.
    #[inline]
    fn is_undone_by(&self, met: Option<Ballot>) -> bool {
        let ignores = match self.phase {
            Phase::One => self.has(Bug::NoAbortInPhase1),
            Phase::Two => self.has(Bug::IgnoresHigherBallot),
            Phase::Waiting | Phase::Recovering | Phase::Decided => false,
        };
        let strictly = self.has(Bug::StrictlyGreater) && met == self.block.mbal;
        #[cfg(feature = "planted-bugs")]
        let strictly = strictly || self.shares(met);
        met >= self.block.mbal && !ignores && !strictly
    }

    #[cfg(not(feature = "planted-bugs"))]
    #[inline]
    fn note_vote(&mut self, block: Block) {
        self.best = self.best.max(block.vote);
    }

    fn abort(&mut self, above: Option<Ballot>, port: &mut impl Port<Self>) {
        self.leave(Phase::Waiting);
        self.above = above;
        port.say(DecreeSaid::Preempted { above });
        port.wake(DecreeTimer::Attempt, Pause::Backoff);
    }

    /// Ends a phase without a next one: nothing more is asked for, and what is in flight stays.
    fn leave(&mut self, phase: Phase) {
        self.phase = phase;
        self.epoch += 1;
        self.best = None;
        #[cfg(feature = "planted-bugs")]
        {
            self.extra = planted::Extra::NONE;
        }
        self.written = 0;
        self.complete = 0;
        for store in self.config.stores() {
            let link = &mut self.links[store.index()];
            link.seen = 0;
            link.waiting = false;
        }
    }

    fn complete_store(&mut self, store: StoreId, port: &mut impl Port<Self>) {
        #[cfg(feature = "planted-bugs")]
        if self.has(Bug::CountsTwice) && self.complete & store.bit() != 0 {
            self.extra.again = self.extra.again.saturating_add(1);
        }
        self.complete |= store.bit();
        #[cfg(feature = "planted-bugs")]
        if self.counts_apart() && !self.has_quorum(self.written) {
            return;
        }
        if !self.has_quorum(self.complete) {
            return;
        }
        match self.phase {
            Phase::One => self.end_phase_one(port),
            Phase::Two => self.end_phase_two(port),
            Phase::Waiting | Phase::Recovering | Phase::Decided => {}
        }
    }

    fn has_quorum(&self, stores: u16) -> bool {
        let short = u32::from(self.has(Bug::QuorumOneShort));
        #[cfg(feature = "planted-bugs")]
        let short = short + u32::from(self.extra.again);
        stores.count_ones() + short >= u32::from(self.config.envelope.quorum())
    }

    // `EndPhase1(p)`: the value of the greatest vote seen, or the own input if there is none.
    fn end_phase_one(&mut self, port: &mut impl Port<Self>) {
        let Some(bal) = self.block.mbal else {
            unreachable!("phase 1 starts with a ballot");
        };
        let lags = self.has(Bug::SharesBallots) || self.has(Bug::RecoversBelow);
        assert!(
            self.best.is_none_or(|vote| vote.bal < bal) || self.has(Bug::NoAbortInPhase1) || lags,
            "{:?} in {bal:?}",
            self.best
        );
        let mut inp = self.best.map_or(self.config.input, |vote| vote.inp);
        if self.has(Bug::OwnInput) {
            inp = self.config.input;
        }
        #[cfg(feature = "planted-bugs")]
        let early = self.ends_early();
        self.best = None;
        self.block.vote = Some(Vote { bal, inp });
        #[cfg(feature = "planted-bugs")]
        if early {
            self.end_phase_two(port);
            return;
        }
        self.phase = Phase::Two;
        self.begin_phase(port);
    }

    // `EndPhase2(p)`.
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

    // `Phase0Read(p, d)`, and later the opening of a store that recovery did not wait for.
    fn on_own_read(
        &mut self,
        store: StoreId,
        epoch: u32,
        block: Block,
        version: Version,
        port: &mut impl Port<Self>,
    ) {
        let link = &mut self.links[store.index()];
        if link.epoch == 0 {
            // Nothing is written there yet, so the newest answer counts: an earlier one may have
            // been unreadable, and a dual block's next slot must be the other one.
            link.open = true;
            link.version = version;
            if link.waiting {
                self.write(store, port);
            }
        }
        if self.phase != Phase::Recovering || epoch != self.epoch {
            return;
        }
        // Greatest bal and greatest mbal are kept apart: with storage faults two own blocks may
        // carry one each.
        self.block.mbal = if self.has(Bug::RecoversBelow) {
            reach(block)
        } else {
            self.block.mbal.max(reach(block))
        };
        self.best = self.best.max(block.vote);
        self.complete |= store.bit();
        if self.has_quorum(self.complete) || self.has(Bug::RecoversFromOne) {
            self.end_recovery(port);
        }
    }

    // `EndPhase0(p)`, up to the choice of the ballot.
    fn end_recovery(&mut self, port: &mut impl Port<Self>) {
        let above = self.block.mbal;
        self.block.vote = if self.has(Bug::RecoversWithoutVote) {
            None
        } else {
            self.best
        };
        self.leave(Phase::Waiting);
        self.above = above;
        port.say(DecreeSaid::Recovered { above });
        port.wake(DecreeTimer::Attempt, Pause::NONE);
    }

    const fn is_balloting(&self) -> bool {
        matches!(self.phase, Phase::One | Phase::Two)
    }

    /// The stores on which the current phase's block is known to be written, as a bit set.
    pub const fn written(&self) -> u16 {
        self.written
    }

    /// The agents whose block this phase has read on `store`, as a bit set.
    pub const fn seen(&self, store: StoreId) -> u128 {
        self.links[store.index()].seen
    }

    /// The own write on `store` whose answer is still out, if there is one. Blocks that are
    /// overwritten in place keep every further write to that store waiting.
    pub fn unanswered(&self, store: StoreId) -> Option<BlockTag> {
        self.links[store.index()].silent_write()
    }

    #[inline]
    fn has(&self, bug: Bug) -> bool {
        has(&self.config, bug)
    }
}

impl SingleDecree for DiskPaxos {
    #[inline]
    fn config(&self) -> &Config {
        &self.config
    }

    #[inline]
    fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    #[inline]
    fn phase(&self) -> Phase {
        self.phase
    }

    #[inline]
    fn block(&self) -> Block {
        self.block
    }

    #[inline]
    fn epoch(&self) -> u32 {
        self.epoch
    }

    fn decision(&self) -> Option<Value> {
        let vote = self.block.vote.filter(|_| self.phase == Phase::Decided);
        vote.map(|vote| vote.inp)
    }
}

/// The greatest ballot a block speaks of: its `mbal`, unless the block is a torn raw one whose
/// `bal` is newer. Its owner has then been in that ballot too.
pub(crate) fn reach(block: Block) -> Option<Ballot> {
    match (block.mbal, block.vote) {
        (Some(mbal), Some(vote)) if mbal < vote.bal => Some(vote.bal),
        (None, Some(vote)) => Some(vote.bal),
        (mbal, _) => mbal,
    }
}
