//! Objects and operations on them in words, and as numbers for a fingerprint.

use bivalent_core::{Content, Folder, If, ObjectName, ObjectOp, ObjectReply};

use super::{OpOf, Part, ReplyOf};
use crate::engine::fingerprint::StateHasher;

/// A name in words; agents are in braces, to be spelled.
pub(crate) fn name(name: ObjectName) -> String {
    match name {
        ObjectName::Identity => "the store's identity".to_owned(),
        ObjectName::Start(agent, start) => format!("start {} of {{a{}}}", start.0, agent.0),
        ObjectName::Version(agent, version) => {
            format!("{{a{}}}'s block {}", agent.0, version.count())
        }
        ObjectName::Record => "the record".to_owned(),
        ObjectName::Trial => "the trial of conditions".to_owned(),
        ObjectName::Snapshot(name) => {
            format!(
                "{{a{}}}'s snapshot before slot {}",
                name.agent.0, name.slot.0
            )
        }
        ObjectName::Text(agent, start) => {
            format!("the text of start {} of {{a{}}}", start.0, agent.0)
        }
        ObjectName::Vote(slot, ballot) => format!(
            "{{a{}}}'s vote for slot {} in ballot {}",
            ballot.agent().0,
            slot.0,
            ballot.round()
        ),
    }
}

/// A folder in words.
pub(crate) const fn folder(folder: Folder) -> &'static str {
    match folder {
        Folder::Agents => "what agents keep",
        Folder::Top => "the store's identity",
        Folder::Records => "the record",
        Folder::Snapshots => "snapshots",
        Folder::Texts => "texts",
        Folder::Votes => "votes",
    }
}

/// An operation in words.
pub(crate) fn op<P: Part>(op: &OpOf<P>, store: &str) -> String {
    match op {
        ObjectOp::Get(it) => format!("get {} on {store}", name(*it)),
        ObjectOp::List { folder: it, after } => {
            let on = if after.is_some() { ", next page," } else { "" };
            format!("list {}{on} on {store}", folder(*it))
        }
        ObjectOp::Delete(names) => {
            let count = names.len();
            format!(
                "delete {count} object{} on {store}",
                if count == 1 { "" } else { "s" }
            )
        }
        ObjectOp::Put {
            name: it,
            content,
            only,
        } => {
            let only = match only {
                If::Always => "",
                If::Absent => " if absent",
                If::Unchanged(_) => " if unchanged",
            };
            let what = match content {
                Content::Body(body) => format!(": {}", P::words(body)),
                Content::Identity(_)
                | Content::Start { .. }
                | Content::Text(_)
                | Content::Trial(_) => String::new(),
            };
            format!("put {}{only} on {store}{what}", name(*it))
        }
    }
}

/// An operation and its answer as a number, and whether it changes something.
pub(super) fn print<P: Part>(op: &OpOf<P>, reply: &ReplyOf<P>) -> (u64, bool) {
    let answer = match reply {
        ObjectReply::Done(_) => 1,
        ObjectReply::Found { tag, .. } => 2 | tag.0 << 8,
        ObjectReply::Missing => 3,
        ObjectReply::Listed { names, more } => {
            4 | u64::from(*more) << 4 | (names.len() as u64) << 8
        }
        ObjectReply::ConditionFailed => 5,
        ObjectReply::Conflict => 6,
        ObjectReply::Failed => 7,
        ObjectReply::Unknown => 8,
        ObjectReply::Unreadable => 9,
        ObjectReply::Unsupported => 10,
    };
    let (what, is_write) = match op {
        ObjectOp::Get(name) => (StateHasher::of(name), false),
        ObjectOp::List { folder, after } => (StateHasher::of(&(*folder as u64, after)), false),
        ObjectOp::Put { name, .. } => (StateHasher::of(name), true),
        ObjectOp::Delete(names) => (StateHasher::of(names), true),
    };
    (what.rotate_left(1) ^ answer, is_write)
}
