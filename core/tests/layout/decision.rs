//! One decision on buckets.

use bivalent_core::{
    AcceptorRecords, AgentId, Config, DecreeSaid, DiskPaxos, Laid, ObjectsSaid, Overwrite,
    PutIfAbsent, Stop, Value,
};
use proptest::prelude::*;

use crate::world::{Store, World, envelope, setup};

pub(crate) fn config(me: u16, agents: u16) -> Config {
    let input = Value(100 + u64::from(me));
    Config::new(AgentId(me), agents, envelope(), Overwrite::Versioned, input)
}

/// What each process has decided.
pub(crate) fn decisions<A: Laid<Said = DecreeSaid>, S: Store<A::Body>>(
    world: &World<A, S>,
) -> Vec<(usize, Value)> {
    let said = world.said.iter().filter_map(|(by, said)| match said {
        ObjectsSaid::Inner(DecreeSaid::Decided(value)) => Some((*by, *value)),
        _ => None,
    });
    said.collect()
}

pub(crate) fn texts<A: Laid, S: Store<A::Body>>(world: &World<A, S>) -> Vec<(usize, String)> {
    let said = world.said.iter().filter_map(|(by, said)| match said {
        ObjectsSaid::Text { text, .. } => Some((*by, text.to_string())),
        _ => None,
    });
    said.collect()
}

/// Two agents that meet no harm decide the same.
fn two_decide<A: Laid<Setup = Config, Said = DecreeSaid>>(seed: u64) {
    let mut world = World::<A>::new(seed);
    for me in 0..2 {
        world.start(setup(me, 2, config(me, 2), None));
    }

    assert!(
        world.run_until(|world| decisions(world).len() == 2),
        "{:?}",
        world.stops()
    );
    let decided = decisions(&world);
    assert_eq!(decided[0].1, decided[1].1);
}

#[test]
fn two_agents_of_disk_paxos_decide_the_same() {
    (0..20).for_each(two_decide::<DiskPaxos>);
}

#[test]
fn two_agents_with_records_decide_the_same() {
    (0..20).for_each(two_decide::<AcceptorRecords>);
}

#[test]
fn whoever_learns_a_decision_finds_its_text() {
    let mut world = World::<DiskPaxos>::new(5);
    for (me, text) in [(0, "north"), (1, "south")] {
        world.start(setup(me, 2, config(me, 2), Some(text)));
    }

    assert!(world.run_until(|world| texts(world).len() == 2));

    let found = texts(&world);
    assert_eq!(found[0].1, found[1].1);
    assert!(["north", "south"].contains(&found[0].1.as_str()));
}

#[test]
fn a_conflict_is_no_refusal_and_is_tried_again() {
    for conflicts in 1..8 {
        let mut world = World::<AcceptorRecords>::new(u64::from(conflicts));
        for store in &mut world.stores {
            store.conflicts = conflicts;
        }
        world.start(setup(0, 1, config(0, 1), None));

        assert!(world.run_until(|world| decisions(world).len() == 1));
    }
}

/// Agents that are killed at any moment, on stores that answer late, twice as late, or never.
fn no_two_decisions<A: Laid<Setup = Config, Said = DecreeSaid>>(seed: u64, text: bool) {
    const AGENTS: u16 = 3;
    let mut world = World::<A>::new(seed);
    for me in 0..AGENTS {
        let words = format!("text {me}");
        world.start(setup(
            me,
            AGENTS,
            config(me, AGENTS),
            text.then_some(words.as_str()),
        ));
    }
    let harm = world.dice.below(30);
    for _ in 0..2000 {
        if !world.step(harm) || world.dice.below(150) == 0 {
            let victim = world.dice.below(u64::from(AGENTS)) as usize;
            world.restart(victim);
        }
    }
    let harmed = decisions(&world);
    for (_, value) in &harmed {
        assert_eq!(*value, harmed[0].1, "seed {seed}: {harmed:?}");
    }
    // What was decided is what the others find.
    let before = world.said.len();
    for by in 0..usize::from(AGENTS) {
        world.restart(by);
    }
    let learned = |world: &World<A>| {
        let said = &world.said[before..];
        let decided = said
            .iter()
            .filter(|(_, said)| matches!(said, ObjectsSaid::Inner(DecreeSaid::Decided(_))));
        decided.count() >= usize::from(AGENTS)
    };
    // A start record that a dead process asked for may still come, and fences who has begun: it is started again.
    let mut done = world.run_until(learned);
    let mut stopped = before;
    while !done && world.said.len() > stopped {
        let fenced: Vec<usize> = world.said[stopped..]
            .iter()
            .filter(|(_, said)| matches!(said, ObjectsSaid::Stopped(Stop::Fenced { .. })))
            .map(|(by, _)| *by)
            .collect();
        stopped = world.said.len();
        for by in fenced {
            world.restart(by);
        }
        done = world.run_until(learned);
    }
    let decided = decisions(&world);
    for (_, value) in &decided {
        assert_eq!(*value, decided[0].1, "seed {seed}: {decided:?}");
    }
    if A::KIND != PutIfAbsent::KIND {
        assert!(done, "seed {seed}: {:?}", world.stops());
    }
}

#[test]
fn whoever_a_late_start_of_a_dead_process_fences_is_started_again() {
    no_two_decisions::<DiskPaxos>(12_565_020_462_235_558_825, true);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn disk_paxos_decides_once_whatever_dies_and_is_late(seed: u64, text: bool) {
        no_two_decisions::<DiskPaxos>(seed, text);
    }

    #[test]
    fn records_decide_once_whatever_dies_and_is_late(seed: u64) {
        no_two_decisions::<AcceptorRecords>(seed, false);
    }

    #[test]
    fn put_if_absent_decides_once_whatever_dies_and_is_late(seed: u64) {
        no_two_decisions::<PutIfAbsent>(seed, false);
    }
}
