//! The texts of the names of objects: a folder and a name in it.
//!
//! Fixed widths, so that the order of texts is the order of names. They are those of every earlier build.

use bivalent_core::{
    AgentId, Ballot, Folder, Incarnation, Name, ObjectName, Slot, SnapshotName, Version,
};

/// The text of a folder; nothing for what stands in none.
pub(crate) const fn folder(folder: Folder) -> &'static str {
    match folder {
        Folder::Top => "",
        Folder::Agents => "agents",
        Folder::Records => "records",
        Folder::Snapshots => "snapshots",
        Folder::Texts => "texts",
        Folder::Votes => "votes",
    }
}

/// The folder of that text.
pub(crate) fn folder_of(text: &str) -> Option<Folder> {
    let folders = [
        Folder::Agents,
        Folder::Records,
        Folder::Snapshots,
        Folder::Texts,
        Folder::Votes,
    ];
    folders.into_iter().find(|&known| folder(known) == text)
}

/// The text of a name in its folder.
pub(crate) fn text(name: ObjectName) -> String {
    match name {
        ObjectName::Identity => "charter".to_owned(),
        ObjectName::Version(agent, version) => format!("{:03}-{:016x}", agent.0, version.to_bits()),
        ObjectName::Start(agent, start) => format!("{:03}-{:04x}-start", agent.0, start.0),
        ObjectName::Record => "record".to_owned(),
        ObjectName::Trial => "trial".to_owned(),
        ObjectName::Snapshot(SnapshotName {
            slot,
            agent,
            incarnation,
        }) => format!("{:016x}-{:03}-{:04x}", slot.0, agent.0, incarnation.0),
        ObjectName::Text(agent, start) => format!("{:03}-{:04x}", agent.0, start.0),
        ObjectName::Vote(slot, ballot) => format!("{:016x}-{:016x}", slot.0, ballot.to_bits()),
    }
}

/// A key, as a frame's checksum covers it.
pub(crate) fn key(name: ObjectName) -> String {
    match folder(name.folder()) {
        "" => text(name),
        folder => format!("{folder}/{}", text(name)),
    }
}

/// The name that a text in a folder is; nothing for one that is none of ours.
pub(crate) fn parse(folder: Folder, text: &str) -> Option<ObjectName> {
    let name = read(folder, text)?;
    (self::text(name) == text).then_some(name)
}

fn read(folder: Folder, text: &str) -> Option<ObjectName> {
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    let start = |text: &str| Some(Incarnation(u16::from_str_radix(text, 16).ok()?));
    let agent = |text: &str| Some(AgentId(text.parse().ok()?));
    let (first, rest) = match folder {
        Folder::Top => return (text == "charter").then_some(ObjectName::Identity),
        Folder::Records => {
            return match text {
                "record" => Some(ObjectName::Record),
                "trial" => Some(ObjectName::Trial),
                _ => None,
            };
        }
        Folder::Agents | Folder::Snapshots | Folder::Texts | Folder::Votes => {
            text.split_once('-')?
        }
    };
    Some(match folder {
        Folder::Agents => match rest.strip_suffix("-start") {
            Some(rest) => ObjectName::Start(agent(first)?, start(rest)?),
            None => ObjectName::Version(agent(first)?, Version::from_bits(hex(rest)?)),
        },
        Folder::Texts => ObjectName::Text(agent(first)?, start(rest)?),
        Folder::Votes => ObjectName::Vote(Slot(hex(first)?), Ballot::from_bits(hex(rest)?)?),
        Folder::Snapshots => {
            let (owner, rest) = rest.split_once('-')?;
            ObjectName::Snapshot(SnapshotName {
                slot: Slot(hex(first)?),
                agent: agent(owner)?,
                incarnation: start(rest)?,
            })
        }
        Folder::Top | Folder::Records => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_others_are_left_alone() {
        let (agent, start) = (AgentId(127), Incarnation(65_535));
        for name in [
            ObjectName::Identity,
            ObjectName::Version(AgentId(2), Version::new(Incarnation(3), 17)),
            ObjectName::Start(agent, start),
            ObjectName::Record,
            ObjectName::Trial,
            ObjectName::Text(agent, start),
            ObjectName::Vote(Slot(9), Ballot::new(7, agent, start)),
            ObjectName::Snapshot(SnapshotName {
                slot: Slot(1024),
                agent,
                incarnation: start,
            }),
        ] {
            assert_eq!(parse(name.folder(), &text(name)), Some(name));
        }
        for other in [
            "",
            "002",
            "2-0000000000000001",
            "002-1",
            "002-1-start",
            ".DS_Store",
        ] {
            assert_eq!(parse(Folder::Agents, other), None, "{other}");
        }
        let vote = text(ObjectName::Vote(Slot(9), Ballot::new(7, agent, start)));
        assert_eq!(parse(Folder::Snapshots, &vote), None);
    }

    #[test]
    fn texts_are_those_of_earlier_builds() {
        let (agent, start) = (AgentId(2), Incarnation(3));
        let names = [
            ObjectName::Identity,
            ObjectName::Version(agent, Version::new(start, 17)),
            ObjectName::Start(agent, start),
            ObjectName::Record,
            ObjectName::Text(agent, start),
            ObjectName::Vote(Slot(9), Ballot::new(7, agent, start)),
            ObjectName::Snapshot(SnapshotName {
                slot: Slot(1024),
                agent,
                incarnation: start,
            }),
        ];
        assert_eq!(
            names.map(key),
            [
                "charter",
                "agents/002-0003000000000011",
                "agents/002-0003-start",
                "records/record",
                "texts/002-0003",
                "votes/0000000000000009-0000000007020003",
                "snapshots/0000000000000400-002-0003",
            ]
        );
    }
}
