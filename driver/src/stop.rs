//! Why an agent stopped, in words.

use bivalent_core::{Laid, ObjectsSetup, Stop, StoreId, Why};

use crate::{
    Error, StoreError,
    content::{identity_text, identity_words, is_of_another_build},
    names::key,
};

/// What is known of the stores beside what the agent says.
pub(crate) struct Stores<'a> {
    pub(crate) name: &'a dyn Fn(StoreId) -> String,
    /// Why the last operation failed that did.
    pub(crate) last: &'a dyn Fn(StoreId) -> Option<StoreError>,
    /// What it says of itself that no agent says.
    pub(crate) strange: &'a dyn Fn(StoreId) -> Option<String>,
}

/// The error for the reason.
pub(crate) fn error<A: Laid>(stop: &Stop, setup: &ObjectsSetup<A>, stores: &Stores<'_>) -> Error {
    let agent = setup.me;
    match stop {
        Stop::Fenced { by } => Error::Fenced { agent, by: *by },
        Stop::OtherSystem { store, found } => {
            let found = found.as_ref().map(identity_text);
            let found = found.or_else(|| (stores.strange)(*store));
            if let Some(found) = found.as_deref().filter(|found| is_of_another_build(found)) {
                return Error::OtherFormat {
                    store: (stores.name)(*store),
                    found: found.trim().to_owned(),
                };
            }
            Error::OtherSystem {
                store: (stores.name)(*store),
                found: found.unwrap_or_default().trim().to_owned(),
                wanted: identity_words(&setup.identity(*store, 0)),
            }
        }
        Stop::TooFewStores {
            answered,
            needed,
            first,
            why,
        } => {
            let mut reasons: Vec<_> = why
                .iter()
                .map(|(store, why)| reason(*store, why, stores))
                .collect();
            if *first {
                reasons.push("the first start sets every store up, and needs them all".to_owned());
            }
            reasons.dedup();
            Error::TooFewStores {
                answered: *answered,
                stores: setup.stores.len(),
                needed: *needed,
                why: reasons.join("; "),
            }
        }
        Stop::NotSetUp(store, Why::Empty) => Error::Store(StoreError::Lost {
            store: (stores.name)(*store),
            why: "it was empty again as soon as it had been set up".to_owned(),
        }),
        Stop::NotSetUp(store, why) => Error::Store(failure(*store, why, stores)),
        Stop::StartsUsedUp => Error::StartsUsedUp(agent),
        Stop::Unconditional(store) => Error::Store(StoreError::Unconditional {
            store: (stores.name)(*store),
        }),
    }
}

fn reason(store: StoreId, why: &Why, stores: &Stores<'_>) -> String {
    if *why == Why::Blank {
        return format!("{} has lost what it held", (stores.name)(store));
    }
    failure(store, why, stores).to_string()
}

fn failure(store: StoreId, why: &Why, stores: &Stores<'_>) -> StoreError {
    let name = (stores.name)(store);
    match why {
        Why::Failed => (stores.last)(store).unwrap_or_else(|| StoreError::Failed {
            store: name,
            why: why.to_string(),
        }),
        Why::Unreadable(object) => StoreError::Unreadable {
            store: name,
            key: key(*object),
        },
        Why::Empty | Why::StartGone => StoreError::Lost {
            store: name,
            why: why.to_string(),
        },
        Why::Other(found) => {
            let found = found.as_ref().map(identity_text);
            let found = found
                .or_else(|| (stores.strange)(store))
                .unwrap_or_default();
            StoreError::Lost {
                store: name,
                why: format!("it says \"{}\"", found.trim()),
            }
        }
        Why::Unconditional => StoreError::Unconditional { store: name },
        Why::Silent
        | Why::Unknown
        | Why::Busy
        | Why::Blank
        | Why::Restless
        | Why::Unsteady
        | Why::TooFew
        | Why::Fenced(_) => StoreError::Failed {
            store: name,
            why: why.to_string(),
        },
    }
}
