//! Events packed into 64 bits, typed at the doors.

use bivalent_core::{AgentId, BlockTag, StoreId};

/// What can happen next. `rule` is a fault rule's index, or none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Event {
    /// A read takes effect and is answered.
    Read(ReadOp),
    /// A write in the slab takes effect and is answered.
    Write { pending: u32 },
    /// A read has gone unanswered for as long as agents wait.
    ReadTimeout(ReadOp),
    /// The same for a write.
    WriteTimeout {
        agent: AgentId,
        incarnation: u16,
        store: StoreId,
        epoch: u32,
        attempt: u8,
    },
    /// An agent's pause before its next attempt ends.
    Start {
        agent: AgentId,
        incarnation: u16,
        epoch: u32,
    },
    /// A crashed agent starts again.
    Restart {
        agent: AgentId,
        incarnation: u16,
        unfenced: bool,
    },
    /// A paused agent wakes; `count` tells one pause from the next.
    Wake { agent: AgentId, count: u16 },
    /// A store's outage ends.
    StoreUp { store: StoreId, count: u16 },
    /// A store's slowness ends.
    StoreFast { store: StoreId, count: u16 },
    /// A rule's time has come, or begins.
    Trigger { rule: u8 },
    /// A rule's time ends.
    TriggerEnd { rule: u8 },
    /// The scenario heals.
    Heal,
    /// Is there a stall?
    StallCheck,
    /// An operation in a slab takes effect, or is answered.
    Op { flight: u32 },
    /// Something in a slab that an agent waits for is due: a time-out, an alarm.
    Due { due: u32 },
    /// A client's turn; `count` tells its alarms from outdated ones.
    Client { client: u32, count: u16, turn: Turn },
}

/// What a client of replicas does next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Turn {
    /// It wants the next thing.
    Next,
    /// It has waited long enough.
    Again,
    /// Its request reaches an agent that stood still when it was made.
    Request,
}

/// A read in flight.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ReadOp {
    pub(crate) agent: AgentId,
    pub(crate) incarnation: u16,
    pub(crate) store: StoreId,
    pub(crate) owner: AgentId,
    pub(crate) epoch: u32,
    pub(crate) rule: Option<u8>,
}

impl ReadOp {
    /// What its agent calls it.
    #[inline]
    pub(crate) const fn tag(&self) -> BlockTag {
        BlockTag::Read {
            owner: self.owner,
            epoch: self.epoch,
        }
    }
}

/// Incarnations are packed into this many bits; the scenario's step limit keeps epochs below 2^24.
pub(crate) const INCARNATIONS_MAX: u16 = 1 << 10;
const NO_RULE: u64 = 0xff;

// The word goes into fingerprints: it is part of the trace format. What does not fit any more once there are more agents
// or stores goes into a second word, mixed in only if it is not 0 (docs/decisions/0016-sizes.md).
// From the least bit: kind 4, agent 7, store 4, owner 7, incarnation 10, epoch 24, rule 8.
const AGENT: u32 = 4;
const STORE: u32 = 11;
const OWNER: u32 = 15;
const INCARNATION: u32 = 22;
const EPOCH: u32 = 32;
const RULE: u32 = 56;

// Events of objects share a kind, and differ where others have an owner.
const WHICH: u64 = 0x7f << OWNER;
const OP_OF_OBJECTS: u64 = 2 << OWNER;
const DUE_OF_OBJECTS: u64 = 3 << OWNER;

pub(crate) const KIND_READ: u64 = 0;
pub(crate) const KIND_WRITE: u64 = 1;

#[inline]
pub(crate) const fn kind(bits: u64) -> u64 {
    bits & 0xf
}

#[inline]
pub(crate) const fn agent(bits: u64) -> AgentId {
    AgentId((bits >> AGENT & 0x7f) as u16)
}

#[inline]
const fn store(bits: u64) -> StoreId {
    StoreId((bits >> STORE & 0xf) as u8)
}

#[inline]
const fn incarnation(bits: u64) -> u16 {
    (bits >> INCARNATION & 0x3ff) as u16
}

#[inline]
const fn epoch(bits: u64) -> u32 {
    (bits >> EPOCH & 0xff_ffff) as u32
}

impl ReadOp {
    /// [`Event::Read`], packed.
    #[inline]
    pub(crate) const fn effect(self) -> u64 {
        KIND_READ | self.pack()
    }

    /// [`Event::ReadTimeout`], packed.
    #[inline]
    pub(crate) const fn time_out(self) -> u64 {
        2 | self.pack()
    }

    #[inline]
    pub(crate) const fn pack(self) -> u64 {
        let rule = match self.rule {
            Some(rule) => rule as u64,
            None => NO_RULE,
        };
        (self.agent.0 as u64) << AGENT
            | (self.store.0 as u64) << STORE
            | (self.owner.0 as u64) << OWNER
            | (self.incarnation as u64) << INCARNATION
            | (self.epoch as u64) << EPOCH
            | rule << RULE
    }

    #[inline]
    pub(crate) const fn unpack(bits: u64) -> Self {
        let rule = bits >> RULE;
        Self {
            agent: agent(bits),
            incarnation: incarnation(bits),
            store: store(bits),
            owner: AgentId((bits >> OWNER & 0x7f) as u16),
            epoch: epoch(bits),
            rule: if rule == NO_RULE {
                None
            } else {
                Some(rule as u8)
            },
        }
    }
}

