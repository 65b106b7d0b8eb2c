//! A bucket: named objects with their past, so that a reader can be shown what stood there before.
//!
//! It takes what it is given and judges nothing. Put, put on a condition and delete are steps of their own; a listing
//! is a page at a time, and two pages need not be of one moment. What a damaged object holds can't be read, which is
//! an answer, and not the answer "there is none".

use std::collections::{BTreeMap, VecDeque};

use bivalent_core::{If, Name, ObjectOp, ObjectReply, ObjectTag};

/// How a bucket is set up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BucketSettings {
    /// Names in a page of a listing, at least 1.
    pub page: usize,
    /// How many changes back it can be asked for an older state; 0: it keeps nothing but what stands there.
    pub remembers: usize,
}

/// One state of an object.
#[derive(Clone, Debug, Eq, PartialEq)]
struct State<C> {
    /// The number of the change that brought it about, from 1.
    since: u64,
    /// Nothing: it was deleted.
    content: Option<C>,
    /// The bytes are not what a writer left.
    damaged: bool,
    /// Kinds of fault that have a hand in it, as a bit set.
    marks: u32,
}

/// Every object of a folder with its states that can still be shown, oldest first.
type Folder<N, C> = BTreeMap<N, VecDeque<State<C>>>;

/// A change of a bucket, as its past is counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Change {
    number: u64,
    tick: u64,
}

/// A moment in a bucket's past, or now.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Moment(u64);

impl Moment {
    /// As it stands now.
    pub const NOW: Self = Self(u64::MAX);
}

/// One bucket of a run, with names `N` and contents `C`.
#[derive(Clone, Debug)]
pub struct Bucket<N: Name, C> {
    settings: BucketSettings,
    folders: BTreeMap<N::Folder, Folder<N, C>>,
    /// Changes so far.
    count: u64,
    /// The latest changes, oldest first.
    changes: VecDeque<Change>,
}

impl<N: Name, C: Clone + PartialEq> Bucket<N, C> {
    /// An empty one.
    pub fn new(settings: BucketSettings) -> Self {
        Self {
            settings,
            folders: BTreeMap::new(),
            count: 0,
            changes: VecDeque::new(),
        }
    }

    /// Forgets everything, its past too.
    pub fn reset(&mut self) {
        self.folders.clear();
        self.changes.clear();
        self.count = 0;
    }

    /// Carries an operation out, at a tick; what is read is as of `seen`, writes and conditions are always of now.
    pub fn apply(&mut self, op: &ObjectOp<N, C>, seen: Moment, tick: u64) -> ObjectReply<N, C> {
        match op {
            ObjectOp::Get(name) => self.get(name, seen),
            ObjectOp::List { folder, after } => self.list(*folder, after.as_ref(), seen),
            ObjectOp::Put {
                name,
                content,
                only,
            } => self.put(name, content, *only, tick),
            ObjectOp::Delete(names) => {
                self.delete(names, tick);
                ObjectReply::Done(None)
            }
        }
    }

    /// What stood under a name.
    pub fn get(&self, name: &N, seen: Moment) -> ObjectReply<N, C> {
        let state = self
            .state(name, seen)
            .filter(|state| state.content.is_some());
        match state {
            Some(State { damaged: true, .. }) => ObjectReply::Unreadable,
            Some(State {
                since,
                content: Some(content),
                ..
            }) => ObjectReply::Found {
                content: content.clone(),
                tag: ObjectTag(*since),
            },
            Some(_) | None => ObjectReply::Missing,
        }
    }

    /// A page of the names that stood in a folder.
    pub fn list(&self, folder: N::Folder, after: Option<&N>, seen: Moment) -> ObjectReply<N, C> {
        use std::ops::Bound::{Excluded, Unbounded};

        let from = after.map_or(Unbounded, Excluded);
        let mut names: Vec<N> = Vec::new();
        let mut more = false;
        let objects = self.folders.get(&folder).into_iter();
        for (name, states) in objects.flat_map(|objects| objects.range((from, Unbounded))) {
            if as_of(states, seen).is_none_or(|state| state.content.is_none()) {
                continue;
            }
            if names.len() == self.settings.page {
                more = true;
                break;
            }
            names.push(name.clone());
        }
        ObjectReply::Listed { names, more }
    }

