//! A protocol of your own for one decision: its agents meet the same stores and faults as those of the core.
//!
//! The scenario still names a built-in protocol, for how blocks lie on stores: `disk-paxos` for a block
//! for each agent on each store, `put-if-absent` or `acceptor-records` for one record a store that is written on
//! conditions. Agreement, validity, integrity and the store model judge; invariants of the built-in protocol
//! do not. Nothing explores such agents: they run with seeds.

pub(crate) mod member;

use std::{
    any::{Any, type_name},
    fmt::{self, Debug},
    hash::{Hash, Hasher},
};

use bivalent_core::{
    Agent, AgentId, Ballot, Block, BlockOp, BlockTag, Config, DecreeSaid, DecreeTimer, Event,
    Explored, Incarnation, Pause, Phase, Port, Renaming, SingleDecree, StoreId, Value, Version,
};

use crate::{protocol::member::Member, scenario::Adversary};

/// An agent of a protocol of your own: it follows the contract of the core's, [`Agent`].
///
/// ```
/// use std::convert::Infallible;
///
/// use bivalent_core::*;
/// use bivalent_sim::{engine::{blocks::BlockEngine, End}};
/// use bivalent_sim::protocol::Agents;
/// use bivalent_sim::scenario::Scenario;
///
/// /// Decides what it proposes and asks nobody: right for one agent.
/// #[derive(Clone, Debug, Eq, Hash, PartialEq)]
/// struct Alone(Config, Incarnation, bool);
///
/// impl Agent for Alone {
///     type Setup = Config;
///     type Op = BlockOp;
///     type Reply = BlockReply;
///     type Tag = BlockTag;
///     type Timer = DecreeTimer;
///     type Request = Infallible;
///     type Said = DecreeSaid;
///
///     fn start(setup: &Config, start: Incarnation, port: &mut impl Port<Self>) -> Self {
///         port.wake(DecreeTimer::Attempt, Pause::NONE);
///         Self(*setup, start, false)
///     }
///     fn on(&mut self, _: Event<'_, Self>, port: &mut impl Port<Self>) {
///         if !std::mem::replace(&mut self.2, true) {
///             port.say(DecreeSaid::Decided(self.input()));
///         }
///     }
/// }
///
/// impl SingleDecree for Alone {
///     fn config(&self) -> &Config {
///         &self.0
///     }
///     fn incarnation(&self) -> Incarnation {
///         self.1
///     }
///     fn phase(&self) -> Phase {
///         if self.2 { Phase::Decided } else { Phase::Waiting }
///     }
///     fn block(&self) -> Block {
///         Block::default()
///     }
///     fn epoch(&self) -> u32 {
///         0
///     }
///     fn decision(&self) -> Option<Value> {
///         self.2.then_some(self.input())
///     }
/// }
///
/// impl Explored for Alone {
///     fn awaits(&self, _: StoreId, _: BlockTag) -> bool {
///         false
///     }
///     fn ballots(&self, _: &mut impl FnMut(Ballot)) {}
///     fn renamed(&self, _: &impl Renaming) -> Self {
///         self.clone()
///     }
/// }
///
/// let text = "title = 'Alone'\nsummary = 'One agent.'\n[cluster]\nagents = 1\nstores = 1\n";
/// let scenario = Scenario::parse("alone", text, &|_| Err("no file".into()))?;
/// let mut engine = BlockEngine::with_agents(&scenario, Agents::new::<Alone>());
/// assert_eq!(engine.run(0x2a), End::Decided);
/// # Ok::<(), bivalent_sim::scenario::ScenarioErrors>(())
/// ```
pub trait Proposer:
    SingleDecree + Agent<Setup = Config> + Explored + Debug + Send + Sync + 'static
{
}

impl<P> Proposer for P where
    P: SingleDecree + Agent<Setup = Config> + Explored + Debug + Send + Sync + 'static
{
}

/// Agents of a user's protocol.
#[derive(Clone, Copy)]
pub struct Agents {
    start: fn(&Config, Incarnation, &mut dyn Port<Member>) -> Own,
    name: fn() -> &'static str,
}

impl Agents {
    /// Agents of this type.
    #[must_use]
    pub fn new<P: Proposer>() -> Self {
        Self {
            start: |config, start, port| Own(Box::new(P::start(config, start, &mut Through(port)))),
            name: type_name::<P>,
        }
    }

    /// Whether this adversary can be one of theirs.
    pub(crate) const fn bear(adversary: &Adversary) -> bool {
        !matches!(adversary, Adversary::KeepBivalent | Adversary::Script(_))
    }

