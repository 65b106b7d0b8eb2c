//! What does nothing where stores are buckets, or where they are not, and why.

use toml::de::DeTable;

use super::bears::{ALL, ASKER, LEAVE, SINGLE, Setting, Why, setting};
use super::error::Notes;
use super::{Format, Protocol};

const WHOLE: &str = "an object is put whole, under a name of its own";

const AS_BLOCKS: &str = "leave it out, or add bucket = false to [cluster]";

/// What does nothing where stores are buckets, whichever protocol it is.
const ON_BUCKETS: [Setting; 8] = [
    setting("cluster.block", &[Protocol::ReplicatedLog], WHOLE, LEAVE),
    setting("cluster.block.size", SINGLE, WHOLE, AS_BLOCKS),
    setting("cluster.block.sector", SINGLE, WHOLE, AS_BLOCKS),
    setting(
        "price",
        SINGLE,
        "the price of blocking is one of adversaries, which order reads and writes of blocks",
        AS_BLOCKS,
    ),
    setting(
        "fault.crash.unfenced",
        ALL,
        "an agent on buckets takes a start of its own, and waits for nothing that a dead one has in flight",
        LEAVE,
    ),
    setting(
        "fault.torn-write.keep",
        ALL,
        "an object of which not every byte came through can't be read, however many did",
        LEAVE,
    ),
    setting(
        "fault.bit-rot.bits",
        ALL,
        "an object with wrong bits can't be read, however many are wrong",
        LEAVE,
    ),
    setting(
        "fault.torn-write.owner",
        ALL,
        "agents write what is their own",
        ASKER,
    ),
];

/// What does nothing where stores hold blocks.
const ON_BLOCKS: [Setting; 1] = [setting(
    "fault.stale-listing",
    SINGLE,
    "without buckets nothing is listed; `stale-read` shows an older state",
    "add bucket = {} to [cluster], or leave the fault out",
)];

/// Settings that do nothing on stores of this kind.
pub(super) const fn of(buckets: bool) -> &'static [Setting] {
    if buckets { &ON_BUCKETS } else { &ON_BLOCKS }
}

/// Whether stores are buckets where a file does not say: heads and votes of a log, records and versioned blocks are
/// objects with names of their own.
pub(super) fn implied(protocol: Protocol, format: Option<&str>) -> bool {
    match protocol {
        Protocol::ReplicatedLog | Protocol::AcceptorRecords | Protocol::PutIfAbsent => true,
        Protocol::DiskPaxos => format == Some("versioned"),
    }
}

/// Whether a file's stores are buckets.
pub(super) fn are_buckets(document: &DeTable<'_>, protocol: Protocol) -> bool {
    let cluster = document.get("cluster");
    let cluster = cluster.and_then(|cluster| cluster.get_ref().as_table());
    let said = cluster.and_then(|cluster| cluster.get("bucket"));
    if let (Some(said), false) = (said, protocol == Protocol::ReplicatedLog) {
        return said.get_ref().as_bool() != Some(false);
    }
    let block = cluster.and_then(|cluster| cluster.get("block")?.get_ref().as_table());
    let format = block.and_then(|block| block.get("format")?.get_ref().as_str());
    implied(protocol, format)
}

/// The format of what stands in buckets: every version is an object of its own.
pub(super) const FORMAT: Format = Format::Versioned;

/// An adversary that orders operations orders reads and writes of blocks.
pub(super) fn refuse_adversary(document: &DeTable<'_>, protocol: Protocol, notes: &mut Notes) {
    let schedule = document.get("schedule");
    let schedule = schedule.and_then(|schedule| schedule.get_ref().as_table());
    let Some((key, value)) = schedule.and_then(|it| it.get_key_value("adversary")) else {
        return;
    };
    if matches!(value.get_ref().as_str(), Some("random" | "fair")) {
        return;
    }
    let why = Why {
        fact: "it picks reads and writes of blocks, and agents on buckets list, get and put objects",
        help: "\"random\" or \"fair\"; or add bucket = false to [cluster]",
    };
    notes.add(key.span(), why.flaw("adversary", protocol));
}
