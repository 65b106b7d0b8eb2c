//! The names of the objects that a layout keeps in a bucket, ordered as their texts are.

use core::cmp::Ordering;

use crate::{AgentId, Ballot, Incarnation, MAX_AGENTS, Name, Slot, SnapshotName, Version};

/// Agents are four decimal digits in the texts of names.
const _: () = assert!(MAX_AGENTS <= 10_000);

/// The name of an object.
///
/// Its text is made where bytes are (a driver); the order here is the order of those texts, so that a listing in pages
/// means the same to both. Fixed widths see to it: the newest version of an agent is the last of its versions.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ObjectName {
    /// What the store says of the system it belongs to.
    Identity,
    /// The record that a start of an agent has begun.
    Start(AgentId, Incarnation),
    /// What an agent overwrites: a block of one decision, a head of a log. Each write has a name of its own.
    Version(AgentId, Version),
    /// The one record that all agents share.
    Record,
    /// What conditions are tried on.
    Trial,
    /// A snapshot of a log.
    Snapshot(SnapshotName),
    /// The text that a start of an agent proposes.
    Text(AgentId, Incarnation),
    /// A vote for a slot of a log.
    Vote(Slot, Ballot),
}

/// A folder of objects: what is listed.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Folder {
    /// What agents overwrite, and the records of their starts: whoever looks for the one sees the other.
    Agents,
    /// What stands in no folder.
    Top,
    /// The shared record, and the trial beside it.
    Records,
    /// Snapshots.
    Snapshots,
    /// Texts.
    Texts,
    /// Votes.
    Votes,
}

impl ObjectName {
    /// What the order of texts comes down to.
    fn key(self) -> (Folder, u64, u64, u64, u64) {
        let folder = self.folder();
        let of = |a, b, c, d| (folder, a, b, c, d);
        match self {
            Self::Identity | Self::Record => of(0, 0, 0, 0),
            Self::Trial => of(1, 0, 0, 0),
            // A start is the beginning of the versions that it writes.
            Self::Start(agent, start) | Self::Text(agent, start) => {
                of(agent.0.into(), start.0, 0, 0)
            }
            Self::Version(agent, version) => {
                of(agent.0.into(), version.incarnation().0, 1, version.count())
            }
            Self::Snapshot(name) => {
                let SnapshotName {
                    slot,
                    agent,
                    incarnation,
                } = name;
                of(slot.0, agent.0.into(), incarnation.0, 0)
            }
            Self::Vote(slot, ballot) => {
                let [turn, start] = ballot.to_words();
                of(slot.0, turn, start, 0)
            }
        }
    }
}

impl Ord for ObjectName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for ObjectName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Name for ObjectName {
    type Folder = Folder;

    fn folder(&self) -> Folder {
        match self {
            Self::Identity => Folder::Top,
            Self::Start(..) | Self::Version(..) => Folder::Agents,
            Self::Record | Self::Trial => Folder::Records,
            Self::Snapshot(_) => Folder::Snapshots,
            Self::Text(..) => Folder::Texts,
            Self::Vote(..) => Folder::Votes,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::String};

    use proptest::prelude::*;

    use super::*;

    /// The text under which a driver keeps it.
    fn text(name: ObjectName) -> String {
        match name {
            ObjectName::Identity => "charter".into(),
            ObjectName::Start(agent, start) => {
                format!("agents/{:04}-{:016x}", agent.0, start.0)
            }
            ObjectName::Version(agent, version) => {
                let (start, count) = (version.incarnation().0, version.count());
                format!("agents/{:04}-{start:016x}-{count:016x}", agent.0)
            }
            ObjectName::Record => "records/record".into(),
            ObjectName::Trial => "records/trial".into(),
            ObjectName::Snapshot(SnapshotName {
                slot,
                agent,
                incarnation,
            }) => format!(
                "snapshots/{:016x}-{:04}-{:016x}",
                slot.0, agent.0, incarnation.0
            ),
            ObjectName::Text(agent, start) => {
                format!("texts/{:04}-{:016x}", agent.0, start.0)
            }
            ObjectName::Vote(slot, ballot) => {
                let (round, start) = (ballot.round(), ballot.incarnation().0);
                let agent = ballot.agent().0;
                format!("votes/{:016x}-{round:012x}-{agent:04}-{start:016x}", slot.0)
            }
        }
    }

    fn name() -> impl Strategy<Value = ObjectName> {
        let agent = prop_oneof![0..3_u16, 98..102_u16, 998..1_002_u16, Just(9_999)];
        let agent = agent.prop_map(AgentId);
        let start = prop_oneof![0..3_u64, 0xff0..0x1010_u64, Just(u64::MAX)];
        let start = start.prop_map(Incarnation);
        let number = prop_oneof![0..4_u64, 0xfff0..0x1_0010_u64, any::<u64>()];
        (0..8_u8, agent, start, number).prop_map(|(kind, agent, start, number)| match kind {
            0 => ObjectName::Identity,
            1 => ObjectName::Start(agent, start),
            2 => ObjectName::Version(agent, Version::new(start, number)),
            3 => ObjectName::Record,
            4 => ObjectName::Trial,
            5 => ObjectName::Snapshot(SnapshotName {
                slot: Slot(number),
                agent,
                incarnation: start,
            }),
            6 => ObjectName::Text(agent, start),
            _ => {
                let round = number.clamp(1, Ballot::ROUND_MAX);
                ObjectName::Vote(Slot(number % 7), Ballot::new(round, agent, start))
            }
        })
    }

    proptest! {
        #[test]
        fn names_are_ordered_as_their_texts(x in name(), y in name()) {
            prop_assert_eq!(x.cmp(&y), text(x).cmp(&text(y)));
            prop_assert_eq!(x == y, text(x) == text(y));
        }
    }
}
