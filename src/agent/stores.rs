//! The stores of real agents: from names to ways.

use std::collections::hash_map::RandomState;
use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher};

use bivalent_driver::Opening;

use crate::cli::PlaceArgs;

/// The directories of a data folder.
const DEFAULT: [&str; 3] = ["a", "b", "c"];

/// The names of the stores.
pub(crate) fn names(place: &PlaceArgs) -> Vec<String> {
    if place.store.is_empty() {
        let name = |store| place.data.join(store).display().to_string();
        DEFAULT.map(name).to_vec()
    } else {
        place.store.clone()
    }
}

/// How stores are opened.
pub(crate) fn opening(no_sync: bool) -> Opening {
    let mut opening = Opening::default();
    opening.sync = !no_sync;
    opening
}

/// What the environment says of buckets.
pub(crate) fn settings() -> Vec<(String, String)> {
    // A setting that is no text is none that a store could mean.
    let text = |(key, value): (OsString, OsString)| {
        Some((key.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

/// A number that no other process has. Two agents, and two starts of one, must not draw the same pauses.
pub(crate) fn entropy() -> u64 {
    // The system draws the keys of a hasher for each process.
    RandomState::new().build_hasher().finish()
}
