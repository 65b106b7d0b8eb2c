//! The consensus core on real stores: directories, memory, buckets.
//!
//! What the simulator torments is what runs here: [`bivalent_core`]'s values, driven by a loop that carries
//! out their operations on passive stores. A [`Bucket`] is a store of named blocks (through the `object_store`
//! crate); [`Node`] is a replica of a state machine on several of them, [`Client`] the way to it. One single
//! decision is made by [`propose`], on buckets or on shared disks (`Disk`).
//!
//! ```
//! use bivalent_core::{AgentId, Kv, KvAnswer, KvCommand, KvQuery};
//! use bivalent_driver::{Node, Options, TokioClock, memory};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let stores = vec![memory("a"), memory("b"), memory("c")];
//! let options = Options::new(AgentId(0), 1, stores.len(), 7)?;
//! let machine = Kv::<String, String>::new();
//! let (node, client) = Node::open(options, stores, machine, TokioClock::start()).await?;
//! let life = tokio::spawn(node.run());
//!
//! let (key, value) = ("k".to_owned(), "v".to_owned());
//! client.run(KvCommand::Put { key: key.clone(), value: value.clone() }).await?;
//! let answer = client.query(KvQuery::Get { key }).await?;
//! assert_eq!(answer, KvAnswer::Value(Some(value)));
//!
//! client.stop().await;
//! life.await.expect("it does not panic")?;
//! # Ok::<(), bivalent_driver::Error>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bucket;
#[cfg(feature = "planted-bugs")]
mod bug;
mod client;
mod clock;
mod content;
mod dice;
#[cfg(feature = "local")]
mod directory;
#[cfg(all(feature = "local", unix))]
mod disk;
mod error;
mod frame;
mod host;
mod inspect;
mod names;
#[cfg(not(feature = "recording"))]
mod no_recording;
mod node;
mod objects;
mod open;
mod options;
mod pace;
mod probe;
mod propose;
#[cfg(feature = "recording")]
pub mod recording;
mod stop;

/// The core that is driven.
pub use bivalent_core as core;
#[cfg(feature = "planted-bugs")]
pub use bug::DriverBug;
#[cfg(feature = "tokio")]
pub use clock::TokioClock;
#[cfg(all(feature = "local", unix))]
pub use disk::Disk;
#[cfg(not(feature = "recording"))]
use no_recording as recording;
/// The store behind a [`Bucket`], as the `object_store` crate has it.
pub use object_store;
pub use {
    bucket::{Bucket, BucketDecision},
    client::Client,
    clock::Clock,
    content::{Storable, Stored},
    error::{Error, StoreError},
    inspect::{Kept, inspect},
    node::{Node, Status},
    objects::{Carried, DecisionStore, IsDead, Objects},
    open::{OpenError, Opening, memory, open, open_decision},
    options::Options,
    probe::{
        KindReport, ProbeEnd, ProbeError, ProbeKind, ProbePlan, ProbeProgress, ProbeReport, probe,
    },
    propose::{Decided, Protocol, propose},
};
