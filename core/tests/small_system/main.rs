//! Small systems under many schedules: agreement, validity and the paper's invariants in every state.
#![cfg(test)]

mod invariants;
mod mix;
#[cfg(feature = "planted-bugs")]
mod planted;
mod system;

use std::collections::BTreeSet;

use bivalent_core::{AgentId, Ballot, Overwrite, SingleDecree};
use proptest::prelude::*;

use crate::{
    invariants::Broken,
    mix::hash,
    system::{Pending, Setup, System},
};

/// Runs one schedule and judges each state.
fn run(setup: Setup, choices: impl IntoIterator<Item = u64>) -> (System, Result<(), Broken>) {
    let mut system = System::new(setup);
    for choice in choices {
        system.step(choice);
        if let Err(broken) = system.check() {
            return (system, Err(broken));
        }
    }
    (system, Ok(()))
}

/// A schedule out of a seed (`SplitMix64`).
fn schedule(seed: u64) -> impl Iterator<Item = u64> {
    (1..=400).map(move |step: u64| {
        let mut z = (seed << 16 | step).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    })
}

fn setup() -> impl Strategy<Value = Setup> {
    let sizes = prop::sample::select(vec![(2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (3, 3), (2, 5)]);
    let overwrite = prop_oneof![Just(Overwrite::InPlace), Just(Overwrite::Versioned)];
    (sizes, overwrite, 0..4_u8, 0..4_u8, 0..4_u8).prop_map(
        |((agents, stores), overwrite, crashes, unreadable, timeouts)| Setup {
            crashes,
            unreadable,
            timeouts,
            ..Setup::new(agents, stores, overwrite)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn no_schedule_breaks_an_invariant(
        setup in setup(), choices in prop::collection::vec(any::<u64>(), 0..400),
    ) {
        let (system, verdict) = run(setup, choices);

        prop_assert_eq!(verdict, Ok(()), "{:#?}", system);
    }
}

#[test]
fn most_schedules_get_to_a_decision_so_that_something_is_tested() {
    let mut decided = 0;
    for seed in 0..200 {
        let setup = Setup {
            crashes: 2,
            unreadable: 2,
            timeouts: 2,
            ..Setup::new(3, 3, Overwrite::InPlace)
        };
        let (system, verdict) = run(setup, schedule(seed));
        assert_eq!(verdict, Ok(()), "seed {seed}: {system:#?}");
        decided += usize::from(!system.decisions.is_empty());
    }

    assert!(decided > 100, "{decided} of 200");
}

#[test]
fn no_order_of_operations_breaks_two_agents_on_one_store() {
    let explored = explore(Setup::new(2, 1, Overwrite::InPlace), 4);

    assert_eq!(explored.broken, None);
    assert_eq!(explored.values.len(), 2, "either value can be decided");
    assert!(explored.states > 3000, "{} states", explored.states);
}

#[test]
fn no_order_of_operations_and_one_crash_break_two_agents_on_one_store() {
    for overwrite in [Overwrite::InPlace, Overwrite::Versioned] {
        let setup = Setup {
            crashes: 1,
            ..Setup::new(2, 1, overwrite)
        };

        let explored = explore(setup, 3);

        assert_eq!(explored.broken, None, "{overwrite:?}");
    }
}

struct Explored {
    states: usize,
    broken: Option<Broken>,
    values: BTreeSet<u64>,
}

/// Goes through every state with rounds up to `rounds`.
fn explore(setup: Setup, rounds: u64) -> Explored {
    let mut explored = Explored {
        states: 0,
        broken: None,
        values: BTreeSet::new(),
    };
    let mut visited = BTreeSet::new();
    let mut open = vec![System::new(setup)];
    while let Some(system) = open.pop() {
        if !visited.insert(fingerprint(&system)) {
            continue;
        }
        explored.states += 1;
        explored
            .values
            .extend(system.decisions.iter().map(|decision| decision.value.0));
        if let Err(broken) = system.check() {
            explored.broken = Some(broken);
            return explored;
        }
        for (at, &(me, pending)) in system.pending.iter().enumerate() {
            let mbal = system.agents[me.index()].block().mbal;
            if let Pending::Start { above } = pending
                && mbal.max(above).map_or(0, Ballot::round) >= rounds
            {
                continue;
            }
            let mut next = system.clone();
            next.take(at, 0);
            open.push(next);
        }
        if system.setup.crashes > 0 {
            for me in (0..setup.agents).map(AgentId) {
                // The writes of the dead one land, or do not.
                for dice in [0, u64::MAX] {
                    let mut next = system.clone();
                    next.crash(me, dice);
                    open.push(next);
                }
            }
        }
    }
    explored
}

/// The same for states that differ in the order of their pending things only.
fn fingerprint(system: &System) -> u64 {
    let mut bag: Vec<u64> = system.pending.iter().map(hash).collect();
    bag.sort_unstable();
    let mut held: Vec<u64> = system.held.iter().map(hash).collect();
    held.sort_unstable();
    let (agents, disks) = (&system.agents, &system.disks);
    hash(&(
        agents,
        disks,
        bag,
        held,
        &system.decisions,
        system.setup.crashes,
    ))
}
