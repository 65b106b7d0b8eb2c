//! A member of a system: an agent of whichever protocol the scenario names.
//!
//! Nothing of a protocol is here. It is an agent like each of them: every call goes to the core's agent, or to a
//! user's, as it is.

use std::convert::Infallible;

use bivalent_core::{
    AcceptorRecords, Agent, Ballot, Block, BlockOp, BlockReply, BlockTag, Config, DecreeSaid,
    DecreeTimer, DiskPaxos, Event, Explored, Incarnation, Phase, Port, PutIfAbsent, Renaming,
    SingleDecree, StoreId, Value,
};

use crate::{
    protocol::{Agents, Own, Through},
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
#[derive(Clone, Copy, Debug)]
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
}

/// What a member knows before it starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Role {
    pub(crate) cast: Cast,
    pub(crate) config: Config,
}

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

impl Agent for Member {
    type Setup = Role;
    type Op = BlockOp;
    type Reply = BlockReply;
    type Tag = BlockTag;
    type Timer = DecreeTimer;
    type Request = Infallible;
    type Said = DecreeSaid;

    fn start(role: &Role, start: Incarnation, port: &mut impl Port<Self>) -> Self {
        let config = &role.config;
        let through = &mut Through(&mut *port);
        match role.cast {
            // Of a log: its first slot. Its replicas have an engine of their own (`log.rs`).
            Cast::BuiltIn(Protocol::DiskPaxos | Protocol::ReplicatedLog) => {
                Self::Disk(DiskPaxos::start(config, start, through))
            }
            Cast::BuiltIn(Protocol::AcceptorRecords) => {
                Self::Record(AcceptorRecords::start(config, start, through))
            }
            Cast::BuiltIn(Protocol::PutIfAbsent) => {
                Self::Claim(PutIfAbsent::start(config, start, through))
            }
            Cast::Own(agents) => Self::Own(agents.start(config, start, port)),
        }
    }

    #[inline]
    fn on(&mut self, event: Event<'_, Self>, port: &mut impl Port<Self>) {
        self.step_over(event, port);
    }
}

impl Member {
    /// Takes one step; says where it stood before and where it stands after. In one call, since
    /// every event of a run comes by here and which agent it is need be asked only once.
    #[inline]
    pub(crate) fn step_over(
        &mut self,
        event: Event<'_, Self>,
        port: &mut impl Port<Self>,
    ) -> (Phase, Phase) {
        let Self::Disk(agent) = self else {
            return self.step_over_record(event, port);
        };
        let before = agent.phase();
        agent.on(event.retold(), &mut Through(port));
        (before, agent.phase())
    }

    /// Apart, so that the many steps of Disk Paxos do not pay for the others' code.
    #[inline(never)]
    fn step_over_record(
        &mut self,
        event: Event<'_, Self>,
        port: &mut impl Port<Self>,
    ) -> (Phase, Phase) {
        let before = self.phase();
        match self {
            Self::Disk(agent) => agent.on(event.retold(), &mut Through(port)),
            Self::Record(agent) => agent.on(event.retold(), &mut Through(port)),
            Self::Claim(agent) => agent.on(event.retold(), &mut Through(port)),
            Self::Own(agent) => agent.get_mut().on(event, port),
        }
        (before, self.phase())
    }

    /// The agent, if it is one of Disk Paxos.
    #[inline]
    pub(crate) const fn disk(&self) -> Option<&DiskPaxos> {
        match self {
            Self::Disk(agent) => Some(agent),
            Self::Record(_) | Self::Claim(_) | Self::Own(_) => None,
        }
    }
}

impl SingleDecree for Member {
    fn config(&self) -> &Config {
        each!(self, agent => agent.config())
    }

    fn incarnation(&self) -> Incarnation {
        each!(self, agent => agent.incarnation())
    }

    #[inline]
    fn phase(&self) -> Phase {
        each!(self, agent => agent.phase())
    }

    #[inline]
    fn block(&self) -> Block {
        each!(self, agent => agent.block())
    }

    #[inline]
    fn epoch(&self) -> u32 {
        each!(self, agent => agent.epoch())
    }

    fn decision(&self) -> Option<Value> {
        each!(self, agent => agent.decision())
    }
}

impl Explored for Member {
    fn awaits(&self, store: StoreId, tag: BlockTag) -> bool {
        each!(self, agent => agent.awaits(store, tag))
    }

    fn ballots(&self, each: &mut impl FnMut(Ballot)) {
        match self {
            Self::Disk(agent) => agent.ballots(each),
            Self::Record(agent) => agent.ballots(each),
            Self::Claim(agent) => agent.ballots(each),
            Self::Own(agent) => agent.get().each_ballot(each),
        }
    }

    fn renamed(&self, names: &impl Renaming) -> Self {
        match self {
            Self::Disk(agent) => Self::Disk(agent.renamed(names)),
            Self::Record(agent) => Self::Record(agent.renamed(names)),
            Self::Claim(agent) => Self::Claim(agent.renamed(names)),
            Self::Own(agent) => Self::Own(agent.get().renamed(names)),
        }
    }
}
