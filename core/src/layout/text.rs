//! Values that stand for texts: which start of which agent proposed it, and so where its text stands.

use crate::{AgentId, Incarnation, Value};

const START_BITS: u32 = Incarnation::MAX.0.trailing_ones();

/// The value that stands for the text of an agent's start, which is at most [`Incarnation::MAX`].
pub const fn proposal(agent: AgentId, start: Incarnation) -> Value {
    Value((agent.0 as u64) << START_BITS | start.0)
}

/// Whose text a value stands for.
pub const fn proposer(value: Value) -> (AgentId, Incarnation) {
    (
        AgentId((value.0 >> START_BITS) as u16),
        Incarnation(value.0 & Incarnation::MAX.0),
    )
}
