//! What keeps an agent from believing a store that is not what it was, and from being two.

use bivalent_core::{
    AcceptorRecords, AgentId, DecreeSaid, DiskPaxos, Folder, Incarnation, Laid, Name, ObjectName,
    ObjectsSaid, Stop, StoreId, Why,
};

use crate::{
    decision::config,
    world::{World, setup},
};

fn began<A: Laid>(world: &World<A>, by: usize) -> Option<Incarnation> {
    let mut said = world.said.iter().rev();
    said.find_map(|(who, said)| match said {
        ObjectsSaid::Began { start } if *who == by => Some(*start),
        _ => None,
    })
}

fn has_decided<A: Laid<Said = DecreeSaid>>(world: &World<A>, by: usize) -> bool {
    let mut said = world.said.iter();
    said.any(|(who, said)| *who == by && matches!(said, ObjectsSaid::Inner(DecreeSaid::Decided(_))))
}

#[test]
fn a_later_start_fences_an_earlier_one() {
    for seed in 0..20 {
        let mut world = World::<DiskPaxos>::new(seed);
        let first = world.start(setup(0, 2, config(0, 2), None));
        assert!(world.run_until(|world| began(world, first).is_some()));
        let second = world.start(setup(0, 2, config(0, 2), None));

        assert!(world.run_until(|world| has_decided(world, second)));

        assert_eq!(began(&world, first), Some(Incarnation(0)));
        assert_eq!(began(&world, second), Some(Incarnation(1)));
        let by = Incarnation(1);
        let fenced = world.stops().contains(&(first, Stop::Fenced { by }));
        assert!(fenced || has_decided(&world, first), "seed {seed}");
    }
}

#[test]
fn a_store_that_was_emptied_is_not_counted() {
    let mut world = World::<DiskPaxos>::new(1);
    let first = world.start(setup(0, 2, config(0, 2), None));
    assert!(world.run_until(|world| has_decided(world, first)));

    world.stores[1].empty();
    let second = world.start(setup(1, 2, config(1, 2), None));
    assert!(world.run_until(|world| has_decided(world, second)));
    assert!(world.failures().contains(&Why::Empty) || world.stores[1].names().count() == 0);
    assert_eq!(world.stores[1].names().count(), 0);

    // With two of three emptied nothing is left to start from.
    world.stores[2].empty();
    world.restart(second);
    world.run_until(|_| false);
    let stops = world.stops();
    assert!(
        matches!(
            stops.last(),
            Some((
                1,
                Stop::TooFewStores {
                    answered: 1,
                    needed: 2,
                    first: false,
                    ..
                }
            ))
        ),
        "{stops:?}"
    );
}

#[test]
fn a_store_that_ignores_conditions_is_refused() {
    let mut world = World::<DiskPaxos>::new(1);
    world.stores[2].ignores_conditions = true;
    world.start(setup(0, 1, config(0, 1), None));

    world.run_until(|world| !world.stops().is_empty());

    assert_eq!(world.stops(), [(0, Stop::Unconditional(StoreId(2)))]);
}

#[test]
fn a_store_that_is_known_to_have_no_conditions_is_not_even_set_up_for_records() {
    let mut world = World::<AcceptorRecords>::new(1);
    let mut setup = setup(0, 1, config(0, 1), None);
    setup.stores[1].conditional = false;

    world.start(setup);

    assert_eq!(world.stops(), [(0, Stop::Unconditional(StoreId(1)))]);
    assert!(world.stores.iter().all(|store| store.names().count() == 0));
}

#[test]
fn a_block_that_is_gone_when_it_is_read_is_listed_again() {
    let mut world = World::<DiskPaxos>::new(3);
    let first = world.start(setup(0, 2, config(0, 2), None));
    assert!(world.run_until(|world| has_decided(world, first)));

    for store in &mut world.stores {
        store.gone = 5;
    }
    let second = world.start(setup(1, 2, config(1, 2), None));

    assert!(world.run_until(|world| has_decided(world, second)));
    assert!(!world.failures().contains(&Why::Restless));
}

#[test]
fn stores_of_two_systems_are_not_mixed() {
    let mut ours = World::<DiskPaxos>::new(1);
    let mut theirs = World::<DiskPaxos>::new(2);
    for world in [&mut ours, &mut theirs] {
        world.start(setup(0, 1, config(0, 1), None));
        assert!(world.run_until(|world| has_decided(world, 0)));
    }

    std::mem::swap(&mut ours.stores[1], &mut theirs.stores[1]);
    ours.restart(0);
    ours.run_until(|world| !world.stops().is_empty());

    assert!(matches!(
        ours.stops()[..],
        [(0, Stop::OtherSystem { found: Some(_), .. })]
    ));
}

