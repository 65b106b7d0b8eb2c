//! A map with compare-and-swap.

use alloc::collections::BTreeMap;
use core::{fmt::Debug, hash::Hash};

use super::StateMachine;

/// A map from keys to values.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Kv<K, V> {
    entries: BTreeMap<K, V>,
}

/// What changes a [`Kv`].
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub enum KvCommand<K, V> {
    /// Sets a key; answered with [`KvAnswer::Done`].
    Put {
        /// Which.
        key: K,
        /// To what.
        value: V,
    },
    /// Removes a key; answered with [`KvAnswer::Done`], also if it was not there.
    Delete {
        /// Which.
        key: K,
    },
    /// Sets a key if it holds what is expected; answered with [`KvAnswer::Swapped`].
    Swap {
        /// Which.
        key: K,
        /// What must stand there; none: nothing.
        from: Option<V>,
        /// What then stands there.
        to: V,
    },
}

/// What can be asked of a [`Kv`].
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub enum KvQuery<K> {
    /// The value of a key; answered with [`KvAnswer::Value`].
    Get {
        /// Which.
        key: K,
    },
}

/// What a [`Kv`] answers.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub enum KvAnswer<V> {
    /// It is done.
    Done,
    /// Whether the value was the expected one, and so was replaced.
    Swapped(bool),
    /// What stands there.
    Value(Option<V>),
}

impl<K: Ord, V> Kv<K, V> {
    /// An empty map.
    pub const fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key)
    }
}

impl<K: Ord, V> Default for Kv<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> StateMachine for Kv<K, V>
where
    K: Clone + Debug + Hash + Ord,
    V: Clone + Debug + Eq + Hash,
{
    type Command = KvCommand<K, V>;
    type Query = KvQuery<K>;
    type Answer = KvAnswer<V>;
    type Snapshot = BTreeMap<K, V>;

    fn apply(&mut self, command: &Self::Command) -> Self::Answer {
        match command {
            KvCommand::Put { key, value } => {
                self.entries.insert(key.clone(), value.clone());
                KvAnswer::Done
            }
            KvCommand::Delete { key } => {
                self.entries.remove(key);
                KvAnswer::Done
            }
            KvCommand::Swap { key, from, to } => {
                let holds = self.entries.get(key) == from.as_ref();
                if holds {
                    self.entries.insert(key.clone(), to.clone());
                }
                KvAnswer::Swapped(holds)
            }
        }
    }

    fn query(&self, query: &Self::Query) -> Self::Answer {
        let KvQuery::Get { key } = query;
        KvAnswer::Value(self.entries.get(key).cloned())
    }

    fn snapshot(&self) -> Self::Snapshot {
        self.entries.clone()
    }

    fn restore(snapshot: &Self::Snapshot) -> Self {
        Self {
            entries: snapshot.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_takes_place_only_if_the_key_holds_what_is_expected() {
        let mut kv = Kv::new();
        let swap = |from, to| KvCommand::Swap { key: 'k', from, to };

        assert_eq!(kv.apply(&swap(Some(1), 2)), KvAnswer::Swapped(false));
        assert_eq!(kv.apply(&swap(None, 1)), KvAnswer::Swapped(true));
        assert_eq!(kv.apply(&swap(Some(1), 2)), KvAnswer::Swapped(true));
        assert_eq!(
            kv.query(&KvQuery::Get { key: 'k' }),
            KvAnswer::Value(Some(2))
        );
        assert_eq!(kv.apply(&KvCommand::Delete { key: 'k' }), KvAnswer::Done);
        assert_eq!(kv.get(&'k'), None);
    }
}
