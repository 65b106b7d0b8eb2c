//! Differences that are planted in recordings: the cross-check has to find them, where they are.

mod agents;
mod stores;

use std::ops::Range;

use bivalent_core::{AcceptorRecords, DiskPaxos, PutIfAbsent, Replica};

use super::recorded::Recorded;
use crate::{
    cluster::Machine,
    decision::{THREE, decide, put_if_absent},
    storm::storm,
    sweep,
};

/// Every ground of a storm, and both kinds of decision.
const SEEDS: Range<u64> = 0..4;
/// Places in each recording at which each difference is planted, at most.
const PLACES: usize = 3;

/// How many differences of a kind were planted, and how many found.
#[derive(Debug, Default)]
struct Hunt {
    planted: u64,
    found: u64,
}

impl Hunt {
    /// One that is sure to show was, every time; another one was more often than not.
    fn judge(&self, kind: &str, is_sure: bool) {
        let Self { planted, found } = *self;
        println!("{kind}: {found} of {planted} found");
        assert!(planted > 0, "{kind}: planted nowhere");
        let needed = if is_sure { planted } else { planted / 2 + 1 };
        assert!(found >= needed, "{kind}: {found} of {planted} found");
    }
}

/// Some of the places that fit, spread over all of them.
fn places(count: usize, fits: impl Fn(usize) -> bool) -> Vec<usize> {
    let all: Vec<usize> = (0..count).filter(|&at| fits(at)).collect();
    let every = all.len().div_ceil(PLACES).max(1);
    all.into_iter().step_by(every).collect()
}

fn disk_paxos() -> Vec<Recorded<DiskPaxos>> {
    let run = |seed| sweep::run(seed, || decide::<DiskPaxos>(THREE)).unwrap().1;
    SEEDS.map(run).collect()
}

fn records() -> Vec<Recorded<AcceptorRecords>> {
    let run = |seed| {
        sweep::run(seed, || decide::<AcceptorRecords>(THREE))
            .unwrap()
            .1
    };
    SEEDS.map(run).collect()
}

fn first_puts() -> Vec<Recorded<PutIfAbsent>> {
    let run = |seed| {
        let terms = put_if_absent(seed);
        sweep::run(seed, || decide::<PutIfAbsent>(terms)).unwrap().1
    };
    SEEDS.map(run).collect()
}

fn replicas() -> Vec<Recorded<Replica<Machine>>> {
    let run = |seed| sweep::run(seed, || storm(None)).unwrap().recorded;
    SEEDS.map(run).collect()
}

#[test]
fn what_was_recorded_is_the_same_until_something_is_planted() {
    for recorded in disk_paxos() {
        let figures = recorded.compare().unwrap();
        assert!(figures.lives > 0 && figures.events > 0 && figures.asks > 0);
        assert!(figures.operations > 0);
    }
}
