//! The texts of the names of objects: a folder and a name in it.
//!
//! Fixed widths, so that the order of texts is the order of names: agents are four decimal digits, rounds twelve
//! hexadecimal ones, slots, starts and counts sixteen.

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
        ObjectName::Version(agent, version) => {
            format!(
                "{}-{:016x}",
                of(agent, version.incarnation()),
                version.count()
            )
        }
        ObjectName::Start(agent, start) | ObjectName::Text(agent, start) => of(agent, start),
        ObjectName::Record => "record".to_owned(),
        ObjectName::Trial => "trial".to_owned(),
        ObjectName::Snapshot(SnapshotName {
            slot,
            agent,
            incarnation,
        }) => format!("{:016x}-{}", slot.0, of(agent, incarnation)),
        ObjectName::Vote(slot, ballot) => {
            let owner = of(ballot.agent(), ballot.incarnation());
            format!("{:016x}-{:012x}-{owner}", slot.0, ballot.round())
        }
    }
}

/// A start of an agent.
fn of(agent: AgentId, start: Incarnation) -> String {
    format!("{:04}-{:016x}", agent.0, start.0)
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
    let of = |text: &str| {
        let (agent, start) = text.split_once('-')?;
        // No agent is started that often: such a name is none of ours.
        let start = hex(start).filter(|&start| start <= Incarnation::MAX.0)?;
        Some((AgentId(agent.parse().ok()?), Incarnation(start)))
    };
    match folder {
        Folder::Top => (text == "charter").then_some(ObjectName::Identity),
        Folder::Records => match text {
            "record" => Some(ObjectName::Record),
            "trial" => Some(ObjectName::Trial),
            _ => None,
        },
        Folder::Agents => match text.rsplit_once('-')? {
            (owner, count) if owner.contains('-') => {
                let (agent, start) = of(owner)?;
                let version = Version::new(start, hex(count)?);
                Some(ObjectName::Version(agent, version))
            }
            _ => of(text).map(|(agent, start)| ObjectName::Start(agent, start)),
        },
        Folder::Texts => of(text).map(|(agent, start)| ObjectName::Text(agent, start)),
        Folder::Votes => {
            let (slot, rest) = text.split_once('-')?;
            let (round, owner) = rest.split_once('-')?;
            let (agent, start) = of(owner)?;
            let round = hex(round).filter(|round| (1..=Ballot::ROUND_MAX).contains(round))?;
            let ballot = Ballot::new(round, agent, start);
            Some(ObjectName::Vote(Slot(hex(slot)?), ballot))
        }
        Folder::Snapshots => {
            let (slot, owner) = text.split_once('-')?;
            let (agent, incarnation) = of(owner)?;
            Some(ObjectName::Snapshot(SnapshotName {
                slot: Slot(hex(slot)?),
                agent,
                incarnation,
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_others_are_left_alone() {
        let (agent, start) = (AgentId(999), Incarnation::MAX);
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
            "0002-1",
            "0002-0000000000000001-1",
            // Beyond the last start.
            "0002-0001000000000000",
            "0002-0001000000000000-0000000000000001",
            "0002-ffffffffffffffff",
            // As the first format had them.
            "002-0003000000000011",
            "002-0003-start",
            ".DS_Store",
        ] {
            assert_eq!(parse(Folder::Agents, other), None, "{other}");
        }
        let vote = text(ObjectName::Vote(Slot(9), Ballot::new(7, agent, start)));
        assert_eq!(parse(Folder::Snapshots, &vote), None);
    }

    #[test]
    fn texts_are_pinned() {
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
                "agents/0002-0000000000000003-0000000000000011",
                "agents/0002-0000000000000003",
                "records/record",
                "texts/0002-0000000000000003",
                "votes/0000000000000009-000000000007-0002-0000000000000003",
                "snapshots/0000000000000400-0002-0000000000000003",
            ]
        );
    }
}