#[test]
fn few_versions_stay_and_only_the_latest_start() {
    let mut world = World::<DiskPaxos>::new(9);
    let by = world.start(setup(0, 2, config(0, 2), None));
    assert!(world.run_until(|world| has_decided(world, by)));
    for _ in 0..12 {
        let before = world.said.len();
        world.restart(by);
        assert!(world.run_until(|world| {
            let mut said = world.said[before..].iter();
            said.any(|(_, said)| matches!(said, ObjectsSaid::Inner(DecreeSaid::Decided(_))))
        }));
        while world.step(0) {}
    }

    for store in &world.stores {
        let agents: Vec<_> = store
            .names()
            .filter(|name| name.folder() == Folder::Agents)
            .collect();
        let is_start = |name: &&&ObjectName| matches!(name, ObjectName::Start(AgentId(0), _));
        assert!(agents.iter().filter(is_start).count() <= 1, "{agents:?}");
        assert!(agents.len() <= 7, "{agents:?}");
    }
}

#[test]
fn stores_that_are_set_up_while_we_look_are_not_taken_for_lost() {
    let mut world = World::<DiskPaxos>::new(4);
    let late = world.start(setup(1, 2, config(1, 2), None));
    // It sees the last two before anybody has set them up, and the first one once somebody has begun.
    world.serve_only(StoreId(1));
    world.serve_only(StoreId(2));
    let first = world.start(setup(0, 2, config(0, 2), None));
    for _ in 0..100 {
        for store in [1, 2] {
            world.serve_only(StoreId(store));
        }
        world.serve_one_of(first, StoreId(0));
        if began(&world, first).is_some() {
            break;
        }
    }
    assert!(began(&world, first).is_some());

    assert!(
        world.run_until(|world| has_decided(world, late)),
        "{:?}",
        world.stops()
    );
}

#[test]
fn a_store_that_says_nothing_keeps_nobody_from_starting_once_somebody_has_begun() {
    let mut world = World::<DiskPaxos>::new(4);
    let first = world.start(setup(0, 2, config(0, 2), None));
    assert!(world.run_until(|world| has_decided(world, first)));

    let second = world.start(setup(1, 2, config(1, 2), None));
    for _ in 0..200 {
        world.serve_only(StoreId(0));
        world.serve_only(StoreId(1));
        world.ring_all();
    }

    assert!(has_decided(&world, second));
}

#[test]
fn the_first_start_needs_every_store() {
    let mut world = World::<DiskPaxos>::new(4);
    world.start(setup(0, 2, config(0, 2), None));
    world.serve_only(StoreId(0));
    world.serve_only(StoreId(1));
    world.is_silent(StoreId(2));

    let stops = world.stops();
    let [
        (
            0,
            Stop::TooFewStores {
                answered,
                needed,
                first,
                why,
            },
        ),
    ] = &stops[..]
    else {
        panic!("{stops:?}");
    };
    assert_eq!((*answered, *needed, *first), (2, 3, true));
    assert_eq!(why[..], [(StoreId(2), Why::Silent)]);
    assert!(world.stores.iter().all(|store| store.names().count() == 0));
}

#[test]
fn a_start_record_that_has_stood_and_is_gone_tells_that_the_store_has_lost_it() {
    let mut world = World::<DiskPaxos>::new(8);
    let by = world.start(setup(0, 2, config(0, 2), None));
    assert!(world.run_until(|world| has_decided(world, by)));
    let other = world.start(setup(1, 2, config(1, 2), None));
    assert!(world.run_until(|world| began(world, other).is_some()));

    // All but what the store says of itself: a backup from before the start.
    world.stores[0].forget(|name| name.folder() == Folder::Agents);
    assert!(world.run_until(|world| has_decided(world, other)));

    let names: Vec<_> = world.stores[0].names().collect();
    let stands = |agent| {
        let is_start = |name: &&&ObjectName| **name == &ObjectName::Start(agent, Incarnation(0));
        names.iter().any(|name| is_start(&name))
    };
    assert!(!stands(AgentId(1)), "{names:?}");
}
