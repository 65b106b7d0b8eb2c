//! Agents over conditional writes: agreement and validity in every state of small systems, what each
//! regime promises, and every planted bug found.
#![cfg(test)]

#[path = "../small_system/mix.rs"]
mod mix;
#[cfg(feature = "planted-bugs")]
mod planted;
mod renaming;
mod steps;
mod system;

use std::collections::BTreeSet;

use bivalent_core::{AgentId, Ballot, Value};
use proptest::prelude::*;

use crate::{
    mix::hash,
    system::{Broken, Fate, Flight, Protocol, Setup, System},
};

/// What a walk through all states of a system has seen.
struct Explored {
    states: usize,
    broken: Option<Broken>,
    values: BTreeSet<Value>,
    /// A state in which nothing is left to happen and nobody has decided.
    wedged: Option<System>,
    /// The most operations that an agent asked for before it decided.
    asked: u32,
}

/// Goes through every state with rounds up to `rounds`.
fn explore(setup: Setup, rounds: u64) -> Explored {
    let mut explored = Explored {
        states: 0,
        broken: None,
        values: BTreeSet::new(),
        wedged: None,
        asked: 0,
    };
    let mut visited = BTreeSet::new();
    let mut open = vec![System::new(setup)];
    while let Some(mut system) = open.pop() {
        system.flights.sort_unstable();
        if !visited.insert(hash(&system)) {
            continue;
        }
        explored.states += 1;
        explored.values.extend(&system.decisions);
        if let Err(broken) = system.check() {
            explored.broken = Some(broken);
            return explored;
        }
        if system.flights.is_empty() && system.decisions.is_empty() {
            explored.wedged = Some(system.clone());
        }
        for (index, member) in system.members.iter().enumerate() {
            if member.decision().is_some() {
                explored.asked = explored.asked.max(system.asked[index]);
            }
        }
        for at in 0..system.flights.len() {
            let (me, flight) = system.flights[at];
            if let Flight::Start { above } = flight {
                let floor = system.members[me.index()].block().mbal.max(above);
                if floor.map_or(0, Ballot::round) >= rounds {
                    continue;
                }
            }
            for fate in system.fates(at) {
                let mut next = system.clone();
                next.take(at, fate);
                open.push(next);
            }
        }
        if system.setup.crashes > 0 {
            for me in (0..setup.agents).map(AgentId) {
                let mut next = system.clone();
                next.crash(me);
                open.push(next);
            }
        }
    }
    explored
}

/// Runs one schedule and judges each state.
fn run(setup: Setup, choices: impl IntoIterator<Item = u64>) -> (System, Result<(), Broken>) {
    let mut system = System::new(setup);
    let mut focus = AgentId(0);
    for mut choice in choices {
        if draw(&mut choice, 5) == 0 {
            focus = AgentId(draw(&mut choice, setup.agents.into()) as u16);
        }
        if system.setup.crashes > 0 && draw(&mut choice, 24) == 0 {
            system.crash(focus);
        }
        let anyone = draw(&mut choice, 4) == 0;
        let may: Vec<usize> = (0..system.flights.len())
            .filter(|&at| anyone || system.flights[at].0 == focus)
            .collect();
        if may.is_empty() {
            focus = AgentId((focus.0 + 1) % setup.agents);
            continue;
        }
        let at = may[draw(&mut choice, may.len())];
        let fates: Vec<Fate> = system.fates(at).collect();
        let odd = draw(&mut choice, 6) == 0;
        let fate = if odd {
            fates[draw(&mut choice, fates.len())]
        } else {
            Fate::Answered
        };
        system.take(at, fate);
        if let Err(broken) = system.check() {
            return (system, Err(broken));
        }
    }
    (system, Ok(()))
}

/// A number below `n`, out of what is left of `dice`.
fn draw(dice: &mut u64, n: usize) -> usize {
    let drawn = *dice % n as u64;
    *dice /= n as u64;
    drawn as usize
}

/// A schedule out of a seed (`SplitMix64`).
fn schedule(seed: u64) -> impl Iterator<Item = u64> {
    (1..=300).map(move |step: u64| {
        let mut z = (seed << 16 | step).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    })
}

