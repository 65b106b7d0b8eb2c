//! A system of a few agents and stores with conditional writes, stepped one operation at a time.

#[cfg(feature = "planted-bugs")]
use bivalent_core::Bug;
use bivalent_core::{
    AcceptorRecords, AgentId, Ballot, Block, BlockOp, BlockReply, BlockTag, Config, DecreeEvent,
    DecreeSaid, DecreeTimer, DecreeWant, Envelope, Explored, Incarnation, Overwrite, Pause, Phase,
    PutIfAbsent, RECORD, SingleDecree, StoreId, Value, Version, Want,
};

/// Which of the two protocols runs.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Protocol {
    Records,
    Claims,
}

/// How large a system is and what may befall it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Setup {
    pub(crate) protocol: Protocol,
    pub(crate) agents: u16,
    pub(crate) stores: u8,
    /// How many answers may get lost.
    pub(crate) lost: u8,
    /// How many operations may be given up while they are still on their way.
    pub(crate) late: u8,
    /// How many crashes there may be.
    pub(crate) crashes: u8,
    /// How many reads may return no block.
    pub(crate) unreadable: u8,
    #[cfg(feature = "planted-bugs")]
    pub(crate) bug: Option<Bug>,
}

impl Setup {
    pub(crate) const fn new(protocol: Protocol, agents: u16, stores: u8) -> Self {
        Self {
            protocol,
            agents,
            stores,
            lost: 0,
            late: 0,
            crashes: 0,
            unreadable: 0,
            #[cfg(feature = "planted-bugs")]
            bug: None,
        }
    }

    /// The value depends on the incarnation: an input may differ after a restart.
    fn config(self, me: AgentId, incarnation: Incarnation) -> Config {
        let input = Value(100 * (u64::from(me.0) + 1) + incarnation.0);
        let envelope = Envelope::majority(self.stores).unwrap();
        let config = Config::new(me, self.agents, envelope, Overwrite::InPlace, input);
        #[cfg(feature = "planted-bugs")]
        let config = config.with_bug(self.bug);
        config
    }
}

/// An agent of either protocol.
#[expect(
    clippy::large_enum_variant,
    reason = "a system has agents of one kind only"
)]
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Member {
    Record(AcceptorRecords),
    Claim(PutIfAbsent),
}

/// Calls the same method of whichever agent it is.
macro_rules! each {
    ($member:expr, $agent:ident => $call:expr) => {
        match $member {
            Member::Record($agent) => $call,
            Member::Claim($agent) => $call,
        }
    };
}

impl Member {
    fn begin(protocol: Protocol, config: &Config, start: Incarnation) -> (Self, Vec<DecreeWant>) {
        match protocol {
            Protocol::Records => {
                let (agent, wants) = AcceptorRecords::begin(config, start);
                (Self::Record(agent), wants)
            }
            Protocol::Claims => {
                let (agent, wants) = PutIfAbsent::begin(config, start);
                (Self::Claim(agent), wants)
            }
        }
    }

    fn step(&mut self, event: DecreeEvent) -> Vec<DecreeWant> {
        each!(self, agent => agent.step(event))
    }

    fn attempt(&mut self, ballot: Ballot) -> Vec<DecreeWant> {
        each!(self, agent => agent.attempt(ballot))
    }

    pub(crate) fn block(&self) -> Block {
        each!(self, agent => agent.block())
    }

    pub(crate) fn phase(&self) -> Phase {
        each!(self, agent => agent.phase())
    }

    pub(crate) fn decision(&self) -> Option<Value> {
        each!(self, agent => agent.decision())
    }

    fn input(&self) -> Value {
        each!(self, agent => agent.input())
    }

    fn incarnation(&self) -> Incarnation {
        each!(self, agent => agent.incarnation())
    }

    fn awaits(&self, store: StoreId, tag: BlockTag) -> bool {
        each!(self, agent => agent.awaits(store, tag))
    }
}

/// Something on its way.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Flight {
    Start {
        above: Option<Ballot>,
    },
    Read {
        store: u8,
        epoch: u32,
    },
    Write {
        store: u8,
        epoch: u32,
        attempt: u8,
        expect: Version,
        version: Version,
        mbal: Option<Ballot>,
        vote: Option<bivalent_core::Vote>,
        /// Nobody is left to be told.
        orphan: bool,
    },
}

/// How an operation on its way turns out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    /// It takes effect and is answered.
    Answered,
    /// It takes effect and the answer is lost.
    Lost,
    /// It stays on its way and its agent gives it up.
    Late,
    /// A read returns no block.
    Unreadable,
}

