//! States of objects by number: what agents name a state by, and what the store does.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use bivalent_core::ObjectTag;
use object_store::UpdateVersion;

/// So many states are remembered: an agent writes on the condition of one that it has just read.
const KNOWN: usize = 64;

/// The states that were read last.
#[derive(Debug, Default)]
pub(super) struct Tags(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The number of the first.
    first: u64,
    states: VecDeque<UpdateVersion>,
}

impl Tags {
    /// The number of a state.
    pub(super) fn number(&self, state: UpdateVersion) -> ObjectTag {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = known.states.iter().position(|one| *one == state) {
            return ObjectTag(known.first + place as u64);
        }
        known.states.push_back(state);
        if known.states.len() > KNOWN {
            known.states.pop_front();
            known.first += 1;
        }
        ObjectTag(known.first + known.states.len() as u64 - 1)
    }

    /// The state of that number. One that is forgotten is named as none that anything was ever in.
    pub(super) fn state(&self, tag: ObjectTag) -> UpdateVersion {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = tag.0.checked_sub(known.first);
        let state = place.and_then(|place| known.states.get(usize::try_from(place).ok()?));
        state.cloned().unwrap_or_else(|| UpdateVersion {
            e_tag: Some("\"bivalent\"".to_owned()),
            version: Some("1".to_owned()),
        })
    }
}
