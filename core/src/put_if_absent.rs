//! One agent of put-if-absent: whoever writes a store's record first has it for ever.

use core::{
    convert::Infallible,
    hash::{Hash, Hasher},
};

use crate::{
    Agent, Ballot, Block, BlockOp, BlockReply, BlockTag, Config, DecreeSaid, DecreeTimer,
    DiskPaxos, Event, Explored, Incarnation, MAX_STORES, Pause, Phase, Port, RECORD, Renaming,
    SingleDecree, StoreId, Value, Version, Vote, acceptor_records::after,
};

#[cfg(feature = "planted-bugs")]
use crate::bug::{Bug, has};
#[cfg(not(feature = "planted-bugs"))]
use crate::no_bug::{Bug, has};

/// Tries that are told apart. All of them write the same, so that later ones may share a number.
const ATTEMPT_MAX: u8 = 7;

/// What an agent knows of one store.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
enum Link {
    /// Nothing was asked.
    #[default]
    Idle,
    /// The own value is on its way there, in this attempt.
    Claiming(u8),
    /// Something may stand there, and is read back. So many writes were asked for.
    Reading(u8),
    /// This value stands there.
    Held(Value),
}

/// One agent of put-if-absent, single decree.
///
/// It writes its value wherever nothing stands yet, reads what stands where it was refused, and
/// decides the value that stands on a quorum of stores. On one store that is decided after at most
/// two own operations, whatever the others do (Herlihy 1991): no schedule can hold it up. On several
/// stores the price is paid otherwise: rivals may split the stores so that no value can ever reach a
/// quorum, and then nobody decides. It has no second attempt, since nothing that stands is ever
/// replaced.
///
/// Its ballot orders nothing; it says in the record who put the value there. Started again it just starts: what its
/// dead life put stands like anyone's, what that has in flight lands where nothing stands or nowhere.
///
/// ```
/// use bivalent_core::*;
///
/// let envelope = Envelope::majority(1)?;
/// let config = Config::new(AgentId(0), 2, envelope, Overwrite::InPlace, Value(7));
/// let (mut agent, _) = PutIfAbsent::begin(&config, Incarnation(0));
/// let put = agent.step(DecreeEvent::Woke(DecreeTimer::Attempt));
/// let [Want::Ask { store, tag, op: BlockOp::Swap { .. }, .. }] = put[..] else { panic!() };
/// let decided = agent.step(DecreeEvent::Replied(store, tag, BlockReply::Written));
/// assert_eq!(decided, [Want::Say(DecreeSaid::Decided(Value(7)))]);
/// # Ok::<(), EnvelopeError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PutIfAbsent {
    config: Config,
    incarnation: Incarnation,
    /// Waiting, phase 1, or decided.
    phase: Phase,
    /// What it puts where nothing stands; once decided, the vote's value is the decision.
    block: Block,
    epoch: u32,
    links: [Link; MAX_STORES],
}

impl Agent for PutIfAbsent {
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
            Event::Replied(store, tag, reply) => self.on_reply(store, tag, reply, port),
            Event::Woke(DecreeTimer::Attempt) => self.on_attempt(port),
            Event::TimedOut(store, tag) | Event::Woke(DecreeTimer::Retry(store, tag)) => {
                if self.awaits(store, tag) {
                    match tag {
                        BlockTag::Read { .. } => self.ask(store, port),
                        BlockTag::Write { attempt, .. } => self.read_back(store, attempt + 1, port),
                    }
                }
            }
            Event::Asked(_, never) => match never {},
            Event::Withdrawn(_) => {}
        }
    }
}

