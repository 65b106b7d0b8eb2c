//! What stores have held, judged from outside: promises that stand, and votes that have a promise.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use bivalent_core::{AgentId, Ballot, Version};
use bivalent_driver::{Kept, inspect};
use object_store::path::Path;

use crate::history::digest;

/// A majority of the stores that tests have.
const QUORUM: usize = 2;

/// Everything that was ever put on the stores of a log, in the order in which it landed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<Book>>);

/// Heads by name, each with what it promises.
type Heads = BTreeMap<String, (Version, Option<Ballot>)>;

#[derive(Debug, Default)]
struct Book {
    /// By store and agent: what a reader would find under each name.
    heads: BTreeMap<(usize, AgentId), Heads>,
    /// Every promise of an agent to its own ballot that ever stood somewhere, and the stores on which it did.
    promises: BTreeMap<Ballot, BTreeSet<usize>>,
    /// What was ever put under each key of heads and votes.
    contents: BTreeMap<(usize, String), Vec<u8>>,
    wrong: Option<String>,
}

impl Ledger {
    pub(crate) fn put(&self, store: usize, location: &Path, bytes: &[u8]) {
        let mut parts: Vec<_> = location.parts().collect();
        let (Some(name), Some(folder)) = (parts.pop(), parts.pop()) else {
            return;
        };
        let mut book = self.0.lock().unwrap();
        match inspect(folder.as_ref(), name.as_ref(), bytes) {
            Some(Kept::Head {
                agent,
                version,
                promise,
            }) => {
                book.head(store, agent, name.as_ref(), version, promise);
                book.once(store, location, bytes);
            }
            Some(Kept::Vote { ballot, .. }) => {
                book.vote(ballot);
                book.once(store, location, bytes);
            }
            Some(Kept::Snapshot(_) | Kept::Start(..)) | None => {}
        }
    }

    /// Something is removed. The newest head of an agent never is.
    pub(crate) fn remove(&self, store: usize, location: &Path) {
        let mut parts: Vec<_> = location.parts().collect();
        let (Some(name), Some(_)) = (parts.pop(), parts.pop()) else {
            return;
        };
        let mut book = self.0.lock().unwrap();
        let mut wrong = None;
        for (place, names) in &mut book.heads {
            if place.0 != store {
                continue;
            }
            let newest = names.values().copied().max();
            if let Some(gone) = names.remove(name.as_ref())
                && Some(gone) == newest
            {
                wrong = Some(format!(
                    "store {store} loses {gone:?}, the newest head of {place:?}"
                ));
            }
        }
        if let Some(wrong) = wrong {
            book.blame(wrong);
        }
    }

    /// A checksum of all that was ever put.
    pub(crate) fn digest(&self) -> u64 {
        digest(&self.0.lock().unwrap().contents)
    }

    /// The first thing that was wrong.
    pub(crate) fn judge(&self) -> Result<(), String> {
        self.0.lock().unwrap().wrong.clone().map_or(Ok(()), Err)
    }
}

impl Book {
    /// Every key is written once: with one content, however often.
    fn once(&mut self, store: usize, location: &Path, bytes: &[u8]) {
        let known = self
            .contents
            .entry((store, location.to_string()))
            .or_insert_with(|| bytes.to_vec());
        if known != bytes {
            self.blame(format!(
                "store {store}: {location} is written with two contents"
            ));
        }
    }

    /// A store never shows an older head of an agent than it has shown: `invariant-promise`, from outside.
    fn head(
        &mut self,
        store: usize,
        agent: AgentId,
        name: &str,
        version: Version,
        promise: Option<Ballot>,
    ) {
        let names = self.heads.entry((store, agent)).or_default();
        let before = names.values().copied().max();
        names.insert(name.to_owned(), (version, promise));
        let after = names.values().copied().max();
        if after < before {
            self.blame(format!(
                "store {store} shows {after:?} of agent {} after {before:?}",
                agent.0
            ));
        }
        if let Some(promise) = promise.filter(|promise| promise.agent() == agent) {
            self.promises.entry(promise).or_default().insert(store);
        }
    }

    /// Nobody votes in a ballot that a quorum has not been promised.
    fn vote(&mut self, ballot: Ballot) {
        let count = self.promises.get(&ballot).map_or(0, BTreeSet::len);
        if count < QUORUM {
            self.blame(format!("a vote in {ballot:?}, promised on {count} stores"));
        }
    }

    fn blame(&mut self, what: String) {
        self.wrong.get_or_insert(what);
    }
}