    fn put(&mut self, name: &N, content: &C, only: If, tick: u64) -> ObjectReply<N, C> {
        if !self.holds(name, only) {
            return ObjectReply::ConditionFailed;
        }
        let number = self.change(tick);
        self.push(name, number, Some(content.clone()), false);
        ObjectReply::Done(Some(ObjectTag(number)))
    }

    /// Whether a put on this condition would take effect now.
    pub fn holds(&self, name: &N, only: If) -> bool {
        match only {
            If::Always => true,
            If::Absent => !self.is_there(name, Moment::NOW),
            If::Unchanged(ObjectTag(tag)) => self
                .state(name, Moment::NOW)
                .is_some_and(|state| state.content.is_some() && state.since == tag),
        }
    }

    fn delete(&mut self, names: &[N], tick: u64) {
        for name in names {
            if self.is_there(name, Moment::NOW) {
                let number = self.change(tick);
                self.push(name, number, None, false);
            }
        }
    }

    /// A put of which not every byte came through, or whose bytes went to the wrong name: something stands there that
    /// is not what a writer leaves.
    pub fn put_damaged(&mut self, name: &N, content: &C, mark: u32, tick: u64) {
        let number = self.change(tick);
        self.push(name, number, Some(content.clone()), true);
        self.mark(name, mark);
    }

