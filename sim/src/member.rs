//! A member of a system: an agent of whichever protocol the scenario names.
//!
//! Nothing of a protocol is here. Each call goes to the core's agent, or to a user's, as it is.

use bivalent_core::{
    AcceptorRecords, Ballot, Block, Config, DiskPaxos, Incarnation, Input, Operation, Phase,
    PutIfAbsent, Renaming, Sink, StoreId, Value,
};

use crate::{
    protocol::{Agents, Own},
    scenario::Protocol,
};

/// An agent of any protocol.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Member {
    /// Of Disk Paxos.
    Disk(DiskPaxos),
    /// Of Paxos over acceptor records.
    Record(AcceptorRecords),
    /// Of put-if-absent.
    Claim(PutIfAbsent),
    /// Of a user's protocol.
    Own(Own),
}

/// Which agents take part.
#[derive(Clone, Debug)]
pub(crate) enum Cast {
    /// The core's, of this protocol.
    BuiltIn(Protocol),
    /// A user's.
    Own(Agents),
}

impl Cast {
    /// Whether they are the core's agents of this protocol, so that its invariants are theirs.
    pub(crate) fn is(&self, protocol: Protocol) -> bool {
        matches!(self, Self::BuiltIn(it) if *it == protocol)
    }

    /// An agent that has never run before.
    pub(crate) fn fresh(&self, config: Config) -> Member {
        match self {
            Self::BuiltIn(protocol) => Member::new(*protocol, config),
            Self::Own(agents) => Member::Own(agents.fresh(config)),
        }
    }

    /// An agent that ran before, with its new incarnation.
    pub(crate) fn recovered(&self, config: Config, out: &mut impl Sink) -> Member {
        match self {
            Self::BuiltIn(protocol) => Member::recover(*protocol, config, out),
            Self::Own(agents) => {
                let mut agent = agents.fresh(config);
                agent.get_mut().recover(out);
                Member::Own(agent)
            }
        }
    }
}

/// Explorers take scenarios, and so none but the core's agents; of adversaries see [`Engine::with_agents`].
///
/// [`Engine::with_agents`]: crate::engine::Engine::with_agents
const EXPLORED: &str = "agents of a user's protocol are not explored";

/// Asks whichever agent it is the same.
macro_rules! each {
    ($member:expr, $agent:ident => $call:expr) => {
        match $member {
            Member::Disk($agent) => $call,
            Member::Record($agent) => $call,
            Member::Claim($agent) => $call,
            Member::Own(own) => {
                let $agent = own.get();
                $call
            }
        }
    };
}

impl Member {
    /// An agent that has never run before.
    pub(crate) fn new(protocol: Protocol, config: Config) -> Self {
        match protocol {
            // Of a log: its first slot. Its replicas have an engine of their own (`log.rs`).
            Protocol::DiskPaxos | Protocol::ReplicatedLog => Self::Disk(DiskPaxos::new(config)),
            Protocol::AcceptorRecords => Self::Record(AcceptorRecords::new(config)),
            Protocol::PutIfAbsent => Self::Claim(PutIfAbsent::new(config)),
        }
    }

    /// An agent that ran before, with its new incarnation.
    pub(crate) fn recover(protocol: Protocol, config: Config, out: &mut impl Sink) -> Self {
        match protocol {
            // Of a log: its first slot. Its replicas have an engine of their own (`log.rs`).
            Protocol::DiskPaxos | Protocol::ReplicatedLog => {
                Self::Disk(DiskPaxos::recover(config, out))
            }
            Protocol::AcceptorRecords => Self::Record(AcceptorRecords::recover(config, out)),
            Protocol::PutIfAbsent => Self::Claim(PutIfAbsent::recover(config, out)),
        }
    }

    /// Takes one step; says where it stood before and where it stands after. In one call, since
    /// every event of a run comes by here and which agent it is need be asked only once.
    #[inline]
    pub(crate) fn on(&mut self, input: Input, out: &mut impl Sink) -> (Phase, Phase) {
        let Self::Disk(agent) = self else {
            return self.on_record(input, out);
        };
        let before = agent.phase();
        agent.on(input, out);
        (before, agent.phase())
    }

