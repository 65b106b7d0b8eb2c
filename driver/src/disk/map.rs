//! Where everything stands on a disk, and how a sector is written as bytes.

use bivalent_core::{AgentId, Format, Incarnation, Layout};
use serde::{Serialize, de::DeserializeOwned};

use crate::frame::{self, Kind};

/// The size of every sector, bytes.
pub(super) const SECTOR: usize = 4096;
/// Sectors of an agent's start mark: the same mark twice.
pub(super) const MARKS: usize = 2;
/// Sectors of an agent's block: two slots.
const SLOTS: usize = 2;
/// Texts that an agent can propose on one disk.
pub(super) const TEXTS: usize = 28;
/// Sectors of an agent's area.
const AREA: usize = MARKS + SLOTS + TEXTS;
/// The length of a frame stands before it.
const LENGTH: usize = 2;

/// The positions on a disk of so many agents. They do not depend on how many there are, so that a disk that was
/// set up for more or fewer still shows what it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Map {
    pub(super) agents: u8,
}

impl Map {
    /// The size of the whole, bytes.
    pub(super) fn size(self) -> u64 {
        self.start(usize::from(self.agents))
    }

    /// Where an agent's area begins, if it has one. Its marks come first, then its block.
    pub(super) fn area(self, agent: AgentId) -> Option<u64> {
        (agent.0 < self.agents).then(|| self.start(agent.index()))
    }

    /// Where an agent's block begins, from the beginning of its area on.
    pub(super) const fn block() -> u64 {
        (MARKS * SECTOR) as u64
    }

    /// Where an agent's texts begin, from the beginning of its area on.
    pub(super) const fn texts() -> u64 {
        ((MARKS + SLOTS) * SECTOR) as u64
    }

    #[expect(clippy::unused_self, reason = "a position on this disk")]
    const fn start(self, agent: usize) -> u64 {
        (SECTOR + agent * AREA * SECTOR) as u64
    }
}

/// How a block is written: two slots of a sector each.
pub(super) fn layout() -> Layout {
    let sector = SECTOR as u32;
    Layout::new(SLOTS as u32 * sector, sector, Format::Dual).expect("sizes that fit")
}

/// A sector as it was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Sector<T> {
    /// All zeros.
    Blank,
    /// Whole.
    Holds(T),
    /// Neither: it was torn, or has rotted, or was never ours.
    Unreadable,
}

/// The sector that holds `content` under `key`; nothing if it does not fit.
pub(super) fn seal(kind: Kind, key: &str, content: &impl Serialize) -> Option<Vec<u8>> {
    let frame = frame::seal(kind, key, content)?;
    let mut sector = vec![0; SECTOR];
    let length = u16::try_from(frame.len()).ok()?;
    sector[..LENGTH].copy_from_slice(&length.to_le_bytes());
    sector
        .get_mut(LENGTH..LENGTH + frame.len())?
        .copy_from_slice(&frame);
    Some(sector)
}

/// What a sector holds under `key`.
pub(super) fn open<T: DeserializeOwned>(kind: Kind, key: &str, sector: &[u8]) -> Sector<T> {
    if is_blank(sector) {
        return Sector::Blank;
    }
    let framed = || {
        let (length, rest) = sector.split_first_chunk::<LENGTH>()?;
        let frame = rest.get(..usize::from(u16::from_le_bytes(*length)))?;
        frame::open(kind, key, frame)
    };
    framed().map_or(Sector::Unreadable, Sector::Holds)
}

pub(super) fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}

/// The mark of a start: the start, and the nonce of who marked it.
pub(super) type Mark = (Incarnation, u64);

/// The greatest of an agent's marks in the two sectors at the front of `area`.
///
/// One sector that can't be read is one that was being written when the writer died: that mark was not counted
/// yet. Two are more than one death explains.
pub(super) fn greatest_mark(agent: AgentId, area: &[u8]) -> Sector<Mark> {
    let (first, second) = (mark(agent, area, 0), mark(agent, area, 1));
    match (first, second) {
        (Sector::Holds(first), Sector::Holds(second)) => Sector::Holds(first.max(second)),
        (Sector::Holds(only), _) | (_, Sector::Holds(only)) => Sector::Holds(only),
        (Sector::Unreadable, Sector::Unreadable) => Sector::Unreadable,
        (Sector::Blank, _) | (_, Sector::Blank) => Sector::Blank,
    }
}

/// The sectors in the order in which a new mark goes into them: first the one without the greatest.
pub(super) fn order_of_marks(agent: AgentId, area: &[u8]) -> [usize; MARKS] {
    let held = |sector| match mark(agent, area, sector) {
        Sector::Holds(mark) => Some(mark),
        Sector::Blank | Sector::Unreadable => None,
    };
    if held(0) > held(1) { [1, 0] } else { [0, 1] }
}

fn mark(agent: AgentId, area: &[u8], sector: usize) -> Sector<Mark> {
    let bytes = &area[sector * SECTOR..][..SECTOR];
    open(Kind::Start, &mark_key(agent), bytes)
}

pub(super) fn mark_key(agent: AgentId) -> String {
    format!("starts/{}", agent.0)
}

pub(super) fn text_key(agent: AgentId) -> String {
    format!("texts/{}", agent.0)
}

/// The key of the charter.
pub(super) const CHARTER: &str = "charter";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_follow_each_other_and_are_whole_sectors() {
        let map = Map { agents: 3 };

        assert_eq!(map.area(AgentId(0)), Some(4096));
        assert_eq!(map.area(AgentId(2)), Some(4096 + 2 * 131_072));
        assert_eq!(map.area(AgentId(3)), None);
        assert_eq!(map.size(), 4096 + 3 * 131_072);
        assert_eq!(Map::texts(), Map::block() + u64::from(layout().size()));
    }

    #[test]
    fn a_sector_is_blank_or_whole_or_neither() {
        let sector = seal(Kind::Text, "k", &"words").unwrap();
        let read = |bytes: &[u8]| open::<String>(Kind::Text, "k", bytes);

        assert_eq!(read(&sector), Sector::Holds("words".to_owned()));
        assert_eq!(read(&[0; SECTOR]), Sector::Blank);
        assert_eq!(read(&[255; SECTOR]), Sector::Unreadable);
        let mut torn = sector;
        torn[..8].fill(0);
        assert_eq!(read(&torn), Sector::Unreadable);
    }

    #[test]
    fn what_does_not_fit_into_a_sector_is_not_sealed() {
        assert!(seal(Kind::Text, "k", &"x".repeat(SECTOR)).is_none());
        assert!(seal(Kind::Text, "k", &"x".repeat(SECTOR * 32)).is_none());
    }
}
