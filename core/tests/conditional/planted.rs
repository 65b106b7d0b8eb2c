//! Every planted bug of the protocols over conditional writes is found; the sound agents are not.

use bivalent_core::Bug;

use crate::{
    explore, run, schedule,
    system::{Broken, Protocol, Setup},
};

fn setups(protocol: Protocol, bug: Option<Bug>) -> impl Iterator<Item = Setup> {
    let sizes = [(2, 1), (2, 2), (2, 3), (3, 1), (3, 3)];
    sizes.into_iter().flat_map(move |(agents, stores)| {
        [0, 2].map(|crashes| Setup {
            lost: 2,
            late: 1,
            crashes,
            bug,
            ..Setup::new(protocol, agents, stores)
        })
    })
}

/// What random schedules break.
fn broken(protocol: Protocol, bug: Option<Bug>) -> Vec<Broken> {
    let mut found: Vec<Broken> = setups(protocol, bug)
        .flat_map(|setup| (0..200).filter_map(move |seed| run(setup, schedule(seed)).1.err()))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[test]
fn the_sound_agents_break_nothing() {
    assert_eq!(broken(Protocol::Records, None), []);
    assert_eq!(broken(Protocol::Claims, None), []);
}

#[test]
fn every_bug_over_records_breaks_agreement_validity_or_a_promise() {
    for bug in Bug::ACCEPTOR_RECORDS {
        let found = broken(Protocol::Records, Some(bug));
        let fatal = [Broken::Agreement, Broken::Validity, Broken::Promise];

        assert!(
            found.iter().any(|b| fatal.contains(b)),
            "{bug:?}: {found:?}"
        );
    }
}

#[test]
fn a_second_vote_in_a_ballot_and_a_fallen_promise_are_seen_before_agreement_breaks() {
    let two_values = broken(Protocol::Records, Some(Bug::VotesAgain));
    let fallen = broken(Protocol::Records, Some(Bug::IgnoresPromise));

    assert!(two_values.contains(&Broken::TwoValues), "{two_values:?}");
    assert!(fallen.contains(&Broken::Promise), "{fallen:?}");
}

#[test]
fn every_bug_of_put_if_absent_is_found_by_exhaustion() {
    for bug in Bug::PUT_IF_ABSENT {
        let found = [(2, 1), (2, 2)].into_iter().find_map(|(agents, stores)| {
            let setup = Setup {
                bug: Some(bug),
                ..Setup::new(Protocol::Claims, agents, stores)
            };
            explore(setup, 1).broken
        });

        assert!(found.is_some(), "{bug:?}");
    }
}

#[test]
fn the_bugs_of_one_record_are_found_by_exhaustion() {
    let found = |bug, lost, crashes| {
        let setup = Setup {
            lost,
            crashes,
            bug: Some(bug),
            ..Setup::new(Protocol::Records, 2, 1)
        };
        explore(setup, 3).broken
    };

    for bug in [
        Bug::OwnInput,
        Bug::DecidesAfterPhase1,
        Bug::RefusedIsWritten,
    ] {
        assert!(found(bug, 0, 0).is_some(), "{bug:?}");
    }
    assert!(found(Bug::IgnoresPromise, 0, 0).is_some());
    assert!(found(Bug::VotesAgain, 1, 0).is_some());
    assert_eq!(found(Bug::VotesAgain, 0, 0), None, "no answer is lost");
    assert!(found(Bug::DropsVote, 0, 1).is_some());
}
