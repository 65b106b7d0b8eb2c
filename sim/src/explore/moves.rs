//! Moves: what can happen next in a state, and what it is called.

use bivalent_core::{AgentId, StoreId};

use crate::scenario::script::{Deed, Entry};

/// What happens in a move.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Act {
    /// The agent's write takes effect on the store.
    Write,
    /// The agent reads an owner's block on the store.
    Read {
        /// Whose block.
        owner: AgentId,
    },
    /// The agent's write begins to take effect: until it is whole, the block is unreadable.
    Tear,
    /// The agent crashes.
    Crash,
    /// The agent starts again.
    Restart,
}

/// One step of a small system: an agent, a store, and what happens between them.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Move {
    /// Who.
    pub agent: AgentId,
    /// Where; of no meaning for a crash and a restart.
    pub store: StoreId,
    /// What.
    pub act: Act,
    /// If the move ends an attempt: how many of the ballots that are present, and above the one that
    /// the next ballot must exceed, stay below it. The greatest possible puts it above them all.
    pub gap: Option<u8>,
    /// The next ballot is above every ballot that is present.
    pub top: bool,
    /// The write or read was asked for in an earlier phase.
    pub earlier: bool,
}

impl Move {
    /// The move as a number, for the edges of a graph.
    pub(super) const fn pack(self) -> u32 {
        let (act, owner) = match self.act {
            Act::Write => (0, 0),
            Act::Read { owner } => (1, owner.0 as u32),
            Act::Tear => (2, 0),
            Act::Crash => (3, 0),
            Act::Restart => (4, 0),
        };
        let gap = match self.gap {
            None => 0,
            Some(gap) => gap as u32 + 1,
        };
        self.agent.0 as u32
            | (self.store.0 as u32) << 4
            | act << 8
            | owner << 12
            | gap << 16
            | (self.earlier as u32) << 24
            | (self.top as u32) << 25
    }

    /// The move that [`Move::pack`] gave.
    pub(super) const fn unpack(bits: u32) -> Self {
        let owner = AgentId((bits >> 12 & 15) as u16);
        let act = match bits >> 8 & 15 {
            0 => Act::Write,
            1 => Act::Read { owner },
            2 => Act::Tear,
            3 => Act::Crash,
            _ => Act::Restart,
        };
        let gap = (bits >> 16 & 255) as u8;
        Self {
            agent: AgentId((bits & 15) as u16),
            store: StoreId((bits >> 4 & 15) as u8),
            act,
            gap: gap.checked_sub(1),
            top: bits >> 25 & 1 != 0,
            earlier: bits >> 24 & 1 != 0,
        }
    }

    /// The move as an entry of a script.
    pub const fn entry(self) -> Entry {
        let deed = match self.act {
            Act::Write => Deed::Write,
            Act::Read { owner } => Deed::Read { owner },
            Act::Crash => Deed::Crash,
            Act::Restart => Deed::Restart,
            Act::Tear => Deed::Tear,
        };
        Entry {
            agent: self.agent,
            store: self.store,
            deed,
            gap: if self.top { None } else { self.gap },
        }
    }

    /// Whether a store is involved: then it serves the agent.
    pub const fn is_served(self) -> bool {
        match self.act {
            Act::Write | Act::Read { .. } => true,
            Act::Tear | Act::Crash | Act::Restart => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_packs_and_unpacks() {
        let acts = [
            Act::Write,
            Act::Read { owner: AgentId(7) },
            Act::Tear,
            Act::Crash,
            Act::Restart,
        ];
        for act in acts {
            for gap in [None, Some(0), Some(200)] {
                for earlier in [false, true] {
                    let it = Move {
                        agent: AgentId(5),
                        store: StoreId(6),
                        act,
                        gap,
                        top: !earlier,
                        earlier,
                    };
                    assert_eq!(Move::unpack(it.pack()), it);
                }
            }
        }
    }
}
