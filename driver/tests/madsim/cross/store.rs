//! The simulated bucket, given what landed on an object store, and what it has to reply: the same.

use std::collections::{BTreeSet, HashMap};

use bivalent_core::{Folder, If, ObjectName, ObjectOp, ObjectReply, ObjectTag};
use bivalent_sim::store::bucket::{Bucket, BucketSettings, Moment};
use bytes::Bytes;
use object_store::PutMode;

use crate::memory::{Landed, Landing, Replied};

/// What buckets page by and remember: they must reply the same, whatever it is.
pub(super) const SETTINGS: [BucketSettings; 3] = [
    BucketSettings {
        page: 1,
        remembers: 0,
    },
    BucketSettings {
        page: 3,
        remembers: 1,
    },
    BucketSettings {
        page: 1000,
        remembers: 16,
    },
];

type Op = ObjectOp<ObjectName, Bytes>;
type Reply = ObjectReply<ObjectName, Bytes>;

/// Where the simulated bucket replied something else.
#[derive(Debug)]
pub(crate) struct Difference {
    /// Which operation on this store, from 0.
    pub(crate) position: usize,
    /// Whose it was.
    pub(crate) agent: u16,
    /// What landed, what the object store replied, and what the bucket did.
    pub(crate) words: String,
}

/// Gives a simulated bucket what landed, in that order; every reply has to be the object store's. How many were.
pub(crate) fn compare(landings: &[Landing], settings: BucketSettings) -> Result<u64, Difference> {
    let mut twin = Twin {
        bucket: Bucket::new(settings),
        states: HashMap::new(),
        tags: BTreeSet::new(),
    };
    for ((position, landing), tick) in landings.iter().enumerate().zip(0..) {
        twin.take(landing, tick).map_err(|got| Difference {
            position,
            agent: landing.agent,
            words: format!(
                "{:?}: the object store replied {:?}, the bucket ({settings:?}): {got}",
                landing.landed, landing.replied
            ),
        })?;
    }
    Ok(landings.len() as u64)
}

/// A simulated bucket in the place of an object store.
struct Twin<'a> {
    bucket: Bucket<ObjectName, Bytes>,
    /// What the object store and the bucket call each state that a put has left.
    states: HashMap<&'a str, ObjectTag>,
    tags: BTreeSet<ObjectTag>,
}

impl<'a> Twin<'a> {
    /// An error says what it replies that is something else.
    fn take(&mut self, landing: &'a Landing, tick: u64) -> Result<(), String> {
        let reply = match &landing.landed {
            Landed::List(folder) => return self.list(*folder, &landing.replied, tick),
            Landed::Strange(what) => return Err(format!("{what} is none of ours")),
            Landed::Get(name) => self.apply(&ObjectOp::Get(*name), tick),
            Landed::Delete(name) => self.apply(&ObjectOp::Delete(vec![*name]), tick),
            Landed::Put(name, bytes, mode) => {
                let only = match mode {
                    PutMode::Overwrite => If::Always,
                    PutMode::Create => If::Absent,
                    PutMode::Update(state) => If::Unchanged(self.tag(state.e_tag.as_ref())),
                };
                let (name, content) = (*name, bytes.clone());
                self.apply(
                    &ObjectOp::Put {
                        name,
                        content,
                        only,
                    },
                    tick,
                )
            }
        };
        let same = match (&reply, &landing.replied) {
            (ObjectReply::Found { content, tag }, Replied::Found(bytes, state)) => {
                content == bytes && *tag == self.tag(state.as_ref())
            }
            (ObjectReply::Done(Some(tag)), Replied::Put(Some(state))) => {
                // Both leave a state that nothing was ever in.
                let is_new = self.states.insert(state, *tag).is_none();
                self.tags.insert(*tag) && is_new
            }
            (ObjectReply::Missing, Replied::Missing)
            | (ObjectReply::ConditionFailed, Replied::Refused)
            | (ObjectReply::Done(None), Replied::Deleted) => true,
            _ => false,
        };
        if same {
            Ok(())
        } else {
            Err(format!("{reply:?}"))
        }
    }

    /// What the bucket calls a state. One that no put has left here is none that anything is in.
    fn tag(&self, state: Option<&String>) -> ObjectTag {
        let tag = state.and_then(|state| self.states.get(&**state));
        tag.copied().unwrap_or(ObjectTag::NEVER)
    }

    fn apply(&mut self, op: &Op, tick: u64) -> Reply {
        self.bucket.apply(op, Moment::NOW, tick)
    }

    /// All pages, which are of one moment here, are the whole listing, in its order.
    fn list(&mut self, folder: Folder, replied: &Replied, tick: u64) -> Result<(), String> {
        let Replied::Listed(expected) = replied else {
            return Err("a listing".to_owned());
        };
        let mut listed: Vec<ObjectName> = Vec::new();
        loop {
            let after = listed.last().copied();
            let reply = self.apply(&ObjectOp::List { folder, after }, tick);
            let ObjectReply::Listed { names, more } = reply else {
                return Err(format!("{reply:?}"));
            };
            if more && names.first() <= listed.last() {
                return Err(format!(
                    "a page after {after:?} that does not go on: {names:?}"
                ));
            }
            listed.extend(names);
            if !more {
                break;
            }
        }
        if listed == *expected {
            Ok(())
        } else {
            Err(format!("lists {listed:?}"))
        }
    }
}
