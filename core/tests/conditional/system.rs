//! A system of a few agents and stores with conditional writes, stepped one operation at a time.

#[cfg(feature = "planted-bugs")]
use bivalent_core::Bug;
use bivalent_core::{
    AcceptorRecords, AgentId, Ballot, Block, Config, Effect, Envelope, Incarnation, Input,
    Operation, Overwrite, Phase, PutIfAbsent, RECORD, StoreId, Value, Version,
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
    pub(crate) agents: u8,
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
    pub(crate) const fn new(protocol: Protocol, agents: u8, stores: u8) -> Self {
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
        let input = Value(100 * (u64::from(me.0) + 1) + u64::from(incarnation.0));
        let envelope = Envelope::majority(self.stores).unwrap();
        let config = Config::new(me, self.agents, envelope, Overwrite::InPlace, input);
        #[cfg(feature = "planted-bugs")]
        let config = config.with_bug(self.bug);
        config.incarnation(incarnation)
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
    fn new(protocol: Protocol, config: Config) -> Self {
        match protocol {
            Protocol::Records => Self::Record(AcceptorRecords::new(config)),
            Protocol::Claims => Self::Claim(PutIfAbsent::new(config)),
        }
    }

    fn recover(protocol: Protocol, config: Config) -> (Self, Vec<Effect>) {
        let mut effects = Vec::new();
        let out = &mut |effect| effects.push(effect);
        let member = match protocol {
            Protocol::Records => Self::Record(AcceptorRecords::recover(config, out)),
            Protocol::Claims => Self::Claim(PutIfAbsent::recover(config, out)),
        };
        (member, effects)
    }

    fn step(&mut self, input: Input) -> Vec<Effect> {
        each!(self, agent => agent.step(input))
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

    fn awaits(&self, operation: Operation) -> bool {
        each!(self, agent => agent.awaits(operation))
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
            .map(|me| Member::new(setup.protocol, config(me)))
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
        let input = match flight {
            Flight::Start { above } => {
                let member = &self.members[me.index()];
                let floor = member.block().mbal.max(above);
                let ballot = Ballot::above(floor, me, member.incarnation());
                Input::Start { ballot }
            }
            Flight::Read { store, epoch } => {
                let (block, version) = self.records[usize::from(store)];
                let (store, owner) = (StoreId(store), RECORD);
                let operation = Operation::Read {
                    store,
                    owner,
                    epoch,
                };
                match fate {
                    Fate::Answered => Input::Read {
                        store,
                        owner,
                        epoch,
                        block,
                        version,
                    },
                    Fate::Unreadable => {
                        let input = Input::Unreadable {
                            store,
                            owner,
                            epoch,
                        };
                        let retry = self.members[me.index()].step(input);
                        assert_eq!(retry, [Effect::Retry { operation }]);
                        Input::TimedOut { operation }
                    }
                    Fate::Lost | Fate::Late => Input::TimedOut { operation },
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
                let store = StoreId(store);
                match (fate, landed) {
                    (Fate::Answered, true) => Input::Wrote {
                        store,
                        epoch,
                        attempt,
                    },
                    (Fate::Answered, false) => Input::Refused {
                        store,
                        epoch,
                        attempt,
                    },
                    (Fate::Lost | Fate::Late | Fate::Unreadable, _) => Input::TimedOut {
                        operation: Operation::Write {
                            store,
                            epoch,
                            attempt,
                        },
                    },
                }
            }
        };
        let effects = self.members[me.index()].step(input);
        self.queue(me, effects);
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
        let (member, effects) = Member::recover(self.setup.protocol, config);
        self.proposed.push(member.input());
        self.members[me.index()] = member;
        self.asked[me.index()] = 0;
        self.queue(me, effects);
    }

    fn queue(&mut self, me: AgentId, effects: Vec<Effect>) {
        for effect in effects {
            let flight = match effect {
                Effect::Read {
                    store,
                    owner,
                    epoch,
                } => {
                    assert_eq!(owner, RECORD);
                    let store = store.0;
                    Flight::Read { store, epoch }
                }
                Effect::WriteIf {
                    store,
                    epoch,
                    attempt,
                    expect,
                    version,
                    block,
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
                Effect::Abort { above } => Flight::Start { above },
                Effect::Decide(value) => {
                    let member = &self.members[me.index()];
                    assert_eq!(member.phase(), Phase::Decided);
                    if !self.decisions.contains(&value) {
                        self.decisions.push(value);
                    }
                    continue;
                }
                Effect::Write { .. } | Effect::Retry { .. } => {
                    panic!("nobody writes without a condition: {effect:?}")
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
            Flight::Read { store, epoch } => members[agent.index()].awaits(Operation::Read {
                store: StoreId(store),
                owner: RECORD,
                epoch,
            }),
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
