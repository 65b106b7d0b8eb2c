//! The stores of real agents: from names to ways.

use std::collections::hash_map::RandomState;
use std::ffi::OsString;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::path::Path;

use bivalent_driver::Opening;

use crate::cli::PlaceArgs;
use crate::exit::{Exit, Failure};

/// The directories of a data folder.
const DEFAULT: [&str; 3] = ["a", "b", "c"];

/// The names of the stores.
pub(crate) fn names(place: &PlaceArgs) -> Result<Vec<String>, Failure> {
    if place.store.is_empty() {
        make_new(&place.data);
        let name = |store| place.data.join(store).display().to_string();
        return Ok(DEFAULT.map(name).to_vec());
    }
    if let Some(name) = place.store.iter().find(|name| name.starts_with("memory:")) {
        let message = format!("{name} is gone with this process: no other agent could ever see it");
        return Err(Failure::new(Exit::Usage, message).help("name directories, disks or buckets"));
    }
    if let Some(name) = (1..place.store.len())
        .find(|&at| place.store[..at].contains(&place.store[at]))
        .map(|at| &place.store[at])
    {
        let message = format!("{name} is named twice: it would count as two stores");
        return Err(Failure::new(Exit::Usage, message).help("name each store once"));
    }
    Ok(place.store.clone())
}

/// Makes the directories of a data folder that holds nothing yet. Beside one that holds something, one that is
/// missing is lost, and not new.
fn make_new(data: &Path) {
    let is_empty =
        |store| fs::read_dir(data.join(store)).is_ok_and(|mut names| names.next().is_none());
    if DEFAULT
        .iter()
        .all(|store| !data.join(store).exists() || is_empty(store))
    {
        for store in DEFAULT {
            // What could not be made is told where it is needed.
            let _ = fs::create_dir_all(data.join(store));
        }
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
