//! Where the places of a disk stand, and how what they hold is written as bytes.

use bivalent_core::{
    AgentId, BlockBody, DiskContent, DiskPlace, DiskSector, Format, Half, Incarnation, Layout,
    Place, StartRecord, StoreId,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    content::{identity_text, parse_identity},
    frame::{self, Kind},
};

/// The size of every sector, bytes.
pub(super) const SECTOR: usize = 4096;
/// The length of a frame stands before it.
const LENGTH: usize = 2;
/// The key of the charter.
const CHARTER: &str = "charter";

/// Where a place begins, bytes from the beginning of the disk.
pub(super) const fn begin(place: DiskPlace) -> u64 {
    place.position() * SECTOR as u64
}

/// The size of a disk for so many agents, bytes.
pub(super) const fn size(agents: u16) -> u64 {
    DiskPlace::count(agents) * SECTOR as u64
}

/// The bytes of a sector that holds `content` in `place`; nothing if it does not fit.
pub(super) fn encode(store: StoreId, place: DiskPlace, content: &DiskContent) -> Option<Vec<u8>> {
    match content {
        DiskContent::Identity(identity) => seal(Kind::Charter, CHARTER, &identity_text(identity)),
        DiskContent::Strange(text) => seal(Kind::Charter, CHARTER, &&**text),
        DiskContent::Start(record) => {
            let (start, nonce) = (record.start, record.nonce);
            seal(Kind::Start, &key(place), &(start, nonce))
        }
        DiskContent::Text(start, text) => seal(Kind::Text, &key(place), &(start, &**text)),
        DiskContent::Slot(BlockBody { version, block }) => {
            let DiskPlace::Slot(owner, half) = place else {
                return None;
            };
            let (layout, place) = (layout(), Place { store, owner });
            let mut image = vec![0; layout.size() as usize];
            layout.encode(place, *version, *block, &mut image);
            let slot = image.get(layout.slot(*version))?;
            (half == Half::of(*version)).then(|| slot.to_vec())
        }
    }
}

/// What the bytes of a sector in `place` hold.
pub(super) fn decode(store: StoreId, place: DiskPlace, sector: &[u8]) -> DiskSector {
    if is_blank(sector) {
        return DiskSector::Blank;
    }
    let content = match place {
        DiskPlace::Identity => open::<String>(Kind::Charter, CHARTER, sector).map(|text| {
            parse_identity(&text)
                .map_or_else(|| DiskContent::Strange(text.into()), DiskContent::Identity)
        }),
        DiskPlace::Start(..) => {
            let record = open::<(Incarnation, u64)>(Kind::Start, &key(place), sector);
            record.map(|(start, nonce)| DiskContent::Start(StartRecord { start, nonce }))
        }
        DiskPlace::Slot(owner, _) => {
            let slot = layout().decode_slot(Place { store, owner }, sector);
            slot.ok()
                .map(|(block, version)| DiskContent::Slot(BlockBody { version, block }))
        }
        DiskPlace::Text(..) => {
            let text = open::<(Incarnation, String)>(Kind::Text, &key(place), sector);
            text.map(|(start, text)| DiskContent::Text(start, text.into()))
        }
    };
    content.map_or(DiskSector::Unreadable, DiskSector::Holds)
}

/// How a block is written: two slots of a sector each.
fn layout() -> Layout {
    let sector = SECTOR as u32;
    Layout::new(2 * sector, sector, Format::Dual).expect("sizes that fit")
}

/// The key that a place's checksum covers.
pub(super) fn key(place: DiskPlace) -> String {
    let of = |what, AgentId(agent)| format!("{what}/{agent}");
    match place {
        DiskPlace::Identity => CHARTER.to_owned(),
        DiskPlace::Start(agent, _) => of("starts", agent),
        DiskPlace::Slot(agent, _) => of("blocks", agent),
        DiskPlace::Text(agent, _) => of("texts", agent),
    }
}

/// The sector that holds `content` under `key`; nothing if it does not fit.
fn seal(kind: Kind, key: &str, content: &impl Serialize) -> Option<Vec<u8>> {
    let frame = frame::seal(kind, key, content)?;
    let mut sector = vec![0; SECTOR];
    let length = u16::try_from(frame.len()).ok()?;
    sector[..LENGTH].copy_from_slice(&length.to_le_bytes());
    sector
        .get_mut(LENGTH..LENGTH + frame.len())?
        .copy_from_slice(&frame);
    Some(sector)
}