/// What a state breaks.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Broken {
    /// Two decisions differ.
    Agreement,
    /// A decision that nobody proposed.
    Validity,
    /// A record's promise fell.
    Promise,
    /// A record's vote is above its promise.
    Vote,
    /// Two values in one ballot.
    TwoValues,
    /// A value replaced another for good.
    Claim,
}

/// All agents and stores, and all that is on its way.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct System {
    pub(crate) setup: Setup,
    pub(crate) members: Vec<Member>,
    pub(crate) records: Vec<(Block, Version)>,
    pub(crate) flights: Vec<(AgentId, Flight)>,
    /// By agent: operations asked for since its last start.
    pub(crate) asked: Vec<u32>,
    pub(crate) decisions: Vec<Value>,
    proposed: Vec<Value>,
    broken: Option<Broken>,
}

impl System {
    pub(crate) fn new(setup: Setup) -> Self {
        let ids = (0..setup.agents).map(AgentId);
        let config = |me| setup.config(me, Incarnation(0));
        let members: Vec<Member> = ids
            .clone()
            .map(|me| Member::begin(setup.protocol, &config(me), Incarnation(0)).0)
            .collect();
        Self {
            setup,
            proposed: members.iter().map(Member::input).collect(),
            asked: vec![0; members.len()],
            members,
            records: vec![<(Block, Version)>::default(); usize::from(setup.stores)],
            flights: ids.map(|me| (me, Flight::Start { above: None })).collect(),
            decisions: Vec::new(),
            broken: None,
        }
    }

    /// What may become of the `at`-th thing on its way.
    pub(crate) fn fates(&self, at: usize) -> impl Iterator<Item = Fate> {
        let setup = self.setup;
        let (lost, late, unreadable) = match self.flights[at].1 {
            Flight::Start { .. } | Flight::Write { orphan: true, .. } => (false, false, false),
            Flight::Read { .. } => (setup.lost > 0, setup.late > 0, setup.unreadable > 0),
            Flight::Write { .. } => (setup.lost > 0, setup.late > 0, false),
        };
        let odd = [
            (Fate::Lost, lost),
            (Fate::Late, late),
            (Fate::Unreadable, unreadable),
        ];
        let odd = odd.into_iter().filter(|(_, may)| *may);
        std::iter::once(Fate::Answered).chain(odd.map(|(fate, _)| fate))
    }

    /// Lets the `at`-th thing happen.
    pub(crate) fn take(&mut self, at: usize, fate: Fate) {
        let (me, flight) = self.flights[at];
        if fate != Fate::Late {
            self.flights.remove(at);
        }
        let budget = match fate {
            Fate::Answered => None,
            Fate::Lost => Some(&mut self.setup.lost),
            Fate::Late => Some(&mut self.setup.late),
            Fate::Unreadable => Some(&mut self.setup.unreadable),
        };
        if let Some(budget) = budget {
            *budget -= 1;
        }
        let member = &mut self.members[me.index()];
        let wants = match flight {
            Flight::Start { above } => {
                let floor = member.block().mbal.max(above);
                member.attempt(Ballot::above(floor, me, member.incarnation()))
            }
            Flight::Read { store, epoch } => {
                let (block, version) = self.records[usize::from(store)];
                let (store, tag) = (StoreId(store), record(epoch));
                match fate {
                    Fate::Answered => {
                        let reply = BlockReply::Block { block, version };
                        member.step(DecreeEvent::Replied(store, tag, reply))
                    }
                    Fate::Unreadable => {
                        let reply = BlockReply::Unreadable;
                        let retry = DecreeTimer::Retry(store, tag);
                        let wants = member.step(DecreeEvent::Replied(store, tag, reply));
                        assert_eq!(wants, [Want::Wake(retry, Pause::Patience)]);
                        member.step(DecreeEvent::Woke(retry))
                    }
                    Fate::Lost | Fate::Late => member.step(DecreeEvent::TimedOut(store, tag)),
                }
            }
            Flight::Write {
                store,
                epoch,
                attempt,
                orphan,
                ..
            } => {
                let landed = fate != Fate::Late && self.land(flight);
                if orphan {
                    return;
                }
                let (store, tag) = (StoreId(store), BlockTag::Write { epoch, attempt });
                let event = match (fate, landed) {
                    (Fate::Answered, true) => DecreeEvent::Replied(store, tag, BlockReply::Written),
                    (Fate::Answered, false) => {
                        DecreeEvent::Replied(store, tag, BlockReply::Refused)
                    }
                    (Fate::Lost | Fate::Late | Fate::Unreadable, _) => {
                        DecreeEvent::TimedOut(store, tag)
                    }
                };
                self.members[me.index()].step(event)
            }
        };
        self.queue(me, wants);
    }

