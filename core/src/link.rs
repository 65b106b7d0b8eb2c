//! What an agent remembers of one store: what it read there in this phase, and its own writes.

use crate::{BlockTag, Incarnation, Version};

/// Tries that are told apart; each unanswered one is a bit of `Link::unanswered`. Later ones share
/// the last one's number, and then no answer proves that none of them is still on its way.
pub(crate) const ATTEMPTS_MAX: u8 = 8;

/// One agent's dealings with one store.
///
/// `seen` is the paper's `blocksRead` reduced to what later steps use: whose blocks were read.
/// It is reset at every phase start; all else lives as long as the incarnation.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) struct Link {
    /// Agents whose block was read in this phase.
    pub(crate) seen: u128,
    /// Our newest write here, as far as known.
    pub(crate) version: Version,
    /// The phase of our newest write here.
    pub(crate) epoch: u32,
    /// The attempts of our newest write that have had no answer, one bit each.
    pub(crate) unanswered: u8,
    /// How many attempts of our newest write there were, at most one more than are told apart.
    pub(crate) attempts: u8,
    /// A write of the current block waits until this place is free.
    pub(crate) waiting: bool,
    /// Whether `version` is known: always, unless we were restarted and have not read our block.
    pub(crate) open: bool,
}

impl Link {
    /// A link of an agent that never wrote here.
    pub(crate) const FRESH: Self = Self {
        seen: 0,
        version: Version::NEVER,
        epoch: 0,
        unanswered: 0,
        attempts: 0,
        waiting: false,
        open: true,
    };

    /// A link of a restarted agent, which does not know what it wrote here.
    pub(crate) const CLOSED: Self = Self {
        open: false,
        ..Self::FRESH
    };

    /// Takes note of a new write and names its version.
    pub(crate) const fn begin_write(&mut self, epoch: u32, incarnation: Incarnation) -> Version {
        self.version = self.version.next(incarnation);
        self.epoch = epoch;
        self.attempts = 1;
        self.unanswered = 1;
        self.waiting = false;
        self.version
    }

    /// Takes note of one more try with the same bytes and names its attempt.
    pub(crate) const fn retry_write(&mut self) -> u8 {
        if self.attempts <= ATTEMPTS_MAX {
            self.attempts += 1;
        }
        let attempt = if self.attempts > ATTEMPTS_MAX {
            ATTEMPTS_MAX - 1
        } else {
            self.attempts - 1
        };
        self.unanswered |= 1 << attempt;
        attempt
    }

    /// Takes an answer; false if it is not one that is waited for (a duplicate, or one that a
    /// versioned write has overtaken).
    pub(crate) const fn answered(&mut self, epoch: u32, attempt: u8) -> bool {
        let bit = 1 << attempt;
        if self.epoch != epoch || self.unanswered & bit == 0 {
            return false;
        }
        let shared = self.attempts > ATTEMPTS_MAX && attempt == ATTEMPTS_MAX - 1;
        if !shared {
            self.unanswered &= !bit;
        }
        true
    }

    /// Our newest write here, if it has had no answer at all.
    pub(crate) fn silent_write(&self) -> Option<BlockTag> {
        (self.unanswered != 0).then_some(BlockTag::Write {
            epoch: self.epoch,
            attempt: 0,
        })
    }
}