    /// Apart, so that the many steps of Disk Paxos do not pay for the others' code.
    #[inline(never)]
    fn on_record(&mut self, input: Input, out: &mut impl Sink) -> (Phase, Phase) {
        let before = self.phase();
        match self {
            Self::Disk(agent) => agent.on(input, out),
            Self::Record(agent) => agent.on(input, out),
            Self::Claim(agent) => agent.on(input, out),
            Self::Own(agent) => agent.get_mut().on(input, out),
        }
        (before, self.phase())
    }

    /// Where it stands.
    #[inline]
    pub(crate) fn phase(&self) -> Phase {
        each!(self, agent => agent.phase())
    }

    /// Its block in memory.
    #[inline]
    pub(crate) fn block(&self) -> Block {
        each!(self, agent => agent.block())
    }

    /// The number of its phase; answers that carry another are stale.
    #[inline]
    pub(crate) fn epoch(&self) -> u32 {
        each!(self, agent => agent.epoch())
    }

    /// The agent, if it is one of Disk Paxos.
    #[inline]
    pub(crate) const fn disk(&self) -> Option<&DiskPaxos> {
        match self {
            Self::Disk(agent) => Some(agent),
            Self::Record(_) | Self::Claim(_) | Self::Own(_) => None,
        }
    }

    /// Which start of it this is.
    pub(crate) fn incarnation(&self) -> Incarnation {
        match self {
            Self::Disk(agent) => agent.incarnation(),
            Self::Record(agent) => agent.incarnation(),
            Self::Claim(agent) => agent.incarnation(),
            Self::Own(_) => unreachable!("{EXPLORED}"),
        }
    }

    /// In phase 2, how many answers were the last missing to a decision, over the stores that are nearest
    /// to it; none in other phases.
    pub(crate) fn missing(&self, agents: usize, stores: usize, quorum: u8) -> Option<u32> {
        if self.phase() != Phase::Two {
            return None;
        }
        let stores = (0..stores as u8).map(StoreId);
        let mut missing: Vec<u32> = match self {
            Self::Disk(agent) => stores
                .map(|store| {
                    let unwritten = u32::from(agent.written() & store.bit() == 0);
                    let seen = agent.seen(store) & !agent.id().bit();
                    unwritten + (agents as u32 - 1) - seen.count_ones()
                })
                .collect(),
            Self::Record(agent) => stores
                .map(|store| u32::from(agent.complete() & store.bit() == 0))
                .collect(),
            Self::Claim(_) | Self::Own(_) => return None,
        };
        missing.sort_unstable();
        Some(missing.iter().take(usize::from(quorum)).sum())
    }

    /// The value it decided, if it has.
    pub(crate) fn decision(&self) -> Option<Value> {
        each!(self, agent => agent.decision())
    }

    /// Whether an answer to this operation could still change anything.
    pub(crate) fn awaits(&self, operation: Operation) -> bool {
        each!(self, agent => agent.awaits(operation))
    }

    /// Says every ballot in its state, some perhaps twice.
    pub(crate) fn ballots(&self, each: &mut impl FnMut(Ballot)) {
        match self {
            Self::Disk(agent) => agent.ballots(each),
            Self::Record(agent) => agent.ballots(each),
            Self::Claim(agent) => agent.ballots(each),
            Self::Own(_) => unreachable!("{EXPLORED}"),
        }
    }

    /// The same state renamed, in its one spelling.
    pub(crate) fn renamed(&self, names: &impl Renaming) -> Self {
        match self {
            Self::Disk(agent) => Self::Disk(agent.renamed(names)),
            Self::Record(agent) => Self::Record(agent.renamed(names)),
            Self::Claim(agent) => Self::Claim(agent.renamed(names)),
            Self::Own(_) => unreachable!("{EXPLORED}"),
        }
    }
}