    fn land(&mut self, flight: Flight) -> bool {
        let Flight::Write {
            store,
            expect,
            version,
            mbal,
            vote,
            ..
        } = flight
        else {
            return false;
        };
        let record = &mut self.records[usize::from(store)];
        if record.1 != expect {
            return false;
        }
        assert!(version > expect, "versions never come back");
        let bal = vote.map(|vote| vote.bal);
        let broken = match self.setup.protocol {
            Protocol::Records if mbal < record.0.mbal => Some(Broken::Promise),
            Protocol::Records if bal > mbal => Some(Broken::Vote),
            Protocol::Claims if record.0.vote.is_some() => Some(Broken::Claim),
            Protocol::Records | Protocol::Claims => None,
        };
        self.broken = self.broken.or(broken);
        *record = (Block { mbal, vote }, version);
        true
    }

    /// `me` forgets everything and starts again; what it has in flight stays there.
    pub(crate) fn crash(&mut self, me: AgentId) {
        self.setup.crashes -= 1;
        self.flights.retain_mut(|(agent, flight)| {
            if *agent != me {
                return true;
            }
            match flight {
                Flight::Start { .. } | Flight::Read { .. } => false,
                Flight::Write { orphan, .. } => {
                    *orphan = true;
                    true
                }
            }
        });
        let incarnation = Incarnation(self.members[me.index()].incarnation().0 + 1);
        let config = self.setup.config(me, incarnation);
        let (member, wants) = Member::begin(self.setup.protocol, &config, incarnation);
        self.proposed.push(member.input());
        self.members[me.index()] = member;
        self.asked[me.index()] = 0;
        self.queue(me, wants);
    }

    fn queue(&mut self, me: AgentId, wants: Vec<DecreeWant>) {
        let mut met = None;
        for want in wants {
            let flight = match want {
                Want::Ask {
                    store,
                    tag: BlockTag::Read { owner, epoch },
                    op: BlockOp::Read { .. },
                    ..
                } => {
                    assert_eq!(owner, RECORD);
                    let store = store.0;
                    Flight::Read { store, epoch }
                }
                Want::Ask {
                    store,
                    tag: BlockTag::Write { epoch, attempt },
                    op:
                        BlockOp::Swap {
                            expect,
                            version,
                            block,
                        },
                    ..
                } => Flight::Write {
                    store: store.0,
                    epoch,
                    attempt,
                    expect,
                    version,
                    mbal: block.mbal,
                    vote: block.vote,
                    orphan: false,
                },
                Want::Wake(DecreeTimer::Attempt, _) => Flight::Start { above: met },
                Want::Say(DecreeSaid::Preempted { above } | DecreeSaid::Recovered { above }) => {
                    met = above;
                    continue;
                }
                Want::Say(DecreeSaid::Decided(value)) => {
                    let member = &self.members[me.index()];
                    assert_eq!(member.phase(), Phase::Decided);
                    if !self.decisions.contains(&value) {
                        self.decisions.push(value);
                    }
                    continue;
                }
                Want::Ask { .. } | Want::Wake(DecreeTimer::Retry(..), _) => {
                    panic!("nobody writes without a condition: {want:?}")
                }
            };
            if !matches!(flight, Flight::Start { .. }) {
                self.asked[me.index()] += 1;
            }
            self.flights.push((me, flight));
        }
        let members = &self.members;
        // An answer that means nothing to anyone is no choice; a write may still land.
        self.flights.retain(|&(agent, flight)| match flight {
            Flight::Start { .. } | Flight::Write { .. } => true,
            Flight::Read { store, epoch } => {
                members[agent.index()].awaits(StoreId(store), record(epoch))
            }
        });
    }

    /// Judges this state.
    pub(crate) fn check(&self) -> Result<(), Broken> {
        if let Some(broken) = self.broken {
            return Err(broken);
        }
        if self.decisions.len() > 1 {
            return Err(Broken::Agreement);
        }
        if !self.decisions.iter().all(|v| self.proposed.contains(v)) {
            return Err(Broken::Validity);
        }
        if self.setup.protocol == Protocol::Claims {
            return Ok(());
        }
        let stored = self.records.iter().filter_map(|record| record.0.vote);
        let in_memory = self.members.iter().filter_map(|member| member.block().vote);
        let votes: Vec<_> = stored.chain(in_memory).collect();
        let rivals = votes
            .iter()
            .any(|x| votes.iter().any(|y| x.bal == y.bal && x.inp != y.inp));
        if rivals {
            return Err(Broken::TwoValues);
        }
        Ok(())
    }
}

/// What an agent calls a read of a record.
const fn record(epoch: u32) -> BlockTag {
    BlockTag::Read {
        owner: RECORD,
        epoch,
    }
}
