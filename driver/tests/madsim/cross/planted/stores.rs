//! Differences in what landed on stores: in the operations, in their order, and in the replies.

use bytes::Bytes;
use object_store::PutMode;

use super::{Hunt, disk_paxos, first_puts, places, records, replicas};
use crate::{
    cross::{
        carried::carried,
        recorded::{Recorded, Stored},
        store::{SETTINGS, compare},
    },
    memory::{Landed, Landing, Replied},
};

/// What stands in the place of so many landings from there on; nothing where it can't be planted.
type Plant = fn(&[Landing], usize) -> Option<(usize, Vec<Landing>)>;

/// The differences by name, each with whether it is sure to show.
const PLANTS: [(&str, bool, Plant); 11] = [
    ("a put that is refused", true, refused),
    ("a put that is done where it was refused", true, done),
    ("a put that leaves a state of before", true, same_state),
    ("an object that is missing", true, missing),
    ("other bytes", true, other_bytes),
    ("the same bytes in another state", true, other_state),
    ("a listing without its last name", true, short),
    ("a listing in another order", true, unordered),
    ("a reply of another kind", true, other_kind),
    ("a put that did not land", false, lost),
    (
        "a put that landed after the look at it",
        true,
        looked_before,
    ),
];

fn with(landing: &Landing, replied: Replied) -> (usize, Vec<Landing>) {
    let landing = Landing {
        replied,
        ..landing.clone()
    };
    (1, vec![landing])
}

/// The state that a put has left.
const fn left(replied: &Replied) -> Option<&Option<String>> {
    if let Replied::Put(state) = replied {
        Some(state)
    } else {
        None
    }
}

fn refused(landings: &[Landing], at: usize) -> Option<(usize, Vec<Landing>)> {
    let landing = &landings[at];
    matches!(landing.replied, Replied::Put(_)).then(|| with(landing, Replied::Refused))
}

fn done(landings: &[Landing], at: usize) -> Option<(usize, Vec<Landing>)> {
    let landing = &landings[at];
    let state = Some("a state".to_owned());
    (landing.replied == Replied::Refused).then(|| with(landing, Replied::Put(state)))
}

fn same_state(landings: &[Landing], at: usize) -> Option<(usize, Vec<Landing>)> {
    let mut before = landings[..at].iter().rev();
    let before = before.find_map(|landing| left(&landing.replied))?;
    let replied = Replied::Put(before.clone());
    left(&landings[at].replied).map(|_| with(&landings[at], replied))
}

fn missing(landings: &[Landing], at: usize) -> Option<(usize, Vec<Landing>)> {
    let landing = &landings[at];
    matches!(landing.replied, Replied::Found(..)).then(|| with(landing, Replied::Missing))
}

fn other_bytes(landings: &[Landing], at: usize) -> Option<(usize, Vec<Landing>)> {
    let Replied::Found(bytes, state) = &landings[at].replied else {
        return None;
    };
    let mut other = bytes.to_vec();
    *other.last_mut()? ^= 1;
    let replied = Replied::Found(Bytes::from(other), state.clone());
    Some(with(&landings[at], replied))
}

/// One that something has been in.
fn other_state(landings: &[Landing], at: usize) -> Option<(usize, Vec<Landing>)> {
    let Replied::Found(bytes, state) = &landings[at].replied else {
        return None;
    };
    let mut left = landings.iter().filter_map(|landing| left(&landing.replied));
    let other = left.find(|other| *other != state)?;
    let replied = Replied::Found(bytes.clone(), other.clone());
    Some(with(&landings[at], replied))
}

fn short(landings: &[Landing], at: usize) -> Option<(usize, Vec<Landing>)> {
    let Replied::Listed(names) = &landings[at].replied else {
        return None;
    };
    let (_, first) = names.split_last()?;
    Some(with(&landings[at], Replied::Listed(first.to_vec())))
}

