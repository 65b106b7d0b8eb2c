//! What a protocol says of its operations so that they can be carried out on objects.

use alloc::vec::Vec;
use core::{fmt::Debug, hash::Hash};

use crate::{
    Agent, At, Content, Folder, If, Incarnation, Listing, ObjectName, ObjectTag, Value, Why,
};

/// A protocol whose logical operations are laid on objects.
///
/// Each operation is a small state machine: [`Laid::task`] makes it, [`Laid::step`] is told what came of the last
/// [`Call`] and says the next, until there is an answer.
pub trait Laid:
    Agent<
        Setup: Clone + Debug + Eq + Hash,
        Op: Clone + Debug + Eq + Hash,
        Reply: Clone + Debug + Eq + Hash,
        Tag: Hash,
        Timer: Hash,
        Request: Clone + Debug + Eq + Hash,
        Said: Clone + Debug + Eq + Hash,
    > + Clone
    + Debug
    + Eq
    + Hash
{
    /// What its objects hold.
    type Body: Clone + Debug + Eq + Hash;
    /// A logical operation under way.
    type Task: Clone + Debug + Eq + Hash;

    /// What is being agreed on, as stores say it of themselves.
    const KIND: &'static str;
    /// Whether it needs conditional writes.
    const CONDITIONAL: bool;

    /// What the agent knows at its start. `own`: the value that stands for its text, if it proposes one.
    fn settled(setup: &Self::Setup, own: Option<Value>) -> Self::Setup;

    /// A logical operation, not begun.
    fn task(op: Self::Op) -> Self::Task;

    /// Takes one step of a logical operation.
    fn step(task: &mut Self::Task, came: Came<Self::Body>, at: &mut At<'_>) -> Next<Self>;

    /// The answer that says that what was to be read can't be, if the protocol knows such an answer.
    fn unreadable(task: &Self::Task) -> Option<Self::Reply>;

    /// Whether an answer still counts after the operation was given up.
    fn goes_on(task: &Self::Task) -> bool;

    /// The value that an operation votes for.
    fn votes_for(op: &Self::Op) -> Option<Value>;

    /// The value that is decided, if the agent says so.
    fn decided(said: &Self::Said) -> Option<Value>;
}

/// What a logical operation wants next.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Next<A: Laid> {
    /// Something of its store; what came of it is told in the next step.
    Call(Call<A::Body>),
    /// Nothing: this is its answer.
    Answer(A::Reply),
    /// Nothing: it came to nothing.
    Fail(Why),
}

/// What can be had of a store, with every protection in it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Call<B> {
    /// A look whether it is the store that it should be: [`Came::Done`].
    Look,
    /// The same, unless that is known: [`Came::Done`].
    Check,
    /// What stands under a name: [`Came::Found`].
    Get(ObjectName),
    /// What stands under several names: [`Came::All`].
    GetAll(Vec<ObjectName>),
    /// The names in a folder: [`Came::Names`].
    List(Folder),
    /// The folder of agents, once the own start record stands in it and no later one: [`Came::Agents`].
    ///
    /// What an agent reads counts only where its own start record stands. An earlier start that is still alive and
    /// wrote here too late to be seen finds the record when it reads in its turn.
    Own,
    /// Whether a quorum of stores shows the own start record and no later one: [`Came::Done`].
    Everywhere,
    /// Put an object; [`Came::Done`] says whether the condition held.
    Put(ObjectName, Content<B>, If),
    /// Remove objects: [`Came::Done`].
    Remove(Vec<ObjectName>),
    /// The own start record, made where it is missing; [`Came::Done`] says whether this made it.
    Mark {
        /// It has stood here before: that it is missing says that the store has lost it.
        stood: bool,
    },
    /// Try whether the store keeps conditions, unless it has shown that: [`Came::Done`].
    Trial,
}

/// What came of the last call.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Came<B> {
    /// There was none: this is the first step.
    Begun,
    /// It is done; false if a condition did not hold.
    Done(bool),
    /// What stood under the name, if anything did, and the state that it was in.
    Found(Option<(Content<B>, ObjectTag)>),
    /// What stood under the names that were still there.
    All {
        /// It, in the order of the names.
        found: Vec<(ObjectName, Content<B>)>,
        /// Some were gone.
        gone: bool,
    },
    /// The names.
    Names(Vec<ObjectName>),
    /// What agents overwrite, and their starts.
    Agents(Listing),
}

/// Who asks: the agent, and which start of it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Who {
    pub(super) me: crate::AgentId,
    pub(super) agents: u16,
    pub(super) start: Incarnation,
    pub(super) nonce: u64,
}