    /// An agent at the beginning of a life.
    pub(crate) fn start(
        &self,
        config: &Config,
        start: Incarnation,
        port: &mut dyn Port<Member>,
    ) -> Own {
        (self.start)(config, start, port)
    }
}

impl Debug for Agents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Agents({})", (self.name)())
    }
}

/// A port for any member, as the port of an agent of one type.
#[derive(Debug)]
pub(crate) struct Through<'a, P: ?Sized>(pub(crate) &'a mut P);

impl<A: SingleDecree, P: Port<Member> + ?Sized> Port<A> for Through<'_, P> {
    #[inline]
    fn ask(&mut self, store: StoreId, tag: BlockTag, tries: u8, op: BlockOp) {
        self.0.ask(store, tag, tries, op);
    }

    #[inline]
    fn wake(&mut self, timer: DecreeTimer, pause: Pause) {
        self.0.wake(timer, pause);
    }

    #[inline]
    fn draw(&mut self, below: u64) -> u64 {
        self.0.draw(below)
    }

    #[inline]
    fn ballot(&mut self, above: Option<Ballot>) -> Option<Ballot> {
        self.0.ballot(above)
    }

    #[inline]
    fn say(&mut self, said: DecreeSaid) {
        self.0.say(said);
    }
}

/// An agent of a user's protocol, of whichever type.
#[derive(Debug)]
pub(crate) struct Own(Box<dyn Boxed>);

impl Own {
    pub(crate) fn get(&self) -> &dyn Boxed {
        &*self.0
    }

    pub(crate) fn get_mut(&mut self) -> &mut dyn Boxed {
        &mut *self.0
    }
}

impl Clone for Own {
    fn clone(&self) -> Self {
        Self(self.0.boxed())
    }
}

impl Eq for Own {}

impl PartialEq for Own {
    fn eq(&self, other: &Self) -> bool {
        self.0.equals(other.0.any())
    }
}

impl Hash for Own {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hashed(state);
    }
}

/// [`Proposer`] without what can't be asked of a box.
pub(crate) trait Boxed: Debug + Send + Sync {
    fn on(&mut self, event: Event<'_, Member>, port: &mut dyn Port<Member>);
    fn config(&self) -> &Config;
    fn incarnation(&self) -> Incarnation;
    fn phase(&self) -> Phase;
    fn block(&self) -> Block;
    fn epoch(&self) -> u32;
    fn decision(&self) -> Option<Value>;
    fn awaits(&self, store: StoreId, tag: BlockTag) -> bool;
    fn each_ballot(&self, each: &mut dyn FnMut(Ballot));
    fn renamed(&self, names: &dyn Renaming) -> Own;
    fn boxed(&self) -> Box<dyn Boxed>;
    fn any(&self) -> &dyn Any;
    fn equals(&self, other: &dyn Any) -> bool;
    fn hashed(&self, state: &mut dyn Hasher);
}

impl<P: Proposer> Boxed for P {
    fn on(&mut self, event: Event<'_, Member>, port: &mut dyn Port<Member>) {
        Agent::on(self, event.retold(), &mut Through(port));
    }

    fn config(&self) -> &Config {
        SingleDecree::config(self)
    }

    fn incarnation(&self) -> Incarnation {
        SingleDecree::incarnation(self)
    }

    fn phase(&self) -> Phase {
        SingleDecree::phase(self)
    }

    fn block(&self) -> Block {
        SingleDecree::block(self)
    }

    fn epoch(&self) -> u32 {
        SingleDecree::epoch(self)
    }

    fn decision(&self) -> Option<Value> {
        SingleDecree::decision(self)
    }

    fn awaits(&self, store: StoreId, tag: BlockTag) -> bool {
        Explored::awaits(self, store, tag)
    }

    fn each_ballot(&self, mut each: &mut dyn FnMut(Ballot)) {
        self.ballots(&mut each);
    }

    fn renamed(&self, names: &dyn Renaming) -> Own {
        Own(Box::new(Explored::renamed(self, &Names(names))))
    }

    fn boxed(&self) -> Box<dyn Boxed> {
        Box::new(self.clone())
    }

    fn any(&self) -> &dyn Any {
        self
    }

    fn equals(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<P>() == Some(self)
    }

    fn hashed(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }
}

struct Names<'a>(&'a dyn Renaming);

impl Renaming for Names<'_> {
    fn ballot(&self, ballot: Ballot) -> Ballot {
        self.0.ballot(ballot)
    }

    fn agent(&self, agent: AgentId) -> AgentId {
        self.0.agent(agent)
    }

    fn version(&self, store: StoreId, version: Version) -> Version {
        self.0.version(store, version)
    }
}