fn unordered(landings: &[Landing], at: usize) -> Option<(usize, Vec<Landing>)> {
    let Replied::Listed(names) = &landings[at].replied else {
        return None;
    };
    let mut names = names.clone();
    (names.len() > 1).then(|| {
        names.reverse();
        with(&landings[at], Replied::Listed(names))
    })
}

fn other_kind(landings: &[Landing], at: usize) -> Option<(usize, Vec<Landing>)> {
    let landing = &landings[at];
    (landing.replied != Replied::Deleted).then(|| with(landing, Replied::Deleted))
}

/// It does not show where nobody looks at the object, or at its folder, before it is gone.
fn lost(landings: &[Landing], at: usize) -> Option<(usize, Vec<Landing>)> {
    matches!(landings[at].replied, Replied::Put(_)).then(|| (1, Vec::new()))
}

/// Of an object that was new.
fn looked_before(landings: &[Landing], at: usize) -> Option<(usize, Vec<Landing>)> {
    let (put, look) = (&landings[at], landings.get(at + 1)?);
    let Landed::Put(name, _, PutMode::Create) = &put.landed else {
        return None;
    };
    let sees = if let Replied::Listed(names) = &look.replied {
        names.contains(name)
    } else {
        look.landed == Landed::Get(*name)
    };
    let fits = sees && left(&put.replied).is_some();
    fits.then(|| (2, vec![look.clone(), put.clone()]))
}

/// Plants differences of one kind on all stores, one at a time; whatever the bucket pages by and remembers, it finds
/// the same.
fn plant(stores: &[&Stored], plant: Plant) -> Hunt {
    let mut hunt = Hunt::default();
    for Stored { landings, .. } in stores {
        for at in places(landings.len(), |at| plant(landings, at).is_some()) {
            let Some((count, instead)) = plant(landings, at) else {
                continue;
            };
            let mut other = landings.clone();
            other.splice(at..at + count, instead);
            let found = SETTINGS.map(|settings| compare(&other, settings));
            let found = found.map(|found| found.err().map(|difference| difference.position));
            assert!(found.iter().all(|position| *position == found[0]));
            hunt.planted += 1;
            if let Some(position) = found[0] {
                assert!(position >= at, "{position}");
                hunt.found += 1;
            }
        }
    }
    hunt
}

fn stores<A: bivalent_core::Laid>(runs: &[Recorded<A>]) -> Vec<&Stored> {
    runs.iter().flat_map(|run| &run.stores).collect()
}

#[test]
fn other_replies_of_a_store_are_found() {
    let (disk_paxos, records, first_puts, replicas) =
        (disk_paxos(), records(), first_puts(), replicas());
    let mut all = stores(&disk_paxos);
    all.extend(stores(&records));
    all.extend(stores(&first_puts));
    all.extend(stores(&replicas));
    for (kind, is_sure, difference) in PLANTS {
        plant(&all, difference).judge(kind, is_sure);
    }
}

/// Whatever simulated buckets page by and remember, they reply what the object store did.
#[test]
fn every_setting_of_a_bucket_replies_the_same() {
    let runs = replicas();
    for Stored { landings, .. } in stores(&runs) {
        for settings in SETTINGS {
            if let Err(difference) = compare(landings, settings) {
                panic!("{difference:?}");
            }
        }
    }
}

/// A driver that sends a write a second time is found, unless one like it got lost on its way.
#[test]
fn a_write_that_is_sent_twice_is_found() {
    let mut hunt = Hunt::default();
    for Recorded { lives, stores } in &mut replicas() {
        for which in 0..stores.len() {
            let landings = &stores[which].landings;
            let is_write = |at: usize| match landings[at].landed {
                Landed::Put(..) | Landed::Delete(_) => true,
                Landed::Get(_) | Landed::List(_) | Landed::Strange(_) => false,
            };
            for at in places(landings.len(), is_write) {
                let landing = stores[which].landings[at].clone();
                stores[which].landings.push(landing);
                hunt.planted += 1;
                hunt.found += u64::from(carried(lives, stores).is_err());
                stores[which].landings.pop();
            }
        }
    }
    hunt.judge("a write sent twice", false);
}
