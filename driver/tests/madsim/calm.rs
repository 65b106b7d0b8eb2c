//! After a storm: everybody is served again, and all have the same state.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bivalent_driver::Status;
use bivalent_sim::judge::linear::models::{Act, Call};
use madsim::time::{Instant, sleep, timeout};

use crate::{cluster::Cluster, history::History, storm::ask};

/// All is well again: every agent serves, and all of them have the same state.
pub(crate) async fn calm(
    cluster: &Cluster,
    history: &History,
    values: &AtomicU32,
    lasts: Duration,
) -> Result<(), String> {
    let began = Instant::now();
    let left = || lasts.saturating_sub(began.elapsed());
    for agent in 0..cluster.agents.len() {
        for act in [Act::Put(values.fetch_add(1, Ordering::SeqCst)), Act::Get] {
            let call = Call { key: 0, act };
            loop {
                let way = cluster.clients.lock().unwrap()[agent].clone();
                if let Some(way) = way {
                    let made = history.call(100 + agent as u32, call);
                    match timeout(left(), ask(&way, call)).await {
                        Ok(Some(said)) => {
                            history.answer(made, said);
                            break;
                        }
                        Ok(None) => {}
                        Err(_) => {
                            let how = standings(cluster).await;
                            return Err(format!("agent {agent} serves nobody: {how:?}"));
                        }
                    }
                }
                if left().is_zero() {
                    return Err(format!("agent {agent} does not come back"));
                }
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
    agree(cluster, left()).await
}

/// How every agent stands that answers.
async fn standings(cluster: &Cluster) -> Vec<Option<Status>> {
    let ways = cluster.clients.lock().unwrap().clone();
    let mut found = Vec::new();
    for way in ways {
        let status = async { way?.status().await.ok() };
        found.push(
            timeout(Duration::from_secs(1), status)
                .await
                .unwrap_or(None),
        );
    }
    found
}

/// Every replica comes to the same slot, and has the same state there.
async fn agree(cluster: &Cluster, within: Duration) -> Result<(), String> {
    let states: Mutex<Vec<_>> = Mutex::default();
    let same = async {
        loop {
            let ways = cluster.clients.lock().unwrap().clone();
            let mut found = Vec::new();
            for way in ways.into_iter().flatten() {
                if let Ok(state) = way.snapshot().await {
                    found.push(state);
                }
            }
            for (at, one) in found.iter().enumerate() {
                for other in &found[..at] {
                    if one.0 == other.0 && one.1 != other.1 {
                        return Err(format!("two states of {:?}: {one:?}, {other:?}", one.0));
                    }
                }
            }
            let level = found.iter().all(|state| state.0 == found[0].0);
            let all = found.len() == cluster.agents.len();
            *states.lock().unwrap() = found;
            if all && level {
                return Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(within, same)
        .await
        .unwrap_or_else(|_| Err(format!("replicas stay apart: {:?}", states.lock().unwrap())))
}
