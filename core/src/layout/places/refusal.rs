//! Why an operation on a disk has no answer.

use alloc::sync::Arc;

use super::place::DiskPlace;
use crate::{AgentId, Identity, Incarnation};

/// Why a [`DiskTask`](crate::DiskTask) came to nothing.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum DiskRefusal {
    /// The disk, or the way to it, failed ([`DiskReply::Failed`](crate::DiskReply::Failed)).
    Failed,
    /// The disk answered something that was not asked for.
    Unasked,
    /// The disk does not hold what it held.
    Lost(DiskLost),
    /// It is to be set up, or looked at for the first time, and holds something that no agent has written. Nothing was
    /// written.
    Foreign,
    /// What it says of itself is whole and no identity that this build knows.
    Strange(Arc<str>),
    /// It has no area for that agent.
    NoArea(AgentId),
    /// Neither of the records of an agent's starts can be read.
    StartsUnreadable(AgentId),
    /// Neither slot of an agent's block can be read.
    BlockUnreadable(AgentId),
    /// A text of an agent can't be read, and may be the one that was asked for.
    TextUnreadable(AgentId),
    /// Another text of the same start stands there. Nothing was written.
    OtherText(Incarnation),
    /// A later start of the same agent has begun. Nothing was written.
    Fenced {
        /// Which agent.
        agent: AgentId,
        /// The later start.
        by: Incarnation,
    },
    /// A text is too long for any disk. Nothing was written.
    TooLong {
        /// Its length, bytes; [`DISK_TEXT_MAX`](crate::DISK_TEXT_MAX) is the greatest that fits.
        length: usize,
    },
    /// There is no room for one more text of that agent, and never will be. Nothing was written.
    Full(AgentId),
    /// What belongs there is too long for a sector. Nothing was written.
    DoesNotFit(DiskPlace),
}

/// In what way a disk is not the one that it was.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum DiskLost {
    /// There is nothing under its name.
    Nothing,
    /// It was moved, removed or replaced.
    Moved,
    /// It ends before it should.
    Ends,
    /// It says nothing of itself: it was emptied.
    Blank,
    /// What it says of itself can't be read.
    Unreadable,
    /// It says that it belongs to another system, or to another place in the list.
    Other(Identity),
    /// It says something of itself that is no identity that this build knows.
    Strange(Arc<str>),
}
