//! A user's own state machine, to be made fault-tolerant: what it must be able to do.

mod bank;
mod kv;
mod lock;

use core::{fmt::Debug, hash::Hash};

pub use bank::{Bank, BankAnswer, BankCommand, BankQuery};
pub use kv::{Kv, KvAnswer, KvCommand, KvQuery};
pub use lock::{Grant, LockAnswer, LockCommand, LockQuery, Locks};

/// A deterministic state machine (Schneider 1990, section 2).
///
/// The same commands in the same order must give the same state and the same answers, everywhere
/// and always: no clock, no randomness, no order of a hash map. [`Replica`](crate::Replica) makes
/// one that survives crashes of agents and stores out of it.
///
/// ```
/// use bivalent_core::StateMachine;
///
/// /// Counts up.
/// #[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
/// struct Counter(u64);
///
/// impl StateMachine for Counter {
///     type Command = u64;
///     type Query = ();
///     type Answer = u64;
///     type Snapshot = u64;
///
///     fn apply(&mut self, by: &u64) -> u64 {
///         self.0 += by;
///         self.0
///     }
///     fn query(&self, (): &()) -> u64 {
///         self.0
///     }
///     fn snapshot(&self) -> u64 {
///         self.0
///     }
///     fn restore(snapshot: &u64) -> Self {
///         Self(*snapshot)
///     }
/// }
///
/// let mut counter = Counter::default();
/// assert_eq!(counter.apply(&2), 2);
/// assert_eq!(Counter::restore(&counter.snapshot()), counter);
/// ```
pub trait StateMachine: Clone + Debug + Eq + Hash {
    /// What changes the state.
    type Command: Clone + Debug + Eq + Hash;
    /// What asks about it and changes nothing.
    type Query: Clone + Debug + Eq + Hash;
    /// What a command or a query gives.
    type Answer: Clone + Debug + Eq + Hash;
    /// The whole state, as it is kept on stores.
    type Snapshot: Clone + Debug + Eq + Hash;

    /// Carries a command out. It can't fail: a refusal is an answer like any other.
    fn apply(&mut self, command: &Self::Command) -> Self::Answer;

    /// Answers a query.
    fn query(&self, query: &Self::Query) -> Self::Answer;

    /// The whole state.
    fn snapshot(&self) -> Self::Snapshot;

    /// The machine whose [`snapshot`](Self::snapshot) this is: equal to it in every respect.
    fn restore(snapshot: &Self::Snapshot) -> Self;
}
