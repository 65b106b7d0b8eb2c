//! The places of a disk: a sector each, in their order.

use core::cmp::Ordering;

use crate::{AgentId, Version};

/// How many texts of an agent a disk takes.
pub const DISK_TEXTS: u8 = 28;

/// Where an agent's slots begin in its area, sectors.
const SLOTS: u64 = 2;
/// Where its texts begin, sectors.
const TEXTS: u64 = 4;
/// The size of its area, sectors.
pub(super) const AREA: u64 = TEXTS + DISK_TEXTS as u64;

/// A place on a disk: one sector. Places are ordered as they follow each other there.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DiskPlace {
    /// What the store says of the system it belongs to.
    Identity,
    /// The record of an agent's latest start, which stands there twice.
    Start(AgentId, Half),
    /// A slot of an agent's block.
    Slot(AgentId, Half),
    /// One of an agent's texts, below [`DISK_TEXTS`].
    Text(AgentId, u8),
}

/// One of a pair of places.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Half {
    /// The one that comes first on the disk. Of slots: that of versions with an even count.
    First,
    /// The one after it.
    Second,
}

impl Half {
    /// The slot that a version is written into, as in a block of [`Format::Dual`](crate::Format::Dual).
    pub const fn of(version: Version) -> Self {
        if version.count().is_multiple_of(2) {
            Self::First
        } else {
            Self::Second
        }
    }

    const fn at(number: u64) -> Self {
        if number == 0 {
            Self::First
        } else {
            Self::Second
        }
    }
}

impl DiskPlace {
    /// How many places a disk of so many agents has.
    pub const fn count(agents: u16) -> u64 {
        1 + agents as u64 * AREA
    }

    /// Its position, sectors from the beginning of the disk. It does not depend on how many agents there are, so that a
    /// disk that was set up for more or fewer still shows what it is.
    pub const fn position(self) -> u64 {
        let (agent, place) = match self {
            Self::Identity => return 0,
            Self::Start(agent, half) => (agent, half as u64),
            Self::Slot(agent, half) => (agent, SLOTS + half as u64),
            Self::Text(agent, number) => (agent, TEXTS + number as u64),
        };
        Self::count(agent.0) + place
    }

    /// The place at that position, if any agent can have it.
    pub fn at(position: u64) -> Option<Self> {
        let Some(place) = position.checked_sub(1) else {
            return Some(Self::Identity);
        };
        let agent = AgentId(u16::try_from(place / AREA).ok()?);
        Some(match place % AREA {
            place @ 0..SLOTS => Self::Start(agent, Half::at(place)),
            place @ SLOTS..TEXTS => Self::Slot(agent, Half::at(place - SLOTS)),
            place => Self::Text(agent, (place - TEXTS) as u8),
        })
    }

    /// This place and those after it, so many in all.
    pub fn and_following(self, count: usize) -> impl Iterator<Item = Self> {
        let first = self.position();
        (first..).take(count).map_while(Self::at)
    }

    fn key(self) -> (u32, u8, u8) {
        match self {
            Self::Identity => (0, 0, 0),
            Self::Start(agent, half) => (u32::from(agent.0) + 1, 0, half as u8),
            Self::Slot(agent, half) => (u32::from(agent.0) + 1, 1, half as u8),
            Self::Text(agent, number) => (u32::from(agent.0) + 1, 2, number),
        }
    }
}

impl Ord for DiskPlace {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for DiskPlace {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, Incarnation, Layout};

    #[test]
    fn places_follow_each_other_in_their_order() {
        let count = DiskPlace::count(1_000);
        let mut before = None;
        for position in 0..count {
            let place = DiskPlace::at(position);
            assert_eq!(place.map(DiskPlace::position), Some(position));
            assert!(before < place, "{before:?} {place:?}");
            before = place;
        }
        assert_eq!(DiskPlace::at(1 + 65_536 * AREA), None);
    }

    #[test]
    fn the_places_of_an_agent_are_its_starts_its_slots_and_its_texts() {
        let agent = AgentId(3);
        let first = DiskPlace::Start(agent, Half::First);
        let mut area = first.and_following(AREA as usize);

        assert_eq!(first.position(), DiskPlace::count(3));
        assert_eq!(area.next(), Some(first));
        assert_eq!(area.next(), Some(DiskPlace::Start(agent, Half::Second)));
        assert_eq!(area.next(), Some(DiskPlace::Slot(agent, Half::First)));
        assert_eq!(area.next(), Some(DiskPlace::Slot(agent, Half::Second)));
        for number in 0..DISK_TEXTS {
            assert_eq!(area.next(), Some(DiskPlace::Text(agent, number)));
        }
        assert_eq!(area.next(), None);
    }

    #[test]
    fn a_version_has_the_slot_that_it_has_in_a_dual_block() {
        let layout = Layout::new(256, 64, Format::Dual).expect("sizes that fit");
        for count in 0..4 {
            let version = Version::new(Incarnation(3), count);
            let is_first = layout.slot(version).start == 0;
            assert_eq!(Half::of(version) == Half::First, is_first);
        }
    }
}
