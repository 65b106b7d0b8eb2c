//! Stores that take the condition of a put and ignore it are refused: two processes could have the same start there,
//! and a record could be lost.

use std::sync::{Arc, Mutex};

use bivalent_core::StoreId;
use bivalent_driver::{BucketDecision, DecisionStore, Error, Node, Protocol, StoreError, propose};

use crate::{
    clock::VirtualClock,
    cluster::{Looks, Machine, buckets, options, stores},
    faulty::{Faulty, LAGGING, Lax, Tally},
    ledger::Ledger,
    sweep,
};

/// Three stores, of which so many are lax.
fn some(lax: Lax, count: usize) -> Vec<Faulty> {
    let tally: Arc<Mutex<Tally>> = Arc::default();
    let stores = stores(3, LAGGING, &tally, &Ledger::default());
    for store in &stores[..count] {
        store.ignore(lax);
    }
    stores
}

async fn start(lax: usize) -> Result<(), Error> {
    let stores = some(Lax::Creates, lax);
    loop {
        let ways = buckets(0, &stores, Looks::AtMarks);
        let clock = VirtualClock::start();
        let opened = Node::open(options(0, 3, 3, None), ways, Machine::new(), clock).await;
        if !is_slow(&opened) {
            return opened.map(|_| ());
        }
    }
}

async fn decide(protocol: Protocol, lax: usize) -> Result<(), Error> {
    let stores = some(Lax::Updates, lax);
    loop {
        let ways = buckets(0, &stores, Looks::AtMarks).into_iter().zip(0..);
        let ways = ways.map(|(way, at)| {
            let way = BucketDecision::new(way, StoreId(at));
            Box::new(way) as Box<dyn DecisionStore>
        });
        let clock = VirtualClock::start();
        let decided = propose(options(0, 3, 3, None), ways.collect(), protocol, "a", clock).await;
        if !is_slow(&decided) {
            return decided.map(|_| ());
        }
    }
}

/// Some store took too long: whoever starts agents tries again.
const fn is_slow<T>(ended: &Result<T, Error>) -> bool {
    matches!(
        ended,
        Err(Error::TooFewStores { .. } | Error::Store(StoreError::Failed { .. }))
    )
}

fn is_refusal(ended: &Result<(), Error>) -> bool {
    matches!(ended, Err(Error::Store(StoreError::Unconditional { .. })))
}

#[test]
fn stores_that_let_everybody_create_what_is_there_are_refused() {
    for seed in 0..20 {
        for lax in [2, 3] {
            let opened = sweep::run(seed, || start(lax));
            assert!(is_refusal(&opened), "{opened:?}");
        }
        sweep::run(seed, || start(0)).unwrap();
    }
}

#[test]
fn stores_that_replace_what_nobody_has_read_hold_no_records() {
    for seed in 0..20 {
        for lax in [2, 3] {
            let decided = sweep::run(seed, || decide(Protocol::Records, lax));
            assert!(is_refusal(&decided), "{decided:?}");
        }
        sweep::run(seed, || decide(Protocol::Records, 0)).unwrap();
        // Disk Paxos needs no such condition.
        sweep::run(seed, || decide(Protocol::DiskPaxos, 3)).unwrap();
    }
}
