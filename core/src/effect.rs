//! Everything an agent can ask of the world. Imperative: please do it.

use crate::{AgentId, Ballot, Block, StoreId, Value, Version};

/// One request to one store, as its answer and its timeout name it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Operation {
    /// A read of `owner`'s block.
    Read {
        /// From where.
        store: StoreId,
        /// Whose block.
        owner: AgentId,
        /// The phase that wants it.
        epoch: u32,
    },
    /// A write of the own block, or a conditional one of a store's record.
    Write {
        /// To where.
        store: StoreId,
        /// The phase whose block it is.
        epoch: u32,
        /// The how-manieth try with the same bytes, from 0; all from the eighth on are 7. Of
        /// conditional writes: which of the phase's writes to that store, from 0.
        attempt: u8,
    },
}

/// What an agent asks for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Effect {
    /// Ask `store` for `owner`'s block.
    Read {
        /// From where.
        store: StoreId,
        /// Whose block.
        owner: AgentId,
        /// To be echoed.
        epoch: u32,
    },
    /// Replace our own block on `store`.
    Write {
        /// To where.
        store: StoreId,
        /// To be echoed.
        epoch: u32,
        /// To be echoed; from 0, one more for each retry of the same bytes, up to 7.
        attempt: u8,
        /// The number of this write among ours on that store.
        version: Version,
        /// What to write.
        block: Block,
    },
    /// Replace the one record of `store`, which is nobody's own, if nobody has written it since: the
    /// condition and the write are one step of the store's. Answered with
    /// [`Input::Wrote`](crate::Input::Wrote), or with [`Input::Refused`](crate::Input::Refused) if
    /// something else stands there. The record is read as the block of [`RECORD`](crate::RECORD).
    WriteIf {
        /// To where.
        store: StoreId,
        /// To be echoed.
        epoch: u32,
        /// To be echoed.
        attempt: u8,
        /// The version that must still stand there; default: never written.
        expect: Version,
        /// The version that it then has: one more write than `expect`, so that none comes twice.
        version: Version,
        /// What to write.
        block: Block,
    },
    /// Give us [`Input::TimedOut`](crate::Input::TimedOut) for this request after a pause of the
    /// driver's choice: the answer that came was no answer.
    Retry {
        /// The request.
        operation: Operation,
    },
    /// The attempt is over, nothing new will be asked for: choose an own ballot above `above` and
    /// give it back with [`Input::Start`](crate::Input::Start), at once or after a pause that a
    /// contention manager chooses. Also said at the end of a recovery.
    Abort {
        /// The greatest ballot met, none if there was none.
        above: Option<Ballot>,
    },
    /// Final. An incarnation says this at most once.
    Decide(Value),
}

/// Where an agent leaves its effects, in order.
///
/// Generic, so that an engine can queue an operation without a list in between.
pub trait Sink {
    /// Takes one effect.
    fn push(&mut self, effect: Effect);
}

impl<F: FnMut(Effect)> Sink for F {
    #[inline]
    fn push(&mut self, effect: Effect) {
        self(effect);
    }
}
