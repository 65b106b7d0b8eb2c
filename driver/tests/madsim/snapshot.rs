//! A replica that has to take a snapshot over does so while the store that it asks first is silent.

use std::time::Duration;

use bivalent_core::{Heartbeat, KvCommand};
use bivalent_driver::Client;
use madsim::time::{Instant, sleep, timeout};

use crate::{
    cluster::{Cluster, Looks, Machine},
    faulty::LAGGING,
    sweep,
};

/// More than the votes that are left when a snapshot is taken.
const COMMANDS: u32 = 100;
/// A fraction of the time that a large state would be given.
const SOON: Duration = Duration::from_secs(30);

async fn client(cluster: &Cluster, agent: usize) -> Client<Machine> {
    loop {
        let client = cluster.clients.lock().unwrap()[agent].clone();
        if let Some(client) = client {
            return client;
        }
        sleep(Duration::from_millis(10)).await;
    }
}

async fn take_over() -> Result<(), String> {
    let heartbeat = Heartbeat {
        every: 100_000_000,
        patience: 4,
        spread: 300_000_000,
    };
    let cluster = Cluster::start(2, 3, LAGGING, heartbeat, Looks::AtMarks, None);
    cluster.kill(1);
    let first = client(&cluster, 0).await;
    for value in 0..COMMANDS {
        let put = KvCommand::Put { key: 0, value };
        first.run(put).await.map_err(|error| error.to_string())?;
    }
    cluster.stores[0].set_down(true);
    cluster.restart(1);
    let began = Instant::now();
    let second = client(&cluster, 1).await;
    let caught_up = async {
        while second
            .status()
            .await
            .is_ok_and(|status| status.applied.0 < u64::from(COMMANDS))
        {
            sleep(Duration::from_millis(50)).await;
        }
    };
    let left = SOON.saturating_sub(began.elapsed());
    timeout(left, caught_up)
        .await
        .map_err(|_| "it waits for the store that is silent".to_owned())
}

#[test]
fn a_snapshot_is_read_where_somebody_has_it() {
    for seed in 0..10 {
        sweep::run(seed, take_over).unwrap();
    }
}
