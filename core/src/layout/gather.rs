//! What all stores say, where a quorum of them may be enough.

use alloc::vec::Vec;

use crate::{StoreId, Why};

/// What every store said to the same question.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Gather<T> {
    said: Vec<Option<Result<T, Why>>>,
    /// A quorum has spoken, and the others have a short time left: a store that hangs must not keep an agent from
    /// starting.
    pub(super) hurries: bool,
}

impl<T> Gather<T> {
    pub(super) fn new(stores: usize) -> Self {
        Self {
            said: (0..stores).map(|_| None).collect(),
            hurries: false,
        }
    }

    pub(super) fn take(&mut self, store: StoreId, said: Result<T, Why>) {
        self.said[store.index()] = Some(said);
    }

    pub(super) fn is_complete(&self) -> bool {
        self.said.iter().all(Option::is_some)
    }

    /// How many answers are such.
    pub(super) fn count(&self, counts: impl Fn(&T) -> bool) -> usize {
        self.answers().filter(|(_, answer)| counts(answer)).count()
    }

    /// The answers, in the order of the stores.
    pub(super) fn answers(&self) -> impl Iterator<Item = (StoreId, &T)> {
        self.each().filter_map(|(store, said)| match said {
            Some(Ok(answer)) => Some((store, answer)),
            Some(Err(_)) | None => None,
        })
    }

    /// Why the others gave none.
    pub(super) fn failures(&self) -> impl Iterator<Item = (StoreId, Why)> {
        self.each().filter_map(|(store, said)| match said {
            Some(Ok(_)) => None,
            Some(Err(why)) => Some((store, why.clone())),
            None => Some((store, Why::Silent)),
        })
    }

    fn each(&self) -> impl Iterator<Item = (StoreId, &Option<Result<T, Why>>)> {
        let said = self.said.iter().enumerate();
        said.map(|(place, said)| (StoreId(place as u8), said))
    }
}