impl Event {
    /// The event as 64 bits.
    #[inline]
    pub(crate) const fn pack(self) -> u64 {
        match self {
            Self::Read(op) => op.effect(),
            Self::Write { pending } => effect_of_write(pending),
            Self::ReadTimeout(op) => op.time_out(),
            Self::WriteTimeout {
                agent,
                incarnation,
                store,
                epoch,
                attempt,
            } => {
                3 | who(agent, incarnation)
                    | (store.0 as u64) << STORE
                    | (epoch as u64) << EPOCH
                    | (attempt as u64) << OWNER
            }
            Self::Start {
                agent,
                incarnation,
                epoch,
            } => 4 | who(agent, incarnation) | (epoch as u64) << EPOCH,
            Self::Restart {
                agent,
                incarnation,
                unfenced,
            } => 5 | who(agent, incarnation) | (unfenced as u64) << EPOCH,
            Self::Wake { agent, count } => 6 | who(agent, 0) | (count as u64) << EPOCH,
            Self::StoreUp { store, count } => {
                7 | (store.0 as u64) << STORE | (count as u64) << EPOCH
            }
            Self::StoreFast { store, count } => {
                8 | (store.0 as u64) << STORE | (count as u64) << EPOCH
            }
            Self::Trigger { rule } => 0x9 | (rule as u64) << RULE,
            Self::TriggerEnd { rule } => 0xa | (rule as u64) << RULE,
            Self::Heal => 11,
            Self::StallCheck => 12,
            Self::Op { flight } => 0xd | OP_OF_OBJECTS | (flight as u64) << EPOCH,
            Self::Due { due } => 0xd | DUE_OF_OBJECTS | (due as u64) << EPOCH,
            // What kind of turn it is stands where others have an agent; the 16 bits of its count where they have an
            // owner, and on.
            Self::Client {
                client,
                count,
                turn,
            } => 15 | (turn as u64) << AGENT | (count as u64) << OWNER | (client as u64) << EPOCH,
        }
    }

    /// The event that [`Event::pack`] packed.
    #[inline]
    pub(crate) fn unpack(bits: u64) -> Self {
        let (agent, incarnation, store) = (agent(bits), incarnation(bits), store(bits));
        let word = (bits >> EPOCH) as u32;
        let epoch = epoch(bits);
        match kind(bits) {
            KIND_READ => Self::Read(ReadOp::unpack(bits)),
            KIND_WRITE => Self::Write { pending: word },
            2 => Self::ReadTimeout(ReadOp::unpack(bits)),
            3 => {
                let attempt = (bits >> OWNER & 0x7f) as u8;
                Self::WriteTimeout {
                    agent,
                    incarnation,
                    store,
                    epoch,
                    attempt,
                }
            }
            4 => Self::Start {
                agent,
                incarnation,
                epoch,
            },
            5 => Self::Restart {
                agent,
                incarnation,
                unfenced: word & 1 == 1,
            },
            6 => Self::Wake {
                agent,
                count: word as u16,
            },
            7 => Self::StoreUp {
                store,
                count: word as u16,
            },
            8 => Self::StoreFast {
                store,
                count: word as u16,
            },
            0x9 => Self::Trigger {
                rule: (bits >> RULE) as u8,
            },
            0xa => Self::TriggerEnd {
                rule: (bits >> RULE) as u8,
            },
            11 => Self::Heal,
            12 => Self::StallCheck,
            0xd if bits & WHICH == OP_OF_OBJECTS => Self::Op { flight: word },
            0xd if bits & WHICH == DUE_OF_OBJECTS => Self::Due { due: word },
            _ => Self::Client {
                client: word,
                count: (bits >> OWNER) as u16,
                turn: match bits >> AGENT & 3 {
                    0 => Turn::Next,
                    1 => Turn::Again,
                    _ => Turn::Request,
                },
            },
        }
    }
}

/// [`Event::Write`], packed.
#[inline]
pub(crate) const fn effect_of_write(pending: u32) -> u64 {
    KIND_WRITE | (pending as u64) << EPOCH
}

const fn who(agent: AgentId, incarnation: u16) -> u64 {
    (agent.0 as u64) << AGENT | (incarnation as u64) << INCARNATION
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_unpacks_to_itself() {
        let (agent, store, incarnation, epoch) = (AgentId(127), StoreId(15), 1023, 0xff_fffe);
        let op = ReadOp {
            agent,
            incarnation,
            store,
            owner: AgentId(126),
            epoch,
            rule: Some(254),
        };
        let events = [
            Event::Read(op),
            Event::Read(ReadOp { rule: None, ..op }),
            Event::Write { pending: u32::MAX },
            Event::ReadTimeout(op),
            Event::WriteTimeout {
                agent,
                incarnation,
                store,
                epoch,
                attempt: 7,
            },
            Event::Start {
                agent,
                incarnation,
                epoch,
            },
            Event::Restart {
                agent,
                incarnation,
                unfenced: true,
            },
            Event::Wake {
                agent,
                count: 65_535,
            },
            Event::StoreUp {
                store,
                count: 65_535,
            },
            Event::StoreFast { store, count: 1 },
            Event::Trigger { rule: 254 },
            Event::TriggerEnd { rule: 0 },
            Event::Heal,
            Event::StallCheck,
            Event::Op { flight: u32::MAX },
            Event::Due { due: 7 },
            Event::Client {
                client: u32::MAX,
                count: u16::MAX,
                turn: Turn::Next,
            },
            Event::Client {
                client: 0,
                count: 1,
                turn: Turn::Again,
            },
            Event::Client {
                client: 7,
                count: 0,
                turn: Turn::Request,
            },
        ];

        for event in events {
            assert_eq!(Event::unpack(event.pack()), event);
        }
    }
}
