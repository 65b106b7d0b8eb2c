//! What the sectors of a disk hold, and which of a pair counts.

use alloc::sync::Arc;

use crate::{BlockBody, Half, Identity, Incarnation};

/// A sector as it was read.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum DiskSector {
    /// All zeros: never written.
    Blank,
    /// Whole.
    Holds(DiskContent),
    /// Neither: it was torn, or has rotted, or was never ours, or is another place's.
    Unreadable,
}

/// What a sector holds that is whole.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum DiskContent {
    /// What the store says of the system it belongs to.
    Identity(Identity),
    /// What stands in the identity's place and is no identity that an agent of this build writes.
    Strange(Arc<str>),
    /// The record of a start.
    Start(StartRecord),
    /// A version of a block.
    Slot(BlockBody),
    /// The text of a start.
    Text(Incarnation, Arc<str>),
}

/// The record of an agent's start.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct StartRecord {
    /// Which start.
    pub start: Incarnation,
    /// Tells apart who made it.
    pub nonce: u64,
}

/// What a pair of sectors comes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Latest<T> {
    Nothing,
    Is(T),
    Unreadable,
}

/// The greatest of the two records of an agent's starts.
///
/// One sector that can't be read is one that was being written when the writer died: that record was not counted yet. Two are
/// more than one death explains.
pub(super) fn latest_start(first: &DiskSector, second: &DiskSector) -> Latest<StartRecord> {
    match (start_of(first), start_of(second)) {
        (Latest::Is(first), Latest::Is(second)) => Latest::Is(first.max(second)),
        (Latest::Is(only), _) | (_, Latest::Is(only)) => Latest::Is(only),
        (Latest::Unreadable, Latest::Unreadable) => Latest::Unreadable,
        (Latest::Nothing, _) | (_, Latest::Nothing) => Latest::Nothing,
    }
}

/// The halves in the order in which a new record goes into them: first the one without the greatest, so that the greatest
/// stands until the new one does.
pub(super) fn order_of_starts(first: &DiskSector, second: &DiskSector) -> [Half; 2] {
    let held = |sector| match start_of(sector) {
        Latest::Is(record) => Some(record),
        Latest::Nothing | Latest::Unreadable => None,
    };
    if held(first) > held(second) {
        [Half::Second, Half::First]
    } else {
        [Half::First, Half::Second]
    }
}

fn start_of(sector: &DiskSector) -> Latest<StartRecord> {
    match sector {
        DiskSector::Blank => Latest::Nothing,
        DiskSector::Holds(DiskContent::Start(record)) => Latest::Is(*record),
        DiskSector::Holds(
            DiskContent::Identity(_)
            | DiskContent::Strange(_)
            | DiskContent::Slot(_)
            | DiskContent::Text(..),
        )
        | DiskSector::Unreadable => Latest::Unreadable,
    }
}

/// The newest version in the two slots of a block; nothing if neither can be read. Never written is the default block.
///
/// One slot that can't be read is one that was being written when the writer died: the other one is the block.
pub(super) fn newest_block(first: &DiskSector, second: &DiskSector) -> Option<BlockBody> {
    match (block_of(first), block_of(second)) {
        (Some(first), Some(second)) => Some(if first.version > second.version {
            first
        } else {
            second
        }),
        (only, None) | (None, only) => only,
    }
}

fn block_of(sector: &DiskSector) -> Option<BlockBody> {
    match sector {
        DiskSector::Blank => Some(BlockBody::default()),
        DiskSector::Holds(DiskContent::Slot(body)) => Some(*body),
        DiskSector::Holds(
            DiskContent::Identity(_)
            | DiskContent::Strange(_)
            | DiskContent::Start(_)
            | DiskContent::Text(..),
        )
        | DiskSector::Unreadable => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Block, Version};

    const BLANK: DiskSector = DiskSector::Blank;
    const TORN: DiskSector = DiskSector::Unreadable;

    fn start(number: u64) -> DiskSector {
        DiskSector::Holds(DiskContent::Start(record(number)))
    }

    const fn record(number: u64) -> StartRecord {
        StartRecord {
            start: Incarnation(number),
            nonce: 7,
        }
    }

    fn slot(count: u64) -> DiskSector {
        DiskSector::Holds(DiskContent::Slot(body(count)))
    }

    fn body(count: u64) -> BlockBody {
        BlockBody {
            version: Version::new(Incarnation(0), count),
            block: Block::default(),
        }
    }

    #[test]
    fn the_greatest_start_counts_and_only_two_torn_ones_are_none() {
        assert_eq!(latest_start(&start(1), &start(2)), Latest::Is(record(2)));
        assert_eq!(latest_start(&start(2), &start(1)), Latest::Is(record(2)));
        assert_eq!(latest_start(&TORN, &start(1)), Latest::Is(record(1)));
        assert_eq!(latest_start(&start(1), &BLANK), Latest::Is(record(1)));
        assert_eq!(latest_start(&BLANK, &TORN), Latest::Nothing);
        assert_eq!(latest_start(&BLANK, &BLANK), Latest::Nothing);
        assert_eq!(latest_start(&TORN, &TORN), Latest::Unreadable);
        assert_eq!(latest_start(&TORN, &slot(1)), Latest::Unreadable);
    }

    #[test]
    fn a_new_start_goes_first_where_the_greatest_does_not_stand() {
        let forward = [Half::First, Half::Second];
        let backward = [Half::Second, Half::First];
        assert_eq!(order_of_starts(&BLANK, &BLANK), forward);
        assert_eq!(order_of_starts(&start(1), &start(1)), forward);
        assert_eq!(order_of_starts(&start(1), &start(2)), forward);
        assert_eq!(order_of_starts(&TORN, &start(1)), forward);
        assert_eq!(order_of_starts(&start(2), &start(1)), backward);
        assert_eq!(order_of_starts(&start(1), &TORN), backward);
        assert_eq!(order_of_starts(&start(1), &BLANK), backward);
    }

    #[test]
    fn the_newest_slot_counts_and_only_two_torn_ones_are_no_block() {
        assert_eq!(newest_block(&slot(2), &slot(1)), Some(body(2)));
        assert_eq!(newest_block(&slot(2), &slot(3)), Some(body(3)));
        assert_eq!(newest_block(&TORN, &slot(1)), Some(body(1)));
        assert_eq!(newest_block(&BLANK, &slot(1)), Some(body(1)));
        assert_eq!(newest_block(&BLANK, &TORN), Some(BlockBody::default()));
        assert_eq!(newest_block(&TORN, &TORN), None);
        assert_eq!(newest_block(&TORN, &start(1)), None);
    }
}
