//! Every planted bug is found by random schedules that the sound agent passes in silence.

use bivalent_core::{Bug, Overwrite};

use crate::{invariants::Broken, run, schedule, system::Setup};

/// How many schedules there are of each setting.
const SCHEDULES: u64 = 100;

/// Settings small enough to break often; 2x3 and 3x3 are there for what needs a minority.
fn settings(bug: Option<Bug>) -> impl Iterator<Item = Setup> {
    let sizes = [(2, 1), (2, 2), (2, 3), (3, 1), (3, 3)];
    sizes.into_iter().flat_map(move |(agents, stores)| {
        [0, 3].map(|crashes| Setup {
            crashes,
            unreadable: 3,
            timeouts: 2,
            bug,
            ..Setup::new(agents, stores, Overwrite::InPlace)
        })
    })
}

/// What the schedules of one bug break, and how often.
fn broken(bug: Option<Bug>, crashes: bool) -> Vec<(Broken, usize)> {
    let mut found = Vec::new();
    for setup in settings(bug).filter(|setup| crashes || setup.crashes == 0) {
        found.extend((0..SCHEDULES).filter_map(|seed| run(setup, schedule(seed)).1.err()));
    }
    found.sort_unstable();
    let groups = found.chunk_by(|x, y| x == y);
    groups.map(|group| (group[0], group.len())).collect()
}

#[test]
fn the_sound_agent_breaks_nothing() {
    assert_eq!(broken(None, true), []);
}

#[test]
fn every_planted_bug_breaks_something() {
    for bug in Bug::DISK_PAXOS {
        assert_ne!(broken(Some(bug), true), [], "{bug:?}");
    }
}

#[test]
fn a_bug_of_restarts_breaks_nothing_without_one() {
    for bug in [
        Bug::RestartsFromNothing,
        Bug::RecoversFromOne,
        Bug::RecoversWithoutVote,
        Bug::RecoversBelow,
    ] {
        assert_eq!(broken(Some(bug), false), [], "{bug:?}");
    }
}

#[test]
fn equivalent_mutants_never_break_what_is_promised() {
    for bug in Bug::EQUIVALENT {
        let crashes = bug != Bug::ForgetsVote;
        // Some break a letter of the paper's invariants, which are of the paper's algorithm.
        let promised = |broken: &Broken| matches!(broken, Broken::Agreement | Broken::Validity);
        let mut found = broken(Some(bug), crashes);
        found.retain(|(broken, _)| promised(broken));
        assert_eq!(found, [], "{bug:?}");
    }
}
