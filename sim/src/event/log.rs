//! Events of a log's run: three of the kinds in 4 bits.

use bivalent_core::{AgentId, StoreId, Timer};

use super::{AGENT, EPOCH, OWNER, STORE, agent, incarnation, kind, store, who};

/// What can happen next in a log's run alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LogEvent {
    /// An operation in the slab takes effect; of a scan, its first half.
    Op { flight: u32 },
    /// The second half of a scan in the slab.
    Heads { flight: u32 },
    /// An operation has gone unanswered for as long as its agent waits.
    Timeout {
        agent: AgentId,
        incarnation: u16,
        store: StoreId,
        tag: u32,
    },
    /// An agent's alarm.
    Alarm {
        agent: AgentId,
        incarnation: u16,
        timer: Timer,
    },
    /// A client's turn; `count` tells its alarms from outdated ones.
    Client { client: u32, count: u16, turn: Turn },
}

/// What a client does next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Turn {
    /// It wants the next thing.
    Next,
    /// It has waited long enough.
    Again,
    /// Its request reaches an agent that stood still when it was made.
    Request,
}

const KIND_OP: u64 = 13;
const KIND_ALARM: u64 = 14;
const KIND_CLIENT: u64 = 15;

// Which of its kind an event is stands where others have an owner; a client's is where they have an agent, and the
// 16 bits of its count follow.
const COUNT: u32 = OWNER;

impl LogEvent {
    /// The event as 64 bits.
    #[inline]
    pub(crate) const fn pack(self) -> u64 {
        match self {
            Self::Op { flight } => KIND_OP | (flight as u64) << EPOCH,
            Self::Heads { flight } => KIND_OP | 1 << OWNER | (flight as u64) << EPOCH,
            Self::Timeout {
                agent,
                incarnation,
                store,
                tag,
            } => {
                KIND_ALARM
                    | who(agent, incarnation)
                    | (store.0 as u64) << STORE
                    | (tag as u64) << EPOCH
            }
            Self::Alarm {
                agent,
                incarnation,
                timer,
            } => {
                let which = match timer {
                    Timer::Tick => 1,
                    Timer::Stand => 2,
                };
                KIND_ALARM | who(agent, incarnation) | which << OWNER
            }
            Self::Client {
                client,
                count,
                turn,
            } => {
                KIND_CLIENT
                    | (turn as u64) << AGENT
                    | (count as u64) << COUNT
                    | (client as u64) << EPOCH
            }
        }
    }

    /// The event of one of these kinds.
    #[inline]
    pub(super) fn unpack(bits: u64) -> Self {
        let (agent, incarnation) = (agent(bits), incarnation(bits));
        let which = bits >> OWNER & 0x7f;
        let word = (bits >> EPOCH) as u32;
        match (kind(bits), which) {
            (KIND_OP, 0) => Self::Op { flight: word },
            (KIND_OP, _) => Self::Heads { flight: word },
            (KIND_ALARM, 0) => Self::Timeout {
                agent,
                incarnation,
                store: store(bits),
                tag: word,
            },
            (KIND_ALARM, 1) => Self::Alarm {
                agent,
                incarnation,
                timer: Timer::Tick,
            },
            (KIND_ALARM, _) => Self::Alarm {
                agent,
                incarnation,
                timer: Timer::Stand,
            },
            _ => Self::Client {
                client: word,
                count: (bits >> COUNT) as u16,
                turn: match bits >> AGENT & 3 {
                    0 => Turn::Next,
                    1 => Turn::Again,
                    _ => Turn::Request,
                },
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Event, *};

    #[test]
    fn every_event_unpacks_to_itself() {
        let (agent, store, incarnation) = (AgentId(127), StoreId(15), 1023);
        let client = |client, count, turn| LogEvent::Client {
            client,
            count,
            turn,
        };
        let events = [
            LogEvent::Op { flight: u32::MAX },
            LogEvent::Heads { flight: 3 },
            LogEvent::Heads { flight: u32::MAX },
            LogEvent::Timeout {
                agent,
                incarnation,
                store,
                tag: u32::MAX,
            },
            LogEvent::Alarm {
                agent,
                incarnation,
                timer: Timer::Tick,
            },
            LogEvent::Alarm {
                agent,
                incarnation,
                timer: Timer::Stand,
            },
            client(u32::MAX, u16::MAX, Turn::Next),
            client(u32::MAX, 0, Turn::Again),
            client(0, u16::MAX, Turn::Request),
        ];

        for event in events.map(Event::Log) {
            assert_eq!(Event::unpack(event.pack()), event);
        }
    }
}
