//! `bivalent agent`: the core on real stores, a process an agent.

mod lines;
mod log;
mod propose;
mod serve;
pub(crate) mod stores;

use std::future::Future;
use std::time::Duration;

use bivalent_driver::{Error, Options, StoreError};

use crate::cli::{AgentArgs, AgentCommand, PlaceArgs};
use crate::console::Console;
use crate::exit::{Exit, Failure};
use crate::interrupt;

/// How often a wait looks whether somebody has asked to stop.
const LOOK: Duration = Duration::from_millis(20);

/// Does what the agent was asked.
pub(crate) fn agent(args: &AgentArgs, console: &mut Console) -> Result<Exit, Failure> {
    interrupt::listen();
    match &args.command {
        AgentCommand::Propose(args) => propose::propose(args, console),
        AgentCommand::Serve(args) => serve::serve(args, console),
    }
}

/// The agent's settings.
fn options(place: &PlaceArgs, stores: usize) -> Result<Options, Failure> {
    let agent = bivalent_driver::core::AgentId(place.id);
    let mut options = Options::new(agent, place.agents, stores, stores::entropy())
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    options.patience = place.patience;
    options.patience_max = options.patience_max.max(place.patience * 8);
    if place.verbose {
        log::to_standard_error();
    }
    Ok(options)
}

/// A decision's or a log's folder on every store.
fn is_name(name: &str) -> Result<(), Failure> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.is_empty() && name.len() <= 64 && name.chars().all(fits) && !name.starts_with('.') {
        return Ok(());
    }
    let message = format!("--name {name:?} is no name");
    Err(Failure::new(Exit::Usage, message)
        .help("up to 64 letters, digits, -, _ and ., not beginning with ."))
}

/// Runs a future on a runtime of this thread.
fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::File, format!("no asynchronous I/O: {error}")))?;
    let value = runtime.block_on(future);
    // An operation that never ends must not keep the command from ending.
    runtime.shutdown_background();
    Ok(value)
}

/// Ready once somebody has asked to stop.
async fn asked_to_stop() {
    while !interrupt::was_asked() {
        tokio::time::sleep(LOOK).await;
    }
}

/// Whether a store, as errors name it, is a disk.
fn is_disk(store: &str) -> bool {
    store.starts_with("disk:")
}

/// What a driver's error is for the user.
fn failure(error: &Error) -> Failure {
    let message = error.to_string();
    match error {
        Error::Impossible(_) => Failure::new(Exit::Usage, message),
        // A disk has room for one system, and takes no name.
        Error::OtherSystem { store, .. } => Failure::new(Exit::Usage, message).help(format!(
            "all agents must name the same stores in the same order, and the same --agents; {}",
            if is_disk(store) {
                "another system needs disks of its own"
            } else {
                "another --name is another system on the same stores"
            }
        )),
        Error::OtherFormat { store, .. } => Failure::new(Exit::Usage, message).help(format!(
            "agents of that build go on with these stores; this build needs {}",
            if is_disk(store) {
                "disks of its own"
            } else {
                "new ones, or another --name on the same ones"
            }
        )),
        Error::TooFewStores { .. } => Failure::new(Exit::File, message)
            .help("bring a majority of the stores back, then start the agent again; stores that are slow need --patience"),
        Error::Fenced { .. } => Failure::new(Exit::Usage, message)
            .help("each agent is one process: give this one an id of its own"),
        Error::Store(StoreError::Unconditional { .. }) => Failure::new(Exit::Usage, message)
            .help("decide without them: --protocol disk-paxos"),
        Error::Store(StoreError::TooLong { .. } | StoreError::Full { .. }) => {
            Failure::new(Exit::Usage, message).help("directories and buckets take longer texts, and more of them")
        }
        Error::StartsUsedUp(_) | Error::Store(_) | Error::Stopped | _ => {
            Failure::new(Exit::File, message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_advised_can_be_done_on_the_store() {
        let (found, wanted) = (String::new(), String::new());
        for (store, takes_names) in [("disk:/dev/sdb", false), ("data/a", true), ("s3://b", true)] {
            let store = store.to_owned();
            let other_system = Error::OtherSystem {
                store: store.clone(),
                found: found.clone(),
                wanted: wanted.clone(),
            };
            let other_format = Error::OtherFormat {
                store,
                found: found.clone(),
            };
            for error in [other_system, other_format] {
                let help = failure(&error).help.unwrap_or_default();
                assert_eq!(help.contains("--name"), takes_names, "{help}");
            }
        }
    }
}
