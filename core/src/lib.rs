//! Disk Paxos (Gafni and Lamport 2003) for stores that run no code, as a sans-IO value.
//!
//! A [`DiskPaxos`] is an [`Agent`]: it is told [`Event`]s and leaves what it wants in a [`Port`]. What is
//! yours to bring: stores that read and write blocks, a pause before each retry ([`Contention`] says how
//! long), and for every start of an agent an [`Incarnation`] greater than its earlier ones. The very same
//! code runs in the simulator and on real stores.
//!
//! [`Envelope`] says which storage faults are survived, [`Layout`] how blocks become bytes.
//!
//! ```
//! use bivalent_core::{Envelope, Staleness};
//!
//! // Five stores bear one that answers old versions and one that never answers.
//! let envelope = Envelope::new(5, 1, Staleness::PerRun(1))?;
//! assert_eq!(envelope.quorum(), 4);
//! // Three stores do not.
//! assert!(Envelope::new(3, 1, Staleness::PerRun(1)).is_err());
//! # Ok::<(), bivalent_core::EnvelopeError>(())
//! ```
#![no_std]

extern crate alloc;

mod acceptor_records;
mod agent;
mod ballot;
mod block;
#[cfg(feature = "planted-bugs")]
mod bug;
mod codec;
mod collected;
mod collector;
mod config;
mod contention;
mod disk_paxos;
mod envelope;
mod heartbeat;
mod id;
mod layout;
mod link;
mod log;
mod machine;
#[cfg(not(feature = "planted-bugs"))]
mod no_bug;
mod put_if_absent;
mod renaming;
mod replica;
mod single_decree;
mod store;

#[cfg(feature = "planted-bugs")]
pub use bug::Bug;
pub use {
    acceptor_records::AcceptorRecords,
    agent::{Agent, Event, Explored, Pause, Port},
    ballot::Ballot,
    block::{Block, Value, Version, Vote},
    codec::{Format, Layout, LayoutError, Place, Unreadable},
    collected::Collected,
    collector::{Collector, Want, Wanted},
    config::{Config, Overwrite},
    contention::Contention,
    disk_paxos::{DiskPaxos, Phase},
    envelope::{Envelope, EnvelopeError, Staleness},
    heartbeat::Heartbeat,
    id::{AgentId, Incarnation, MAX_AGENTS, MAX_STORES, RECORD, StoreId},
    layout::{
        At, BlockBody, BlockTask, Call, Came, Content, DISK_TEXT_MAX, DISK_TEXTS, DiskContent,
        DiskLost, DiskNext, DiskOp, DiskPlace, DiskRefusal, DiskReply, DiskSector, DiskSetup,
        DiskSize, DiskTask, Folder, Half, Identity, Laid, LaidTag, LaidTimer, Listing, LogBody,
        LogTask, Next, ObjectName, ObjectsSaid, ObjectsSetup, OnObjects, StartRecord, Stop,
        StoreTraits, Why, proposal, proposer,
    },
    log::{
        Batch, Entry, Head, HeadRead, Outcome, Request, Session, SessionId, Slot, SlotVote,
        Snapshot, SnapshotName, Ticket,
    },
    machine::{
        Bank, BankAnswer, BankCommand, BankQuery, Grant, Kv, KvAnswer, KvCommand, KvQuery,
        LockAnswer, LockCommand, LockQuery, Locks, StateMachine,
    },
    put_if_absent::PutIfAbsent,
    renaming::Renaming,
    replica::{
        LogOp, LogReply, LogSaid, Replica, ReplicaConfig, ReplicaSetup, Spread, Standing, Timer,
    },
    single_decree::{DecreeEvent, DecreeSaid, DecreeTimer, DecreeWant, SingleDecree},
    store::{BlockOp, BlockReply, BlockTag, If, Name, ObjectOp, ObjectReply, ObjectTag},
};
