//! Names of agents, stores and incarnations: newtypes, so that none can stand in for another.

/// Most agents one consensus instance can have: a set of agents is one `u128`.
pub const MAX_AGENTS: usize = 128;
/// Most stores one consensus instance can have: a set of stores is one `u16`.
pub const MAX_STORES: usize = 16;

/// The name under which a store's one record is read: a block that every agent writes, each write on
/// the condition that nobody wrote in between. It stands where the first agent's own block would.
pub const RECORD: AgentId = AgentId(0);

/// An agent's index, `0..agents`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct AgentId(pub u16);

/// A store's index, `0..stores`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct StoreId(pub u8);

/// How often an agent has been started, counted from 0.
///
/// Every start of one agent needs a number greater than those of all its earlier starts: ballots
/// and versions carry it, so that nothing a dead incarnation left in flight can pass for new.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct Incarnation(pub u64);

impl Incarnation {
    /// The last start there can be, 2^48 - 1: a proposed text is named by its proposer and its start in the 64 bits of a
    /// value.
    pub const MAX: Self = Self((1 << 48) - 1);
}

impl AgentId {
    /// The index as a position in a table.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The set that holds just this agent.
    pub const fn bit(self) -> u128 {
        1 << self.0
    }
}

impl StoreId {
    /// The index as a position in a table.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The set that holds just this store.
    pub const fn bit(self) -> u16 {
        1 << self.0
    }
}
