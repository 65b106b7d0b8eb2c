//! One agent of put-if-absent: whoever writes a store's record first has it for ever.

use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

use crate::{
    AgentId, Ballot, Block, Config, DiskPaxos, Effect, Incarnation, Input, MAX_STORES, Operation,
    Phase, RECORD, Renaming, Sink, StoreId, Value, Version, Vote, acceptor_records::after,
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
/// Its ballot orders nothing; it says in the record who put the value there.
///
/// ```
/// use bivalent_core::*;
///
/// let envelope = Envelope::majority(1)?;
/// let config = Config::new(AgentId(0), 2, envelope, Overwrite::InPlace, Value(7));
/// let mut agent = PutIfAbsent::new(config);
/// let ballot = Ballot::above(None, AgentId(0), Incarnation(0));
/// let put = agent.step(Input::Start { ballot });
/// let [Effect::WriteIf { store, epoch, attempt, .. }] = put[..] else { panic!() };
/// let decided = agent.step(Input::Wrote { store, epoch, attempt });
/// assert_eq!(decided, [Effect::Decide(Value(7))]);
/// # Ok::<(), EnvelopeError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PutIfAbsent {
    config: Config,
    /// Waiting, phase 1, or decided.
    phase: Phase,
    /// What it puts where nothing stands; once decided, the vote's value is the decision.
    block: Block,
    epoch: u32,
    links: [Link; MAX_STORES],
}

impl PutIfAbsent {
    /// An agent that has never run before; it waits for [`Input::Start`] with its one ballot.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            phase: Phase::Waiting,
            block: Block::default(),
            epoch: 0,
            links: [Link::Idle; MAX_STORES],
        }
    }

    /// An agent that ran before, or may have: it just starts. What its dead incarnation put stands
    /// like anyone's, what it has in flight lands where nothing stands or nowhere.
    pub fn recover(config: Config, out: &mut impl Sink) -> Self {
        out.push(Effect::Abort { above: None });
        Self::new(config)
    }

    /// Takes one step, leaving its effects in `out`.
    pub fn on(&mut self, input: Input, out: &mut impl Sink) {
        match input {
            Input::Start { ballot } => self.on_start(ballot, out),
            Input::Wrote { store, epoch, .. } => {
                // Any of its writes: they all put the same value there.
                if epoch == self.epoch && self.phase == Phase::One {
                    self.hold(store, self.config.input, out);
                }
            }
            Input::Refused {
                store,
                epoch,
                attempt,
            } => {
                let operation = Operation::Write {
                    store,
                    epoch,
                    attempt,
                };
                if self.awaits(operation) {
                    if self.has(Bug::CountsRefusals) {
                        self.hold(store, self.config.input, out);
                    } else {
                        self.read_back(store, attempt + 1, out);
                    }
                }
            }
            Input::Read {
                store,
                owner,
                epoch,
                block,
                ..
            } => {
                let operation = Operation::Read {
                    store,
                    owner,
                    epoch,
                };
                if self.awaits(operation) {
                    match block.vote {
                        Some(vote) => self.hold(store, vote.inp, out),
                        // The write never got there, or the store has forgotten.
                        None => self.claim(store, out),
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
                if self.awaits(operation) {
                    out.push(Effect::Retry { operation });
                }
            }
            Input::TimedOut { operation } => {
                if self.awaits(operation) {
                    match operation {
                        Operation::Read { store, .. } => self.ask(store, out),
                        Operation::Write { store, attempt, .. } => {
                            self.read_back(store, attempt + 1, out);
                        }
                    }
                }
            }
        }
    }

    /// Takes one step and returns its effects: [`PutIfAbsent::on`] for tests and readers.
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
            ballot.agent() == self.config.me && ballot.incarnation() == self.config.incarnation,
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
            self.claim(store, out);
        }
    }

    /// Puts the own value on a store, if nothing stands there.
    fn claim(&mut self, store: StoreId, out: &mut impl Sink) {
        let link = &mut self.links[store.index()];
        let attempt = match *link {
            Link::Idle | Link::Claiming(_) | Link::Held(_) => 0,
            Link::Reading(writes) => writes.min(ATTEMPT_MAX),
        };
        *link = Link::Claiming(attempt);
        out.push(Effect::WriteIf {
            store,
            epoch: self.epoch,
            attempt,
            expect: Version::default(),
            version: after(Version::default()),
            block: self.block,
        });
    }

    fn read_back(&mut self, store: StoreId, writes: u8, out: &mut impl Sink) {
        self.links[store.index()] = Link::Reading(writes);
        self.ask(store, out);
    }

    fn ask(&self, store: StoreId, out: &mut impl Sink) {
        out.push(Effect::Read {
            store,
            owner: RECORD,
            epoch: self.epoch,
        });
    }

    /// A value stands on a store, and always will.
    fn hold(&mut self, store: StoreId, value: Value, out: &mut impl Sink) {
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
        out.push(Effect::Decide(value));
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

    /// Whether an answer to this operation could still change anything.
    pub fn awaits(&self, operation: Operation) -> bool {
        match operation {
            Operation::Read {
                store,
                owner,
                epoch,
            } => {
                let reading = matches!(self.links[store.index()], Link::Reading(_));
                owner == RECORD && epoch == self.epoch && reading
            }
            Operation::Write {
                store,
                epoch,
                attempt,
            } => epoch == self.epoch && self.links[store.index()] == Link::Claiming(attempt),
        }
    }

    /// Who this is.
    pub const fn id(&self) -> AgentId {
        self.config.me
    }

    /// Which start of it this is.
    pub const fn incarnation(&self) -> Incarnation {
        self.config.incarnation
    }

    /// What it puts where nothing stands.
    pub const fn input(&self) -> Value {
        self.config.input
    }

    /// Where it stands: waiting, phase 1, or decided.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// What it puts where nothing stands; once decided, the vote's value is the decision.
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

    /// 0 before its start, 1 until it has decided; answers that carry another are stale.
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Says every ballot in its state.
    pub fn ballots(&self, each: &mut impl FnMut(Ballot)) {
        if self.phase != Phase::Decided {
            self.block.ballots(each);
        }
    }

    /// The same state renamed, with everything that only grows or no longer matters in one spelling.
    ///
    /// The epoch is then [`DiskPaxos::CURRENT`] and a write that is waited for has attempt 0; operations
    /// in flight must be renamed with it. Of a decided agent only the value is left. Holds for drivers
    /// that answer each operation at most once and never time out.
    #[must_use]
    pub fn renamed(&self, names: &impl Renaming) -> Self {
        let mut config = self.config;
        config.me = names.agent(config.me);
        let mut same = Self::new(config);
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

    fn has(&self, bug: Bug) -> bool {
        has(&self.config, bug)
    }
}

/// As derived, but for the links of stores that do not exist: those never differ.
impl Hash for PutIfAbsent {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let stores = self.config.envelope.stores() as usize;
        self.config.hash(state);
        (self.phase, self.block, self.epoch).hash(state);
        self.links[..stores].hash(state);
    }
}