impl PutIfAbsent {
    fn new(config: Config, incarnation: Incarnation) -> Self {
        Self {
            config,
            incarnation,
            phase: Phase::Waiting,
            block: Block::default(),
            epoch: 0,
            links: [Link::Idle; MAX_STORES],
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
            (BlockTag::Write { epoch, .. }, BlockReply::Written) => {
                // Any of its writes: they all put the same value there.
                if epoch == self.epoch && self.phase == Phase::One {
                    self.hold(store, self.config.input, port);
                }
            }
            (BlockTag::Write { attempt, .. }, BlockReply::Refused) => {
                if self.awaits(store, tag) {
                    if self.has(Bug::CountsRefusals) {
                        self.hold(store, self.config.input, port);
                    } else {
                        self.read_back(store, attempt + 1, port);
                    }
                }
            }
            (BlockTag::Read { .. }, BlockReply::Block { block, .. }) => {
                if self.awaits(store, tag) {
                    match block.vote {
                        Some(vote) => self.hold(store, vote.inp, port),
                        // The write never got there, or the store has forgotten.
                        None => self.claim(store, port),
                    }
                }
            }
            (BlockTag::Read { .. }, BlockReply::Unreadable) => {
                if self.awaits(store, tag) {
                    port.wake(DecreeTimer::Retry(store, tag), Pause::Patience);
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
        if let Some(ballot) = port.ballot(self.block.mbal) {
            self.start_ballot(ballot, port);
        }
    }

    fn start_ballot(&mut self, ballot: Ballot, port: &mut impl Port<Self>) {
        assert!(
            ballot.agent() == self.config.me && ballot.incarnation() == self.incarnation,
            "{ballot:?} is not a ballot of {:?}",
            self.config.me
        );
        let inp = self.config.input;
        self.block = Block {
            mbal: Some(ballot),
            vote: Some(Vote { bal: ballot, inp }),
        };
        self.phase = Phase::One;
        self.epoch += 1;
        for store in self.config.stores() {
            self.claim(store, port);
        }
    }

    /// Puts the own value on a store, if nothing stands there.
    fn claim(&mut self, store: StoreId, port: &mut impl Port<Self>) {
        let link = &mut self.links[store.index()];
        let attempt = match *link {
            Link::Idle | Link::Claiming(_) | Link::Held(_) => 0,
            Link::Reading(writes) => writes.min(ATTEMPT_MAX),
        };
        *link = Link::Claiming(attempt);
        let epoch = self.epoch;
        let swap = BlockOp::Swap {
            expect: Version::default(),
            version: after(Version::default()),
            block: self.block,
        };
        port.ask(store, BlockTag::Write { epoch, attempt }, attempt, swap);
    }

    fn read_back(&mut self, store: StoreId, writes: u8, port: &mut impl Port<Self>) {
        self.links[store.index()] = Link::Reading(writes);
        self.ask(store, port);
    }

    fn ask(&self, store: StoreId, port: &mut impl Port<Self>) {
        let (owner, epoch) = (RECORD, self.epoch);
        let tag = BlockTag::Read { owner, epoch };
        port.ask(store, tag, 0, BlockOp::Read { owner });
    }

    /// A value stands on a store, and always will.
    fn hold(&mut self, store: StoreId, value: Value, port: &mut impl Port<Self>) {
        let link = &mut self.links[store.index()];
        if matches!(link, Link::Held(_)) {
            return;
        }
        *link = Link::Held(value);
        let short = u32::from(self.has(Bug::QuorumOneShort));
        if self.holding(value) + short < u32::from(self.config.envelope.quorum()) {
            return;
        }
        let Some(vote) = &mut self.block.vote else {
            unreachable!("a started agent has a value");
        };
        vote.inp = value;
        self.phase = Phase::Decided;
        self.epoch += 1;
        self.links = [Link::Idle; MAX_STORES];
        let value = if self.has(Bug::InventsValue) {
            Value(u64::MAX)
        } else {
            value
        };
        port.say(DecreeSaid::Decided(value));
    }

    /// On how many stores a value is known to stand.
    fn holding(&self, value: Value) -> u32 {
        let holds = |link: &&Link| **link == Link::Held(value);
        self.links.iter().filter(holds).count() as u32
    }

    /// Whether the stores are split so that no value can reach a quorum any more, as far as this
    /// agent knows: it will then never decide.
    pub fn is_split(&self) -> bool {
        let known = |link: &Link| match *link {
            Link::Held(value) => Some(value),
            Link::Idle | Link::Claiming(_) | Link::Reading(_) => None,
        };
        let values = self.links.iter().filter_map(known);
        let most = values.clone().map(|value| self.holding(value)).max();
        let open = u32::from(self.config.envelope.stores()) - values.count() as u32;
        let quorum = u32::from(self.config.envelope.quorum());
        self.phase == Phase::One && most.unwrap_or(0) + open < quorum
    }

    fn has(&self, bug: Bug) -> bool {
        has(&self.config, bug)
    }
}

/// It is waiting, in phase 1, or decided. Its epoch is 0 before its attempt, 1 until it has decided.
impl SingleDecree for PutIfAbsent {
    fn config(&self) -> &Config {
        &self.config
    }

    fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    fn phase(&self) -> Phase {
        self.phase
    }

    /// What it puts where nothing stands; once decided, the vote's value is the decision.
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

/// Renaming leaves everything that only grows or no longer matters in one spelling. The epoch is then
/// [`DiskPaxos::CURRENT`] and a write that is waited for has attempt 0; operations in flight must be renamed with it.
/// Of a decided agent only the value is left. Holds for runners that answer each operation at most once and never
/// time out.
impl Explored for PutIfAbsent {
    fn awaits(&self, store: StoreId, tag: BlockTag) -> bool {
        match tag {
            BlockTag::Read { owner, epoch } => {
                let reading = matches!(self.links[store.index()], Link::Reading(_));
                owner == RECORD && epoch == self.epoch && reading
            }
            BlockTag::Write { epoch, attempt } => {
                epoch == self.epoch && self.links[store.index()] == Link::Claiming(attempt)
            }
        }
    }

    fn ballots(&self, each: &mut impl FnMut(Ballot)) {
        if self.phase != Phase::Decided {
            self.block.ballots(each);
        }
    }

    fn renamed(&self, names: &impl Renaming) -> Self {
        let mut config = self.config;
        config.me = names.agent(config.me);
        let mut same = Self::new(config, self.incarnation);
        same.phase = self.phase;
        same.epoch = DiskPaxos::CURRENT;
        if let Some(inp) = self.decision() {
            let bal = Ballot::new(1, config.me, Incarnation(0));
            same.block.vote = Some(Vote { bal, inp });
            return same;
        }
        same.block = self.block.renamed(names);
        for (link, old) in same.links.iter_mut().zip(&self.links) {
            *link = match *old {
                Link::Idle => Link::Idle,
                Link::Claiming(_) => Link::Claiming(0),
                Link::Reading(_) => Link::Reading(1),
                Link::Held(value) => Link::Held(value),
            };
        }
        same
    }
}

/// As derived, but for the links of stores that do not exist: those never differ.
impl Hash for PutIfAbsent {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let stores = self.config.envelope.stores() as usize;
        (self.config, self.incarnation).hash(state);
        (self.phase, self.block, self.epoch).hash(state);
        self.links[..stores].hash(state);
    }
}
