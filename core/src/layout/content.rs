//! What objects hold, as values: bytes are made where there are bytes.

use alloc::{borrow::Cow, sync::Arc};

/// What an object holds. `B`: what a protocol keeps.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Content<B> {
    /// The store's identity.
    Identity(Identity),
    /// A start of an agent.
    Start {
        /// Tells starts with the same number apart.
        nonce: u64,
    },
    /// A text that is proposed.
    Text(Arc<str>),
    /// What a trial of conditions writes.
    Trial(u8),
    /// What the protocol keeps.
    Body(B),
}

/// What all agents of a system must agree on before they begin. It stands on every store.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Identity {
    /// What is being agreed on: `decision` or `log`.
    pub kind: Cow<'static, str>,
    /// How many agents there are.
    pub agents: u16,
    /// How many stores there are.
    pub stores: u8,
    /// How many of them are a quorum.
    pub quorum: u8,
    /// Which of the stores this is. Agents that list different stores, or the same store twice, don't count each
    /// other's quorums.
    pub place: u8,
    /// A number that names this system and no other, so that stores that were set up apart are not mixed, however
    /// alike they are.
    pub system: u64,
}

impl Identity {
    /// Whether it is of the same settings and at the same place, whichever system it names.
    pub fn is_like(&self, other: &Self) -> bool {
        let Self {
            kind,
            agents,
            stores,
            quorum,
            place,
            system: _,
        } = other;
        (&self.kind, self.agents, self.stores) == (kind, *agents, *stores)
            && (self.quorum, self.place) == (*quorum, *place)
    }
}
