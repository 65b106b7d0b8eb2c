//! What stands under a key of a log's store, for whoever looks at stores from outside: an oracle, a curious user.

use bivalent_core::{AgentId, Ballot, Incarnation, ObjectName, Slot, SnapshotName, Version};

use crate::{
    frame::{self, Kind},
    names::{folder_of, key, parse},
};

/// What stands under a key, without what only the machine can read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kept {
    /// An agent's head.
    Head {
        /// Whose.
        agent: AgentId,
        /// Which write of it.
        version: Version,
        /// What it promises: to take part in no ballot below.
        promise: Option<Ballot>,
    },
    /// A vote.
    Vote {
        /// For which slot.
        slot: Slot,
        /// In which ballot; it names the owner.
        ballot: Ballot,
    },
    /// A snapshot of everything before a slot.
    Snapshot(SnapshotName),
    /// The mark that a start of an agent has begun.
    Start(AgentId, Incarnation),
}

/// What the name `name` in the folder `folder` of a log holds; `None` if it is none of a log's, or not whole.
pub fn inspect(folder: &str, name: &str, bytes: &[u8]) -> Option<Kept> {
    let name = parse(folder_of(folder)?, name)?;
    let whole = |kind| frame::body(kind, &key(name), bytes);
    match name {
        #[cfg(feature = "planted-bugs")]
        ObjectName::Version(agent, version) if version == Version::default() => {
            let ((version, promise), _) = postcard::take_from_bytes(whole(Kind::Head)?).ok()?;
            Some(Kept::Head {
                agent,
                version,
                promise,
            })
        }
        ObjectName::Version(agent, version) => {
            // A head begins with its promise.
            let (promise, _) = postcard::take_from_bytes(whole(Kind::Head)?).ok()?;
            Some(Kept::Head {
                agent,
                version,
                promise,
            })
        }
        ObjectName::Start(agent, start) => whole(Kind::Start).map(|_| Kept::Start(agent, start)),
        ObjectName::Vote(slot, ballot) => whole(Kind::Vote).map(|_| Kept::Vote { slot, ballot }),
        ObjectName::Snapshot(name) => whole(Kind::Snapshot).map(|_| Kept::Snapshot(name)),
        ObjectName::Identity | ObjectName::Record | ObjectName::Trial | ObjectName::Text(..) => {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bivalent_core::{Head, Kv};

    #[test]
    fn a_head_shows_its_promise() {
        let promise = Some(Ballot::new(9, AgentId(1), Incarnation(2)));
        let head: Head<Kv<u8, u8>> = Head {
            mbal: promise,
            beat: 3,
            decided: Slot(4),
            floor: None,
            requests: [].into(),
        };
        let (agent, version) = (AgentId(1), Version::new(Incarnation(2), 7));
        let object = ObjectName::Version(agent, version);
        let bytes = frame::seal(Kind::Head, &key(object), &head).unwrap();
        let name = crate::names::text(object);

        assert_eq!(
            inspect("agents", &name, &bytes),
            Some(Kept::Head {
                agent,
                version,
                promise
            })
        );
        assert_eq!(inspect("votes", &name, &bytes), None);
        assert_eq!(inspect("agents", &name, &bytes[1..]), None);
    }
}
