//! One decision on disks: agents that are killed between any two sectors.

use std::collections::BTreeMap;

use bivalent_core::{
    AgentId, Config, DiskPaxos, DiskPlace, DiskSector, Incarnation, ObjectsSaid, ObjectsSetup,
    Overwrite, StoreTraits, Value,
};
use proptest::prelude::*;

use crate::{
    decision::{decisions, texts},
    disk::Disk,
    world::{STORES, World, envelope, setup},
};

const AGENTS: u16 = 3;

type Disks = World<DiskPaxos, Disk>;

/// An agent's setup on disks.
fn on_disks(me: u16, text: Option<&str>) -> ObjectsSetup<DiskPaxos> {
    let input = Value(100 + u64::from(me));
    let config = Config::new(AgentId(me), AGENTS, envelope(), Overwrite::InPlace, input);
    let traits = StoreTraits {
        may_vanish: false,
        conditional: false,
        exclusive: true,
    };
    ObjectsSetup {
        stores: vec![traits; STORES],
        named: Some(0),
        ..setup(me, AGENTS, config, text)
    }
}

/// The starts that each process has taken, in order.
fn starts(world: &Disks) -> BTreeMap<usize, Vec<Incarnation>> {
    let mut starts: BTreeMap<usize, Vec<Incarnation>> = BTreeMap::new();
    for (by, said) in &world.said {
        if let ObjectsSaid::Began { start } = said {
            starts.entry(*by).or_default().push(*start);
        }
    }
    starts
}

/// Panics if two decisions differ, or two texts, or if a start was taken twice or after a later one.
fn judge(world: &Disks, seed: u64) {
    let decided = decisions(world);
    for (_, value) in &decided {
        assert_eq!(*value, decided[0].1, "seed {seed}: {decided:?}");
    }
    let found = texts(world);
    for (_, text) in &found {
        assert_eq!(*text, found[0].1, "seed {seed}: {found:?}");
    }
    for starts in starts(world).values() {
        assert!(
            starts.is_sorted_by(|one, next| one < next),
            "seed {seed}: {starts:?}"
        );
    }
}

/// Whether all have decided, or found the text, since so much was said.
fn all_know(world: &Disks, since: usize, text: bool) -> bool {
    let mut know = [false; AGENTS as usize];
    for (by, said) in &world.said[since..] {
        know[*by] |= match said {
            ObjectsSaid::Text { .. } => text,
            ObjectsSaid::Inner(bivalent_core::DecreeSaid::Decided(_)) => !text,
            _ => false,
        };
    }
    know == [true; AGENTS as usize]
}

/// Agents that are killed at any moment, in the middle of an operation most of the time. `calm`: not before all have
/// begun.
fn no_two_decisions(seed: u64, text: bool, calm: bool) {
    let mut world = Disks::on_stores(seed);
    for me in 0..AGENTS {
        let words = format!("text {me}");
        world.start(on_disks(me, text.then_some(words.as_str())));
    }
    if calm {
        assert!(world.run_until(|world| starts(world).len() == usize::from(AGENTS)));
    }
    let harm = world.dice.below(20);
    for _ in 0..6000 {
        if !world.step(harm) || world.dice.below(250) == 0 {
            let victim = world.dice.below(u64::from(AGENTS)) as usize;
            world.restart(victim);
        }
    }
    judge(&world, seed);

    // What was decided is what the others find. A disk that was torn as it was set up is nothing of ours any more, and
    // the first start needs all of them.
    let torn = |disk: &Disk| disk.holds(DiskPlace::Identity) == DiskSector::Unreadable;
    let is_torn = world.stores.iter().any(torn);
    let mut done = false;
    for _ in 0..5 {
        let since = world.said.len();
        for by in 0..usize::from(AGENTS) {
            world.restart(by);
        }
        done |= world.run_until(|world| all_know(world, since, text));
    }
    judge(&world, seed);
    assert!(done || is_torn, "seed {seed}: {:?}", world.stops());
    assert!(
        !(calm && is_torn),
        "seed {seed}: an identity was written twice"
    );
}

#[test]
fn agents_on_disks_that_meet_no_harm_decide_the_same() {
    for seed in 0..20 {
        let mut world = Disks::on_stores(seed);
        for me in 0..AGENTS {
            world.start(on_disks(me, Some("words")));
        }

        assert!(world.run_until(|world| all_know(world, 0, true)), "{seed}");

        judge(&world, seed);
        assert!(
            starts(&world)
                .values()
                .all(|taken| *taken == [Incarnation(0)])
        );
    }
}

/// An agent that has decided is killed again and again while it writes on several disks at once; then it is gone, and the others decide.
fn a_decision_stays(seed: u64) {
    let mut world = Disks::on_stores(seed);
    let first = world.start(on_disks(0, None));
    assert!(world.run_until(|world| !decisions(world).is_empty()));
    for _ in 0..4000 {
        let many = world.writes_of(first) > 1 && world.dice.below(3) == 0;
        if many || !world.step(0) || world.dice.below(200) == 0 {
            world.restart(first);
        }
    }
    world.kill(first);
    for me in 1..AGENTS {
        world.start(on_disks(me, None));
    }

    let others = |world: &Disks| {
        let mut decided = decisions(world);
        decided.retain(|(by, _)| *by != first);
        decided.len()
    };
    assert!(world.run_until(|world| others(world) == 2), "seed {seed}");

    judge(&world, seed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_decision_stays_wherever_its_agent_is_killed(seed: u64) {
        a_decision_stays(seed);
    }

    #[test]
    fn disks_decide_once_wherever_agents_are_killed(seed: u64, text: bool, calm: bool) {
        no_two_decisions(seed, text, calm);
    }
}
