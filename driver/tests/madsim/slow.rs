//! Stores that are steadily slower than an agent's patience and than its heartbeat: its pauses grow with what a look
//! takes, a leader is found, and everybody is served.

use std::{sync::atomic::AtomicU32, time::Duration};

use bivalent_core::Heartbeat;

use crate::{
    calm::calm,
    cluster::{Cluster, Looks},
    faulty::SLOW,
    history::History,
    sweep,
};

/// How long everybody may take to be served, in virtual time.
const LASTS: Duration = Duration::from_secs(600);

async fn serve() -> Result<(), String> {
    let heartbeat = Heartbeat {
        every: 100_000_000,
        patience: 4,
        spread: 300_000_000,
    };
    let cluster = Cluster::start(3, 3, SLOW, heartbeat, Looks::AtMarks, None);
    let history = History::default();
    calm(&cluster, &history, &AtomicU32::new(1), LASTS).await?;
    cluster.ledger.judge()?;
    history.judge()
}

#[test]
fn stores_slower_than_the_patience_serve_all_the_same() {
    for seed in 0..20 {
        if let Err(why) = sweep::run(seed, serve) {
            panic!("seed {seed}: {why}");
        }
    }
}
