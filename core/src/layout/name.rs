//! The names of the objects that a layout keeps in a bucket, ordered as their texts are.

use core::cmp::Ordering;

use crate::{AgentId, Ballot, Incarnation, Name, Slot, SnapshotName, Version};

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
            // A start begins like the versions that it writes, and goes on with a hyphen, which is below all digits.
            Self::Start(agent, start) | Self::Text(agent, start) => {
                of(agent.0.into(), start.0.into(), 0, 0)
            }
            Self::Version(agent, version) => {
                let start = version.incarnation().0;
                of(agent.0.into(), start.into(), 1, version.count())
            }
            Self::Snapshot(name) => {
                let SnapshotName {
                    slot,
                    agent,
                    incarnation,
                } = name;
                of(slot.0, agent.0.into(), incarnation.0.into(), 0)
            }
            Self::Vote(slot, ballot) => of(slot.0, ballot.to_bits(), 0, 0),
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
                format!("agents/{:03}-{:04x}-start", agent.0, start.0)
            }
            ObjectName::Version(agent, version) => {
                format!("agents/{:03}-{:016x}", agent.0, version.to_bits())
            }
            ObjectName::Record => "records/record".into(),
            ObjectName::Trial => "records/trial".into(),
            ObjectName::Snapshot(SnapshotName {
                slot,
                agent,
                incarnation,
            }) => format!(
                "snapshots/{:016x}-{:03}-{:04x}",
                slot.0, agent.0, incarnation.0
            ),
            ObjectName::Text(agent, start) => format!("texts/{:03}-{:04x}", agent.0, start.0),
            ObjectName::Vote(slot, ballot) => {
                format!("votes/{:016x}-{:016x}", slot.0, ballot.to_bits())
            }
        }
    }

    fn name() -> impl Strategy<Value = ObjectName> {
        let small = 0..3_u16;
        let agent = prop_oneof![0..3_u8, 98..102_u8, 126..128_u8].prop_map(AgentId);
        let start = prop_oneof![small, 0xff0..0x1010_u16, Just(u16::MAX)].prop_map(Incarnation);
        let number = prop_oneof![0..4_u64, 0xfff0..0x1_0010_u64, 0..1_u64 << 47];
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