fn setup() -> impl Strategy<Value = Setup> {
    let protocol = prop_oneof![Just(Protocol::Records), Just(Protocol::Claims)];
    let sizes = prop::sample::select(vec![(2, 1), (2, 2), (2, 3), (3, 1), (3, 3), (4, 3), (2, 5)]);
    (protocol, sizes, 0..4_u8, 0..4_u8, 0..4_u8, 0..4_u8).prop_map(
        |(protocol, (agents, stores), lost, late, crashes, unreadable)| Setup {
            lost,
            late,
            crashes,
            unreadable,
            ..Setup::new(protocol, agents, stores)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn no_schedule_and_no_fault_breaks_agreement_or_a_record(
        setup in setup(), choices in prop::collection::vec(any::<u64>(), 0..300),
    ) {
        let (system, verdict) = run(setup, choices);

        prop_assert_eq!(verdict, Ok(()), "{:#?}", system);
    }
}

#[test]
fn most_schedules_of_records_get_to_a_decision_so_that_something_is_tested() {
    let decided = (0..200).filter(|&seed| {
        let setup = Setup {
            lost: 2,
            late: 2,
            crashes: 1,
            ..Setup::new(Protocol::Records, 3, 3)
        };
        let (system, verdict) = run(setup, schedule(seed));
        assert_eq!(verdict, Ok(()), "seed {seed}: {system:#?}");
        !system.decisions.is_empty()
    });

    let decided = decided.count();
    assert!(decided > 100, "{decided} of 200");
}

#[test]
fn no_order_of_operations_breaks_two_agents_over_records() {
    for (stores, rounds, least) in [(1, 3, 180), (2, 2, 19_000), (3, 1, 900_000)] {
        let explored = explore(Setup::new(Protocol::Records, 2, stores), rounds);

        assert_eq!(explored.broken, None, "{stores} stores");
        assert_eq!(explored.values.len(), 2, "either value can be decided");
        assert!(
            explored.states > least,
            "{} states, {stores} stores",
            explored.states
        );
    }
}

#[test]
fn no_lost_answer_late_write_or_crash_breaks_two_agents_over_one_record() {
    let none = Setup::new(Protocol::Records, 2, 1);
    let (lost, late, crashes) = (2, 2, 1);
    for setup in [
        Setup { lost, ..none },
        Setup { late, ..none },
        Setup {
            crashes,
            lost: 1,
            ..none
        },
    ] {
        assert_eq!(explore(setup, 2).broken, None, "{setup:?}");
    }
}

#[test]
fn one_reliable_store_decides_within_two_own_operations_in_every_order() {
    for agents in [2, 3] {
        let explored = explore(Setup::new(Protocol::Claims, agents, 1), 1);

        assert_eq!(explored.broken, None);
        assert_eq!(explored.values.len(), usize::from(agents));
        assert_eq!(explored.asked, 2);
        assert!(explored.wedged.is_none());
    }
}

#[test]
fn no_fault_breaks_put_if_absent() {
    for (agents, stores) in [(2, 1), (2, 2), (2, 3)] {
        let setup = Setup {
            lost: 1,
            late: 1,
            crashes: u8::from(stores < 3),
            ..Setup::new(Protocol::Claims, agents, stores)
        };

        assert_eq!(explore(setup, 2).broken, None, "{agents} x {stores}");
    }
}

#[test]
fn two_values_on_three_stores_never_wedge_and_three_values_can() {
    let two = explore(Setup::new(Protocol::Claims, 2, 3), 1);
    let three = explore(Setup::new(Protocol::Claims, 3, 3), 1);

    assert_eq!(two.broken, None);
    assert!(two.wedged.is_none(), "one of two values has a majority");
    assert_eq!(three.broken, None);
    let split = three.wedged.unwrap();
    let stands = split
        .records
        .iter()
        .map(|record| record.0.vote.unwrap().inp);
    assert_eq!(stands.collect::<BTreeSet<_>>().len(), 3, "{split:#?}");
    let knows = |member: &system::Member| match member {
        system::Member::Claim(agent) => agent.is_split(),
        system::Member::Record(_) => false,
    };
    assert!(split.members.iter().all(knows));
}
