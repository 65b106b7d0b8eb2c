//! Events of a log's run, packed, and the operations that they speak of.

use bivalent_core::{AgentId, StoreId};

/// Things under small numbers, freed and used again.
#[derive(Clone, Debug)]
pub(super) struct Slab<T> {
    things: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            things: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slab<T> {
    pub(super) fn clear(&mut self) {
        self.things.clear();
        self.free.clear();
    }

    pub(super) fn put(&mut self, thing: T) -> u32 {
        if let Some(index) = self.free.pop() {
            self.things[index as usize] = Some(thing);
            return index;
        }
        self.things.push(Some(thing));
        self.things.len() as u32 - 1
    }

    /// Whether any of them is such.
    pub(super) fn any(&self, such: impl Fn(&T) -> bool) -> bool {
        self.things.iter().flatten().any(such)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.things.iter().flatten()
    }

    pub(super) fn get(&self, index: u32) -> &T {
        self.things[index as usize]
            .as_ref()
            .expect("an event speaks only of what is in flight")
    }

    pub(super) fn get_mut(&mut self, index: u32) -> &mut T {
        self.things[index as usize]
            .as_mut()
            .expect("an event speaks only of what is in flight")
    }

    pub(super) fn free(&mut self, index: u32) {
        self.things[index as usize] = None;
        self.free.push(index);
    }
}

/// What can happen next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Event {
    /// An operation takes effect; of a scan, its first half.
    Op { flight: u32 },
    /// The second half of a scan.
    Heads { flight: u32 },
    /// An operation has had no answer for long.
    Timeout {
        agent: AgentId,
        incarnation: u16,
        store: StoreId,
        tag: u32,
    },
    /// An agent's clock has gone once round.
    Tick { agent: AgentId, incarnation: u16 },
    /// An agent's pause before standing is over.
    Stand { agent: AgentId, incarnation: u16 },
    /// A client wants the next thing.
    Next { client: u32, count: u16 },
    /// A client has waited long enough.
    Again { client: u32, count: u16 },
    /// A client's request reaches an agent that stood still when it was made.
    Request { client: u32, count: u16 },
    /// A crashed agent comes back.
    Restart { agent: AgentId, incarnation: u16 },
    /// A paused agent goes on.
    Wake { agent: AgentId, count: u16 },
    /// An outage ends.
    StoreUp { store: StoreId, count: u16 },
    /// A store's slowness ends.
    StoreFast { store: StoreId, count: u16 },
    /// A rule's time has come.
    Trigger { rule: u8 },
    /// A rule's time is over.
    TriggerEnd { rule: u8 },
    /// From here on: no faults.
    Heal,
    /// Has nobody been answered for too long?
    StallCheck,
}

/// Where the store of an operation that timed out stands: above the kind.
const STORE: u32 = 60;

const fn pack(kind: u64, small: u8, middle: u16, large: u32) -> u64 {
    kind << 56 | (small as u64) << 48 | (middle as u64) << 32 | large as u64
}

impl Event {
    pub(super) const fn pack(self) -> u64 {
        match self {
            Self::Op { flight } => pack(0, 0, 0, flight),
            Self::Heads { flight } => pack(1, 0, 0, flight),
            Self::Timeout {
                agent,
                incarnation,
                store,
                tag,
            } => (store.0 as u64) << STORE | pack(2, agent.0, incarnation, tag),
            Self::Tick { agent, incarnation } => pack(3, agent.0, incarnation, 0),
            Self::Stand { agent, incarnation } => pack(4, agent.0, incarnation, 0),
            Self::Next { client, count } => pack(5, 0, count, client),
            Self::Again { client, count } => pack(6, 0, count, client),
            Self::Restart { agent, incarnation } => pack(7, agent.0, incarnation, 0),
            Self::Wake { agent, count } => pack(8, agent.0, count, 0),
            Self::StoreUp { store, count } => pack(9, store.0, count, 0),
            Self::StoreFast { store, count } => pack(10, store.0, count, 0),
            Self::Trigger { rule } => pack(11, rule, 0, 0),
            Self::TriggerEnd { rule } => pack(12, rule, 0, 0),
            Self::Request { client, count } => pack(15, 0, count, client),
            Self::Heal => pack(13, 0, 0, 0),
            Self::StallCheck => pack(14, 0, 0, 0),
        }
    }

    /// What a fingerprint takes of an event: not the store of an operation that timed out, for its tag says which
    /// it is.
    pub(super) const fn print(bits: u64) -> u64 {
        bits & ((1 << STORE) - 1)
    }

    pub(super) const fn unpack(bits: u64) -> Self {
        let (small, middle, large) = ((bits >> 48) as u8, (bits >> 32) as u16, bits as u32);
        let (agent, store) = (AgentId(small), StoreId(small));
        match bits << 4 >> 60 {
            0 => Self::Op { flight: large },
            1 => Self::Heads { flight: large },
            2 => Self::Timeout {
                agent,
                incarnation: middle,
                store: StoreId((bits >> STORE) as u8),
                tag: large,
            },
            3 => Self::Tick {
                agent,
                incarnation: middle,
            },
            4 => Self::Stand {
                agent,
                incarnation: middle,
            },
            5 => Self::Next {
                client: large,
                count: middle,
            },
            6 => Self::Again {
                client: large,
                count: middle,
            },
            7 => Self::Restart {
                agent,
                incarnation: middle,
            },
            8 => Self::Wake {
                agent,
                count: middle,
            },
            9 => Self::StoreUp {
                store,
                count: middle,
            },
            10 => Self::StoreFast {
                store,
                count: middle,
            },
            11 => Self::Trigger { rule: small },
            12 => Self::TriggerEnd { rule: small },
            13 => Self::Heal,
            15 => Self::Request {
                client: large,
                count: middle,
            },
            _ => Self::StallCheck,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_there_and_back() {
        let (agent, store) = (AgentId(127), StoreId(15));
        let all = [
            Event::Op { flight: u32::MAX },
            Event::Heads { flight: 3 },
            Event::Timeout {
                agent,
                incarnation: u16::MAX,
                store,
                tag: u32::MAX,
            },
            Event::Tick {
                agent,
                incarnation: 2,
            },
            Event::Stand {
                agent,
                incarnation: 2,
            },
            Event::Next {
                client: 128_000,
                count: u16::MAX,
            },
            Event::Again {
                client: 128_000,
                count: 9,
            },
            Event::Restart {
                agent,
                incarnation: 1,
            },
            Event::Wake { agent, count: 7 },
            Event::StoreUp { store, count: 7 },
            Event::StoreFast { store, count: 7 },
            Event::Trigger { rule: 200 },
            Event::TriggerEnd { rule: 200 },
            Event::Request {
                client: 128_000,
                count: 9,
            },
            Event::Heal,
            Event::StallCheck,
        ];
        for event in all {
            assert_eq!(Event::unpack(event.pack()), event);
        }
    }
}
