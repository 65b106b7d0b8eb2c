//! Values that stand for texts: which start of which agent proposed it, and so where its text stands.

use crate::{AgentId, Incarnation, Value};

/// The value that stands for the text of an agent's start.
pub const fn proposal(agent: AgentId, start: Incarnation) -> Value {
    Value((agent.0 as u64) << 16 | start.0 as u64)
}

/// Whose text a value stands for.
pub const fn proposer(value: Value) -> (AgentId, Incarnation) {
    (AgentId((value.0 >> 16) as u8), Incarnation(value.0 as u16))
}
