//! Every way through a graph is one that the engine can go: what is explored is what is run.

#![cfg(test)]

use std::ops::ControlFlow;

use super::{Exploration, Move, Options, explore};
use crate::{
    engine::{End, blocks::BlockEngine},
    explore::certificate,
    scenario::{Scenario, catalogue, script::Script},
};

/// Ways through each graph.
const WAYS: u64 = 300;
/// The longest of them.
const LONGEST: usize = 60;

fn scenario(name: &str) -> Scenario {
    let wanted = format!("scenarios/explore/{name}.toml");
    let mut chapters = catalogue::chapters().iter();
    let chapter = chapters.find(|chapter| chapter.name == wanted).unwrap();
    Scenario::parse(chapter.name, chapter.text, &catalogue::open).unwrap()
}

/// A way drawn move by move; it ends where nothing more is known.
fn way(explored: &Exploration, seed: u64) -> Vec<Move> {
    let graph = &explored.found.graph;
    let (mut state, mut drawn) = (0, seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut way = Vec::new();
    while way.len() < LONGEST {
        let moves: Vec<(Move, u32)> = graph.moves(state).collect();
        if moves.is_empty() {
            break;
        }
        drawn ^= drawn << 13;
        drawn ^= drawn >> 7;
        drawn ^= drawn << 17;
        let (taken, next) = moves[(drawn >> 33) as usize % moves.len()];
        way.push(taken);
        state = next;
    }
    way
}

/// Runs a way; where the engine could not go on, if it could not.
fn misfit(scenario: &Scenario, way: &[Move]) -> Option<u64> {
    let script = Script {
        stem: way.iter().map(|taken| taken.entry()).collect(),
        turn: Vec::new(),
        ..Script::default()
    };
    let said = ("t", "s");
    let scripted = certificate::scripted(scenario, &script, 10_000, said, "any").unwrap();
    let mut engine = BlockEngine::new(&scripted);
    let end = engine.run(0);
    let at = engine.script_at().unwrap();
    (end == End::Misfit || at < way.len() as u64).then_some(at)
}

fn all_fit(name: &str, depth: Option<usize>) {
    let scenario = scenario(name);
    let options = Options {
        depth,
        ..Options::default()
    };
    let explored = explore(&scenario, &options, &mut |_| ControlFlow::Continue(())).unwrap();
    let mut misfits = Vec::new();
    for seed in 0..WAYS {
        let way = way(&explored, seed);
        if let Some(at) = misfit(&scenario, &way) {
            let words: Vec<String> = way[..=at as usize]
                .iter()
                .map(|taken| crate::scenario::script::words(&scenario, taken.entry()))
                .collect();
            misfits.push((seed, words.join(", ")));
        }
    }
    misfits.sort_by_key(|(_, words)| words.len());
    assert_eq!(misfits.first(), None, "{name}: {} misfits", misfits.len());
}

#[test]
fn the_engine_can_go_every_way_that_was_explored() {
    all_fit("two-by-one", None);
    all_fit("two-by-two", None);
}

#[test]
fn the_engine_can_go_every_way_with_a_crash_and_a_restart() {
    all_fit("two-by-one-restart", None);
}

#[test]
fn the_engine_can_go_every_way_with_torn_writes() {
    all_fit("two-by-one-torn", None);
}

#[test]
fn the_engine_can_go_every_way_of_three_agents() {
    all_fit("three-by-one", Some(12));
}