/// What a sector holds under `key`; nothing if it was torn, or has rotted, or was never ours.
fn open<T: DeserializeOwned>(kind: Kind, key: &str, sector: &[u8]) -> Option<T> {
    let (length, rest) = sector.split_first_chunk::<LENGTH>()?;
    let frame = rest.get(..usize::from(u16::from_le_bytes(*length)))?;
    frame::open(kind, key, frame)
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use bivalent_core::{Ballot, Block, DISK_TEXT_MAX, Identity, Value, Version, Vote};

    use super::*;

    const A2: AgentId = AgentId(2);
    const STORE: StoreId = StoreId(1);

    fn contents() -> Vec<(DiskPlace, DiskContent)> {
        let identity = Identity {
            kind: Cow::Borrowed("decision"),
            agents: 3,
            stores: 3,
            quorum: 2,
            place: 1,
            system: 0,
        };
        let bal = Ballot::new(3, A2, Incarnation(1));
        let inp = Value(9);
        let slot = |count| {
            DiskContent::Slot(BlockBody {
                version: Version::new(Incarnation(1), count),
                block: Block {
                    mbal: Some(bal),
                    vote: Some(Vote { bal, inp }),
                },
            })
        };
        let record = StartRecord {
            start: Incarnation(7),
            nonce: u64::MAX,
        };
        let text = |length| DiskContent::Text(Incarnation::MAX, "x".repeat(length).into());
        vec![
            (DiskPlace::Identity, DiskContent::Identity(identity)),
            (
                DiskPlace::Identity,
                DiskContent::Strange("bivalent 3: else\n".into()),
            ),
            (
                DiskPlace::Start(A2, Half::Second),
                DiskContent::Start(record),
            ),
            (DiskPlace::Slot(A2, Half::First), slot(4)),
            (DiskPlace::Slot(A2, Half::Second), slot(5)),
            (DiskPlace::Text(A2, 3), text(0)),
            (DiskPlace::Text(A2, 27), text(DISK_TEXT_MAX)),
        ]
    }

    #[test]
    fn areas_follow_each_other_and_are_whole_sectors() {
        let area = |agent| begin(DiskPlace::Start(AgentId(agent), Half::First));

        assert_eq!(begin(DiskPlace::Identity), 0);
        assert_eq!(area(0), 4096);
        assert_eq!(area(2), 4096 + 2 * 131_072);
        assert_eq!(size(3), 4096 + 3 * 131_072);
        assert_eq!(begin(DiskPlace::Slot(A2, Half::First)), area(2) + 2 * 4096);
        assert_eq!(begin(DiskPlace::Text(A2, 0)), area(2) + 4 * 4096);
    }

    /// Every build can read what a disk says of itself, whatever else it writes in another way.
    #[test]
    fn how_a_charter_begins_never_changes() {
        let content = DiskContent::Strange("bivalent 9: else\n".into());
        let sector = encode(STORE, DiskPlace::Identity, &content).unwrap();

        assert_eq!(sector[LENGTH..][..6], *b"BVD\x01\x06\x11");
        assert_eq!(sector[LENGTH + 6..][..17], *b"bivalent 9: else\n");
    }

    #[test]
    fn what_is_written_into_a_place_is_read_there_and_nowhere_else() {
        for (place, content) in contents() {
            let sector = encode(STORE, place, &content).unwrap();
            assert_eq!(sector.len(), SECTOR);

            let holds = DiskSector::Holds(content);
            assert_eq!(decode(STORE, place, &sector), holds);
            for other in [
                DiskPlace::Identity,
                DiskPlace::Start(AgentId(1), Half::Second),
                DiskPlace::Slot(AgentId(1), Half::First),
                DiskPlace::Text(AgentId(1), 3),
            ] {
                if place != other {
                    assert_eq!(decode(STORE, other, &sector), DiskSector::Unreadable);
                }
            }
        }
    }

    #[test]
    fn a_sector_is_blank_or_whole_or_neither() {
        for (place, content) in contents() {
            let read = |bytes: &[u8]| decode(STORE, place, bytes);

            assert_eq!(read(&[0; SECTOR]), DiskSector::Blank);
            assert_eq!(read(&[255; SECTOR]), DiskSector::Unreadable);
            let mut torn = encode(STORE, place, &content).unwrap();
            torn[..8].fill(0);
            assert_eq!(read(&torn), DiskSector::Unreadable);
        }
    }

    #[test]
    fn what_does_not_fit_into_a_sector_is_not_written() {
        let place = DiskPlace::Text(A2, 0);
        let text = |length| DiskContent::Text(Incarnation(0), "x".repeat(length).into());

        assert!(encode(STORE, place, &text(SECTOR)).is_none());
        assert!(encode(STORE, place, &text(SECTOR * 32)).is_none());
    }

    #[test]
    fn a_version_is_not_written_into_the_other_slot() {
        for (place, content) in contents() {
            if let DiskPlace::Slot(owner, half) = place {
                let other = match half {
                    Half::First => Half::Second,
                    Half::Second => Half::First,
                };
                assert!(encode(STORE, DiskPlace::Slot(owner, other), &content).is_none());
            }
        }
    }
}
