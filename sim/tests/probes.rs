//! Probes: every one is a moment that some run of the hunting grounds comes to, and none a run that can't.

#![cfg(test)]

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicBool},
};

use bivalent_sim::{
    campaign::{
        fuzz::{Pulse, Settings, Tally, block_size, run},
        guard::BuiltIn,
    },
    judge::probe::Probe,
    scenario::{Scenario, catalogue},
};

fn grounds() -> Vec<Arc<Scenario>> {
    let chapters = catalogue::chapters().iter();
    let grounds = chapters.filter(|chapter| chapter.name.starts_with("scenarios/fuzz/"));
    let parse = |chapter: &catalogue::Chapter| {
        Arc::new(Scenario::parse(chapter.name, chapter.text, &catalogue::open).unwrap())
    };
    grounds.map(parse).collect()
}

/// One block of a campaign.
fn block(ground: &Arc<Scenario>, number: u64) -> Tally {
    let size = block_size(ground);
    let seeds = number * size..(number + 1) * size;
    let (pulse, stop) = (Pulse::default(), AtomicBool::new(false));
    let settings = Settings::default();
    run(&BuiltIn, ground, seeds, settings, &[], &pulse, &stop).unwrap()
}

#[test]
fn every_probe_is_reached_on_some_ground_and_none_where_it_can_not_be() {
    let grounds = grounds();
    let mut missing: Vec<Probe> = Probe::ALL.to_vec();
    let mut odd = BTreeSet::new();
    for number in 0..12 {
        for ground in &grounds {
            let tally = block(ground, number);
            let protocol = ground.cluster.protocol;
            for probe in Probe::ALL {
                if tally.probe(probe) > 0 && !probe.concerns(protocol) {
                    odd.insert((ground.name.clone(), probe));
                }
            }
            missing.retain(|&probe| tally.probe(probe) == 0);
        }
        if missing.is_empty() {
            break;
        }
    }
    assert_eq!(missing, []);
    assert_eq!(odd, BTreeSet::new());
}