    /// Bits of what stands under a name flip; false if nothing stands there, or nothing that could be read.
    pub fn damage(&mut self, name: &N, mark: u32) -> bool {
        match self.newest_mut(name) {
            Some(state) if state.content.is_some() && !state.damaged => {
                state.damaged = true;
                state.marks |= mark;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Marks what stands under a name as a fault's doing.
    pub fn mark(&mut self, name: &N, mark: u32) {
        if let Some(state) = self.newest_mut(name) {
            state.marks |= mark;
        }
    }

    fn newest_mut(&mut self, name: &N) -> Option<&mut State<C>> {
        let objects = self.folders.get_mut(&name.folder())?;
        objects.get_mut(name)?.back_mut()
    }

    /// The kinds of fault that have a hand in what stands under a name, as a bit set.
    pub fn marks(&self, name: &N) -> u32 {
        self.state(name, Moment::NOW).map_or(0, |state| state.marks)
    }

    /// Returns to the state of some changes ago, or to none at all for `u32::MAX`; the names whose state that changed.
    pub fn forget(&mut self, back: u32) -> Vec<N> {
        let until = if back == u32::MAX {
            0
        } else {
            self.before(back as usize).0
        };
        let mut hit = Vec::new();
        let stands = |states: &VecDeque<State<C>>| {
            states.back().is_some_and(|state| state.content.is_some())
        };
        for objects in self.folders.values_mut() {
            objects.retain(|name, states| {
                let (before, kept) = (stands(states), states.len());
                states.retain(|state| state.since <= until);
                if states.len() < kept && (before || stands(states)) {
                    hit.push(name.clone());
                }
                !states.is_empty()
            });
        }
        hit
    }

    /// The moment before the latest `back` changes, as far back as is remembered.
    pub fn before(&self, back: usize) -> Moment {
        let back = back.min(self.changes.len());
        let at = self.changes.len() - back;
        self.changes
            .get(at)
            .map_or(Moment::NOW, |change| Moment(change.number - 1))
    }

    /// How many changes back an older state can be asked for.
    pub fn remembered(&self) -> usize {
        self.changes.len()
    }

    /// The last moment at a tick or before it, as far back as is remembered.
    pub fn at(&self, tick: u64) -> Moment {
        let later = self
            .changes
            .iter()
            .position(|change| change.tick > tick)
            .and_then(|at| self.changes.get(at));
        later.map_or(Moment::NOW, |change| Moment(change.number - 1))
    }

    /// Whether something stands, or stood, under a name.
    pub fn is_there(&self, name: &N, seen: Moment) -> bool {
        self.state(name, seen)
            .is_some_and(|state| state.content.is_some())
    }

    /// Whether nothing stands there.
    pub fn is_empty(&self) -> bool {
        let mut states = self.folders.values().flat_map(BTreeMap::values);
        !states.any(|states| states.back().is_some_and(|state| state.content.is_some()))
    }

    /// What stands there and can be read, in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&N, &C)> {
        self.folders.values().flat_map(all_readable)
    }

    /// What stands in one folder and can be read, in the order of names.
    pub fn folder(&self, folder: N::Folder) -> impl Iterator<Item = (&N, &C)> {
        self.folders.get(&folder).into_iter().flat_map(all_readable)
    }

    /// The last name in a folder of which something holds and under which something stands; with what stands there, if
    /// that can be read.
    pub fn last(&self, folder: N::Folder, holds: impl Fn(&N) -> bool) -> Option<Option<&C>> {
        let mut names = self.folders.get(&folder)?.iter().rev();
        let last = names.find(|(name, states)| {
            let stands = states.back().is_some_and(|newest| newest.content.is_some());
            stands && holds(name)
        })?;
        Some(readable(last).map(|(_, content)| content))
    }

    /// What stands under names of one folder from one on and below another and can be read, in the order of names.
    pub fn between(&self, from: &N, below: &N) -> impl Iterator<Item = (&N, &C)> {
        let objects = self.folders.get(&from.folder()).into_iter();
        let some = objects.flat_map(|objects| objects.range(from.clone()..below.clone()));
        some.filter_map(readable)
    }

    fn state(&self, name: &N, seen: Moment) -> Option<&State<C>> {
        as_of(self.folders.get(&name.folder())?.get(name)?, seen)
    }

    fn change(&mut self, tick: u64) -> u64 {
        self.count += 1;
        let number = self.count;
        if self.settings.remembers > 0 {
            if self.changes.len() == self.settings.remembers {
                self.changes.pop_front();
            }
            self.changes.push_back(Change { number, tick });
        }
        number
    }

    fn push(&mut self, name: &N, since: u64, content: Option<C>, damaged: bool) {
        // What no moment that can be asked for shows any more goes for good.
        let oldest = self
            .changes
            .front()
            .map_or(u64::MAX, |change| change.number - 1);
        let remembers = self.settings.remembers > 0;
        let gone = content.is_none();
        let objects = self.folders.entry(name.folder()).or_default();
        let states = objects.entry(name.clone()).or_default();
        states.push_back(State {
            since,
            content,
            damaged,
            marks: 0,
        });
        while states.len() > 1 && (!remembers || states[1].since <= oldest) {
            states.pop_front();
        }
        if !remembers && gone {
            objects.remove(name);
        }
    }
}

/// The state that an object was in.
fn as_of<C>(states: &VecDeque<State<C>>, seen: Moment) -> Option<&State<C>> {
    states.iter().rev().find(|state| state.since <= seen.0)
}

/// What stands in a folder and can be read.
fn all_readable<N, C>(objects: &Folder<N, C>) -> impl Iterator<Item = (&N, &C)> {
    objects.iter().filter_map(readable)
}

/// What stands under a name, if it can be read.
fn readable<'a, N, C>((name, states): (&'a N, &'a VecDeque<State<C>>)) -> Option<(&'a N, &'a C)> {
    let newest = states.back().filter(|state| !state.damaged)?;
    Some((name, newest.content.as_ref()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
    struct Key(char, u8);

    impl Name for Key {
        type Folder = char;

        fn folder(&self) -> char {
            self.0
        }
    }

    type Store = Bucket<Key, u32>;

    fn bucket(remembers: usize) -> Store {
        Bucket::new(BucketSettings { page: 2, remembers })
    }

    fn put(store: &mut Store, name: Key, content: u32, only: If, tick: u64) -> bool {
        let op = ObjectOp::Put {
            name,
            content,
            only,
        };
        matches!(
            store.apply(&op, Moment::NOW, tick),
            ObjectReply::Done(Some(_))
        )
    }

    fn tag(store: &Store, name: &Key) -> Option<ObjectTag> {
        let ObjectReply::Found { tag, .. } = store.get(name, Moment::NOW) else {
            return None;
        };
        Some(tag)
    }

    fn names(store: &Store, after: Option<&Key>, seen: Moment) -> (Vec<u8>, bool) {
        let ObjectReply::Listed { names, more } = store.list('b', after, seen) else {
            panic!("a listing");
        };
        (names.into_iter().map(|name| name.1).collect(), more)
    }

    #[test]
    fn conditions_are_of_what_stands_there_now() {
        let mut store = bucket(0);
        let key = Key('b', 1);
        assert!(put(&mut store, key.clone(), 1, If::Absent, 1));
        assert!(!put(&mut store, key.clone(), 2, If::Absent, 2));
        let first = tag(&store, &key).unwrap();
        assert!(put(&mut store, key.clone(), 3, If::Unchanged(first), 3));
        assert!(!put(&mut store, key.clone(), 4, If::Unchanged(first), 4));

        store.apply(&ObjectOp::Delete(vec![key.clone()]), Moment::NOW, 5);
        assert_eq!(store.get(&key, Moment::NOW), ObjectReply::Missing);
        let second = tag(&store, &key);
        assert_eq!(second, None);
        assert!(put(&mut store, key.clone(), 4, If::Absent, 6));
        // The same bytes once more are another state.
        assert_ne!(tag(&store, &key), Some(first));
    }

    #[test]
    fn a_listing_is_one_folder_in_order_a_page_at_a_time() {
        let mut store = bucket(0);
        for (folder, number) in [('b', 3), ('a', 9), ('b', 1), ('c', 0), ('b', 2)] {
            put(&mut store, Key(folder, number), 0, If::Always, 1);
        }

        assert_eq!(names(&store, None, Moment::NOW), (vec![1, 2], true));
        let after = Key('b', 2);
        assert_eq!(names(&store, Some(&after), Moment::NOW), (vec![3], false));
    }

    #[test]
    fn an_older_moment_shows_what_stood_there_then() {
        let mut store = bucket(8);
        put(&mut store, Key('b', 1), 10, If::Always, 1);
        put(&mut store, Key('b', 2), 20, If::Always, 5);
        store.apply(&ObjectOp::Delete(vec![Key('b', 1)]), Moment::NOW, 9);

        assert_eq!(names(&store, None, store.at(1)).0, [1]);
        assert_eq!(names(&store, None, store.at(8)).0, [1, 2]);
        assert_eq!(names(&store, None, store.at(9)).0, [2]);
        assert_eq!(names(&store, None, store.before(1)).0, [1, 2]);
        assert_eq!(names(&store, None, store.before(3)).0, [0; 0]);
        assert!(!store.is_there(&Key('b', 1), Moment::NOW));
        assert!(store.is_there(&Key('b', 1), store.before(1)));
    }

    #[test]
    fn a_damaged_object_is_listed_and_can_not_be_read() {
        let mut store = bucket(0);
        let key = Key('b', 1);
        put(&mut store, key.clone(), 1, If::Always, 1);

        assert!(store.damage(&key, 4));
        assert!(!store.damage(&key, 4));
        assert_eq!(store.get(&key, Moment::NOW), ObjectReply::Unreadable);
        assert_eq!(names(&store, None, Moment::NOW).0, [1]);
        assert_eq!(store.marks(&key), 4);
        assert!(put(&mut store, key.clone(), 2, If::Always, 2));
        assert_eq!(store.marks(&key), 0);
    }

    #[test]
    fn what_is_forgotten_was_never_written() {
        let mut store = bucket(8);
        put(&mut store, Key('b', 1), 1, If::Always, 1);
        put(&mut store, Key('b', 1), 2, If::Always, 2);
        put(&mut store, Key('b', 2), 3, If::Always, 3);

        assert_eq!(store.forget(2), [Key('b', 1), Key('b', 2)]);
        let stands: Vec<_> = store
            .iter()
            .map(|(name, content)| (name.1, *content))
            .collect();
        assert_eq!(stands, [(1, 1)]);
        assert_eq!(store.forget(u32::MAX), [Key('b', 1)]);
        assert!(store.is_empty());
    }

    #[test]
    fn nothing_is_kept_that_no_moment_shows() {
        let mut store = bucket(2);
        for tick in 0..100 {
            put(&mut store, Key('b', 1), tick as u32, If::Always, tick);
        }
        assert!(store.folders[&'b'][&Key('b', 1)].len() <= 3);
        assert_eq!(store.remembered(), 2);
    }
}
