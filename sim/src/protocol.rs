//! A protocol of your own for one decision: its agents meet the same stores and faults as those of the core.
//!
//! The scenario still names a built-in protocol, for how blocks lie on stores: `disk-paxos` for a block
//! for each agent on each store, `put-if-absent` or `acceptor-records` for one record a store that is written on
//! conditions. Agreement, validity, integrity and the store model judge; invariants of the built-in protocol
//! do not. Nothing explores such agents: they run with seeds.

use std::{
    any::Any,
    fmt::{self, Debug},
    hash::{Hash, Hasher},
    sync::Arc,
};

use bivalent_core::{Block, Config, Effect, Input, Operation, Phase, Sink, Value};

use crate::scenario::Adversary;

/// One agent of a protocol of your own.
///
/// Like those of the core it owns no clock, no dice and no wire, and given the same inputs it takes the same
/// steps. It begins in [`Phase::Waiting`] and is given [`Input::Start`] with a ballot; [`Effect::Abort`]
/// asks for the next one and must find it in [`Phase::Waiting`] again.
///
/// ```
/// use bivalent_core::*;
/// use bivalent_sim::engine::{End, Engine};
/// use bivalent_sim::protocol::{Agents, Proposer};
/// use bivalent_sim::scenario::Scenario;
///
/// /// Decides what it proposes and asks nobody: right for one agent.
/// #[derive(Clone, Debug, Eq, Hash, PartialEq)]
/// struct Alone(Config, bool);
///
/// impl Proposer for Alone {
///     fn on(&mut self, _: Input, out: &mut dyn Sink) {
///         if !std::mem::replace(&mut self.1, true) {
///             out.push(Effect::Decide(self.0.input()));
///         }
///     }
///     fn phase(&self) -> Phase {
///         if self.1 { Phase::Decided } else { Phase::Waiting }
///     }
///     fn epoch(&self) -> u32 {
///         0
///     }
///     fn decision(&self) -> Option<Value> {
///         self.1.then_some(self.0.input())
///     }
///     fn awaits(&self, _: Operation) -> bool {
///         false
///     }
/// }
///
/// let text = "title = 'Alone'\nsummary = 'One agent.'\n[cluster]\nagents = 1\nstores = 1\n";
/// let scenario = Scenario::parse("alone", text, &|_| Err("no file".into()))?;
/// let mut engine = Engine::with_agents(&scenario, Agents::new(|config| Alone(config, false)));
/// assert_eq!(engine.run(0x2a), End::Decided);
/// # Ok::<(), bivalent_sim::scenario::ScenarioErrors>(())
/// ```
pub trait Proposer: Clone + Debug + Eq + Hash + Send + Sync + 'static {
    /// Takes one step, leaving its effects in `out`.
    fn on(&mut self, input: Input, out: &mut dyn Sink);

    /// The first step of an agent that ran before, or may have; a fresh one takes none. What it must know of
    /// its past it has to read. Unless it is said it just asks for a ballot.
    fn recover(&mut self, out: &mut dyn Sink) {
        out.push(Effect::Abort { above: None });
    }

    /// Where it stands.
    fn phase(&self) -> Phase;

    /// Its block in memory: the next ballot will be above `mbal`, and stories tell the vote. Empty unless it is said.
    fn block(&self) -> Block {
        Block::default()
    }

    /// The number of its phase, which its requests carry.
    fn epoch(&self) -> u32;

    /// The value it decided, if it has.
    fn decision(&self) -> Option<Value>;

    /// Whether an answer to this operation could still change anything.
    fn awaits(&self, operation: Operation) -> bool;
}

/// Makes agents of a user's protocol.
#[derive(Clone)]
pub struct Agents(Arc<dyn Fn(Config) -> Own + Send + Sync>);

impl Agents {
    /// Agents as `start` makes them.
    pub fn new<P: Proposer>(start: impl Fn(Config) -> P + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |config| Own(Box::new(start(config)))))
    }

    /// Whether this adversary can be one of theirs.
    pub(crate) const fn bear(adversary: &Adversary) -> bool {
        !matches!(adversary, Adversary::KeepBivalent | Adversary::Script(_))
    }

    /// An agent that has not taken a step.
    pub(crate) fn fresh(&self, config: Config) -> Own {
        (self.0)(config)
    }
}

impl Debug for Agents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Agents")
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
    fn on(&mut self, input: Input, out: &mut dyn Sink);
    fn recover(&mut self, out: &mut dyn Sink);
    fn phase(&self) -> Phase;
    fn block(&self) -> Block;
    fn epoch(&self) -> u32;
    fn decision(&self) -> Option<Value>;
    fn awaits(&self, operation: Operation) -> bool;
    fn boxed(&self) -> Box<dyn Boxed>;
    fn any(&self) -> &dyn Any;
    fn equals(&self, other: &dyn Any) -> bool;
    fn hashed(&self, state: &mut dyn Hasher);
}

impl<P: Proposer> Boxed for P {
    fn on(&mut self, input: Input, out: &mut dyn Sink) {
        Proposer::on(self, input, out);
    }

    fn recover(&mut self, out: &mut dyn Sink) {
        Proposer::recover(self, out);
    }

    fn phase(&self) -> Phase {
        Proposer::phase(self)
    }

    fn block(&self) -> Block {
        Proposer::block(self)
    }

    fn epoch(&self) -> u32 {
        Proposer::epoch(self)
    }

    fn decision(&self) -> Option<Value> {
        Proposer::decision(self)
    }

    fn awaits(&self, operation: Operation) -> bool {
        Proposer::awaits(self, operation)
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
