//! One agent of Disk Paxos: the phases and the steps between them (Gafni and Lamport 2003, section 3).

use alloc::vec::Vec;

use crate::{
    AgentId, Ballot, Block, Config, Effect, Incarnation, Input, MAX_STORES, Operation, Overwrite,
    Sink, StoreId, Value, Version, Vote, link::Link,
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
    /// Between two attempts: a ballot was asked for. The paper fuses this with the next start.
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
/// It owns no clock, no dice and no wire. It learns through [`Input`], acts through [`Effect`], and
/// given the same inputs it takes the same steps.
///
/// ```
/// use bivalent_core::*;
///
/// // One agent, one store, nobody to synchronise with: two writes and it is decided.
/// let envelope = Envelope::majority(1)?;
/// let config = Config::new(AgentId(0), 1, envelope, Overwrite::InPlace, Value(7));
/// let mut agent = DiskPaxos::new(config);
/// let ballot = Ballot::above(None, AgentId(0), Incarnation(0));
/// let mut waiting = agent.step(Input::Start { ballot });
/// while let [Effect::Write { store, epoch, attempt, .. }] = waiting[..] {
///     waiting = agent.step(Input::Wrote { store, epoch, attempt });
/// }
/// assert_eq!(waiting, [Effect::Decide(Value(7))]);
/// # Ok::<(), EnvelopeError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DiskPaxos {
    config: Config,
    phase: Phase,
    /// `dblock`: what this agent's blocks say, or will once written.
    block: Block,
    /// Recovering and phase 1: the greatest vote met so far, the own one included. Cleared else,
    /// so that a state has one spelling.
    best: Option<Vote>,
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

impl DiskPaxos {
    /// An agent that has never run before; it waits for [`Input::Start`] with its first ballot.
    pub const fn new(config: Config) -> Self {
        Self {
            config,
            phase: Phase::Waiting,
            block: Block {
                mbal: None,
                vote: None,
            },
            best: None,
            epoch: 0,
            written: 0,
            complete: 0,
            links: [Link::FRESH; MAX_STORES],
            #[cfg(feature = "planted-bugs")]
            extra: planted::Extra::NONE,
        }
    }

    /// An agent that ran before, or may have: it has forgotten everything, and first reads its own
    /// blocks. `config` carries its new incarnation.
    ///
    /// With blocks that are overwritten in place this is safe only once nothing of the dead
    /// incarnation can land any more; with versioned blocks it is safe at any time. Either way the
    /// driver drops answers to the dead incarnation's requests: epochs begin anew.
    pub fn recover(config: Config, out: &mut impl Sink) -> Self {
        let mut agent = Self::new(config);
        #[cfg(feature = "planted-bugs")]
        if agent.has(Bug::RestartsFromNothing) {
            out.push(Effect::Abort { above: None });
            return agent;
        }
        agent.phase = Phase::Recovering;
        agent.epoch = 1;
        agent.links = [Link::CLOSED; MAX_STORES];
        for store in config.stores() {
            out.push(Effect::Read {
                store,
                owner: config.me,
                epoch: agent.epoch,
            });
        }
        agent
    }

    /// Takes one step, leaving its effects in `out`.
    #[inline]
    pub fn on(&mut self, input: Input, out: &mut impl Sink) {
        #[cfg(feature = "planted-bugs")]
        let had_decided = self.phase == Phase::Decided;
        match input {
            Input::Read {
                store,
                owner,
                epoch,
                block,
                version,
            } => {
                if owner == self.config.me {
                    self.on_own_read(store, epoch, block, version, out);
                } else {
                    self.on_read(store, owner, epoch, block, out);
                }
            }
            Input::Wrote {
                store,
                epoch,
                attempt,
            } => self.on_wrote(store, epoch, attempt, out),
            Input::Start { ballot } => self.on_start(ballot, out),
            Input::Unreadable {
                store,
                owner,
                epoch,
            } => {
                self.on_unreadable(store, owner, epoch, out);
            }
            Input::TimedOut { operation } => self.on_timed_out(operation, out),
            // None of its writes has a condition.
            Input::Refused { .. } => {}
        }
        #[cfg(feature = "planted-bugs")]
        if had_decided {
            self.change_decision(input, out);
        }
    }

    /// Takes one step and returns its effects: [`DiskPaxos::on`] for tests and readers.
    pub fn step(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.on(input, &mut |effect| effects.push(effect));
        effects
    }

    // `StartBallot(p, b)`: bal and inp are kept.
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
        self.best = self.block.vote;
        #[cfg(feature = "planted-bugs")]
        self.begin_phase_one();
        self.phase = Phase::One;
        self.begin_phase(out);
    }

    fn begin_phase(&mut self, out: &mut impl Sink) {
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
            self.write(store, out);
        }
        #[cfg(feature = "planted-bugs")]
        if self.has(Bug::CountsApart) || self.reads_first() {
            self.read_all(out);
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
    fn write(&mut self, store: StoreId, out: &mut impl Sink) {
        let link = &mut self.links[store.index()];
        let overtakes = self.config.overwrite == Overwrite::InPlace && link.unanswered != 0;
        if !link.open || (overtakes && !has(&self.config, Bug::OvertakesWrite)) {
            link.waiting = true;
            return;
        }
        let version = link.begin_write(self.epoch, self.config.incarnation);
        let (epoch, block) = (self.epoch, self.block);
        out.push(Effect::Write {
            store,
            epoch,
            attempt: 0,
            version,
            block,
        });
    }

    fn on_wrote(&mut self, store: StoreId, epoch: u32, attempt: u8, out: &mut impl Sink) {
        #[cfg(feature = "planted-bugs")]
        let store = self.booked_on(store, epoch);
        let link = &mut self.links[store.index()];
        if !link.answered(epoch, attempt) {
            return;
        }
        if link.waiting && link.unanswered == 0 {
            self.write(store, out);
        }
        let current = epoch == self.epoch || self.has(Bug::CountsOldAnswers);
        if !current || !self.is_balloting() || self.written & store.bit() != 0 {
            return;
        }
        self.written |= store.bit();
        #[cfg(feature = "planted-bugs")]
        if self.counts_apart() {
            self.wrote_apart(out);
            return;
        }
        #[cfg(feature = "planted-bugs")]
        if self.reads_first() {
            self.complete_store(store, out);
            return;
        }
        // `Phase1or2Read(p, d, q)` is enabled only now: read after write is what makes two rivals
        // meet (the flag principle).
        let epoch = self.epoch;
        for owner in self.config.other_ids() {
            out.push(Effect::Read {
                store,
                owner,
                epoch,
            });
        }
        let skips = self.phase == Phase::Two && self.has(Bug::NoReread);
        if self.links[store.index()].seen == self.config.others() || skips {
            self.complete_store(store, out);
        }
    }

    #[inline]
    fn on_read(
        &mut self,
        store: StoreId,
        owner: AgentId,
        epoch: u32,
        block: Block,
        out: &mut impl Sink,
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
            self.abort(reach, out);
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
                self.write(store, out);
                return;
            }
            self.complete_store(store, out);
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

    fn abort(&mut self, above: Option<Ballot>, out: &mut impl Sink) {
        self.leave(Phase::Waiting);
        out.push(Effect::Abort { above });
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

    fn complete_store(&mut self, store: StoreId, out: &mut impl Sink) {
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
            Phase::One => self.end_phase_one(out),
            Phase::Two => self.end_phase_two(out),
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
    fn end_phase_one(&mut self, out: &mut impl Sink) {
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
            self.end_phase_two(out);
            return;
        }
        self.phase = Phase::Two;
        self.begin_phase(out);
    }

    // `EndPhase2(p)`.
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

    // `Phase0Read(p, d)`, and later the opening of a store that recovery did not wait for.
    fn on_own_read(
        &mut self,
        store: StoreId,
        epoch: u32,
        block: Block,
        version: Version,
        out: &mut impl Sink,
    ) {
        let link = &mut self.links[store.index()];
        if link.epoch == 0 {
            // Nothing is written there yet, so the newest answer counts: an earlier one may have
            // been unreadable, and a dual block's next slot must be the other one.
            link.open = true;
            link.version = version;
            if link.waiting {
                self.write(store, out);
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
            self.end_recovery(out);
        }
    }

    // `EndPhase0(p)`, up to the choice of the ballot.
    fn end_recovery(&mut self, out: &mut impl Sink) {
        let floor = self.block.mbal;
        self.block.vote = if self.has(Bug::RecoversWithoutVote) {
            None
        } else {
            self.best
        };
        self.abort(floor, out);
    }

    const fn is_balloting(&self) -> bool {
        matches!(self.phase, Phase::One | Phase::Two)
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

    /// Where it stands.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Its block in memory, `dblock`.
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
    pub fn unanswered(&self, store: StoreId) -> Option<Operation> {
        self.links[store.index()].silent_write(store)
    }

    #[inline]
    fn has(&self, bug: Bug) -> bool {
        has(&self.config, bug)
    }
}

/// The greatest ballot a block speaks of: its `mbal`, unless the block is a torn raw one whose
/// `bal` is newer. Its owner has then been in that ballot too.
pub(crate) fn reach(block: Block) -> Option<Ballot> {
    block.mbal.max(block.vote.map(|vote| vote.bal))
}
