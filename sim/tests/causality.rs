//! The order of stamps is reachability in the graph of what happened.

#![cfg(test)]

use std::collections::BTreeMap;

use bivalent_core::AgentId;
use bivalent_sim::engine::causality::{Causality, Stamp};
use proptest::prelude::*;

const AGENTS: usize = 4;
const PLACES: usize = 3;

/// A step of a random history.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Local(u16),
    /// The agent asks for the next version of a place.
    Write(u16, usize),
    /// The agent reads so many versions back from a place's newest.
    Read(u16, usize, usize),
    Restart(u16),
}

fn deed() -> impl Strategy<Value = Deed> {
    let (agent, place) = (0..AGENTS as u16, 0..PLACES);
    prop_oneof![
        2 => agent.clone().prop_map(Deed::Local),
        3 => (agent.clone(), place.clone()).prop_map(|(a, p)| Deed::Write(a, p)),
        5 => (agent.clone(), place, 0..4_usize).prop_map(|(a, p, back)| Deed::Read(a, p, back)),
        1 => agent.prop_map(Deed::Restart),
    ]
}

/// A history told twice: by the recorder, and as a graph of edges from each event to its causes.
#[derive(Default)]
struct Told {
    stamps: Vec<Stamp>,
    causes: Vec<Vec<usize>>,
}

fn tell(deeds: &[Deed]) -> Told {
    let mut causality = Causality::new(AGENTS);
    let mut told = Told::default();
    let mut last: [Option<usize>; AGENTS] = [None; AGENTS];
    let mut incarnations = [0; AGENTS];
    let mut versions = [0_usize; PLACES];
    let mut writers: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for &deed in deeds {
        let at = told.stamps.len();
        let (agent, cause, stamp) = match deed {
            Deed::Local(agent) => (agent, None, causality.local(AgentId(agent))),
            Deed::Write(agent, place) => {
                versions[place] += 1;
                let key = (place, versions[place]);
                writers.insert(key, at);
                (agent, None, causality.wrote(AgentId(agent), key))
            }
            Deed::Read(agent, place, back) => {
                let key = (place, versions[place].saturating_sub(back));
                let stamp = causality.read(AgentId(agent), &key);
                (agent, writers.get(&key).copied(), stamp)
            }
            Deed::Restart(agent) => {
                let index = usize::from(agent);
                incarnations[index] += 1;
                causality.restarted(AgentId(agent), incarnations[index]);
                last[index] = None;
                continue;
            }
        };
        let own = last[usize::from(agent)].replace(at);
        told.causes.push(own.into_iter().chain(cause).collect());
        told.stamps.push(stamp);
    }
    told
}

/// For each event, which events lead to it.
fn reachable(causes: &[Vec<usize>]) -> Vec<Vec<bool>> {
    let mut before: Vec<Vec<bool>> = Vec::new();
    for direct in causes {
        let mut mine = vec![false; causes.len()];
        for &cause in direct {
            mine[cause] = true;
            for (to, from) in mine.iter_mut().zip(&before[cause]) {
                *to |= from;
            }
        }
        before.push(mine);
    }
    before
}

proptest! {
    #[test]
    fn stamps_are_ordered_as_the_graph_is_connected(deeds in prop::collection::vec(deed(), 0..120)) {
        let told = tell(&deeds);
        let before = reachable(&told.causes);

        for (a, one) in told.stamps.iter().enumerate() {
            for (b, other) in told.stamps.iter().enumerate() {
                let (forth, back) = (before[b][a], before[a][b]);
                prop_assert_eq!(one.happens_before(other), forth, "{} and {}", a, b);
                let apart = a != b && !forth && !back;
                prop_assert_eq!(one.is_concurrent_with(other), apart, "{} and {}", a, b);
                prop_assert!(!forth || one.lamport() < other.lamport());
            }
        }
    }

    #[test]
    fn the_events_of_a_process_are_numbered_without_a_gap(deeds in prop::collection::vec(deed(), 0..120)) {
        let mut counts = BTreeMap::new();
        for stamp in tell(&deeds).stamps {
            let count = counts.entry(stamp.process()).or_insert(0);
            *count += 1;
            prop_assert_eq!(stamp.count(), *count);
        }
    }
}

fn clock(stamp: &Stamp) -> [u32; 2] {
    [stamp.clock(0), stamp.clock(1)]
}

#[test]
fn two_agents_know_of_each_other_what_they_have_read() {
    let (a, b) = (AgentId(0), AgentId(1));
    let mut causality = Causality::new(2);

    let a_writes = causality.wrote(a, "a's block, version 1");
    let b_writes = causality.wrote(b, "b's block, version 1");
    let b_reads = causality.read(b, &"a's block, version 1");
    let a_goes_on = causality.local(a);
    let b_writes_again = causality.wrote(b, "b's block, version 2");
    let a_reads = causality.read(a, &"b's block, version 2");

    assert_eq!(clock(&a_writes), [1, 0]);
    assert_eq!(clock(&b_writes), [0, 1]);
    assert_eq!(clock(&b_reads), [1, 2]);
    assert_eq!(clock(&a_goes_on), [2, 0]);
    assert_eq!(clock(&b_writes_again), [1, 3]);
    assert_eq!(clock(&a_reads), [3, 3]);
    let lamports = [a_writes.lamport(), b_reads.lamport(), a_reads.lamport()];
    assert_eq!(lamports, [1, 2, 4]);
    assert!(a_writes.is_concurrent_with(&b_writes));
    assert!(a_goes_on.is_concurrent_with(&b_writes_again));
    assert!(a_writes.happens_before(&a_reads) && b_writes.happens_before(&a_reads));
    assert!(!a_reads.happens_before(&a_reads));
}

#[test]
fn a_stale_read_knows_what_the_old_version_knew() {
    let (a, b) = (AgentId(0), AgentId(1));
    let mut causality = Causality::new(2);
    causality.wrote(a, 1);
    causality.local(a);
    causality.wrote(a, 2);

    let stale = causality.read(b, &1);
    let never_written = causality.read(b, &7);
    let fresh = causality.read(b, &2);

    assert_eq!(clock(&stale), [1, 1]);
    assert_eq!(clock(&never_written), [1, 2]);
    assert_eq!(clock(&fresh), [3, 3]);
}

#[test]
fn a_restarted_agent_knows_of_itself_only_what_it_reads_back() {
    let a = AgentId(0);
    let mut causality = Causality::new(2);
    let known = causality.wrote(a, 1);
    let lost = causality.local(a);
    causality.restarted(a, 1);

    let reborn = causality.local(a);
    let recovered = causality.read(a, &1);

    assert!(reborn.is_concurrent_with(&known));
    assert!(known.happens_before(&recovered));
    assert!(lost.is_concurrent_with(&recovered));
    assert_eq!(causality.processes()[2].incarnation, 1);
}

#[test]
fn to_ask_for_a_write_again_adds_nothing_to_it() {
    let (a, b) = (AgentId(0), AgentId(1));
    let mut causality = Causality::new(2);
    causality.wrote(a, 1);
    causality.local(a);
    causality.wrote(a, 1);

    assert_eq!(clock(&causality.read(b, &1)), [1, 1]);
}
