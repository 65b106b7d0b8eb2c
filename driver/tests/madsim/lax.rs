//! A store that ignores the condition of a put is refused: two processes could have the same start there.

use std::sync::{Arc, Mutex};

use bivalent_driver::{Error, Node, StoreError};

use crate::{
    clock::VirtualClock,
    cluster::{Looks, Machine, buckets, options, stores},
    faulty::{LAGGING, Tally},
    ledger::Ledger,
    sweep,
};

/// A start on three stores, of which so many ignore conditions.
async fn open(lax: usize) -> Result<(), Error> {
    let tally: Arc<Mutex<Tally>> = Arc::default();
    let stores = stores(3, LAGGING, &tally, &Ledger::default());
    for store in &stores[..lax] {
        store.ignore_conditions();
    }
    let ways = buckets(0, &stores, Looks::AtMarks);
    let clock = VirtualClock::start();
    let opened = Node::open(options(0, 3, 3, None), ways, Machine::new(), clock).await;
    opened.map(|_| ())
}

#[test]
fn stores_that_let_everybody_create_what_is_there_are_refused() {
    for seed in 0..20 {
        for lax in [2, 3] {
            let opened = sweep::run(seed, || open(lax));
            assert!(
                matches!(opened, Err(Error::Store(StoreError::Unconditional { .. }))),
                "{opened:?}"
            );
        }
        sweep::run(seed, || open(0)).unwrap();
    }
}
