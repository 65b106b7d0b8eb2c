//! What an agent on objects knows before it starts.

use alloc::{borrow::Cow, sync::Arc, vec::Vec};

use crate::{AgentId, Identity, Laid, Pause, StoreId};

/// What a store is known to be like.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct StoreTraits {
    /// It can vanish and come back empty, as a directory does whose mount is away: every operation looks whether it is
    /// still the store that it was. Of others that is looked at until it is known.
    pub may_vanish: bool,
    /// It may have conditional writes: false if it is known to have none.
    pub conditional: bool,
    /// Of several that create the same object only one is told that it did, as is known of a directory. Of others that
    /// is tried.
    pub exclusive: bool,
}

/// What an agent on objects knows before it starts.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ObjectsSetup<A: Laid> {
    /// What the wrapped agent knows.
    pub inner: A::Setup,
    /// Which agent this is.
    pub me: AgentId,
    /// How many agents there are.
    pub agents: u16,
    /// How many stores are a quorum.
    pub quorum: u8,
    /// What the stores are like, in their order.
    pub stores: Vec<StoreTraits>,
    /// The name of the system, where it is not to be drawn.
    pub named: Option<u64>,
    /// What is proposed, if values stand for texts.
    pub text: Option<Arc<str>>,
    /// How long the other stores are waited for at the start, once a quorum has answered.
    pub grace: Pause,
    /// How long until a start is asked for again that could not be taken.
    pub again: Pause,
}

impl<A: Laid> ObjectsSetup<A> {
    /// What a store is to say of itself.
    pub fn identity(&self, store: StoreId, system: u64) -> Identity {
        Identity {
            kind: Cow::Borrowed(A::KIND),
            agents: self.agents,
            stores: self.stores.len() as u8,
            quorum: self.quorum,
            place: store.0,
            system,
        }
    }
}
