//! `bivalent agent propose`: one decision.

use bivalent_driver::core::StoreId;
use bivalent_driver::{Protocol, TokioClock, open_decision};

use super::{asked_to_stop, block_on, failure, is_name, options, stores};
use crate::cli::{ProposeArgs, ProtocolName};
use crate::console::{Console, Stream};
use crate::exit::{Exit, Failure};

/// The name of a decision that is not named.
const DEFAULT: &str = "decision";

/// How the wait for a decision ended.
enum Ended {
    Decided(Result<bivalent_driver::Decided, bivalent_driver::Error>),
    TooLate,
    Interrupted,
}

/// Proposes a value, and prints what is decided.
pub(super) fn propose(args: &ProposeArgs, console: &mut Console) -> Result<Exit, Failure> {
    is_name(&args.name)?;
    let names = stores::names(&args.place)?;
    let is_disk = |name: &String| name.starts_with("disk:");
    if args.name != DEFAULT && names.iter().any(is_disk) {
        let message = "a disk: holds one decision, which has no --name";
        return Err(
            Failure::new(Exit::Usage, message).help("take another disk or file for each decision")
        );
    }
    let options = options(&args.place, names.len())?;
    let (opening, settings) = (stores::opening(args.place.no_sync), stores::settings());
    let ended = block_on(async {
        let mut ways = Vec::new();
        for (name, place) in names.iter().zip(0..) {
            let (agents, folder) = (args.place.agents, &args.name);
            let way = open_decision(name, opening, &settings, StoreId(place), agents, folder);
            ways.push(way.map_err(|error| Failure::new(Exit::Usage, error.to_string()))?);
        }
        let protocol = match args.protocol {
            ProtocolName::DiskPaxos => Protocol::DiskPaxos,
            ProtocolName::Records => Protocol::Records,
        };
        let clock = TokioClock::start();
        let decision = bivalent_driver::propose(options, ways, protocol, &args.value, clock);
        Ok(tokio::select! {
            decided = decision => Ended::Decided(decided),
            () = tokio::time::sleep(args.timeout) => Ended::TooLate,
            () = asked_to_stop() => Ended::Interrupted,
        })
    })??;
    match ended {
        Ended::Decided(Ok(decided)) => {
            console.put(Stream::Out, &format!("{}\n", decided.text))?;
            Ok(Exit::Ok)
        }
        Ended::Decided(Err(error)) => Err(failure(&error)),
        Ended::TooLate => {
            let message = format!("no decision within {:?}", args.timeout);
            Err(Failure::new(Exit::Inconclusive, message).help(
                "ask again: what was proposed may be decided meanwhile; -v tells what the agent waits for",
            ))
        }
        Ended::Interrupted => Err(Failure::new(
            Exit::Interrupted,
            "interrupted: what was proposed may still be decided",
        )),
    }
}
