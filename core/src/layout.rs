//! How the agents of protocols lie on buckets: names, listings, start records, the stores' identity.
//!
//! A protocol speaks of logical operations: read that agent's block, write my head, scan votes. [`OnObjects`] is an
//! agent that wraps one of a protocol and speaks of objects: get, put, delete, list. Before it starts the wrapped agent
//! it finds out whether the stores are its own and takes a start that no other process has; after that it carries the
//! agent's operations out, each as a small state machine ([`Laid`]). `docs/decisions/0012-one-contract-two-layers.md`
//! and `0011-real-stores.md` say why each step is there.
//!
//! Time: an object operation is timed out by the runner. The first one of a logical operation that has no answer is the
//! logical operation's time-out. A write goes on all the same, and so does a read whose answer still counts when it is
//! late: they are answered in the end, if the store answers. What failed is taken for silence of
//! [`Pause::Patience`](crate::Pause).
//!
//! A disk of fixed places has no objects. There each object operation is a state machine of its own, over sectors:
//! [`places`].

mod at;
mod blocks;
mod content;
mod gather;
mod house;
mod inner;
mod laid;
mod listing;
mod log;
mod name;
mod objects;
mod places;
mod routine;
mod said;
mod settle;
mod setup;
mod start;
mod text;
mod work;

pub use {
    at::At,
    blocks::{BlockBody, BlockTask},
    content::{Content, Identity},
    laid::{Call, Came, Laid, Next},
    listing::Listing,
    log::{LogBody, LogTask},
    name::{Folder, ObjectName},
    objects::OnObjects,
    places::{
        DISK_TEXT_MAX, DISK_TEXTS, DiskContent, DiskLost, DiskNext, DiskOp, DiskPlace, DiskRefusal,
        DiskReply, DiskSector, DiskSetup, DiskSize, DiskTask, Half, StartRecord,
    },
    said::{ObjectsSaid, Stop, Why},
    setup::{ObjectsSetup, StoreTraits},
    text::{proposal, proposer},
    work::{LaidTag, LaidTimer},
};
